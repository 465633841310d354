//! Slack: incoming webhooks, or `chat.postMessage` with a bot's token (docs.slack.dev).
//!
//! With a token the message of a group can be changed in place (`update_message`) and its changes told in its thread
//! (`thread_updates`, ours). Which message that is, is remembered in memory: after a restart a new one is posted.

mod config;
mod threads;

use foundation::UnixNanos;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use net::{Response, Secret, SecretSource, Url};
use serde_json::{Map, Value as Json, json};

use self::config::Config;
use self::threads::{Posted, Threads};
use super::building::{Building, Made, shown};
use super::data::sha256;
use super::http::{Call, Http, Service, Verdict, standard, url_of};
use super::rendering::Rendering;
use super::text::{Role, Text};
use super::tree::Tree;

const TITLE_CHARACTERS_MAX: usize = 1024;
const TEXT_CHARACTERS_MAX: usize = 40_000;

pub(super) fn build(b: &mut Building<'_>) -> Option<Made> {
    let config: Config = b.read()?;
    let global = b.global;
    let own_token = (config.app_token.as_ref(), config.app_token_file.as_ref());
    let own_url = (config.api_url.as_ref(), config.api_url_file.as_ref());
    let has_own_url = own_url.0.is_some() || own_url.1.is_some();
    let has_own_token = own_token.0.is_some() || own_token.1.is_some();
    if has_own_url && has_own_token {
        b.error("app_token", "set api_url (a webhook) or app_token (a bot), not both", "");
        return None;
    }
    let token = if has_own_url {
        None
    } else {
        b.secret("app_token", own_token, (global.slack_app_token.as_ref(), global.slack_app_token_file.as_ref()))
    };
    let url = match &token {
        Some(SecretSource::Inline(t)) if super::building::is_stand_in(t.expose()) => {
            b.warn(
                "app_token",
                "holds a word that stands for the real one: this channel is disabled",
                "write the token of the bot",
            );
            return None;
        }
        Some(_) => b.address("app_url", (config.app_url.as_ref(), None), (global.slack_app_url.as_ref(), None))?,
        None => b.address("api_url", own_url, (global.slack_api_url.as_ref(), global.slack_api_url_file.as_ref()))?,
    };
    if token.is_some() && config.channel.is_empty() {
        b.error("channel", "is missing", "a bot must be told the channel");
        return None;
    }
    if token.is_none() && (config.update_message || config.thread_updates) {
        let field = if config.update_message { "update_message" } else { "thread_updates" };
        b.warn(field, "needs app_token: a webhook does not say which message it made", "");
    }
    let client = b.client(config.http_config.as_ref())?;
    let target = if config.channel.is_empty() { super::building::target(&url) } else { config.channel.clone() };
    let service = Slack::new(b, &config, url, token);
    let notifier = Http::new(service, client, b);
    Some(Made { notifier, send_resolved: config.send_resolved, target, shown: shown(&config) })
}

struct Slack {
    url: SecretSource,
    token: Option<SecretSource>,
    message: Vec<(&'static str, Text)>,
    message_text: Text,
    attachment: Vec<(&'static str, Text)>,
    title: Text,
    text: Text,
    fields: Vec<Tree>,
    actions: Vec<Tree>,
    blocks: Option<Tree>,
    link_names: bool,
    mrkdwn_in: Vec<String>,
    timeout: std::time::Duration,
    update: bool,
    thread: bool,
    threads: Threads,
}

impl Slack {
    fn new(b: &mut Building<'_>, config: &Config, url: SecretSource, token: Option<SecretSource>) -> Self {
        let message = [
            ("channel", &config.channel),
            ("username", &config.username),
            ("icon_emoji", &config.icon_emoji),
            ("icon_url", &config.icon_url),
        ];
        let attachment = [
            ("title_link", &config.title_link, Role::Detail),
            ("pretext", &config.pretext, Role::Detail),
            ("fallback", &config.fallback, Role::Title),
            ("callback_id", &config.callback_id, Role::Detail),
            ("image_url", &config.image_url, Role::Detail),
            ("thumb_url", &config.thumb_url, Role::Detail),
            ("footer", &config.footer, Role::Detail),
            ("color", &config.color, Role::Detail),
        ];
        Self {
            url,
            token,
            message: message.into_iter().map(|(name, source)| (name, b.text(name, source, Role::Detail))).collect(),
            message_text: b.text("message_text", &config.message_text, Role::Title),
            attachment: attachment.into_iter().map(|(name, source, role)| (name, b.text(name, source, role))).collect(),
            title: b.text("title", &config.title, Role::Title),
            text: b.text("text", &config.text, Role::Body),
            fields: config.fields(b),
            actions: config.actions.iter().map(|a| Tree::new(b, "actions", a)).collect(),
            blocks: (!config.blocks.is_null()).then(|| Tree::new(b, "blocks", &config.blocks)),
            link_names: config.link_names,
            mrkdwn_in: config.mrkdwn_in.clone(),
            timeout: config.timeout,
            update: config.update_message,
            thread: config.thread_updates,
            threads: Threads::new(b.memory.clone(), &config.channel),
        }
    }

    fn attachment(&self, r: &mut Rendering<'_>) -> Json {
        let mut attachment = filled(r, &self.attachment);
        attachment.insert("title".into(), r.fill_within(&self.title, TITLE_CHARACTERS_MAX).into());
        attachment.insert("text".into(), r.fill_within(&self.text, TEXT_CHARACTERS_MAX).into());
        attachment.insert("mrkdwn_in".into(), json!(self.mrkdwn_in));
        for (name, trees) in [("fields", &self.fields), ("actions", &self.actions)] {
            if !trees.is_empty() {
                attachment.insert(name.into(), trees.iter().map(|t| t.fill(r)).collect());
            }
        }
        Json::Object(attachment)
    }
}

fn filled(r: &mut Rendering<'_>, texts: &[(&'static str, Text)]) -> Map<String, Json> {
    let filled = texts.iter().map(|(name, text)| ((*name).to_owned(), Json::String(r.fill(text))));
    filled.filter(|(_, value)| value.as_str() != Some("")).collect()
}

struct Message {
    body: Json,
    key: String,
    fires: bool,
}

impl Service for Slack {
    type Message = Message;

    fn secrets(&self) -> Vec<&SecretSource> {
        [Some(&self.url), self.token.as_ref()].into_iter().flatten().collect()
    }

    fn render(&self, r: &mut Rendering<'_>) -> Message {
        if self.update || self.thread {
            self.threads.recall();
        }
        let mut body = filled(r, &self.message);
        let text = r.fill_within(&self.message_text, TEXT_CHARACTERS_MAX);
        if !text.is_empty() {
            body.insert("text".into(), text.into());
        }
        if self.link_names {
            body.insert("link_names".into(), true.into());
        }
        match &self.blocks {
            Some(blocks) => {
                body.insert("blocks".into(), blocks.fill(r));
                if !body.contains_key("text") {
                    // What notifications show of blocks.
                    body.insert("text".into(), r.fill_within(&self.title, TITLE_CHARACTERS_MAX).into());
                }
            }
            None => {
                body.insert("attachments".into(), json!([self.attachment(r)]));
            }
        }
        Message { body: Json::Object(body), key: sha256(&r.notification.group_key), fires: r.fires() }
    }

    fn calls(&self, message: Message, secrets: &[Secret]) -> Result<Vec<Call>, String> {
        let url = url_of(secrets.first().ok_or("no address")?)?;
        let Some(token) = secrets.get(1) else {
            return Ok(vec![Call::post(url, &message.body)]);
        };
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| "the token has characters that headers cannot have")?;
        authorization.set_sensitive(true);
        let posted = if self.update || self.thread { self.threads.get(&message.key) } else { None };
        let memory = if message.fires { message.key.clone() } else { format!("-{}", message.key) };
        let mut calls = Vec::new();
        if let Some(Posted { channel, ts }) = &posted {
            if self.update {
                let mut body = message.body.clone();
                body["channel"] = channel.clone().into();
                body["ts"] = ts.clone().into();
                calls.push(Call {
                    what: "chat.update",
                    memory: memory.clone(),
                    ..Call::post(method(&url, "chat.update"), &body)
                });
            }
            if self.thread {
                let mut body = message.body.clone();
                body["channel"] = channel.clone().into();
                body["thread_ts"] = ts.clone().into();
                calls.push(Call {
                    what: "chat.postMessage in the thread",
                    memory: memory.clone(),
                    ..Call::post(url.clone(), &body)
                });
            }
        } else {
            calls.push(Call { what: "chat.postMessage", memory, ..Call::post(url, &message.body) });
        }
        for call in &mut calls {
            call.request.headers.insert(AUTHORIZATION, authorization.clone());
        }
        Ok(calls)
    }

    fn judge(&self, call: &Call, response: &Response, now: UnixNanos) -> Verdict {
        let verdict = standard(response, now);
        if self.token.is_none() || verdict != Verdict::Delivered {
            return verdict;
        }
        // The Web API answers 200 with what it thinks in `ok`.
        let answer: Json = serde_json::from_slice(&response.body).unwrap_or_default();
        if answer["ok"].as_bool() != Some(true) {
            let error = answer["error"].as_str().unwrap_or("an answer that is not its own");
            let reason = format!("the service refused: {error}");
            let later = matches!(
                error,
                "ratelimited"
                    | "rate_limited"
                    | "internal_error"
                    | "fatal_error"
                    | "service_unavailable"
                    | "request_timeout"
            );
            return if later {
                Verdict::Retry { after: response.retry_after(now), reason }
            } else {
                Verdict::Failed { reason }
            };
        }
        match call.memory.strip_prefix('-') {
            Some(key) => self.threads.forget(key),
            None if call.what == "chat.postMessage" && (self.update || self.thread) => {
                if let (Some(channel), Some(ts)) = (answer["channel"].as_str(), answer["ts"].as_str()) {
                    self.threads.put(&call.memory, Posted { channel: channel.to_owned(), ts: ts.to_owned() });
                }
            }
            None => {}
        }
        Verdict::Delivered
    }

    /// A message that is gone cannot be changed: it is posted anew.
    fn instead(&self, call: &Call, response: &Response) -> Option<Call> {
        let answer: Json = serde_json::from_slice(&response.body).ok()?;
        let gone =
            matches!(answer["error"].as_str()?, "message_not_found" | "cant_update_message" | "edit_window_closed");
        if call.what != "chat.update" || !gone {
            return None;
        }
        let mut body: Json = serde_json::from_slice(&call.request.body).ok()?;
        body.as_object_mut()?.remove("ts");
        self.threads.forget(call.memory.trim_start_matches('-'));
        let mut next = call.clone();
        next.what = "chat.postMessage";
        next.request.url = method(&call.request.url, "chat.postMessage");
        next.request.body = body.to_string().into();
        Some(next)
    }

    fn timeout(&self) -> std::time::Duration {
        self.timeout
    }
}

/// Another method beside the one that the address names.
fn method(url: &Url, name: &str) -> Url {
    let mut other = url.clone();
    let folder = url.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    other.set_path(&format!("{folder}/{name}"));
    other
}
