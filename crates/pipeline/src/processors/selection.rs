//! `include` and `exclude` of the processor `attributes`: which records it works on.
//!
//! Source: opentelemetry-collector-contrib, `internal/filter/filterconfig`.

use regex::Regex;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{Attributes, LogRecord, Resource, Scope, Span, Value};

use crate::component::{Refused, Setup};

/// What a record must have, all of it; of a list one entry.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MatchConfig {
    pub(super) match_type: String,
    pub(super) services: Vec<String>,
    pub(super) span_names: Vec<String>,
    pub(super) span_kinds: Vec<String>,
    pub(super) log_bodies: Vec<String>,
    pub(super) log_severity_texts: Vec<String>,
    pub(super) log_severity_number: Option<SeverityConfig>,
    pub(super) metric_names: Vec<String>,
    pub(super) attributes: Vec<AttributeConfig>,
    pub(super) resources: Vec<AttributeConfig>,
    pub(super) libraries: Vec<LibraryConfig>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SeverityConfig {
    min: i32,
    match_undefined: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct AttributeConfig {
    key: String,
    value: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LibraryConfig {
    name: String,
    version: Option<String>,
}

/// A record, as far as it is matched.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    Span(&'a Span),
    Log(&'a LogRecord),
    Point { metric: &'a str, attributes: &'a Attributes },
}

/// What a record must have.
#[derive(Debug)]
pub(super) struct Selection {
    services: Texts,
    span_names: Texts,
    span_kinds: Texts,
    log_bodies: Texts,
    severity_texts: Texts,
    severity: Option<SeverityConfig>,
    metric_names: Texts,
    attributes: Vec<(String, Option<Wanted>)>,
    resources: Vec<(String, Option<Wanted>)>,
    libraries: Vec<(Texts, Option<Texts>)>,
}

/// A list of texts or patterns; an empty one asks for nothing.
#[derive(Debug, Default)]
struct Texts {
    strict: Vec<String>,
    patterns: Vec<Regex>,
}

#[derive(Debug)]
enum Wanted {
    Value(Value),
    Pattern(Regex),
}

const SPAN_KINDS: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

impl Selection {
    pub(super) fn build(setup: &mut Setup<'_>, setting: &str, c: &MatchConfig) -> Result<Self, Refused> {
        let regexp = match &*c.match_type {
            "strict" => false,
            "regexp" => true,
            other => {
                let message = format!("`{other}` is not known; write `strict` or `regexp`");
                return Err(setup.error(&format!("{setting}.match_type"), message));
            }
        };
        let mut texts = |name: &str, list: &[String]| Texts::build(setup, &format!("{setting}.{name}"), list, regexp);
        let mut out = Self {
            services: texts("services", &c.services)?,
            span_names: texts("span_names", &c.span_names)?,
            span_kinds: texts("span_kinds", &c.span_kinds)?,
            log_bodies: texts("log_bodies", &c.log_bodies)?,
            severity_texts: texts("log_severity_texts", &c.log_severity_texts)?,
            severity: c.log_severity_number.clone(),
            metric_names: texts("metric_names", &c.metric_names)?,
            attributes: vec![],
            resources: vec![],
            libraries: vec![],
        };
        for (n, library) in c.libraries.iter().enumerate() {
            let name = texts(&format!("libraries[{n}].name"), std::slice::from_ref(&library.name))?;
            let version =
                library.version.as_ref().map(|v| texts(&format!("libraries[{n}].version"), std::slice::from_ref(v)));
            out.libraries.push((name, version.transpose()?));
        }
        out.attributes = wanted(setup, &format!("{setting}.attributes"), &c.attributes, regexp)?;
        out.resources = wanted(setup, &format!("{setting}.resources"), &c.resources, regexp)?;
        let asks =
            [&out.services, &out.span_names, &out.span_kinds, &out.log_bodies, &out.severity_texts, &out.metric_names];
        let asks_nothing = asks.iter().all(|t| t.is_empty())
            && out.severity.is_none()
            && out.attributes.is_empty()
            && out.resources.is_empty()
            && out.libraries.is_empty();
        if asks_nothing {
            return Err(setup.error(setting, "it asks for nothing; name `services`, `span_names`, `log_bodies`, `metric_names`, `attributes` or `resources`"));
        }
        Ok(out)
    }

    /// Whether the record has all that is asked for.
    pub(super) fn takes(&self, resource: &Resource, scope: &Scope, subject: Subject<'_>) -> bool {
        let own = match subject {
            Subject::Span(span) => {
                let kind = usize::try_from(span.kind).ok().and_then(|k| SPAN_KINDS.get(k)).unwrap_or(&"UNSPECIFIED");
                self.span_names.take(&span.name)
                    && (self.span_kinds.take(kind) || self.span_kinds.take(&format!("SPAN_KIND_{kind}")))
            }
            Subject::Log(log) => {
                let severity = self.severity.as_ref().is_none_or(|s| match log.severity_number {
                    0 => s.match_undefined,
                    n => n >= s.min,
                });
                severity
                    && self.severity_texts.take(&log.severity_text)
                    && (self.log_bodies.is_empty() || self.log_bodies.take(&log.body.to_text()))
            }
            Subject::Point { metric, .. } => self.metric_names.take(metric),
        };
        let attributes = match subject {
            Subject::Span(span) => &span.attributes,
            Subject::Log(log) => &log.attributes,
            Subject::Point { attributes, .. } => attributes,
        };
        own && self.services.take(resource.service_name())
            && has(attributes, &self.attributes)
            && has(&resource.attributes, &self.resources)
            && (self.libraries.is_empty()
                || self.libraries.iter().any(|(name, version)| {
                    name.take(&scope.name) && version.as_ref().is_none_or(|v| v.take(&scope.version))
                }))
    }
}

impl Texts {
    fn build(setup: &mut Setup<'_>, setting: &str, list: &[String], regexp: bool) -> Result<Self, Refused> {
        if !regexp {
            return Ok(Self { strict: list.to_vec(), patterns: vec![] });
        }
        let mut patterns = vec![];
        for text in list {
            let wrong = |e: regex::Error| format!("`{text}` is not a pattern: {e}");
            patterns.push(Regex::new(text).map_err(|e| setup.error(setting, wrong(e)))?);
        }
        Ok(Self { strict: vec![], patterns })
    }

    fn is_empty(&self) -> bool {
        self.strict.is_empty() && self.patterns.is_empty()
    }

    fn take(&self, text: &str) -> bool {
        self.is_empty() || self.strict.iter().any(|s| s == text) || self.patterns.iter().any(|p| p.is_match(text))
    }
}

fn wanted(
    setup: &mut Setup<'_>,
    setting: &str,
    list: &[AttributeConfig],
    regexp: bool,
) -> Result<Vec<(String, Option<Wanted>)>, Refused> {
    let mut out = vec![];
    for (n, a) in list.iter().enumerate() {
        if a.key.is_empty() {
            return Err(setup.error(&format!("{setting}[{n}]"), "`key` is missing"));
        }
        let value = match &a.value {
            None => None,
            Some(serde_json::Value::String(text)) if regexp => {
                let pattern = Regex::new(text);
                let at = format!("{setting}[{n}].value");
                Some(Wanted::Pattern(pattern.map_err(|e| setup.error(&at, format!("it is not a pattern: {e}")))?))
            }
            Some(value) => Some(Wanted::Value(Value::from_json(value))),
        };
        out.push((a.key.clone(), value));
    }
    Ok(out)
}

fn has(attributes: &Attributes, wanted: &[(String, Option<Wanted>)]) -> bool {
    wanted.iter().all(|(key, wanted)| match (attributes.get(key), wanted) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(v), Some(Wanted::Value(w))) => v == w,
        (Some(v), Some(Wanted::Pattern(p))) => p.is_match(&v.to_text()),
    })
}
