//! `/api/v2/alerts` and `/api/v2/alerts/groups`.

use alerting::manager::{AlertView, GroupView};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use model::Labels;
use serde::Serialize;
use serde_json::{Value, json};

use super::filter::{Params, fits};
use super::wire::{Failure, GettableAlert, LabelSet, Named, PostableAlert};
use crate::app::App;
use crate::stream::{self, List, Pieces};

/// What is asked of alerts.
struct Wanted {
    active: bool,
    silenced: bool,
    inhibited: bool,
    muted: bool,
    filter: Vec<alerting::manager::matchers::Matcher>,
    receiver: Option<regex::Regex>,
}

impl Wanted {
    fn of(uri: &Uri) -> Result<Self, Failure> {
        let params = Params::of(uri)?;
        Ok(Self {
            active: params.on("active")?,
            silenced: params.on("silenced")?,
            inhibited: params.on("inhibited")?,
            muted: params.on("muted")?,
            filter: params.filter()?,
            receiver: params.receiver()?,
        })
    }

    /// Whether the labels are wanted: that is known before the alert is judged.
    fn fits(&self, labels: &Labels) -> bool {
        self.filter.is_empty() || fits(&self.filter, &labels.iter().collect())
    }

    fn has(&self, view: &AlertView) -> bool {
        let status = &view.status;
        (self.active || status.state() != "active")
            && (self.silenced || status.silenced_by.is_empty())
            && (self.inhibited || status.inhibited_by.is_empty())
            && (self.muted || status.muted_by.is_empty())
            && self.receiver.as_ref().is_none_or(|r| view.receivers.iter().any(|name| r.is_match(name)))
    }
}

/// Alerts that fire, by fingerprint.
#[utoipa::path(get, path = "/api/v2/alerts", tag = "alertmanager",
    params(("active" = Option<bool>, Query), ("silenced" = Option<bool>, Query), ("inhibited" = Option<bool>, Query),
        ("filter" = Option<Vec<String>>, Query), ("receiver" = Option<String>, Query)),
    responses((status = 200, body = Value), (status = 400, body = String)))]
pub(super) async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Failure> {
    let wanted = Wanted::of(&uri)?;
    blocking(move || {
        let mut alerts = app.alerting.manager.alerts(|labels| wanted.fits(labels));
        alerts.retain(|view| wanted.has(view));
        Ok(stream::json(List::new("", alerts.into_iter(), "", |out, view| write(out, &GettableAlert::of(&view)))))
    })
    .await
}

/// Writing into memory cannot fail.
fn write(out: &mut Vec<u8>, what: &impl Serialize) {
    let _ = serde_json::to_writer(out, what);
}

/// Takes alerts. They are stored when the answer comes; those that are wrong are named, and the others are taken.
#[utoipa::path(post, path = "/api/v2/alerts", tag = "alertmanager", request_body = Value,
    responses((status = 200), (status = 400, body = String)))]
pub(super) async fn add(State(app): State<App>, body: Bytes) -> Result<StatusCode, Failure> {
    blocking(move || {
        let parsed: Result<Option<Vec<PostableAlert>>, _> = serde_json::from_slice(&body);
        let alerts = parsed.map_err(|e| Failure::bad(format!("parsing alerts body failed, because {e}")))?;
        let (mut good, mut refused) = (Vec::new(), Vec::new());
        for alert in alerts.unwrap_or_default() {
            match alert.posted() {
                Ok(alert) => good.push(alert),
                Err(why) => refused.push(why),
            }
        }
        let posted = app.alerting.manager.post(good).map_err(|e| Failure::of(e.kind(), e.to_string()))?;
        refused.extend(posted.refused);
        if refused.is_empty() { Ok(StatusCode::OK) } else { Err(Failure::bad(refused.join("; "))) }
    })
    .await
}

/// As version 1 answered.
pub(super) async fn add_v1(state: State<App>, body: Bytes) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    match add(state, body).await {
        Ok(_) => Ok(Json(json!({"status": "success"}))),
        Err(Failure(status, error)) => {
            Err((status, Json(json!({"status": "error", "errorType": "bad_data", "error": error}))))
        }
    }
}

/// Alerts that fire, as they are grouped.
#[utoipa::path(get, path = "/api/v2/alerts/groups", tag = "alertmanager",
    params(("active" = Option<bool>, Query), ("silenced" = Option<bool>, Query), ("inhibited" = Option<bool>, Query),
        ("muted" = Option<bool>, Query), ("filter" = Option<Vec<String>>, Query), ("receiver" = Option<String>, Query)),
    responses((status = 200, body = Value), (status = 400, body = String)))]
pub(super) async fn groups(State(app): State<App>, uri: Uri) -> Result<Response, Failure> {
    let wanted = Wanted::of(&uri)?;
    blocking(move || {
        let mut groups = app.alerting.manager.groups(|labels| wanted.fits(labels));
        groups.iter_mut().for_each(|group| group.alerts.retain(|view| wanted.has(view)));
        groups.retain(|group| !group.alerts.is_empty());
        Ok(stream::json(Groups { groups: groups.into_iter(), open: None, begun: false }))
    })
    .await
}

/// Groups, one alert per piece: a single group may have all of them.
struct Groups {
    groups: std::vec::IntoIter<GroupView>,
    open: Option<Open>,
    begun: bool,
}

/// A group that is being written.
struct Open {
    labels: Labels,
    receiver: String,
    alerts: std::vec::IntoIter<AlertView>,
    begun: bool,
}

impl Pieces for Groups {
    fn write(&mut self, out: &mut Vec<u8>) -> bool {
        if let Some(open) = &mut self.open {
            match open.alerts.next() {
                Some(view) => {
                    out.extend(std::mem::replace(&mut open.begun, true).then_some(b','));
                    write(out, &GettableAlert::of(&view));
                }
                None => {
                    out.extend(b"],\"labels\":");
                    write(out, &LabelSet(&open.labels));
                    out.extend(b",\"receiver\":");
                    write(out, &Named { name: &open.receiver });
                    out.push(b'}');
                    self.open = None;
                }
            }
            return true;
        }
        let next = self.groups.next();
        match (std::mem::replace(&mut self.begun, true), &next) {
            (false, _) => out.push(b'['),
            (true, Some(_)) => out.push(b','),
            (true, None) => {}
        }
        let Some(GroupView { labels, receiver, alerts, .. }) = next else {
            out.push(b']');
            return false;
        };
        out.extend(b"{\"alerts\":[");
        self.open = Some(Open { labels, receiver, alerts: alerts.into_iter(), begun: false });
        true
    }
}

/// Away from the threads of the sockets.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        Err(Failure(StatusCode::INTERNAL_SERVER_ERROR, format!("the request failed inside the server: {e}")))
    })
}
