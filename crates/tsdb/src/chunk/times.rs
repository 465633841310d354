//! Times of a chunk: a constant interval, or distances from a straight line, or differences of differences.
//!
//! A scrape at a fixed interval lies on a line; one that jitters by some
//! milliseconds lies near it, and the distances are packed as [`ints`] are. Only
//! what has gaps is written as [`timestamps`], in a stream of bits.

use super::bits::{ByteReader, put_signed};
use super::samples::Sample;
use super::{ints, timestamps};

const LINE: u8 = 0;
const NEAR_LINE: u8 = 1;
const BITS: u8 = 2;

/// Appends the times of `samples`.
pub(super) fn encode(samples: &[Sample], out: &mut Vec<u8>) {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return };
    let intervals = samples.len() as i64 - 1;
    // Wrapping: a chunk may reach over all times that there are.
    let interval = if intervals == 0 { 0 } else { nearest(last.t.wrapping_sub(first.t), intervals) };
    let on_line = (0..).map(|at: i64| first.t.wrapping_add(interval.wrapping_mul(at)));
    let distances = samples.iter().zip(on_line).map(|(s, line)| s.t.wrapping_sub(line));
    let line = |tag: u8| {
        let mut out = vec![tag];
        put_signed(&mut out, first.t);
        put_signed(&mut out, interval);
        out
    };
    if distances.clone().all(|d| d == 0) {
        return out.extend_from_slice(&line(LINE));
    }
    let distances: Vec<i64> = distances.collect();
    let mut near = line(NEAR_LINE);
    ints::encode_level(&distances, &mut near);
    let mut bits = vec![BITS];
    timestamps::encode(samples, &mut bits);
    out.extend_from_slice(if near.len() <= bits.len() { &near } else { &bits });
}

/// The whole number nearest to `span / intervals`: one too small by a millisecond would lead away from the times with each step.
fn nearest(span: i64, intervals: i64) -> i64 {
    let (span, intervals) = (i128::from(span), i128::from(intervals));
    (span * 2 + intervals).div_euclid(intervals * 2) as i64
}

/// Appends `count` samples with their times; the values are zero for now.
#[must_use]
pub(super) fn decode(r: &mut ByteReader<'_>, count: usize, out: &mut Vec<Sample>) -> Option<()> {
    let tag = r.u8()?;
    if tag == BITS {
        return timestamps::decode(r, count, out);
    }
    let mut t = r.signed()?;
    let interval = r.signed()?;
    let start = out.len();
    out.extend((0..count).map(|_| {
        let sample = Sample { t, v: 0.0 };
        t = t.wrapping_add(interval);
        sample
    }));
    match tag {
        LINE => Some(()),
        NEAR_LINE => ints::decode_level(r, out.get_mut(start..)?, |s, d| s.t = s.t.wrapping_add(d)),
        _ => None,
    }
}
