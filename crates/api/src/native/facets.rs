//! The most frequent values of several fields at once: the side bar of a search.

use axum::Json;
use axum::extract::State;
use query::fields;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::params::{FilterParam, PageParams, Query, RangeParams, SignalParam};
use super::shape::Footer;
use crate::app::App;
use crate::run;

/// Values of a facet.
const LIMIT_DEFAULT: usize = 10;

/// Of what.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FieldsParam {
    /// Up to 20 fields, separated by commas.
    fields: String,
}

/// Facets in the order in which they were asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetsShape {
    facets: Vec<FacetShape>,
    #[serde(flatten)]
    footer: Footer,
}

/// The values of a field.
#[derive(Debug, Serialize, ToSchema)]
struct FacetShape {
    field: String,
    /// Most frequent first.
    values: Vec<FacetValueShape>,
    /// How many values the matching records have, listed or not.
    distinct: u64,
}

/// A value that occurs.
#[derive(Debug, Serialize, ToSchema)]
struct FacetValueShape {
    value: String,
    /// How many matching records have it.
    count: u64,
}

/// The most frequent values of fields in matching records. `limit` is 1 to 1000 for each, default 10.
#[utoipa::path(get, path = "/api/v1/facets", params(RangeParams, SignalParam, FilterParam, PageParams, FieldsParam),
    responses((status = 200, body = FacetsShape), (status = 400, body = ApiError)))]
pub(crate) async fn facets(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(signal): Query<SignalParam>,
    Query(filter): Query<FilterParam>,
    Query(page): Query<PageParams>,
    Query(names): Query<FieldsParam>,
) -> Result<Json<FacetsShape>, ApiError> {
    let (range, signal) = (range.range(&app)?, signal.get()?);
    let (found, footer) = run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        let names: Vec<&str> = names.fields.split(',').map(str::trim).filter(|n| !n.is_empty()).collect();
        let found = fields::facets(&app.engines.events, signal, &request, &names, page.limit.unwrap_or(LIMIT_DEFAULT))?;
        let nothing = found.value.iter().all(|f| f.values.is_empty());
        let footer = Footer::hinted(app, signal, &request, &found, nothing);
        Ok::<_, query::ReadError>((found.value, footer))
    })
    .await??;
    let value = |v: eventstore::query::FieldValue| FacetValueShape { value: v.value, count: v.count };
    let facets = found.into_iter().map(|f| FacetShape {
        field: f.field,
        values: f.values.into_iter().map(value).collect(),
        distinct: f.distinct,
    });
    Ok(Json(FacetsShape { facets: facets.collect(), footer }))
}
