//! Times of a chunk: a constant interval, or distances from a straight line, or differences of differences.
//!
//! A scrape at a fixed interval lies on a line; one that jitters by some
//! milliseconds lies near it, and the distances are packed as [`ints`] are. Only
//! what has gaps is written as [`timestamps`], in a stream of bits. In a block a chunk may only say where the times lie that
//! it has in common with others.

use super::bits::{ByteReader, put_signed, put_varint};
use super::samples::{Sample, TimeSlot};
use super::{ints, timestamps};

const LINE: u8 = 0;
const NEAR_LINE: u8 = 1;
const BITS: u8 = 2;
const SHARED: u8 = 3;

/// Where a block keeps times that several chunks have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimesAt {
    /// In the file.
    pub(crate) offset: u64,
    /// Without the checksum that follows.
    pub(crate) len: u32,
}

/// Appends the times of `samples`, or where `share` says that the block keeps what is given to it.
pub(super) fn encode_sharing(samples: &[Sample], share: &mut dyn FnMut(&[u8]) -> Option<TimesAt>, out: &mut Vec<u8>) {
    let before = out.len();
    encode(samples, out);
    if let Some(at) = share(out.get(before..).unwrap_or_default()) {
        out.truncate(before);
        out.push(SHARED);
        put_varint(out, at.offset);
        put_varint(out, u64::from(at.len));
    }
}

/// Where times lie that begin here, when the block keeps them.
pub(super) fn place(r: &mut ByteReader<'_>) -> Option<TimesAt> {
    (r.u8()? == SHARED).then_some(())?;
    Some(TimesAt { offset: r.varint()?, len: u32::try_from(r.varint()?).ok()? })
}

/// The times of `count` samples that a block keeps; `None` when the bytes are not that.
pub(super) fn decode_kept(bytes: &[u8], count: usize) -> Option<Vec<i64>> {
    let (mut r, mut times) = (ByteReader(bytes), Vec::new());
    decode(&mut r, count, &[], &mut times)?;
    r.0.is_empty().then_some(times)
}

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

/// Appends `count` times, or samples that have no value yet; the times are `shared` when the block keeps them.
#[must_use]
pub(super) fn decode<T: TimeSlot>(
    r: &mut ByteReader<'_>,
    count: usize,
    shared: &[i64],
    out: &mut Vec<T>,
) -> Option<()> {
    let tag = r.u8()?;
    if tag == BITS {
        return timestamps::decode(r, count, out);
    }
    if tag == SHARED {
        // Where they lie, which the caller has looked at.
        let _ = (r.varint()?, r.varint()?);
        (shared.len() == count).then(|| out.extend(shared.iter().map(|t| T::at(*t))))?;
        return Some(());
    }
    let mut t = r.signed()?;
    let interval = r.signed()?;
    let start = out.len();
    out.extend((0..count).map(|_| {
        let on_line = T::at(t);
        t = t.wrapping_add(interval);
        on_line
    }));
    match tag {
        LINE => Some(()),
        NEAR_LINE => ints::decode_level(r, out.get_mut(start..)?, |slot, distance| slot.add(distance)),
        _ => None,
    }
}
