//! Microsoft Teams: workflows with adaptive cards (learn.microsoft.com, "Adaptive Cards for Power Automate").
//!
//! A card has at most 28 KB.

use std::path::PathBuf;

use net::{HttpConfig, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::building::{Building, Made};
use super::card::{self, Card};
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
    text: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            send_resolved: None,
            http_config: None,
            webhook_url: None,
            webhook_url_file: None,
            title: "{{ template \"msteamsv2.default.title\" . }}".into(),
            text: "{{ template \"msteamsv2.default.text\" . }}".into(),
        }
    }
}

pub(super) fn build(b: &mut Building<'_>) -> Option<Made> {
    let config: Config = b.read()?;
    let url =
        b.address("webhook_url", (config.webhook_url.as_ref(), config.webhook_url_file.as_ref()), (None, None))?;
    let title = b.text("title", &config.title, Role::Title);
    let text = b.text("text", &config.text, Role::Body);
    card::made(b, (url, config.http_config.as_ref()), TeamsWorkflow { title, text }, (&config, config.send_resolved))
}

struct TeamsWorkflow {
    title: Text,
    text: Text,
}

impl Card for TeamsWorkflow {
    fn body(&self, r: &mut Rendering<'_>) -> Json {
        let title = r.fill_within(&self.title, TITLE_CHARACTERS_MAX);
        let text = r.fill_within(&self.text, TEXT_CHARACTERS_MAX);
        let color = if r.fires() { "attention" } else { "good" };
        json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [
                        { "type": "TextBlock", "text": title, "weight": "Bolder", "size": "Medium", "wrap": true, "style": "heading", "color": color },
                        { "type": "TextBlock", "text": text, "wrap": true },
                    ],
                    "msteams": { "width": "Full" },
                },
            }],
        })
    }
}
