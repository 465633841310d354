//! Discord: webhooks with one embed (discord.com/developers, "Execute Webhook").
//!
//! A title has 256 characters, a description 4096, the content 2000. Throttled answers say in seconds when to come again.

use std::path::PathBuf;
use std::time::Duration;

use foundation::UnixNanos;
use net::{HttpConfig, Response, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::building::{Building, Made};
use super::card::{self, Card};
use super::http::{Verdict, standard};
use super::rendering::Rendering;
use super::text::{Role, Text};

const TITLE_MAX: usize = 256;
const DESCRIPTION_MAX: usize = 4096;
const CONTENT_MAX: usize = 2000;
const RED: u32 = 0x99_2D_22;
const GREEN: u32 = 0x2E_CC_71;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    send_resolved: Option<bool>,
    http_config: Option<HttpConfig>,
    webhook_url: Option<Secret>,
    webhook_url_file: Option<PathBuf>,
    title: String,
    message: String,
    content: String,
    username: String,
    avatar_url: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            send_resolved: None,
            http_config: None,
            webhook_url: None,
            webhook_url_file: None,
            title: "{{ template \"discord.default.title\" . }}".into(),
            message: "{{ template \"discord.default.message\" . }}".into(),
            content: "{{ template \"discord.default.content\" . }}".into(),
            username: String::new(),
            avatar_url: String::new(),
        }
    }
}

pub(super) fn build(b: &mut Building<'_>) -> Option<Made> {
    let config: Config = b.read()?;
    let url =
        b.address("webhook_url", (config.webhook_url.as_ref(), config.webhook_url_file.as_ref()), (None, None))?;
    let card = Discord {
        title: b.text("title", &config.title, Role::Title),
        message: b.text("message", &config.message, Role::Body),
        content: b.text("content", &config.content, Role::Detail),
        username: config.username.clone(),
        avatar_url: config.avatar_url.clone(),
    };
    card::made(b, (url, config.http_config.as_ref()), card, (&config, config.send_resolved))
}

struct Discord {
    title: Text,
    message: Text,
    content: Text,
    username: String,
    avatar_url: String,
}

impl Card for Discord {
    fn body(&self, r: &mut Rendering<'_>) -> Json {
        let mut body = json!({
            "content": r.fill_within(&self.content, CONTENT_MAX),
            "embeds": [{
                "title": r.fill_within(&self.title, TITLE_MAX),
                "description": r.fill_within(&self.message, DESCRIPTION_MAX),
                "color": if r.fires() { RED } else { GREEN },
            }],
            // Nobody is called by what stands in a label.
            "allowed_mentions": { "parse": if self.content.source.contains('@') { vec!["everyone", "roles", "users"] } else { Vec::new() } },
        });
        for (name, text) in [("username", &self.username), ("avatar_url", &self.avatar_url)] {
            if !text.is_empty() {
                body[name] = text.clone().into();
            }
        }
        body
    }

    fn judge(&self, response: &Response, now: UnixNanos) -> Verdict {
        match standard(response, now) {
            Verdict::Retry { after, reason } => {
                let answer: Json = serde_json::from_slice(&response.body).unwrap_or_default();
                let said = answer["retry_after"].as_f64().and_then(|s| Duration::try_from_secs_f64(s).ok());
                Verdict::Retry { after: said.or(after), reason }
            }
            other => other,
        }
    }
}
