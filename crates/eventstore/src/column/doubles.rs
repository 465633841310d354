//! Columns of doubles: their bits, kept exactly (NaN and negative zero included).

use super::Damaged;
use super::binary::{put_compressed, read_compressed};
use super::bytes::Reader;

const CONST: u8 = 0;
const BITS: u8 = 1;

/// Appends `values`. The number of values is not stored.
pub(crate) fn encode(values: &[f64], out: &mut Vec<u8>) {
    let Some(first) = values.first() else { return };
    if values.iter().all(|v| v.to_bits() == first.to_bits()) {
        out.push(CONST);
        out.extend_from_slice(&first.to_le_bytes());
        return;
    }
    out.push(BITS);
    let mut raw = Vec::with_capacity(values.len() * 8);
    values.iter().for_each(|v| raw.extend_from_slice(&v.to_le_bytes()));
    put_compressed(&raw, out);
}

/// Reads `n` values.
pub(crate) fn decode(r: &mut Reader<'_>, n: usize) -> Result<Vec<f64>, Damaged> {
    if n == 0 {
        return Ok(Vec::new());
    }
    match r.u8()? {
        CONST => Ok(vec![f64::from_bits(r.u64()?); n]),
        BITS => {
            let raw = read_compressed(r)?;
            if raw.len() != n * 8 {
                return Err(Damaged("double column"));
            }
            Ok(raw.chunks_exact(8).map(|c| f64::from_le_bytes(c.try_into().unwrap_or_default())).collect())
        }
        _ => Err(Damaged("double encoding")),
    }
}

/// The values at `at` of `n`.
pub(crate) fn decode_at(r: &mut Reader<'_>, n: usize, at: &[usize]) -> Result<Vec<f64>, Damaged> {
    let place = Damaged("place of a value");
    if r.0.first() == Some(&CONST) {
        r.u8()?;
        return Ok(vec![f64::from_bits(r.u64()?); at.len()]);
    }
    let values = decode(r, n)?;
    at.iter().map(|i| values.get(*i).copied().ok_or(place)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_kept() {
        for values in
            [vec![f64::NAN; 3], vec![-0.0, 0.0, f64::INFINITY], (0..200).map(|i| f64::from(i) / 3.0).collect()]
        {
            let mut out = Vec::new();
            encode(&values, &mut out);
            let back = decode(&mut Reader(&out), values.len()).unwrap();
            assert!(values.iter().zip(&back).all(|(a, b)| a.to_bits() == b.to_bits()));
            let last = decode_at(&mut Reader(&out), values.len(), &[values.len() - 1]).unwrap();
            assert_eq!(last[0].to_bits(), values[values.len() - 1].to_bits());
        }
    }
}
