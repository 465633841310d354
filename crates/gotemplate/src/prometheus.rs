//! The templates of Prometheus's alerting rules: what they see and which functions they have.
//!
//! Source: prometheus.io, "Template reference"; `template/template.go`. A map has the empty text for a label that is not there,
//! as Go's `map[string]string` has. `humanizeBytes` is an extension.

mod functions;
mod humanize;
mod links;
mod tree;

use std::sync::{Arc, LazyLock};

use model::Labels;

use crate::access::no_methods;
use crate::error::Error;
use crate::library::{Library, Mode, Template};
use crate::value::{StructType, text, texts};

pub use humanize::four_digits;
pub use links::{graph_link, query_escape, table_link};

/// Most results of one query that a template sees.
const RESULTS_MAX: usize = 10_000;

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

/// Declared in front of every template; on its first line, so that line numbers stay.
const DECLARED: &str =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// What a template sees, as a type.
static SEEN: StructType = StructType::new(
    "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }",
    &[("Labels", "Labels"), ("ExternalLabels", "ExternalLabels"), ("ExternalURL", "ExternalURL"), ("Value", "Value")],
);

static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::new(functions::fixed(), no_methods));

/// A text of a rule, compiled. Most are no templates at all.
#[derive(Debug, Clone)]
pub struct Text(Compiled);

#[derive(Debug, Clone)]
enum Compiled {
    Plain(String),
    Template(Box<Template>),
}

/// Compiles a text of a rule and says what it mentions.
///
/// # Errors
/// What Prometheus refuses when it reads the file: wrong syntax, unknown functions and variables.
pub fn compile(name: &str, text: &str) -> Result<(Text, Uses), Error> {
    if !text.contains("{{") {
        return Ok((Text(Compiled::Plain(text.to_owned())), Uses::default()));
    }
    let source = format!("{DECLARED}{text}");
    let template = LIBRARY.compile_with(name, &source, Mode::Text, &functions::OF_SCOPE)?;
    let parsed = tree::parse(name, &source);
    let parsed = parsed.map_err(|e| Error::Parse { name: name.to_owned(), line: 1, message: e.to_string() })?;
    if let Some((variable, line)) = parsed.unknown_variable() {
        return Err(Error::Parse { name: name.to_owned(), line, message: format!("undefined variable {variable:?}") });
    }
    let uses = Uses {
        labels: parsed.labels().into_iter().collect(),
        humanize_bytes: parsed.functions().contains("humanizeBytes"),
    };
    Ok((Text(Compiled::Template(Box::new(template))), uses))
}

impl Text {
    /// The text for one result.
    ///
    /// # Errors
    /// What fails while it runs.
    pub fn fill(&self, scope: &Scope) -> Result<String, Error> {
        match &self.0 {
            Compiled::Plain(text) => Ok(text.clone()),
            Compiled::Template(template) => template.fill_with(&seen(scope), functions::of_scope(scope)),
        }
    }
}

fn seen(scope: &Scope) -> gotmpl::Value {
    let value = match &scope.value {
        ScopeValue::Float(v) => gotmpl::Value::Float(*v),
        ScopeValue::Histogram(printed) => text(printed),
    };
    SEEN.value([texts(scope.labels.iter()), texts(scope.external_labels.iter()), text(&scope.external_url), value])
}

#[cfg(test)]
mod tests;
