//! `bellrock query`: asks a running server for logs or spans, or for what an analysis makes of them.
//!
//! The text goes to the server as it is, which alone knows the language; a mistake in it comes back with its place, which
//! is shown below the text. What was found goes to standard output and nothing else does, so that it can be piped; what is to
//! be known of it (it is not whole, a field does not occur) goes to standard error.

mod print;

use std::time::Duration;

use anyhow::{Context as _, bail};
use foundation::text::beginning;
use net::{Client, ClientOptions, HttpConfig, Request, Url};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::cli::{QueryArgs, QueryOutput};

/// The server gives a query up before that.
const TIMEOUT: Duration = Duration::from_secs(300);
/// An answer may be so large.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// What goes where.
pub(crate) struct Said {
    /// To standard output.
    pub(crate) found: String,
    /// To standard error.
    pub(crate) remarks: String,
}

/// Asks, and writes down the answer.
pub(crate) fn run(args: &QueryArgs) -> anyhow::Result<Said> {
    let url = url(args)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (status, body) = runtime.block_on(fetch(url.clone()))?;
    let answer: Json = serde_json::from_slice(&body).with_context(|| {
        format!("{} answered {status} with something that is not JSON; is it the API port?", args.api)
    })?;
    if !(200..300).contains(&status) {
        bail!("{}", refused(&args.query, status, answer));
    }
    let found = match args.output {
        QueryOutput::Json => serde_json::to_string_pretty(&answer)? + "\n",
        QueryOutput::Jsonl => print::lines(&answer),
        QueryOutput::Table => print::table(&answer),
    };
    Ok(Said { found, remarks: remarks(&answer) })
}

fn url(args: &QueryArgs) -> anyhow::Result<Url> {
    let parsed = Url::parse(&args.api).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(mut url) = parsed else {
        bail!("--api: `{}` is not an address; write http://127.0.0.1:8080, the API of the server", args.api);
    };
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["api", "v1", "analyse"]);
    }
    let given = [("from", &args.from), ("to", &args.to)];
    url.query_pairs_mut()
        .append_pair("signal", args.signal.name())
        .append_pair("q", &args.query)
        .extend_pairs(given.iter().filter_map(|(name, value)| Some((name, value.as_deref()?))));
    Ok(url)
}

async fn fetch(url: Url) -> anyhow::Result<(u16, Vec<u8>)> {
    let options = ClientOptions { body_bytes_max: ANSWER_BYTES_MAX, ..ClientOptions::default() };
    let client = Client::new(&HttpConfig::default(), options)?;
    let server = url.origin().ascii_serialization();
    let answer = client.send(Request::get(url), TIMEOUT).await;
    let answer =
        answer.with_context(|| format!("cannot ask the server at {server} (is it running? else set --api)"))?;
    if answer.truncated {
        bail!("the answer is longer than {} MiB; narrow it with `| limit` or `| fields`", ANSWER_BYTES_MAX >> 20);
    }
    Ok((answer.status.as_u16(), answer.body.to_vec()))
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

/// An error in words, with its place below the query.
fn refused(query: &str, status: u16, answer: Json) -> String {
    let Refused { error } = serde_json::from_value(answer).unwrap_or_default();
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

/// What is to be known of an answer.
fn remarks(answer: &Json) -> String {
    let mut out = String::new();
    let mut say = |text: String| out.push_str(&(text + "\n"));
    if let Some(reason) = answer["partial"]["reason"].as_str() {
        say(format!("not whole: {reason}"));
    }
    for hint in answer["hints"].as_array().into_iter().flatten() {
        if let Some(message) = hint["message"].as_str() {
            say(message.to_owned());
        }
    }
    if let Some(share) = answer["table"]["sampled"].as_f64() {
        say(format!("of a sample: {:.2} % of the records", share * 100.0));
    }
    let listed = answer["table"]["rows"].as_array().map(|rows| rows.len() as u64);
    if let (Some(listed), Some(all)) = (listed, answer["table"]["groups"].as_u64())
        && listed < all
    {
        say(format!("{listed} of {all} groups are listed"));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::ExportSignal;

    fn args(query: &str, api: &str) -> QueryArgs {
        QueryArgs {
            query: query.to_owned(),
            signal: ExportSignal::Traces,
            api: api.to_owned(),
            from: Some("now-6h".to_owned()),
            to: None,
            output: QueryOutput::Table,
        }
    }

    #[test]
    fn the_text_goes_to_the_server_as_it_is() {
        let url = url(&args("a&b:\"ü c\" | stats count()", "http://h:1/")).unwrap();
        assert_eq!(url.path(), "/api/v1/analyse");
        let given: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let expected = [("signal", "traces"), ("q", "a&b:\"ü c\" | stats count()"), ("from", "now-6h")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(given, expected);
        for wrong in ["h:1", "ftp://h", "", "http://"] {
            let error = super::url(&args("", wrong)).unwrap_err().to_string();
            assert!(error.contains("--api") && error.contains("http://127.0.0.1:8080"), "{error}");
        }
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
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

    #[test]
    fn what_is_not_whole_is_said() {
        let answer = json!({"partial": {"reason": "the deadline passed"}, "hints": [{"message": "no field `x`"}],
            "table": {"rows": [[1]], "groups": 7, "sampled": 0.25}});
        let said = remarks(&answer);
        assert_eq!(
            said.lines().collect::<Vec<_>>(),
            [
                "not whole: the deadline passed",
                "no field `x`",
                "of a sample: 25.00 % of the records",
                "1 of 7 groups are listed",
            ]
        );
        assert_eq!(remarks(&json!({"partial": null, "hints": [], "records": {}})), "");
    }
}
