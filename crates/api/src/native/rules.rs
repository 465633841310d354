//! Rules made and tried through the API: `POST /api/v1/rules` takes a rule file as it is.

use std::time::Duration;

use alerting::Fingerprint;
use alerting::rules::backtest::{self, PastAlert, Played};
use alerting::rules::file::{self, Dialect};
use alerting::rules::spec::{Past, Rule};
use alerting::rules::{BookError, FileFindings};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use foundation::units::parse_duration;
use foundation::{ErrorKind, UnixNanos};
use model::Labels;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use yaml::Finding;

use super::error::ApiError;
use super::params::Query;
use crate::app::App;
use crate::run;

/// What was taken of a rule file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportShape {
    /// The groups that are evaluated now.
    groups: Vec<GroupShape>,
    /// How many rules they have.
    rules: usize,
    /// What there is to say of the file, in its order.
    findings: Vec<FindingShape>,
    /// Whether Prometheus takes the file as well.
    prometheus_accepts: bool,
}

/// A group that was taken.
#[derive(Debug, Serialize, ToSchema)]
struct GroupShape {
    name: String,
    /// Alerts and recorded metrics, in the order of evaluation.
    rules: Vec<String>,
}

/// Something to say of a file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FindingShape {
    /// `error`, `warning` or `info`.
    severity: &'static str,
    /// The file; `request` for the body.
    file: String,
    /// From 1; 0 when the file as a whole is meant.
    line: u32,
    /// From 1.
    column: u32,
    /// The setting.
    path: String,
    /// What is the matter.
    reason: String,
    /// What to do about it.
    fix: String,
    /// Whether Prometheus refuses the file because of it.
    prometheus_refuses: bool,
}

impl FindingShape {
    fn new(file: &str, f: &Finding) -> Self {
        Self {
            severity: f.severity.name(),
            file: file.to_owned(),
            line: f.place.line,
            column: f.place.column,
            path: f.path.clone(),
            reason: f.message.clone(),
            fix: f.remedy.clone(),
            prometheus_refuses: f.refused_elsewhere(),
        }
    }

    /// About the body of a request.
    pub(crate) fn of_request(
        severity: &'static str,
        (line, column): (u32, u32),
        path: String,
        reason: String,
        fix: String,
    ) -> Self {
        Self { severity, file: "request".to_owned(), line, column, path, reason, fix, prometheus_refuses: false }
    }

    fn all(files: &[FileFindings]) -> Vec<Self> {
        files.iter().flat_map(|f| f.findings.iter().map(|x| Self::new(&f.file, x))).collect()
    }
}

impl From<BookError> for ApiError {
    fn from(e: BookError) -> Self {
        let out = Self::new(e.kind(), e.to_string());
        match e {
            BookError::Findings(files) => out.with_findings(FindingShape::all(&files)),
            _ => out,
        }
    }
}

/// Takes a rule file of Prometheus; groups that the API made before and that have the same name are replaced. Nothing is taken when
/// there is an error in it.
#[utoipa::path(post, path = "/api/v1/rules", tag = "rules", request_body(content = String, content_type = "application/yaml"),
    responses((status = 200, body = ImportShape), (status = 400, body = ApiError)))]
pub(crate) async fn import(State(app): State<App>, body: Bytes) -> Result<Json<ImportShape>, ApiError> {
    let text = text(body)?;
    let taken = blocking(move || app.rules.import(&text)).await??;
    let findings: Vec<_> = taken.findings.iter().map(|f| FindingShape::new("request", f)).collect();
    Ok(Json(ImportShape {
        rules: taken.groups.iter().map(|g| g.rules.len()).sum(),
        groups: taken
            .groups
            .iter()
            .map(|g| GroupShape { name: g.name.clone(), rules: g.rules.iter().map(|r| r.name.clone()).collect() })
            .collect(),
        prometheus_accepts: !findings.iter().any(|f| f.prometheus_refuses),
        findings,
    }))
}

/// Removes a group that the API made.
#[utoipa::path(delete, path = "/api/v1/rules/{group}", tag = "rules", params(("group" = String, Path)),
    responses((status = 204), (status = 404, body = ApiError), (status = 409, body = ApiError, description = "it comes from a file")))]
pub(crate) async fn remove(State(app): State<App>, Path(group): Path<String>) -> Result<StatusCode, ApiError> {
    blocking(move || app.rules.remove(&group)).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// One group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneGroupShape {
    name: String,
    /// `api` for what the API made.
    file: String,
    /// Its own; none when it has that of the server.
    interval_seconds: Option<f64>,
    /// A whole rule file with this group, extensions included.
    yaml: String,
}

/// One group, as a file that can be changed and sent again.
#[utoipa::path(get, path = "/api/v1/rules/{group}", tag = "rules", params(("group" = String, Path)),
    responses((status = 200, body = OneGroupShape), (status = 404, body = ApiError)))]
pub(crate) async fn one(State(app): State<App>, Path(group): Path<String>) -> Result<Json<OneGroupShape>, ApiError> {
    let groups = blocking(move || app.rules.engine().groups()).await?;
    let Some(found) = groups.iter().find(|g| g.group.name == group) else {
        return Err(ApiError::new(ErrorKind::NotFound, format!("there is no group `{group}`")));
    };
    Ok(Json(OneGroupShape {
        name: found.group.name.clone(),
        file: found.file.clone(),
        interval_seconds: found.group.interval.map(|i| i.as_secs_f64()),
        yaml: file::write([&found.group], Dialect::Bellrock),
    }))
}

/// For whom rules are exported.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportParams {
    /// `prometheus` (default): without what only Bellrock has; `bellrock`: everything.
    dialect: Option<String>,
}

/// All rules as one file, which `promtool check rules` takes.
#[utoipa::path(get, path = "/api/v1/rules/export", tag = "rules", params(ExportParams),
    responses((status = 200, body = String, content_type = "application/yaml"), (status = 400, body = ApiError)))]
pub(crate) async fn export(
    State(app): State<App>,
    Query(params): Query<ExportParams>,
) -> Result<impl IntoResponse, ApiError> {
    let dialect = match params.dialect.as_deref() {
        None | Some("prometheus") => Dialect::Prometheus,
        Some("bellrock") => Dialect::Bellrock,
        Some(other) => {
            return Err(ApiError::invalid("dialect", format!("`{other}` is neither `prometheus` nor `bellrock`")));
        }
    };
    let yaml = blocking(move || app.rules.export(dialect)).await?;
    Ok(([(header::CONTENT_TYPE, "application/yaml; charset=utf-8")], yaml))
}

/// Which past a rule is tried on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PastParams {
    /// Inclusive; 7 days before `to` when left out. Unix milliseconds, unix nanoseconds, RFC 3339, `now` or `now-1h`.
    from: Option<String>,
    /// Now when left out.
    to: Option<String>,
    /// Between two evaluations, as `1m`; the interval of the group when left out, or longer where that were too many.
    step: Option<String>,
}

/// When rules would have fired.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrialShape {
    /// One for each alerting rule of the file.
    rules: Vec<TriedShape>,
    /// What there is to say of the file.
    findings: Vec<FindingShape>,
}

/// One rule and what would have happened.
#[derive(Debug, Serialize, ToSchema)]
struct TriedShape {
    group: String,
    rule: String,
    /// Unix nanoseconds of the first and last evaluation, and the step between.
    from: String,
    to: String,
    step_nanos: i64,
    /// How many evaluations there were.
    evaluations: u64,
    /// How often it would have fired.
    firings: usize,
    /// In the order in which they became pending.
    alerts: Vec<TriedAlertShape>,
    /// Whether there were more alerts than are listed.
    truncated: bool,
    warnings: Vec<String>,
    /// Why the rule could not be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// An alert that would have been. Times are unix nanoseconds.
#[derive(Debug, Serialize, ToSchema)]
struct TriedAlertShape {
    fingerprint: String,
    #[schema(value_type = Object)]
    labels: serde_json::Value,
    #[schema(value_type = Object)]
    annotations: serde_json::Value,
    pending_at: String,
    fired_at: Option<String>,
    ended_at: Option<String>,
    value: Option<f64>,
}

/// Evaluations that are made when no step is given, at most.
const STEPS_WANTED: i64 = 10_000;
/// How far back it is looked when nothing is said.
const SPAN: Duration = Duration::from_secs(7 * 86_400);

/// Says when the alerting rules of a file would have fired in the past. Nothing is stored and nobody is told.
#[utoipa::path(post, path = "/api/v1/rules/test", tag = "rules", params(PastParams),
    request_body(content = String, content_type = "application/yaml"),
    responses((status = 200, body = TrialShape), (status = 400, body = ApiError)))]
pub(crate) async fn test(
    State(app): State<App>,
    Query(params): Query<PastParams>,
    body: Bytes,
) -> Result<Json<TrialShape>, ApiError> {
    let text = text(body)?;
    let range = query::time::parse_range(params.from.as_deref(), params.to.as_deref(), app.clock.now(), SPAN)
        .map_err(|e| ApiError::invalid("from", e.to_string()))?;
    let step = params.step.as_deref().map(parse_duration).transpose();
    let step = step.map_err(|e| ApiError::invalid("step", e.to_string()))?.filter(|s| !s.is_zero());
    let read = file::read(&text);
    let findings: Vec<_> = read.findings.iter().map(|f| FindingShape::new("request", f)).collect();
    if !read.is_usable() {
        return Err(
            ApiError::new(ErrorKind::InvalidInput, "the file has errors; see `findings`").with_findings(findings)
        );
    }
    let rules = run::query(&app, move |app, _| {
        let s = app.rules.engine().surroundings();
        let mut tried = Vec::new();
        for group in &read.groups {
            let interval = group.interval.unwrap_or(s.options.interval);
            let past = past(range, step, interval);
            for rule in group.rules.iter().filter(|r| r.alerting.is_some()) {
                tried.push(self::tried(&group.name, rule, past, backtest::play(rule, past, s)));
            }
        }
        tried
    })
    .await?;
    Ok(Json(TrialShape { rules, findings }))
}

/// Whole multiples of the step, as rules are evaluated.
fn past(range: model::TimeRange, step: Option<Duration>, interval: Duration) -> Past {
    let width = range.end.0.saturating_sub(range.start.0).max(1);
    let least = Duration::from_secs(u64::try_from(width / STEPS_WANTED / 1_000_000_000 + 1).unwrap_or(1));
    let usual = if width / STEPS_WANTED < interval.as_nanos() as i64 { interval } else { least };
    let step = step.unwrap_or(usual);
    let nanos = i64::try_from(step.as_nanos()).unwrap_or(i64::MAX).max(1);
    let from = UnixNanos(range.start.0.div_euclid(nanos).saturating_mul(nanos));
    Past { from, to: range.end, step }
}

fn tried(group: &str, rule: &Rule, past: Past, played: Result<Played, alerting::rules::QueryError>) -> TriedShape {
    let (played, error) = match played {
        Ok(played) => (played, None),
        Err(e) => (Played::default(), Some(e.message)),
    };
    TriedShape {
        group: group.to_owned(),
        rule: rule.name.clone(),
        from: past.from.0.to_string(),
        to: past.to.0.to_string(),
        step_nanos: past.step.as_nanos() as i64,
        evaluations: played.evaluations,
        firings: played.alerts.iter().filter(|a| a.fired_at.is_some()).count(),
        alerts: played.alerts.iter().map(tried_alert).collect(),
        truncated: played.truncated,
        warnings: played.warnings,
        error,
    }
}

fn tried_alert(a: &PastAlert) -> TriedAlertShape {
    let texts =
        |labels: &Labels| labels.iter().map(|(n, v)| (n.to_owned(), v.into())).collect::<serde_json::Map<_, _>>();
    TriedAlertShape {
        fingerprint: Fingerprint::of(&a.labels).to_string(),
        labels: texts(&a.labels).into(),
        annotations: texts(&a.annotations).into(),
        pending_at: a.pending_at.0.to_string(),
        fired_at: a.fired_at.map(|t| t.0.to_string()),
        ended_at: a.ended_at.map(|t| t.0.to_string()),
        value: a.value.is_finite().then_some(a.value),
    }
}

fn text(body: Bytes) -> Result<String, ApiError> {
    if body.trim_ascii().is_empty() {
        return Err(ApiError::invalid(
            "body",
            "nothing was sent: is the file there? Send it as the body of the request",
        ));
    }
    String::from_utf8(body.into()).map_err(|_| ApiError::new(ErrorKind::InvalidInput, "the file is not UTF-8"))
}

/// The metadata are on a disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| ApiError::new(ErrorKind::Internal, format!("the request failed inside the server: {e}")))
}
