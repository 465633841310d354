//! Fresh identifiers (RFC 9562).

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Converter, many};
use crate::ottl::eval::Getter;

pub(super) const ALL: &[Converter] = &[
    many("UUID", &[], 0, |_| Ok(Getter::computed(|_| Ok(uuid(fresh(), 4).into())))),
    many("UUIDv7", &[], 0, |_| {
        Ok(Getter::computed(|s| {
            let millis = u128::try_from(s.now.div_euclid(1_000_000)).unwrap_or(0);
            Ok(uuid(millis << 80 | fresh() >> 48, 7).into())
        }))
    }),
];

/// A number that no other call gets: keys that only this process has, over a counter.
fn fresh() -> u128 {
    static KEYS: LazyLock<(RandomState, RandomState)> = LazyLock::new(|| (RandomState::new(), RandomState::new()));
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    // Two keys in a row differ by one, which their hashes do not show.
    u128::from(KEYS.0.hash_one((n, 0u8))) << 64 | u128::from(KEYS.1.hash_one((n, 1u8)))
}

fn uuid(bits: u128, version: u128) -> String {
    let bits = bits & !(0xf << 76) | version << 76;
    let bits = bits & !(0b11 << 62) | 0b10 << 62;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_have_their_version_and_variant_and_differ() {
        let (a, b) = (uuid(fresh(), 4), uuid(fresh(), 4));
        assert!(a != b && a.as_bytes()[14] == b'4' && b"89ab".contains(&a.as_bytes()[19]), "{a} {b}");
        assert_eq!(uuid(0x0001_8bcf_e568 << 80, 7), "00018bcf-e568-7000-8000-000000000000");
    }
}
