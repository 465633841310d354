//! Webhooks: Alertmanager's JSON, version 4, or a body of the user's own.
//!
//! Format: prometheus.io, Alertmanager configuration, `webhook_config`. Every attempt for the same state of a group has the same
//! `Idempotency-Key`.

use std::path::PathBuf;
use std::time::Duration;

use foundation::UnixNanos;
use gotemplate::alertmanager::Pairs;
use http::{HeaderName, HeaderValue};
use net::{HttpConfig, Secret, SecretSource};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::building::{Building, Made, duration, duration_text, shown, target};
use super::data;
use super::http::{Call, Http, Service, url_of};
use super::rendering::Rendering;
use super::text::{Role, Text};
use super::tree::Tree;
use crate::notification::{Notification, NotifiedAlert};

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    send_resolved: Option<bool>,
    http_config: Option<HttpConfig>,
    url: Option<Secret>,
    url_file: Option<PathBuf>,
    max_alerts: u64,
    #[serde(deserialize_with = "duration", serialize_with = "duration_text")]
    timeout: Duration,
    payload: Json,
}

pub(super) fn build(b: &mut Building<'_>) -> Option<Made> {
    let config: Config = b.read()?;
    let templated = config.url.as_ref().map(Secret::expose).filter(|url| url.contains("{{")).map(str::to_owned);
    let (address, target) = match templated {
        Some(url) => (Address::Text(b.text("url", &url, Role::Detail)), "address of a template".into()),
        None => {
            let source = b.address("url", (config.url.as_ref(), config.url_file.as_ref()), (None, None))?;
            let target = target(&source);
            (Address::Source(source), target)
        }
    };
    let client = b.client(config.http_config.as_ref())?;
    let payload = (!config.payload.is_null()).then(|| Tree::new(b, "payload", &config.payload));
    let service = Webhook { address, payload, max_alerts: config.max_alerts as usize, timeout: config.timeout };
    let notifier = Http::new(service, client, b);
    Some(Made { notifier, send_resolved: config.send_resolved, target, shown: shown(&config) })
}

enum Address {
    Source(SecretSource),
    Text(Text),
}

struct Webhook {
    address: Address,
    payload: Option<Tree>,
    max_alerts: usize,
    timeout: Duration,
}

struct Message {
    body: Json,
    key: String,
    url: Option<Secret>,
}

impl Service for Webhook {
    type Message = Message;

    fn secrets(&self) -> Vec<&SecretSource> {
        match &self.address {
            Address::Source(source) => vec![source],
            Address::Text(_) => Vec::new(),
        }
    }

    fn render(&self, r: &mut Rendering<'_>) -> Message {
        let body = match &self.payload {
            Some(payload) => payload.fill(r),
            None => version_4(r.notification, self.max_alerts),
        };
        let url = match &self.address {
            Address::Text(text) => Some(Secret::new(r.fill(text))),
            Address::Source(_) => None,
        };
        Message { body, key: data::idempotency_key(r.notification), url }
    }

    fn calls(&self, message: Message, secrets: &[Secret]) -> Result<Vec<Call>, String> {
        let url = message.url.as_ref().or(secrets.first()).ok_or("no address")?;
        let mut call = Call::post(url_of(url)?, &message.body);
        if let Json::String(text) = &message.body {
            // A body that is a text is sent as it is.
            call.request.body = text.clone().into();
            call.request
                .headers
                .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        }
        if let Ok(key) = HeaderValue::from_str(&message.key) {
            call.request.headers.insert(HeaderName::from_static("idempotency-key"), key);
        }
        Ok(vec![call])
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// Alertmanager's `webhook.Message`.
fn version_4(n: &Notification, max_alerts: usize) -> Json {
    let shown = if max_alerts == 0 { n.alerts.len() } else { max_alerts.min(n.alerts.len()) };
    json!({
        "receiver": n.receiver,
        "status": n.status.name(),
        "alerts": n.alerts.iter().take(shown).map(alert).collect::<Vec<_>>(),
        "notification_reason": n.reason.name(),
        "groupLabels": object(&data::pairs(&n.group_labels)),
        "commonLabels": object(&data::pairs(&n.common_labels)),
        "commonAnnotations": object(&data::pairs(&n.common_annotations)),
        "externalURL": n.external_url,
        "version": "4",
        "groupKey": n.group_key,
        "truncatedAlerts": n.truncated + (n.alerts.len() - shown) as u64,
    })
}

fn alert(a: &NotifiedAlert) -> Json {
    json!({
        "status": a.status.name(),
        "labels": object(&data::pairs(&a.labels)),
        "annotations": object(&data::pairs(&a.annotations)),
        "startsAt": time(a.starts_at),
        "endsAt": if a.ends_at == UnixNanos(0) { "0001-01-01T00:00:00Z".to_owned() } else { time(a.ends_at) },
        "generatorURL": a.generator_url,
        "fingerprint": a.fingerprint.to_string(),
    })
}

fn object(pairs: &Pairs) -> Json {
    let map: Map<String, Json> = pairs.iter().map(|(k, v)| (k.clone(), Json::String(v.clone()))).collect();
    Json::Object(map)
}

/// RFC 3339 in UTC.
fn time(at: UnixNanos) -> String {
    jiff::Timestamp::from_nanosecond(at.0.into()).map(|t| t.to_string()).unwrap_or_default()
}
