//! A column of floats in whichever encoding is shortest: all equal, decimal (see [`decimal`]), XOR (see [`xor`]), or by [`pco`].

use super::bits::{ByteReader, put_prefixed};
use super::decimal::{self, Decimal};
use super::samples::{Sample, ValueSlot};
use super::{Effort, pco, xor};

const EQUAL: u8 = 0;
/// Version 1 wrote decimal values so.
const DECIMAL_BITS: u8 = 1;
const XOR: u8 = 2;
const DECIMAL_PACKED: u8 = 3;
const DECIMAL_PCO: u8 = 4;
const FLOAT_PCO: u8 = 5;

/// pco must save this part of what is packed: reading it takes several times as long.
const PCO_SAVES_ONE_IN: usize = 8;

/// Appends the values of `samples`; their times are not looked at.
pub(super) fn encode(samples: &[Sample], effort: Effort, out: &mut Vec<u8>) {
    let Some(first) = samples.first() else { return };
    if samples.iter().all(|s| s.v.to_bits() == first.v.to_bits()) {
        out.push(EQUAL);
        out.extend_from_slice(&first.v.to_bits().to_le_bytes());
        return;
    }
    let (tag, bytes) = shortest(samples, effort);
    out.push(tag);
    out.extend_from_slice(&bytes);
}

fn shortest(samples: &[Sample], effort: Effort) -> (u8, Vec<u8>) {
    let Some(decimal) = Decimal::of(samples) else {
        let xor = (XOR, xor::encode(samples));
        if effort == Effort::Quick {
            return xor;
        }
        let bits: Vec<f64> = samples.iter().map(|s| s.v).collect();
        let by_pco = pco::encode(&bits).map(|bytes| {
            let mut out = Vec::with_capacity(bytes.len() + 3);
            put_prefixed(&mut out, &bytes);
            (FLOAT_PCO, out)
        });
        return smaller(xor, by_pco, 0);
    };
    let packed = (DECIMAL_PACKED, decimal.encode_packed());
    // XOR spends 2 bits on a value even when it is lucky, pco a header of some bytes.
    if packed.1.len() * 4 <= samples.len() {
        return packed;
    }
    let best = if xor::encoded_len(samples) < packed.1.len() { (XOR, xor::encode(samples)) } else { packed };
    if effort == Effort::Quick {
        return best;
    }
    let saved = best.1.len() / PCO_SAVES_ONE_IN;
    smaller(best, decimal.encode_pco().map(|bytes| (DECIMAL_PCO, bytes)), saved)
}

/// `other` when it is more than `saved` bytes shorter than `one`.
fn smaller(one: (u8, Vec<u8>), other: Option<(u8, Vec<u8>)>, saved: usize) -> (u8, Vec<u8>) {
    match other {
        Some(other) if other.1.len() + saved < one.1.len() => other,
        _ => one,
    }
}

/// Sets the values of `slots`; the column is all that is left of `r`.
#[must_use]
pub(super) fn decode<S: ValueSlot>(r: &mut ByteReader<'_>, slots: &mut [S]) -> Option<()> {
    match r.u8()? {
        EQUAL => {
            let v = f64::from_bits(r.u64()?);
            slots.iter_mut().for_each(|s| s.set(v));
            Some(())
        }
        DECIMAL_PACKED => decimal::decode_packed(r, slots),
        XOR => xor::decode(r.0, slots),
        DECIMAL_PCO => decimal::decode_pco(r, slots),
        DECIMAL_BITS => decimal::decode_bits(r, slots),
        FLOAT_PCO => {
            let mut values = vec![0.0; slots.len()];
            pco::decode(r.prefixed()?, &mut values)?;
            slots.iter_mut().zip(values).for_each(|(s, v)| s.set(v));
            Some(())
        }
        _ => None,
    }
}
