//! How times, numbers and lists of numbers stand in columns. Layout: `docs/formats/meta.md`.

use foundation::UnixNanos;
use rusqlite::Row;

/// Nanoseconds since 1970.
pub(crate) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<UnixNanos> {
    row.get(column).map(UnixNanos)
}

/// SQLite has signed numbers only: the same 64 bits.
pub(crate) const fn signed(hash: u64) -> i64 {
    hash.cast_signed()
}

/// See [`signed`].
pub(crate) const fn unsigned(number: i64) -> u64 {
    number.cast_unsigned()
}

/// Eight bytes each, the lowest first.
pub(crate) fn hashes_to_blob(hashes: &[u64]) -> Vec<u8> {
    hashes.iter().flat_map(|h| h.to_le_bytes()).collect()
}

/// See [`hashes_to_blob`]; what is left over is left out.
pub(crate) fn hashes_of_blob(blob: &[u8]) -> Vec<u64> {
    blob.chunks_exact(8).map(|c| c.iter().rev().fold(0, |n, byte| (n << 8) | u64::from(*byte))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_come_back() {
        let hashes = [0, 1, u64::MAX, 0x0102_0304_0506_0708];
        assert_eq!(hashes_of_blob(&hashes_to_blob(&hashes)), hashes);
        assert_eq!(hashes.map(|h| unsigned(signed(h))), hashes);
    }
}
