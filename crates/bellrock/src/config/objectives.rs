//! `slos`, `error_budgets` and `slo_files`: what is promised.

use std::path::{Path, PathBuf};

use alerting::slo::{Origin, Slo, parse};
use serde_json::{Value, json};
use yaml::Severity;

use super::Problems;

/// Where objectives of the configuration itself are from.
const ORIGIN: &str = "the configuration";

/// What is promised.
#[derive(Debug, Clone, Default)]
pub(crate) struct Objectives {
    /// Files of objectives; `*` and `?` in the last part.
    pub files: Vec<PathBuf>,
    /// Those of the configuration itself.
    pub configured: Vec<Slo>,
}

/// Paths begin at the configuration file.
pub(super) fn validate(
    files: Vec<PathBuf>,
    slos: Option<Value>,
    budgets: Option<Value>,
    base: &Path,
    p: &mut Problems,
) -> Objectives {
    let sections = [("slos", slos), ("error_budgets", budgets)];
    let sections: serde_json::Map<String, Value> =
        sections.into_iter().filter_map(|(name, section)| Some((name.to_owned(), section?))).collect();
    let parsed = if sections.is_empty() {
        Default::default()
    } else {
        // JSON is YAML; the places within it are not those of the file, the paths are.
        parse(&Value::Object(sections).to_string(), &Origin::File(ORIGIN.to_owned()))
    };
    for finding in parsed.findings.into_sorted() {
        let remedy = if finding.remedy.is_empty() { String::new() } else { format!("; {}", finding.remedy) };
        let text = format!("{}: {}{remedy}", finding.path, finding.message);
        match finding.severity {
            Severity::Error => p.say(text),
            Severity::Warning => tracing::warn!("{text}"),
            Severity::Info => tracing::info!("{text}"),
        }
    }
    Objectives { files: files.iter().map(|f| base.join(f)).collect(), configured: parsed.slos }
}

/// The sections, with a line feed at the end; nothing when nothing is promised.
pub(super) fn print(objectives: &Objectives) -> String {
    let mut out = String::new();
    if !objectives.files.is_empty() {
        out += &format!("slo_files: {}\n", json!(objectives.files));
    }
    if !objectives.configured.is_empty() {
        out += &alerting::slo::print(&objectives.configured);
    }
    out
}
