//! What the engine writes to its log: one kind byte, the rules of admission, and the payload.
//!
//! The rules (newest and oldest time that are taken, width of the out-of-order window)
//! are those of the moment when the record was written, so that replay
//! decides as the first time did, whatever the clock and the settings say
//! then. Format: `docs/formats/tsdb.md`, "Log records".

mod batch;
mod histogram;

use crate::batch::{Batch, BatchValue, Mode, Rules};
use crate::chunk::bits::ByteReader;

/// Kind and rules.
const HEADER_LEN: usize = 25;

const KIND_OTLP: u8 = 1;
const KIND_SAMPLES: u8 = 2;
const KIND_BATCH: u8 = 3;

/// A record of the log.
pub(crate) enum Record<'a> {
    /// An `ExportMetricsServiceRequest` as it was received.
    Otlp(&'a [u8], Rules),
    /// Samples that came resolved.
    Batch(Batch),
}

fn header(kind: u8, rules: Rules, payload: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_LEN + payload);
    let Rules { newest_allowed, oldest_allowed, window_ms } = rules;
    out.push(kind);
    for rule in [newest_allowed, oldest_allowed, window_ms] {
        out.extend_from_slice(&rule.to_le_bytes());
    }
    out
}

/// The record of an OTLP request.
pub(crate) fn encode_otlp(batch: &Batch, request: &[u8]) -> Vec<u8> {
    let mut out = header(KIND_OTLP, batch.buf.rules, request.len());
    out.extend_from_slice(request);
    out
}

/// The record of samples that came resolved.
pub(crate) fn encode_batch(batch: &Batch) -> Vec<u8> {
    let mut out = header(KIND_BATCH, batch.buf.rules, batch.buf.keys.len() + batch.buf.samples.len() * 16);
    batch::encode(batch, &mut out);
    out
}

/// Reads a record; `None` when it is not one of ours.
pub(crate) fn decode(bytes: &[u8]) -> Option<Record<'_>> {
    let mut r = ByteReader(bytes);
    let kind = r.u8()?;
    let (newest_allowed, oldest_allowed) = (r.u64()? as i64, r.u64()? as i64);
    let window_ms = r.u64()? as i64;
    let rules = Rules { newest_allowed, oldest_allowed, window_ms };
    match kind {
        KIND_OTLP => Some(Record::Otlp(r.0, rules)),
        KIND_SAMPLES => decode_samples(r, rules).map(Record::Batch),
        KIND_BATCH => batch::decode(r, rules).map(Record::Batch),
        _ => None,
    }
}

/// The records of resolved floats that earlier builds wrote.
fn decode_samples(mut r: ByteReader<'_>, rules: Rules) -> Option<Batch> {
    let mut batch = Batch::new(rules);
    for _ in 0..r.len()? {
        let key = r.prefixed()?;
        let (t, v) = (r.signed()?, f64::from_bits(r.u64()?));
        let start = batch.buf.keys.len();
        batch.buf.keys.extend_from_slice(key);
        batch.buf.points += 1;
        // Only samples that passed this were written.
        let series = batch.buf.push_series(start).ok()?;
        let _ = batch.buf.push_sample(series, t, 0, BatchValue::Float(v), Mode::Set);
    }
    Some(batch)
}
