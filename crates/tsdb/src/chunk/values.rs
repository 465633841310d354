//! A column of floats: all equal, decimal (see [`decimal`]) or XOR (see [`xor`]), whichever is shortest.

use super::bits::ByteReader;
use super::{Sample, decimal, xor};

const EQUAL: u8 = 0;
const DECIMAL: u8 = 1;
const XOR: u8 = 2;

/// Appends the values of `samples`; their times are not looked at.
pub(super) fn encode(samples: &[Sample], out: &mut Vec<u8>) {
    let Some(first) = samples.first() else { return };
    if samples.iter().all(|s| s.v.to_bits() == first.v.to_bits()) {
        out.push(EQUAL);
        out.extend_from_slice(&first.v.to_bits().to_le_bytes());
        return;
    }
    let decimal = decimal::encode(samples);
    // XOR spends 2 bits on a value even when it is lucky, so that a decimal
    // form below that need not be compared.
    if let Some(d) = decimal.as_ref().filter(|d| d.len() * 4 <= samples.len()) {
        out.push(DECIMAL);
        out.extend_from_slice(d);
        return;
    }
    let xor = xor::encode(samples);
    match decimal {
        Some(d) if d.len() <= xor.len() => {
            out.push(DECIMAL);
            out.extend_from_slice(&d);
        }
        _ => {
            out.push(XOR);
            out.extend_from_slice(&xor);
        }
    }
}

/// Sets the values of `samples`; the column is all that is left of `r`.
#[must_use]
pub(super) fn decode(r: &mut ByteReader<'_>, samples: &mut [Sample]) -> Option<()> {
    match r.u8()? {
        EQUAL => {
            let v = f64::from_bits(r.u64()?);
            samples.iter_mut().for_each(|s| s.v = v);
            Some(())
        }
        DECIMAL => decimal::decode(r, samples),
        XOR => xor::decode(r.0, samples),
        _ => None,
    }
}
