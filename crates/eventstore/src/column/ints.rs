//! Columns of signed 64-bit integers: one value, frame of reference, deltas, or a dictionary.
//!
//! Values are cut into frames of 128; each frame stores its smallest value
//! and the distances to it in as many bits as the largest needs, so that an
//! outlier costs one frame and not the block. Times from millisecond clocks
//! are divided by their common power of 1000 first.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::bytes::{Reader, put_signed, put_varint};
use super::{Damaged, bits, codes};

/// Values per frame: 128 values of `w` bits fill `2 * w` words, so full frames stay aligned.
const FRAME: usize = 128;

const CONST: u8 = 0;
const FOR: u8 = 1;
const DELTA: u8 = 2;
const DICT: u8 = 3;

/// Entries of a dictionary: its codes are bytes.
const ENTRIES_MAX: usize = 256;
/// Frames of fewer bits a value leave nothing for a dictionary to save.
const DICT_BITS_MIN: usize = 3;

/// What values may be divided by, by its code on disk.
const SCALES: [i64; 3] = [1, 1_000, 1_000_000];

/// Appends `values` in the smallest of the encodings. The number of values is not stored.
pub(crate) fn encode(values: &[i64], out: &mut Vec<u8>) {
    let at = out.len();
    encode_frames(values, out);
    if (out.len() - at) * 8 > values.len() * DICT_BITS_MIN
        && let Some(bytes) = dictionary(values)
        && bytes.len() < out.len() - at
    {
        out.truncate(at);
        out.extend_from_slice(&bytes);
    }
}

/// The same of values that are made one by one.
pub(crate) fn encode_each(values: impl Iterator<Item = i64>, out: &mut Vec<u8>) {
    encode(&values.collect::<Vec<_>>(), out);
}

/// Few distinct values: ports, status codes, line numbers.
fn dictionary(values: &[i64]) -> Option<Vec<u8>> {
    let max = ENTRIES_MAX.min(values.len() / 8);
    let mut index: HashMap<i64, u32, FxBuildHasher> = HashMap::default();
    let mut entries: Vec<i64> = Vec::new();
    let mut codes = Vec::with_capacity(values.len());
    for v in values {
        let code = *index.entry(*v).or_insert_with(|| {
            entries.push(*v);
            entries.len() as u32 - 1
        });
        if entries.len() > max {
            return None;
        }
        codes.push(code);
    }
    let mut out = vec![DICT];
    put_varint(&mut out, entries.len() as u64);
    encode_frames(&entries, &mut out);
    codes::encode(&codes, entries.len(), &mut out);
    Some(out)
}

/// As [`encode`], without a dictionary.
pub(crate) fn encode_frames(values: &[i64], out: &mut Vec<u8>) {
    let Some(&first) = values.first() else { return };
    if values.iter().all(|v| *v == first) {
        out.push(CONST);
        put_signed(out, first);
        return;
    }
    let code = (1..SCALES.len()).rev().find(|c| values.iter().all(|v| v % SCALES[*c] == 0)).unwrap_or(0);
    let scaled: Vec<i64>;
    let values = if code == 0 {
        values
    } else {
        scaled = values.iter().map(|v| v / SCALES[code]).collect();
        &scaled
    };
    let deltas: Vec<i64> = values.windows(2).map(|w| w[1].wrapping_sub(w[0])).collect();
    if frames_bytes(&deltas) + 9 < frames_bytes(values) {
        out.extend([DELTA, code as u8]);
        put_signed(out, values[0]);
        put_frames(&deltas, out);
    } else {
        out.extend([FOR, code as u8]);
        put_frames(values, out);
    }
}

/// Reads `n` values.
pub(crate) fn decode(r: &mut Reader<'_>, n: usize) -> Result<Vec<i64>, Damaged> {
    if n == 0 {
        return Ok(Vec::new());
    }
    let kind = r.u8()?;
    match kind {
        CONST => return Ok(vec![r.signed()?; n]),
        DICT => {
            let Dictionary { codes, entries } = read_dictionary(r, n)?;
            return Ok(codes.into_iter().map(|c| entries[c as usize]).collect());
        }
        _ => {}
    }
    let scale = read_scale(r)?;
    let mut values = match kind {
        FOR => {
            let mut values = vec![0; n];
            read_frames(r, &mut values)?;
            values
        }
        DELTA => {
            let mut at = r.signed()?;
            let mut values = vec![at; n];
            let deltas = values.get_mut(1..).unwrap_or_default();
            read_frames(r, deltas)?;
            for v in deltas {
                at = at.wrapping_add(*v);
                *v = at;
            }
            values
        }
        _ => return Err(Damaged("integer encoding")),
    };
    if scale != 1 {
        for v in &mut values {
            *v = v.wrapping_mul(scale);
        }
    }
    Ok(values)
}

/// The values at `at` (rising, below `n`) of `n` values, without making those in other frames. Reads to the end of
/// the column all the same.
pub(crate) fn decode_at(r: &mut Reader<'_>, n: usize, at: &[usize]) -> Result<Vec<i64>, Damaged> {
    if n == 0 {
        return Ok(Vec::new());
    }
    let kind = r.u8()?;
    match kind {
        CONST => return Ok(vec![r.signed()?; at.len()]),
        DICT => {
            let entries = read_entries(r, n)?;
            let codes = codes::decode_at(r, n, entries.len(), at)?;
            return Ok(codes.into_iter().map(|c| entries[c as usize]).collect());
        }
        _ => {}
    }
    let scale = read_scale(r)?;
    let mut values = match kind {
        FOR => pick_frames(r, n, at)?,
        DELTA => pick_sums(r, n, at)?,
        _ => return Err(Damaged("integer encoding")),
    };
    values.iter_mut().for_each(|v| *v = v.wrapping_mul(scale));
    Ok(values)
}

/// How many of `n` rising values lie below each of `bounds`, which rise too. Looks into the frames that a bound lies in.
pub(crate) fn below(r: &mut Reader<'_>, n: usize, bounds: &[i64]) -> Result<Vec<usize>, Damaged> {
    let start = *r;
    if n == 0 || r.u8()? != FOR {
        *r = start;
        let values = decode(r, n)?;
        return Ok(bounds.iter().map(|bound| values.partition_point(|v| v < bound)).collect());
    }
    let scale = read_scale(r)?;
    let mut frames: Vec<(i64, Reader<'_>)> = Vec::with_capacity(n.div_ceil(FRAME));
    for from in (0..n).step_by(FRAME) {
        let frame = *r;
        let (min, _) = skip_frame(r, FRAME.min(n - from))?;
        frames.push((min.wrapping_mul(scale), frame));
    }
    let mut known: Option<(usize, Vec<i64>)> = None;
    let mut out = Vec::with_capacity(bounds.len());
    for bound in bounds {
        // The first value of a frame is its smallest.
        let Some(place) = frames.partition_point(|(min, _)| min < bound).checked_sub(1) else {
            out.push(0);
            continue;
        };
        if known.as_ref().is_none_or(|(of, _)| *of != place)
            && let Some((_, frame)) = frames.get(place)
        {
            let mut values = vec![0; FRAME.min(n - place * FRAME)];
            let mut frame = *frame;
            read_frames(&mut frame, &mut values)?;
            values.iter_mut().for_each(|v| *v = v.wrapping_mul(scale));
            known = Some((place, values));
        }
        let inside = known.as_ref().map_or(0, |(_, values)| values.partition_point(|v| v < bound));
        out.push(place * FRAME + inside);
    }
    Ok(out)
}

/// A column of few distinct values.
pub(crate) struct Dictionary {
    /// One per value, below the number of entries.
    pub(crate) codes: Vec<u32>,
    /// The distinct values.
    pub(crate) entries: Vec<i64>,
}

/// A column as it is stored.
pub(crate) enum Stored {
    Coded(Dictionary),
    /// In any other way.
    Plain(Vec<i64>),
}

/// Reads `n` values, as codes where they have a dictionary.
pub(crate) fn decode_stored(r: &mut Reader<'_>, n: usize) -> Result<Stored, Damaged> {
    if n == 0 || r.0.first() != Some(&DICT) {
        return decode(r, n).map(Stored::Plain);
    }
    r.u8()?;
    read_dictionary(r, n).map(Stored::Coded)
}

fn read_dictionary(r: &mut Reader<'_>, n: usize) -> Result<Dictionary, Damaged> {
    let entries = read_entries(r, n)?;
    Ok(Dictionary { codes: codes::decode(r, n, entries.len())?, entries })
}

fn read_entries(r: &mut Reader<'_>, n: usize) -> Result<Vec<i64>, Damaged> {
    let count = r.count(ENTRIES_MAX.min(n))?;
    // Entries are frames: dictionaries do not nest.
    if r.0.first() == Some(&DICT) {
        return Err(Damaged("integer dictionary"));
    }
    decode(r, count)
}

fn read_scale(r: &mut Reader<'_>) -> Result<i64, Damaged> {
    SCALES.get(r.u8()? as usize).copied().ok_or(Damaged("integer scale"))
}

fn bounds(frame: &[i64]) -> (i64, u32) {
    let (mut min, mut max) = (i64::MAX, i64::MIN);
    for v in frame {
        min = min.min(*v);
        max = max.max(*v);
    }
    (min, 64 - (max.wrapping_sub(min) as u64).leading_zeros())
}

fn frames_bytes(values: &[i64]) -> usize {
    values.chunks(FRAME).map(|f| 4 + (f.len() * bounds(f).1 as usize).div_ceil(64) * 8).sum()
}

fn put_frames(values: &[i64], out: &mut Vec<u8>) {
    for frame in values.chunks(FRAME) {
        let (min, width) = bounds(frame);
        put_signed(out, min);
        out.push(width as u8);
        bits::pack(frame.iter().map(|v| v.wrapping_sub(min) as u64), width, out);
    }
}

fn read_frames(r: &mut Reader<'_>, out: &mut [i64]) -> Result<(), Damaged> {
    for frame in out.chunks_mut(FRAME) {
        let min = r.signed()?;
        let width = u32::from(r.u8()?);
        bits::unpack(r, width, frame, |v| min.wrapping_add(v as i64))?;
    }
    Ok(())
}

/// Passes over a frame of `n` values: its smallest value and its width.
fn skip_frame(r: &mut Reader<'_>, n: usize) -> Result<(i64, u32), Damaged> {
    let (min, width) = (r.signed()?, u32::from(r.u8()?));
    bits::pick(r, width, n, std::iter::empty(), |v| v, &mut Vec::new())?;
    Ok((min, width))
}

/// The values at `at` of frames with `n` values.
fn pick_frames(r: &mut Reader<'_>, n: usize, at: &[usize]) -> Result<Vec<i64>, Damaged> {
    let mut out = Vec::with_capacity(at.len());
    let mut left = at;
    for from in (0..n).step_by(FRAME) {
        let (min, width) = (r.signed()?, u32::from(r.u8()?));
        let (here, later) = left.split_at(left.partition_point(|i| *i < from + FRAME));
        left = later;
        let here = here.iter().map(|i| i - from);
        bits::pick(r, width, FRAME.min(n - from), here, |v| min.wrapping_add(v as i64), &mut out)?;
    }
    if out.len() == at.len() { Ok(out) } else { Err(Damaged("place of a value")) }
}

/// The values at `at` of `n` that are stored as differences: frames between them are summed, those after the last passed over.
fn pick_sums(r: &mut Reader<'_>, n: usize, at: &[usize]) -> Result<Vec<i64>, Damaged> {
    let mut sum = r.signed()?;
    let mut out = Vec::with_capacity(at.len());
    let (first, mut left) = at.split_at(at.partition_point(|i| *i == 0));
    out.extend(first.iter().map(|_| sum));
    let mut deltas = [0; FRAME];
    for from in (1..n).step_by(FRAME) {
        let frame = deltas.get_mut(..FRAME.min(n - from)).unwrap_or_default();
        if left.is_empty() {
            skip_frame(r, frame.len())?;
            continue;
        }
        read_frames(r, frame)?;
        let (here, later) = left.split_at(left.partition_point(|i| *i < from + FRAME));
        left = later;
        let mut summed = 0;
        let mut sum_to = |end: usize| {
            let deltas = frame.get(summed..end).unwrap_or_default();
            summed = end;
            sum = deltas.iter().fold(sum, |sum, delta| sum.wrapping_add(*delta));
            sum
        };
        out.extend(here.iter().map(|i| sum_to(i - from + 1)));
        sum_to(frame.len());
    }
    if out.len() == at.len() { Ok(out) } else { Err(Damaged("place of a value")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(values: &[i64]) -> usize {
        let mut out = Vec::new();
        encode(values, &mut out);
        let mut r = Reader(&out);
        assert_eq!(decode(&mut r, values.len()).unwrap(), values);
        assert!(r.0.is_empty());
        for step in [1, 3, 50] {
            let at: Vec<usize> = (0..values.len()).skip(step / 3).step_by(step).collect();
            let mut r = Reader(&out);
            let picked: Vec<i64> = at.iter().map(|i| values[*i]).collect();
            assert_eq!(decode_at(&mut r, values.len(), &at).unwrap(), picked);
            assert!(r.0.is_empty());
        }
        match decode_stored(&mut Reader(&out), values.len()).unwrap() {
            Stored::Coded(Dictionary { codes, entries }) => {
                assert!(codes.iter().map(|c| &entries[*c as usize]).eq(values));
            }
            Stored::Plain(plain) => assert_eq!(plain, values),
        }
        out.len()
    }

    #[test]
    fn sizes_fit_the_values() {
        assert_eq!(round_trip(&[7; 1000]), 2);
        // Millisecond clock in nanoseconds, rising by one: deltas of one value.
        let rising: Vec<i64> = (0..1000).map(|i| 1_700_000_000_000_000_000 + i * 1_000_000).collect();
        assert!(round_trip(&rising) < 50);
        // One outlier must not widen the other frames.
        let mut small: Vec<i64> = (0..1280).map(|i| i * 7919 % 16).collect();
        small[5] = i64::MAX;
        assert!(round_trip(&small) < 1024 + 10 * 70);
        // Two bits for each of three ports, however far they are apart.
        let ports: Vec<i64> = (0..1024).map(|i| [8080, 5432, 6379][i * 7 / 5 % 3]).collect();
        assert!(round_trip(&ports) < 256 + 30);
        round_trip(&[]);
        round_trip(&[i64::MIN, i64::MAX, 0, -1]);
    }

    proptest! {
        #[test]
        fn any_values_round_trip(values in prop::collection::vec(any::<i64>(), 0..400), shift in 0u32..64) {
            let values: Vec<i64> = values.into_iter().map(|v| v >> shift).collect();
            round_trip(&values);
        }

        #[test]
        fn bounds_of_rising_values_are_found(mut values in prop::collection::vec(any::<i64>(), 0..400), mut more in prop::collection::vec(any::<i64>(), 0..5), shift in 0u32..64, scale in prop::sample::select(vec![1, 1000])) {
            let small = |v: &mut i64| *v = (*v >> shift) / scale * scale;
            values.iter_mut().chain(&mut more).for_each(small);
            values.sort_unstable();
            more.extend(values.iter().step_by(7));
            more.sort_unstable();
            let mut out = Vec::new();
            encode(&values, &mut out);
            let mut r = Reader(&out);
            let found = below(&mut r, values.len(), &more).unwrap();
            prop_assert_eq!(found, more.iter().map(|b| values.partition_point(|v| v < b)).collect::<Vec<_>>());
            prop_assert!(r.0.is_empty());
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200), n in 1usize..300) {
            let _ = decode(&mut Reader(&bytes), n);
            let _ = decode_at(&mut Reader(&bytes), n, &[0, n - 1]);
            let _ = below(&mut Reader(&bytes), n, &[-5, 0, 1 << 40]);
        }
    }
}
