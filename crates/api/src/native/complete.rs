//! Completion of queries while they are typed.

use axum::Json;
use axum::extract::State;
use query::complete;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::params::{FilterParam, Query, RangeParams, SignalParam};
use super::shape::Footer;
use crate::app::App;
use crate::run;

/// Where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PositionParam {
    /// The place in `q`, in bytes of UTF-8; its end when left out.
    position: Option<usize>,
}

/// What can stand at a place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompletionShape {
    /// Where the text begins that a suggestion replaces; it ends at the place that was asked about.
    from: usize,
    /// Likely ones first, at most 50.
    items: Vec<ItemShape>,
    #[serde(flatten)]
    footer: Footer,
}

/// A suggestion.
#[derive(Debug, Serialize, ToSchema)]
struct ItemShape {
    /// What to put in.
    text: String,
    /// `field`, `value`, `keyword`, `stage` or `function`.
    kind: &'static str,
    /// How many records have it; 0 when that is not known.
    count: u64,
}

/// What can stand at a place of a query that is being typed.
#[utoipa::path(get, path = "/api/v1/complete", params(RangeParams, SignalParam, FilterParam, PositionParam),
    responses((status = 200, body = CompletionShape)))]
pub(crate) async fn complete(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(signal): Query<SignalParam>,
    Query(filter): Query<FilterParam>,
    Query(position): Query<PositionParam>,
) -> Result<Json<CompletionShape>, ApiError> {
    let (range, signal) = (range.range(&app)?, signal.get()?);
    let outcome = run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        let at = position.position.unwrap_or(request.filter.len());
        complete::complete(&app.engines.events, signal, &request, at)
    })
    .await??;
    let footer = Footer::of(&outcome);
    let item = |i: complete::Item| ItemShape { text: i.text, kind: i.kind.name(), count: i.count };
    let items = outcome.value.items.into_iter().map(item).collect();
    Ok(Json(CompletionShape { from: outcome.value.from, items, footer }))
}
