//! What a silence would hide, before it is made.

use alerting::manager::matchers::{self, Matchers};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::blocking;
use super::instances::alert;
use crate::app::App;
use crate::native::error::ApiError;

/// Alerts that the answer shows.
const SHOWN: usize = 500;

/// The silence that is thought of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Idea {
    /// As `severity="critical"`, `instance=~"db.*"`.
    matchers: Vec<String>,
}

/// Alerts that fire and that a silence with these matchers would hide.
#[utoipa::path(post, path = "/api/v1/silences/preview", request_body = Idea,
    responses((status = 200, body = Value, description = "`count`, `quiet_already`, `alerts`, `warnings`"), (status = 400, body = ApiError)))]
pub(crate) async fn preview(State(app): State<App>, Json(idea): Json<Idea>) -> Result<Json<Value>, ApiError> {
    let (mut all, mut warnings) = (Matchers::default(), Vec::new());
    for text in &idea.matchers {
        let parsed = matchers::parse(text).map_err(|e| ApiError::invalid("matchers", e.to_string()))?;
        all.0.extend(parsed.matchers.0);
        warnings.extend(parsed.warning);
    }
    if all.0.iter().all(|m| m.matches_value("")) {
        warnings.push("at least one matcher must not match the empty text: such a silence is refused".to_owned());
    }
    blocking(move || {
        let preview = app.alerting.manager.preview(&all);
        if preview.alerts.is_empty() {
            warnings.push("nothing that fires now fits".to_owned());
        }
        Ok(Json(json!({
            "count": preview.alerts.len(),
            "quiet_already": preview.quiet_already,
            "alerts": preview.alerts.iter().take(SHOWN).map(alert).collect::<Vec<_>>(),
            "warnings": warnings,
        })))
    })
    .await
}
