//! The texts of labels of an open block: one text with all of them, and where each ends.

use crate::chunk::bits::ByteReader;

/// Numbered texts.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    all: String,
    ends: Vec<u32>,
}

impl Symbols {
    /// Reads the section of a block; `None` is damage, or more text than 32 bits can tell.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut r = ByteReader(bytes);
        let count = r.len()?;
        let mut out = Self { all: String::with_capacity(r.0.len()), ends: Vec::with_capacity(count.min(r.0.len())) };
        for _ in 0..count {
            out.all.push_str(r.text()?);
            out.ends.push(u32::try_from(out.all.len()).ok()?);
        }
        out.all.shrink_to_fit();
        Some(out)
    }

    pub(super) fn get(&self, symbol: u32) -> Option<&str> {
        let at = symbol as usize;
        let start = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.all.get(start as usize..*self.ends.get(at)? as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::bits::{put_prefixed, put_varint};

    #[test]
    fn texts_come_back_by_number() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, 3);
        ["", "größe", "x"].iter().for_each(|t| put_prefixed(&mut bytes, t.as_bytes()));
        let symbols = Symbols::read(&bytes).unwrap();
        assert_eq!([0, 1, 2, 3].map(|n| symbols.get(n)), [Some(""), Some("größe"), Some("x"), None]);
        assert!(Symbols::read(&bytes[..bytes.len() - 1]).is_none());
    }
}
