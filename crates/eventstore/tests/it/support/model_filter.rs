//! The meaning of filters, spelled out on rows, one record at a time: slow, and with nothing of the engine in it.

use eventstore::query::*;
use model::{Attributes, LogRecord, Span, Value, attributes};

/// A record of either kind.
#[derive(Clone, Copy)]
pub(crate) enum Record<'a> {
    Log(&'a LogRecord),
    Span(&'a Span),
}

fn text(s: &str) -> Vec<Value> {
    if s.is_empty() { vec![] } else { vec![Value::Str(s.to_owned())] }
}

fn id(hex: String) -> Vec<Value> {
    if hex.bytes().all(|b| b == b'0') { vec![] } else { vec![Value::Str(hex)] }
}

/// The values at a key, or at a path of keys without dots and of places in arrays; a key goes into each map of an array.
fn at_path(a: &Attributes, path: &str) -> Vec<Value> {
    if let Some(whole) = attributes::get(a, path) {
        return vec![whole.clone()];
    }
    let mut parts = path.split('.');
    let first = parts.next().and_then(|first| attributes::get(a, first)).cloned();
    parts.fold(first.into_iter().collect(), |at: Vec<Value>, part| {
        let of_map = |v: &Value| match v {
            Value::Map(m) => attributes::get(m, part).cloned(),
            _ => None,
        };
        let step = |v: Value| match (&v, part.parse::<usize>()) {
            (Value::Map(_), _) => of_map(&v).into_iter().collect(),
            (Value::Array(elements), Ok(place)) => elements.get(place).cloned().into_iter().collect(),
            (Value::Array(elements), Err(_)) => elements.iter().filter_map(of_map).collect(),
            _ => Vec::new(),
        };
        at.into_iter().flat_map(step).collect()
    })
}

/// Whether a value does, or an element of it if it is an array.
fn it_or_an_element(v: &Value, f: &dyn Fn(&Value) -> bool) -> bool {
    f(v) || matches!(v, Value::Array(elements) if elements.iter().any(|e| it_or_an_element(e, f)))
}

/// The values of a field, the record's own first.
pub(crate) fn values(record: Record<'_>, field: &Field) -> Vec<Value> {
    let (resource, scope, attrs) = match record {
        Record::Log(r) => (&r.resource, &r.scope, &r.attributes),
        Record::Span(s) => (&s.resource, &s.scope, &s.attributes),
    };
    match (field, record) {
        (Field::Service, _) => vec![Value::Str(resource.service().to_owned())],
        (Field::ScopeName, _) => text(&scope.name),
        (Field::TraceId, Record::Log(r)) => id(r.trace_id.to_string()),
        (Field::TraceId, Record::Span(s)) => id(s.trace_id.to_string()),
        (Field::SpanId, Record::Log(r)) => id(r.span_id.to_string()),
        (Field::SpanId, Record::Span(s)) => id(s.span_id.to_string()),
        (Field::ParentSpanId, Record::Span(s)) => id(s.parent_span_id.to_string()),
        (Field::Name, Record::Span(s)) => text(&s.name),
        (Field::Kind, Record::Span(s)) => vec![Value::Int(i64::from(s.kind))],
        (Field::Status, Record::Span(s)) => vec![Value::Int(i64::from(s.status.code))],
        (Field::StatusMessage, Record::Span(s)) => text(&s.status.message),
        (Field::Duration, Record::Span(s)) => vec![Value::Int(s.end.0 - s.start.0)],
        (Field::Severity, Record::Log(r)) if r.severity_number > 0 => vec![Value::Int(i64::from(r.severity_number))],
        (Field::SeverityText, Record::Log(r)) => text(&r.severity_text),
        (Field::Body, Record::Log(r)) if r.body != Value::Empty => vec![r.body.clone()],
        (Field::EventName, Record::Log(r)) => text(&r.event_name),
        (Field::Attribute { scope, key }, _) => {
            let find = |a: &Attributes| at_path(a, key);
            let own = if *scope == AttributeScope::Resource { vec![] } else { find(attrs) };
            let theirs = if *scope == AttributeScope::Record { vec![] } else { find(&resource.attributes) };
            own.into_iter().chain(theirs).collect()
        }
        _ => vec![],
    }
}

fn spelled(o: &Operand) -> String {
    match o {
        Operand::Str(s) => s.clone(),
        Operand::Int(i) => i.to_string(),
        Operand::Double(d) => d.to_string(),
        Operand::Bool(b) => b.to_string(),
    }
}

fn number(o: &Operand) -> Option<f64> {
    match o {
        Operand::Bool(_) => None,
        other => spelled(other).parse().ok(),
    }
}

fn equals(v: &Value, o: &Operand, is_id: bool) -> bool {
    match v {
        Value::Str(s) if is_id => s.eq_ignore_ascii_case(&spelled(o)),
        Value::Str(s) => *s == spelled(o),
        Value::Int(i) => number(o) == Some(*i as f64),
        Value::Double(d) => number(o) == Some(*d),
        Value::Bool(b) => !matches!(o, Operand::Int(_) | Operand::Double(_)) && spelled(o) == b.to_string(),
        _ => false,
    }
}

fn order(v: &Value, o: &Operand) -> Option<std::cmp::Ordering> {
    match (v, number(o)) {
        (Value::Int(i), Some(x)) => (*i as f64).partial_cmp(&x),
        (Value::Double(d), Some(x)) => d.partial_cmp(&x),
        (Value::Str(s), Some(x)) => s.parse::<f64>().ok()?.partial_cmp(&x),
        (Value::Str(s), None) => Some(s.as_str().cmp(&spelled(o))),
        _ => None,
    }
}

fn json(v: &Value) -> String {
    match v {
        Value::Empty => "null".to_owned(),
        Value::Str(s) => format!("\"{s}\""),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Double(d) => d.to_string(),
        Value::Bytes(b) => format!("\"{}\"", b.iter().map(|b| format!("{b:02x}")).collect::<String>()),
        Value::Array(a) => format!("[{}]", a.iter().map(json).collect::<Vec<_>>().join(",")),
        Value::Map(m) => {
            let entries: Vec<String> = m.iter().map(|(k, v)| format!("\"{k}\":{}", json(v))).collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

/// A value as text, if it has one.
pub(crate) fn as_text(v: &Value) -> Option<String> {
    match v {
        Value::Str(s) => Some(s.clone()),
        Value::Empty | Value::Bytes(_) => None,
        other => Some(json(other)),
    }
}

fn tokens(s: &str) -> Vec<String> {
    let lower = s.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|t| !t.is_empty()).map(str::to_owned).collect()
}

fn finds(hay: &str, needle: &str, mode: TextMatch) -> bool {
    let (lower, small) = (hay.to_lowercase(), needle.to_lowercase());
    match mode {
        TextMatch::Substring => lower.contains(&small),
        TextMatch::Token => tokens(needle).iter().all(|t| tokens(hay).contains(t)),
        TextMatch::Phrase => {
            let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            lower.match_indices(&small).any(|(at, _)| {
                let (first, last) = (small.chars().next(), small.chars().next_back());
                let before = lower[..at].chars().next_back();
                let after = lower[at + small.len()..].chars().next();
                !(inside(first) && inside(before) || inside(last) && inside(after))
            })
        }
    }
}

fn texts(record: Record<'_>) -> Vec<String> {
    match record {
        Record::Log(r) => as_text(&r.body).into_iter().collect(),
        Record::Span(s) => {
            let own = s.attributes.iter().filter_map(|(_, v)| v.as_str().map(str::to_owned));
            [s.name.clone(), s.status.message.clone()].into_iter().chain(own).collect()
        }
    }
}

fn holds(record: Record<'_>, p: &Predicate) -> bool {
    let any = |field: &Field, f: &dyn Fn(&Value) -> bool| values(record, field).iter().any(|v| it_or_an_element(v, f));
    let is_id = |field: &Field| matches!(field, Field::TraceId | Field::SpanId | Field::ParentSpanId);
    match p {
        Predicate::Compare { field, op: CompareOp::Eq, value } => any(field, &|v| equals(v, value, is_id(field))),
        Predicate::Compare { field, op: CompareOp::Ne, value } => !any(field, &|v| equals(v, value, is_id(field))),
        Predicate::Compare { field, op, value } => any(field, &|v| {
            order(v, value).is_some_and(|o| match op {
                CompareOp::Lt => o.is_lt(),
                CompareOp::Le => o.is_le(),
                CompareOp::Gt => o.is_gt(),
                _ => o.is_ge(),
            })
        }),
        Predicate::In { field, values } => any(field, &|v| values.iter().any(|o| equals(v, o, is_id(field)))),
        Predicate::Exists { field } => !values(record, field).is_empty(),
        Predicate::Prefix { field, text } => any(field, &|v| as_text(v).is_some_and(|t| t.starts_with(text.as_str()))),
        Predicate::Contains { field, text, ignore_case } => any(field, &|v| {
            as_text(v).is_some_and(|t| {
                if *ignore_case { t.to_lowercase().contains(&text.to_lowercase()) } else { t.contains(text.as_str()) }
            })
        }),
        Predicate::Regex { field, pattern } => {
            let re = regex::Regex::new(pattern).expect("a pattern of the test");
            any(field, &|v| as_text(v).is_some_and(|t| re.is_match(&t)))
        }
        Predicate::Text { text, mode } => texts(record).iter().any(|hay| finds(hay, text, *mode)),
    }
}

/// Whether a record matches.
pub(crate) fn matches(filter: &Filter, record: Record<'_>) -> bool {
    match filter {
        Filter::All => true,
        Filter::And(fs) => fs.iter().all(|f| matches(f, record)),
        Filter::Or(fs) => fs.iter().any(|f| matches(f, record)),
        Filter::Not(f) => !matches(f, record),
        Filter::Is(p) => holds(record, p),
    }
}
