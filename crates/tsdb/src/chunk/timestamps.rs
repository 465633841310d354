//! Times of a chunk as differences of differences, in variable bit widths.
//!
//! A scrape or export at a fixed interval has differences of differences of 0
//! (one bit) or a few milliseconds of jitter (9 bits); a gap costs its own
//! bits only. The scheme is Gorilla's (Pelkonen et al., VLDB 2015) with widths
//! for milliseconds. A constant interval costs no bits at all.

use super::bits::{BitReader, BitWriter, ByteReader, put_signed, put_varint, unzigzag, zigzag};
use super::samples::{Sample, TimeSlot};

/// Widths of the classes `10`, `110`, `1110`, `1111`.
const WIDTHS: [u32; 4] = [7, 12, 20, 64];

/// Writes first time, first difference, and the bits (length-prefixed, empty when the interval is constant).
///
/// Differences wrap: the extremes of `i64` come back too.
pub(super) fn encode(samples: &[Sample], out: &mut Vec<u8>) {
    let mut times = samples.iter().map(|s| s.t);
    let Some(mut last) = times.next() else { return };
    put_signed(out, last);
    let Some(second) = times.next() else { return };
    let mut delta = second.wrapping_sub(last);
    put_signed(out, delta);
    last = second;
    let mut w = BitWriter::default();
    let mut constant = true;
    for t in times {
        let d = t.wrapping_sub(last);
        let dod = zigzag(d.wrapping_sub(delta));
        constant &= dod == 0;
        put_class(&mut w, dod);
        (last, delta) = (t, d);
    }
    let bits = if constant { Vec::new() } else { w.finish() };
    put_varint(out, bits.len() as u64);
    out.extend_from_slice(&bits);
}

fn put_class(w: &mut BitWriter, dod: u64) {
    if dod == 0 {
        return w.put(0, 1);
    }
    let class = WIDTHS.iter().position(|n| *n == 64 || dod >> n == 0).unwrap_or(WIDTHS.len() - 1);
    match class {
        0 => w.put(0b10, 2),
        1 => w.put(0b110, 3),
        2 => w.put(0b1110, 4),
        _ => w.put(0b1111, 4),
    }
    w.put(dod, WIDTHS[class]);
}

fn take_class(r: &mut BitReader<'_>) -> Option<u64> {
    if r.take(1)? == 0 {
        return Some(0);
    }
    for width in &WIDTHS[..3] {
        if r.take(1)? == 0 {
            return r.take(*width);
        }
    }
    r.take(WIDTHS[3])
}

/// Appends `count` times, or samples that have no value yet.
pub(super) fn decode<T: TimeSlot>(r: &mut ByteReader<'_>, count: usize, out: &mut Vec<T>) -> Option<()> {
    let mut t = r.signed()?;
    out.reserve(count);
    out.push(T::at(t));
    if count == 1 {
        return Some(());
    }
    let mut delta = r.signed()?;
    t = t.wrapping_add(delta);
    out.push(T::at(t));
    let bits = r.prefixed()?;
    if bits.is_empty() {
        for _ in 2..count {
            t = t.wrapping_add(delta);
            out.push(T::at(t));
        }
        return Some(());
    }
    let mut bits = BitReader::new(bits);
    for _ in 2..count {
        delta = delta.wrapping_add(unzigzag(take_class(&mut bits)?));
        t = t.wrapping_add(delta);
        out.push(T::at(t));
    }
    Some(())
}
