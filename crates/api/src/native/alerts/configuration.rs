//! The configuration of the alert manager: what is used, what was noticed about it, and which way alerts take.

use std::sync::Arc;

use alerting::manager::config::{GroupBy, Route, check_inhibitions};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use foundation::ErrorKind;
use foundation::units::format_duration;
use model::Labels;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use yaml::Finding;

use super::{blocking, labels};
use crate::alerting::{Configuration, Refusal};
use crate::app::App;
use crate::native::error::ApiError;
use crate::sources::Rule;

pub(crate) fn finding(f: &Finding) -> Value {
    json!({
        "severity": f.severity.name(),
        "line": f.place.line,
        "column": f.place.column,
        "path": f.path,
        "message": f.message,
        "remedy": f.remedy,
    })
}

fn shown(app: &App, of: &Configuration) -> Value {
    let alerts: Vec<Labels> =
        (app.sources.rule_groups)().iter().flat_map(|g| &g.rules).filter_map(fixed_labels).collect();
    let inhibitions = check_inhibitions(&app.alerting.manager.config().inhibit_rules, &alerts);
    json!({
        "origin": of.origin,
        "path": of.path,
        "valid_in_alertmanager": of.valid_in_alertmanager,
        "findings": of.findings.iter().chain(&inhibitions).map(finding).collect::<Vec<_>>(),
        "normalised": app.alerting.manager.config().normalised,
        "document": app.alerting.manager.config().document,
    })
}

/// The labels that alerts of a rule have for certain; a template may become anything.
fn fixed_labels(rule: &Rule) -> Option<Labels> {
    rule.alerting.as_ref()?;
    let own = rule.labels.iter().filter(|(_, value)| !value.contains("{{"));
    Some(Labels::from_pairs(own.chain([("alertname", rule.name.as_str())])))
}

/// The configuration that is used, as Alertmanager would take it and without secrets, as text (`normalised`) and as an object
/// (`document`), and every finding about what was written.
#[utoipa::path(get, path = "/api/v1/alertmanager/config", responses((status = 200, body = Value)))]
pub(crate) async fn get(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    blocking(move || Ok(Json(shown(&app, &(app.alerting.configuration)())))).await
}

/// Takes the text of an alertmanager.yml (JSON is YAML), when no file of the server provides one. With errors nothing is changed.
/// A value that is exactly `<secret>` keeps what is stored in its place: of the same receiver, in the same entry.
#[utoipa::path(post, path = "/api/v1/alertmanager/config", request_body(content = String, content_type = "application/yaml"),
    responses((status = 200, body = Value), (status = 400, body = Value), (status = 409, body = ApiError)))]
pub(crate) async fn set(State(app): State<App>, text: String) -> Result<Response, ApiError> {
    blocking(move || match (app.alerting.replace)(&text) {
        Ok(configuration) => Ok(Json(shown(&app, &configuration)).into_response()),
        Err(Refusal::FromFile(path)) => {
            let message = format!("the configuration comes from {path}; change it there");
            Err(ApiError::new(ErrorKind::Conflict, message))
        }
        Err(Refusal::Store(message)) => Err(ApiError::new(ErrorKind::Internal, message)),
        Err(Refusal::Invalid(findings)) => Ok((StatusCode::BAD_REQUEST, Json(refused(&findings))).into_response()),
    })
    .await
}

fn refused(findings: &[Finding]) -> Value {
    let message = "the configuration has errors and is not used";
    json!({
        "error": {"kind": "invalid_input", "message": message},
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

/// Looks at the text of an alertmanager.yml and changes nothing.
#[utoipa::path(post, path = "/api/v1/alertmanager/config/check", request_body(content = String, content_type = "application/yaml"),
    responses((status = 200, body = Value, description = "`usable`, `valid_in_alertmanager`, `findings`, `normalised`")))]
pub(crate) async fn check(State(app): State<App>, text: String) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let loaded = (app.alerting.check)(&text);
        Ok(Json(json!({
            "usable": loaded.config.is_some(),
            "valid_in_alertmanager": loaded.valid_in_alertmanager,
            "findings": loaded.findings.iter().map(finding).collect::<Vec<_>>(),
            "normalised": loaded.config.map(|c| c.normalised),
        })))
    })
    .await
}

fn route(r: &Arc<Route>) -> Value {
    let group_by = match &r.group_by {
        GroupBy::All => vec!["...".to_owned()],
        GroupBy::Labels(names) => names.clone(),
    };
    json!({
        "key": r.key,
        "receiver": r.receiver,
        "matchers": r.matchers.0.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "continue": r.continues,
        "group_by": group_by,
        "group_wait": format_duration(r.group_wait),
        "group_interval": format_duration(r.group_interval),
        "repeat_interval": format_duration(r.repeat_interval),
        "mute_time_intervals": r.mute,
        "active_time_intervals": r.active,
        "line": r.place.line,
    })
}

/// The tree of routes.
#[utoipa::path(get, path = "/api/v1/alertmanager/routes", responses((status = 200, body = Value, description = "`route` with its `routes`")))]
pub(crate) async fn routes(State(app): State<App>) -> Json<Value> {
    fn below(all: &[Arc<Route>], at: usize) -> Value {
        let Some(r) = all.get(at) else { return Value::Null };
        let mut out = route(r);
        out["routes"] = r.children.iter().map(|child| below(all, *child)).collect();
        out
    }
    let config = app.alerting.manager.config();
    Json(json!({"route": below(config.routes.all(), 0)}))
}

/// The alert that is thought of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Idea {
    /// Its labels.
    labels: BTreeMap<String, String>,
}

/// Which way an alert with these labels takes: who is told, when, in which group.
#[utoipa::path(post, path = "/api/v1/alertmanager/routes/match", request_body = Idea,
    responses((status = 200, body = Value, description = "`routes`, each with `group_labels`")))]
pub(crate) async fn match_routes(State(app): State<App>, Json(idea): Json<Idea>) -> Json<Value> {
    let of = Labels::new(idea.labels.into_iter().collect());
    let config = app.alerting.manager.config();
    let one = |r: &&Arc<Route>| {
        let mut out = route(r);
        out["group_labels"] = labels(&r.group_labels(&of));
        out
    };
    Json(json!({"routes": config.routes.matching(&of).iter().map(one).collect::<Vec<_>>()}))
}
