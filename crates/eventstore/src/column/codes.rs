//! Codes of dictionary entries: packed, as integers, or compressed, whichever is smallest.

use super::binary::{put_compressed, read_compressed};
use super::bytes::Reader;
use super::{Damaged, bits, ints};

const PACKED: u8 = 0;
const INTS: u8 = 1;
const ZSTD_PACKED: u8 = 2;
const ZSTD_BYTES: u8 = 3;
/// The lower bytes, then the higher ones.
const ZSTD_PLANES: u8 = 4;

/// Packed codes of fewer bytes are not worth the try of anything else.
const PACKED_BYTES_MIN: usize = 256;
/// Anything else has to save one part in so many: it takes five times as long to read, and every query with a filter reads codes.
const SAVED_PART: usize = 4;
/// It is not tried where single values promise less than this; values that repeat each other may save more than they promise.
const PROMISED_PART: usize = 8;

/// Appends codes below `entries`. The number of codes is not stored.
pub(crate) fn encode(codes: &[u32], entries: usize, out: &mut Vec<u8>) {
    let width = width(entries);
    let packed_bytes = (codes.len() * width as usize).div_ceil(64) * 8;
    if packed_bytes >= PACKED_BYTES_MIN {
        let worth = packed_bytes - packed_bytes / SAVED_PART;
        let promising = packed_bytes - packed_bytes / PROMISED_PART;
        let mut tried = Vec::new();
        if entries > 256 {
            tried.push(INTS);
            ints::encode_frames(&codes.iter().map(|c| i64::from(*c)).collect::<Vec<_>>(), &mut tried);
            if entries <= 1 << 16 && entropy_bytes(codes, entries) < promising.min(tried.len()) {
                let mut planes = vec![ZSTD_PLANES];
                put_compressed(&codes.iter().map(|c| *c as u8).collect::<Vec<_>>(), &mut planes);
                put_compressed(&codes.iter().map(|c| (*c >> 8) as u8).collect::<Vec<_>>(), &mut planes);
                if planes.len() < tried.len() {
                    tried = planes;
                }
            }
        } else if entropy_bytes(codes, entries) < promising {
            // Up to two bits a code compress better packed: a byte of them repeats, and Huffman codes have whole bits.
            if width <= 2 {
                tried.push(ZSTD_PACKED);
                let mut packed = Vec::with_capacity(packed_bytes);
                pack(codes, width, &mut packed);
                put_compressed(&packed, &mut tried);
            } else {
                tried.push(ZSTD_BYTES);
                put_compressed(&codes.iter().map(|c| *c as u8).collect::<Vec<_>>(), &mut tried);
            }
        }
        if !tried.is_empty() && tried.len() < worth {
            return out.extend_from_slice(&tried);
        }
    }
    out.push(PACKED);
    pack(codes, width, out);
}

/// Reads `n` codes and checks that they are below `entries`.
pub(crate) fn decode(r: &mut Reader<'_>, n: usize, entries: usize) -> Result<Vec<u32>, Damaged> {
    let codes = match r.u8()? {
        PACKED => return unpack(r, n, entries),
        ZSTD_PACKED => {
            let packed = read_compressed(r)?;
            return unpack(&mut Reader(&packed), n, entries);
        }
        INTS => ints::decode(r, n)?.into_iter().map(|c| u32::try_from(c).unwrap_or(u32::MAX)).collect(),
        ZSTD_BYTES => read_compressed(r)?.into_iter().map(u32::from).collect::<Vec<u32>>(),
        ZSTD_PLANES => {
            let (low, high) = (read_compressed(r)?, read_compressed(r)?);
            if low.len() != high.len() {
                return Err(Damaged("dictionary codes"));
            }
            low.into_iter().zip(high).map(|(l, h)| u32::from(l) | u32::from(h) << 8).collect()
        }
        _ => return Err(Damaged("dictionary codes")),
    };
    if codes.len() == n { below(codes, entries) } else { Err(Damaged("dictionary code")) }
}

fn width(entries: usize) -> u32 {
    usize::BITS - entries.saturating_sub(1).leading_zeros()
}

fn pack(codes: &[u32], width: u32, out: &mut Vec<u8>) {
    bits::pack(codes.iter().map(|c| u64::from(*c)), width, out);
}

/// Reads `n` packed codes and checks that they are below `entries`; version 1 knows no other.
pub(crate) fn unpack(r: &mut Reader<'_>, n: usize, entries: usize) -> Result<Vec<u32>, Damaged> {
    let mut codes = vec![0; n];
    bits::unpack(r, width(entries), &mut codes, |c| c as u32)?;
    // All that the bits can say is there.
    if entries.is_power_of_two() { Ok(codes) } else { below(codes, entries) }
}

fn below(codes: Vec<u32>, entries: usize) -> Result<Vec<u32>, Damaged> {
    let mut max = 0;
    for c in &codes {
        max = max.max(*c);
    }
    if !codes.is_empty() && max as usize >= entries { Err(Damaged("dictionary code")) } else { Ok(codes) }
}

/// Reads the codes at `at` (rising, below `n`) of `n` and checks that they are below `entries`. Reads to the end of
/// the codes all the same.
pub(crate) fn decode_at(r: &mut Reader<'_>, n: usize, entries: usize, at: &[usize]) -> Result<Vec<u32>, Damaged> {
    let missing = Damaged("dictionary codes");
    let pick = |r: &mut Reader<'_>| {
        let mut out = Vec::with_capacity(at.len());
        bits::pick(r, width(entries), n, at.iter().copied(), |c| c as u32, &mut out).map(|()| out)
    };
    let of_bytes = |bytes: &[u8]| {
        let picked = at.iter().map(|i| bytes.get(*i).map(|c| u32::from(*c))).collect::<Option<Vec<u32>>>();
        picked.filter(|_| bytes.len() == n).ok_or(missing)
    };
    let codes = match r.u8()? {
        PACKED => pick(r)?,
        ZSTD_PACKED => pick(&mut Reader(&read_compressed(r)?))?,
        INTS => ints::decode_at(r, n, at)?.into_iter().map(|c| u32::try_from(c).unwrap_or(u32::MAX)).collect(),
        ZSTD_BYTES => of_bytes(&read_compressed(r)?)?,
        ZSTD_PLANES => {
            let (low, high) = (of_bytes(&read_compressed(r)?)?, of_bytes(&read_compressed(r)?)?);
            low.into_iter().zip(high).map(|(l, h)| l | h << 8).collect()
        }
        _ => return Err(missing),
    };
    below(codes, entries)
}

/// What an ideal code for single values would need. Repeats over several values compress better still; this
/// decides only whether compression is tried.
fn entropy_bytes(codes: &[u32], entries: usize) -> usize {
    let mut counts = vec![0u32; entries];
    for c in codes {
        if let Some(n) = counts.get_mut(*c as usize) {
            *n += 1;
        }
    }
    let all = codes.len() as f64;
    let bits: f64 = counts.iter().filter(|n| **n > 0).map(|n| f64::from(*n) * (all / f64::from(*n)).log2()).sum();
    (bits / 8.0) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(codes: &[u32], entries: usize) -> Vec<u8> {
        let mut out = Vec::new();
        encode(codes, entries, &mut out);
        let mut r = Reader(&out);
        assert_eq!(decode(&mut r, codes.len(), entries).as_deref(), Ok(codes));
        assert!(r.0.is_empty());
        let mut r = Reader(&out);
        let at: Vec<usize> = (1..codes.len()).step_by(5).collect();
        let picked: Vec<u32> = at.iter().map(|i| codes[*i]).collect();
        assert_eq!(decode_at(&mut r, codes.len(), entries, &at), Ok(picked));
        assert!(r.0.is_empty());
        out
    }

    #[test]
    fn each_kind_has_its_use() {
        let random = |i: u32| i.wrapping_mul(2_654_435_761) >> 16;
        let even: Vec<u32> = (0..8192).map(|i| random(i) % 16).collect();
        assert_eq!(round_trip(&even, 16)[0], PACKED);
        let skewed: Vec<u32> = (0..8192).map(|i| if random(i) % 8 == 0 { random(i) % 90 } else { 7 }).collect();
        assert_eq!(round_trip(&skewed, 90)[0], ZSTD_BYTES);
        let rare: Vec<u32> = (0..8192).map(|i| u32::from(random(i) % 64 == 0)).collect();
        assert_eq!(round_trip(&rare, 2)[0], ZSTD_PACKED);
        let rising: Vec<u32> = (0..8192).map(|i| i / 20 + random(i) % 3).collect();
        assert_eq!(round_trip(&rising, 412)[0], INTS);
        let frequent: Vec<u32> =
            (0..8192).map(|i| if random(i) % 4 == 0 { random(i * 31) % 700 } else { random(i) % 9 }).collect();
        assert_eq!(round_trip(&frequent, 700)[0], ZSTD_PLANES);
        // Each value is nearly as frequent as the others, and yet their order repeats.
        let in_turn: Vec<u32> = (0..8192).map(|i| i % 6).collect();
        assert_eq!(round_trip(&in_turn, 6)[0], ZSTD_BYTES);
        assert_eq!(round_trip(&[0; 100], 1).len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200), n in 0usize..300, entries in 1usize..400) {
            if let Ok(codes) = decode(&mut Reader(&bytes), n, entries) {
                prop_assert!(codes.len() == n && codes.iter().all(|c| (*c as usize) < entries));
            }
            if n > 0 && let Ok(codes) = decode_at(&mut Reader(&bytes), n, entries, &[n - 1]) {
                prop_assert!(codes.len() == 1 && (codes[0] as usize) < entries);
            }
        }
    }
}
