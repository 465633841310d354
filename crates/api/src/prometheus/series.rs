//! The series that selectors match.

use axum::extract::State;
use axum::response::Response;

use super::params::Params;
use super::respond::{Notes, PromError};
use super::stream;
use super::{json, labels};
use crate::app::App;
use crate::run;

/// The series that selectors match. POST takes the parameters as a form.
#[utoipa::path(get, path = "/api/v1/series", tag = "prometheus",
    params(("match[]" = Vec<String>, Query, description = "series selectors; one of them must match"),
        ("start" = Option<String>, Query), ("end" = Option<String>, Query),
        ("limit" = Option<usize>, Query, description = "series of the answer, with a warning when there are more; 0 is no limit")),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn series(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let (selectors, range, limit) = (labels::selectors(&p), p.range()?, p.limit()?);
    let (mut found, notes) = run::query(&app, move |app, grant| {
        let ask = grant.ask();
        let found = query::metrics::series(&app.engines.metrics, &ask, &labels::texts(&selectors), range)?;
        Ok((found, Notes::of(&ask)))
    })
    .await?
    .map_err(labels::of_selector)?;
    let notes = cut(&mut found, limit, notes);
    Ok(stream::json(stream::list(found.into_iter(), &notes, |out, series| json::labels(out, &series))))
}

/// Shortens a list to `limit` and says so.
pub(super) fn cut<T>(list: &mut Vec<T>, limit: Option<usize>, notes: Notes) -> Notes {
    match limit {
        Some(limit) if list.len() > limit => {
            list.truncate(limit);
            notes.and_truncated()
        }
        _ => notes,
    }
}
