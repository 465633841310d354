//! `rule_files`, the rule settings of `global`, and `alerting.alertmanagers`, as Prometheus writes them; `rules` is ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use alerting::rules::Options;
use foundation::units::format_duration;
use net::HttpConfig;
use serde::Deserialize;

use super::Problems;
use super::alerting::RawAlerting;

/// An entry of `alertmanagers`; also takes what `http_config` has.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct RawAlertmanager {
    pub scheme: String,
    pub path_prefix: String,
    pub timeout: Option<String>,
    pub api_version: String,
    pub static_configs: Vec<RawTargets>,
    /// What `http_config` has stands beside these.
    #[serde(flatten)]
    pub http: serde_json::Map<String, serde_json::Value>,
}

impl Default for RawAlertmanager {
    fn default() -> Self {
        Self {
            scheme: "http".to_owned(),
            path_prefix: "/".to_owned(),
            timeout: None,
            api_version: "v2".to_owned(),
            static_configs: Vec::new(),
            http: serde_json::Map::new(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawTargets {
    pub targets: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRules {
    pub threads: Option<usize>,
    pub resend_delay: Option<String>,
    pub for_outage_tolerance: Option<String>,
    pub for_grace_period: Option<String>,
    pub max_results: Option<usize>,
}

/// What is evaluated, and who hears of it.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// With `*` and `?` in the last part.
    pub files: Vec<PathBuf>,
    pub options: Options,
    /// Threads that evaluate.
    pub threads: usize,
    pub alertmanagers: Vec<Alertmanager>,
}

/// An Alertmanager that hears of alerts.
#[derive(Debug, Clone)]
pub(crate) struct Alertmanager {
    pub url: net::Url,
    pub timeout: Duration,
    pub http: HttpConfig,
}

/// What the configuration says of rules, as it is written.
pub(super) struct Written<'a> {
    pub files: Vec<PathBuf>,
    pub interval: Option<&'a str>,
    pub query_offset: Option<&'a str>,
    pub rules: RawRules,
    pub alerting: RawAlerting,
}

/// Paths begin at the configuration file.
pub(super) fn validate(written: Written<'_>, base: &Path, p: &mut Problems) -> Rules {
    let usual = Options { interval: Duration::from_secs(15), ..Options::default() };
    let raw = written.rules;
    let options = Options {
        interval: p.duration("global.evaluation_interval", written.interval, usual.interval),
        query_offset: p.duration("global.rule_query_offset", written.query_offset, usual.query_offset),
        resend_delay: p.duration("rules.resend_delay", raw.resend_delay.as_deref(), usual.resend_delay),
        outage_tolerance: p.duration(
            "rules.for_outage_tolerance",
            raw.for_outage_tolerance.as_deref(),
            usual.outage_tolerance,
        ),
        grace_period: p.duration("rules.for_grace_period", raw.for_grace_period.as_deref(), usual.grace_period),
        results_max: raw.max_results.unwrap_or(usual.results_max),
    };
    if options.interval.is_zero() {
        p.say("global.evaluation_interval: must be greater than zero".to_owned());
    }
    let threads = raw.threads.unwrap_or(THREADS);
    if !(1..=64).contains(&threads) {
        p.say(format!("rules.threads: {threads} is not from 1 to 64"));
    }
    let files = written.files.iter().map(|f| base.join(f)).collect();
    let mut alertmanagers = Vec::new();
    for (n, raw) in written.alerting.alertmanagers.into_iter().enumerate() {
        add(&mut alertmanagers, &format!("alerting.alertmanagers[{n}]"), raw, base, p);
    }
    Rules { files, options, threads, alertmanagers }
}

/// Two slow queries do not hold up the other groups.
const THREADS: usize = 2;

fn add(all: &mut Vec<Alertmanager>, place: &str, raw: RawAlertmanager, base: &Path, p: &mut Problems) {
    let timeout = p.duration(&format!("{place}.timeout"), raw.timeout.as_deref(), Duration::from_secs(10));
    if raw.api_version != "v2" {
        p.say(format!("{place}.api_version: `{}` is not spoken; Alertmanager has v2 since 0.16", raw.api_version));
    }
    if !matches!(raw.scheme.as_str(), "http" | "https") {
        p.say(format!("{place}.scheme: `{}` is neither http nor https", raw.scheme));
    }
    let http = serde_json::from_value(serde_json::Value::Object(raw.http));
    let mut http: HttpConfig = p.take(place, http, HttpConfig::default());
    http.set_directory(base);
    for e in http.check() {
        p.say(format!("{place}.{e}"));
    }
    for target in raw.static_configs.iter().flat_map(|c| &c.targets) {
        let prefix = raw.path_prefix.trim_matches('/');
        let slash = if prefix.is_empty() { "" } else { "/" };
        match net::Url::parse(&format!("{}://{target}{slash}{prefix}/api/v2/alerts", raw.scheme)) {
            Ok(url) => all.push(Alertmanager { url, timeout, http: http.clone() }),
            Err(e) => p.say(format!("{place}.static_configs: `{target}` is not `host:port`: {e}")),
        }
    }
}

/// The sections as a file that can be used as it is. Secrets are not shown.
pub(super) fn print(r: &Rules) -> String {
    let o = &r.options;
    let files: Vec<String> =
        r.files.iter().map(|f| serde_json::Value::from(f.display().to_string()).to_string()).collect();
    let mut out = format!(
        "# Rule files as Prometheus has them; `*` stands for any part of a file's name. Read again on SIGHUP and POST /-/reload.\n\
         rule_files: [{}]\n\
         rules:\n  threads: {}\n  \
         # A firing alert is sent again after so long.\n  resend_delay: {}\n  \
         # Alerts go on after an outage that is not longer; none fires sooner than the grace period after it.\n  \
         for_outage_tolerance: {}\n  for_grace_period: {}\n  \
         # Alerts or series that one rule may make.\n  max_results: {}\n",
        files.join(", "),
        r.threads,
        format_duration(o.resend_delay),
        format_duration(o.outage_tolerance),
        format_duration(o.grace_period),
        o.results_max,
    );
    if !r.alertmanagers.is_empty() {
        out.push_str("alerting:\n  alertmanagers:\n");
    }
    for a in &r.alertmanagers {
        let prefix = a.url.path().trim_end_matches("/api/v2/alerts");
        let port = a.url.port_or_known_default().unwrap_or_default();
        out.push_str(&format!(
            "    - scheme: {}\n      path_prefix: '{}/'\n      timeout: {}\n      static_configs: [{{targets: ['{}:{port}']}}]\n",
            a.url.scheme(),
            prefix,
            format_duration(a.timeout),
            a.url.host_str().unwrap_or_default(),
        ));
        // Values are JSON, which is YAML; secrets print as such.
        if let Ok(serde_json::Value::Object(http)) = serde_json::to_value(&a.http) {
            http.iter().for_each(|(name, value)| out.push_str(&format!("      {name}: {value}\n")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::raw::parse;
    use super::*;

    fn load(yaml: &str) -> Result<Rules, String> {
        let raw = parse(yaml)?;
        let mut p = Problems::default();
        let written = Written {
            files: raw.rule_files,
            interval: raw.global.evaluation_interval.as_deref(),
            query_offset: raw.global.rule_query_offset.as_deref(),
            rules: raw.rules,
            alerting: raw.alerting,
        };
        let rules = validate(written, Path::new("/etc/bellrock"), &mut p);
        if p.0.is_empty() { Ok(rules) } else { Err(p.0.join("\n")) }
    }

    const FULL: &str = "global: {evaluation_interval: 30s}\nrule_files: ['rules/*.yaml', /abs/a.yml]\nrules: {threads: 1, resend_delay: 2m}\n\
        alerting:\n  alertmanagers:\n    - path_prefix: /am\n      timeout: 3s\n      static_configs: [{targets: ['localhost:9093', 'b:80']}]\n";

    #[test]
    fn a_section_of_prometheus_is_what_it_says() {
        let rules = load(FULL).unwrap();
        assert_eq!(rules.files, [PathBuf::from("/etc/bellrock/rules/*.yaml"), PathBuf::from("/abs/a.yml")]);
        assert_eq!((rules.options.interval.as_secs(), rules.options.resend_delay.as_secs()), (30, 120));
        let urls: Vec<_> = rules.alertmanagers.iter().map(|a| a.url.as_str()).collect();
        assert_eq!(urls, ["http://localhost:9093/am/api/v2/alerts", "http://b/am/api/v2/alerts"]);
    }

    #[test]
    fn what_is_printed_means_the_same() {
        let once = print(&load(FULL).unwrap());
        assert_eq!(print(&load(&once).unwrap()), once);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let error = load("alerting: {alertmanagers: [{scheme: ftp, api_version: v1, static_configs: [{targets: ['a b']}]}]}\nrules: {threads: 0}").unwrap_err();
        for part in ["rules.threads", "alertmanagers[0].api_version", "alertmanagers[0].scheme", "`a b`"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
