//! Microsoft Teams: connectors with message cards (learn.microsoft.com, "Office 365 Connectors").
//!
//! A message has at most 28 KB. A connector that is throttled answers 200 with the word of it in its body.

use std::path::PathBuf;

use foundation::UnixNanos;
use net::{HttpConfig, Response, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::building::{Building, Made};
use super::card::{self, Card};
use super::http::{Verdict, standard};
use super::rendering::Rendering;
use super::text::{Role, Text};

const TEXT_CHARACTERS_MAX: usize = 20_000;
const TITLE_CHARACTERS_MAX: usize = 1_000;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    send_resolved: Option<bool>,
    http_config: Option<HttpConfig>,
    webhook_url: Option<Secret>,
    webhook_url_file: Option<PathBuf>,
    title: String,
    summary: String,
    text: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            send_resolved: None,
            http_config: None,
            webhook_url: None,
            webhook_url_file: None,
            title: "{{ template \"msteams.default.title\" . }}".into(),
            summary: "{{ template \"msteams.default.summary\" . }}".into(),
            text: "{{ template \"msteams.default.text\" . }}".into(),
        }
    }
}

pub(super) fn build(b: &mut Building<'_>) -> Option<Made> {
    let config: Config = b.read()?;
    let url =
        b.address("webhook_url", (config.webhook_url.as_ref(), config.webhook_url_file.as_ref()), (None, None))?;
    let card = Teams {
        title: b.text("title", &config.title, Role::Title),
        summary: b.text("summary", &config.summary, Role::Title),
        text: b.text("text", &config.text, Role::Body),
    };
    card::made(b, (url, config.http_config.as_ref()), card, (&config, config.send_resolved))
}

struct Teams {
    title: Text,
    summary: Text,
    text: Text,
}

impl Card for Teams {
    fn body(&self, r: &mut Rendering<'_>) -> Json {
        json!({
            "@context": "http://schema.org/extensions",
            "@type": "MessageCard",
            "title": r.fill_within(&self.title, TITLE_CHARACTERS_MAX),
            "summary": r.fill_within(&self.summary, TITLE_CHARACTERS_MAX),
            "text": r.fill_within(&self.text, TEXT_CHARACTERS_MAX),
            "themeColor": if r.fires() { "8C1A1A" } else { "2DC72D" },
        })
    }

    fn judge(&self, response: &Response, now: UnixNanos) -> Verdict {
        let said = String::from_utf8_lossy(&response.body);
        match standard(response, now) {
            Verdict::Delivered if said.contains("HTTP error 429") => Verdict::Retry {
                after: response.retry_after(now),
                reason: "the service answered 200 and means 429".into(),
            },
            Verdict::Delivered if said.contains("HTTP error 413") => {
                Verdict::Failed { reason: "the service answered 200 and means 413: the message is too large".into() }
            }
            other => other,
        }
    }
}
