//! MurmurHash3, of 32 bits and of 128 bits for 64-bit machines, with the seed 0.
//!
//! Source: Austin Appleby's description of the algorithm (smhasher, in the public domain).

/// `MurmurHash3_x86_32`.
pub(super) fn of_32(bytes: &[u8]) -> u32 {
    const C1: u32 = 0xcc9e_2d51;
    const C2: u32 = 0x1b87_3593;
    let mixed = |k: u32| k.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut h = 0u32;
    for block in blocks {
        h ^= mixed(u32::from_le_bytes(*block));
        h = h.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !tail.is_empty() {
        h ^= mixed(tail.iter().rev().fold(0, |k, b| k << 8 | u32::from(*b)));
    }
    h ^= bytes.len() as u32;
    h = (h ^ h >> 16).wrapping_mul(0x85eb_ca6b);
    h = (h ^ h >> 13).wrapping_mul(0xc2b2_ae35);
    h ^ h >> 16
}

/// `MurmurHash3_x64_128`: both halves.
pub(super) fn of_128(bytes: &[u8]) -> (u64, u64) {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    let first = |k: u64| k.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    let second = |k: u64| k.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |k, b| k << 8 | u64::from(*b));
    let (blocks, tail) = bytes.as_chunks::<16>();
    let (mut h1, mut h2) = (0u64, 0u64);
    for block in blocks {
        let (k1, k2) = block.split_at(8);
        h1 ^= first(number(k1));
        h1 = h1.rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 ^= second(number(k2));
        h2 = h2.rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let (k1, k2) = tail.split_at(tail.len().min(8));
    h2 ^= second(number(k2));
    h1 ^= first(number(k1));
    h1 ^= bytes.len() as u64;
    h2 ^= bytes.len() as u64;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    let last = |h: u64| {
        let h = (h ^ h >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let h = (h ^ h >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        h ^ h >> 33
    };
    (h1, h2) = (last(h1), last(h2));
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    (h1, h2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published values of the reference implementation.
    #[test]
    fn known_values() {
        for (text, hash) in [("", 0), ("hello", 0x248b_fa47), ("hello, world", 0x149b_bb7f)] {
            assert_eq!(of_32(text.as_bytes()), hash, "{text}");
        }
        assert_eq!(of_128(b""), (0, 0));
        assert_eq!(of_128(b"hello"), (0xcbd8_a7b3_41bd_9b02, 0x5b1e_906a_48ae_1d19));
        assert_eq!(of_128(b"hello, world"), (0x342f_ac62_3a5e_bc8e, 0x4cdc_bc07_9642_414d));
    }
}
