//! Log patterns: the templates of bodies, with counts over time.

use axum::Json;
use axum::extract::State;
use eventstore::query::Patterns;
use model::log::severity_range;
use query::EventSignal;
use query::logs;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use super::params::{FilterParam, PageParams, Query, RangeParams};
use super::shape::Footer;
use crate::app::App;
use crate::run;

/// Patterns of one answer.
const LIMIT_DEFAULT: usize = 100;

/// Patterns, most frequent first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PatternsShape {
    patterns: Vec<PatternShape>,
    /// How many patterns there are, listed or not.
    distinct: u64,
    /// How many records have a text.
    records: u64,
    /// Where the first bucket begins.
    start_unix_nano: String,
    /// How long each is.
    step_nanos: i64,
}

/// A template and the records that have it.
#[derive(Debug, Serialize, ToSchema)]
struct PatternShape {
    /// The text with `<*>` for what varies.
    template: String,
    count: u64,
    /// Per bucket.
    counts: Vec<u64>,
    /// The highest level among the records: `TRACE` .. `FATAL`; empty for spans.
    level: &'static str,
    /// When the newest of them was.
    newest_unix_nano: String,
    /// The newest of them.
    newest_id: String,
}

impl PatternsShape {
    pub(crate) fn new(signal: EventSignal, p: Patterns) -> Self {
        let pattern = |p: eventstore::query::Pattern| PatternShape {
            template: p.template,
            count: p.count,
            counts: p.counts,
            level: if signal == EventSignal::Logs { severity_range(p.severity_max) } else { "" },
            newest_unix_nano: p.newest.time.0.to_string(),
            newest_id: p.newest.to_string(),
        };
        Self {
            distinct: p.distinct,
            records: p.records,
            start_unix_nano: p.buckets.start.0.to_string(),
            step_nanos: p.buckets.step_nanos,
            patterns: p.patterns.into_iter().map(pattern).collect(),
        }
    }
}

/// Patterns and what they cost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PatternsAnswer {
    #[serde(flatten)]
    patterns: PatternsShape,
    #[serde(flatten)]
    footer: Footer,
}

/// The templates of matching records. `limit` is 1 to 1000, default 100.
#[utoipa::path(get, path = "/api/v1/logs/patterns", params(RangeParams, FilterParam, PageParams),
    responses((status = 200, body = PatternsAnswer), (status = 400, body = ApiError)))]
pub(crate) async fn patterns(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(filter): Query<FilterParam>,
    Query(page): Query<PageParams>,
) -> Result<Json<PatternsAnswer>, ApiError> {
    let range = range.range(&app)?;
    let (found, footer) = run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        let found = logs::patterns(&app.engines.events, &request, page.limit.unwrap_or(LIMIT_DEFAULT))?;
        let footer = Footer::hinted(app, EventSignal::Logs, &request, &found, found.value.patterns.is_empty());
        Ok::<_, query::ReadError>((found.value, footer))
    })
    .await??;
    Ok(Json(PatternsAnswer { patterns: PatternsShape::new(EventSignal::Logs, found), footer }))
}
