//! The section `metrics`: what the metrics engine takes, and what of OTLP becomes a label.
//!
//! Limits and rules hold for every way in. Selectors are PromQL's; a series is kept out when it satisfies one of `drop`, or
//! none of `keep` where there are any.

use std::time::Duration;

use foundation::units::format_duration;
use promql::matcher::MatchOp;
use serde::Deserialize;
use serde_json::json;
use tsdb::{AggregateRule, KeepLabels, Matcher, Options, OtlpOptions, SeriesLimits};

use super::Problems;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawMetrics {
    pub max_series: Option<usize>,
    pub out_of_order_time_window: Option<String>,
    pub series_limit_per_metric: Option<usize>,
    pub series_limit_per_job: Option<usize>,
    pub label_limit: Option<usize>,
    pub label_name_length_limit: Option<usize>,
    pub label_value_length_limit: Option<usize>,
    pub drop: Vec<String>,
    pub keep: Vec<String>,
    pub aggregate: Vec<RawAggregate>,
    pub otlp: RawOtlp,
}

/// A sum in the place of the series that it is made of.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAggregate {
    #[serde(rename = "match")]
    pub selector: String,
    pub by: Option<Vec<String>>,
    pub without: Option<Vec<String>>,
    pub interval: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// As in Prometheus' section `otlp`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawOtlp {
    pub promote_resource_attributes: Option<Vec<String>>,
    pub promote_scope_metadata: Option<bool>,
    pub convert_histograms_to_nhcb: Option<bool>,
}

/// What tells apart the series of one receiver: without them the tables of a database, or two servers of a kind, would be one series.
const PROMOTED: [&str; 6] = [
    "postgresql.database.name",
    "postgresql.schema.name",
    "postgresql.table.name",
    "postgresql.index.name",
    "server.address",
    "server.port",
];

fn promoted() -> Vec<String> {
    PROMOTED.map(str::to_owned).to_vec()
}

/// What is set for the metrics engine.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    max_series: usize,
    window: Duration,
    limits: SeriesLimits,
    drop: Vec<Rule>,
    keep: Vec<Rule>,
    aggregate: Vec<Sum>,
    otlp: OtlpOptions,
}

/// A selector as it was written, and what it means.
#[derive(Debug, Clone)]
struct Rule {
    text: String,
    matchers: Vec<Matcher>,
}

/// A rule that aggregates, its selector as it was written.
#[derive(Debug, Clone)]
struct Sum {
    text: String,
    rule: AggregateRule,
}

/// The distance of two samples of a sum, when nothing is said.
const AGGREGATE_INTERVAL: Duration = Duration::from_secs(60);

impl Metrics {
    pub(super) fn new(raw: RawMetrics, p: &mut Problems) -> Self {
        let usual = Options::new("");
        let window = raw.out_of_order_time_window.as_deref();
        let metrics = Self {
            max_series: raw.max_series.unwrap_or(usual.max_series),
            window: p.duration("metrics.out_of_order_time_window", window, usual.out_of_order_window),
            limits: SeriesLimits {
                series_per_metric: raw.series_limit_per_metric,
                series_per_job: raw.series_limit_per_job,
                labels: raw.label_limit,
                label_name_bytes: raw.label_name_length_limit,
                label_value_bytes: raw.label_value_length_limit,
            },
            drop: rules("metrics.drop", raw.drop, p),
            keep: rules("metrics.keep", raw.keep, p),
            aggregate: (0..).zip(raw.aggregate).filter_map(|(n, raw)| sum(n, raw, p)).collect(),
            otlp: OtlpOptions {
                scope_labels: raw.otlp.promote_scope_metadata.unwrap_or(usual.otlp.scope_labels),
                promote_resource_attributes: raw.otlp.promote_resource_attributes.unwrap_or_else(promoted),
                custom_buckets: raw.otlp.convert_histograms_to_nhcb.unwrap_or(usual.otlp.custom_buckets),
            },
        };
        let zero = |limit: Option<usize>| limit == Some(0);
        for (name, wrong) in [
            ("max_series", metrics.max_series == 0),
            ("series_limit_per_metric", zero(metrics.limits.series_per_metric)),
            ("series_limit_per_job", zero(metrics.limits.series_per_job)),
            ("label_limit", zero(metrics.limits.labels)),
            ("label_name_length_limit", zero(metrics.limits.label_name_bytes)),
            ("label_value_length_limit", zero(metrics.limits.label_value_bytes)),
        ] {
            if wrong {
                p.0.push(format!("metrics.{name}: must be greater than zero; leave it out for the default"));
            }
        }
        metrics
    }

    /// The options of the engine, over its defaults.
    pub(crate) fn apply(&self, options: Options) -> Options {
        let matchers = |rules: &[Rule]| rules.iter().map(|r| r.matchers.clone()).collect();
        Options {
            max_series: self.max_series,
            out_of_order_window: self.window,
            series_limits: self.limits.clone(),
            drop_series: matchers(&self.drop),
            keep_series: matchers(&self.keep),
            aggregate: self.aggregate.iter().map(|s| s.rule.clone()).collect(),
            otlp: self.otlp.clone(),
            ..options
        }
    }

    /// The section as a file that can be used as it is; limits that are not set are left out.
    pub(super) fn print(&self) -> String {
        let mut out = format!(
            "metrics:\n  # Series in memory, at most; further ones are refused.\n  max_series: {}\n  \
             # How much older than the newest sample a sample may be.\n  out_of_order_time_window: {}\n",
            self.max_series,
            format_duration(self.window)
        );
        let l = &self.limits;
        let limits = [
            ("series_limit_per_metric", l.series_per_metric),
            ("series_limit_per_job", l.series_per_job),
            ("label_limit", l.labels),
            ("label_name_length_limit", l.label_name_bytes),
            ("label_value_length_limit", l.label_value_bytes),
        ];
        let set = limits.into_iter().filter_map(|(name, limit)| Some((name, limit?.to_string())));
        for (name, value) in set {
            out += &format!("  {name}: {value}\n");
        }
        let texts = |rules: &[Rule]| json!(rules.iter().map(|r| r.text.as_str()).collect::<Vec<_>>());
        out += &format!(
            "  # Selectors of series that are not stored; with any in `keep`, only those are.\n  drop: {}\n  keep: {}\n  \
             # Series of which only the sum is stored, by the labels that are kept.\n  aggregate: {}\n  \
             otlp:\n    # Resource attributes that become labels of every series, besides service.name.\n    \
             promote_resource_attributes: {}\n    promote_scope_metadata: {}\n    convert_histograms_to_nhcb: {}\n",
            texts(&self.drop),
            texts(&self.keep),
            json!(self.aggregate.iter().map(Sum::print).collect::<Vec<_>>()),
            json!(self.otlp.promote_resource_attributes),
            self.otlp.scope_labels,
            self.otlp.custom_buckets,
        );
        out
    }
}

fn rules(place: &str, texts: Vec<String>, p: &mut Problems) -> Vec<Rule> {
    let mut rules = Vec::with_capacity(texts.len());
    for (n, text) in texts.into_iter().enumerate() {
        match promql::parse_selector(&text) {
            Ok(found) => rules.push(Rule { matchers: found.iter().map(matcher).collect(), text }),
            Err(e) => p.0.push(format!("{place}[{n}]: `{text}`: {e}")),
        }
    }
    rules
}

fn sum(n: usize, raw: RawAggregate, p: &mut Problems) -> Option<Sum> {
    let place = format!("metrics.aggregate[{n}]");
    let interval = p.duration(&format!("{place}.interval"), raw.interval.as_deref(), AGGREGATE_INTERVAL);
    if interval < Duration::from_secs(1) {
        p.0.push(format!("{place}.interval: must be a second at least"));
    }
    let keep = match (raw.by, raw.without) {
        (Some(names), None) => Some(KeepLabels::By(names)),
        (None, Some(names)) => Some(KeepLabels::Without(names)),
        _ => {
            p.0.push(format!("{place}: say which labels stay: either `by` or `without`"));
            None
        }
    };
    let counters = match raw.kind.as_deref() {
        None => None,
        Some("counter") => Some(true),
        Some("gauge") => Some(false),
        Some(other) => {
            p.0.push(format!("{place}.type: `{other}` is neither counter nor gauge; leave it out to go by the name"));
            None
        }
    };
    let found = rules(&format!("{place}.match"), vec![raw.selector], p).pop()?;
    let rule = AggregateRule { matchers: found.matchers, keep: keep?, interval, counters };
    Some(Sum { text: found.text, rule })
}

impl Sum {
    fn print(&self) -> serde_json::Value {
        let (name, labels) = match &self.rule.keep {
            KeepLabels::By(labels) => ("by", labels),
            KeepLabels::Without(labels) => ("without", labels),
        };
        let mut out = json!({"match": self.text, name: labels, "interval": format_duration(self.rule.interval)});
        if let Some(counters) = self.rule.counters {
            out["type"] = json!(if counters { "counter" } else { "gauge" });
        }
        out
    }
}

fn matcher(m: &promql::matcher::Matcher) -> Matcher {
    let op = match m.op() {
        MatchOp::Equal => tsdb::MatchOp::Eq,
        MatchOp::NotEqual => tsdb::MatchOp::Ne,
        MatchOp::Regex => tsdb::MatchOp::Re,
        MatchOp::NotRegex => tsdb::MatchOp::Nre,
    };
    Matcher::new(m.name(), op, m.value())
}

#[cfg(test)]
mod tests {
    use super::super::raw::parse;
    use super::*;

    fn load(yaml: &str) -> Result<Metrics, String> {
        let mut p = Problems::default();
        let metrics = Metrics::new(parse(yaml)?.metrics, &mut p);
        if p.0.is_empty() { Ok(metrics) } else { Err(p.0.join("\n")) }
    }

    const FULL: &str = "metrics:\n  max_series: 5\n  label_limit: 30\n  series_limit_per_job: 7\n  \
        drop: ['go_gc_duration_seconds', '{job=\"x\",__name__=~\"tmp_.*\"}']\n  \
        aggregate: [{match: '{job=\"a\"}', without: [pod], interval: 30s}, {match: hits, by: [], type: counter}]\n  otlp: {promote_resource_attributes: [host.name]}\n";

    #[test]
    fn settings_reach_the_engine() {
        let options = load(FULL).unwrap().apply(Options::new("x"));
        assert_eq!(options.max_series, 5);
        assert_eq!((options.series_limits.labels, options.series_limits.series_per_job), (Some(30), Some(7)));
        assert_eq!(options.drop_series[0], [Matcher::new("__name__", tsdb::MatchOp::Eq, "go_gc_duration_seconds")]);
        assert_eq!(options.drop_series[1].len(), 2);
        assert_eq!(options.aggregate[0].keep, KeepLabels::Without(vec!["pod".into()]));
        assert_eq!(
            (options.aggregate[0].interval, options.aggregate[1].counters),
            (Duration::from_secs(30), Some(true))
        );
        assert_eq!(options.otlp.promote_resource_attributes, ["host.name"]);
    }

    #[test]
    fn what_is_printed_means_the_same() {
        let printed = load(FULL).unwrap().print();
        assert_eq!(load(&printed).unwrap().print(), printed);
    }

    #[test]
    fn rules_that_aggregate_say_what_stays() {
        let error =
            load("metrics: {aggregate: [{match: up, by: [a], without: [b], type: sum, interval: 1ms}]}\n").unwrap_err();
        for part in ["either `by` or `without`", "`sum` is neither counter nor gauge", "a second at least"] {
            assert!(error.contains(part) && error.contains("metrics.aggregate[0]"), "{error}");
        }
    }

    #[test]
    fn wrong_selectors_and_limits_are_named() {
        let error = load("metrics: {drop: ['up{'], max_series: 0}\n").unwrap_err();
        assert!(error.starts_with("metrics.drop[0]: `up{`: "), "{error}");
        assert!(
            error.ends_with("metrics.max_series: must be greater than zero; leave it out for the default"),
            "{error}"
        );
    }
}
