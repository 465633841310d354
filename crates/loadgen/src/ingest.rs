//! Sends the bench data set over several connections and measures the answers.
//!
//! One thread generates and compresses into a bounded buffer, which is full
//! before the clock starts; the time that connections nevertheless waited for
//! it is reported, so that a slow generator is not taken for a slow server.
//! A refused request is sent again, as an SDK would, until a minute.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use foundation::{ErrorKind, UnixNanos};
use model::Signal;
use thiserror::Error;
use tokio::sync::{Mutex, mpsc};

use crate::client::{Connection, Encoding, Protocol, SendError};
use crate::report::Report;
use crate::{Request, dataset};

/// Requests in the buffer: at half a kilobyte a record some 128 MB.
const BUFFER: usize = 256;

/// What to send where.
#[derive(Debug, Clone)]
pub struct Config {
    /// `http://host:port`.
    pub endpoint: String,
    /// Transport.
    pub protocol: Protocol,
    /// Compression of the bodies.
    pub encoding: Encoding,
    /// Spans, log records or points.
    pub signal: Signal,
    /// How many records; a whole trace or export may exceed it.
    pub records: u64,
    /// Records of a request of spans or logs, about.
    pub batch: usize,
    /// Connections, each with one request in flight.
    pub connections: usize,
    /// Seed of the data set.
    pub seed: u64,
    /// The end of the time that the data set covers.
    pub end: UnixNanos,
    /// Records per second, at most; without it as fast as the server takes them.
    pub rate: Option<u64>,
}

/// Why a run did not reach its end.
#[derive(Debug, Error)]
pub enum IngestError {
    /// The server will not take the data, or not within a minute.
    #[error("sending after {acknowledged} requests: {source}")]
    Send {
        /// Requests acknowledged before on this connection.
        acknowledged: u64,
        /// The last answer.
        source: SendError,
    },
    /// The generator could not compress, or a task was cancelled.
    #[error("generating: {0}")]
    Generate(String),
}

impl IngestError {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Send { source, .. } => source.kind(),
            Self::Generate(_) => ErrorKind::Internal,
        }
    }
}

struct Prepared {
    signal: Signal,
    records: usize,
    raw: usize,
    body: Bytes,
}

fn data(config: &Config) -> Box<dyn Iterator<Item = Request> + Send> {
    let (seed, n, end) = (config.seed, config.records, config.end);
    match config.signal {
        Signal::Traces => Box::new(dataset::spans(seed, n, end).in_requests_of(config.batch)),
        Signal::Logs => Box::new(dataset::logs(seed, n, end).in_requests_of(config.batch)),
        Signal::Metrics => Box::new(dataset::points(seed, n, end)),
    }
}

/// Fills `out` until the data set ends or nobody takes it; returns the time spent on generating.
fn generate(config: &Config, out: &mpsc::Sender<Prepared>) -> Result<Duration, SendError> {
    let mut busy = Duration::ZERO;
    let mut requests = data(config);
    let start = Instant::now();
    let mut handed_over = 0;
    loop {
        let begun = Instant::now();
        let Some(request) = requests.next() else { return Ok(busy + begun.elapsed()) };
        let (signal, records, raw) = (request.signal, request.records, request.bytes.len());
        let body = config.encoding.encode(request.bytes)?;
        busy += begun.elapsed();
        if let Some(rate) = config.rate {
            let due = Duration::from_secs_f64(handed_over as f64 / rate.max(1) as f64);
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        }
        handed_over += records;
        if out.blocking_send(Prepared { signal, records, raw, body }).is_err() {
            return Ok(busy);
        }
    }
}

/// Sends the whole data set.
///
/// # Errors
/// [`IngestError`] on the first request that is refused for good or for too long.
pub async fn run(config: Config) -> Result<Report, IngestError> {
    let config = Arc::new(config);
    let (out, buffer) = mpsc::channel(BUFFER);
    let expected = match config.rate {
        Some(_) => 1,
        None => (config.records as usize).div_ceil(2 * config.batch.max(1)).min(BUFFER),
    };
    let generator = {
        let config = Arc::clone(&config);
        tokio::task::spawn_blocking(move || generate(&config, &out))
    };
    while buffer.len() < expected && !buffer.is_closed() && !generator.is_finished() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let buffer = Arc::new(Mutex::new(buffer));
    let begun = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..config.connections.max(1) {
        let connection = Connection::new(&config.endpoint, config.protocol)
            .map_err(|source| IngestError::Send { acknowledged: 0, source })?;
        senders.spawn(drain(connection, Arc::clone(&buffer), config.encoding));
    }
    let mut report = Report::default();
    while let Some(joined) = senders.join_next().await {
        // An early return drops the set, which ends the other senders, and the buffer, which ends the generator.
        report.add(joined.map_err(|e| IngestError::Generate(e.to_string()))??);
    }
    report.wall = begun.elapsed();
    report.ack_us.sort_unstable();
    let busy = generator.await.map_err(|e| IngestError::Generate(e.to_string()))?;
    report.generator_busy = busy.map_err(|e| IngestError::Generate(e.to_string()))?;
    Ok(report)
}

async fn drain(
    mut connection: Connection,
    buffer: Arc<Mutex<mpsc::Receiver<Prepared>>>,
    encoding: Encoding,
) -> Result<Report, IngestError> {
    let mut report = Report::default();
    loop {
        let asked = Instant::now();
        let Some(request) = buffer.lock().await.recv().await else { return Ok(report) };
        report.waited_for_generator += asked.elapsed();
        let first = Instant::now();
        let took = loop {
            let sent = Instant::now();
            let Err(refusal) = connection.send(request.signal, request.body.clone(), encoding).await else {
                break sent.elapsed();
            };
            let wait = report.wait_after(refusal, first.elapsed());
            let acknowledged = report.requests;
            tokio::time::sleep(wait.map_err(|source| IngestError::Send { acknowledged, source })?).await;
        };
        report.taken(took, request.records as u64, request.raw, request.body.len());
    }
}
