//! A server that runs, as commands ask it.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use foundation::text::beginning;
use net::{Client, ClientOptions, HttpConfig, Request, Response, Url};
use serde::Deserialize;
use tokio::runtime::Runtime;

/// An answer may be so large.
pub(crate) const ANSWER_BYTES_MAX: usize = 256 << 20;

/// How the address of a server is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flag {
    name: &'static str,
    /// An address, and what it is of.
    example: &'static str,
}

/// The address of its API.
pub(crate) const API: Flag = Flag { name: "--api", example: "http://127.0.0.1:8080, the API of the server" };
/// Where it takes records.
pub(crate) const OTLP: Flag =
    Flag { name: "--url", example: "http://127.0.0.1:4318, the OTLP/HTTP port of the server" };

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
            bail!("{}: `{address}` is not an address; write {}", flag.name, flag.example);
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

    /// Its answer, whatever the status.
    pub(crate) fn send(&self, request: Request, timeout: Duration) -> anyhow::Result<Response> {
        let server = self.base.origin().ascii_serialization();
        self.runtime
            .block_on(self.client.send(request, timeout))
            .with_context(|| format!("cannot ask the server at {server} (is it running? else set {})", self.flag.name))
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

/// An error of the API in words, with its place below the text that was asked with.
pub(crate) fn refused(query: &str, answer: &Response) -> anyhow::Error {
    anyhow!(in_words(query, answer.status.as_u16(), &answer.body))
}

fn in_words(query: &str, status: u16, body: &[u8]) -> String {
    let Refused { error } = serde_json::from_slice(body).unwrap_or_default();
    let mut out = match error.message.is_empty() {
        true => format!("the server answered {status}"),
        false => error.message,
    };
    if let Some(at) = error.position {
        out.push_str(&format!("\n{}", marked(query, at)));
    }
    if let Some(suggestion) = error.suggestion {
        out.push_str(&format!("\ndid you mean `{suggestion}`?"));
    }
    if let Some(parameter @ ("from" | "to")) = error.parameter.as_deref() {
        out.push_str(&format!("\n(--{parameter})"));
    }
    out
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
        let refused = |query, status, answer: serde_json::Value| in_words(query, status, answer.to_string().as_bytes());
        let answer = json!({"error": {"kind": "invalid_input", "message": "unknown level `eror`", "parameter": "q",
            "position": {"offset": 17, "length": 4}, "suggestion": "error"}});
        let text = refused("größe:3 AND\nlevel:eror x", 400, answer);
        // The place is in bytes: the first line has 14.
        let answer = json!({"error": {"message": "m", "position": {"offset": 20, "length": 4}}});
        assert_eq!(refused("größe:3 AND\nlevel:eror x", 400, answer), "m\n  level:eror x\n        ^^^^");
        assert!(text.starts_with("unknown level `eror`\n") && text.ends_with("did you mean `error`?"), "{text}");
        assert_eq!(marked("a", Position { offset: 90, length: 4 }), "  a\n   ^");
        assert_eq!(refused("", 502, json!("x")), "the server answered 502");
    }
}
