//! `loadgen`: plays the demo stack against a server, or loads the bench data set into it.
//!
//! The only place of the crate that prints: one JSON object on standard
//! output, everything else on standard error.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use foundation::shutdown::Shutdown;
use foundation::units::parse_duration;
use foundation::{Clock, UnixNanos, clock::SystemClock};
use loadgen::client::{Encoding, Protocol};
use loadgen::meetsmatch::{self, Stack};
use loadgen::{demo, exporter, ingest, remote_write};
use model::Signal;

/// Sends generated OTLP telemetry.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays the MeetsMatch stack in real time until Ctrl-C.
    Meetsmatch(Meetsmatch),
    /// Loads the bench data set as fast as the server takes it and prints what was measured as JSON.
    Ingest(Ingest),
    /// Generates the bench data set, sends nothing, and prints how fast that was as JSON.
    Generate(Generate),
    /// Sends the samples of many machines by remote write, as fast as the server takes them, and prints what was measured as JSON.
    RemoteWrite(RemoteWrite),
    /// Shows machines to a scraper until Ctrl-C: GET /metrics, GET /hosts/<n>/metrics.
    Exporter(Exporter),
}

#[derive(Debug, Args)]
struct Meetsmatch {
    /// OTLP/HTTP base URL.
    #[arg(long, default_value = "http://127.0.0.1:4318")]
    endpoint: String,
    /// OTLP/gRPC base URL for nginx and the bot; without it everything goes over HTTP.
    #[arg(long)]
    grpc_endpoint: Option<String>,
    /// Traces per second.
    #[arg(long, default_value_t = meetsmatch::DEFAULT_RATE)]
    rate: f64,
    /// How much history to send first.
    #[arg(long, default_value = "15m", value_parser = parse_duration)]
    backfill: Duration,
    /// Seed of the generator.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Args)]
struct Generate {
    /// spans, logs or points.
    #[arg(long, value_parser = signal)]
    signal: Signal,
    /// How many records.
    #[arg(long, default_value_t = 2_000_000)]
    records: u64,
    /// Seed of the data set.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End of the six hours that the data set covers, in Unix nanoseconds; now by default.
    #[arg(long)]
    end: Option<i64>,
}

#[derive(Debug, Args)]
struct Ingest {
    #[command(flatten)]
    data: Generate,
    /// Base URL of the server.
    #[arg(long, default_value = "http://127.0.0.1:4318")]
    endpoint: String,
    /// http or grpc.
    #[arg(long, default_value = "http")]
    protocol: Protocol,
    /// identity, gzip or zstd.
    #[arg(long, default_value = "identity")]
    encoding: Encoding,
    /// Records of a request of spans or logs, about; a trace is never cut.
    #[arg(long, default_value_t = loadgen::dataset::BATCH)]
    batch: usize,
    /// Connections, each with one request in flight.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Records per second, at most.
    #[arg(long)]
    rate: Option<u64>,
}

#[derive(Debug, Args)]
struct RemoteWrite {
    /// Where to write.
    #[arg(long, default_value = "http://127.0.0.1:8080/api/v1/write")]
    url: String,
    /// 1 (prometheus.WriteRequest) or 2 (io.prometheus.write.v2.Request).
    #[arg(long, default_value = "1", value_parser = version)]
    version: remote_write::Version,
    /// Machines.
    #[arg(long, default_value_t = 2000)]
    hosts: usize,
    /// Series of each machine.
    #[arg(long, default_value_t = 100)]
    series_per_host: usize,
    /// Samples in all, rounded up so that every series has the same number; 10 of each series by default.
    #[arg(long, conflicts_with = "duration")]
    samples: Option<u64>,
    /// Samples of this stretch of time, as 24h.
    #[arg(long, value_parser = parse_duration)]
    duration: Option<Duration>,
    /// Time between two samples of a series.
    #[arg(long, default_value = "15s", value_parser = parse_duration)]
    interval: Duration,
    /// Samples of one series that stand together in a request: 1 as in live sending, 60 as in a backfill.
    #[arg(long, default_value_t = 1)]
    samples_per_series: u64,
    /// Samples of a request, about.
    #[arg(long, default_value_t = 2000)]
    samples_per_request: usize,
    /// Connections, each with one request in flight.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Each scrape of a host is up to so much late, all its series alike, as 5ms.
    #[arg(long, value_parser = parse_duration, default_value = "0s")]
    jitter: Duration,
    /// Replace every series by a new one each so often, as 10m.
    #[arg(long, value_parser = parse_duration)]
    churn: Option<Duration>,
    /// Seed of the data.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Time of the last sample, in Unix nanoseconds; now by default.
    #[arg(long)]
    end: Option<i64>,
}

#[derive(Debug, Args)]
struct Exporter {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9100")]
    listen: std::net::SocketAddr,
    /// Machines.
    #[arg(long, default_value_t = 1)]
    hosts: usize,
    /// Series of each machine.
    #[arg(long, default_value_t = 100)]
    series_per_host: usize,
    /// Seed of the data.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn version(text: &str) -> Result<remote_write::Version, String> {
    match text {
        "1" => Ok(remote_write::Version::V1),
        "2" => Ok(remote_write::Version::V2),
        _ => Err(format!("`{text}` is not a version of remote write; use 1 or 2")),
    }
}

fn signal(text: &str) -> Result<Signal, String> {
    match text {
        "spans" => Ok(Signal::Traces),
        "logs" => Ok(Signal::Logs),
        "points" => Ok(Signal::Metrics),
        _ => Err(format!("`{text}` is not a signal; use spans, logs or points")),
    }
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).init();
    let outcome = match Cli::parse().command {
        Command::Meetsmatch(args) => play(args),
        Command::Ingest(args) => load(args),
        Command::Generate(args) => generate(&args),
        Command::RemoteWrite(args) => write_remotely(args),
        Command::Exporter(args) => export(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            tracing::error!("{e:#}");
            ExitCode::FAILURE
        }
    }
}

fn play(args: Meetsmatch) -> anyhow::Result<()> {
    let clock = Arc::new(SystemClock);
    let stack = Stack::with_rate(args.seed, demo::start_before(clock.now(), args.backfill), args.rate);
    let endpoints = demo::Endpoints { http: args.endpoint, grpc: args.grpc_endpoint };
    let shutdown = Shutdown::new();
    let demo = demo::spawn(stack, endpoints, clock, shutdown.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::signal::ctrl_c()).context("waiting for Ctrl-C")?;
    shutdown.set();
    let totals = demo.join().map_err(|_| anyhow::anyhow!("the demo thread panicked"))?;
    print(&serde_json::json!({
        "acknowledged": totals.acknowledged, "refused": totals.refused, "dropped": totals.dropped,
    }))
}

fn load(args: Ingest) -> anyhow::Result<()> {
    let config = ingest::Config {
        endpoint: args.endpoint,
        protocol: args.protocol,
        encoding: args.encoding,
        signal: args.data.signal,
        records: args.data.records,
        batch: args.batch,
        connections: args.connections,
        seed: args.data.seed,
        end: end(&args.data),
        rate: args.rate,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(ingest::run(config.clone()))?;
    let wall = report.wall.as_secs_f64();
    let ms = |q| report.ack_quantile_us(q) as f64 / 1e3;
    print(&serde_json::json!({
        "signal": config.signal.records(),
        "protocol": config.protocol.name(),
        "encoding": config.encoding.name(),
        "connections": config.connections,
        "records": report.records,
        "requests": report.requests,
        "bytes": report.bytes,
        "bytes_sent": report.bytes_sent,
        "wall_seconds": wall,
        "records_per_second": report.records as f64 / wall,
        "ack_ms": { "p50": ms(0.5), "p99": ms(0.99), "max": ms(1.0) },
        "refused": report.refused,
        "retried": report.retried,
        "generator": {
            "note": "a full buffer stood ready at the start; waiting time is summed over the connections",
            "busy_seconds": report.generator_busy.as_secs_f64(),
            "connections_waited_seconds": report.waited_for_generator.as_secs_f64(),
        },
        "end_unix_nano": config.end.0,
    }))
}

fn generate(args: &Generate) -> anyhow::Result<()> {
    let (seed, n, end) = (args.seed, args.records, end(args));
    let requests: Box<dyn Iterator<Item = loadgen::Request>> = match args.signal {
        Signal::Traces => Box::new(loadgen::dataset::spans(seed, n, end)),
        Signal::Logs => Box::new(loadgen::dataset::logs(seed, n, end)),
        Signal::Metrics => Box::new(loadgen::dataset::points(seed, n, end)),
    };
    let begun = std::time::Instant::now();
    let (mut records, mut bytes, mut count) = (0, 0, 0);
    for request in requests {
        records += request.records;
        bytes += request.bytes.len();
        count += 1;
    }
    let wall = begun.elapsed().as_secs_f64();
    print(&serde_json::json!({
        "signal": args.signal.records(),
        "records": records,
        "requests": count,
        "bytes": bytes,
        "bytes_per_record": bytes as f64 / records as f64,
        "wall_seconds": wall,
        "records_per_second": records as f64 / wall,
    }))
}

fn write_remotely(args: RemoteWrite) -> anyhow::Result<()> {
    let series = args.hosts as u64 * args.series_per_host as u64;
    anyhow::ensure!(series > 0 && !args.interval.is_zero(), "there must be a host, a series and an interval");
    let of_duration = args.duration.map(|d| (d.as_nanos() / args.interval.as_nanos()) as u64);
    let steps = of_duration.or(args.samples.map(|n| n.div_ceil(series))).unwrap_or(10).max(1);
    let config = remote_write::Config {
        url: args.url,
        version: args.version,
        hosts: args.hosts,
        series_per_host: args.series_per_host,
        interval: args.interval,
        steps,
        samples_per_series: args.samples_per_series,
        samples_per_request: args.samples_per_request,
        connections: args.connections,
        seed: args.seed,
        end: args.end.map_or_else(|| SystemClock.now(), UnixNanos),
        jitter: args.jitter,
        churn: args.churn,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(remote_write::run(config.clone()))?;
    let wall = report.wall.as_secs_f64();
    let ms = |q| report.ack_quantile_us(q) as f64 / 1e3;
    print(&serde_json::json!({
        "protocol": format!("remote write, {}", config.version.message()),
        "connections": config.connections,
        "series": series,
        "samples": report.records,
        "requests": report.requests,
        "bytes": report.bytes,
        "bytes_sent": report.bytes_sent,
        "wall_seconds": wall,
        "samples_per_second": report.records as f64 / wall,
        "ack_ms": {
            "p50": ms(0.5), "p99": ms(0.99), "max": ms(1.0),
        },
        "retried": report.retried,
        "generator": {
            "note": "full buffers stood ready at the start; waiting time is summed over the connections",
            "busy_seconds": report.generator_busy.as_secs_f64(),
            "connections_waited_seconds": report.waited_for_generator.as_secs_f64(),
        },
        "end_unix_nano": config.end.0,
    }))
}

fn export(args: &Exporter) -> anyhow::Result<()> {
    let exporter = exporter::Exporter::new(args.seed, args.hosts, args.series_per_host);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(args.listen)
            .await
            .with_context(|| format!("cannot listen on {}", args.listen))?;
        tracing::info!("GET http://{}/metrics and /hosts/<n>/metrics below {}", args.listen, args.hosts);
        tokio::select! {
            served = exporter.serve(listener) => served.context("serving metrics"),
            stop = tokio::signal::ctrl_c() => stop.context("waiting for Ctrl-C"),
        }
    })
}

fn end(args: &Generate) -> UnixNanos {
    args.end.map_or_else(|| SystemClock.now(), UnixNanos)
}

fn print(report: &serde_json::Value) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{report:#}").context("writing the report")
}
