//! `span`: names spans by their attributes, takes attributes out of their names, sets their status.
//!
//! Source: opentelemetry-collector-contrib, `spanprocessor`.

use std::sync::Arc;

use model::Signal;
use regex::Regex;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{OfResource, OfScope, Span, Status, Text, Value};

use super::selection::{MatchConfig, Selection, Subject};
use crate::component::{Processor, ProcessorFactory, Refused, Setup, Step};
use crate::refusal::Refusal;
use crate::telemetry::{Telemetry, Tree};

pub(super) const FACTORY: ProcessorFactory = ProcessorFactory { names: &["span"], signals: &[Signal::Traces], build };

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    name: NameConfig,
    status: Option<StatusConfig>,
    include: Option<MatchConfig>,
    exclude: Option<MatchConfig>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct NameConfig {
    from_attributes: Vec<String>,
    separator: String,
    to_attributes: Option<ToAttributes>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct ToAttributes {
    rules: Vec<String>,
    break_after_match: bool,
    keep_original_name: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct StatusConfig {
    code: String,
    description: String,
}

fn build(setup: &mut Setup<'_>, _: Signal) -> Result<Step, Refused> {
    let c: Config = setup.read()?;
    if c.name.from_attributes.is_empty() && c.name.to_attributes.is_none() && c.status.is_none() {
        let message =
            "it changes nothing; write `name: {from_attributes: [...]}`, `name: {to_attributes: ...}` or `status`";
        return Err(setup.error("", message));
    }
    let to = c.name.to_attributes.unwrap_or_default();
    let mut rules = Vec::new();
    for (n, rule) in to.rules.iter().enumerate() {
        let at = format!("name.to_attributes.rules[{n}]");
        let regex = Regex::new(rule).map_err(|e| setup.error(&at, format!("it is not a pattern: {e}")))?;
        if regex.capture_names().skip(1).any(|name| name.is_none()) || regex.captures_len() == 1 {
            let message =
                "every group becomes an attribute and needs its name: `^/doc/(?P<id>.*)$`; others are `(?:...)`";
            return Err(setup.error(&at, message));
        }
        rules.push(regex);
    }
    let status = match &c.status {
        None => None,
        Some(s) => match &*s.code {
            "Error" => Some(Status { code: 2, message: s.description.as_str().into() }),
            _ if !s.description.is_empty() => {
                return Err(setup.error("status.description", "only `code: Error` has one"));
            }
            "Ok" => Some(Status { code: 1, message: Text::default() }),
            "Unset" => Some(Status::default()),
            other => {
                return Err(setup.error("status.code", format!("`{other}` is not known; write Ok, Error or Unset")));
            }
        },
    };
    let include = c.include.map(|c| Selection::build(setup, "include", &c)).transpose()?;
    let exclude = c.exclude.map(|c| Selection::build(setup, "exclude", &c)).transpose()?;
    Ok(Step::Each(Arc::new(SpanProcessor {
        from: c.name.from_attributes,
        separator: c.name.separator,
        rules,
        first_only: to.break_after_match,
        keep_name: to.keep_original_name,
        status,
        include,
        exclude,
    })))
}

struct SpanProcessor {
    from: Vec<String>,
    separator: String,
    rules: Vec<Regex>,
    first_only: bool,
    keep_name: bool,
    status: Option<Status>,
    include: Option<Selection>,
    exclude: Option<Selection>,
}

impl SpanProcessor {
    fn apply(&self, span: &mut Span) {
        if let Some(name) = self.name(span) {
            span.name = name;
        }
        for rule in &self.rules {
            if self.take(rule, span) && self.first_only {
                break;
            }
        }
        if let Some(status) = &self.status {
            span.status = status.clone();
        }
    }

    /// Of attributes that are all there.
    fn name(&self, span: &Span) -> Option<Text> {
        if self.from.is_empty() {
            return None;
        }
        let shown = |key: &String| match span.attributes.get(key)? {
            v @ (Value::Str(_) | Value::Bool(_) | Value::Int(_) | Value::Double(_)) => Some(v.to_text()),
            _ => Some("<unknown-attribute-type>".into()),
        };
        let parts: Option<Vec<Text>> = self.from.iter().map(shown).collect();
        parts.map(|parts| parts.join(&self.separator).into())
    }

    /// Makes attributes of the groups, whose names stand in their places afterwards; whether the rule fits.
    fn take(&self, rule: &Regex, span: &mut Span) -> bool {
        let before = span.name.clone();
        let Some(groups) = rule.captures(&before) else { return false };
        let (mut name, mut end) = (String::new(), 0);
        for key in rule.capture_names().flatten() {
            let Some(group) = groups.name(key) else { continue };
            span.attributes.set(key, group.as_str());
            // A group in another is an attribute, too, and has no place of its own.
            if let Some(between) = before.get(end..group.start()) {
                name.push_str(between);
                name.extend(["{", key, "}"]);
                end = group.end();
            }
        }
        name.push_str(before.get(end..).unwrap_or_default());
        if !self.keep_name {
            span.name = name.into();
        }
        true
    }
}

impl Processor for SpanProcessor {
    fn process(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        if let Tree::Traces(t) = telemetry.tree_mut()? {
            for OfResource { resource, scopes, .. } in &mut t.resources {
                for OfScope { scope, records, .. } in scopes {
                    for span in records {
                        let takes = |s: &Selection| s.takes(resource, scope, Subject::Span(span));
                        if self.include.as_ref().is_none_or(takes) && !self.exclude.as_ref().is_some_and(takes) {
                            self.apply(span);
                        }
                    }
                }
            }
        }
        Ok(Some(telemetry))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{built, of_service, process, processor, shown, span};
    use super::*;

    fn done(yaml: &str, name: &str) -> String {
        let p = processor(&FACTORY, Signal::Traces, yaml);
        let mut s = span(1, 1, name);
        s.attributes.set("db.svc", "orders");
        s.attributes.set("n", 7);
        let Some(Tree::Traces(t)) = process(&*p, of_service("shop", vec![s])) else { panic!() };
        let s = t.records().next().unwrap();
        format!("{} | {} | {} {}", s.name, shown(&s.attributes), s.status.code, s.status.message)
    }

    #[test]
    fn names_attributes_and_status() {
        let own = "db.svc=orders n=7";
        for (yaml, name, expected) in [
            ("name: {from_attributes: [db.svc, n], separator: '::'}", "x", format!("orders::7 | {own} | 0 ")),
            ("name: {from_attributes: [db.svc, missing]}", "x", format!("x | {own} | 0 ")),
            (
                r"name: {to_attributes: {rules: ['^/api/(?P<v>v\d)/document/(?P<id>.*)/update$']}}",
                "/api/v1/document/12/update",
                format!("/api/{{v}}/document/{{id}}/update | {own} v=v1 id=12 | 0 "),
            ),
            (
                "name: {to_attributes: {rules: ['^/(?P<a>[^/]+)', '/(?P<b>[^/]+)$'], break_after_match: true}}",
                "/x/y",
                format!("/{{a}}/y | {own} a=x | 0 "),
            ),
            (
                "name: {to_attributes: {rules: ['^/(?P<a>.+)$'], keep_original_name: true}}",
                "/x",
                format!("/x | {own} a=x | 0 "),
            ),
            ("status: {code: Error, description: bad}", "x", format!("x | {own} | 2 bad")),
            (
                "{status: {code: Error}, exclude: {match_type: strict, services: [shop]}}",
                "x",
                format!("x | {own} | 0 "),
            ),
        ] {
            assert_eq!(done(yaml, name), expected, "{yaml}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for (yaml, message) in [
            ("{}", "it changes nothing"),
            ("name: {to_attributes: {rules: ['(']}}", "rules[0]: it is not a pattern"),
            ("name: {to_attributes: {rules: ['^/(.*)$']}}", "needs its name"),
            ("status: {code: error}", "write Ok, Error or Unset"),
            ("status: {code: Ok, description: fine}", "only `code: Error`"),
        ] {
            let Err(said) = built(&FACTORY, Signal::Traces, yaml) else { panic!("{yaml}") };
            assert!(said.contains(message), "{yaml}: {said}");
        }
    }
}
