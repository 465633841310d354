//! Configuration: text -> document -> our own sections ([`raw::Raw`] -> [`Config`]) and the graph's plan. Nothing is bound or
//! opened before it is valid.
//!
//! The section names are those of the ecosystem: `receivers` as in the
//! OpenTelemetry Collector. Every default stands in this file and is printed
//! by `bellrock config print`.

pub(crate) mod alerting;
mod derived;
mod limits;
mod load;
mod machine;
mod metrics;
pub(crate) mod objectives;
mod print;
mod raw;
mod receivers;
pub(crate) mod rules;
mod scrape;
mod sent;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use foundation::units::{ByteSize, parse_duration};
use pipeline::component::parse_address;
use pipeline::scrape::Scraping;

use crate::cli::ServeArgs;
pub(crate) use load::{ConfigError, Draft, Loaded, draft, load, load_collect};
use load::{Usual, directory};
pub(crate) use sent::check_text;

/// Bytes a second that merges write at most, unless it is set.
const MERGE_RATE: ByteSize = ByteSize::mib(64);
/// With less, merges would fall behind the slowest senders.
const MERGE_RATE_MIN: ByteSize = ByteSize::mib(1);
/// Live tails, unless it is set: each looks twice a second.
const TAILS_MAX: usize = 100;
/// No more can be set.
const TAILS_END: usize = 10_000;

/// A configuration that can be run.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub data_dir: PathBuf,
    pub api: Listener,
    pub ui: Listener,
    pub health: Listener,
    pub metrics: Listener,
    pub alertmanager: Listener,
    /// Whether somebody has said where the alert manager listens.
    pub alertmanager_asked: bool,
    /// Where the alert manager is reached, for links in messages.
    pub external_url: Option<String>,
    pub alerting: alerting::Source,
    pub admin_api: bool,
    pub cors_origin: String,
    pub origins: api::Origins,
    pub remote_write_request_bytes_max: ByteSize,
    /// Everything that is scraped: what our own section says first.
    pub scraping: Scraping,
    /// How many pools our own section has; the others stand in `receivers`.
    pub own_pools: usize,
    pub rules: rules::Rules,
    pub objectives: objectives::Objectives,
    /// Folders whose dashboards are shown.
    pub dashboards: Vec<PathBuf>,
    pub metrics_engine: metrics::Metrics,
    pub requests_bytes_max: ByteSize,
    pub events_memory_max: ByteSize,
    pub wal_compress: bool,
    /// Bytes a second.
    pub merge_rate: ByteSize,
    pub retention: Duration,
    pub future_max: Duration,
    pub limits: storage::Limits,
    pub query_timeout: Duration,
    pub query_memory_max: ByteSize,
    pub tails_max: usize,
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

/// Origins whose pages may read the Prometheus API when nothing is configured: those of this machine.
const LOCAL_PAGES: &str = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?";

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

    fn at_most(&mut self, setting: &str, n: Option<usize>, default: usize, max: usize) -> usize {
        let n = n.unwrap_or(default);
        if n > max {
            self.say(format!("{setting}: {n} is more than {max}, the largest that is taken"));
        }
        n.min(max)
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

/// Our own sections, over which the flags are laid.
fn validate(args: &ServeArgs, raw: raw::Raw, host: IpAddr, usual: &Usual, p: &mut Problems) -> Config {
    let base = directory(&args.config);
    let alert_source = alerting::source(args, raw.alerting_file.as_deref(), &raw.alerting, p);
    let rules = rules::Written {
        files: raw.rule_files,
        interval: raw.global.evaluation_interval.as_deref(),
        query_offset: raw.global.rule_query_offset.as_deref(),
        rules: raw.rules,
        alerting: raw.alerting,
    };
    let rules = rules::validate(rules, &base, p);
    let objectives = objectives::validate(raw.slo_files, raw.slos, raw.error_budgets, &base, p);
    let mut scraping = Scraping::default();
    scrape::add(&mut scraping, "", raw.global, raw.scrape_configs, &base, p);
    let server = &raw.server;
    let cors_origin = server.cors_origin.clone().unwrap_or_else(|| LOCAL_PAGES.to_owned());
    let retention = p.duration("storage.retention", raw.storage.retention.as_deref(), Duration::from_secs(15 * 86_400));
    let limits = limits::validate(p, &raw.storage, retention);
    let config = Config {
        data_dir: args.data_dir.clone().or(raw.storage.data_dir).unwrap_or_else(|| "bellrock-data".into()),
        api: p.listener(host, 8080, "--api-listen", "server.api", [args.api_listen.as_deref(), server.api.as_deref()]),
        ui: p.listener(host, 3301, "--ui-listen", "server.ui", [args.ui_listen.as_deref(), server.ui.as_deref()]),
        health: p.listener(
            host,
            13133,
            "--health-listen",
            "server.health",
            [args.health_listen.as_deref(), server.health.as_deref().or(usual.health.as_deref())],
        ),
        metrics: p.listener(
            host,
            8888,
            "--metrics-listen",
            "server.metrics",
            [args.metrics_listen.as_deref(), server.metrics.as_deref().or(usual.metrics.as_deref())],
        ),
        alertmanager: p.listener(
            host,
            9093,
            "--alertmanager-listen",
            "server.alertmanager",
            [args.alertmanager_listen.as_deref(), server.alertmanager.as_deref()],
        ),
        alertmanager_asked: args.alertmanager_listen.is_some() || server.alertmanager.is_some(),
        external_url: server.external_url.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
        alerting: alert_source,
        origins: p.take("server.cors_origin", api::Origins::new(&cors_origin), api::Origins::default()),
        cors_origin,
        admin_api: server.admin_api.unwrap_or(false),
        remote_write_request_bytes_max: p.size(
            "remote_write_receiver.max_request_body_size",
            raw.remote_write_receiver.max_request_body_size.as_ref(),
            ByteSize::mib(64),
        ),
        own_pools: scraping.pools.len(),
        scraping,
        rules,
        objectives,
        dashboards: raw.dashboards.paths.iter().map(|f| base.join(f)).collect(),
        metrics_engine: metrics::Metrics::new(raw.metrics, p),
        requests_bytes_max: p.size("memory.requests", raw.memory.requests.as_ref(), ByteSize::mib(256)),
        events_memory_max: p.size("memory.events", raw.memory.events.as_ref(), ByteSize::mib(256)),
        wal_compress: raw.storage.wal_compress.unwrap_or(false),
        merge_rate: p.size("storage.merge_rate", raw.storage.merge_rate.as_ref(), MERGE_RATE),
        retention,
        future_max: p.duration("storage.future_max", raw.storage.future_max.as_deref(), Duration::from_secs(86_400)),
        query_timeout: p.duration("query.timeout", raw.query.timeout.as_deref(), Duration::from_secs(30)),
        query_memory_max: p.size("query.memory", raw.query.memory.as_ref(), ByteSize::mib(512)),
        tails_max: p.at_most("query.tails_max", raw.query.tails_max, TAILS_MAX, TAILS_END),
        drain_timeout: p.duration("server.drain_timeout", server.drain_timeout.as_deref(), Duration::from_secs(20)),
        limits,
        derived: derived::validate(p, raw.derived),
        demo: args.demo,
        log: usual.log.clone().filter(|_| args.log == "info").unwrap_or_else(|| args.log.clone()),
    };
    check_ports(&config, p);
    check_not_zero(&config, p);
    config
}

impl Config {
    /// Our own listeners.
    pub(crate) fn listeners(&self) -> [Listener; 5] {
        [self.health, self.metrics, self.api, self.ui, self.alertmanager]
    }

    /// What our own section says to scrape.
    fn own_scraping(&self) -> Scraping {
        let pools = self.scraping.pools.iter().take(self.own_pools).cloned().collect();
        Scraping { pools, external_labels: self.scraping.external_labels.clone() }
    }

    /// Where the alert manager is reached: as it is set, or where it listens.
    pub(crate) fn alertmanager_external_url(&self) -> String {
        self.external_url.clone().unwrap_or_else(|| {
            let address = self.alertmanager.address;
            let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
            let host = if address.is_ipv6() && host.contains(':') { format!("[{host}]") } else { host };
            format!("http://{host}:{}", address.port())
        })
    }
}

fn check_ports(config: &Config, p: &mut Problems) {
    let all = config.listeners();
    for (i, a) in all.iter().enumerate() {
        if let Some(b) = all[i + 1..].iter().find(|b| b.address == a.address && a.address.port() != 0) {
            p.0.push(format!("{}: is {}, and so is {}; give each its own port", a.setting, a.address, b.setting));
        }
    }
}

/// Zero would refuse everything, which nobody means.
fn check_not_zero(c: &Config, p: &mut Problems) {
    let zero = [
        ("remote_write_receiver.max_request_body_size", c.remote_write_request_bytes_max.0 == 0),
        ("memory.requests", c.requests_bytes_max.0 == 0),
        ("memory.events", c.events_memory_max.0 == 0),
        ("query.memory", c.query_memory_max.0 == 0),
        ("query.timeout", c.query_timeout.is_zero()),
        ("query.tails_max", c.tails_max == 0),
        ("storage.retention", c.retention.is_zero()),
    ];
    if c.merge_rate < MERGE_RATE_MIN {
        p.0.push(format!(
            "storage.merge_rate: {} is too little: segments would become ever more; write at least {MERGE_RATE_MIN}",
            c.merge_rate
        ));
    }
    p.0.extend(zero.iter().filter(|(_, zero)| *zero).map(|(name, _)| format!("{name}: must be greater than zero")));
}

#[cfg(test)]
mod tests;
