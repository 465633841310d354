//! Google Chat: incoming webhooks with a card (developers.google.com/workspace/chat).
//!
//! Alertmanager has no such channel: `googlechat_configs` is ours. A message has at most 32,000 bytes; all messages of a group
//! go into one thread.

use std::path::PathBuf;

use net::{HttpConfig, Secret, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::building::{Building, Made};
use super::card::{self, Card};
use super::data::sha256;
use super::rendering::Rendering;
use super::text::{Role, Text};

const TEXT_CHARACTERS_MAX: usize = 4096;
const TITLE_CHARACTERS_MAX: usize = 200;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    send_resolved: Option<bool>,
    http_config: Option<HttpConfig>,
    url: Option<Secret>,
    url_file: Option<PathBuf>,
    title: String,
    text: String,
    threading: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            send_resolved: None,
            http_config: None,
            url: None,
            url_file: None,
            title: "{{ template \"googlechat.default.title\" . }}".into(),
            text: "{{ template \"googlechat.default.text\" . }}".into(),
            threading: true,
        }
    }
}

pub(super) fn build(b: &mut Building<'_>) -> Option<Made> {
    let config: Config = b.read()?;
    let url = b.address("url", (config.url.as_ref(), config.url_file.as_ref()), (None, None))?;
    let card = GoogleChat {
        title: b.text("title", &config.title, Role::Title),
        text: b.html("text", &config.text, Role::HtmlBody),
        threading: config.threading,
    };
    card::made(b, (url, config.http_config.as_ref()), card, (&config, config.send_resolved))
}

struct GoogleChat {
    title: Text,
    text: Text,
    threading: bool,
}

impl Card for GoogleChat {
    fn body(&self, r: &mut Rendering<'_>) -> Json {
        let title = r.fill_within(&self.title, TITLE_CHARACTERS_MAX);
        let text = r.fill_within(&self.text, TEXT_CHARACTERS_MAX);
        let key = sha256(&r.notification.group_key);
        let subtitle = if r.fires() { "firing" } else { "resolved" };
        let mut body = json!({
            "cardsV2": [{
                "cardId": key,
                "card": {
                    "header": { "title": title, "subtitle": subtitle },
                    "sections": [{ "widgets": [{ "textParagraph": { "text": text } }] }],
                },
            }],
            // What phones show of a card.
            "fallbackText": title,
        });
        if self.threading {
            body["thread"] = json!({ "threadKey": key });
        }
        body
    }

    fn address(&self, mut hook: Url) -> Url {
        if self.threading {
            hook.query_pairs_mut().append_pair("messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD");
        }
        hook
    }
}
