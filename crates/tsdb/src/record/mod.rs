//! What the engine writes to its log: one kind byte, the rules of admission, and the payload.
//!
//! The rules (newest and oldest time that are taken, width of the out-of-order window)
//! are those of the moment when the record was written, so that replay
//! decides as the first time did, whatever the clock and the settings say
//! then. Format: `docs/formats/tsdb.md`, "Log records".

mod batch;
mod columns;

use crate::batch::{Batch, BatchValue, Mode, Rules};
use crate::chunk::bits::ByteReader;

pub(crate) use batch::Names;

/// Kind and rules.
const HEADER_LEN: usize = 33;

const KIND_OTLP: u8 = 1;
const KIND_SAMPLES: u8 = 2;
const KIND_BATCH: u8 = 3;

/// A record of the log.
pub(crate) enum Record<'a> {
    /// An `ExportMetricsServiceRequest` as it was received. No longer written.
    Otlp(&'a [u8], Rules),
    /// Floats with their labels. No longer written.
    Samples(Batch),
    /// Samples that were admitted.
    Batch(Batch),
}

/// The record of a batch that was admitted: its series are named as [`Batch::found`] says.
pub(crate) fn encode(batch: &Batch) -> Vec<u8> {
    let new_keys =
        batch.found.iter().zip(&batch.buf.series).filter(|(found, _)| found.named_here || found.log_name.is_none());
    let keys: usize = new_keys.map(|(_, series)| batch.buf.key_of(series).len()).sum();
    let mut out = Vec::with_capacity(HEADER_LEN + keys + batch.buf.samples.len() * 12);
    let Rules { newest_allowed, oldest_allowed, window_ms, in_order_ms } = batch.buf.rules;
    out.push(KIND_BATCH);
    for rule in [newest_allowed, oldest_allowed, window_ms, in_order_ms] {
        out.extend_from_slice(&rule.to_le_bytes());
    }
    batch::encode(batch, &mut out);
    out
}

/// Reads a record; `None` when it is not one of ours. `names`: what the records of its generation so far named.
pub(crate) fn decode<'a>(bytes: &'a [u8], names: &Names) -> Option<Record<'a>> {
    let mut r = ByteReader(bytes);
    let kind = r.u8()?;
    let (newest_allowed, oldest_allowed) = (r.u64()? as i64, r.u64()? as i64);
    let window_ms = r.u64()? as i64;
    // The first kinds took what lies within the window, in order or not.
    let rules = Rules { newest_allowed, oldest_allowed, window_ms, in_order_ms: window_ms };
    match kind {
        KIND_OTLP => Some(Record::Otlp(r.0, rules)),
        KIND_SAMPLES => decode_samples(r, rules).map(Record::Samples),
        KIND_BATCH => {
            let rules = Rules { in_order_ms: r.u64()? as i64, ..rules };
            batch::decode(r, rules, names).map(Record::Batch)
        }
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
