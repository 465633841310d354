//! `global` and `scrape_configs` as Prometheus writes them: text -> raw -> [`pipeline::scrape::Scraping`].
//!
//! Source: prometheus.io, "Configuration". Settings that Prometheus has and this build has not are refused, with their line;
//! paths are relative to the configuration file.

mod raw;
mod render;

use std::path::Path;
use std::time::Duration;

use model::Labels;
use pipeline::scrape::config::{FileSd, Group, Protocol, Scheme, ScrapeLimits};
use pipeline::scrape::relabel::{Action, Rule};
use pipeline::scrape::{ScrapeConfig, Scraping};

use super::Problems;
pub(super) use raw::{Global, Job, PrometheusReceiver};
pub(super) use render::{external_labels, render};

/// Prometheus' defaults.
const INTERVAL: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(10);
const FILE_SD_REFRESH: Duration = Duration::from_secs(300);

/// Builds the pools of `jobs`, which stand under `setting`, and adds them to `scraping`.
pub(super) fn add(
    scraping: &mut Scraping,
    setting: &str,
    mut global: Global,
    jobs: Vec<Job>,
    base: &Path,
    p: &mut Problems,
) {
    let defaults = Defaults::new(setting, &mut global, p);
    for (n, job) in jobs.into_iter().enumerate() {
        let place = format!("{setting}scrape_configs[{n}]");
        let pool = build(&place, job, &defaults, base, p);
        if scraping.pools.iter().any(|other| other.job_name == pool.job_name) {
            p.0.push(format!("{place}.job_name: `{}` is the name of an earlier job; give each its own", pool.job_name));
        }
        scraping.pools.push(pool);
    }
    if !global.external_labels.is_empty() {
        scraping.external_labels = global.external_labels.into_iter().collect::<Labels>();
    }
}

/// What jobs inherit.
struct Defaults {
    interval: Duration,
    timeout: Duration,
    protocols: Option<Vec<Protocol>>,
    native: bool,
    always_classic: bool,
    limits: ScrapeLimits,
}

impl Defaults {
    fn new(setting: &str, g: &mut Global, p: &mut Problems) -> Self {
        let place = |name: &str| format!("{setting}global.{name}");
        let interval = p.duration(&place("scrape_interval"), g.scrape_interval.as_deref(), INTERVAL);
        let timeout = p.duration(&place("scrape_timeout"), g.scrape_timeout.as_deref(), TIMEOUT.min(interval));
        if timeout > interval {
            p.0.push(format!("{}: is longer than the scrape_interval", place("scrape_timeout")));
        }
        check_scheme(&place("metric_name_validation_scheme"), g.metric_name_validation_scheme.as_deref(), "utf8", p);
        check_scheme(&place("metric_name_escaping_scheme"), g.metric_name_escaping_scheme.as_deref(), "allow-utf-8", p);
        for (name, text) in
            [("evaluation_interval", &g.evaluation_interval), ("rule_query_offset", &g.rule_query_offset)]
        {
            // Of rules; only checked here.
            p.duration(&place(name), text.as_deref(), INTERVAL);
        }
        if g.convert_classic_histograms_to_nhcb == Some(true) {
            p.0.push(no_nhcb(&place("")));
        }
        Self {
            interval,
            timeout,
            protocols: protocols(&place("scrape_protocols"), g.scrape_protocols.as_deref(), p),
            native: g.scrape_native_histograms.unwrap_or(false),
            always_classic: g.always_scrape_classic_histograms.unwrap_or(false),
            limits: limits(&place(""), &g.take_limits(), ScrapeLimits::default(), p),
        }
    }
}

fn build(place: &str, mut job: Job, defaults: &Defaults, base: &Path, p: &mut Problems) -> ScrapeConfig {
    let at = |name: &str| format!("{place}.{name}");
    if job.job_name.is_empty() {
        p.0.push(format!("{}: is missing", at("job_name")));
    }
    let interval = p.duration(&at("scrape_interval"), job.scrape_interval.as_deref(), defaults.interval);
    // An interval of its own that is shorter than the usual timeout shortens it.
    let timeout = p.duration(&at("scrape_timeout"), job.scrape_timeout.as_deref(), defaults.timeout.min(interval));
    if interval.is_zero() || timeout.is_zero() {
        p.0.push(format!("{place}: scrape_interval and scrape_timeout must be greater than zero"));
    }
    if timeout > interval {
        p.0.push(format!("{}: is longer than the scrape_interval", at("scrape_timeout")));
    }
    let scheme = job.scheme.as_deref().map_or(Some(Scheme::default()), Scheme::from_name);
    if let (None, Some(other)) = (scheme, &job.scheme) {
        p.0.push(format!("{}: `{other}` is not a scheme; there are http and https", at("scheme")));
    }
    let mut http = job.take_http();
    http.set_directory(base);
    p.0.extend(http.check().into_iter().map(|e| format!("{place}.{e}")));
    if job.convert_classic_histograms_to_nhcb == Some(true) {
        p.0.push(no_nhcb(&format!("{place}.")));
    }
    check_scheme(&at("metric_name_validation_scheme"), job.metric_name_validation_scheme.as_deref(), "utf8", p);
    check_scheme(&at("metric_name_escaping_scheme"), job.metric_name_escaping_scheme.as_deref(), "allow-utf-8", p);
    let native = job.scrape_native_histograms.unwrap_or(defaults.native);
    let own =
        protocols(&at("scrape_protocols"), job.scrape_protocols.as_deref(), p).or_else(|| defaults.protocols.clone());
    let usual = || if native { Protocol::NATIVE.to_vec() } else { Protocol::DEFAULT.to_vec() };
    let limits = limits(&at(""), &job.take_limits(), defaults.limits, p);
    let fallback = job.fallback_scrape_protocol.as_deref();
    ScrapeConfig {
        scrape_interval: interval,
        scrape_timeout: timeout,
        scrape_protocols: own.unwrap_or_else(usual),
        fallback_scrape_protocol: fallback.and_then(|name| protocol(&at("fallback_scrape_protocol"), name, p)),
        metrics_path: job.metrics_path.unwrap_or_else(|| "/metrics".to_owned()),
        params: job.params.into_iter().collect(),
        honor_labels: job.honor_labels.unwrap_or(false),
        honor_timestamps: job.honor_timestamps.unwrap_or(true),
        track_timestamps_staleness: job.track_timestamps_staleness.unwrap_or(false),
        enable_compression: job.enable_compression.unwrap_or(true),
        scrape_native_histograms: native,
        always_scrape_classic_histograms: job.always_scrape_classic_histograms.unwrap_or(defaults.always_classic),
        scheme: scheme.unwrap_or_default(),
        http,
        static_configs: job
            .static_configs
            .into_iter()
            .map(|g| Group { targets: g.targets, labels: g.labels.into_iter().collect() })
            .collect(),
        file_sd_configs: (0..)
            .zip(job.file_sd_configs)
            .map(|(n, sd)| file_sd(&at(&format!("file_sd_configs[{n}]")), sd, base, p))
            .collect(),
        relabel_configs: rules(&at("relabel_configs"), job.relabel_configs, p),
        metric_relabel_configs: rules(&at("metric_relabel_configs"), job.metric_relabel_configs, p),
        limits,
        job_name: job.job_name,
    }
}

fn no_nhcb(place: &str) -> String {
    format!("{place}convert_classic_histograms_to_nhcb: this build does not convert classic histograms yet")
}

/// Names are UTF-8 here; asking for less would change the names of what is stored.
fn check_scheme(place: &str, given: Option<&str>, known: &str, p: &mut Problems) {
    if let Some(other) = given.filter(|g| *g != known) {
        p.0.push(format!("{place}: `{other}` is not supported; leave it out or write `{known}`"));
    }
}

fn protocols(place: &str, names: Option<&[String]>, p: &mut Problems) -> Option<Vec<Protocol>> {
    let names = names?;
    if names.is_empty() {
        p.0.push(format!("{place}: is empty; leave it out for the defaults"));
    }
    Some(names.iter().filter_map(|name| protocol(place, name, p)).collect())
}

fn protocol(place: &str, name: &str, p: &mut Problems) -> Option<Protocol> {
    let found = Protocol::NATIVE.into_iter().find(|known| known.name() == name);
    if found.is_none() {
        let known = Protocol::NATIVE.map(Protocol::name).join(", ");
        p.0.push(format!("{place}: `{name}` is not a protocol; there are {known}"));
    }
    found
}

fn limits(place: &str, raw: &raw::Limits, defaults: ScrapeLimits, p: &mut Problems) -> ScrapeLimits {
    let body = raw.body_size_limit.as_ref().map(|size| {
        // Prometheus' sizes are powers of 1024, whichever way they are spelled.
        let text = match size.0.strip_suffix('B') {
            Some(rest) if rest.ends_with(['K', 'M', 'G', 'T']) => format!("{rest}iB"),
            _ => size.0.clone(),
        };
        p.take(&format!("{place}body_size_limit"), text.parse::<foundation::units::ByteSize>(), Default::default())
            .as_usize()
    });
    ScrapeLimits {
        body_size_limit: body.unwrap_or(defaults.body_size_limit),
        sample_limit: raw.sample_limit.unwrap_or(defaults.sample_limit),
        label_limit: raw.label_limit.unwrap_or(defaults.label_limit),
        label_name_length_limit: raw.label_name_length_limit.unwrap_or(defaults.label_name_length_limit),
        label_value_length_limit: raw.label_value_length_limit.unwrap_or(defaults.label_value_length_limit),
        target_limit: raw.target_limit.unwrap_or(defaults.target_limit),
    }
}

fn file_sd(place: &str, raw: raw::FileSd, base: &Path, p: &mut Problems) -> FileSd {
    for file in &raw.files {
        let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let known = [".json", ".yml", ".yaml", ".json*", ".yml*", ".yaml*"].iter().any(|end| name.ends_with(end));
        if !known || name.matches('*').count() > 1 {
            p.0.push(format!(
                "{place}.files: `{}` must end in .json, .yml or .yaml, with one `*` at most",
                file.display()
            ));
        }
    }
    FileSd {
        files: raw.files.iter().map(|f| base.join(f)).collect(),
        refresh_interval: p.duration(
            &format!("{place}.refresh_interval"),
            raw.refresh_interval.as_deref(),
            FILE_SD_REFRESH,
        ),
    }
}

fn rules(place: &str, raw: Vec<raw::Relabel>, p: &mut Problems) -> Vec<Rule> {
    (0..).zip(raw).filter_map(|(n, r)| rule(&format!("{place}[{n}]"), r, p)).collect()
}

fn rule(place: &str, r: raw::Relabel, p: &mut Problems) -> Option<Rule> {
    let name = r.action.as_deref().unwrap_or("replace");
    let Some((name, action)) = Action::NAMES.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known)) else {
        let known = Action::NAMES.map(|(n, _)| n).join(", ");
        p.0.push(format!("{place}.action: `{name}` is not an action; there are {known}"));
        return None;
    };
    let target = r.target_label.unwrap_or_default();
    let needs_target = matches!(
        action,
        Action::Replace
            | Action::KeepEqual
            | Action::DropEqual
            | Action::HashMod
            | Action::Lowercase
            | Action::Uppercase
    );
    if needs_target && target.is_empty() {
        p.0.push(format!("{place}: the action {name} needs a target_label"));
    }
    if action == Action::HashMod && r.modulus.unwrap_or(0) == 0 {
        p.0.push(format!("{place}: the action hashmod needs a modulus above zero"));
    }
    let only_regex = matches!(action, Action::LabelDrop | Action::LabelKeep);
    if only_regex
        && (!r.source_labels.is_empty() || !target.is_empty() || r.modulus.is_some() || r.replacement.is_some())
    {
        p.0.push(format!("{place}: the action {name} takes a regex and nothing else"));
    }
    let pattern = r.regex.as_deref().unwrap_or("(.*)");
    let regex = re2::compile_anchored(pattern).map_err(|e| p.0.push(format!("{place}.regex: {e}"))).ok()?;
    Some(Rule {
        source_labels: r.source_labels,
        separator: r.separator.unwrap_or_else(|| ";".to_owned()),
        regex,
        pattern: pattern.to_owned(),
        modulus: r.modulus.unwrap_or(0),
        target_label: target,
        replacement: r.replacement.unwrap_or_else(|| "$1".to_owned()),
        action,
    })
}

#[cfg(test)]
mod tests;
