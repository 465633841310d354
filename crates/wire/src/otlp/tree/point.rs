//! The points of metrics, with their exemplars.

use super::read::{FIXED64, LEN, VARINT, fixed64s, uints};
use super::span::w_id;
use super::{Attributes, Id, SpanId, TraceId, w_double, w_fixed64, w_uint};
use crate::protobuf::{Backward, Malformed, Reader};

/// A number, which knows whether it is an integer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A double.
    Double(f64),
    /// An integer.
    Int(i64),
}

impl Number {
    /// As a double.
    pub const fn as_f64(self) -> f64 {
        match self {
            Self::Double(d) => d,
            Self::Int(i) => i as f64,
        }
    }
}

/// A value of a gauge or sum. Times are nanoseconds since 1970 and 0 when missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NumberPoint {
    /// Which series.
    pub attributes: Attributes,
    /// Since when a sum counts.
    pub start_time_unix_nano: u64,
    /// When it was so.
    pub time_unix_nano: u64,
    /// The value.
    pub value: Option<Number>,
    /// Examples of what it counts.
    pub exemplars: Vec<Exemplar>,
    /// `DataPointFlags`: 1 says that there is no value.
    pub flags: u32,
}

/// A histogram with bounds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistogramPoint {
    /// Which series.
    pub attributes: Attributes,
    /// Since when it counts.
    pub start_time_unix_nano: u64,
    /// When it was so.
    pub time_unix_nano: u64,
    /// Observations.
    pub count: u64,
    /// Their sum.
    pub sum: Option<f64>,
    /// Observations by bucket: one more than bounds, or none.
    pub bucket_counts: Vec<u64>,
    /// Upper bounds, inclusive, rising.
    pub explicit_bounds: Vec<f64>,
    /// Examples of what it counts.
    pub exemplars: Vec<Exemplar>,
    /// `DataPointFlags`.
    pub flags: u32,
    /// The least observation.
    pub min: Option<f64>,
    /// The greatest observation.
    pub max: Option<f64>,
}

/// A histogram with exponential buckets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExponentialPoint {
    /// Which series.
    pub attributes: Attributes,
    /// Since when it counts.
    pub start_time_unix_nano: u64,
    /// When it was so.
    pub time_unix_nano: u64,
    /// Observations.
    pub count: u64,
    /// Their sum.
    pub sum: Option<f64>,
    /// The base of the buckets is `2^(2^-scale)`.
    pub scale: i32,
    /// Observations of about zero.
    pub zero_count: u64,
    /// Buckets of positive observations.
    pub positive: Option<Buckets>,
    /// Buckets of negative observations.
    pub negative: Option<Buckets>,
    /// `DataPointFlags`.
    pub flags: u32,
    /// Examples of what it counts.
    pub exemplars: Vec<Exemplar>,
    /// The least observation.
    pub min: Option<f64>,
    /// The greatest observation.
    pub max: Option<f64>,
    /// How far from zero an observation is counted as zero.
    pub zero_threshold: f64,
}

/// Consecutive exponential buckets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Buckets {
    /// The index of the first.
    pub offset: i32,
    /// Observations by bucket.
    pub bucket_counts: Vec<u64>,
}

/// Quantiles made by the sender.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SummaryPoint {
    /// Which series.
    pub attributes: Attributes,
    /// Since when it counts.
    pub start_time_unix_nano: u64,
    /// When it was so.
    pub time_unix_nano: u64,
    /// Observations.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The quantiles.
    pub quantile_values: Vec<Quantile>,
    /// `DataPointFlags`.
    pub flags: u32,
}

/// One quantile.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Quantile {
    /// From 0 to 1.
    pub quantile: f64,
    /// Its value.
    pub value: f64,
}

/// An example of what a point counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exemplar {
    /// Attributes that the series does not have.
    pub filtered_attributes: Attributes,
    /// When it was observed.
    pub time_unix_nano: u64,
    /// What was observed.
    pub value: Option<Number>,
    /// In which span.
    pub span_id: SpanId,
    /// In which trace.
    pub trace_id: TraceId,
}

impl NumberPoint {
    pub(super) fn read(mut r: Reader<'_>) -> Result<Self, Malformed> {
        let mut p = Self::default();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (2, FIXED64) => p.start_time_unix_nano = r.fixed64()?,
                (3, FIXED64) => p.time_unix_nano = r.fixed64()?,
                (4, FIXED64) => p.value = Some(Number::Double(r.double()?)),
                (5, LEN) => p.exemplars.push(Exemplar::read(r.message()?)?),
                (6, FIXED64) => p.value = Some(Number::Int(r.fixed64()? as i64)),
                (7, LEN) => p.attributes.read(r.message()?, 0)?,
                (8, VARINT) => p.flags = r.uint()? as u32,
                _ => r.skip_unknown(key, 0b1_1111_1100)?,
            }
        }
        Ok(p)
    }

    pub(super) fn encode(&self, w: &mut Backward) {
        w_uint(w, 8, self.flags);
        self.attributes.encode(w, 7);
        w_exemplars(w, 5, &self.exemplars);
        w_number(w, 4, self.value);
        w_fixed64(w, 3, self.time_unix_nano);
        w_fixed64(w, 2, self.start_time_unix_nano);
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.attributes.heap_bytes() + exemplar_bytes(&self.exemplars)
    }
}

impl HistogramPoint {
    pub(super) fn read(mut r: Reader<'_>) -> Result<Self, Malformed> {
        let mut p = Self::default();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (2, FIXED64) => p.start_time_unix_nano = r.fixed64()?,
                (3, FIXED64) => p.time_unix_nano = r.fixed64()?,
                (4, FIXED64) => p.count = r.fixed64()?,
                (5, FIXED64) => p.sum = Some(r.double()?),
                (6, wire_type @ (FIXED64 | LEN)) => fixed64s(&mut r, wire_type, |v| p.bucket_counts.push(v))?,
                (7, wire_type @ (FIXED64 | LEN)) => {
                    fixed64s(&mut r, wire_type, |v| p.explicit_bounds.push(f64::from_bits(v)))?;
                }
                (8, LEN) => p.exemplars.push(Exemplar::read(r.message()?)?),
                (9, LEN) => p.attributes.read(r.message()?, 0)?,
                (10, VARINT) => p.flags = r.uint()? as u32,
                (11, FIXED64) => p.min = Some(r.double()?),
                (12, FIXED64) => p.max = Some(r.double()?),
                _ => r.skip_unknown(key, 0b1_1111_1111_1100)?,
            }
        }
        Ok(p)
    }

    pub(super) fn encode(&self, w: &mut Backward) {
        w_optional(w, 12, self.max);
        w_optional(w, 11, self.min);
        w_uint(w, 10, self.flags);
        self.attributes.encode(w, 9);
        w_exemplars(w, 8, &self.exemplars);
        w.packed_fixed64(7, self.explicit_bounds.iter().map(|b| b.to_bits()));
        w.packed_fixed64(6, self.bucket_counts.iter().copied());
        w_optional(w, 5, self.sum);
        w_fixed64(w, 4, self.count);
        w_fixed64(w, 3, self.time_unix_nano);
        w_fixed64(w, 2, self.start_time_unix_nano);
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let buckets = 8 * (self.bucket_counts.capacity() + self.explicit_bounds.capacity());
        size_of::<Self>() + self.attributes.heap_bytes() + exemplar_bytes(&self.exemplars) + buckets
    }
}

impl ExponentialPoint {
    pub(super) fn read(mut r: Reader<'_>) -> Result<Self, Malformed> {
        let mut p = Self::default();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, LEN) => p.attributes.read(r.message()?, 0)?,
                (2, FIXED64) => p.start_time_unix_nano = r.fixed64()?,
                (3, FIXED64) => p.time_unix_nano = r.fixed64()?,
                (4, FIXED64) => p.count = r.fixed64()?,
                (5, FIXED64) => p.sum = Some(r.double()?),
                (6, VARINT) => p.scale = r.sint()? as i32,
                (7, FIXED64) => p.zero_count = r.fixed64()?,
                (8, LEN) => p.positive.get_or_insert_default().merge(r.message()?)?,
                (9, LEN) => p.negative.get_or_insert_default().merge(r.message()?)?,
                (10, VARINT) => p.flags = r.uint()? as u32,
                (11, LEN) => p.exemplars.push(Exemplar::read(r.message()?)?),
                (12, FIXED64) => p.min = Some(r.double()?),
                (13, FIXED64) => p.max = Some(r.double()?),
                (14, FIXED64) => p.zero_threshold = r.double()?,
                _ => r.skip_unknown(key, 0b111_1111_1111_1110)?,
            }
        }
        Ok(p)
    }

    pub(super) fn encode(&self, w: &mut Backward) {
        w_double(w, 14, self.zero_threshold);
        w_optional(w, 13, self.max);
        w_optional(w, 12, self.min);
        w_exemplars(w, 11, &self.exemplars);
        w_uint(w, 10, self.flags);
        for (field, buckets) in [(9, &self.negative), (8, &self.positive)] {
            if let Some(buckets) = buckets {
                let end = w.mark();
                buckets.encode(w);
                w.message(field, end);
            }
        }
        w_fixed64(w, 7, self.zero_count);
        if self.scale != 0 {
            w.sint(6, self.scale.into());
        }
        w_optional(w, 5, self.sum);
        w_fixed64(w, 4, self.count);
        w_fixed64(w, 3, self.time_unix_nano);
        w_fixed64(w, 2, self.start_time_unix_nano);
        self.attributes.encode(w, 1);
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let of = |b: &Option<Buckets>| b.as_ref().map_or(0, |b| 8 * b.bucket_counts.capacity());
        let buckets = of(&self.positive) + of(&self.negative);
        size_of::<Self>() + self.attributes.heap_bytes() + exemplar_bytes(&self.exemplars) + buckets
    }
}

impl Buckets {
    fn merge(&mut self, mut r: Reader<'_>) -> Result<(), Malformed> {
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, VARINT) => self.offset = r.sint()? as i32,
                (2, wire_type @ (VARINT | LEN)) => uints(&mut r, wire_type, &mut self.bucket_counts)?,
                _ => r.skip_unknown(key, 0b110)?,
            }
        }
        Ok(())
    }

    fn encode(&self, w: &mut Backward) {
        w.packed_uint(2, &self.bucket_counts);
        if self.offset != 0 {
            w.sint(1, self.offset.into());
        }
    }
}

impl SummaryPoint {
    pub(super) fn read(mut r: Reader<'_>) -> Result<Self, Malformed> {
        let mut p = Self::default();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (2, FIXED64) => p.start_time_unix_nano = r.fixed64()?,
                (3, FIXED64) => p.time_unix_nano = r.fixed64()?,
                (4, FIXED64) => p.count = r.fixed64()?,
                (5, FIXED64) => p.sum = r.double()?,
                (6, LEN) => p.quantile_values.push(Quantile::read(r.message()?)?),
                (7, LEN) => p.attributes.read(r.message()?, 0)?,
                (8, VARINT) => p.flags = r.uint()? as u32,
                _ => r.skip_unknown(key, 0b1_1111_1100)?,
            }
        }
        Ok(p)
    }

    pub(super) fn encode(&self, w: &mut Backward) {
        w_uint(w, 8, self.flags);
        self.attributes.encode(w, 7);
        for q in self.quantile_values.iter().rev() {
            let end = w.mark();
            w_double(w, 2, q.value);
            w_double(w, 1, q.quantile);
            w.message(6, end);
        }
        w_double(w, 5, self.sum);
        w_fixed64(w, 4, self.count);
        w_fixed64(w, 3, self.time_unix_nano);
        w_fixed64(w, 2, self.start_time_unix_nano);
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.attributes.heap_bytes() + self.quantile_values.capacity() * size_of::<Quantile>()
    }
}

impl Quantile {
    fn read(mut r: Reader<'_>) -> Result<Self, Malformed> {
        let mut q = Self::default();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, FIXED64) => q.quantile = r.double()?,
                (2, FIXED64) => q.value = r.double()?,
                _ => r.skip_unknown(key, 0b110)?,
            }
        }
        Ok(q)
    }
}

impl Exemplar {
    fn read(mut r: Reader<'_>) -> Result<Self, Malformed> {
        let mut e = Self::default();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (2, FIXED64) => e.time_unix_nano = r.fixed64()?,
                (3, FIXED64) => e.value = Some(Number::Double(r.double()?)),
                (4, LEN) => e.span_id = Id::from(r.delimited()?),
                (5, LEN) => e.trace_id = Id::from(r.delimited()?),
                (6, FIXED64) => e.value = Some(Number::Int(r.fixed64()? as i64)),
                (7, LEN) => e.filtered_attributes.read(r.message()?, 0)?,
                _ => r.skip_unknown(key, 0b1111_1100)?,
            }
        }
        Ok(e)
    }

    fn encode(&self, w: &mut Backward) {
        self.filtered_attributes.encode(w, 7);
        w_id(w, 5, &self.trace_id);
        w_id(w, 4, &self.span_id);
        w_number(w, 3, self.value);
        w_fixed64(w, 2, self.time_unix_nano);
    }
}

fn exemplar_bytes(exemplars: &[Exemplar]) -> usize {
    exemplars.iter().map(|e| size_of::<Exemplar>() + e.filtered_attributes.heap_bytes()).sum()
}

fn w_exemplars(w: &mut Backward, field: u32, exemplars: &[Exemplar]) {
    for exemplar in exemplars.iter().rev() {
        let end = w.mark();
        exemplar.encode(w);
        w.message(field, end);
    }
}

/// `as_double` has the number `double`; `as_int` is 6 in all messages, and written in its place.
fn w_number(w: &mut Backward, double: u32, number: Option<Number>) {
    match number {
        Some(Number::Double(v)) => w.double(double, v),
        Some(Number::Int(v)) => w.fixed64(6, v as u64),
        None => {}
    }
}

fn w_optional(w: &mut Backward, field: u32, v: Option<f64>) {
    if let Some(v) = v {
        w.double(field, v);
    }
}
