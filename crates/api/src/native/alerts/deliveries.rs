//! The log of everything that was sent, or could not be.

use alerting::manager::OnTheWay;
use axum::Json;
use axum::extract::State;
use metastore::{Delivery, DeliveryQuery};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::channels::failure;
use super::instances::fingerprint;
use super::{blocking, moment, ms};
use crate::app::App;
use crate::native::error::ApiError;
use crate::native::params::Query;

const LIMIT: usize = 100;

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only of this receiver.
    receiver: Option<String>,
    /// `delivered` or `failed`.
    outcome: Option<String>,
    /// Only those that named this alert: its fingerprint.
    alert: Option<String>,
    /// Only with this text: in receiver, channel, target, group, reason, answers.
    q: Option<String>,
    /// Not before this time, as in queries.
    from: Option<String>,
    /// Before this time.
    to: Option<String>,
    /// `next_before` of the page before.
    before: Option<i64>,
    /// Rows of the page; 100 when left out, 1000 at most.
    limit: Option<usize>,
}

/// Messages, the newest first, each with its attempts and their steps; and on the first page those that are still on their way.
#[utoipa::path(get, path = "/api/v1/notifications", params(Which),
    responses((status = 200, body = Value, description = "`notifications`, `next_before`, `on_the_way`")))]
pub(crate) async fn list(State(app): State<App>, Query(which): Query<Which>) -> Result<Json<Value>, ApiError> {
    if let Some(other) = which.outcome.as_deref().filter(|o| !["delivered", "failed"].contains(o)) {
        return Err(ApiError::invalid("outcome", format!("`{other}` is neither `delivered` nor `failed`")));
    }
    if which.alert.is_some() && which.q.is_some() {
        return Err(ApiError::invalid("q", "ask for one alert or for a text, not for both"));
    }
    let alert = which.alert.as_deref().map(fingerprint).transpose()?;
    let from = which.from.as_deref().map(|text| moment(&app, "from", text)).transpose()?;
    let to = which.to.as_deref().map(|text| moment(&app, "to", text)).transpose()?;
    blocking(move || {
        let limit = which.limit.unwrap_or(LIMIT).clamp(1, 1000);
        let wanted = |m: &OnTheWay| which.receiver.as_ref().is_none_or(|r| *r == m.receiver);
        let is_first = which.before.is_none() && which.outcome.is_none() && which.q.is_none() && alert.is_none();
        let moving = if is_first { app.alerting.manager.on_the_way() } else { Vec::new() };
        let moving: Vec<Value> = moving.iter().filter(|m| wanted(m)).map(on_the_way).collect();
        let query = DeliveryQuery {
            receiver: which.receiver,
            outcome: which.outcome,
            text: alert.map(|a| a.to_string()).or(which.q),
            from,
            to,
            before: which.before,
            limit,
        };
        let found = app.metastore.deliveries(&query)?;
        let next = (found.len() == limit).then(|| found.last().map(|d| d.id)).flatten();
        let found: Vec<Value> = found.iter().map(delivery).collect();
        Ok(Json(json!({"notifications": found, "next_before": next, "on_the_way": moving})))
    })
    .await
}

fn on_the_way(m: &OnTheWay) -> Value {
    json!({
        "receiver": m.receiver,
        "channel": m.channel,
        "target": m.target,
        "group_key": m.group_key,
        "notification_reason": m.notification_reason,
        "alerts": m.alerts,
        "since_ms": ms(m.since),
        "attempt_count": m.attempts,
        "last_failure": m.failure.as_ref().map(failure),
        "next_attempt_ms": m.next_attempt.map(ms),
    })
}

fn delivery(d: &Delivery) -> Value {
    let mut out = json!({
        "id": d.id,
        "time_ms": ms(d.at),
        "receiver": d.receiver,
        "outcome": d.outcome,
        "group_key": d.group_key,
    });
    if let (Value::Object(out), Value::Object(body)) = (&mut out, &d.body) {
        out.extend(body.clone());
    }
    out
}
