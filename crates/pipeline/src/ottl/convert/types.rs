//! What a value is, and making another type of it.

use wire::otlp::tree::{Attributes, Data, Text, Value};

use super::{Converter, many, ones};
use crate::luhn;
use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::context::{Context, Item};
use crate::ottl::eval::{EvalError, Getter};
use crate::ottl::path::mismatch;
use crate::ottl::value::Val;

pub(super) const ONE: &[Converter] = ones![
    "Bool"("value") => to_bool,
    "Double"("value") => to_double,
    "Int"("value") => to_int,
    "String"("value") => to_string,
    "IsBool"("value") => is_bool,
    "IsDouble"("value") => is_double,
    "IsEmpty"("value") => is_empty,
    "IsInt"("value") => is_int,
    "IsList"("value") => is_list,
    "IsMap"("value") => is_map,
    "IsString"("value") => is_string,
    "IsValidLuhn"("value") => is_valid_luhn,
    "SpanID"("bytes") => span_id,
    "TraceID"("bytes") => trace_id,
];

pub(super) const MANY: &[Converter] = &[
    many("IsRootSpan", &[], 0, |_| {
        Ok(Getter::computed(|s| {
            Ok(match &s.item {
                Item::Span(span) | Item::Event { span, .. } | Item::Link { span, .. } => span.is_root().into(),
                _ => false.into(),
            })
        }))
    }),
    many("Coalesce", &["values"], 1, coalesce),
    many("HasAttrKeyOnDatapoint", &["key"], 1, |a| on_point(a, false)),
    many("HasAttrOnDatapoint", &["key", "value"], 2, |a| on_point(a, true)),
];

/// Whether a point of the metric at hand has an attribute, perhaps with a value.
fn on_point(a: &Arguments<'_>, with_value: bool) -> Result<Getter, Problem> {
    a.only_in(Context::Metric)?;
    let (key, value) = (a.text(0)?, if with_value { a.text(1)? } else { String::new() });
    let has = move |attributes: &Attributes| match attributes.get(&key) {
        Some(v) => !with_value || v.as_str() == Some(&value),
        None => false,
    };
    Ok(Getter::computed(move |s| {
        let Item::Metric(metric) = &s.item else { return Ok(false.into()) };
        Ok(match &metric.data {
            Data::None => false,
            Data::Gauge(points) | Data::Sum { points, .. } => points.iter().any(|p| has(&p.attributes)),
            Data::Histogram { points, .. } => points.iter().any(|p| has(&p.attributes)),
            Data::Exponential { points, .. } => points.iter().any(|p| has(&p.attributes)),
            Data::Summary(points) => points.iter().any(|p| has(&p.attributes)),
        }
        .into())
    }))
}

fn coalesce(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let values = a.values(0)?;
    Ok(Getter::computed(move |s| {
        for v in &values {
            let v = v.get(s)?;
            if !v.is_nil() {
                return Ok(v);
            }
        }
        Ok(Val::NIL)
    }))
}

type Outcome = Result<Val, EvalError>;

fn to_bool(v: &Val) -> Outcome {
    Ok(match v {
        Val::Plain(Value::Bool(_)) => v.clone(),
        Val::Plain(Value::Int(i)) => (*i != 0).into(),
        Val::Plain(Value::Double(d)) => (*d != 0.0).into(),
        Val::Plain(Value::Str(s)) => match &**s {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true.into(),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false.into(),
            _ => return Err(EvalError::new(format!("`{s}` is neither true nor false"))),
        },
        _ => Val::NIL,
    })
}

fn to_double(v: &Val) -> Outcome {
    Ok(match v {
        Val::Plain(Value::Str(s)) => s.trim().parse::<f64>().map_or(Val::NIL, Val::from),
        Val::Plain(Value::Bool(b)) => f64::from(u8::from(*b)).into(),
        other => other.as_f64().map_or(Val::NIL, Val::from),
    })
}

fn to_int(v: &Val) -> Outcome {
    Ok(match v {
        Val::Plain(Value::Int(_)) => v.clone(),
        Val::Plain(Value::Double(d)) => (*d as i64).into(),
        Val::Plain(Value::Bool(b)) => i64::from(*b).into(),
        Val::Plain(Value::Str(s)) => s.trim().parse::<i64>().map_or(Val::NIL, Val::from),
        Val::Duration(d) => (*d).into(),
        _ => Val::NIL,
    })
}

fn to_string(v: &Val) -> Outcome {
    Ok(if v.is_nil() { Val::NIL } else { shown(v).into() })
}

/// As a part of a text: bytes, which ids are, in hex.
pub(super) fn shown(v: &Val) -> Text {
    match v {
        Val::Plain(Value::Bytes(b)) => b.iter().map(|b| format!("{b:02x}")).collect::<String>().into(),
        v => v.to_text(),
    }
}

/// Whether it is what a value of its type is before anybody set it.
fn is_empty(v: &Val) -> Outcome {
    Ok(match v {
        Val::Plain(v) => match v {
            Value::Empty => true,
            Value::Str(s) => s.is_empty(),
            Value::Bool(b) => !b,
            Value::Int(i) => *i == 0,
            Value::Double(d) => *d == 0.0,
            Value::Bytes(b) => b.iter().all(|b| *b == 0),
            Value::Array(items) => items.is_empty(),
            Value::Map(map) => map.is_empty(),
            Value::TooDeep(_) => false,
        },
        Val::Time(t) => *t == 0,
        Val::Duration(d) => *d == 0,
    }
    .into())
}

fn is_valid_luhn(v: &Val) -> Outcome {
    let text = match v {
        Val::Plain(Value::Int(_) | Value::Str(_)) => v.to_text(),
        _ => return Err(mismatch("a text or an integer", v)),
    };
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(10)).collect();
    match digits {
        Some(digits) if !digits.is_empty() => Ok(luhn::is_valid(&digits).into()),
        _ => Err(EvalError::new(format!("`{text}` does not consist of digits"))),
    }
}

fn is_bool(v: &Val) -> Outcome {
    Ok(matches!(v, Val::Plain(Value::Bool(_))).into())
}

fn is_double(v: &Val) -> Outcome {
    Ok(matches!(v, Val::Plain(Value::Double(_))).into())
}

fn is_int(v: &Val) -> Outcome {
    Ok(matches!(v, Val::Plain(Value::Int(_))).into())
}

fn is_list(v: &Val) -> Outcome {
    Ok(matches!(v, Val::Plain(Value::Array(_))).into())
}

fn is_map(v: &Val) -> Outcome {
    Ok(matches!(v, Val::Plain(Value::Map(_))).into())
}

fn is_string(v: &Val) -> Outcome {
    Ok(matches!(v, Val::Plain(Value::Str(_))).into())
}

/// Bytes, or their hex, of an id.
fn id(v: &Val, bytes: usize) -> Outcome {
    match v {
        Val::Plain(Value::Bytes(b)) if b.len() == bytes => Ok(v.clone()),
        Val::Plain(Value::Str(s)) if s.len() == 2 * bytes && s.bytes().all(|b| b.is_ascii_hexdigit()) => {
            let digit = |b: u8| (b as char).to_digit(16).unwrap_or(0) as u8;
            Ok(Val::bytes(s.as_bytes().chunks(2).map(|p| digit(p[0]) << 4 | digit(p[1])).collect::<Vec<_>>()))
        }
        _ => Err(mismatch(&format!("an id of {bytes} bytes"), v)),
    }
}

fn trace_id(v: &Val) -> Outcome {
    id(v, 16)
}

fn span_id(v: &Val) -> Outcome {
    id(v, 8)
}
