//! The payload of a record of resolved samples: series, samples, exemplars, metadata.
//!
//! Format: `docs/formats/tsdb.md`, "Log records".

use model::{SpanId, TraceId};

use super::histogram;
use crate::batch::{Batch, BatchValue, Exemplar, Mode, Rules};
use crate::catalog::{Metadata, MetricInfo, MetricType};
use crate::chunk::bits::{ByteReader, put_prefixed, put_signed, put_varint};

const VALUE_FLOAT: u8 = 0;
const VALUE_HISTOGRAM: u8 = 1;
/// Added to the kind of a value when a start time follows.
const WITH_START: u8 = 0x80;

pub(super) fn encode(batch: &Batch, out: &mut Vec<u8>) {
    let buf = &batch.buf;
    put_varint(out, buf.series.len() as u64);
    buf.series.iter().for_each(|s| put_prefixed(out, buf.key_of(s)));
    put_varint(out, buf.samples.len() as u64);
    let (mut last_series, mut last_t) = (0, 0);
    for s in &buf.samples {
        put_signed(out, i64::from(s.series) - last_series);
        put_signed(out, s.t.wrapping_sub(last_t));
        (last_series, last_t) = (i64::from(s.series), s.t);
        let kind = match s.value {
            BatchValue::Float(_) => VALUE_FLOAT,
            BatchValue::Histogram(_) => VALUE_HISTOGRAM,
        };
        out.push(if s.start_t == 0 { kind } else { kind | WITH_START });
        if s.start_t != 0 {
            put_signed(out, s.start_t.wrapping_sub(s.t));
        }
        match s.value {
            BatchValue::Float(v) => out.extend_from_slice(&v.to_bits().to_le_bytes()),
            BatchValue::Histogram(at) => {
                if let Some(h) = buf.histograms.get(at as usize) {
                    histogram::encode(h, out);
                }
            }
        }
    }
    put_varint(out, batch.exemplars.len() as u64);
    for (series, e) in &batch.exemplars {
        put_varint(out, u64::from(*series));
        put_exemplar(e, out);
    }
    put_varint(out, batch.metrics.len() as u64);
    for m in &batch.metrics {
        put_prefixed(out, m.name.as_bytes());
        out.push(m.metadata.kind.code());
        put_prefixed(out, m.metadata.unit.as_bytes());
        put_prefixed(out, m.metadata.help.as_bytes());
    }
}

pub(super) fn decode(mut r: ByteReader<'_>, rules: Rules) -> Option<Batch> {
    let mut batch = Batch::new(rules);
    let buf = &mut batch.buf;
    for _ in 0..r.len()? {
        let start = buf.keys.len();
        buf.keys.extend_from_slice(r.prefixed()?);
        buf.push_series(start).ok()?;
    }
    let (mut series, mut t) = (0i64, 0i64);
    for _ in 0..r.len()? {
        series = series.checked_add(r.signed()?)?;
        t = t.wrapping_add(r.signed()?);
        let kind = r.u8()?;
        let start_t = if kind & WITH_START == 0 { 0 } else { t.wrapping_add(r.signed()?) };
        let at = u32::try_from(series).ok().filter(|at| (*at as usize) < buf.series.len())?;
        buf.points += 1;
        // Only samples that passed this were written.
        let _ = match kind & !WITH_START {
            VALUE_FLOAT => buf.push_sample(at, t, start_t, BatchValue::Float(f64::from_bits(r.u64()?)), Mode::Set),
            VALUE_HISTOGRAM => buf.push_histogram(at, t, start_t, histogram::decode(&mut r)?, Mode::Set),
            _ => return None,
        };
    }
    for _ in 0..r.len()? {
        let series = u32::try_from(r.varint()?).ok()?;
        batch.exemplars.push((series, take_exemplar(&mut r)?));
    }
    for _ in 0..r.len()? {
        let name = r.text()?.to_owned();
        let kind = MetricType::from_code(r.u8()?)?;
        let metadata = Metadata { kind, unit: r.text()?.to_owned(), help: r.text()?.to_owned() };
        batch.metrics.push(MetricInfo { name, original: None, metadata });
    }
    Some(batch)
}

fn put_exemplar(e: &Exemplar, out: &mut Vec<u8>) {
    put_signed(out, e.t);
    out.extend_from_slice(&e.value.to_bits().to_le_bytes());
    out.extend_from_slice(&e.trace_id.0);
    out.extend_from_slice(&e.span_id.0);
    put_varint(out, e.attributes.len() as u64);
    for (name, value) in &e.attributes {
        put_prefixed(out, name.as_bytes());
        put_prefixed(out, value.as_bytes());
    }
}

fn take_exemplar(r: &mut ByteReader<'_>) -> Option<Exemplar> {
    let (t, value) = (r.signed()?, f64::from_bits(r.u64()?));
    let trace_id = TraceId(r.bytes(16)?.try_into().ok()?);
    let span_id = SpanId(r.bytes(8)?.try_into().ok()?);
    let mut attributes = Vec::new();
    for _ in 0..r.len()? {
        attributes.push((r.text()?.to_owned(), r.text()?.to_owned()));
    }
    Some(Exemplar { t, value, trace_id, span_id, attributes })
}
