//! Ports that take datagrams: each is converted, several are handed on together.
//!
//! Nobody hears of a datagram that is lost, so everything that is lost here is counted in the journal: those that cannot be
//! read, those for which the queue is full, those that the pipelines refuse, and those that the kernel dropped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use model::Signal;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};

use crate::component::{Outputs, Run, SIGNALS};
use crate::journal::Journal;
use crate::telemetry::{Origin, Telemetry};

/// Bytes of requests that are handed on together.
const TOGETHER_BYTES_MAX: usize = 1 << 20;
/// How long a request that may be tried again is tried: then what is in the queue would be lost anyway.
const RETRY_MAX: Duration = Duration::from_secs(30);
/// How often the kernel is asked for what it dropped.
const KERNEL_PERIOD: Duration = Duration::from_secs(10);

/// Requests of one datagram, and how many records are in each.
pub(super) type Converted = Vec<(Signal, Vec<u8>, u64)>;

/// How datagrams are taken.
pub(super) struct Port {
    pub socket: Arc<UdpSocket>,
    pub signal: Signal,
    /// Bytes of one datagram; a longer one is refused.
    pub packet_bytes_max: usize,
    /// Datagrams that wait.
    pub queue_max: usize,
    /// Bytes that the kernel may hold; as many as it allows.
    pub socket_bytes: usize,
    pub journal: Journal,
    pub outputs: Outputs,
}

impl Port {
    /// For lines of logs, as syslog sends them.
    pub(super) fn of_lines(socket: Arc<UdpSocket>, journal: Journal, outputs: Outputs) -> Self {
        Self {
            socket,
            signal: Signal::Logs,
            // The most that UDP over IPv4 carries.
            packet_bytes_max: 65_507,
            queue_max: 4096,
            socket_bytes: 4 << 20,
            journal,
            outputs,
        }
    }

    /// Takes datagrams until `run` is stopped; what was taken is handed on.
    pub(super) fn serve<F>(self, run: &mut Run, name: &str, convert: F)
    where
        F: Fn(&[u8], SocketAddr) -> Result<Converted, String> + Send + 'static,
    {
        // Less than was asked for is what the kernel allows (net.core.rmem_max).
        let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&self.socket, self.socket_bytes);
        let (queue, waiting) = mpsc::channel(self.queue_max.max(1));
        run.spawn(&format!("{name} hand on"), hand_on(waiting, self.journal.clone(), self.outputs.clone()));
        run.spawn(
            &format!("{name} kernel"),
            kernel(self.socket.clone(), self.signal, self.journal.clone(), run.stopped()),
        );
        run.spawn(name, self.receive(queue, convert, run.stopped()));
    }

    async fn receive<F>(self, queue: mpsc::Sender<(Converted, SocketAddr)>, convert: F, mut stop: watch::Receiver<bool>)
    where
        F: Fn(&[u8], SocketAddr) -> Result<Converted, String> + Send + 'static,
    {
        // One byte more than is allowed shows that a datagram was longer.
        let mut buffer = vec![0; self.packet_bytes_max + 1];
        loop {
            let received = tokio::select! {
                received = self.socket.recv_from(&mut buffer) => received,
                _ = stop.wait_for(|stopped| *stopped) => return,
            };
            let (bytes, peer) = match received {
                Ok((n, peer)) => (&buffer[..n], peer),
                Err(e) => {
                    self.journal.note(Some(self.signal), "udp", &format!("cannot receive: {e}"), 1);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            if bytes.len() > self.packet_bytes_max {
                let limit = self.packet_bytes_max;
                let message = format!("a datagram is longer than {limit} bytes (`max_packet_size`); it is dropped");
                self.journal.request_refused(Some(self.signal), "udp", &message);
                continue;
            }
            match convert(bytes, peer) {
                Ok(converted) if converted.iter().all(|(_, _, records)| *records == 0) => {}
                Ok(converted) => {
                    if queue.try_send((converted, peer)).is_err() {
                        let message = format!(
                            "{} datagrams wait already (`queue_size`); others are dropped until there is room",
                            self.queue_max
                        );
                        self.journal.request_refused(Some(self.signal), "udp", &message);
                    }
                }
                Err(message) => self.journal.request_refused(Some(self.signal), "udp", &message),
            }
        }
    }
}

/// Hands on what waits, together: requests in protobuf put one behind the other are one request.
async fn hand_on(mut waiting: mpsc::Receiver<(Converted, SocketAddr)>, journal: Journal, outputs: Outputs) {
    while let Some((mut requests, peer)) = waiting.recv().await {
        let mut origin = Origin { peer: Some(peer), ..Origin::default() };
        while requests.iter().map(|(_, request, _)| request.len()).sum::<usize>() < TOGETHER_BYTES_MAX {
            let Ok((more, other)) = waiting.try_recv() else { break };
            requests.extend(more);
            if other.ip() != peer.ip() {
                origin.peer = None;
            }
        }
        let origin = Arc::new(origin);
        for signal in SIGNALS {
            let (mut together, mut records) = (Vec::new(), 0);
            for (_, request, n) in requests.iter().filter(|(s, _, _)| s == signal) {
                together.extend_from_slice(request);
                records += n;
            }
            if records > 0 {
                let telemetry = Telemetry::new(*signal, together.into()).from(Some(origin.clone()));
                insist(telemetry, records, &journal, &outputs).await;
            }
        }
    }
}

/// Hands a request on, again and again while it may be tried again.
async fn insist(telemetry: Telemetry, records: u64, journal: &Journal, outputs: &Outputs) {
    let signal = telemetry.signal();
    let Some(consumer) = outputs.of(signal) else { return };
    let begin = tokio::time::Instant::now();
    while let Err(refusal) = consumer.consume(telemetry.clone()).await {
        match refusal.retry_after() {
            Some(after) if begin.elapsed() < RETRY_MAX => tokio::time::sleep(after.min(Duration::from_secs(1))).await,
            _ => {
                let message = format!("{} ({records} records from datagrams are dropped)", refusal.message);
                journal.request_refused(Some(signal), "udp", &message);
                return;
            }
        }
    }
}

/// Counts what the kernel dropped because nobody fetched it in time.
async fn kernel(socket: Arc<UdpSocket>, signal: Signal, journal: Journal, mut stop: watch::Receiver<bool>) {
    let Ok(address) = socket.local_addr() else { return };
    let mut before = drops(address.port()).unwrap_or(0);
    loop {
        tokio::select! {
            () = tokio::time::sleep(KERNEL_PERIOD) => {}
            _ = stop.wait_for(|stopped| *stopped) => return,
        }
        let Some(now) = drops(address.port()) else { return };
        if now > before {
            let message =
                format!("the kernel dropped datagrams to {address}: its buffer was full; raise net.core.rmem_max");
            journal.note(Some(signal), "udp", &message, now - before);
        }
        before = now;
    }
}

/// What the kernel says it dropped at a port: the last column of `/proc/net/udp`.
fn drops(port: u16) -> Option<u64> {
    let mut sum = None;
    for table in ["/proc/net/udp", "/proc/net/udp6"] {
        let text = std::fs::read_to_string(table).unwrap_or_default();
        sum = text.lines().skip(1).filter_map(|line| drops_of(line, port)).fold(sum, |s, n| Some(s.unwrap_or(0) + n));
    }
    sum
}

fn drops_of(line: &str, port: u16) -> Option<u64> {
    let mut words = line.split_ascii_whitespace();
    let local = words.nth(1)?.rsplit_once(':')?.1;
    (u16::from_str_radix(local, 16).ok()? == port).then(|| words.last()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_understood() {
        let line =
            " 1: 0100007F:1AAF 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 123 2 0000 42";
        assert_eq!((drops_of(line, 6831), drops_of(line, 6832)), (Some(42), None));
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(drops(socket.local_addr().unwrap().port()), Some(0));
    }
}
