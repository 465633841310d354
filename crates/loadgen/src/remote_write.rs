//! Sends the samples of many [`Host`]s by remote write and measures the answers.
//!
//! The hosts are shared out to the connections in blocks, and each connection sends its blocks in order of time: samples
//! of one series never overtake each other. As in [`crate::ingest`] one thread generates into bounded buffers, which are
//! full before the clock starts, and the time that connections waited for it is reported.

mod blocks;

use std::time::{Duration, Instant};

use bytes::Bytes;
use foundation::UnixNanos;
use http::Uri;
use thiserror::Error;
use tokio::sync::mpsc;

use crate::client::http1::Sender;
use crate::client::{self, DEADLINE, SendError};
use crate::node::Host;
use crate::report::Report;
use blocks::Block;

/// Requests that stand ready for one connection.
const BUFFER: usize = 16;

/// Which version of the protocol.
pub use wire::prometheus::remote_write::Version;

/// What to send where.
#[derive(Debug, Clone)]
pub struct Config {
    /// `http://host:port/path`.
    pub url: String,
    /// Version of the protocol.
    pub version: Version,
    /// Machines.
    pub hosts: usize,
    /// Series of each.
    pub series_per_host: usize,
    /// Time between two samples of a series.
    pub interval: Duration,
    /// How many samples each series gets.
    pub steps: u64,
    /// Samples of one series that stand together in a request: 1 as in live sending, more as in a backfill.
    pub samples_per_series: u64,
    /// Samples of a request, about: it holds the series of whole hosts.
    pub samples_per_request: usize,
    /// Connections, each with one request in flight.
    pub connections: usize,
    /// Seed of the data.
    pub seed: u64,
    /// The time of the last sample; the first lies `steps` intervals before.
    pub end: UnixNanos,
    /// Each scrape of a host is up to so much late, all its series alike.
    pub jitter: Duration,
    /// Every series is replaced by a new one each so often.
    pub churn: Option<Duration>,
}

/// Why a run did not reach its end.
#[derive(Debug, Error)]
pub enum RemoteWriteError {
    /// Not `http://host:port/path`.
    #[error("`{0}` is not a URL to write to; give http://host:port/path")]
    Url(String),
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

struct Prepared {
    samples: u64,
    raw: usize,
    body: Bytes,
}

/// Sends everything.
///
/// # Errors
/// [`RemoteWriteError`] on the first request that is refused for good or for too long.
pub async fn run(config: Config) -> Result<Report, RemoteWriteError> {
    let bad = || RemoteWriteError::Url(config.url.clone());
    let authority = client::authority(&config.url).map_err(|_| bad())?;
    let path = config.url.parse::<Uri>().map_err(|_| bad())?.path().to_owned();
    let connections = config.connections.max(1);
    let (outs, buffers): (Vec<_>, Vec<_>) = (0..connections).map(|_| mpsc::channel(BUFFER)).unzip();
    let version = config.version;
    let generator = tokio::task::spawn_blocking(move || generate(&config, &outs));
    // One that is full stops the generator, which would never fill the others then.
    while buffers.iter().all(|b| b.len() < BUFFER) && !generator.is_finished() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let begun = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for buffer in buffers {
        senders.spawn(drain(Target { authority: authority.clone(), path: path.clone(), version }, buffer));
    }
    let mut report = Report::default();
    while let Some(joined) = senders.join_next().await {
        // An early return drops the set, which ends the other senders, and the buffers, which ends the generator.
        report.add(joined.map_err(|e| RemoteWriteError::Generate(e.to_string()))??);
    }
    report.wall = begun.elapsed();
    report.ack_us.sort_unstable();
    let busy = generator.await.map_err(|e| RemoteWriteError::Generate(e.to_string()))?;
    report.generator_busy = busy.map_err(RemoteWriteError::Generate)?;
    Ok(report)
}

/// Fills `outs` until the data ends or somebody does not take it; returns the time spent on generating.
fn generate(config: &Config, outs: &[mpsc::Sender<Prepared>]) -> Result<Duration, String> {
    let mut busy = Duration::ZERO;
    let begun = Instant::now();
    let per_request = config.samples_per_series.max(1);
    let hosts_per_block =
        (config.samples_per_request as u64 / (config.series_per_host as u64 * per_request).max(1)).max(1);
    let generation = config.churn.map(|_| 0);
    let hosts: Vec<Host> =
        (0..config.hosts).map(|n| Host::new(config.seed, n, config.series_per_host, generation)).collect();
    let mut blocks: Vec<Block> =
        hosts.chunks(hosts_per_block as usize).map(|h| Block::new(h.to_vec(), config)).collect();
    busy += begun.elapsed();
    let mut compressor = snap::raw::Encoder::new();
    let mut step = 0;
    while step < config.steps {
        let steps = per_request.min(config.steps - step);
        for (n, block) in blocks.iter_mut().enumerate() {
            let begun = Instant::now();
            let (request, samples) = block.request(step, steps, config);
            let body = compressor.compress_vec(&request).map_err(|e| e.to_string())?;
            busy += begun.elapsed();
            let prepared = Prepared { samples, raw: request.len(), body: body.into() };
            let Some(out) = outs.get(n % outs.len()) else { continue };
            if out.blocking_send(prepared).is_err() {
                return Ok(busy);
            }
        }
        step += steps;
    }
    Ok(busy)
}

struct Target {
    authority: String,
    path: String,
    version: Version,
}

impl Target {
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        match self.version {
            Version::V1 => &[
                ("content-type", "application/x-protobuf"),
                ("content-encoding", "snappy"),
                ("x-prometheus-remote-write-version", "0.1.0"),
            ],
            Version::V2 => &[
                ("content-type", "application/x-protobuf;proto=io.prometheus.write.v2.Request"),
                ("content-encoding", "snappy"),
                ("x-prometheus-remote-write-version", "2.0.0"),
            ],
        }
    }

    /// Sends one request over `connection`, made anew when there is none.
    async fn send(&self, connection: &mut Option<Sender>, body: Bytes) -> Result<(), SendError> {
        let exchange = async {
            if connection.as_ref().is_none_or(Sender::is_closed) {
                *connection = Some(Sender::connect(&self.authority).await?);
            }
            match connection.as_mut() {
                Some(sender) => sender.post(&self.path, self.headers(), body).await,
                None => Err(SendError::Endpoint(self.authority.clone())),
            }
        };
        let late = || SendError::Deadline { authority: self.authority.clone() };
        let outcome = tokio::time::timeout(DEADLINE, exchange).await.unwrap_or_else(|_| Err(late()));
        if matches!(&outcome, Err(SendError::Transport { .. } | SendError::Deadline { .. })) {
            *connection = None;
        }
        outcome
    }
}

async fn drain(target: Target, mut buffer: mpsc::Receiver<Prepared>) -> Result<Report, RemoteWriteError> {
    let mut report = Report::default();
    let mut connection = None;
    loop {
        let asked = Instant::now();
        let Some(request) = buffer.recv().await else { return Ok(report) };
        report.waited_for_generator += asked.elapsed();
        let first = Instant::now();
        let took = loop {
            let sent = Instant::now();
            let Err(refusal) = target.send(&mut connection, request.body.clone()).await else {
                break sent.elapsed();
            };
            let wait = report.wait_after(refusal, first.elapsed());
            let acknowledged = report.requests;
            tokio::time::sleep(wait.map_err(|source| RemoteWriteError::Send { acknowledged, source })?).await;
        };
        report.taken(took, request.samples, request.raw, request.body.len());
    }
}
