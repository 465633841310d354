//! Names and values of labels.

use axum::extract::{Path, State};
use axum::response::Response;
use query::metrics::MetricsError;

use super::params::Params;
use super::respond::{Notes, PromError};
use super::series::cut;
use super::stream;
use super::{escape, json};
use crate::app::App;
use crate::run;

/// Label names. POST takes the parameters as a form.
#[utoipa::path(get, path = "/api/v1/labels", tag = "prometheus",
    params(("match[]" = Option<Vec<String>>, Query, description = "series selectors"), ("start" = Option<String>, Query),
        ("end" = Option<String>, Query), ("limit" = Option<usize>, Query, description = "names of the answer, with a warning when there are more; 0 is no limit")),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn names(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let (selectors, range, limit) = (selectors(&p), p.range()?, p.limit()?);
    let found = run::query(&app, move |app, grant| {
        let ask = grant.ask();
        let found = query::metrics::label_names(&app.engines.metrics, &ask, &texts(&selectors), range)?;
        Ok((found, Notes::of(&ask)))
    });
    Ok(list(found.await?.map_err(of_selector)?, limit))
}

/// Values of a label. A name that begins with `U__` is read as an escaped one.
#[utoipa::path(get, path = "/api/v1/label/{name}/values", tag = "prometheus",
    params(("name" = String, Path), ("match[]" = Option<Vec<String>>, Query, description = "series selectors"),
        ("start" = Option<String>, Query), ("end" = Option<String>, Query),
        ("limit" = Option<usize>, Query, description = "values of the answer, with a warning when there are more; 0 is no limit")),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn values(State(app): State<App>, Path(name): Path<String>, p: Params) -> Result<Response, PromError> {
    let (selectors, range, limit) = (selectors(&p), p.range()?, p.limit()?);
    let name = escape::unescape(&name).into_owned();
    let found = run::query(&app, move |app, grant| {
        let ask = grant.ask();
        let found = query::metrics::label_values(&app.engines.metrics, &ask, &name, &texts(&selectors), range)?;
        Ok((found, Notes::of(&ask)))
    });
    Ok(list(found.await?.map_err(of_selector)?, limit))
}

fn list((mut found, notes): (Vec<String>, Notes), limit: Option<usize>) -> Response {
    let notes = cut(&mut found, limit, notes);
    stream::json(stream::list(found.into_iter(), &notes, |out, text: String| json::text(out, &text)))
}

/// The selectors of a request.
pub(super) fn selectors(p: &Params) -> Vec<String> {
    p.all("match[]").map(str::to_owned).collect()
}

pub(super) fn texts(selectors: &[String]) -> Vec<&str> {
    selectors.iter().map(String::as_str).collect()
}

/// What does not parse here is a selector.
pub(super) fn of_selector(e: MetricsError) -> PromError {
    match e {
        MetricsError::Parse(e) => PromError::parameter("match[]", e),
        _ => e.into(),
    }
}
