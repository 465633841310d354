//! Which attributes tell a selection of records from its baseline.

use axum::Json;
use axum::extract::State;
use model::TimeRange;
use query::EventSignal;
use query::explain::{self, AttributeDifference, Baseline, Demotion, Pair, Part, Question};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::range::range;
use crate::app::App;
use crate::native::error::ApiError;
use crate::native::shape::Footer;
use crate::run;
use crate::workspace::body::Body;

/// Attributes when the request does not say.
const LIMIT_DEFAULT: usize = 30;

/// What to explain. `filter` and the range bound both sides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainRequest {
    signal: SignalName,
    /// Inclusive.
    from_unix_milli: i64,
    /// Exclusive.
    to_unix_milli: i64,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    selection: PartRequest,
    #[serde(default)]
    baseline: BaselineRequest,
    /// At most so many attributes, 1 to 200.
    limit: Option<usize>,
}

/// `logs` or `traces`.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SignalName {
    Logs,
    Traces,
}

/// A part of what the filter gives.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartRequest {
    #[serde(default)]
    q: String,
    from_unix_milli: Option<i64>,
    to_unix_milli: Option<i64>,
}

/// `rest`: what the filter gives without the selection. `previous`: the selection over the same length of time before.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum BaselineRequest {
    #[default]
    Rest,
    Previous,
    Custom {
        #[serde(default)]
        q: String,
        from_unix_milli: Option<i64>,
        to_unix_milli: Option<i64>,
    },
}

fn part(q: String, from: Option<i64>, to: Option<i64>, outer: (i64, i64)) -> Result<Part, ApiError> {
    let narrow: Option<TimeRange> = match (from, to) {
        (None, None) => None,
        (from, to) => Some(range(from.unwrap_or(outer.0), to.unwrap_or(outer.1))?),
    };
    Ok(Part { filter: q, range: narrow })
}

/// The comparison.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplainShape {
    selection: CountShape,
    baseline: CountShape,
    /// `null` when every record was looked at.
    sampled: Option<SampledShape>,
    /// The most telling difference in words.
    sentence: String,
    /// Significant ones first, by score.
    attributes: Vec<AttributeShape>,
    /// Attributes that were not compared: there are too many, or no time was left.
    left_out: usize,
    #[serde(flatten)]
    footer: Footer,
}

/// A number of records.
#[derive(Debug, Serialize, ToSchema)]
struct CountShape {
    count: u64,
}

/// A sample.
#[derive(Debug, Serialize, ToSchema)]
struct SampledShape {
    looked_at: u64,
    of: u64,
}

/// A number for each side.
#[derive(Debug, Serialize, ToSchema)]
struct PairShape<T> {
    selection: T,
    baseline: T,
}

impl<T> From<Pair<T>> for PairShape<T> {
    fn from(p: Pair<T>) -> Self {
        Self { selection: p.selection, baseline: p.baseline }
    }
}

/// How an attribute differs.
#[derive(Debug, Serialize, ToSchema)]
struct AttributeShape {
    /// As a filter names it.
    key: String,
    /// `builtin`, `resource` or `record`.
    scope: &'static str,
    /// `text` or `number`.
    kind: &'static str,
    /// 0 to 1.
    score: f64,
    significant: bool,
    /// Times the number of comparisons.
    p_value: f64,
    #[schema(value_type = Object)]
    coverage: PairShape<f64>,
    distinct: u64,
    /// `id` or `high_cardinality`.
    demoted: Option<&'static str>,
    /// At most 8, the largest difference first.
    values: Vec<ValueShape>,
    #[schema(value_type = Object)]
    other: PairShape<u64>,
    histogram: Option<HistogramShape>,
}

/// How often a value occurs.
#[derive(Debug, Serialize, ToSchema)]
struct ValueShape {
    value: String,
    selection: u64,
    baseline: u64,
    /// The filter that selects it.
    term: String,
}

/// Shares of the records that have the number.
#[derive(Debug, Serialize, ToSchema)]
struct HistogramShape {
    /// One more than buckets.
    bounds: Vec<f64>,
    selection: Vec<f64>,
    baseline: Vec<f64>,
    /// The distance of Kolmogorov and Smirnov.
    ks: f64,
}

impl From<AttributeDifference> for AttributeShape {
    fn from(a: AttributeDifference) -> Self {
        let value = |v: explain::ValueDifference| ValueShape {
            value: v.value,
            selection: v.count.selection,
            baseline: v.count.baseline,
            term: v.term,
        };
        Self {
            key: a.key,
            scope: a.scope.name(),
            kind: if a.histogram.is_some() { "number" } else { "text" },
            score: a.score,
            significant: a.significant,
            p_value: a.p_value,
            coverage: a.coverage.into(),
            distinct: a.distinct,
            demoted: a.demoted.map(|d| match d {
                Demotion::Id => "id",
                Demotion::HighCardinality => "high_cardinality",
            }),
            values: a.values.into_iter().map(value).collect(),
            other: a.other.into(),
            histogram: a.histogram.map(|h| HistogramShape {
                bounds: h.bounds,
                selection: h.selection,
                baseline: h.baseline,
                ks: h.ks,
            }),
        }
    }
}

/// Compares the attributes of a selection with those of a baseline.
#[utoipa::path(post, path = "/api/ui/v1/explain", request_body = ExplainRequest,
    responses((status = 200, body = ExplainShape), (status = 400, body = ApiError)))]
pub(crate) async fn explain(
    State(app): State<App>,
    Body(asked): Body<ExplainRequest>,
) -> Result<Json<ExplainShape>, ApiError> {
    let outer = (asked.from_unix_milli, asked.to_unix_milli);
    let whole = range(outer.0, outer.1)?;
    let signal = match asked.signal {
        SignalName::Logs => EventSignal::Logs,
        SignalName::Traces => EventSignal::Traces,
    };
    let chosen = asked.selection;
    let question = Question {
        selection: part(chosen.q, chosen.from_unix_milli, chosen.to_unix_milli, outer)?,
        baseline: match asked.baseline {
            BaselineRequest::Rest => Baseline::Rest,
            BaselineRequest::Previous => Baseline::Previous,
            BaselineRequest::Custom { q, from_unix_milli, to_unix_milli } => {
                Baseline::Custom(part(q, from_unix_milli, to_unix_milli, outer)?)
            }
        },
    };
    let (filter, limit) = (asked.filter, asked.limit.unwrap_or(LIMIT_DEFAULT));
    let found = run::query(&app, move |app, grant| {
        let request = grant.request(whole, filter);
        explain::explain(&app.engines.events, signal, &request, &question, limit)
    })
    .await??;
    let footer = Footer::of(&found);
    let found = found.value;
    let of = found.count.selection + found.count.baseline;
    Ok(Json(ExplainShape {
        selection: CountShape { count: found.count.selection },
        baseline: CountShape { count: found.count.baseline },
        sampled: found.looked_at.map(|looked_at| SampledShape { looked_at, of }),
        sentence: found.sentence,
        attributes: found.attributes.into_iter().map(AttributeShape::from).collect(),
        left_out: found.left_out,
        footer,
    }))
}
