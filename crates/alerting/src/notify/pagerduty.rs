//! PagerDuty: Events API v2 with a routing key, v1 with a service key (developer.pagerduty.com).
//!
//! The key of an incident is the SHA-256 of the group's key, as in Alertmanager: incidents go on after a move. A summary has
//! 1024 characters, an event 512 KB; details are left out when it is larger, and the event says so.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use foundation::UnixNanos;
use net::{HttpConfig, Response, Secret, SecretSource};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::building::{Building, Made, duration, duration_text, shown};
use super::data::sha256;
use super::http::{Call, Http, Service, Verdict, standard, url_of};
use super::rendering::Rendering;
use super::text::{Role, Text};
use super::tree::Tree;

const SUMMARY_CHARACTERS_MAX: usize = 1024;
const EVENT_BYTES_MAX: usize = 512_000;
const V1_URL: &str = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    send_resolved: Option<bool>,
    http_config: Option<HttpConfig>,
    routing_key: Option<Secret>,
    routing_key_file: Option<PathBuf>,
    service_key: Option<Secret>,
    service_key_file: Option<PathBuf>,
    url: Option<Secret>,
    client: String,
    client_url: String,
    description: String,
    severity: String,
    source: Option<String>,
    details: BTreeMap<String, Json>,
    images: Vec<Image>,
    links: Vec<Link>,
    class: String,
    component: String,
    group: String,
    #[serde(deserialize_with = "duration", serialize_with = "duration_text")]
    timeout: Duration,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Image {
    src: String,
    alt: String,
    href: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Link {
    href: String,
    text: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            send_resolved: None,
            http_config: None,
            routing_key: None,
            routing_key_file: None,
            service_key: None,
            service_key_file: None,
            url: None,
            client: "{{ template \"pagerduty.default.client\" . }}".into(),
            client_url: "{{ template \"pagerduty.default.clientURL\" . }}".into(),
            description: "{{ template \"pagerduty.default.description\" .}}".into(),
            severity: "error".into(),
            source: None,
            details: BTreeMap::new(),
            images: Vec::new(),
            links: Vec::new(),
            class: String::new(),
            component: String::new(),
            group: String::new(),
            timeout: Duration::ZERO,
        }
    }
}

/// Details that are there unless the channel says otherwise.
const DETAILS: &[(&str, &str)] = &[
    ("firing", "{{ template \"pagerduty.default.instances\" .Alerts.Firing }}"),
    ("resolved", "{{ template \"pagerduty.default.instances\" .Alerts.Resolved }}"),
    ("num_firing", "{{ .Alerts.Firing | len }}"),
    ("num_resolved", "{{ .Alerts.Resolved | len }}"),
];

pub(super) fn build(b: &mut Building<'_>) -> Option<Made> {
    let mut config: Config = b.read()?;
    let routing =
        b.secret("routing_key", (config.routing_key.as_ref(), config.routing_key_file.as_ref()), (None, None));
    let service =
        b.secret("service_key", (config.service_key.as_ref(), config.service_key_file.as_ref()), (None, None));
    let (key, v2) = match (routing, service) {
        (Some(key), None) => (key, true),
        (None, Some(key)) => (key, false),
        (Some(_), Some(_)) => {
            b.error("routing_key", "set routing_key (Events API v2) or service_key (v1), not both", "");
            return None;
        }
        (None, None) => {
            b.error("routing_key", "is missing", "set routing_key (Events API v2) or service_key (v1)");
            return None;
        }
    };
    if matches!(&key, SecretSource::Inline(k) if super::building::is_stand_in(k.expose())) {
        let field = if v2 { "routing_key" } else { "service_key" };
        b.warn(
            field,
            "holds a word that stands for the real one: this channel is disabled",
            "write the key of the integration",
        );
        return None;
    }
    for (name, source) in DETAILS {
        config.details.entry((*name).to_owned()).or_insert_with(|| (*source).into());
    }
    let v1_url = Secret::new(V1_URL);
    let default = if v2 { b.global.pagerduty_url.as_ref() } else { Some(&v1_url) };
    let url = b.address("url", (config.url.as_ref(), None), (default, None))?;
    let client = b.client(config.http_config.as_ref())?;
    let source = config.source.clone().unwrap_or_else(|| config.client.clone());
    let service = PagerDuty {
        url,
        key,
        v2,
        client: b.text("client", &config.client, Role::Detail),
        client_url: b.text("client_url", &config.client_url, Role::Detail),
        description: b.text("description", &config.description, Role::Title),
        severity: b.text("severity", &config.severity, Role::Detail),
        source: b.text("source", &source, Role::Detail),
        class: b.text("class", &config.class, Role::Detail),
        component: b.text("component", &config.component, Role::Detail),
        group: b.text("group", &config.group, Role::Detail),
        details: config.details.iter().map(|(name, json)| (name.clone(), Tree::new(b, "details", json))).collect(),
        images: config.images.iter().map(|i| Tree::new(b, "images", &shown(i))).collect(),
        links: config.links.iter().map(|l| Tree::new(b, "links", &shown(l))).collect(),
        timeout: config.timeout,
    };
    let target = if v2 { "Events API v2" } else { "Events API v1" }.to_owned();
    let notifier = Http::new(service, client, b);
    Some(Made { notifier, send_resolved: config.send_resolved, target, shown: shown(&config) })
}

struct PagerDuty {
    url: SecretSource,
    key: SecretSource,
    v2: bool,
    client: Text,
    client_url: Text,
    description: Text,
    severity: Text,
    source: Text,
    class: Text,
    component: Text,
    group: Text,
    details: Vec<(String, Tree)>,
    images: Vec<Tree>,
    links: Vec<Tree>,
    timeout: Duration,
}

impl PagerDuty {
    fn v2(&self, r: &mut Rendering<'_>, details: Json) -> Json {
        let severity = r.fill(&self.severity);
        let severity = if matches!(severity.as_str(), "critical" | "error" | "warning" | "info") {
            severity.as_str()
        } else {
            "error"
        };
        let source = r.fill(&self.source);
        let mut payload = json!({
            "summary": r.fill_within(&self.description, SUMMARY_CHARACTERS_MAX),
            "source": if source.is_empty() { "Bellrock".to_owned() } else { source },
            "severity": severity,
            "custom_details": details,
        });
        for (name, text) in [("class", &self.class), ("component", &self.component), ("group", &self.group)] {
            let filled = r.fill(text);
            if !filled.is_empty() {
                payload[name] = filled.into();
            }
        }
        let mut event = json!({
            "event_action": if r.fires() { "trigger" } else { "resolve" },
            "dedup_key": sha256(&r.notification.group_key),
            "client": r.fill(&self.client),
            "client_url": r.fill(&self.client_url),
            "payload": payload,
        });
        for (name, trees, key) in [("images", &self.images, "src"), ("links", &self.links, "href")] {
            let filled: Vec<Json> = trees
                .iter()
                .map(|t| without_empty(t.fill(r)))
                .filter(|item| item[key].as_str().is_some_and(|text| !text.is_empty()))
                .collect();
            if !filled.is_empty() {
                event[name] = filled.into();
            }
        }
        event
    }

    fn v1(&self, r: &mut Rendering<'_>, details: Json) -> Json {
        json!({
            "incident_key": sha256(&r.notification.group_key),
            "event_type": if r.fires() { "trigger" } else { "resolve" },
            "description": r.fill_within(&self.description, SUMMARY_CHARACTERS_MAX),
            "client": r.fill(&self.client),
            "client_url": r.fill(&self.client_url),
            "details": details,
        })
    }

    fn event(&self, r: &mut Rendering<'_>, details: Json) -> Json {
        if self.v2 { self.v2(r, details) } else { self.v1(r, details) }
    }
}

fn without_empty(json: Json) -> Json {
    match json {
        Json::Object(map) => {
            map.into_iter().filter(|(_, v)| v.as_str() != Some("")).collect::<Map<String, Json>>().into()
        }
        other => other,
    }
}

impl Service for PagerDuty {
    type Message = Json;

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.url, &self.key]
    }

    fn render(&self, r: &mut Rendering<'_>) -> Json {
        let details: Map<String, Json> = self.details.iter().map(|(name, tree)| (name.clone(), tree.fill(r))).collect();
        let event = self.event(r, details.into());
        if event.to_string().len() <= EVENT_BYTES_MAX {
            return event;
        }
        r.cut.push(format!(
            "details: left out, the event was larger than {EVENT_BYTES_MAX} bytes, the limit of the service"
        ));
        self.event(r, json!({ "error": "Details were left out because the event was larger than 512 KB." }))
    }

    fn calls(&self, mut message: Json, secrets: &[Secret]) -> Result<Vec<Call>, String> {
        let [url, key] = secrets else { return Err("an address and a key are needed".into()) };
        message[if self.v2 { "routing_key" } else { "service_key" }] = key.expose().into();
        Ok(vec![Call::post(url_of(url)?, &message)])
    }

    fn judge(&self, _call: &Call, response: &Response, now: UnixNanos) -> Verdict {
        match standard(response, now) {
            // Version 1 answers 403 when too much was sent.
            Verdict::Failed { reason } if !self.v2 && response.status == 403 => {
                Verdict::Retry { after: response.retry_after(now), reason }
            }
            other => other,
        }
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}
