//! What `spanmetrics` can be told, as the Collector spells it.

use glob::Pattern;
use serde::{Deserialize, Serialize};

use super::super::buckets::{Shape, exponential};
use crate::component::{Refused, Setup};
use crate::config::Interval;

/// The settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    pub(super) histogram: HistogramConfig,
    pub(super) dimensions: Vec<Dimension>,
    /// Of calls only.
    pub(super) calls_dimensions: Vec<Dimension>,
    pub(super) exclude_dimensions: Vec<String>,
    pub(super) aggregation_temporality: String,
    pub(super) namespace: String,
    pub(super) metrics_flush_interval: Interval,
    /// Resources of which no span came for so long are forgotten; 0: never.
    pub(super) metrics_expiration: Interval,
    /// Series that no span touched for so long are forgotten; 0: never.
    pub(super) series_expiration: Interval,
    pub(super) exemplars: ExemplarConfig,
    pub(super) events: EventConfig,
    pub(super) resource_metrics_key_attributes: Vec<String>,
    pub(super) aggregation_cardinality_limit: usize,
    /// Whether metrics have the attributes of the resources of their spans.
    pub(super) add_resource_attributes: bool,
    /// Scopes that spans are labelled with.
    pub(super) include_instrumentation_scope: Vec<String>,
    /// Taken and not needed: the limit is one of series.
    resource_metrics_cache_size: usize,
    /// Taken and not needed: every series is kept with its times.
    metric_timestamp_cache_size: usize,
    /// Taken and not used: of Collectors before v0.109.
    dimensions_cache_size: usize,
}

/// `histogram`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct HistogramConfig {
    pub(super) disable: bool,
    pub(super) unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    explicit: Option<Explicit>,
    /// Of durations only.
    pub(super) dimensions: Vec<Dimension>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exponential: Option<Exponential>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Explicit {
    buckets: Vec<Interval>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Exponential {
    max_size: i64,
}

/// A label besides the usual ones: an attribute of spans or resources, or all of spans that a pattern fits.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Dimension {
    pub(super) name: String,
    pub(super) default: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) glob: String,
}

/// `exemplars`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ExemplarConfig {
    pub(super) enabled: bool,
    pub(super) max_per_data_point: usize,
}

/// `events`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct EventConfig {
    pub(super) enabled: bool,
    pub(super) dimensions: Vec<Dimension>,
}

impl Default for ExemplarConfig {
    fn default() -> Self {
        Self { enabled: false, max_per_data_point: 5 }
    }
}

impl Default for HistogramConfig {
    fn default() -> Self {
        Self { disable: false, unit: "ms".to_owned(), explicit: None, dimensions: vec![], exponential: None }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            histogram: HistogramConfig::default(),
            dimensions: vec![],
            calls_dimensions: vec![],
            exclude_dimensions: vec![],
            aggregation_temporality: "AGGREGATION_TEMPORALITY_CUMULATIVE".to_owned(),
            namespace: "traces.span.metrics".to_owned(),
            metrics_flush_interval: Interval::secs(60),
            metrics_expiration: Interval::default(),
            series_expiration: Interval::default(),
            exemplars: ExemplarConfig::default(),
            events: EventConfig::default(),
            resource_metrics_key_attributes: vec![],
            aggregation_cardinality_limit: 0,
            add_resource_attributes: true,
            include_instrumentation_scope: vec![],
            resource_metrics_cache_size: 1000,
            metric_timestamp_cache_size: 1000,
            dimensions_cache_size: 0,
        }
    }
}

/// The labels that all series have.
pub(super) const BASE: [&str; 4] = ["service.name", "span.name", "span.kind", "status.code"];

/// In milliseconds.
const BUCKETS_MS: [f64; 16] =
    [2.0, 4.0, 6.0, 8.0, 10.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1000.0, 1400.0, 2000.0, 5000.0, 10_000.0, 15_000.0];

impl Config {
    /// Reads and checks them.
    pub(super) fn read(setup: &mut Setup<'_>) -> Result<(Self, Shape), Refused> {
        let c: Self = setup.read()?;
        let unit = match &*c.histogram.unit {
            "ms" => 1e3,
            "s" => 1.0,
            other => return Err(setup.error("histogram.unit", format!("`{other}` is not known; write `ms` or `s`"))),
        };
        let bounds = c.histogram.explicit.as_ref().map_or(&[][..], |e| &e.buckets);
        let shape = match &c.histogram.exponential {
            Some(_) if c.histogram.explicit.is_some() => {
                return Err(setup.error("histogram", "it has `explicit` and `exponential`; keep one"));
            }
            Some(e) => Shape::Exponential(exponential(setup, "histogram.exponential.max_size", e.max_size)?),
            None if !bounds.is_sorted() => {
                return Err(setup.error("histogram.explicit.buckets", "the bounds must rise"));
            }
            None if bounds.is_empty() => Shape::Explicit(BUCKETS_MS.iter().map(|b| b * unit / 1e3).collect()),
            None => Shape::Explicit(bounds.iter().map(|b| b.0.as_secs_f64() * unit).collect()),
        };
        if !c.aggregation_temporality.ends_with("CUMULATIVE") && !c.aggregation_temporality.ends_with("DELTA") {
            let message = "write AGGREGATION_TEMPORALITY_CUMULATIVE or AGGREGATION_TEMPORALITY_DELTA";
            return Err(setup.error("aggregation_temporality", message));
        }
        if c.events.enabled && c.events.dimensions.is_empty() {
            let message =
                "events are counted by their attributes; list at least one, for example `- name: exception.type`";
            return Err(setup.error("events.dimensions", message));
        }
        check(setup, "dimensions", &[&c.dimensions])?;
        check(setup, "calls_dimensions", &[&c.dimensions, &c.calls_dimensions])?;
        check(setup, "histogram.dimensions", &[&c.dimensions, &c.histogram.dimensions])?;
        check(setup, "events.dimensions", &[&c.dimensions, &c.events.dimensions])?;
        Ok((c, shape))
    }

    pub(super) fn delta(&self) -> bool {
        self.aggregation_temporality.ends_with("DELTA")
    }

    /// How many of the unit a nanosecond is.
    pub(super) fn per_nano(&self) -> f64 {
        if self.histogram.unit == "s" { 1e-9 } else { 1e-6 }
    }
}

/// That the last of `lists` has names or patterns, and none that is a label already.
fn check(setup: &mut Setup<'_>, setting: &str, lists: &[&[Dimension]]) -> Result<(), Refused> {
    let Some((own, before)) = lists.split_last() else { return Ok(()) };
    let mut known: Vec<&str> = BASE.to_vec();
    known.extend(before.iter().copied().flatten().filter(|d| d.glob.is_empty()).map(|d| d.name.as_str()));
    for (n, d) in own.iter().enumerate() {
        let at = format!("{setting}[{n}]");
        match (d.name.as_str(), d.glob.as_str()) {
            ("", "") => return Err(setup.error(&at, "it has no `name`")),
            ("", pattern) => {
                Pattern::new(pattern).map_err(|e| setup.error(&format!("{at}.glob"), format!("`{pattern}`: {e}")))?;
            }
            (name, "") if known.contains(&name) => {
                return Err(setup.error(&format!("{at}.name"), format!("`{name}` is a label already")));
            }
            (name, "") => known.push(name),
            _ => return Err(setup.error(&at, "it has `name` and `glob`; keep one")),
        }
    }
    Ok(())
}
