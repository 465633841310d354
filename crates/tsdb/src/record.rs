//! What the engine writes to its log: one kind byte, the rules of admission, and the payload.
//!
//! The rules (newest time that is taken, width of the out-of-order window)
//! are those of the moment when the record was written, so that replay
//! decides as the first time did, whatever the clock and the settings say
//! then. Format: `docs/formats/tsdb.md`, "Log records".

use crate::batch::{Mode, SampleBatch};
use crate::chunk::bits::{ByteReader, put_prefixed, put_signed, put_varint};
use crate::options::OtlpOptions;

const KIND_OTLP: u8 = 1;
const KIND_SAMPLES: u8 = 2;

/// A record of the log.
pub(crate) enum Record<'a> {
    /// An `ExportMetricsServiceRequest` as it was received, and an empty batch to decode it into.
    Otlp(&'a [u8], SampleBatch),
    /// Samples that came resolved.
    Samples(SampleBatch),
}

fn header(kind: u8, batch: &SampleBatch, payload: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(17 + payload);
    out.push(kind);
    out.extend_from_slice(&batch.buf.newest_allowed.to_le_bytes());
    out.extend_from_slice(&batch.window_ms.to_le_bytes());
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
pub(crate) fn decode<'a>(bytes: &'a [u8], otlp: &OtlpOptions) -> Option<Record<'a>> {
    let mut r = ByteReader(bytes);
    let kind = r.u8()?;
    let newest_allowed = r.u64()? as i64;
    let window_ms = r.u64()? as i64;
    let mut batch = SampleBatch::new(newest_allowed, window_ms, otlp);
    match kind {
        KIND_OTLP => Some(Record::Otlp(r.0, batch)),
        KIND_SAMPLES => {
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
