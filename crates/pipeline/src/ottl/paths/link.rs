//! Links of spans.

use wire::otlp::tree::Link;

use super::span::{state_member, with_member};
use super::{fields, id_of, id_of_hex, id_text, id_value};
use crate::ottl::eval::EvalError;
use crate::ottl::keys::Key;
use crate::ottl::path::{count, mismatch, text};
use crate::ottl::value::Val;

fields! {
    /// What a link has.
    LinkField {
        TraceId = "trace_id",
        TraceIdString = "trace_id.string",
        SpanId = "span_id",
        SpanIdString = "span_id.string",
        TraceState = "trace_state",
        Attributes = "attributes",
        DroppedAttributesCount = "dropped_attributes_count",
        Flags = "flags",
    }
}

impl LinkField {
    pub(in crate::ottl) fn get(self, link: &Link, keys: &[Key]) -> Val {
        match self {
            Self::TraceId => id_value(&link.trace_id),
            Self::TraceIdString => id_text(&link.trace_id),
            Self::SpanId => id_value(&link.span_id),
            Self::SpanIdString => id_text(&link.span_id),
            Self::TraceState => match keys {
                [Key::Text(key), ..] => state_member(&link.trace_state, key).map_or(Val::NIL, Val::from),
                _ => link.trace_state.clone().into(),
            },
            Self::Attributes => link.attributes.clone().into(),
            Self::DroppedAttributesCount => link.dropped_attributes_count.into(),
            Self::Flags => link.flags.into(),
        }
    }

    pub(in crate::ottl) fn set(self, link: &mut Link, keys: &[Key], v: Val) -> Result<(), EvalError> {
        match self {
            Self::TraceId => link.trace_id = id_of(&v)?,
            Self::TraceIdString => link.trace_id = id_of_hex(&v)?,
            Self::SpanId => link.span_id = id_of(&v)?,
            Self::SpanIdString => link.span_id = id_of_hex(&v)?,
            Self::TraceState => match keys {
                [Key::Text(key), ..] => link.trace_state = with_member(&link.trace_state, key, text(&v)?),
                _ => link.trace_state = text(&v)?.into(),
            },
            Self::Attributes => return Err(mismatch("a map", &v)),
            Self::DroppedAttributesCount => link.dropped_attributes_count = count(&v)?,
            Self::Flags => link.flags = count(&v)?,
        }
        Ok(())
    }
}
