//! Exemplars of data points.

use foundation::UnixNanos;
use model::{SpanId, TraceId};

use super::super::any_value::key_value;
use super::super::fault::Fault;
use super::super::ids::{span_id, trace_id};
use super::super::limits::{Limits, count};
use crate::protobuf::{Reader, Writer};
use crate::sink::ExemplarRef;

const EXEMPLAR_FIELDS: u32 = 0b1111_1100;

/// Exemplars of one point while it is read.
#[derive(Debug, Default)]
pub(super) struct Exemplars {
    read: Vec<Exemplar>,
    /// The filtered attributes of all of them, each as an entry of a `KeyValueList`: on the wire
    /// they have another field number, and may stand between other fields.
    attributes: Writer,
}

#[derive(Debug)]
struct Exemplar {
    time: UnixNanos,
    value: f64,
    trace_id: TraceId,
    span_id: SpanId,
    /// Where its attributes end; they begin where those of the exemplar before end.
    attributes_end: usize,
}

impl Exemplars {
    pub(super) fn clear(&mut self) {
        self.read.clear();
        self.attributes.clear();
    }

    /// For the sink. Allocates only when there are exemplars, which is the rare case.
    pub(super) fn as_sink(&self) -> Vec<ExemplarRef<'_>> {
        let mut begin = 0;
        self.read
            .iter()
            .map(|e| {
                let filtered_attributes = self.attributes.as_bytes().get(begin..e.attributes_end).unwrap_or_default();
                begin = e.attributes_end;
                ExemplarRef {
                    time: e.time,
                    value: e.value,
                    trace_id: e.trace_id,
                    span_id: e.span_id,
                    filtered_attributes,
                }
            })
            .collect()
    }

    /// Reads the next exemplar of the point that `r` reads.
    pub(super) fn read(&mut self, r: &mut Reader<'_>, limits: &Limits) -> Result<(), Fault> {
        let mut n = self.read.len();
        let index = count(&mut n, limits.max_exemplars, "exemplars")?;
        let exemplar = self.read_one(r.message()?, limits).map_err(|f| f.at("exemplars", index))?;
        self.read.push(exemplar);
        Ok(())
    }

    fn read_one(&mut self, mut r: Reader<'_>, limits: &Limits) -> Result<Exemplar, Fault> {
        let (mut time, mut value) = (UnixNanos(0), 0.0);
        let (mut trace, mut span) = (TraceId::ZERO, SpanId::ZERO);
        let mut attributes = 0;
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (2, 1) => time = UnixNanos::from_u64(r.fixed64()?),
                (3, 1) => value = r.double()?,
                (4, 2) => span = span_id(r.delimited()?, "span_id")?,
                (5, 2) => trace = trace_id(r.delimited()?)?,
                (6, 1) => value = r.fixed64()? as i64 as f64,
                (7, 2) => {
                    let index = count(&mut attributes, limits.max_attributes, "filtered attributes")?;
                    let attribute = r.message()?;
                    key_value(attribute, limits).map_err(|f| f.at("filtered_attributes", index))?;
                    self.attributes.bytes(1, attribute.rest());
                }
                _ => r.skip_unknown(key, EXEMPLAR_FIELDS)?,
            }
        }
        let attributes_end = self.attributes.as_bytes().len();
        Ok(Exemplar { time, value, trace_id: trace, span_id: span, attributes_end })
    }
}
