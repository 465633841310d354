//! Reads structs, lists and values of both protocols.

use foundation::ErrorKind;
use thiserror::Error;

/// How deep values may nest in a field that is skipped.
const MAX_DEPTH: usize = 32;

/// Bytes that are not Thrift, and where they stop to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{what} at byte {offset}")]
pub struct Malformed {
    /// What is wrong.
    pub what: Malformation,
    /// Where, counted from the first byte.
    pub offset: usize,
}

impl Malformed {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformation {
    /// A value ends after the bytes do.
    #[error("the bytes end inside a value")]
    Truncated,
    /// More than 64 bits.
    #[error("a varint is longer than 64 bits")]
    VarintTooLong,
    /// A type number that the protocol does not have.
    #[error("unknown type {0}")]
    UnknownType(u8),
    /// A length below zero or beyond the bytes that are there.
    #[error("a length of {0} is more than there are bytes")]
    Length(i64),
    /// A field with another type than its struct says.
    #[error("field {field} is {found:?}, which is not the type of this field")]
    UnexpectedType {
        /// The field's id.
        field: i16,
        /// The type that was found.
        found: Kind,
    },
    /// The first bytes are not those of a message.
    #[error("not a message of this protocol")]
    NotAMessage,
    /// Structs in structs in structs.
    #[error("values nest deeper than {MAX_DEPTH}")]
    TooDeep,
}

/// Which of the two protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Fixed-width numbers, big-endian.
    Binary,
    /// Varints and field deltas.
    Compact,
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "Thrift's own names")]
pub enum Kind {
    Bool,
    Byte,
    I16,
    I32,
    I64,
    Double,
    /// Strings and bytes alike.
    Binary,
    Struct,
    Map,
    Set,
    List,
    Uuid,
}

/// The head of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its id in the struct.
    pub id: i16,
    /// Its type.
    pub kind: Kind,
    /// The compact protocol has the value of a bool in the type.
    bool_value: Option<bool>,
}

/// The head of a list or set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// The type of the elements.
    pub kind: Kind,
    /// How many there are.
    pub len: usize,
}

/// Reads values one after another.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
    len: usize,
    protocol: Protocol,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` in one of the protocols.
    pub const fn new(protocol: Protocol, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, len: bytes.len(), protocol }
    }

    /// An error at this place.
    #[cold]
    pub const fn malformed(&self, what: Malformation) -> Malformed {
        Malformed { what, offset: self.len - self.rest.len() }
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or_else(|| self.malformed(Malformation::Truncated))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| self.malformed(Malformation::Truncated))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[b]| b)
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for i in 0..10 {
            let b = self.byte()?;
            value |= u64::from(b & 0x7f) << (7 * i);
            if b < 0x80 {
                return Ok(value);
            }
        }
        Err(self.malformed(Malformation::VarintTooLong))
    }

    fn zigzag(&mut self) -> Result<i64, Malformed> {
        let v = self.varint()?;
        Ok((v >> 1) as i64 ^ -((v & 1) as i64))
    }

    /// A length that cannot be more than the bytes that are left.
    fn length(&self, n: i64) -> Result<usize, Malformed> {
        match usize::try_from(n) {
            Ok(n) if n <= self.rest.len() => Ok(n),
            _ => Err(self.malformed(Malformation::Length(n))),
        }
    }

    /// The head of a call, and the name of what is called; the struct of arguments follows.
    ///
    /// # Errors
    /// Bytes that do not begin as a message of this protocol does.
    pub fn message(&mut self) -> Result<&'a [u8], Malformed> {
        match self.protocol {
            Protocol::Compact => {
                let [protocol, version_and_kind] = self.array()?;
                if protocol != 0x82 || version_and_kind & 0x1f != 1 {
                    return Err(self.malformed(Malformation::NotAMessage));
                }
                self.varint()?;
                self.bytes()
            }
            Protocol::Binary => {
                let first = i32::from_be_bytes(self.array()?);
                if first < 0 {
                    if (first as u32) >> 16 != 0x8001 {
                        return Err(self.malformed(Malformation::NotAMessage));
                    }
                    let name = self.bytes()?;
                    self.take(4)?;
                    return Ok(name);
                }
                // The older form has no version: the length of the name comes first.
                let len = self.length(i64::from(first))?;
                let name = self.take(len)?;
                self.take(5)?;
                Ok(name)
            }
        }
    }

    /// The head of the next field of a struct, or `None` at its end. `last` is the id of the
    /// field before, 0 at the beginning; it is moved on.
    ///
    /// # Errors
    /// A head that is cut off or of an unknown type.
    pub fn field(&mut self, last: &mut i16) -> Result<Option<Field>, Malformed> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let (id, kind, bool_value) = match self.protocol {
            Protocol::Binary => {
                let kind = self.binary_kind(head)?;
                (i16::from_be_bytes(self.array()?), kind, None)
            }
            Protocol::Compact => {
                let kind = self.compact_kind(head & 0x0f)?;
                let id = match head >> 4 {
                    0 => self.zigzag()? as i16,
                    delta => last.wrapping_add(i16::from(delta)),
                };
                (id, kind, (kind == Kind::Bool).then_some(head & 0x0f == 1))
            }
        };
        *last = id;
        Ok(Some(Field { id, kind, bool_value }))
    }

    const fn binary_kind(&self, n: u8) -> Result<Kind, Malformed> {
        Ok(match n {
            2 => Kind::Bool,
            3 => Kind::Byte,
            4 => Kind::Double,
            6 => Kind::I16,
            8 => Kind::I32,
            10 => Kind::I64,
            11 => Kind::Binary,
            12 => Kind::Struct,
            13 => Kind::Map,
            14 => Kind::Set,
            15 => Kind::List,
            16 => Kind::Uuid,
            other => return Err(self.malformed(Malformation::UnknownType(other))),
        })
    }

    const fn compact_kind(&self, n: u8) -> Result<Kind, Malformed> {
        Ok(match n {
            1 | 2 => Kind::Bool,
            3 => Kind::Byte,
            4 => Kind::I16,
            5 => Kind::I32,
            6 => Kind::I64,
            7 => Kind::Double,
            8 => Kind::Binary,
            9 => Kind::List,
            10 => Kind::Set,
            11 => Kind::Map,
            12 => Kind::Struct,
            13 => Kind::Uuid,
            other => return Err(self.malformed(Malformation::UnknownType(other))),
        })
    }

    /// Checks that a field has the type that its struct says.
    ///
    /// # Errors
    /// It has another.
    pub fn expect(&self, field: Field, kind: Kind) -> Result<(), Malformed> {
        if field.kind == kind {
            return Ok(());
        }
        Err(self.malformed(Malformation::UnexpectedType { field: field.id, found: field.kind }))
    }

    /// A bool that is a field.
    ///
    /// # Errors
    /// Another type, or the end of the bytes.
    pub fn bool(&mut self, field: Field) -> Result<bool, Malformed> {
        self.expect(field, Kind::Bool)?;
        match field.bool_value {
            Some(value) => Ok(value),
            None => Ok(self.byte()? == 1),
        }
    }

    /// An `i16`, `i32` or `i64` field.
    ///
    /// # Errors
    /// Another type, or the end of the bytes.
    pub fn int(&mut self, field: Field) -> Result<i64, Malformed> {
        if !matches!(field.kind, Kind::I16 | Kind::I32 | Kind::I64) {
            return Err(self.malformed(Malformation::UnexpectedType { field: field.id, found: field.kind }));
        }
        self.number(field.kind)
    }

    fn number(&mut self, kind: Kind) -> Result<i64, Malformed> {
        match (self.protocol, kind) {
            (Protocol::Compact, _) => self.zigzag(),
            (Protocol::Binary, Kind::I16) => self.array().map(i16::from_be_bytes).map(i64::from),
            (Protocol::Binary, Kind::I32) => self.array().map(i32::from_be_bytes).map(i64::from),
            (Protocol::Binary, _) => self.array().map(i64::from_be_bytes),
        }
    }

    /// A double field.
    ///
    /// # Errors
    /// Another type, or the end of the bytes.
    pub fn double(&mut self, field: Field) -> Result<f64, Malformed> {
        self.expect(field, Kind::Double)?;
        match self.protocol {
            Protocol::Binary => self.array().map(f64::from_be_bytes),
            // The specification and all implementations differ here; this is what they send.
            Protocol::Compact => self.array().map(f64::from_le_bytes),
        }
    }

    /// A string or bytes field.
    ///
    /// # Errors
    /// Another type, or the end of the bytes.
    pub fn binary(&mut self, field: Field) -> Result<&'a [u8], Malformed> {
        self.expect(field, Kind::Binary)?;
        self.bytes()
    }

    fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let n = match self.protocol {
            Protocol::Binary => i64::from(i32::from_be_bytes(self.array()?)),
            Protocol::Compact => self.varint()? as i64,
        };
        let n = self.length(n)?;
        self.take(n)
    }

    /// The head of a list field, whose elements follow.
    ///
    /// # Errors
    /// Another type, the end of the bytes, more elements than bytes.
    pub fn list(&mut self, field: Field) -> Result<List, Malformed> {
        self.expect(field, Kind::List)?;
        self.list_head()
    }

    /// The head of a list of structs.
    ///
    /// # Errors
    /// As [`Reader::list`], and elements that are no structs.
    pub fn structs(&mut self, field: Field) -> Result<usize, Malformed> {
        let list = self.list(field)?;
        if list.kind != Kind::Struct && list.len > 0 {
            return Err(self.malformed(Malformation::UnexpectedType { field: field.id, found: list.kind }));
        }
        Ok(list.len)
    }

    fn list_head(&mut self) -> Result<List, Malformed> {
        let head = self.byte()?;
        let (kind, len) = match self.protocol {
            Protocol::Binary => (self.binary_kind(head)?, i64::from(i32::from_be_bytes(self.array()?))),
            Protocol::Compact => {
                let kind = self.compact_kind(head & 0x0f)?;
                let len = match head >> 4 {
                    15 => self.varint()? as i64,
                    len => i64::from(len),
                };
                (kind, len)
            }
        };
        Ok(List { kind, len: self.length(len)? })
    }

    /// Skips the value of a field.
    ///
    /// # Errors
    /// A value that is cut off, of an unknown type or too deep.
    pub fn skip(&mut self, field: Field) -> Result<(), Malformed> {
        match field.bool_value {
            Some(_) => Ok(()),
            None => self.skip_value(field.kind, 0),
        }
    }

    fn skip_value(&mut self, kind: Kind, depth: usize) -> Result<(), Malformed> {
        if depth == MAX_DEPTH {
            return Err(self.malformed(Malformation::TooDeep));
        }
        match kind {
            Kind::Bool | Kind::Byte => self.byte().map(drop),
            Kind::I16 | Kind::I32 | Kind::I64 => self.number(kind).map(drop),
            Kind::Double => self.take(8).map(drop),
            Kind::Uuid => self.take(16).map(drop),
            Kind::Binary => self.bytes().map(drop),
            Kind::Struct => {
                let mut last = 0;
                while let Some(field) = self.field(&mut last)? {
                    if field.bool_value.is_none() {
                        self.skip_value(field.kind, depth + 1)?;
                    }
                }
                Ok(())
            }
            Kind::List | Kind::Set => {
                let list = self.list_head()?;
                (0..list.len).try_for_each(|_| self.skip_value(list.kind, depth + 1))
            }
            Kind::Map => self.skip_map(depth),
        }
    }

    fn skip_map(&mut self, depth: usize) -> Result<(), Malformed> {
        let (kinds, len) = match self.protocol {
            Protocol::Binary => {
                let [key, value] = self.array()?;
                let kinds = (self.binary_kind(key)?, self.binary_kind(value)?);
                (kinds, i64::from(i32::from_be_bytes(self.array()?)))
            }
            Protocol::Compact => match self.varint()? {
                0 => return Ok(()),
                len => {
                    let kinds = self.byte()?;
                    ((self.compact_kind(kinds >> 4)?, self.compact_kind(kinds & 0x0f)?), len as i64)
                }
            },
        };
        for _ in 0..self.length(len)? {
            self.skip_value(kinds.0, depth + 1)?;
            self.skip_value(kinds.1, depth + 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields_of_both_protocols() {
        // { 1: "ab", 2: i32 -3, 20: true }
        let compact: &[u8] = &[0x18, 2, b'a', b'b', 0x15, 5, 0x01, 40, 0];
        let binary: &[u8] = &[11, 0, 1, 0, 0, 0, 2, b'a', b'b', 8, 0, 2, 0xff, 0xff, 0xff, 0xfd, 2, 0, 20, 1, 0];
        for (protocol, bytes) in [(Protocol::Compact, compact), (Protocol::Binary, binary)] {
            let (mut r, mut last) = (Reader::new(protocol, bytes), 0);
            let field = r.field(&mut last).unwrap().unwrap();
            assert_eq!((field.id, r.binary(field)), (1, Ok(&b"ab"[..])));
            let field = r.field(&mut last).unwrap().unwrap();
            assert_eq!((field.id, r.int(field)), (2, Ok(-3)));
            let field = r.field(&mut last).unwrap().unwrap();
            assert_eq!((field.id, r.bool(field)), (20, Ok(true)));
            assert_eq!(r.field(&mut last), Ok(None));
        }
    }

    #[test]
    fn a_list_cannot_claim_more_than_there_is() {
        let mut r = Reader::new(Protocol::Compact, &[0x19, 0xfc, 0xff, 0xff, 0x7f]);
        let field = r.field(&mut 0).unwrap().unwrap();
        assert_eq!(r.list(field).unwrap_err().what, Malformation::Length(0x1f_ffff));
    }

    #[test]
    fn skipping_stops_at_a_depth() {
        let deep = [0x1c; 100];
        let mut r = Reader::new(Protocol::Compact, &deep);
        let field = r.field(&mut 0).unwrap().unwrap();
        assert_eq!(r.skip(field).unwrap_err().what, Malformation::TooDeep);
    }
}
