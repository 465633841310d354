//! Repeated numbers: bucket counts, bounds, quantiles.
//!
//! Protobuf lets a sender pack repeated numbers into one field or repeat the
//! field; readers take both, and mixtures.

use super::super::fault::{Fault, Refusal};
use super::super::limits::Limits;
use crate::protobuf::Reader;
use crate::sink::ExponentialBuckets;

/// Appends the numbers of a packed `fixed64` or `double` field to `out`.
pub(super) fn packed_fixed64<T>(
    mut packed: Reader<'_>,
    out: &mut Vec<T>,
    limits: &Limits,
    convert: fn(u64) -> T,
) -> Result<(), Fault> {
    while !packed.is_empty() {
        push(out, convert(packed.fixed64()?), limits)?;
    }
    Ok(())
}

/// Appends one number to `out`.
pub(super) fn push<T>(out: &mut Vec<T>, v: T, limits: &Limits) -> Result<(), Fault> {
    if out.len() >= limits.max_buckets {
        return Err(Refusal::TooMany { what: "buckets or quantiles", limit: limits.max_buckets }.into());
    }
    out.push(v);
    Ok(())
}

/// Buckets of an exponential histogram while they are read.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    offset: i32,
    counts: Vec<u64>,
}

impl Buckets {
    pub(super) fn clear(&mut self) {
        self.offset = 0;
        self.counts.clear();
    }

    pub(super) fn as_sink(&self) -> ExponentialBuckets<'_> {
        ExponentialBuckets { offset: self.offset, counts: &self.counts }
    }

    /// Reads a `Buckets` message.
    pub(super) fn read(&mut self, mut r: Reader<'_>, limits: &Limits) -> Result<(), Fault> {
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, 0) => self.offset = r.sint()? as i32,
                (2, 0) => push(&mut self.counts, r.uint()?, limits)?,
                (2, 2) => {
                    let mut packed = r.message()?;
                    while !packed.is_empty() {
                        push(&mut self.counts, packed.uint()?, limits)?;
                    }
                }
                _ => r.skip_unknown(key, 0b110)?,
            }
        }
        // The last bucket's index must be an index.
        if i64::from(self.offset) + self.counts.len() as i64 > i64::from(i32::MAX) {
            return Err(Refusal::BucketIndex.into());
        }
        Ok(())
    }
}

/// Checks that bounds and counts of a histogram point belong together.
pub(super) fn check_histogram(bounds: &[f64], counts: &[u64]) -> Result<(), Fault> {
    let both_empty = bounds.is_empty() && counts.is_empty();
    if !both_empty && counts.len() != bounds.len() + 1 {
        return Err(Refusal::BucketCount { counts: counts.len(), bounds: bounds.len() }.into());
    }
    let rising = bounds.windows(2).all(|w| w[0] < w[1]);
    if !rising || bounds.iter().any(|b| b.is_nan()) {
        return Err(Refusal::Bounds.in_field("explicit_bounds"));
    }
    Ok(())
}

/// Reads a `ValueAtQuantile` message.
pub(super) fn quantile(mut r: Reader<'_>) -> Result<(f64, f64), Fault> {
    let (mut quantile, mut value) = (0.0, 0.0);
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 1) => quantile = r.double()?,
            (2, 1) => value = r.double()?,
            _ => r.skip_unknown(key, 0b110)?,
        }
    }
    if !(0.0..=1.0).contains(&quantile) {
        return Err(Refusal::Quantile(quantile).into());
    }
    Ok((quantile, value))
}
