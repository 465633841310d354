//! Random records and filters from small sets of values, so that they meet.

use eventstore::query::*;
use foundation::UnixNanos;
use model::trace::{Event, Link, Resource, Scope, Status};
use model::{Attributes, LogRecord, Span, SpanId, TimeRange, TraceId, Value};

/// Times lie in three days.
pub(crate) const TIME_MAX: i64 = 3 * 86_400_000_000_000;

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}

const WORDS: [&str; 8] = ["timeout", "user_id", "GET", "größe", "500", "5", "true", "a b"];
const SERVICES: [&str; 3] = ["api", "bot", "web"];

fn time(rng: &mut Rng) -> i64 {
    // Often equal, sometimes to the nanosecond.
    match rng.below(4) {
        0 => rng.below(TIME_MAX as u64) as i64,
        _ => rng.below(50) as i64 * (TIME_MAX / 50),
    }
}

fn value(rng: &mut Rng, depth: u32) -> Value {
    match rng.below(if depth < 2 { 8 } else { 6 }) {
        0 => Value::Str(rng.pick(&WORDS).to_owned()),
        // Many distinct ones: stored other than by dictionary, and searched through filters.
        1 => Value::Str(format!("{} {}: {}", rng.pick(&WORDS), rng.below(1000), rng.pick(&WORDS))),
        2 => Value::Int(rng.below(3) as i64 * 250),
        3 => Value::Double(rng.below(4) as f64 * 2.5),
        4 => Value::Bool(rng.below(2) == 0),
        5 => Value::Bytes(vec![rng.below(3) as u8; 3]),
        6 => Value::Array(vec![value(rng, depth + 1), value(rng, depth + 1)]),
        _ => Value::Map(vec![("x".into(), value(rng, depth + 1)), ("y".into(), Value::Empty)]),
    }
}

fn attributes(rng: &mut Rng, prefix: &str) -> Attributes {
    let mut out = Attributes::new();
    for i in 0..5 {
        if rng.below(2) == 0 {
            out.push((format!("{prefix}{i}"), value(rng, 0)));
        }
    }
    if rng.below(4) == 0 {
        out.push((long_key(), value(rng, 0)));
    }
    out
}

/// A key that is too long for a column.
fn long_key() -> String {
    "long.".repeat(60)
}

fn resource(rng: &mut Rng) -> Resource {
    let mut attributes = vec![];
    if rng.below(8) != 0 {
        attributes.push(("service.name".to_owned(), Value::Str(rng.pick(&SERVICES).to_owned())));
    }
    if rng.below(2) == 0 {
        attributes.push(("k0".to_owned(), value(rng, 0)));
    }
    Resource { attributes, dropped_attributes_count: rng.below(2) as u32, schema_url: rng.pick(&["", "u"]).to_owned() }
}

fn scope(rng: &mut Rng) -> Scope {
    Scope {
        name: rng.pick(&["", "lib", "http"]).to_owned(),
        version: rng.pick(&["", "1"]).to_owned(),
        ..Scope::default()
    }
}

fn trace_id(rng: &mut Rng) -> TraceId {
    TraceId([1 + rng.below(12) as u8; 16])
}

fn span_id(rng: &mut Rng) -> SpanId {
    SpanId((1 + rng.below(200)).to_be_bytes())
}

/// The log records of one request.
pub(crate) fn logs(rng: &mut Rng) -> Vec<LogRecord> {
    let n = rng.below(12);
    let (mut r, mut s) = (resource(rng), scope(rng));
    (0..n)
        .map(|_| {
            if rng.below(4) == 0 {
                (r, s) = (resource(rng), scope(rng));
            }
            let time = time(rng);
            LogRecord {
                time: UnixNanos(time + 1),
                observed_time: UnixNanos(time + 1 + rng.below(3) as i64 * 7),
                severity_number: rng.below(25) as u8,
                severity_text: rng.pick(&["", "INFO", "error"]).to_owned(),
                body: if rng.below(6) == 0 { Value::Empty } else { value(rng, 0) },
                attributes: attributes(rng, "k"),
                event_name: rng.pick(&["", "", "login"]).to_owned(),
                trace_id: if rng.below(2) == 0 { TraceId::ZERO } else { trace_id(rng) },
                span_id: if rng.below(2) == 0 { SpanId::ZERO } else { span_id(rng) },
                flags: rng.below(2) as u32,
                dropped_attributes_count: rng.below(2) as u32,
                resource: r.clone(),
                scope: s.clone(),
            }
        })
        .collect()
}

/// The spans of one request.
pub(crate) fn spans(rng: &mut Rng) -> Vec<Span> {
    let n = rng.below(12);
    let (mut r, mut s) = (resource(rng), scope(rng));
    (0..n)
        .map(|_| {
            if rng.below(4) == 0 {
                (r, s) = (resource(rng), scope(rng));
            }
            let start = time(rng) + 1;
            Span {
                trace_id: trace_id(rng),
                span_id: span_id(rng),
                parent_span_id: if rng.below(3) == 0 { SpanId::ZERO } else { span_id(rng) },
                trace_state: rng.pick(&["", "a=1", "ot=th:8", "ot=th:c;rv:ffffffffffffff"]).to_owned(),
                flags: rng.below(3) as u32 * 0x100,
                name: rng.pick(&["GET /", "POST /login", "timeout"]).to_owned(),
                kind: rng.below(6) as u8,
                start: UnixNanos(start),
                end: UnixNanos(start + rng.below(1000) as i64),
                attributes: attributes(rng, "k"),
                dropped_attributes_count: rng.below(2) as u32,
                events: (0..rng.below(3))
                    .map(|i| Event {
                        time: UnixNanos(start + i as i64),
                        name: rng.pick(&WORDS).to_owned(),
                        attributes: attributes(rng, "e"),
                        dropped_attributes_count: 0,
                    })
                    .collect(),
                dropped_events_count: rng.below(2) as u32,
                links: (0..rng.below(2))
                    .map(|_| Link {
                        trace_id: trace_id(rng),
                        span_id: span_id(rng),
                        attributes: attributes(rng, "l"),
                        ..Link::default()
                    })
                    .collect(),
                dropped_links_count: rng.below(2) as u32,
                status: Status { code: rng.below(3) as u8, message: rng.pick(&["", "a b", "Timeout: GET"]).to_owned() },
                resource: r.clone(),
                scope: s.clone(),
            }
        })
        .collect()
}

/// All of time, or a part.
pub(crate) fn range(rng: &mut Rng) -> TimeRange {
    if rng.below(2) == 0 {
        return TimeRange::ALL;
    }
    let (a, b) = (time(rng), time(rng));
    TimeRange::new(UnixNanos(a.min(b)), UnixNanos(a.max(b) + 1))
}

/// Any field that there is, and some that there is not.
pub(crate) fn field(rng: &mut Rng, spans: bool) -> Field {
    let attribute = |rng: &mut Rng| {
        let scope = [AttributeScope::Any, AttributeScope::Resource, AttributeScope::Record][rng.below(3) as usize];
        let long = long_key();
        let keys = ["k0", "k0", "k1", "k2", "service.name", "none", "k0.x", "k1.0", "k0.1.x", &long];
        Field::Attribute { scope, key: rng.pick(&keys).to_owned() }
    };
    match rng.below(14) {
        0 => Field::Service,
        1 => Field::TraceId,
        2 => Field::SpanId,
        3 => Field::ScopeName,
        4 if spans => Field::ParentSpanId,
        4 => Field::EventName,
        5 if spans => Field::Name,
        5 => Field::SeverityText,
        6 if spans => Field::Kind,
        6 => Field::Severity,
        7 if spans => Field::Status,
        7 | 8 if !spans => Field::Body,
        7 | 8 => Field::Duration,
        9 => Field::StatusMessage,
        _ => attribute(rng),
    }
}

fn operand(rng: &mut Rng, field: &Field) -> Operand {
    match field {
        Field::TraceId => Operand::Str(trace_id(rng).to_string()),
        Field::SpanId | Field::ParentSpanId => Operand::Str(span_id(rng).to_string().to_uppercase()),
        Field::Service => Operand::Str(rng.pick(&["api", "bot", "unknown_service"]).to_owned()),
        Field::Kind | Field::Status | Field::Severity => Operand::Int(rng.below(20) as i64),
        Field::Duration => Operand::Int(rng.below(1000) as i64),
        _ => match rng.below(5) {
            0 => Operand::Int(rng.below(3) as i64 * 250),
            1 => Operand::Double(rng.below(4) as f64 * 2.5),
            2 => Operand::Bool(true),
            _ => Operand::Str(rng.pick(&WORDS).to_owned()),
        },
    }
}

fn predicate(rng: &mut Rng, spans: bool) -> Predicate {
    let field = field(rng, spans);
    match rng.below(9) {
        0..=2 => {
            let ops = [CompareOp::Eq, CompareOp::Ne, CompareOp::Lt, CompareOp::Le, CompareOp::Gt, CompareOp::Ge];
            // Ids have no order that anyone asks for.
            let ids = matches!(field, Field::TraceId | Field::SpanId | Field::ParentSpanId);
            let op = ops[rng.below(if ids { 2 } else { 6 }) as usize];
            let value = operand(rng, &field);
            Predicate::Compare { field, op, value }
        }
        3 => {
            let values = (0..rng.below(3)).map(|_| operand(rng, &field)).collect();
            Predicate::In { field, values }
        }
        4 => Predicate::Exists { field },
        5 => Predicate::Prefix { field, text: rng.pick(&["t", "5", "GE", "[", "00"]).to_owned() },
        6 => {
            let text = rng.pick(&["out", "0", "ö", "Ö", "\"x\":", "A"]).to_owned();
            Predicate::Contains { field, text, ignore_case: rng.below(2) == 0 }
        }
        7 => Predicate::Regex { field, pattern: rng.pick(&["^t.*t$", "[0-9]+", "(?i)get|post"]).to_owned() },
        _ => {
            let mode = [TextMatch::Token, TextMatch::Phrase, TextMatch::Substring][rng.below(3) as usize];
            let text = match rng.below(2) {
                0 => rng.pick(&["TIMEOUT", "b a", "a b", "er_i", "login", "5"]).to_owned(),
                _ => format!("{}{}", rng.below(1000), rng.pick(&["", ": 500", ": A", " b"])),
            };
            Predicate::Text { text, mode }
        }
    }
}

/// A filter of at most a few conditions.
pub(crate) fn filter(rng: &mut Rng, spans: bool) -> Filter {
    nested(rng, spans, 0)
}

fn nested(rng: &mut Rng, spans: bool, depth: u32) -> Filter {
    match rng.below(if depth < 3 { 8 } else { 5 }) {
        0 => Filter::All,
        1..=4 => Filter::Is(predicate(rng, spans)),
        5 => Filter::Not(Box::new(nested(rng, spans, depth + 1))),
        6 => Filter::And((0..rng.below(3)).map(|_| nested(rng, spans, depth + 1)).collect()),
        _ => Filter::Or((0..rng.below(3)).map(|_| nested(rng, spans, depth + 1)).collect()),
    }
}
