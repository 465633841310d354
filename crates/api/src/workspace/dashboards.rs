//! Dashboards: texts as they came, with versions. Files and those that are shipped are read only.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use foundation::{ErrorKind, UnixNanos};
use metastore::{Document, MetaError, Origin};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::USER;
use super::body::{Body, check_room, forget};
use super::provision::{Seen, is_uid, look, shipped};
use crate::app::App;
use crate::native::error::ApiError;
use crate::native::params::Query;
use crate::run::blocking;

/// Documents that hold a dashboard.
pub(super) const KIND: &str = "dashboard";
/// Documents that say that one has a star; it may be read only itself.
const STAR: &str = "dashboard_star";
const DASHBOARDS_MAX: usize = 5_000;
/// Versions that are listed; the store keeps a hundred.
const VERSIONS_MAX: usize = 200;

/// A dashboard that is made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    document: String,
    uid: Option<String>,
    #[serde(default)]
    folder: String,
    #[serde(default)]
    message: String,
}

/// A new version.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    document: String,
    version: u64,
    folder: Option<String>,
    #[serde(default)]
    message: String,
}

/// Whether it is a favourite.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Star {
    starred: bool,
}

/// Which version comes back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Restore {
    version: u64,
}

/// Which version is deleted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Based {
    /// The one that the decision is based on; any when left out.
    version: Option<u64>,
}

/// Dashboards by title: shipped, from files, and made by people.
#[utoipa::path(get, path = "/api/ui/v1/dashboards", responses((status = 200, body = Value)))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let stored = app.metastore.documents().list(KIND)?;
        let stars: Vec<String> = app.metastore.documents().list(STAR)?.into_iter().map(|d| d.id).collect();
        let hidden = |uid: &str| stored.iter().any(|d| d.id == uid);
        let shipped = shipped().iter().filter(|(uid, _)| !hidden(uid)).map(|(uid, text)| of_shipped(&app, uid, text));
        let mut all: Vec<Found> = shipped.chain(stored.iter().map(of_stored)).collect();
        all.sort_by_key(|f| (f.title().to_lowercase(), f.uid.clone()));
        let shapes: Vec<Value> = all.iter().map(|f| f.summary(stars.contains(&f.uid))).collect();
        Ok(Json(json!({"dashboards": shapes})))
    })
    .await
}

/// A dashboard with its text.
#[utoipa::path(get, path = "/api/ui/v1/dashboards/{uid}", params(("uid" = String, Path)),
    responses((status = 200, body = Value), (status = 404, body = ApiError)))]
pub(super) async fn get(State(app): State<App>, Path(uid): Path<String>) -> Result<Json<Value>, ApiError> {
    blocking(move || Ok(Json(find(&app, &uid)?.whole(starred(&app, &uid)?)))).await
}

/// The text as it came, as a file.
#[utoipa::path(get, path = "/api/ui/v1/dashboards/{uid}/export", params(("uid" = String, Path)),
    responses((status = 200, content_type = "application/json", body = String), (status = 404, body = ApiError)))]
pub(super) async fn export(State(app): State<App>, Path(uid): Path<String>) -> Result<Response, ApiError> {
    let found = blocking(move || find(&app, &uid)).await?;
    let name = slug(found.title());
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.json\"")),
    ];
    Ok((headers, found.document).into_response())
}

/// Saves a dashboard under its own uid if that is free, under the given one, or under a new one.
#[utoipa::path(post, path = "/api/ui/v1/dashboards", request_body = Value,
    responses((status = 201, body = Value), (status = 400, body = ApiError), (status = 409, body = ApiError)))]
pub(super) async fn create(
    State(app): State<App>,
    Body(new): Body<New>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let seen = look(&new.document).map_err(|e| ApiError::invalid("document", e))?;
    if let Some(uid) = new.uid.as_deref().filter(|uid| !is_uid(uid)) {
        return Err(ApiError::invalid("uid", format!("`{uid}` is no uid: 1 to 40 letters, digits, `-` and `_`")));
    }
    blocking(move || {
        let documents = app.metastore.documents();
        check_room("dashboards", documents.list(KIND)?.len(), DASHBOARDS_MAX)?;
        let taken = |uid: &str| -> Result<bool, MetaError> {
            Ok(shipped().iter().any(|(s, _)| *s == uid) || documents.get(KIND, uid)?.is_some())
        };
        let own = seen.uid.clone().filter(|uid| is_uid(uid));
        let uid = match (new.uid, own) {
            (Some(uid), _) => {
                if taken(&uid)? {
                    return Err(ApiError::new(ErrorKind::Conflict, format!("there is a dashboard `{uid}` already")));
                }
                uid
            }
            (None, Some(uid)) if !taken(&uid)? => uid,
            _ => app.metastore.new_id()?,
        };
        let body = body_of(&new.document, &seen, &new.folder, &new.message);
        let made = documents.create(KIND, &uid, &body, Origin::Api)?;
        Ok((StatusCode::CREATED, Json(json!({"uid": made.id, "version": made.version}))))
    })
    .await
}

/// Saves a new version; 409 with the present one when the edit is based on another.
#[utoipa::path(put, path = "/api/ui/v1/dashboards/{uid}", params(("uid" = String, Path)), request_body = Value,
    responses((status = 200, body = Value), (status = 403, body = Value), (status = 404, body = ApiError), (status = 409, body = Value)))]
pub(super) async fn update(
    State(app): State<App>,
    Path(uid): Path<String>,
    Body(change): Body<Change>,
) -> Result<Response, ApiError> {
    let seen = look(&change.document).map_err(|e| ApiError::invalid("document", e))?;
    blocking(move || {
        let before = find(&app, &uid)?;
        if let Some(refused) = before.refused() {
            return Ok(refused);
        }
        let folder = change.folder.unwrap_or(before.folder);
        let body = body_of(&change.document, &seen, &folder, &change.message);
        let changed = app.metastore.documents().update(KIND, &uid, Some(change.version), &body);
        answer(&app, &uid, changed.map(|d| json!({"uid": d.id, "version": d.version})))
    })
    .await
}

/// Deletes a dashboard; its versions stay for a while.
#[utoipa::path(delete, path = "/api/ui/v1/dashboards/{uid}", params(("uid" = String, Path), Based),
    responses((status = 204), (status = 403, body = Value), (status = 404, body = ApiError), (status = 409, body = Value)))]
pub(super) async fn delete(
    State(app): State<App>,
    Path(uid): Path<String>,
    Query(based): Query<Based>,
) -> Result<Response, ApiError> {
    blocking(move || {
        if let Some(refused) = find(&app, &uid)?.refused() {
            return Ok(refused);
        }
        match app.metastore.documents().delete(KIND, &uid, based.version) {
            Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
            Err(e) => answer(&app, &uid, Err(e)),
        }
    })
    .await
}

/// Makes it a favourite, or not.
#[utoipa::path(put, path = "/api/ui/v1/dashboards/{uid}/star", params(("uid" = String, Path)), request_body = Value,
    responses((status = 204), (status = 404, body = ApiError)))]
pub(super) async fn star(
    State(app): State<App>,
    Path(uid): Path<String>,
    Body(star): Body<Star>,
) -> Result<StatusCode, ApiError> {
    blocking(move || {
        let uid = find(&app, &uid)?.uid;
        let documents = app.metastore.documents();
        if star.starred {
            documents.put(STAR, &uid, &json!({}), Origin::Api)?;
        } else {
            forget(documents, STAR, &uid)?;
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Makes an old version the present one; brings back what was deleted.
#[utoipa::path(post, path = "/api/ui/v1/dashboards/{uid}/restore", params(("uid" = String, Path)), request_body = Value,
    responses((status = 200, body = Value), (status = 403, body = Value), (status = 404, body = ApiError)))]
pub(super) async fn restore(
    State(app): State<App>,
    Path(uid): Path<String>,
    Body(Restore { version }): Body<Restore>,
) -> Result<Response, ApiError> {
    blocking(move || {
        let documents = app.metastore.documents();
        let old = documents.history(KIND, &uid)?.into_iter().find(|v| v.version == version).and_then(|v| v.body);
        let Some(mut body) = old else { return Err(no_version(&uid, version)) };
        body["message"] = format!("version {version} again").into();
        let present = documents.get(KIND, &uid)?;
        if let Some(refused) = present.as_ref().and_then(|d| of_stored(d).refused()) {
            return Ok(refused);
        }
        let made = match present {
            Some(d) => documents.update(KIND, &uid, Some(d.version), &body),
            None => documents.create(KIND, &uid, &body, Origin::Api),
        };
        answer(&app, &uid, made.map(|d| json!({"uid": d.id, "version": d.version})))
    })
    .await
}

/// Versions, the newest first.
#[utoipa::path(get, path = "/api/ui/v1/dashboards/{uid}/versions", params(("uid" = String, Path)),
    responses((status = 200, body = Value), (status = 404, body = ApiError)))]
pub(super) async fn versions(State(app): State<App>, Path(uid): Path<String>) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let mut kept = app.metastore.documents().history(KIND, &uid)?;
        if kept.is_empty() {
            // A shipped one has a version that nobody made.
            let found = find(&app, &uid)?;
            return Ok(Json(json!({"versions": [version_shape(1, found.updated, "", found.document.len())]})));
        }
        kept.truncate(VERSIONS_MAX);
        let shapes = kept.iter().filter_map(|v| {
            let body = v.body.as_ref()?;
            let text = |key: &str| body[key].as_str().unwrap_or_default();
            Some(version_shape(v.version, v.at, text("message"), text("document").len()))
        });
        Ok(Json(json!({"versions": shapes.collect::<Vec<_>>()})))
    })
    .await
}

/// One version with its text.
#[utoipa::path(get, path = "/api/ui/v1/dashboards/{uid}/versions/{version}",
    params(("uid" = String, Path), ("version" = u64, Path)), responses((status = 200, body = Value), (status = 404, body = ApiError)))]
pub(super) async fn version(
    State(app): State<App>,
    Path((uid, version)): Path<(String, u64)>,
) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let kept = app.metastore.documents().history(KIND, &uid)?;
        let Some((at, body)) = kept.into_iter().find(|v| v.version == version).and_then(|v| Some((v.at, v.body?)))
        else {
            return Err(no_version(&uid, version));
        };
        let found = Found::of_body(&uid, version, at, Source::User, &body);
        Ok(Json(found.whole(starred(&app, &uid)?)))
    })
    .await
}

/// Who provides a dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    User,
    File,
    Shipped,
}

impl Source {
    const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::File => "file",
            Self::Shipped => "shipped",
        }
    }
}

/// A dashboard.
struct Found {
    uid: String,
    version: u64,
    updated: UnixNanos,
    source: Source,
    folder: String,
    message: String,
    problem: Option<String>,
    /// Where the file is.
    file: Option<String>,
    seen: Seen,
    document: String,
}

impl Found {
    fn of_body(uid: &str, version: u64, updated: UnixNanos, source: Source, body: &Value) -> Self {
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let tags = body["tags"].as_array().into_iter().flatten().filter_map(|t| t.as_str().map(str::to_owned));
        Self {
            uid: uid.to_owned(),
            version,
            updated,
            source,
            folder: text("folder"),
            message: text("message"),
            problem: body["problem"].as_str().map(str::to_owned),
            file: body["file"].as_str().map(str::to_owned),
            seen: Seen {
                title: text("title"),
                tags: tags.collect(),
                panels: body["panels"].as_u64().unwrap_or(0) as usize,
                uid: None,
            },
            document: text("document"),
        }
    }

    fn title(&self) -> &str {
        if self.seen.title.is_empty() { &self.uid } else { &self.seen.title }
    }

    /// 403, when it is read only.
    fn refused(&self) -> Option<Response> {
        let message = match self.source {
            Source::User => return None,
            Source::File => format!(
                "`{}` comes from the file {}: change it there, or save a copy",
                self.uid,
                self.file.as_deref().unwrap_or_default()
            ),
            Source::Shipped => format!("`{}` is shipped with the server: save a copy and change that", self.uid),
        };
        let answer = json!({"error": {"kind": "read_only", "message": message}});
        Some((StatusCode::FORBIDDEN, Json(answer)).into_response())
    }

    fn summary(&self, starred: bool) -> Value {
        json!({
            "uid": self.uid,
            "title": self.title(),
            "tags": self.seen.tags,
            "folder": self.folder,
            "panels": self.seen.panels,
            "source": self.source.name(),
            "read_only": self.source != Source::User,
            "version": self.version,
            "updated_unix_milli": self.updated.as_millis(),
            // Nobody changed a file or a shipped one here.
            "updated_by": if self.source == Source::User { USER } else { "" },
            "starred": starred,
            "problem": self.problem,
        })
    }

    fn whole(self, starred: bool) -> Value {
        let mut shape = self.summary(starred);
        shape["message"] = self.message.into();
        shape["document"] = self.document.into();
        shape
    }
}

fn of_stored(d: &Document) -> Found {
    let source = if d.origin == Origin::File { Source::File } else { Source::User };
    Found::of_body(&d.id, d.version, d.updated, source, &d.body)
}

fn of_shipped(app: &App, uid: &str, text: &str) -> Found {
    let (seen, problem) = match look(text) {
        Ok(seen) => (seen, None),
        Err(e) => (Seen::default(), Some(e)),
    };
    Found {
        uid: uid.to_owned(),
        version: 1,
        updated: app.info.started,
        source: Source::Shipped,
        folder: String::new(),
        message: String::new(),
        problem,
        file: None,
        seen,
        document: text.to_owned(),
    }
}

fn find(app: &App, uid: &str) -> Result<Found, ApiError> {
    if let Some(d) = app.metastore.documents().get(KIND, uid)? {
        return Ok(of_stored(&d));
    }
    match shipped().iter().find(|(s, _)| *s == uid) {
        Some((uid, text)) => Ok(of_shipped(app, uid, text)),
        None => Err(missing(uid)),
    }
}

fn starred(app: &App, uid: &str) -> Result<bool, ApiError> {
    Ok(app.metastore.documents().get(STAR, uid)?.is_some())
}

/// The answer to a change; what somebody else changed meanwhile comes with the conflict.
fn answer(app: &App, uid: &str, changed: Result<Value, MetaError>) -> Result<Response, ApiError> {
    match changed {
        Ok(shape) => Ok(Json(shape).into_response()),
        Err(e @ MetaError::Version { .. }) => {
            let current = find(app, uid)?.whole(starred(app, uid)?);
            let answer = json!({"error": {"kind": "conflict", "message": e.to_string()}, "current": current});
            Ok((StatusCode::CONFLICT, Json(answer)).into_response())
        }
        Err(e) => Err(e.into()),
    }
}

/// What is stored of a dashboard.
pub(super) fn body_of(document: &str, seen: &Seen, folder: &str, message: &str) -> Value {
    json!({
        "document": document, "title": seen.title, "tags": seen.tags, "panels": seen.panels, "folder": folder, "message": message,
    })
}

fn version_shape(version: u64, at: UnixNanos, message: &str, bytes: usize) -> Value {
    json!({"version": version, "updated_unix_milli": at.as_millis(), "updated_by": USER, "message": message, "bytes": bytes})
}

fn missing(uid: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("there is no dashboard `{uid}`"))
}

fn no_version(uid: &str, version: u64) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("there is no version {version} of a dashboard `{uid}`"))
}

/// A title as the name of a file.
pub(super) fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    let slug = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    if slug.is_empty() { "dashboard".to_owned() } else { slug.chars().take(80).collect() }
}
