//! Exemplars, and their bytes in log records and in series entries of blocks (`docs/formats/tsdb.md`).

use model::{SpanId, TraceId};

use crate::chunk::bits::{ByteReader, put_prefixed, put_signed, put_varint};

/// Names and values of the labels of one exemplar take at most this many bytes. OpenMetrics allows 128 characters;
/// OTLP allows anything, and exemplars are limited by their number.
const EXEMPLAR_BYTES_MAX: usize = 1024;

/// An example of what a series measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Milliseconds since the epoch.
    pub t: i64,
    /// The measured value.
    pub value: f64,
    /// Zero when not traced.
    pub trace_id: TraceId,
    /// Zero when not traced.
    pub span_id: SpanId,
    /// The attributes that the series does not have.
    pub attributes: Vec<(String, String)>,
}

impl Exemplar {
    /// From labels as OpenMetrics and remote write carry them: `trace_id` and `span_id` in hexadecimal become the ids,
    /// everything else stays a label.
    pub fn from_labels<'a>(t: i64, value: f64, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut exemplar = Self { t, value, trace_id: TraceId::ZERO, span_id: SpanId::ZERO, attributes: Vec::new() };
        for (name, text) in labels {
            match name {
                "trace_id" if text.parse().map(|id| exemplar.trace_id = id).is_ok() => {}
                "span_id" if text.parse().map(|id| exemplar.span_id = id).is_ok() => {}
                _ => exemplar.attributes.push((name.to_owned(), text.to_owned())),
            }
        }
        exemplar
    }

    pub(crate) fn is_too_long(&self) -> bool {
        self.attributes.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>() > EXEMPLAR_BYTES_MAX
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_signed(out, self.t);
        out.extend_from_slice(&self.value.to_bits().to_le_bytes());
        out.extend_from_slice(&self.trace_id.0);
        out.extend_from_slice(&self.span_id.0);
        put_varint(out, self.attributes.len() as u64);
        for (name, value) in &self.attributes {
            put_prefixed(out, name.as_bytes());
            put_prefixed(out, value.as_bytes());
        }
    }

    pub(crate) fn decode(r: &mut ByteReader<'_>) -> Option<Self> {
        let (t, value) = (r.signed()?, f64::from_bits(r.u64()?));
        let trace_id = TraceId(r.bytes(16)?.try_into().ok()?);
        let span_id = SpanId(r.bytes(8)?.try_into().ok()?);
        let mut attributes = Vec::new();
        for _ in 0..r.len()? {
            attributes.push((r.text()?.to_owned(), r.text()?.to_owned()));
        }
        Some(Self { t, value, trace_id, span_id, attributes })
    }
}
