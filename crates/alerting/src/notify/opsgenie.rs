//! Opsgenie: the Alert API v2 (docs.opsgenie.com).
//!
//! The alias is the SHA-256 of the group's key, so that an alert is closed, and updated when `update_alerts` is set.

use std::collections::BTreeMap;
use std::path::PathBuf;

use http::HeaderValue;
use http::header::AUTHORIZATION;
use net::{HttpConfig, Secret, SecretSource, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::building::{Building, Made, shown};
use super::data::sha256;
use super::http::{Call, Http, Service, url_of};
use super::rendering::Rendering;
use super::text::{Role, Text};

/// Limits of the Alert API, in characters.
const MESSAGE_MAX: usize = 130;
const DESCRIPTION_MAX: usize = 15_000;
const SOURCE_MAX: usize = 100;
const NOTE_MAX: usize = 25_000;
const ENTITY_MAX: usize = 512;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    send_resolved: Option<bool>,
    http_config: Option<HttpConfig>,
    api_key: Option<Secret>,
    api_key_file: Option<PathBuf>,
    api_url: Option<Secret>,
    message: String,
    description: String,
    source: String,
    details: BTreeMap<String, String>,
    responders: Vec<Responder>,
    tags: String,
    note: String,
    priority: String,
    update_alerts: bool,
    entity: String,
    actions: String,
}

#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Responder {
    id: String,
    name: String,
    username: String,
    r#type: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            send_resolved: None,
            http_config: None,
            api_key: None,
            api_key_file: None,
            api_url: None,
            message: "{{ template \"opsgenie.default.message\" . }}".into(),
            description: "{{ template \"opsgenie.default.description\" . }}".into(),
            source: "{{ template \"opsgenie.default.source\" . }}".into(),
            details: BTreeMap::new(),
            responders: Vec::new(),
            tags: String::new(),
            note: String::new(),
            priority: String::new(),
            update_alerts: false,
            entity: String::new(),
            actions: String::new(),
        }
    }
}

pub(super) fn build(b: &mut Building<'_>) -> Option<Made> {
    let config: Config = b.read()?;
    let global = b.global;
    let api = b.address("api_url", (config.api_url.as_ref(), None), (global.opsgenie_api_url.as_ref(), None))?;
    let key = b.secret(
        "api_key",
        (config.api_key.as_ref(), config.api_key_file.as_ref()),
        (global.opsgenie_api_key.as_ref(), global.opsgenie_api_key_file.as_ref()),
    );
    let Some(key) = key else {
        b.error("api_key", "is missing", "set api_key or api_key_file");
        return None;
    };
    for responder in &config.responders {
        let named = [&responder.id, &responder.name, &responder.username].iter().filter(|t| !t.is_empty()).count();
        if named == 0 {
            b.error("responders", "a responder needs an id, a name or a username", "");
            return None;
        }
    }
    let client = b.client(config.http_config.as_ref())?;
    let mut detail = |field: &str, source: &str| b.text(field, source, Role::Detail);
    let responder = |r: &Responder, detail: &mut dyn FnMut(&str, &str) -> Text| {
        [("id", &r.id), ("name", &r.name), ("username", &r.username), ("type", &r.r#type)]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (name, detail("responders", text)))
            .collect()
    };
    let service = Opsgenie {
        api,
        key,
        responders: config.responders.iter().map(|r| responder(r, &mut detail)).collect(),
        details: config.details.iter().map(|(k, v)| (k.clone(), detail("details", v))).collect(),
        source: detail("source", &config.source),
        tags: detail("tags", &config.tags),
        note: detail("note", &config.note),
        priority: detail("priority", &config.priority),
        entity: detail("entity", &config.entity),
        actions: detail("actions", &config.actions),
        message: b.text("message", &config.message, Role::Title),
        description: b.text("description", &config.description, Role::Body),
        update: config.update_alerts,
    };
    let notifier = Http::new(service, client, b);
    Some(Made { notifier, send_resolved: config.send_resolved, target: "Opsgenie".into(), shown: shown(&config) })
}

struct Opsgenie {
    api: SecretSource,
    key: SecretSource,
    message: Text,
    description: Text,
    source: Text,
    details: Vec<(String, Text)>,
    responders: Vec<Vec<(&'static str, Text)>>,
    tags: Text,
    note: Text,
    priority: Text,
    entity: Text,
    actions: Text,
    update: bool,
}

struct Message {
    alias: String,
    /// `None`: the alert is closed.
    alert: Option<Json>,
    source: String,
}

/// Texts with commas between them.
fn list(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|t| !t.is_empty()).collect()
}

impl Service for Opsgenie {
    type Message = Message;

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.api, &self.key]
    }

    fn render(&self, r: &mut Rendering<'_>) -> Message {
        let alias = sha256(&r.notification.group_key);
        let source = r.fill_within(&self.source, SOURCE_MAX);
        if !r.fires() {
            return Message { alias, alert: None, source };
        }
        let mut details: Map<String, Json> =
            r.notification.common_labels.iter().map(|(k, v)| (k.to_owned(), v.into())).collect();
        for (name, text) in &self.details {
            details.insert(name.clone(), r.fill(text).into());
        }
        let mut alert = json!({
            "alias": alias,
            "message": r.fill_within(&self.message, MESSAGE_MAX),
            "description": r.fill_within(&self.description, DESCRIPTION_MAX),
            "source": source,
            "details": details,
        });
        let mut responders = Vec::new();
        for fields in &self.responders {
            let mut filled: Map<String, Json> =
                fields.iter().map(|(name, text)| ((*name).to_owned(), r.fill(text).into())).collect();
            if let Some(Json::String(kind)) = filled.get_mut("type") {
                *kind = kind.to_lowercase();
            }
            responders.push(Json::Object(filled));
        }
        if !responders.is_empty() {
            alert["responders"] = responders.into();
        }
        for (name, text, max) in
            [("note", &self.note, NOTE_MAX), ("entity", &self.entity, ENTITY_MAX), ("priority", &self.priority, 10)]
        {
            let filled = r.fill_within(text, max);
            if !filled.is_empty() {
                alert[name] = filled.into();
            }
        }
        for (name, text) in [("tags", &self.tags), ("actions", &self.actions)] {
            let filled = r.fill(text);
            if !list(&filled).is_empty() {
                alert[name] = list(&filled).into();
            }
        }
        Message { alias, alert: Some(alert), source }
    }

    fn calls(&self, message: Message, secrets: &[Secret]) -> Result<Vec<Call>, String> {
        let [api, key] = secrets else { return Err("an address and a key are needed".into()) };
        let base = url_of(api)?;
        let at = |rest: &str| -> Url {
            let mut url = base.clone();
            url.set_path(&format!("{}/v2/alerts{rest}", base.path().trim_end_matches('/')));
            if !rest.is_empty() {
                url.set_query(Some("identifierType=alias"));
            }
            url
        };
        let mut calls = Vec::new();
        match &message.alert {
            None => calls.push(Call {
                what: "close",
                ..Call::post(at(&format!("/{}/close", message.alias)), &json!({ "source": message.source }))
            }),
            Some(alert) => {
                calls.push(Call { what: "create", ..Call::post(at(""), alert) });
                // Creating one that exists counts it up and changes neither text.
                for (name, what) in [("message", "update message"), ("description", "update description")] {
                    if self.update {
                        let mut call =
                            Call::post(at(&format!("/{}/{name}", message.alias)), &json!({ name: alert[name] }));
                        call.request.method = http::Method::PUT;
                        calls.push(Call { what, ..call });
                    }
                }
            }
        }
        let mut value = HeaderValue::from_str(&format!("GenieKey {}", key.expose()))
            .map_err(|_| "the key has characters that headers cannot have")?;
        value.set_sensitive(true);
        for call in &mut calls {
            call.request.headers.insert(AUTHORIZATION, value.clone());
        }
        Ok(calls)
    }
}
