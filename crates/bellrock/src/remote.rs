//! A server that runs, as commands ask it.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use foundation::text::beginning;
use net::{Client, ClientOptions, HttpConfig, Request, Response, Url};
use query::ReadError;
use serde::Deserialize;
use tokio::runtime::Runtime;

/// So much is shown of an answer that is no message of ours.
const SAID_BYTES_MAX: usize = 300;

/// An answer may be so large.
pub(crate) const ANSWER_BYTES_MAX: usize = 256 << 20;

/// How the address of a server is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flag {
    name: &'static str,
    example: &'static str,
    /// What it is the address of.
    port: &'static str,
}

/// The address of its API.
pub(crate) const API: Flag = Flag { name: "--api", example: "http://127.0.0.1:8080", port: "the API" };
/// Where it takes records.
pub(crate) const OTLP: Flag = Flag { name: "--url", example: "http://127.0.0.1:4318", port: "the OTLP/HTTP port" };

/// A server.
pub(crate) struct Remote {
    flag: Flag,
    base: Url,
    client: Client,
    runtime: Runtime,
}

impl Remote {
    /// The server at an address that was given with `flag`.
    pub(crate) fn new(flag: Flag, address: &str) -> anyhow::Result<Self> {
        let parsed = Url::parse(address).ok();
        let Some(base) = parsed.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) else {
            bail!("{}: `{address}` is not an address; write {}, {} of the server", flag.name, flag.example, flag.port);
        };
        let options = ClientOptions { body_bytes_max: ANSWER_BYTES_MAX, ..ClientOptions::default() };
        let client = Client::new(&HttpConfig::default(), options)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { flag, base, client, runtime })
    }

    /// Where a path of the server lies, as `/api/v1/analyse`.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.trim_start_matches('/').split('/'));
        }
        url
    }

    fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Its answer, whatever the status.
    pub(crate) fn send(&self, request: Request, timeout: Duration) -> anyhow::Result<Response> {
        let Flag { name, port, .. } = self.flag;
        self.runtime.block_on(self.client.send(request, timeout)).with_context(|| {
            format!("cannot ask the server at {} (is it running, and is this {port}? else set {name})", self.origin())
        })
    }

    /// Says what was answered that is of no use; `said` is what could be read of it.
    pub(crate) fn unexpected(&self, answer: &Response, said: &str) -> anyhow::Error {
        let Flag { name, example, port } = self.flag;
        let said = match said.trim() {
            "" => String::new(),
            text => format!(": {}", beginning(text, SAID_BYTES_MAX)),
        };
        let wrong_port = if matches!(answer.status.as_u16(), 200 | 404 | 405) {
            format!(" (is this {port}? else set {name}, as {example})")
        } else {
            String::new()
        };
        anyhow!("the server at {} answered {}{said}{wrong_port}", self.origin(), answer.status)
    }

    /// An error of the API in words, with its place below the text that was asked with.
    pub(crate) fn refused(&self, query: &str, answer: &Response) -> anyhow::Error {
        match serde_json::from_slice::<Refused>(&answer.body) {
            Ok(Refused { error }) if !error.message.is_empty() => anyhow!(error.in_words(query)),
            _ => self.unexpected(answer, &String::from_utf8_lossy(&answer.body)),
        }
    }
}

/// An error of the API.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: Reason,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reason {
    message: String,
    parameter: Option<String>,
    position: Option<Position>,
    suggestion: Option<String>,
}

/// In bytes of the query.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
struct Position {
    offset: usize,
    length: usize,
}

impl Reason {
    fn in_words(self, query: &str) -> String {
        let mut out = pointed(query, self.message, self.position, self.suggestion.as_deref());
        if let Some(parameter @ ("from" | "to")) = self.parameter.as_deref() {
            out.push_str(&format!("\n(--{parameter})"));
        }
        out
    }
}

/// What is wrong with a read, with its place below the filter.
pub(crate) fn wrong(filter: &str, e: &ReadError) -> anyhow::Error {
    let position = e.position().map(|at| Position { offset: at.offset, length: at.length });
    anyhow!(pointed(filter, e.to_string(), position, e.suggestion()))
}

fn pointed(query: &str, mut message: String, at: Option<Position>, suggestion: Option<&str>) -> String {
    if let Some(at) = at {
        message.push_str(&format!("\n{}", marked(query, at)));
    }
    if let Some(suggestion) = suggestion {
        message.push_str(&format!("\ndid you mean `{suggestion}`?"));
    }
    message
}

/// The line of the query that a place is in, and the place marked below it.
fn marked(query: &str, at: Position) -> String {
    let floor = |i| beginning(query, i).len();
    let (from, to) = (floor(at.offset), floor(at.offset.saturating_add(at.length)));
    let begin = query[..from].rfind('\n').map_or(0, |i| i + 1);
    let end = query[from..].find('\n').map_or(query.len(), |i| from + i);
    let before = query[begin..from].chars().count();
    let marks = query[from..to.clamp(from, end)].chars().count().max(1);
    format!("  {}\n  {}{}", &query[begin..end], " ".repeat(before), "^".repeat(marks))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        let url = Remote::new(API, "http://h:1/").unwrap().url("/api/v1/logs");
        assert_eq!(url.as_str(), "http://h:1/api/v1/logs");
        let behind_a_proxy = Remote::new(API, "https://h/bellrock").unwrap().url("/api/v1/logs");
        assert_eq!(behind_a_proxy.as_str(), "https://h/bellrock/api/v1/logs");
        for wrong in ["h:1", "ftp://h", "", "http://"] {
            let error = Remote::new(API, wrong).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("--api") && error.contains("http://127.0.0.1:8080"), "{error}");
        }
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        let refused =
            |query, answer: serde_json::Value| serde_json::from_value::<Refused>(answer).unwrap().error.in_words(query);
        let answer = json!({"error": {"kind": "invalid_input", "message": "unknown level `eror`", "parameter": "q",
            "position": {"offset": 17, "length": 4}, "suggestion": "error"}});
        let text = refused("größe:3 AND\nlevel:eror x", answer);
        // The place is in bytes: the first line has 14.
        let answer = json!({"error": {"message": "m", "position": {"offset": 20, "length": 4}}});
        assert_eq!(refused("größe:3 AND\nlevel:eror x", answer), "m\n  level:eror x\n        ^^^^");
        assert!(text.starts_with("unknown level `eror`\n") && text.ends_with("did you mean `error`?"), "{text}");
        assert_eq!(marked("a", Position { offset: 90, length: 4 }), "  a\n   ^");
    }
}
