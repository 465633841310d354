//! Configuration: text -> [`raw::Raw`] -> [`Config`]. Nothing is bound or opened before it is valid.
//!
//! The section names are those of the ecosystem: `receivers` as in the
//! OpenTelemetry Collector. Every default stands in this file and is printed
//! by `bellrock config print`.

mod derived;
mod limits;
mod metrics;
mod print;
mod raw;
mod scrape;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use foundation::units::{ByteSize, parse_duration};
use pipeline::scrape::Scraping;
use thiserror::Error;

use crate::cli::ServeArgs;
pub(crate) use print::print;

/// A configuration that can be run.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub data_dir: PathBuf,
    pub otlp_grpc: Listener,
    pub otlp_http: Listener,
    pub api: Listener,
    pub ui: Listener,
    pub health: Listener,
    pub metrics: Listener,
    pub admin_api: bool,
    pub cors_origin: String,
    pub origins: api::Origins,
    pub otlp_grpc_request_bytes_max: ByteSize,
    pub otlp_http_request_bytes_max: ByteSize,
    pub cors_allowed_origins: Vec<String>,
    pub remote_write_request_bytes_max: ByteSize,
    pub scraping: Scraping,
    pub metrics_engine: metrics::Metrics,
    pub requests_bytes_max: ByteSize,
    pub events_memory_max: ByteSize,
    pub wal_compress: bool,
    pub retention: Duration,
    pub future_max: Duration,
    pub limits: storage::Limits,
    pub query_timeout: Duration,
    pub query_memory_max: ByteSize,
    pub drain_timeout: Duration,
    pub derived: ::derived::Settings,
    pub demo: bool,
    pub log: String,
}

/// Where a port listens, and the setting that says so (for error messages).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listener {
    pub address: SocketAddr,
    pub flag: &'static str,
    pub setting: &'static str,
}

/// Origins that browsers may send telemetry from when nothing is configured: pages of this machine.
const LOCAL_ORIGINS: [&str; 6] = [
    "http://localhost",
    "http://localhost:*",
    "http://127.0.0.1",
    "http://127.0.0.1:*",
    "https://localhost",
    "https://localhost:*",
];

/// Origins whose pages may read the Prometheus API when nothing is configured: those of this machine.
const LOCAL_PAGES: &str = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?";

/// What is wrong with a configuration.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {message}", path.display())]
    Parse { path: PathBuf, message: String },
    #[error("{}", .0.join("\nbellrock: "))]
    Invalid(Vec<String>),
}

/// Reads the file that `args` name, if any, and lays the flags over it.
pub(crate) fn load(args: &ServeArgs) -> Result<Config, ConfigError> {
    let raw = match &args.config {
        None => raw::Raw::default(),
        Some(path) => {
            let text =
                std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
            raw::parse(&text).map_err(|message| ConfigError::Parse { path: path.clone(), message })?
        }
    };
    validate(args, raw)
}

/// Collects what is wrong, so that everything is reported at once.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn say(&mut self, problem: String) {
        self.0.push(problem);
    }

    fn take<T, E: std::fmt::Display>(&mut self, setting: &str, result: Result<T, E>, otherwise: T) -> T {
        result.unwrap_or_else(|e| {
            self.0.push(format!("{setting}: {e}"));
            otherwise
        })
    }

    fn duration(&mut self, setting: &str, text: Option<&str>, default: Duration) -> Duration {
        text.map_or(default, |t| self.take(setting, parse_duration(t), default))
    }

    fn size(&mut self, setting: &str, text: Option<&raw::Size>, default: ByteSize) -> ByteSize {
        text.map_or(default, |t| self.take(setting, t.0.parse(), default))
    }

    fn listener(
        &mut self,
        host: IpAddr,
        port: u16,
        flag: &'static str,
        setting: &'static str,
        given: [Option<&str>; 2],
    ) -> Listener {
        let default = SocketAddr::new(host, port);
        let [from_flag, from_file] = given;
        let name = if from_flag.is_some() { flag } else { setting };
        let address = from_flag.or(from_file).map_or(default, |t| self.take(name, parse_address(t, host), default));
        Listener { address, flag, setting }
    }
}

fn validate(args: &ServeArgs, raw: raw::Raw) -> Result<Config, ConfigError> {
    let mut p = Problems::default();
    let host = match (&args.listen, raw.listen.as_deref()) {
        (Some(ip), _) => *ip,
        (None, Some(text)) => p.take("listen", text.parse(), IpAddr::V4(Ipv4Addr::LOCALHOST)),
        (None, None) => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let scraping = scraping(args, raw.global, raw.scrape_configs, raw.receivers.prometheus, &mut p);
    let raw::Otlp { grpc, http } = raw.receivers.otlp.protocols;
    let server = &raw.server;
    let cors_origin = server.cors_origin.clone().unwrap_or_else(|| LOCAL_PAGES.to_owned());
    let retention = p.duration("storage.retention", raw.storage.retention.as_deref(), Duration::from_secs(15 * 86_400));
    let limits = limits::validate(&mut p, &raw.storage, retention);
    let config = Config {
        data_dir: args.data_dir.clone().or(raw.storage.data_dir).unwrap_or_else(|| "bellrock-data".into()),
        otlp_grpc: p.listener(
            host,
            4317,
            "--otlp-grpc-listen",
            "receivers.otlp.protocols.grpc.endpoint",
            [args.otlp_grpc_listen.as_deref(), grpc.endpoint.as_deref()],
        ),
        otlp_http: p.listener(
            host,
            4318,
            "--otlp-http-listen",
            "receivers.otlp.protocols.http.endpoint",
            [args.otlp_http_listen.as_deref(), http.endpoint.as_deref()],
        ),
        api: p.listener(host, 8080, "--api-listen", "server.api", [args.api_listen.as_deref(), server.api.as_deref()]),
        ui: p.listener(host, 3301, "--ui-listen", "server.ui", [args.ui_listen.as_deref(), server.ui.as_deref()]),
        health: p.listener(
            host,
            13133,
            "--health-listen",
            "server.health",
            [args.health_listen.as_deref(), server.health.as_deref()],
        ),
        metrics: p.listener(
            host,
            8888,
            "--metrics-listen",
            "server.metrics",
            [args.metrics_listen.as_deref(), server.metrics.as_deref()],
        ),
        origins: p.take("server.cors_origin", api::Origins::new(&cors_origin), api::Origins::default()),
        cors_origin,
        admin_api: server.admin_api.unwrap_or(false),
        otlp_grpc_request_bytes_max: grpc.max_recv_msg_size_mib.map_or(ByteSize::mib(64), ByteSize::mib),
        otlp_http_request_bytes_max: p.size(
            "receivers.otlp.protocols.http.max_request_body_size",
            http.max_request_body_size.as_ref(),
            ByteSize::mib(64),
        ),
        cors_allowed_origins: http
            .cors
            .allowed_origins
            .unwrap_or_else(|| LOCAL_ORIGINS.iter().map(ToString::to_string).collect()),
        remote_write_request_bytes_max: p.size(
            "remote_write_receiver.max_request_body_size",
            raw.remote_write_receiver.max_request_body_size.as_ref(),
            ByteSize::mib(64),
        ),
        scraping,
        metrics_engine: metrics::Metrics::new(raw.metrics, &mut p),
        requests_bytes_max: p.size("memory.requests", raw.memory.requests.as_ref(), ByteSize::mib(256)),
        events_memory_max: p.size("memory.events", raw.memory.events.as_ref(), ByteSize::mib(256)),
        wal_compress: raw.storage.wal_compress.unwrap_or(false),
        retention,
        future_max: p.duration("storage.future_max", raw.storage.future_max.as_deref(), Duration::from_secs(86_400)),
        query_timeout: p.duration("query.timeout", raw.query.timeout.as_deref(), Duration::from_secs(30)),
        query_memory_max: p.size("query.memory", raw.query.memory.as_ref(), ByteSize::mib(512)),
        drain_timeout: p.duration("server.drain_timeout", server.drain_timeout.as_deref(), Duration::from_secs(20)),
        limits,
        derived: derived::validate(&mut p, raw.derived),
        demo: args.demo,
        log: args.log.clone(),
    };
    check_ports(&config, &mut p);
    check_not_zero(&config, &mut p);
    if p.0.is_empty() { Ok(config) } else { Err(ConfigError::Invalid(p.0)) }
}

/// What is scraped, from our own sections and from the Collector's receiver. Paths begin at the configuration file.
fn scraping(
    args: &ServeArgs,
    global: scrape::Global,
    jobs: Vec<scrape::Job>,
    receiver: scrape::PrometheusReceiver,
    p: &mut Problems,
) -> Scraping {
    let base = args.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let mut scraping = Scraping::default();
    scrape::add(&mut scraping, "", global, jobs, base, p);
    let receiver = receiver.config;
    scrape::add(&mut scraping, "receivers.prometheus.config.", receiver.global, receiver.scrape_configs, base, p);
    scraping
}

impl Config {
    /// Every listener, in the order they are bound.
    pub(crate) fn listeners(&self) -> [Listener; 6] {
        [self.health, self.metrics, self.otlp_grpc, self.otlp_http, self.api, self.ui]
    }
}

fn check_ports(config: &Config, p: &mut Problems) {
    let all = config.listeners();
    for (i, a) in all.iter().enumerate() {
        if let Some(b) = all[i + 1..].iter().find(|b| b.address == a.address && a.address.port() != 0) {
            p.0.push(format!("{} and {} are both {}; give each its own port", a.setting, b.setting, a.address));
        }
    }
}

/// Zero would refuse everything, which nobody means.
fn check_not_zero(c: &Config, p: &mut Problems) {
    let zero = [
        ("receivers.otlp.protocols.grpc.max_recv_msg_size_mib", c.otlp_grpc_request_bytes_max.0 == 0),
        ("receivers.otlp.protocols.http.max_request_body_size", c.otlp_http_request_bytes_max.0 == 0),
        ("remote_write_receiver.max_request_body_size", c.remote_write_request_bytes_max.0 == 0),
        ("memory.requests", c.requests_bytes_max.0 == 0),
        ("memory.events", c.events_memory_max.0 == 0),
        ("query.memory", c.query_memory_max.0 == 0),
        ("query.timeout", c.query_timeout.is_zero()),
        ("storage.retention", c.retention.is_zero()),
    ];
    p.0.extend(zero.iter().filter(|(_, zero)| *zero).map(|(name, _)| format!("{name}: must be greater than zero")));
}

/// `host:port`, `:port` or `port`; names are not resolved, except `localhost`.
fn parse_address(text: &str, host: IpAddr) -> Result<SocketAddr, String> {
    let t = text.trim();
    let bad = || format!("`{text}` is not an address; write `127.0.0.1:4318`, `0.0.0.0:4318` or only the port");
    if let Ok(address) = t.parse() {
        return Ok(address);
    }
    let port = t.strip_prefix("localhost:").map(|p| (IpAddr::V4(Ipv4Addr::LOCALHOST), p));
    let (host, port) = port.unwrap_or((host, t.strip_prefix(':').unwrap_or(t)));
    port.parse().map(|port| SocketAddr::new(host, port)).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(yaml: &str, expected: Expect) {
        let result = raw::parse(yaml)
            .and_then(|raw| validate(&ServeArgs::default(), raw).map_err(|e| e.to_string()).map(|c| print(&c)));
        expected.assert_eq(&result.unwrap_or_else(|e| format!("error: {e}")));
    }

    #[test]
    fn what_is_printed_is_a_valid_configuration_with_the_same_meaning() {
        let defaults = validate(&ServeArgs::default(), raw::Raw::default()).unwrap();
        let text = print(&defaults);
        let again = validate(&ServeArgs::default(), raw::parse(&text).unwrap()).unwrap();
        assert_eq!(print(&again), text);
        assert_eq!(format!("{again:?}"), format!("{defaults:?}"));
    }

    #[test]
    fn a_misspelt_setting_names_the_line_and_the_right_word() {
        check(
            "listen: 127.0.0.1\nreceivers:\n  otlp:\n    protocols:\n      http:\n        endpiont: 0.0.0.0:4318\n",
            expect![[r#"
                error: line 6 column 9: unknown field `endpiont`, expected one of endpoint, max_request_body_size, cors
                 --> <input>:6:9
                  |
                4 |     protocols:
                5 |       http:
                6 |         endpiont: 0.0.0.0:4318
                  |         ^ unknown field `endpiont`, expected one of endpoint, max_request_body_size, cors
                did you mean `endpoint`?"#]],
        );
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        check(
            "storage: {retention: soon}\nserver: {api: 'here', ui: '3301', health: '127.0.0.1:3301'}\nmemory: {requests: much}\n",
            expect![[r#"
                error: storage.retention: `soon` is not a duration; write numbers and units, for example `15s`, `1h30m` or `7d`
                bellrock: server.api: `here` is not an address; write `127.0.0.1:4318`, `0.0.0.0:4318` or only the port
                bellrock: memory.requests: `much` is not a byte size; write a number and a unit, for example `64MiB` or `10GB`
                bellrock: server.health and server.ui are both 127.0.0.1:3301; give each its own port"#]],
        );
    }

    #[test]
    fn addresses() {
        let host = IpAddr::from([0, 0, 0, 0]);
        assert_eq!(parse_address("4318", host).unwrap(), SocketAddr::new(host, 4318));
        assert_eq!(parse_address(":4318", host).unwrap(), SocketAddr::new(host, 4318));
        assert_eq!(parse_address("localhost:1", host).unwrap(), "127.0.0.1:1".parse().unwrap());
        assert!(parse_address("example.org:1", host).is_err());
    }
}
