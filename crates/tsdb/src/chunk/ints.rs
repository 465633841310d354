//! A column of whole numbers: differences over their minimum, each in as few bits as the range needs.
//!
//! Frame of reference over a common divisor; where most differences are zero a
//! bitmap names the others. Numbers are packed from the least significant bit
//! on and read a word of 64 bits at a time.
//! Format: `docs/formats/tsdb.md`, "Whole numbers".

use super::bits::{ByteReader, put_signed, put_varint, width_of};

/// Set in the width byte when only the differences that are not zero are packed.
const SPARSE: u8 = 0x80;

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The smallest of some numbers and the bits that the range above it needs; `(0, 0)` of none.
fn frame(numbers: impl Iterator<Item = i64>) -> (i64, u32) {
    let (min, max) = numbers.fold((i64::MAX, i64::MIN), |(lo, hi), n| (lo.min(n), hi.max(n)));
    if min > max { (0, 0) } else { (min, width_of(max.abs_diff(min))) }
}

fn packed_len(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

/// Appends the column. Differences wrap, so that the extremes of `i64` come back too.
pub(super) fn encode(numbers: &[i64], out: &mut Vec<u8>) {
    let Some(first) = numbers.first() else { return };
    put_signed(out, *first);
    if numbers.len() == 1 {
        return;
    }
    let mut deltas: Vec<i64> = numbers.windows(2).map(|w| w[1].wrapping_sub(w[0])).collect();
    let (step, width) = frame(deltas.iter().copied());
    if width == 0 {
        out.push(0);
        return put_signed(out, step);
    }
    let divisor = deltas.iter().fold(0, |g, d| gcd(d.unsigned_abs(), g)).max(1);
    deltas.iter_mut().for_each(|d| *d = d.wrapping_div(divisor as i64));
    let (dense_min, dense_width) = frame(deltas.iter().copied());
    let (sparse_min, sparse_width) = frame(deltas.iter().copied().filter(|d| *d != 0));
    let live = deltas.iter().filter(|d| **d != 0).count();
    let sparse_len = packed_len(deltas.len(), 1) + packed_len(live, sparse_width);
    let sparse = sparse_len < packed_len(deltas.len(), dense_width);
    let (min, width) = if sparse { (sparse_min, sparse_width) } else { (dense_min, dense_width) };
    out.push(width as u8 | if sparse { SPARSE } else { 0 });
    put_signed(out, min);
    put_varint(out, divisor);
    if sparse {
        pack(deltas.iter().map(|d| u64::from(*d != 0)), 1, out);
    }
    pack(deltas.iter().filter(|d| !sparse || **d != 0).map(|d| d.abs_diff(min)), width, out);
}

/// Calls `set` with every slot and its number; `None` when the bytes are not a column of this length.
#[must_use]
#[inline]
pub(super) fn decode_with<T>(r: &mut ByteReader<'_>, slots: &mut [T], mut set: impl FnMut(&mut T, i64)) -> Option<()> {
    let Some((first, rest)) = slots.split_first_mut() else { return Some(()) };
    let mut n = r.signed()?;
    set(first, n);
    if rest.is_empty() {
        return Some(());
    }
    let tag = r.u8()?;
    let (sparse, width) = (tag & SPARSE != 0, u32::from(tag & !SPARSE));
    let min = r.signed()?;
    if tag == 0 {
        for slot in rest {
            n = n.wrapping_add(min);
            set(slot, n);
        }
        return Some(());
    }
    let divisor = r.varint()? as i64;
    if width > 64 {
        return None;
    }
    // Damaged input may overflow; sums wrap so that it is wrong, not a panic (checksums tell first).
    let base = min.wrapping_mul(divisor);
    if !sparse {
        let bytes = r.bytes(packed_len(rest.len(), width))?;
        each_packed(bytes, width, rest, |slot, u| {
            n = n.wrapping_add((u as i64).wrapping_mul(divisor)).wrapping_add(base);
            set(slot, n);
        });
        return Some(());
    }
    let bitmap = r.bytes(packed_len(rest.len(), 1))?;
    let live_bits = bitmap.iter().map(|b| b.count_ones() as usize).sum::<usize>();
    if live_bits > rest.len() {
        return None;
    }
    let mut live = vec![0; live_bits];
    each_packed(r.bytes(packed_len(live_bits, width))?, width, &mut live, |slot, u| *slot = u);
    let mut live = live.iter();
    for (slots, bits) in rest.chunks_mut(8).zip(bitmap) {
        for (i, slot) in slots.iter_mut().enumerate() {
            if bits >> i & 1 == 1 {
                n = n.wrapping_add((*live.next()? as i64).wrapping_mul(divisor)).wrapping_add(base);
            }
            set(slot, n);
        }
    }
    Some(())
}

/// Fills `numbers` with the column; `None` when the bytes are not one of this length.
#[must_use]
pub(super) fn decode(r: &mut ByteReader<'_>, numbers: &mut [i64]) -> Option<()> {
    decode_with(r, numbers, |slot, n| *slot = n)
}

/// Appends numbers that do not grow: each over the minimum, as it is.
pub(super) fn encode_level(numbers: &[i64], out: &mut Vec<u8>) {
    let (min, width) = frame(numbers.iter().copied());
    out.push(width as u8);
    put_signed(out, min);
    pack(numbers.iter().map(|n| n.abs_diff(min)), width, out);
}

/// Calls `set` with every slot and its number, as [`encode_level`] wrote them; `None` when the bytes are too few.
#[must_use]
pub(super) fn decode_level<T>(r: &mut ByteReader<'_>, slots: &mut [T], mut set: impl FnMut(&mut T, i64)) -> Option<()> {
    let width = r.u8().filter(|w| *w <= 64).map(u32::from)?;
    let min = r.signed()?;
    let bytes = r.bytes(packed_len(slots.len(), width))?;
    each_packed(bytes, width, slots, |slot, u| set(slot, min.wrapping_add(u as i64)));
    Some(())
}

/// Packs numbers of `width <= 64` bits, the first one in the least significant bits of the first byte.
fn pack(numbers: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let (mut pending, mut count) = (0u128, 0);
    for n in numbers {
        pending |= u128::from(n) << count;
        count += width;
        while count >= 8 {
            out.push(pending as u8);
            pending >>= 8;
            count -= 8;
        }
    }
    if count > 0 {
        out.push(pending as u8);
    }
}

/// Calls `each` with every element of `slots` and the number packed for it. `bytes` holds exactly these numbers.
#[inline]
fn each_packed<T>(bytes: &[u8], width: u32, slots: &mut [T], mut each: impl FnMut(&mut T, u64)) {
    if width == 0 {
        return slots.iter_mut().for_each(|s| each(s, 0));
    }
    let mask = u64::MAX >> (64 - width);
    let (words, tail) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
    let mut words = words.iter().chain([&last]).map(|w| u64::from_le_bytes(*w));
    // What is left of the word read last, and how many bits that is.
    let (mut rest, mut held) = (0u64, 0u32);
    for slot in slots {
        let number = if held >= width {
            let number = rest;
            rest >>= width;
            held -= width;
            number
        } else {
            let word = words.next().unwrap_or_default();
            let number = rest | word << held;
            let taken = width - held;
            rest = word.checked_shr(taken).unwrap_or_default();
            held = 64 - taken;
            number
        };
        each(slot, number & mask);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(numbers: &[i64]) -> usize {
        let mut bytes = Vec::new();
        encode(numbers, &mut bytes);
        let mut r = ByteReader(&bytes);
        let mut back = vec![0; numbers.len()];
        decode(&mut r, &mut back).expect("own column");
        assert_eq!(back, numbers);
        assert!(r.0.is_empty(), "a column ends where the next one begins");
        let mut level = Vec::new();
        encode_level(numbers, &mut level);
        decode_level(&mut ByteReader(&level), &mut back, |slot, n| *slot = n).expect("own column");
        assert_eq!(back, numbers);
        bytes.len()
    }

    #[test]
    fn usual_columns_are_small() {
        assert_eq!(check(&[0; 240]), 3);
        assert_eq!(check(&(0..240).map(|i| i * 4096).collect::<Vec<_>>()), 4);
        assert!(check(&(0..240).map(|i| i / 60).collect::<Vec<_>>()) < 36);
        assert!(check(&(0..240).map(|i| (i * i % 7) * 1024).collect::<Vec<_>>()) < 240 / 2 + 8);
    }

    proptest! {
        #[test]
        fn any_numbers_come_back(
            small in prop::collection::vec(-3i64..4, 0..300),
            wide in prop::collection::vec(any::<i64>(), 0..50),
            shift in 0u32..60,
        ) {
            check(&small);
            check(&wide);
            check(&wide.iter().map(|n| n >> shift).collect::<Vec<_>>());
            check(&small.iter().map(|n| n << shift).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..60), n in 0usize..200) {
            let mut out = vec![0; n];
            let _ = decode(&mut ByteReader(&bytes), &mut out);
        }
    }
}
