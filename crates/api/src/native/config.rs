//! Looks at the text of a configuration before somebody starts a server with it.

use axum::Json;
use axum::extract::State;
use foundation::ErrorKind;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use super::rules::FindingShape;
use crate::app::App;
use crate::run;
use crate::sources::ConfigFinding;

/// The largest text that is looked at.
pub(crate) const TEXT_BYTES_MAX: usize = 4 << 20;

/// What is to be said of a configuration.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigCheckShape {
    /// Whether a server would start with it.
    usable: bool,
    /// The pipelines that it would run.
    pipelines: Vec<String>,
    findings: Vec<FindingShape>,
}

impl From<ConfigFinding> for FindingShape {
    fn from(f: ConfigFinding) -> Self {
        let severity = if f.error { "error" } else { "warning" };
        Self::of_request(severity, (f.line, f.column), f.path, f.message, f.fix)
    }
}

/// What `bellrock check` says of the text of a configuration, our own or an OpenTelemetry Collector's. Nothing is changed; files and
/// variables that it refers to are not read.
#[utoipa::path(post, path = "/api/v1/config/check", request_body(content = String, content_type = "application/yaml"),
    responses((status = 200, body = ConfigCheckShape), (status = 413, body = ApiError)))]
pub(crate) async fn check(State(app): State<App>, text: String) -> Result<Json<ConfigCheckShape>, ApiError> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("a configuration of more than {TEXT_BYTES_MAX} bytes is not looked at");
        return Err(ApiError::new(ErrorKind::TooLarge, message));
    }
    let check = app.sources.check_config.clone();
    let checked = run::blocking(move || Ok::<_, ApiError>(check(&text))).await?;
    Ok(Json(ConfigCheckShape {
        usable: checked.usable,
        pipelines: checked.pipelines,
        findings: checked.findings.into_iter().map(FindingShape::from).collect(),
    }))
}
