//! Editors that change whole metrics: their kind, their unit, what they are aggregated by; or make others of them.
//!
//! Source: opentelemetry-collector-contrib, `transformprocessor`. A metric that a statement makes is added behind the
//! others of its scope, and is shown to all statements of the block as those are.

mod aggregate;
mod buckets;
mod convert;
mod extract;

use wire::otlp::tree::{Data, Metric, Temporality};

use super::Problem;
use super::arguments::Arguments;
use super::context::{Context, Item};
use super::editors::{Edit, Editor};
use super::eval::EvalError;

/// An editor of metrics.
const fn editor(
    name: &'static str,
    parameters: &'static [&'static str],
    required: usize,
    build: fn(&Arguments<'_>) -> Result<Edit, Problem>,
) -> Editor {
    Editor { name, parameters, required, build, of: Some(Context::Metric) }
}

pub(super) const ALL: &[Editor] = &[
    editor("aggregate_on_attribute_value", &["function", "attribute", "values", "newValue"], 4, aggregate::on_value),
    editor("aggregate_on_attributes", &["function", "attributes"], 1, aggregate::on_attributes),
    editor(
        "convert_exponential_histogram_to_histogram",
        &["distribution", "explicitBounds"],
        2,
        buckets::from_exponential,
    ),
    editor("convert_gauge_to_sum", &["aggregation_temporality", "is_monotonic"], 2, convert::gauge_to_sum),
    editor("convert_sum_to_gauge", &[], 0, convert::sum_to_gauge),
    editor(
        "convert_summary_count_val_to_sum",
        &["aggregation_temporality", "is_monotonic", "suffix"],
        2,
        extract::summary_count,
    ),
    editor("convert_summary_quantile_val_to_gauge", &["attributeKey", "suffix"], 0, extract::summary_quantiles),
    editor(
        "convert_summary_sum_val_to_sum",
        &["aggregation_temporality", "is_monotonic", "suffix"],
        2,
        extract::summary_sum,
    ),
    editor("copy_metric", &["name", "description", "unit"], 0, convert::copy),
    editor("extract_count_metric", &["is_monotonic", "suffix"], 1, extract::count),
    editor("extract_percentile_metric", &["percentile", "suffix"], 1, extract::percentile),
    editor("extract_sum_metric", &["is_monotonic", "suffix"], 1, extract::sum),
    editor("merge_histogram_buckets", &["target_value", "method"], 1, buckets::merge),
    editor("scale_metric", &["factor", "unit"], 1, convert::scale),
];

/// An editor of the metric at hand, which may make others.
fn on_metric(f: impl Fn(&mut Metric, &mut Vec<Metric>) -> Result<(), EvalError> + Send + Sync + 'static) -> Edit {
    Box::new(move |s| match &mut s.item {
        Item::Metric(metric) => f(metric, s.made),
        _ => Ok(()),
    })
}

/// `"cumulative"` or `"delta"`.
fn temporality(a: &Arguments<'_>, n: usize) -> Result<Temporality, Problem> {
    match &*a.text(n)? {
        "cumulative" => Ok(Temporality::CUMULATIVE),
        "delta" => Ok(Temporality::DELTA),
        _ => Err(a.problem(n, "must be \"cumulative\" or \"delta\"")),
    }
}

/// What kind of metric it is, for messages.
const fn kind(data: &Data) -> &'static str {
    match data {
        Data::None => "a metric without data",
        Data::Gauge(_) => "a gauge",
        Data::Sum { .. } => "a sum",
        Data::Histogram { .. } => "a histogram",
        Data::Exponential { .. } => "an exponential histogram",
        Data::Summary(_) => "a summary",
    }
}

#[cfg(test)]
mod tests;
