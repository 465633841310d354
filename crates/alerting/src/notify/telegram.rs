//! Telegram: `sendMessage` of the Bot API (core.telegram.org/bots/api).
//!
//! At most 4096 characters. What Telegram cannot read as HTML or Markdown is sent once more as plain text.

use std::path::PathBuf;
use std::time::Duration;

use foundation::UnixNanos;
use net::{HttpConfig, Request, Response, Secret, SecretSource};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::building::{Building, Made, at_base, shown};
use super::http::{Call, Http, Service, Verdict, standard, url_of};
use super::rendering::Rendering;
use super::text::{Role, Text};

const CHARACTERS_MAX: usize = 4096;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    send_resolved: Option<bool>,
    http_config: Option<HttpConfig>,
    api_url: Option<Secret>,
    bot_token: Option<Secret>,
    bot_token_file: Option<PathBuf>,
    chat_id: Option<i64>,
    chat_id_file: Option<PathBuf>,
    message_thread_id: Option<i64>,
    message: String,
    disable_notifications: bool,
    parse_mode: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            send_resolved: None,
            http_config: None,
            api_url: None,
            bot_token: None,
            bot_token_file: None,
            chat_id: None,
            chat_id_file: None,
            message_thread_id: None,
            message: "{{ template \"telegram.default.message\" . }}".into(),
            disable_notifications: false,
            parse_mode: "HTML".into(),
        }
    }
}

pub(super) fn build(b: &mut Building<'_>) -> Option<Made> {
    let config: Config = b.read()?;
    let global = b.global;
    let api = b.address("api_url", (config.api_url.as_ref(), None), (global.telegram_api_url.as_ref(), None))?;
    let token = b.secret(
        "bot_token",
        (config.bot_token.as_ref(), config.bot_token_file.as_ref()),
        (global.telegram_bot_token.as_ref(), global.telegram_bot_token_file.as_ref()),
    );
    let Some(token) = token else {
        b.error("bot_token", "is missing", "set bot_token or bot_token_file");
        return None;
    };
    if matches!(&token, SecretSource::Inline(t) if super::building::is_stand_in(t.expose())) {
        b.warn(
            "bot_token",
            "holds a word that stands for the real one: this channel is disabled",
            "write the token that BotFather gave you",
        );
        return None;
    }
    let mut chat_file = config.chat_id_file.clone();
    at_base(&mut chat_file, b.base);
    let chat = match (config.chat_id.filter(|id| *id != 0), chat_file) {
        (Some(id), None) => SecretSource::Inline(Secret::new(id.to_string())),
        (None, Some(file)) => SecretSource::File(file),
        (Some(_), Some(_)) => {
            b.error("chat_id", "set chat_id or chat_id_file, not both", "");
            return None;
        }
        (None, None) => {
            b.error("chat_id", "is missing", "set chat_id or chat_id_file");
            return None;
        }
    };
    if !matches!(config.parse_mode.as_str(), "" | "HTML" | "Markdown" | "MarkdownV2") {
        b.error("parse_mode", format!("unknown {:?}", config.parse_mode), "HTML, Markdown, MarkdownV2 or nothing");
        return None;
    }
    let message = if config.parse_mode == "HTML" {
        b.html("message", &config.message, Role::HtmlBody)
    } else {
        b.text("message", &config.message, Role::Body)
    };
    let client = b.client(config.http_config.as_ref())?;
    let target = match config.chat_id {
        Some(id) => format!("chat {id}"),
        None => "chat of a file".into(),
    };
    let service = Telegram {
        api,
        token,
        chat,
        message,
        parse_mode: config.parse_mode.clone(),
        silent: config.disable_notifications,
        thread: config.message_thread_id.filter(|id| *id != 0),
    };
    let notifier = Http::new(service, client, b);
    Some(Made { notifier, send_resolved: config.send_resolved, target, shown: shown(&config) })
}

struct Telegram {
    api: SecretSource,
    token: SecretSource,
    chat: SecretSource,
    message: Text,
    parse_mode: String,
    silent: bool,
    thread: Option<i64>,
}

impl Service for Telegram {
    type Message = String;

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.api, &self.token, &self.chat]
    }

    fn render(&self, r: &mut Rendering<'_>) -> String {
        r.fill_within(&self.message, CHARACTERS_MAX)
    }

    fn calls(&self, message: String, secrets: &[Secret]) -> Result<Vec<Call>, String> {
        let [api, token, chat] = secrets else { return Err("an address, a token and a chat are needed".into()) };
        let mut url = url_of(api)?;
        let path = format!("{}/bot{}/sendMessage", url.path().trim_end_matches('/'), token.expose());
        url.set_path(&path);
        let chat = chat.expose();
        let chat = chat.parse::<i64>().map_or_else(|_| Json::String(chat.to_owned()), Json::from);
        let mut body = json!({ "chat_id": chat, "text": message, "disable_notification": self.silent, "disable_web_page_preview": true });
        if !self.parse_mode.is_empty() {
            body["parse_mode"] = self.parse_mode.clone().into();
        }
        if let Some(thread) = self.thread {
            body["message_thread_id"] = thread.into();
        }
        Ok(vec![Call { what: "sendMessage", ..Call::post(url, &body) }])
    }

    fn judge(&self, _call: &Call, response: &Response, now: UnixNanos) -> Verdict {
        let answer: Json = serde_json::from_slice(&response.body).unwrap_or_default();
        match standard(response, now) {
            Verdict::Retry { after, reason } => {
                let said = answer["parameters"]["retry_after"].as_u64().map(Duration::from_secs);
                Verdict::Retry { after: said.or(after), reason }
            }
            Verdict::Failed { reason } => match answer["description"].as_str() {
                Some(said) => Verdict::Failed { reason: format!("{reason}: {said}") },
                None => Verdict::Failed { reason },
            },
            Verdict::Delivered => Verdict::Delivered,
        }
    }

    fn instead(&self, call: &Call, response: &Response) -> Option<Call> {
        let mut body: Json = serde_json::from_slice(&call.request.body).ok()?;
        let answer: Json = serde_json::from_slice(&response.body).ok()?;
        let unreadable = response.status == 400 && answer["description"].as_str()?.contains("can't parse entities");
        body.as_object_mut()?.remove("parse_mode").filter(|_| unreadable)?;
        let request = Request { body: body.to_string().into(), ..call.request.clone() };
        Some(Call { what: "sendMessage as plain text", request, memory: String::new() })
    }
}
