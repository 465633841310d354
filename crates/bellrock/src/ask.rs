//! `bellrock query`: asks a running server for logs or spans, or for what an analysis makes of them.
//!
//! The text goes to the server as it is, which alone knows the language; a mistake in it comes back with its place, which
//! is shown below the text. What was found goes to standard output and nothing else does, so that it can be piped; what is to
//! be known of it (it is not whole, a field does not occur) goes to standard error.

mod print;

use std::time::Duration;

use anyhow::bail;
use net::{Request, Url};
use serde_json::Value as Json;

use crate::cli::{QueryArgs, QueryOutput};
use crate::remote::{self, ANSWER_BYTES_MAX, Remote};

/// The server gives a query up before that.
const TIMEOUT: Duration = Duration::from_secs(300);

/// What goes where.
pub(crate) struct Said {
    /// To standard output.
    pub(crate) found: String,
    /// To standard error.
    pub(crate) remarks: String,
}

/// Asks, and writes down the answer.
pub(crate) fn run(args: &QueryArgs) -> anyhow::Result<Said> {
    let server = Remote::new(remote::API, &args.api)?;
    let answered = server.send(Request::get(url(args, &server)), TIMEOUT)?;
    if answered.truncated {
        bail!("the answer is longer than {} MiB; narrow it with `| limit` or `| fields`", ANSWER_BYTES_MAX >> 20);
    }
    if !answered.status.is_success() {
        return Err(server.refused(&args.query, &answered));
    }
    let Ok(answer) = serde_json::from_slice::<Json>(&answered.body) else {
        return Err(server.unexpected(&answered, "something that is not JSON"));
    };
    let found = match args.output {
        QueryOutput::Json => serde_json::to_string_pretty(&answer)? + "\n",
        QueryOutput::Jsonl => print::lines(&answer),
        QueryOutput::Table => print::table(&answer),
    };
    Ok(Said { found, remarks: remarks(&answer) })
}

fn url(args: &QueryArgs, server: &Remote) -> Url {
    let mut url = server.url("/api/v1/analyse");
    let given = [("from", &args.from), ("to", &args.to)];
    url.query_pairs_mut()
        .append_pair("signal", args.signal.name())
        .append_pair("q", &args.query)
        .extend_pairs(given.iter().filter_map(|(name, value)| Some((name, value.as_deref()?))));
    url
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
        let args = args("a&b:\"ü c\" | stats count()", "http://h:1/");
        let url = url(&args, &Remote::new(remote::API, &args.api).unwrap());
        assert_eq!(url.path(), "/api/v1/analyse");
        let given: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let expected = [("signal", "traces"), ("q", "a&b:\"ü c\" | stats count()"), ("from", "now-6h")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(given, expected);
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
