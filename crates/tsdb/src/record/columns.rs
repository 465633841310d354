//! Columns of a log record: runs of equal numbers, and floats without the bytes that are zero.
//!
//! Format: `docs/formats/tsdb.md`, "Log records".

use crate::chunk::bits::{ByteReader, put_signed, put_varint};

/// Appends numbers as runs: varint length, signed difference to the number of the run before (0 before the first).
pub(super) fn put_runs(numbers: impl Iterator<Item = i64>, out: &mut Vec<u8>) {
    let (mut last, mut run) = (0, (0i64, 0u64));
    let mut put = |(number, len): (i64, u64)| {
        if len > 0 {
            put_varint(out, len);
            put_signed(out, number.wrapping_sub(last));
            last = number;
        }
    };
    for number in numbers {
        if number == run.0 {
            run.1 += 1;
        } else {
            put(run);
            run = (number, 1);
        }
    }
    put(run);
}

/// Reads what [`put_runs`] wrote of `count` numbers and calls `each` with the place and the number of each.
pub(super) fn take_runs(r: &mut ByteReader<'_>, count: usize, mut each: impl FnMut(usize, i64)) -> Option<()> {
    let (mut at, mut number) = (0usize, 0i64);
    while at < count {
        let len = r.len().filter(|len| (1..=count - at).contains(len))?;
        number = number.wrapping_add(r.signed()?);
        (at..at + len).for_each(|at| each(at, number));
        at += len;
    }
    Some(())
}

/// Appends floats two at a time: a byte with how many bytes of each are kept (of the first in the low 4 bits), then those
/// bytes, the most significant first. Whole numbers end in zero bytes, which are left out.
pub(super) fn put_floats(mut floats: impl Iterator<Item = f64>, out: &mut Vec<u8>) {
    let kept = |v: u64| 8 - (v.trailing_zeros() / 8).min(8) as usize;
    while let Some(first) = floats.next() {
        let (first, second) = (first.to_bits(), floats.next().unwrap_or_default().to_bits());
        let (a, b) = (kept(first), kept(second));
        let mut pair = [0u8; 17];
        pair[0] = (a | b << 4) as u8;
        pair[1..9].copy_from_slice(&first.to_be_bytes());
        pair[1 + a..9 + a].copy_from_slice(&second.to_be_bytes());
        out.extend_from_slice(&pair[..1 + a + b]);
    }
}

/// Reads what [`put_floats`] wrote of `count` floats and calls `each` with each.
pub(super) fn take_floats(r: &mut ByteReader<'_>, count: usize, mut each: impl FnMut(f64)) -> Option<()> {
    for pair in 0..count.div_ceil(2) {
        let kept = usize::from(r.u8()?);
        each(take_float(r, kept & 15)?);
        let second = take_float(r, kept >> 4)?;
        if pair * 2 + 1 < count {
            each(second);
        }
    }
    Some(())
}

fn take_float(r: &mut ByteReader<'_>, kept: usize) -> Option<f64> {
    let mut bytes = [0u8; 8];
    bytes.get_mut(..kept)?.copy_from_slice(r.bytes(kept)?);
    Some(f64::from_bits(u64::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn columns_come_back(
            numbers in prop::collection::vec(prop_oneof![3 => Just(15_000i64), 1 => any::<i64>()], 0..50),
            floats in prop::collection::vec(prop_oneof![any::<u64>().prop_map(f64::from_bits), any::<i16>().prop_map(f64::from)], 0..50),
        ) {
            let mut out = Vec::new();
            put_runs(numbers.iter().copied(), &mut out);
            put_floats(floats.iter().copied(), &mut out);
            let mut r = ByteReader(&out);
            let (mut n, mut f) = (Vec::new(), Vec::new());
            take_runs(&mut r, numbers.len(), |at, number| { assert_eq!(at, n.len()); n.push(number); }).expect("runs");
            take_floats(&mut r, floats.len(), |v| f.push(v.to_bits())).expect("floats");
            prop_assert!(r.0.is_empty());
            prop_assert_eq!(n, numbers);
            prop_assert_eq!(f, floats.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        }
    }
}
