//! Values as integers times a power of ten: the encoding for what was written as decimal text.
//!
//! Nearly every metric is a count or a measurement with a few decimals. Such
//! a value is `n / 10^e` exactly, for one `e` per chunk; the differences of
//! the `n` share a divisor and a small range, and are packed in as few bits
//! as the range needs (frame of reference). Where most differences are zero
//! a bitmap names the others. Values that are not decimal (NaN, infinities,
//! -0, an odd measurement) stand in a list of exceptions with all 64 bits.

use super::Sample;
use super::bits::{BitReader, BitWriter, ByteReader, put_signed, put_varint, width_of};

/// Decimals that are tried. 10^9 and the mantissas below 2^53 keep `n` and `10^e` exact doubles.
const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Integers up to here are exact doubles.
const MANTISSA_MAX: f64 = 9_007_199_254_740_992.0;

/// One exception per this many values still pays; with more, XOR is the better encoding.
const VALUES_PER_EXCEPTION: usize = 8;

const DENSE: u8 = 0;
const SPARSE: u8 = 1;

/// The integer `n` with `n / 10^e == v` bit for bit.
fn mantissa(v: f64, e: usize) -> Option<i64> {
    let scaled = (v * POWERS[e]).round();
    if scaled.abs() >= MANTISSA_MAX || scaled.is_nan() {
        return None;
    }
    let n = scaled as i64;
    ((n as f64 / POWERS[e]).to_bits() == v.to_bits()).then_some(n)
}

/// The smallest exponent under which all but a few values are decimal.
fn exponent(samples: &[Sample], exceptions_max: usize) -> Option<usize> {
    let mut e = 0;
    let mut misses = 0;
    for s in samples {
        if mantissa(s.v, e).is_some() {
            continue;
        }
        match (e + 1..POWERS.len()).find(|e| mantissa(s.v, *e).is_some()) {
            Some(larger) => e = larger,
            None => misses += 1,
        }
        if misses > exceptions_max {
            return None;
        }
    }
    Some(e)
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// `None` when too many values are not decimal.
pub(super) fn encode(samples: &[Sample]) -> Option<Vec<u8>> {
    let exceptions_max = samples.len() / VALUES_PER_EXCEPTION;
    let e = exponent(samples, exceptions_max)?;
    let mut exceptions: Vec<(usize, u64)> = Vec::new();
    let mut mantissas: Vec<i64> = Vec::with_capacity(samples.len());
    for (i, s) in samples.iter().enumerate() {
        match mantissa(s.v, e) {
            Some(n) => mantissas.push(n),
            None => {
                exceptions.push((i, s.v.to_bits()));
                // An exception repeats the value before it: its difference is 0.
                mantissas.push(mantissas.last().copied().unwrap_or(0));
            }
        }
    }
    if exceptions.len() > exceptions_max {
        return None;
    }
    let deltas: Vec<i64> = mantissas.windows(2).map(|w| w[1] - w[0]).collect();
    let divisor = deltas.iter().fold(0, |g, d| gcd(d.unsigned_abs(), g)).max(1);
    let mut out = vec![e as u8];
    put_signed(&mut out, mantissas.first().copied().unwrap_or(0));
    put_varint(&mut out, divisor);
    pack(&deltas.iter().map(|d| d / divisor as i64).collect::<Vec<_>>(), &mut out);
    put_varint(&mut out, exceptions.len() as u64);
    for (i, bits) in exceptions {
        put_varint(&mut out, i as u64);
        out.extend_from_slice(&bits.to_le_bytes());
    }
    Some(out)
}

/// Packs the differences over their minimum, or those that are not zero when that is shorter.
fn pack(deltas: &[i64], out: &mut Vec<u8>) {
    let range = |d: &mut dyn Iterator<Item = i64>| {
        let (min, max) = d.fold((i64::MAX, i64::MIN), |(lo, hi), d| (lo.min(d), hi.max(d)));
        if min > max { (0, 0) } else { (min, width_of(max.abs_diff(min))) }
    };
    let (dense_min, dense_width) = range(&mut deltas.iter().copied());
    let (sparse_min, sparse_width) = range(&mut deltas.iter().copied().filter(|d| *d != 0));
    let live = deltas.iter().filter(|d| **d != 0).count();
    let sparse = deltas.len() + live * (sparse_width as usize) < deltas.len() * dense_width as usize;
    let (mode, min, width) = if sparse { (SPARSE, sparse_min, sparse_width) } else { (DENSE, dense_min, dense_width) };
    out.push(mode);
    put_signed(out, min);
    out.push(width as u8);
    let mut w = BitWriter::default();
    if sparse {
        deltas.iter().for_each(|d| w.put(u64::from(*d != 0), 1));
    }
    for d in deltas.iter().filter(|d| !sparse || **d != 0) {
        w.put(d.abs_diff(min), width);
    }
    let bits = w.finish();
    put_varint(out, bits.len() as u64);
    out.extend_from_slice(&bits);
}

pub(super) fn decode(r: &mut ByteReader<'_>, samples: &mut [Sample]) -> Option<()> {
    let power = *POWERS.get(usize::from(r.u8()?))?;
    let mut n = r.signed()?;
    let divisor = r.varint()? as i64;
    let mode = r.u8()?;
    let min = r.signed()?;
    let width = u32::from(r.u8()?);
    if width > 64 || mode > SPARSE {
        return None;
    }
    let mut values = BitReader::new(r.prefixed()?);
    let (first, rest) = samples.split_first_mut()?;
    first.v = n as f64 / power;
    // Damaged input may overflow; sums wrap so that it is wrong, not a panic (checksums tell first).
    if mode == SPARSE {
        let mut live = Vec::with_capacity(rest.len());
        for _ in 0..rest.len() {
            live.push(values.take(1)? == 1);
        }
        for (s, live) in rest.iter_mut().zip(live) {
            if live {
                n = n.wrapping_add(min.wrapping_add(values.take(width)? as i64).wrapping_mul(divisor));
            }
            s.v = n as f64 / power;
        }
    } else {
        for s in rest {
            n = n.wrapping_add(min.wrapping_add(values.take(width)? as i64).wrapping_mul(divisor));
            s.v = n as f64 / power;
        }
    }
    for _ in 0..r.len()? {
        let at = r.len()?;
        let bits = r.u64()?;
        samples.get_mut(at)?.v = f64::from_bits(bits);
    }
    Some(())
}
