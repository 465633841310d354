//! Rules and the alerts that they raise.

use alerting::Fingerprint;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use promql::matcher::Matcher;
use query::time::rfc3339;
use serde_json::{Value, json};

use super::json;
use super::params::Params;
use super::respond::{ENVELOPE, Failure, PromError};
use super::stream::{self, List};
use super::targets::{labels_json, time};
use crate::app::App;
use crate::sources::{Alert, Alerting, Rule, RuleGroup};

/// Rules by group.
#[utoipa::path(get, path = "/api/v1/rules", tag = "prometheus",
    params(("type" = Option<String>, Query, description = "`alert` or `record`"), ("rule_name[]" = Option<Vec<String>>, Query),
        ("rule_group[]" = Option<Vec<String>>, Query), ("file[]" = Option<Vec<String>>, Query),
        ("match[]" = Option<Vec<String>>, Query, description = "selectors of the rules' labels"),
        ("exclude_alerts" = Option<bool>, Query), ("group_limit" = Option<usize>, Query, description = "groups of one page"),
        ("group_next_token" = Option<String>, Query, description = "`groupNextToken` of the page before")),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn rules(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let filter = Filter::read(&p)?;
    let page = Page::read(&p)?;
    away(move || {
        let (groups, next) = page.of((app.sources.rule_groups)())?;
        let mut body = [ENVELOPE, b"{\"groups\":["].concat();
        for (i, group) in groups.iter().filter_map(|g| filter.group(g)).enumerate() {
            body.extend((i > 0).then_some(b','));
            body.extend(group.to_string().bytes());
        }
        let token = next.map(|t| format!(",\"groupNextToken\":{}", Value::from(t))).unwrap_or_default();
        body.extend(format!("]{token}}}}}").bytes());
        Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
    })
    .await
}

/// Looking at groups waits for those that are being evaluated, and there may be tens of thousands of alerts.
async fn away<T: Send + 'static>(work: impl FnOnce() -> Result<T, PromError> + Send + 'static) -> Result<T, PromError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        Err(PromError::new(Failure::Internal, format!("the request failed inside the server: {e}")))
    })
}

/// Alerts that are pending or firing.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "prometheus",
    responses((status = 200, description = "as Prometheus answers")))]
pub(super) async fn alerts(State(app): State<App>) -> Result<Response, PromError> {
    let groups = away(move || Ok((app.sources.rule_groups)())).await?;
    let rules = groups.into_iter().flat_map(|g| g.rules).filter_map(|r| r.alerting);
    let alerts = rules.flat_map(|a| a.alerts);
    let head = [ENVELOPE, b"{\"alerts\":"].concat();
    Ok(stream::json(List::new(head, alerts, "}}", |out, a| write_alert(out, &a))))
}

/// Which rules are shown.
struct Filter {
    alerting: bool,
    recording: bool,
    alerts: bool,
    names: Vec<String>,
    groups: Vec<String>,
    files: Vec<String>,
    /// One of them must match; all do when there is none.
    selectors: Vec<Vec<Matcher>>,
}

impl Filter {
    fn read(p: &Params) -> Result<Self, PromError> {
        let kind = p.get("type").unwrap_or_default().to_lowercase();
        if !matches!(kind.as_str(), "" | "alert" | "record") {
            return Err(PromError::parameter("type", format!("not supported value {kind:?}")));
        }
        let alerts = match p.get("exclude_alerts").unwrap_or("false") {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => false,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => true,
            other => {
                return Err(PromError::parameter("exclude_alerts", format!("{other:?} is neither true nor false")));
            }
        };
        let all = |key| p.all(key).map(str::to_owned).collect();
        let selectors = p.all("match[]").map(promql::parse_selector).collect::<Result<_, _>>();
        Ok(Self {
            alerting: kind != "record",
            recording: kind != "alert",
            alerts,
            names: all("rule_name[]"),
            groups: all("rule_group[]"),
            files: all("file[]"),
            selectors: selectors.map_err(|e| PromError::parameter("match[]", e))?,
        })
    }

    /// A group with the rules that are shown. When rules were asked for, groups without any are not shown.
    fn group(&self, g: &RuleGroup) -> Option<Value> {
        if !among(&self.groups, &g.name) || !among(&self.files, &g.file) {
            return None;
        }
        let rules: Vec<_> = g.rules.iter().filter(|r| self.shows(r)).map(|r| rule(r, self.alerts)).collect();
        if rules.is_empty() && !(self.names.is_empty() && self.selectors.is_empty()) {
            return None;
        }
        Some(json!({
            "name": g.name,
            "file": g.file,
            "rules": rules,
            "interval": g.interval.as_secs_f64(),
            "limit": g.limit,
            "evaluationTime": g.evaluation_time.as_secs_f64(),
            "lastEvaluation": time(g.last_evaluation),
        }))
    }

    fn shows(&self, r: &Rule) -> bool {
        let kind = if r.alerting.is_some() { self.alerting } else { self.recording };
        let selected =
            self.selectors.is_empty() || self.selectors.iter().any(|s| s.iter().all(|m| m.matches_labels(&r.labels)));
        kind && among(&self.names, &r.name) && selected
    }
}

fn among(wanted: &[String], name: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|w| w == name)
}

fn rule(r: &Rule, with_alerts: bool) -> Value {
    let mut out = json!({
        "name": r.name,
        "query": r.query,
        "labels": labels_json(&r.labels),
        "health": r.health(),
        "evaluationTime": r.evaluation_time.as_secs_f64(),
        "lastEvaluation": time(r.last_evaluation),
        "type": if r.alerting.is_some() { "alerting" } else { "recording" },
    });
    if let Some(e) = &r.last_error {
        out["lastError"] = e.as_str().into();
    }
    if let Some(a) = &r.alerting {
        alerting(&mut out, a, with_alerts);
    }
    out
}

fn alerting(out: &mut Value, a: &Alerting, with_alerts: bool) {
    out["state"] = a.state().name().into();
    out["duration"] = a.hold.as_secs_f64().into();
    out["keepFiringFor"] = a.keep_firing.as_secs_f64().into();
    out["annotations"] = labels_json(&a.annotations);
    if with_alerts {
        out["alerts"] = a.alerts.iter().map(alert).collect();
    }
}

fn alert(a: &Alert) -> Value {
    let mut out = json!({
        "labels": labels_json(&a.labels),
        "annotations": labels_json(&a.annotations),
        "state": a.state.name(),
        "activeAt": rfc3339(a.active_at),
        "value": value(a),
        "fingerprint": Fingerprint::of(&a.labels).to_string(),
    });
    if let Some(since) = a.keep_firing_since {
        out["keepFiringSince"] = rfc3339(since).into();
    }
    out
}

fn value(a: &Alert) -> String {
    let mut value = Vec::new();
    json::exponential(&mut value, a.value);
    String::from_utf8_lossy(&value).into_owned()
}

/// The same as [`alert`]: of these there may be tens of thousands.
fn write_alert(out: &mut Vec<u8>, a: &Alert) {
    out.extend(b"{\"labels\":");
    json::labels(out, &a.labels);
    out.extend(b",\"annotations\":");
    json::labels(out, &a.annotations);
    let mut field = |name: &[u8], value: &str| {
        out.extend(name);
        json::text(out, value);
    };
    field(b",\"state\":", a.state.name());
    field(b",\"activeAt\":", &rfc3339(a.active_at));
    field(b",\"value\":", &value(a));
    field(b",\"fingerprint\":", &Fingerprint::of(&a.labels).to_string());
    if let Some(since) = a.keep_firing_since {
        field(b",\"keepFiringSince\":", &rfc3339(since));
    }
    out.push(b'}');
}

/// Which groups an answer has.
struct Page {
    groups: Option<usize>,
    after: Option<String>,
}

impl Page {
    fn read(p: &Params) -> Result<Self, PromError> {
        let groups = p.number("group_limit")?.filter(|n| *n > 0);
        let after = p.get("group_next_token").map(str::to_owned);
        if after.is_some() && groups.is_none() {
            return Err(PromError::bad_data("group_limit needs to be present in order to paginate over the groups"));
        }
        Ok(Self { groups, after })
    }

    /// The groups of the page, and the token of the next one.
    fn of(&self, mut all: Vec<RuleGroup>) -> Result<(Vec<RuleGroup>, Option<String>), PromError> {
        let first = match &self.after {
            None => 0,
            Some(token) => all.iter().position(|g| self::token(g) == *token).ok_or_else(|| {
                PromError::bad_data(format!("invalid group_next_token {token:?}: the groups have changed; begin again"))
            })?,
        };
        all.drain(..first);
        let next = self.groups.and_then(|count| all.get(count)).map(token);
        all.truncate(self.groups.unwrap_or(usize::MAX));
        Ok((all, next))
    }
}

/// Names the group that a page begins with.
fn token(g: &RuleGroup) -> String {
    format!("{};{}", g.file, g.name)
}

#[cfg(test)]
mod tests;
