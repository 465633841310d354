//! Which fields occur, and with which values: facets and completion.

use axum::Json;
use axum::extract::{Path, State};
use query::fields;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::params::{FilterParam, PageParams, Query, RangeParams, SignalParam};
use super::shape::Footer;
use crate::app::App;
use crate::run;

/// Values of one answer.
const LIMIT_DEFAULT: usize = 20;

/// Fields: built-in ones, then attributes, most frequent first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldsShape {
    fields: Vec<FieldShape>,
    #[serde(flatten)]
    footer: Footer,
}

/// A field that can stand in a filter.
#[derive(Debug, Serialize, ToSchema)]
struct FieldShape {
    name: String,
    /// `builtin`, `resource` or `record`.
    scope: &'static str,
    /// `string`, `int`, `duration`, ...
    #[serde(rename = "type")]
    value_type: &'static str,
    /// About how many records have it.
    count: u64,
}

/// The fields that records of the range have.
#[utoipa::path(get, path = "/api/v1/fields", params(RangeParams, SignalParam), responses((status = 200, body = FieldsShape)))]
pub(crate) async fn keys(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(signal): Query<SignalParam>,
) -> Result<Json<FieldsShape>, ApiError> {
    let (range, signal) = (range.range(&app)?, signal.get()?);
    let outcome = run::query(&app, move |app, grant| {
        fields::keys(&app.engines.events, signal, &grant.request(range, String::new()))
    })
    .await??;
    let footer = Footer::of(&outcome);
    let fields = outcome.value.into_iter().map(|f| FieldShape {
        name: f.name,
        scope: f.scope.name(),
        value_type: f.value_type,
        count: f.count,
    });
    Ok(Json(FieldsShape { fields: fields.collect(), footer }))
}

/// Which values.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PrefixParam {
    /// Only values that begin so, for completion.
    prefix: Option<String>,
}

/// Values, most frequent first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ValuesShape {
    values: Vec<ValueShape>,
    #[serde(flatten)]
    footer: Footer,
}

/// A value that occurs.
#[derive(Debug, Serialize, ToSchema)]
struct ValueShape {
    value: String,
    /// How many matching records have it.
    count: u64,
}

/// The values of a field in matching records. `limit` is 1 to 1000, default 20.
#[utoipa::path(get, path = "/api/v1/fields/{name}/values",
    params(("name" = String, Path), RangeParams, SignalParam, FilterParam, PageParams, PrefixParam),
    responses((status = 200, body = ValuesShape), (status = 400, body = ApiError)))]
pub(crate) async fn values(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(range): Query<RangeParams>,
    Query(signal): Query<SignalParam>,
    Query(filter): Query<FilterParam>,
    Query(page): Query<PageParams>,
    Query(prefix): Query<PrefixParam>,
) -> Result<Json<ValuesShape>, ApiError> {
    let (range, signal) = (range.range(&app)?, signal.get()?);
    let outcome = run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        let limit = page.limit.unwrap_or(LIMIT_DEFAULT);
        fields::values(&app.engines.events, signal, &request, &name, prefix.prefix.as_deref(), limit)
    })
    .await??;
    let footer = Footer::of(&outcome);
    let values = outcome.value.values.into_iter().map(|v| ValueShape { value: v.value, count: v.count });
    Ok(Json(ValuesShape { values: values.collect(), footer }))
}
