//! Mattermost: incoming webhooks with an attachment (developers.mattermost.com, "Incoming webhooks").
//!
//! A message has at most 16,383 characters.

use std::path::PathBuf;

use net::{HttpConfig, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::building::{Building, Made, shown};
use super::card::{self, Card};
use super::rendering::Rendering;
use super::text::{Role, Text};
use super::tree::Tree;

const CHARACTERS_MAX: usize = 16_383;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    send_resolved: Option<bool>,
    http_config: Option<HttpConfig>,
    webhook_url: Option<Secret>,
    webhook_url_file: Option<PathBuf>,
    channel: String,
    username: String,
    icon_url: String,
    icon_emoji: String,
    fallback: String,
    color: String,
    pretext: String,
    text: String,
    author_name: String,
    author_link: String,
    author_icon: String,
    title: String,
    title_link: String,
    fields: Vec<Field>,
    thumb_url: String,
    footer: String,
    footer_icon: String,
    image_url: String,
    attachments: Vec<Json>,
    props: Json,
    priority: Json,
    r#type: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Field {
    title: String,
    value: String,
    short: Option<bool>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            send_resolved: None,
            http_config: None,
            webhook_url: None,
            webhook_url_file: None,
            channel: String::new(),
            username: "{{ template \"mattermost.default.username\" . }}".into(),
            icon_url: String::new(),
            icon_emoji: String::new(),
            fallback: "{{ template \"mattermost.default.fallback\" . }}".into(),
            color: "{{ template \"mattermost.default.color\" . }}".into(),
            pretext: String::new(),
            text: "{{ template \"mattermost.default.text\" . }}".into(),
            author_name: String::new(),
            author_link: String::new(),
            author_icon: String::new(),
            title: "{{ template \"mattermost.default.title\" . }}".into(),
            title_link: "{{ template \"mattermost.default.titlelink\" . }}".into(),
            fields: Vec::new(),
            thumb_url: String::new(),
            footer: String::new(),
            footer_icon: String::new(),
            image_url: String::new(),
            attachments: Vec::new(),
            props: Json::Null,
            priority: Json::Null,
            r#type: String::new(),
        }
    }
}

pub(super) fn build(b: &mut Building<'_>) -> Option<Made> {
    let config: Config = b.read()?;
    let global = b.global;
    let url = b.address(
        "webhook_url",
        (config.webhook_url.as_ref(), config.webhook_url_file.as_ref()),
        (global.mattermost_webhook_url.as_ref(), global.mattermost_webhook_url_file.as_ref()),
    )?;
    let of_message = [
        ("channel", &config.channel),
        ("username", &config.username),
        ("icon_url", &config.icon_url),
        ("icon_emoji", &config.icon_emoji),
        ("type", &config.r#type),
    ];
    let of_attachment = [
        ("color", &config.color, Role::Detail),
        ("fallback", &config.fallback, Role::Title),
        ("pretext", &config.pretext, Role::Detail),
        ("author_name", &config.author_name, Role::Detail),
        ("author_link", &config.author_link, Role::Detail),
        ("author_icon", &config.author_icon, Role::Detail),
        ("title", &config.title, Role::Title),
        ("title_link", &config.title_link, Role::Detail),
        ("thumb_url", &config.thumb_url, Role::Detail),
        ("footer", &config.footer, Role::Detail),
        ("footer_icon", &config.footer_icon, Role::Detail),
        ("image_url", &config.image_url, Role::Detail),
    ];
    let card = Mattermost {
        message: of_message.into_iter().map(|(name, source)| (name, b.text(name, source, Role::Detail))).collect(),
        attachment: of_attachment.into_iter().map(|(name, source, role)| (name, b.text(name, source, role))).collect(),
        text: b.text("text", &config.text, Role::Body),
        fields: config.fields.iter().map(|f| Tree::new(b, "fields", &shown(f))).collect(),
        attachments: config.attachments.iter().map(|a| Tree::new(b, "attachments", a)).collect(),
        props: (!config.props.is_null()).then(|| Tree::new(b, "props", &config.props)),
        priority: (!config.priority.is_null()).then(|| Tree::new(b, "priority", &config.priority)),
    };
    let made = card::made(b, (url, config.http_config.as_ref()), card, (&config, config.send_resolved))?;
    Some(if config.channel.is_empty() { made } else { Made { target: config.channel, ..made } })
}

struct Mattermost {
    message: Vec<(&'static str, Text)>,
    attachment: Vec<(&'static str, Text)>,
    text: Text,
    fields: Vec<Tree>,
    attachments: Vec<Tree>,
    props: Option<Tree>,
    priority: Option<Tree>,
}

fn fill(r: &mut Rendering<'_>, texts: &[(&'static str, Text)]) -> Map<String, Json> {
    let filled = texts.iter().map(|(name, text)| ((*name).to_owned(), Json::String(r.fill(text))));
    filled.filter(|(_, value)| value.as_str() != Some("")).collect()
}

impl Card for Mattermost {
    fn body(&self, r: &mut Rendering<'_>) -> Json {
        let mut body = fill(r, &self.message);
        let mut attachment = fill(r, &self.attachment);
        attachment.insert("text".into(), r.fill_within(&self.text, CHARACTERS_MAX).into());
        if !self.fields.is_empty() {
            attachment.insert("fields".into(), self.fields.iter().map(|f| f.fill(r)).collect());
        }
        let mut attachments = vec![Json::Object(attachment)];
        attachments.extend(self.attachments.iter().map(|a| a.fill(r)));
        body.insert("attachments".into(), json!(attachments));
        for (name, tree) in [("props", &self.props), ("priority", &self.priority)] {
            if let Some(tree) = tree {
                body.insert(name.into(), tree.fill(r));
            }
        }
        Json::Object(body)
    }
}
