//! The templates of Prometheus's alerting rules: what they see and which functions they have.
//!
//! Source: prometheus.io, "Template reference"; `template/template.go`. A map has the empty text for a label that is not there,
//! as Go's `map[string]string` has. `humanizeBytes` is an extension.

mod functions;
mod humanize;
mod links;
mod tree;

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::{Template, TemplateError, Value};
use model::Labels;

pub use humanize::four_digits;
pub use links::{graph_link, query_escape, table_link};

/// Most results of one query that a template sees.
const RESULTS_MAX: usize = 10_000;
/// Most turns that all loops of one template take together.
const TURNS_MAX: u64 = 100_000;

/// Answers `query` in a template: labels and values, or why there are none.
pub type QueryFn = Arc<dyn Fn(&str) -> Result<Vec<(Labels, f64)>, String> + Send + Sync>;

/// What a template sees.
#[derive(Clone)]
pub struct Scope {
    /// `$labels`: of the result.
    pub labels: Labels,
    /// `$externalLabels`
    pub external_labels: Labels,
    /// `$externalURL`
    pub external_url: String,
    /// `$value`
    pub value: ScopeValue,
    /// The time of evaluation, milliseconds since the epoch.
    pub at_ms: i64,
    /// What `query` asks.
    pub query: QueryFn,
}

/// `$value`.
#[derive(Debug, Clone, PartialEq)]
pub enum ScopeValue {
    /// A number.
    Float(f64),
    /// A native histogram as it is printed.
    Histogram(String),
}

/// What a template mentions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// The labels of the result that it names, as in `$labels.service`.
    pub labels: Vec<String>,
    /// Whether it calls `humanizeBytes`, which Prometheus does not have.
    pub humanize_bytes: bool,
}

/// Why a template cannot be used or gave no text. Prints as Go does: `template: name:1: function "x" not defined`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PrometheusTemplateError(String);

impl PrometheusTemplateError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> foundation::ErrorKind {
        foundation::ErrorKind::InvalidInput
    }
}

impl From<TemplateError> for PrometheusTemplateError {
    fn from(e: TemplateError) -> Self {
        Self(e.to_string())
    }
}

/// Declared in front of every template; on its first line, so that line numbers stay.
const DECLARED: &str =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// Whether `text` is a template at all. Most labels are not.
fn is_plain(text: &str) -> bool {
    !text.contains("{{")
}

/// Parses a template and says what it mentions.
///
/// # Errors
/// What Prometheus refuses when it reads the file: wrong syntax, unknown functions and variables.
pub fn check(name: &str, text: &str) -> Result<Uses, PrometheusTemplateError> {
    if is_plain(text) {
        return Ok(Uses::default());
    }
    let parsed = tree::parse(name, &format!("{DECLARED}{text}"))?;
    if let Some((function, line)) = parsed.unknown_function(&functions::NAMES) {
        return Err(PrometheusTemplateError(format!("template: {name}:{line}: function {function:?} not defined")));
    }
    if let Some((variable, line)) = parsed.unknown_variable() {
        return Err(PrometheusTemplateError(format!("template: {name}:{line}: undefined variable {variable:?}")));
    }
    Ok(Uses {
        labels: parsed.labels().into_iter().collect(),
        humanize_bytes: parsed.functions().any(|f| f == "humanizeBytes"),
    })
}

/// The text that a template gives.
///
/// # Errors
/// What [`check`] refuses, and what fails while it runs.
pub fn expand(name: &str, text: &str, scope: &Scope) -> Result<String, PrometheusTemplateError> {
    if is_plain(text) {
        return Ok(text.to_owned());
    }
    let parsed = tree::parse(name, &format!("{DECLARED}{text}"))?;
    let template = Template::new("").max_range_iters(TURNS_MAX).funcs(functions::map(scope));
    let template = parsed.lay_into(name, template);
    Ok(template.execute_template_to_string(name, &dot(scope))?)
}

fn dot(scope: &Scope) -> Value {
    let value = match &scope.value {
        ScopeValue::Float(v) => Value::Float(*v),
        ScopeValue::Histogram(text) => Value::String(Arc::from(text.as_str())),
    };
    map([
        ("Labels", labels_value(&scope.labels)),
        ("ExternalLabels", labels_value(&scope.external_labels)),
        ("ExternalURL", Value::String(Arc::from(scope.external_url.as_str()))),
        ("Value", value),
    ])
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(Arc::new(entries.into_iter().map(|(k, v)| (Arc::from(k), v)).collect::<BTreeMap<_, _>>()))
}

fn labels_value(labels: &Labels) -> Value {
    map(labels.iter().map(|(name, value)| (name, Value::String(Arc::from(value)))))
}

#[cfg(test)]
mod tests;
