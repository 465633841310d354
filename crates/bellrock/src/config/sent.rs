//! A text that somebody sent, as far as it can be looked at without anything of this machine: references into its environment and
//! files lead nowhere.

use api::sources::{ConfigChecked, ConfigFinding};
use pipeline::config;
use yaml::{Severity, Verdict};

use super::load::{Draft, draft_from};
use crate::cli::CheckArgs;

/// How the text is called in findings.
const SENT: &str = "request";

struct Sent<'a>(&'a str);

impl config::Lookup for Sent<'_> {
    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, path: &str) -> Result<String, String> {
        if path == SENT { Ok(self.0.to_owned()) } else { Err("files are not read for a check of a request".to_owned()) }
    }
}

/// What is to be said of the text of a configuration, whose pipelines it would run; files that it names are not looked into.
pub(crate) fn check_text(text: &str) -> ConfigChecked {
    let args = CheckArgs { files: vec![SENT.to_owned()], strict: false, collect: false };
    let Draft { plan, findings, .. } = draft_from(&args, &Sent(text));
    let pipelines = plan.as_ref().map(|plan| plan.pipelines().into_iter().map(|(id, _)| id.to_string()).collect());
    let found = findings.sorted().into_iter().map(|f| ConfigFinding {
        error: f.severity == Severity::Error,
        line: f.place.line,
        column: f.place.column,
        path: f.path.clone(),
        message: match f.elsewhere {
            Some(elsewhere) if elsewhere.verdict != Verdict::Accepts => format!("{} ({elsewhere})", f.message),
            _ => f.message.clone(),
        },
        fix: f.remedy.clone(),
    });
    ConfigChecked {
        usable: !findings.has_errors(),
        pipelines: pipelines.unwrap_or_default(),
        findings: found.collect(),
    }
}
