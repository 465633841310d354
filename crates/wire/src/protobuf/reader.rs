//! Reads one message as a sequence of keys and values, in one straight pass.
//!
//! Every step is checked against the bytes that are there; nothing is
//! allocated, so a length that the input only claims costs nothing. Knows
//! nothing of the messages' meaning. Source: Protocol Buffers, "Encoding".

use foundation::ErrorKind;
use thiserror::Error;

/// How deep groups may nest in a field that is skipped.
const MAX_GROUPS: usize = 16;

/// Bytes that are not a protobuf message, and where they stop to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{what} at byte {offset}")]
pub struct Malformed {
    /// What is wrong.
    pub what: Malformation,
    /// Where, counted from the first byte of the outermost message.
    pub offset: usize,
}

impl Malformed {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// What can be wrong with the wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformation {
    /// A value ends after the message does.
    #[error("the message ends inside a value ({missing} more bytes expected)")]
    Truncated {
        /// How many bytes are missing, at least.
        missing: u64,
    },
    /// More than ten bytes, or more than 64 bits.
    #[error("a varint is longer than 64 bits")]
    VarintTooLong,
    /// A key does not fit 32 bits.
    #[error("a field key is longer than 32 bits")]
    KeyTooLong,
    /// Field numbers start at 1.
    #[error("field number 0")]
    FieldNumberZero,
    /// Wire types 6 and 7 do not exist.
    #[error("unknown wire type {0}")]
    UnknownWireType(u8),
    /// A known field with another wire type than its schema says.
    #[error("field {field} has wire type {found}, which is not the type of this field")]
    UnexpectedWireType {
        /// The field's number.
        field: u32,
        /// The wire type that was found.
        found: u8,
    },
    /// An end of a group that was not begun, or of another one.
    #[error("end of group {0} without its begin")]
    UnmatchedEndGroup(u32),
    /// Groups in groups in groups.
    #[error("groups nest deeper than {MAX_GROUPS}")]
    GroupsTooDeep,
}

/// A field's number and wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(u32);

impl Key {
    /// The key of an integer, enum or bool field.
    pub const fn varint(field: u32) -> Self {
        Self(field << 3)
    }

    /// The key of a `fixed64`, `sfixed64` or `double` field.
    pub const fn fixed64(field: u32) -> Self {
        Self(field << 3 | 1)
    }

    /// The key of a string, bytes, message or packed field.
    pub const fn delimited(field: u32) -> Self {
        Self(field << 3 | 2)
    }

    /// The key of a `fixed32` or `float` field.
    pub const fn fixed32(field: u32) -> Self {
        Self(field << 3 | 5)
    }

    /// The field's number.
    pub const fn field(self) -> u32 {
        self.0 >> 3
    }

    /// The wire type, 0 to 7.
    pub const fn wire_type(self) -> u8 {
        self.0 as u8 & 7
    }
}

/// Reads the fields of one message.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// Where `rest` ends in the outermost message: the position is `end - rest.len()`,
    /// so that advancing changes one thing only.
    end: usize,
}

impl<'a> Reader<'a> {
    /// Reads an outermost message.
    pub const fn new(message: &'a [u8]) -> Self {
        Self { rest: message, end: message.len() }
    }

    /// Reads a message that lies at `offset` of the outermost one.
    pub const fn within(message: &'a [u8], offset: usize) -> Self {
        Self { rest: message, end: offset + message.len() }
    }

    /// How many bytes of the outermost message lie before the next one to be read.
    pub const fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    /// The bytes that were not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether the message ends here.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// An error at this place.
    #[cold]
    pub const fn malformed(&self, what: Malformation) -> Malformed {
        Malformed { what, offset: self.offset() }
    }

    /// The key of the next field, or `None` at the end of the message.
    ///
    /// # Errors
    /// A key that is cut off, too long, or of field 0.
    #[inline]
    pub fn key(&mut self) -> Result<Option<Key>, Malformed> {
        let key = match self.rest {
            [] => return Ok(None),
            [k, rest @ ..] if *k < 0x80 => {
                let before = *self;
                self.rest = rest;
                if *k < 8 {
                    return Err(before.malformed(Malformation::FieldNumberZero));
                }
                u32::from(*k)
            }
            _ => self.long_key()?,
        };
        Ok(Some(Key(key)))
    }

    #[cold]
    fn long_key(&mut self) -> Result<u32, Malformed> {
        let before = *self;
        let key = u32::try_from(self.uint()?).map_err(|_| before.malformed(Malformation::KeyTooLong))?;
        if key < 8 {
            return Err(before.malformed(Malformation::FieldNumberZero));
        }
        Ok(key)
    }

    /// A varint: an integer, enum or bool. Longer spellings of a small number are read, as everywhere.
    ///
    /// # Errors
    /// A varint that is cut off or has more than 64 bits.
    #[inline]
    pub fn uint(&mut self) -> Result<u64, Malformed> {
        match self.rest {
            [b, rest @ ..] if *b < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*b))
            }
            _ => self.long_uint(),
        }
    }

    fn long_uint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for (i, b) in self.rest.iter().take(10).enumerate() {
            // The tenth byte holds the 64th bit and nothing else.
            if i == 9 && *b > 1 {
                return Err(self.malformed(Malformation::VarintTooLong));
            }
            value |= u64::from(b & 0x7f) << (7 * i);
            if *b < 0x80 {
                self.rest = self.rest.get(i + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(self.malformed(Malformation::Truncated { missing: 1 }))
    }

    /// A zigzag-encoded `sint32` or `sint64`.
    ///
    /// # Errors
    /// As [`Reader::uint`].
    pub fn sint(&mut self) -> Result<i64, Malformed> {
        let v = self.uint()?;
        Ok((v >> 1) as i64 ^ -((v & 1) as i64))
    }

    /// Eight bytes, little-endian.
    ///
    /// # Errors
    /// When there are fewer.
    #[inline]
    pub fn fixed64(&mut self) -> Result<u64, Malformed> {
        match self.rest.split_first_chunk() {
            Some((v, rest)) => {
                self.rest = rest;
                Ok(u64::from_le_bytes(*v))
            }
            None => Err(self.truncated(8)),
        }
    }

    /// A double.
    ///
    /// # Errors
    /// When there are fewer than eight bytes.
    #[inline]
    pub fn double(&mut self) -> Result<f64, Malformed> {
        self.fixed64().map(f64::from_bits)
    }

    /// Four bytes, little-endian.
    ///
    /// # Errors
    /// When there are fewer.
    #[inline]
    pub fn fixed32(&mut self) -> Result<u32, Malformed> {
        match self.rest.split_first_chunk() {
            Some((v, rest)) => {
                self.rest = rest;
                Ok(u32::from_le_bytes(*v))
            }
            None => Err(self.truncated(4)),
        }
    }

    /// The bytes of a string, bytes, message or packed field.
    ///
    /// # Errors
    /// When the message ends before the field does.
    #[inline]
    pub fn delimited(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.uint()?;
        match usize::try_from(len).ok().and_then(|n| self.rest.split_at_checked(n)) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(self.truncated(len)),
        }
    }

    /// A nested message.
    ///
    /// # Errors
    /// As [`Reader::delimited`].
    #[inline]
    pub fn message(&mut self) -> Result<Reader<'a>, Malformed> {
        let bytes = self.delimited()?;
        Ok(Reader { rest: bytes, end: self.offset() })
    }

    #[cold]
    const fn truncated(&self, needed: u64) -> Malformed {
        self.malformed(Malformation::Truncated { missing: needed.saturating_sub(self.rest.len() as u64) })
    }

    /// Skips the value of a field that the schema does not have.
    ///
    /// # Errors
    /// A value that is cut off, a wire type that does not exist, groups that do not match.
    pub fn skip(&mut self, key: Key) -> Result<(), Malformed> {
        self.skip_nested(key, 0)
    }

    /// Skips the value of a field that a decoder did not recognise by its key. `known` has bit `n`
    /// set when the schema has field `n`: such a field came with a wrong wire type, which
    /// is how a request of another signal or a corrupted one shows, and is refused.
    ///
    /// # Errors
    /// As [`Reader::skip`], and [`Malformation::UnexpectedWireType`].
    #[cold]
    pub fn skip_unknown(&mut self, key: Key, known: u32) -> Result<(), Malformed> {
        if key.field() < 32 && known >> key.field() & 1 == 1 {
            let what = Malformation::UnexpectedWireType { field: key.field(), found: key.wire_type() };
            return Err(self.malformed(what));
        }
        self.skip(key)
    }

    fn skip_nested(&mut self, key: Key, depth: usize) -> Result<(), Malformed> {
        match key.wire_type() {
            0 => self.uint().map(drop),
            1 => self.fixed64().map(drop),
            2 => self.delimited().map(drop),
            3 if depth == MAX_GROUPS => Err(self.malformed(Malformation::GroupsTooDeep)),
            3 => loop {
                let inner = self.key()?.ok_or_else(|| self.truncated(1))?;
                if inner.wire_type() != 4 {
                    self.skip_nested(inner, depth + 1)?;
                } else if inner.field() == key.field() {
                    return Ok(());
                } else {
                    return Err(self.malformed(Malformation::UnmatchedEndGroup(inner.field())));
                }
            },
            4 => Err(self.malformed(Malformation::UnmatchedEndGroup(key.field()))),
            5 => self.fixed32().map(drop),
            other => Err(self.malformed(Malformation::UnknownWireType(other))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf::Writer;

    fn skip_all(bytes: &[u8]) -> Result<usize, Malformed> {
        let mut r = Reader::new(bytes);
        let mut n = 0;
        while let Some(key) = r.key()? {
            r.skip(key)?;
            n += 1;
        }
        Ok(n)
    }

    fn failure(bytes: &[u8]) -> (Malformation, usize) {
        let e = skip_all(bytes).unwrap_err();
        (e.what, e.offset)
    }

    #[test]
    fn reads_what_the_writer_writes() {
        let mut w = Writer::new();
        w.uint(1, u64::MAX);
        w.sint(2, i64::MIN);
        w.double(3, -0.5);
        w.fixed32(4, 7);
        w.message(1000, |w| w.string(1, "x"));
        let mut r = Reader::new(w.as_bytes());
        assert_eq!(r.key(), Ok(Some(Key::varint(1))));
        assert_eq!(r.uint(), Ok(u64::MAX));
        assert_eq!(r.key(), Ok(Some(Key::varint(2))));
        assert_eq!(r.sint(), Ok(i64::MIN));
        assert_eq!(r.key(), Ok(Some(Key::fixed64(3))));
        assert_eq!(r.double(), Ok(-0.5));
        assert_eq!(r.key(), Ok(Some(Key::fixed32(4))));
        assert_eq!(r.fixed32(), Ok(7));
        assert_eq!(r.key(), Ok(Some(Key::delimited(1000))));
        let mut inner = r.message().unwrap();
        assert_eq!(inner.key(), Ok(Some(Key::delimited(1))));
        assert_eq!(inner.offset(), w.as_bytes().len() - 2);
        assert_eq!(inner.delimited(), Ok(&b"x"[..]));
        assert!(r.is_empty() && inner.is_empty());
        assert_eq!(skip_all(w.as_bytes()), Ok(5));
    }

    #[test]
    fn broken_bytes_are_named_with_their_place() {
        assert_eq!(failure(b"\x08\x01\x08"), (Malformation::Truncated { missing: 1 }, 3));
        assert_eq!(failure(b"\x08\x80"), (Malformation::Truncated { missing: 1 }, 1));
        assert_eq!(failure(b"\x0a\x05ab"), (Malformation::Truncated { missing: 3 }, 2));
        assert_eq!(failure(b"\x09abc"), (Malformation::Truncated { missing: 5 }, 1));
        assert_eq!(failure(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").1, 11);
        assert_eq!(failure(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), (Malformation::VarintTooLong, 1));
        assert_eq!(failure(b"\x08\x01\x00\x01"), (Malformation::FieldNumberZero, 2));
        assert_eq!(failure(b"\x80\x00\x01"), (Malformation::FieldNumberZero, 0));
        assert_eq!(failure(b"\xff\xff\xff\xff\xff\x01"), (Malformation::KeyTooLong, 0));
        assert_eq!(failure(b"\x0e"), (Malformation::UnknownWireType(6), 1));
    }

    #[test]
    fn groups_are_skipped_when_they_match() {
        assert_eq!(skip_all(b"\x0b\x08\x01\x13\x14\x0c\x08\x01"), Ok(2));
        assert_eq!(failure(b"\x0b\x14"), (Malformation::UnmatchedEndGroup(2), 2));
        assert_eq!(failure(b"\x0c"), (Malformation::UnmatchedEndGroup(1), 1));
        assert_eq!(failure(b"\x0b\x08\x01"), (Malformation::Truncated { missing: 1 }, 3));
        assert_eq!(failure(&[0x0b; 40]).0, Malformation::GroupsTooDeep);
    }

    #[test]
    fn a_known_field_with_another_wire_type_is_refused() {
        let mut r = Reader::new(b"\x09abcdefgh");
        let key = r.key().unwrap().unwrap();
        let e = r.skip_unknown(key, 0b10).unwrap_err();
        assert_eq!(e.what, Malformation::UnexpectedWireType { field: 1, found: 1 });
        assert_eq!(r.skip_unknown(key, 0b100), Ok(()));
    }
}
