//! `set_semconv_span_name`: a name of few values, made of what the semantic conventions say about HTTP, RPC, databases and messaging.
//!
//! Source: opentelemetry-collector-contrib, `transformprocessor`; the conventions' pages about span names.

use wire::otlp::tree::{Span, Text, Value};

use super::Problem;
use super::arguments::Arguments;
use super::context::{Context, Item};
use super::editors::{Edit, Editor};

pub(super) const ALL: &[Editor] = &[Editor {
    name: "set_semconv_span_name",
    parameters: &["semconvVersion", "originalSpanNameAttribute"],
    required: 1,
    build,
    of: Some(Context::Span),
}];

/// The versions of the conventions whose names are known, by their second number.
const VERSIONS: std::ops::RangeInclusive<u32> = 37..=43;

fn build(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let version = a.text(0)?;
    let minor = version.strip_prefix("1.").and_then(|rest| rest.split('.').next()).and_then(|n| n.parse().ok());
    if !minor.is_some_and(|n: u32| VERSIONS.contains(&n)) {
        return Err(a.problem(0, "must be a version of the conventions from \"1.37.0\" to \"1.43.0\""));
    }
    let keep = a.text_or(1, "")?;
    if a.has(1) && keep.is_empty() {
        return Err(a.problem(1, "must not be empty"));
    }
    Ok(Box::new(move |s| {
        let Item::Span(span) = &mut s.item else { return Ok(()) };
        if let Some(name) = name_of(span).filter(|name| *name != span.name) {
            let before = std::mem::replace(&mut span.name, name);
            if !keep.is_empty() {
                span.attributes.set(&keep, before);
            }
        }
        Ok(())
    }))
}

/// The first of these attributes.
fn first(span: &Span, keys: &[&str]) -> Option<Text> {
    keys.iter().find_map(|key| span.attributes.get(key)).map(Value::to_text)
}

fn joined(parts: [Option<Text>; 2], with: &str) -> Option<Text> {
    let parts: Vec<Text> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(with).into())
}

fn name_of(span: &Span) -> Option<Text> {
    match span.kind {
        2 => http(span, "http.route").or_else(|| rpc(span)).or_else(|| messaging(span)),
        3 => http(span, "url.template").or_else(|| rpc(span)).or_else(|| database(span)).or_else(|| messaging(span)),
        4 | 5 => messaging(span),
        _ => None,
    }
}

fn http(span: &Span, target: &str) -> Option<Text> {
    let method = first(span, &["http.request.method", "http.method"])?;
    joined([Some(method), first(span, &[target])], " ")
}

fn rpc(span: &Span) -> Option<Text> {
    let system = first(span, &["rpc.system.name", "rpc.system"])?;
    let method = first(span, &["rpc.method", "rpc.grpc.method"]);
    let service = first(span, &["rpc.service", "rpc.grpc.service"]);
    match (service, method) {
        (Some(service), Some(method)) => Some(format!("{service}/{method}").into()),
        (None, Some(method)) => Some(method),
        (Some(service), None) => Some(format!("{service}/*").into()),
        (None, None) => Some(system),
    }
}

fn database(span: &Span) -> Option<Text> {
    let system = first(span, &["db.system.name", "db.system"])?;
    if let Some(summary) = first(span, &["db.query.summary"]) {
        return Some(summary);
    }
    let namespace = first(span, &["db.namespace", "db.name"]);
    let inner = first(span, &["db.collection.name", "db.stored_procedure.name"]);
    let target = match (namespace, inner) {
        (namespace, Some(inner)) => joined([namespace, Some(inner)], "."),
        (Some(namespace), None) => Some(namespace),
        (None, None) => address(span),
    };
    joined([first(span, &["db.operation.name", "db.operation"]), target], " ").or(Some(system))
}

fn messaging(span: &Span) -> Option<Text> {
    let system = first(span, &["messaging.system"])?;
    let is = |key: &str| span.attributes.get(key) == Some(&Value::Bool(true));
    let destination = if is("messaging.destination.temporary") {
        Some("(temporary)".into())
    } else if is("messaging.destination.anonymous") {
        Some("(anonymous)".into())
    } else {
        let named = ["messaging.destination.template", "messaging.destination.name", "messaging.destination"];
        first(span, &named).or_else(|| address(span))
    };
    joined([first(span, &["messaging.operation.name", "messaging.operation"]), destination], " ").or(Some(system))
}

fn address(span: &Span) -> Option<Text> {
    let host = first(span, &["server.address"])?;
    joined([Some(host), first(span, &["server.port"])], ":")
}
