//! Investigations: what somebody pinned while looking for a cause. The document is the UI's; it is kept as it came.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use foundation::ErrorKind;
use metastore::{Document, MetaError, Origin};
use serde::Deserialize;
use serde_json::{Value, json};

use super::USER;
use super::body::{Body, check_name, check_room};
use crate::app::App;
use crate::native::error::ApiError;
use crate::run::blocking;

const KIND: &str = "investigation";
const INVESTIGATIONS_MAX: usize = 1_000;
const DOCUMENT_BYTES_MAX: usize = 1 << 20;

/// An investigation that is made or changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    title: String,
    document: String,
    /// The one that the change is based on.
    version: Option<u64>,
}

impl Written {
    fn body(self) -> Result<Value, ApiError> {
        check_name("title", &self.title)?;
        if self.document.len() > DOCUMENT_BYTES_MAX {
            return Err(ApiError::new(
                ErrorKind::TooLarge,
                format!("an investigation has {DOCUMENT_BYTES_MAX} bytes at most"),
            ));
        }
        let read: Value =
            serde_json::from_str(&self.document).map_err(|e| ApiError::invalid("document", e.to_string()))?;
        let pins = read.get("pins").and_then(Value::as_array).map_or(0, Vec::len);
        Ok(json!({"title": self.title, "document": self.document, "pins": pins}))
    }
}

/// Investigations, the newest first.
#[utoipa::path(get, path = "/api/ui/v1/investigations", responses((status = 200, body = Value)))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let mut all = app.metastore.documents().list(KIND)?;
        all.sort_by_key(|d| std::cmp::Reverse(d.updated));
        Ok(Json(json!({"investigations": all.iter().map(summary).collect::<Vec<_>>()})))
    })
    .await
}

/// One investigation with its document.
#[utoipa::path(get, path = "/api/ui/v1/investigations/{id}", params(("id" = String, Path)),
    responses((status = 200, body = Value), (status = 404, body = ApiError)))]
pub(super) async fn get(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    blocking(move || match app.metastore.documents().get(KIND, &id)? {
        Some(d) => Ok(Json(whole(&d))),
        None => Err(missing(&id)),
    })
    .await
}

/// Begins an investigation.
#[utoipa::path(post, path = "/api/ui/v1/investigations", request_body = Value,
    responses((status = 201, body = Value), (status = 400, body = ApiError)))]
pub(super) async fn create(
    State(app): State<App>,
    Body(written): Body<Written>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let body = written.body()?;
    blocking(move || {
        let documents = app.metastore.documents();
        check_room("investigations", documents.list(KIND)?.len(), INVESTIGATIONS_MAX)?;
        let made = documents.create(KIND, &app.metastore.new_id()?, &body, Origin::Api)?;
        Ok((StatusCode::CREATED, Json(json!({"id": made.id, "version": made.version}))))
    })
    .await
}

/// Changes an investigation; 409 with the one that is there when somebody else changed it.
#[utoipa::path(put, path = "/api/ui/v1/investigations/{id}", params(("id" = String, Path)), request_body = Value,
    responses((status = 200, body = Value), (status = 404, body = ApiError), (status = 409, body = Value)))]
pub(super) async fn update(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(written): Body<Written>,
) -> Result<Response, ApiError> {
    let expected = written.version;
    let body = written.body()?;
    blocking(move || {
        let documents = app.metastore.documents();
        match documents.update(KIND, &id, expected, &body) {
            Ok(d) => Ok(Json(json!({"id": d.id, "version": d.version})).into_response()),
            Err(e @ MetaError::Version { .. }) => match documents.get(KIND, &id)? {
                Some(current) => {
                    let error = json!({"kind": "conflict", "message": e.to_string()});
                    let answer = json!({"error": error, "current": whole(&current)});
                    Ok((StatusCode::CONFLICT, Json(answer)).into_response())
                }
                None => Err(missing(&id)),
            },
            Err(e) => Err(e.into()),
        }
    })
    .await
}

/// Deletes an investigation.
#[utoipa::path(delete, path = "/api/ui/v1/investigations/{id}", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ApiError)))]
pub(super) async fn delete(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    blocking(move || {
        app.metastore.documents().delete(KIND, &id, None)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

fn missing(id: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("there is no investigation `{id}`"))
}

fn summary(d: &Document) -> Value {
    json!({
        "id": d.id, "title": d.body["title"], "pins": d.body["pins"], "updated_unix_milli": d.updated.as_millis(),
        "updated_by": USER, "version": d.version,
    })
}

fn whole(d: &Document) -> Value {
    let mut shape = summary(d);
    shape["document"] = d.body["document"].clone();
    shape
}
