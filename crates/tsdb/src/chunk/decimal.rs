//! Values as integers times a power of ten: the encoding for what was written as decimal text.
//!
//! Nearly every metric is a count or a measurement with a few decimals. Such
//! a value is `n / 10^e` exactly, for one `e` per chunk; the differences of
//! the `n` share a divisor and a small range, and are packed as [`ints`] are,
//! or by [`pco`] where there is time and that is smaller. Values that are not
//! decimal (NaN, infinities, -0, an odd measurement) stand in a list of
//! exceptions with all 64 bits. [`decode_bits`] reads what version 1 wrote.

use super::bits::{BitReader, ByteReader, put_prefixed, put_varint};
use super::samples::{Sample, ValueSlot};
use super::{ints, pco};

/// Decimals that are tried. 10^9 and the mantissas below 2^53 keep `n` and `10^e` exact doubles.
const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Integers up to here are exact doubles.
const MANTISSA_MAX: f64 = 9_007_199_254_740_992.0;

/// One exception per this many values still pays; with more, XOR is the better encoding.
const VALUES_PER_EXCEPTION: usize = 8;

/// The integer `n` with `n / 10^e == v` bit for bit.
fn mantissa(v: f64, e: usize) -> Option<i64> {
    let scaled = (v * POWERS[e]).round();
    if scaled.abs() >= MANTISSA_MAX || scaled.is_nan() {
        return None;
    }
    let n = scaled as i64;
    ((n as f64 / POWERS[e]).to_bits() == v.to_bits()).then_some(n)
}

/// The whole number that a value is over a power of ten.
pub(super) fn number(v: f64, e: u8) -> Option<i64> {
    if usize::from(e) < POWERS.len() { mantissa(v, usize::from(e)) } else { None }
}

/// The value of a number over a power of ten.
pub(super) fn value(n: i64, e: u8) -> Option<f64> {
    Some(n as f64 / POWERS.get(usize::from(e))?)
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

/// The numbers of samples that are all whole, as most are: [`mantissa`] without decimals.
fn whole(samples: &[Sample]) -> Option<Vec<i64>> {
    let whole = |s: &Sample| {
        let n = s.v as i64;
        ((n as f64).to_bits() == s.v.to_bits() && s.v.abs() < MANTISSA_MAX).then_some(n)
    };
    samples.iter().map(whole).collect()
}

/// Values as whole numbers over one power of ten.
pub(super) struct Decimal {
    exponent: u8,
    numbers: Vec<i64>,
    /// Index and bits of what is not decimal.
    exceptions: Vec<(usize, u64)>,
}

impl Decimal {
    /// `None` when too many values are not decimal.
    pub(super) fn of(samples: &[Sample]) -> Option<Self> {
        if let Some(numbers) = whole(samples) {
            return Some(Self { exponent: 0, numbers, exceptions: Vec::new() });
        }
        let exceptions_max = samples.len() / VALUES_PER_EXCEPTION;
        let e = exponent(samples, exceptions_max)?;
        let mut exceptions: Vec<(usize, u64)> = Vec::new();
        let mut numbers: Vec<i64> = Vec::with_capacity(samples.len());
        for (i, s) in samples.iter().enumerate() {
            match mantissa(s.v, e) {
                Some(n) => numbers.push(n),
                None => {
                    exceptions.push((i, s.v.to_bits()));
                    // An exception repeats the value before it: its difference is 0.
                    numbers.push(numbers.last().copied().unwrap_or(0));
                }
            }
        }
        (exceptions.len() <= exceptions_max).then_some(Self { exponent: e as u8, numbers, exceptions })
    }

    pub(super) fn encode_packed(&self) -> Vec<u8> {
        let mut out = vec![self.exponent];
        ints::encode(&self.numbers, &mut out);
        self.put_exceptions(&mut out);
        out
    }

    /// `None` when `pco` refuses.
    pub(super) fn encode_pco(&self) -> Option<Vec<u8>> {
        let mut out = vec![self.exponent];
        put_prefixed(&mut out, &pco::encode(&self.numbers)?);
        self.put_exceptions(&mut out);
        Some(out)
    }

    fn put_exceptions(&self, out: &mut Vec<u8>) {
        put_varint(out, self.exceptions.len() as u64);
        for (i, bits) in &self.exceptions {
            put_varint(out, *i as u64);
            out.extend_from_slice(&bits.to_le_bytes());
        }
    }
}

fn power(r: &mut ByteReader<'_>) -> Option<f64> {
    POWERS.get(usize::from(r.u8()?)).copied()
}

fn take_exceptions<S: ValueSlot>(r: &mut ByteReader<'_>, slots: &mut [S]) -> Option<()> {
    for _ in 0..r.len()? {
        let at = r.len()?;
        let bits = r.u64()?;
        slots.get_mut(at)?.set(f64::from_bits(bits));
    }
    Some(())
}

pub(super) fn decode_packed<S: ValueSlot>(r: &mut ByteReader<'_>, slots: &mut [S]) -> Option<()> {
    let power = power(r)?;
    if power == 1.0 {
        // Most series are whole numbers, and a division costs as much as all the rest.
        ints::decode_with(r, slots, |s, n| s.set(n as f64))?;
    } else {
        ints::decode_with(r, slots, |s, n| s.set(n as f64 / power))?;
    }
    take_exceptions(r, slots)
}

pub(super) fn decode_pco<S: ValueSlot>(r: &mut ByteReader<'_>, slots: &mut [S]) -> Option<()> {
    let power = power(r)?;
    let mut numbers = vec![0i64; slots.len()];
    pco::decode(r.prefixed()?, &mut numbers)?;
    slots.iter_mut().zip(numbers).for_each(|(s, n)| s.set(n as f64 / power));
    take_exceptions(r, slots)
}

const DENSE_BITS: u8 = 0;
const SPARSE_BITS: u8 = 1;

/// The encoding of version 1: as packed, in a stream of bits that fills bytes from the most significant one.
pub(super) fn decode_bits<S: ValueSlot>(r: &mut ByteReader<'_>, slots: &mut [S]) -> Option<()> {
    let power = power(r)?;
    let mut n = r.signed()?;
    let divisor = r.varint()? as i64;
    let mode = r.u8()?;
    let min = r.signed()?;
    let width = u32::from(r.u8()?);
    if width > 64 || mode > SPARSE_BITS {
        return None;
    }
    let mut values = BitReader::new(r.prefixed()?);
    let (first, rest) = slots.split_first_mut()?;
    first.set(n as f64 / power);
    // Damaged input may overflow; sums wrap so that it is wrong, not a panic (checksums tell first).
    let live: Vec<bool> = match mode {
        DENSE_BITS => vec![true; rest.len()],
        _ => rest.iter().map(|_| values.take(1).map(|bit| bit == 1)).collect::<Option<_>>()?,
    };
    for (s, live) in rest.iter_mut().zip(live) {
        if live {
            n = n.wrapping_add(min.wrapping_add(values.take(width)? as i64).wrapping_mul(divisor));
        }
        s.set(n as f64 / power);
    }
    take_exceptions(r, slots)
}
