//! What the engine writes to its log: one kind byte, the rules of admission, and the payload.
//!
//! The rules (newest and oldest time that are taken, width of the out-of-order window)
//! are those of the moment when the record was written, so that replay
//! decides as the first time did, whatever the clock and the settings say
//! then. Format: `docs/formats/tsdb.md`, "Log records".

use crate::batch::{Mode, Rules, SampleBatch};
use crate::chunk::bits::{ByteReader, put_prefixed, put_signed, put_varint};

/// Kind and rules.
const HEADER_LEN: usize = 25;

const KIND_OTLP: u8 = 1;
const KIND_SAMPLES: u8 = 2;

/// A record of the log.
pub(crate) enum Record<'a> {
    /// An `ExportMetricsServiceRequest` as it was received.
    Otlp(&'a [u8], Rules),
    /// Samples that came resolved.
    Samples(SampleBatch),
}

fn header(kind: u8, batch: &SampleBatch, payload: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_LEN + payload);
    let Rules { newest_allowed, oldest_allowed, window_ms } = batch.buf.rules;
    out.push(kind);
    for rule in [newest_allowed, oldest_allowed, window_ms] {
        out.extend_from_slice(&rule.to_le_bytes());
    }
    out
}

/// The record of an OTLP request.
pub(crate) fn encode_otlp(batch: &SampleBatch, request: &[u8]) -> Vec<u8> {
    let mut out = header(KIND_OTLP, batch, request.len());
    out.extend_from_slice(request);
    out
}

/// The record of samples that came resolved.
pub(crate) fn encode_samples(batch: &SampleBatch) -> Vec<u8> {
    let mut out = header(KIND_SAMPLES, batch, batch.buf.keys.len() + batch.buf.samples.len() * 20);
    put_varint(&mut out, batch.buf.samples.len() as u64);
    for s in &batch.buf.samples {
        put_prefixed(&mut out, batch.buf.key_of(s));
        put_signed(&mut out, s.t);
        out.extend_from_slice(&s.v.to_bits().to_le_bytes());
    }
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
        KIND_SAMPLES => {
            let mut batch = SampleBatch::new(rules);
            for _ in 0..r.len()? {
                let key = r.prefixed()?;
                let t = r.signed()?;
                let v = f64::from_bits(r.u64()?);
                let start = batch.buf.keys.len();
                batch.buf.keys.extend_from_slice(key);
                batch.buf.points += 1;
                // Only samples that passed this were written.
                let _ = batch.buf.push(start, t, v, Mode::Set);
            }
            Some(Record::Samples(batch))
        }
        _ => None,
    }
}
