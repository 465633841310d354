//! Saved views: a name for an address.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use metastore::{Document, Origin};
use serde::Deserialize;
use serde_json::{Value, json};

use super::USER;
use super::body::{Body, check_name, check_room, check_url};
use crate::app::App;
use crate::native::error::ApiError;
use crate::run::blocking;

const KIND: &str = "view";
const VIEWS_MAX: usize = 2_000;

/// A view that is made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    name: String,
    url: String,
    #[serde(default)]
    starred: bool,
}

/// What changes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    name: Option<String>,
    url: Option<String>,
    starred: Option<bool>,
}

/// Saved views, by name.
#[utoipa::path(get, path = "/api/ui/v1/views", responses((status = 200, body = Value)))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let mut views: Vec<Value> = app.metastore.documents().list(KIND)?.iter().map(shape).collect();
        views.sort_by_key(|v| v["name"].as_str().unwrap_or_default().to_lowercase());
        Ok(Json(json!({"views": views})))
    })
    .await
}

/// Saves a view.
#[utoipa::path(post, path = "/api/ui/v1/views", request_body = Value, responses((status = 201, body = Value), (status = 400, body = ApiError)))]
pub(super) async fn create(
    State(app): State<App>,
    Body(new): Body<New>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    check_name("name", &new.name)?;
    check_url(&new.url)?;
    blocking(move || {
        let documents = app.metastore.documents();
        check_room("saved views", documents.list(KIND)?.len(), VIEWS_MAX)?;
        let body = json!({"name": new.name, "url": new.url, "starred": new.starred});
        let made = documents.create(KIND, &app.metastore.new_id()?, &body, Origin::Api)?;
        Ok((StatusCode::CREATED, Json(shape(&made))))
    })
    .await
}

/// Changes a view.
#[utoipa::path(put, path = "/api/ui/v1/views/{id}", params(("id" = String, Path)), request_body = Value,
    responses((status = 200, body = Value), (status = 404, body = ApiError)))]
pub(super) async fn update(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(change): Body<Change>,
) -> Result<Json<Value>, ApiError> {
    change.name.as_deref().map_or(Ok(()), |n| check_name("name", n))?;
    change.url.as_deref().map_or(Ok(()), check_url)?;
    blocking(move || {
        let documents = app.metastore.documents();
        let Some(before) = documents.get(KIND, &id)? else { return Err(missing(&id)) };
        let mut body = before.body;
        if let Some(name) = change.name {
            body["name"] = name.into();
        }
        if let Some(url) = change.url {
            body["url"] = url.into();
        }
        if let Some(starred) = change.starred {
            body["starred"] = starred.into();
        }
        Ok(Json(shape(&documents.update(KIND, &id, None, &body)?)))
    })
    .await
}

/// Deletes a view.
#[utoipa::path(delete, path = "/api/ui/v1/views/{id}", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ApiError)))]
pub(super) async fn delete(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    blocking(move || {
        app.metastore.documents().delete(KIND, &id, None)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

fn missing(id: &str) -> ApiError {
    ApiError::new(foundation::ErrorKind::NotFound, format!("there is no saved view `{id}`"))
}

fn shape(d: &Document) -> Value {
    let mut view = d.body.clone();
    view["id"] = d.id.clone().into();
    view["created_unix_milli"] = d.created.as_millis().into();
    view["created_by"] = USER.into();
    view
}
