//! Exemplars of points.

use wire::otlp::tree::{Exemplar, Number};

use super::{fields, id_of, id_of_hex, id_text, id_value, time};
use crate::ottl::eval::EvalError;
use crate::ottl::path::{double, int, mismatch, nanos};
use crate::ottl::value::Val;

fields! {
    /// What an exemplar has.
    ExemplarField {
        TimeUnixNano = "time_unix_nano",
        Time = "time",
        DoubleValue = "double_value",
        IntValue = "int_value",
        TraceId = "trace_id",
        TraceIdString = "trace_id.string",
        SpanId = "span_id",
        SpanIdString = "span_id.string",
        FilteredAttributes = "filtered_attributes",
    }
}

impl ExemplarField {
    pub(in crate::ottl) fn get(self, e: &Exemplar) -> Val {
        match self {
            Self::TimeUnixNano => e.time_unix_nano.into(),
            Self::Time => time(e.time_unix_nano),
            Self::DoubleValue => match e.value {
                Some(Number::Double(d)) => d.into(),
                _ => Val::NIL,
            },
            Self::IntValue => match e.value {
                Some(Number::Int(i)) => i.into(),
                _ => Val::NIL,
            },
            Self::TraceId => id_value(&e.trace_id),
            Self::TraceIdString => id_text(&e.trace_id),
            Self::SpanId => id_value(&e.span_id),
            Self::SpanIdString => id_text(&e.span_id),
            Self::FilteredAttributes => e.filtered_attributes.clone().into(),
        }
    }

    pub(in crate::ottl) fn set(self, e: &mut Exemplar, v: Val) -> Result<(), EvalError> {
        match self {
            Self::TimeUnixNano | Self::Time => e.time_unix_nano = nanos(&v)?,
            Self::DoubleValue => e.value = Some(Number::Double(double(&v)?)),
            Self::IntValue => e.value = Some(Number::Int(int(&v)?)),
            Self::TraceId => e.trace_id = id_of(&v)?,
            Self::TraceIdString => e.trace_id = id_of_hex(&v)?,
            Self::SpanId => e.span_id = id_of(&v)?,
            Self::SpanIdString => e.span_id = id_of_hex(&v)?,
            Self::FilteredAttributes => return Err(mismatch("a map", &v)),
        }
        Ok(())
    }
}
