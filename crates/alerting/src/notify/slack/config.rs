//! `slack_configs`.

use std::path::PathBuf;
use std::time::Duration;

use net::{HttpConfig, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::notify::building::{Building, duration, duration_text};
use crate::notify::tree::Tree;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Config {
    pub send_resolved: Option<bool>,
    pub http_config: Option<HttpConfig>,
    pub api_url: Option<Secret>,
    pub api_url_file: Option<PathBuf>,
    pub app_token: Option<Secret>,
    pub app_token_file: Option<PathBuf>,
    pub app_url: Option<Secret>,
    pub channel: String,
    pub username: String,
    pub color: String,
    pub title: String,
    pub title_link: String,
    pub pretext: String,
    pub text: String,
    pub fields: Vec<Field>,
    pub short_fields: bool,
    pub footer: String,
    pub fallback: String,
    pub callback_id: String,
    pub icon_emoji: String,
    pub icon_url: String,
    pub image_url: String,
    pub thumb_url: String,
    pub link_names: bool,
    pub actions: Vec<Json>,
    pub mrkdwn_in: Vec<String>,
    pub message_text: String,
    pub blocks: Json,
    #[serde(deserialize_with = "duration", serialize_with = "duration_text")]
    pub timeout: Duration,
    pub update_message: bool,
    pub thread_updates: bool,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Field {
    title: String,
    value: String,
    short: Option<bool>,
}

impl Default for Config {
    fn default() -> Self {
        let of = |name: &str| format!("{{{{ template \"slack.default.{name}\" . }}}}");
        Self {
            send_resolved: None,
            http_config: None,
            api_url: None,
            api_url_file: None,
            app_token: None,
            app_token_file: None,
            app_url: None,
            channel: String::new(),
            username: of("username"),
            color: "{{ if eq .Status \"firing\" }}danger{{ else }}good{{ end }}".into(),
            title: of("title"),
            title_link: of("titlelink"),
            pretext: of("pretext"),
            text: of("text"),
            fields: Vec::new(),
            short_fields: false,
            footer: of("footer"),
            fallback: of("fallback"),
            callback_id: of("callbackid"),
            icon_emoji: of("iconemoji"),
            icon_url: of("iconurl"),
            image_url: String::new(),
            thumb_url: String::new(),
            link_names: false,
            actions: Vec::new(),
            mrkdwn_in: ["fallback", "pretext", "text"].map(str::to_owned).to_vec(),
            message_text: String::new(),
            blocks: Json::Null,
            timeout: Duration::ZERO,
            update_message: false,
            thread_updates: false,
        }
    }
}

impl Config {
    pub(super) fn fields(&self, b: &mut Building<'_>) -> Vec<Tree> {
        let field =
            |f: &Field| json!({ "title": f.title, "value": f.value, "short": f.short.unwrap_or(self.short_fields) });
        self.fields.iter().map(|f| Tree::new(b, "fields", &field(f))).collect()
    }
}
