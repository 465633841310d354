//! Ids and enums, as bytes and varints hold them.

use model::{SpanId, TraceId};

use super::fault::{Fault, Refusal};

/// An enum's number, or 0 for a number that the schema does not have.
pub(super) fn enum_up_to(max: u8, v: u64) -> u8 {
    if v <= u64::from(max) { v as u8 } else { 0 }
}

/// A trace id; no bytes are no id.
pub(super) fn trace_id(bytes: &[u8]) -> Result<TraceId, Fault> {
    id(bytes).map(TraceId).map_err(|e| e.in_field("trace_id"))
}

/// A span id; no bytes are no id. `field` is its name on the wire.
pub(super) fn span_id(bytes: &[u8], field: &'static str) -> Result<SpanId, Fault> {
    id(bytes).map(SpanId).map_err(|e| e.in_field(field))
}

#[inline]
fn id<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Refusal> {
    match <[u8; N]>::try_from(bytes) {
        Ok(id) => Ok(id),
        Err(_) if bytes.is_empty() => Ok([0; N]),
        Err(_) => Err(Refusal::IdLength { found: bytes.len(), expected: N }),
    }
}
