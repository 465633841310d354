//! Queries that somebody ran, the newest first.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use foundation::ErrorKind;
use metastore::{Document, Documents, MetaError, Origin};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::body::{Body, check_url, forget, hash};
use crate::app::App;
use crate::native::error::ApiError;
use crate::native::params::Query;
use crate::run::blocking;

const KIND: &str = "query_history";
/// Beyond these the oldest go, except those with a star.
const ENTRIES_MAX: usize = 500;
const QUERY_BYTES_MAX: usize = 64 << 10;
const PAGES: [&str; 5] = ["logs", "traces", "metrics", "analyse", "explain"];

/// A query that ran.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ran {
    page: String,
    query: String,
    url: String,
    elapsed_ms: f64,
    rows: u64,
}

/// Whether it stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Star {
    starred: bool,
}

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Of this page.
    page: Option<String>,
    /// Whose text contains this, in any case.
    q: Option<String>,
    /// 50 when left out.
    limit: Option<usize>,
}

/// Queries, the newest first.
#[utoipa::path(get, path = "/api/ui/v1/history", params(Which), responses((status = 200, body = Value)))]
pub(super) async fn list(State(app): State<App>, Query(which): Query<Which>) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let mut all = app.metastore.documents().list(KIND)?;
        all.sort_by_key(|d| std::cmp::Reverse(d.updated));
        let text = which.q.unwrap_or_default().to_lowercase();
        let page = which.page.unwrap_or_default();
        let wanted = |d: &&Document| {
            (page.is_empty() || d.body["page"] == page.as_str())
                && d.body["query"].as_str().unwrap_or_default().to_lowercase().contains(&text)
        };
        let limit = which.limit.unwrap_or(50).min(ENTRIES_MAX);
        let entries: Vec<Value> = all.iter().filter(wanted).take(limit).map(shape).collect();
        Ok(Json(json!({"entries": entries})))
    })
    .await
}

/// Notes a query; the same page and query moves to the top.
#[utoipa::path(post, path = "/api/ui/v1/history", request_body = Value, responses((status = 204), (status = 400, body = ApiError)))]
pub(super) async fn add(State(app): State<App>, Body(ran): Body<Ran>) -> Result<StatusCode, ApiError> {
    check_url(&ran.url)?;
    if !PAGES.contains(&ran.page.as_str()) {
        return Err(ApiError::invalid("page", format!("`{}` is none of {}", ran.page, PAGES.join(", "))));
    }
    if ran.query.len() > QUERY_BYTES_MAX {
        return Err(ApiError::invalid("query", format!("a query has {QUERY_BYTES_MAX} bytes at most")));
    }
    blocking(move || {
        let documents = app.metastore.documents();
        let id = id_of(&ran.page, &ran.query);
        let starred = documents.get(KIND, &id)?.is_some_and(|d| d.body["starred"] == true);
        let body = json!({
            "page": ran.page, "query": ran.query, "url": ran.url, "elapsed_ms": ran.elapsed_ms, "rows": ran.rows,
            "starred": starred,
        });
        documents.put(KIND, &id, &body, Origin::Api)?;
        forget_oldest(documents)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

fn forget_oldest(documents: Documents<'_>) -> Result<(), MetaError> {
    let mut all = documents.list(KIND)?;
    all.retain(|d| d.body["starred"] != true);
    all.sort_by_key(|d| std::cmp::Reverse(d.updated));
    for d in all.iter().skip(ENTRIES_MAX) {
        // Somebody else may have deleted it.
        forget(documents, KIND, &d.id)?;
    }
    Ok(())
}

/// Gives a star, or takes it.
#[utoipa::path(put, path = "/api/ui/v1/history/{id}", params(("id" = String, Path)), request_body = Value,
    responses((status = 204), (status = 404, body = ApiError)))]
pub(super) async fn star(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(star): Body<Star>,
) -> Result<StatusCode, ApiError> {
    blocking(move || {
        let documents = app.metastore.documents();
        let Some(d) = documents.get(KIND, &id)? else {
            return Err(ApiError::new(ErrorKind::NotFound, format!("there is no query `{id}` in the history")));
        };
        let mut body = d.body;
        body["starred"] = star.starred.into();
        documents.update(KIND, &id, None, &body)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Forgets a query.
#[utoipa::path(delete, path = "/api/ui/v1/history/{id}", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ApiError)))]
pub(super) async fn delete(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    blocking(move || {
        app.metastore.documents().delete(KIND, &id, None)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// The same page and query have the same id.
fn id_of(page: &str, query: &str) -> String {
    format!("{:016x}", hash(page.bytes().chain([0]).chain(query.bytes())))
}

fn shape(d: &Document) -> Value {
    let mut entry = d.body.clone();
    entry["id"] = d.id.clone().into();
    entry["at_unix_milli"] = d.updated.as_millis().into();
    entry
}
