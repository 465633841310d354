//! Writes a message from its end to its beginning, so that every length is known when it is written.
//!
//! Nothing is moved and nothing is measured beforehand, which the other way
//! round costs one or the other on every level. Fields are therefore written
//! in reverse order, and a nested message is closed by its prefix:
//! [`Backward::mark`], its fields, [`Backward::message`]. Source: Protocol Buffers, "Encoding".

use bytes::Bytes;

/// Writes protobuf fields, the last one first.
#[derive(Debug)]
pub struct Backward {
    buf: Vec<u8>,
    /// What is written begins here.
    at: usize,
}

/// How much was written when a nested message began, at its end.
#[derive(Debug, Clone, Copy)]
pub struct Mark(usize);

impl Backward {
    /// An empty message that has room for `bytes`, and grows beyond.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { buf: vec![0; bytes], at: bytes }
    }

    /// The bytes written.
    pub fn into_bytes(self) -> Bytes {
        Bytes::from(self.buf).slice(self.at..)
    }

    /// What is written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.buf[self.at..]
    }

    /// Forgets what was written and keeps the memory.
    pub fn clear(&mut self) {
        self.at = self.buf.len();
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let written = self.buf.len() - self.at;
        let len = (self.buf.len() * 2).max(written + more).max(256);
        let mut larger = vec![0; len];
        larger[len - written..].copy_from_slice(&self.buf[self.at..]);
        self.at = len - written;
        self.buf = larger;
    }

    /// Puts bytes before what is written.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        if bytes.len() > self.at {
            self.grow(bytes.len());
        }
        let end = self.at;
        self.at -= bytes.len();
        self.buf[self.at..end].copy_from_slice(bytes);
    }

    #[inline]
    fn byte(&mut self, b: u8) {
        if self.at == 0 {
            self.grow(1);
        }
        self.at -= 1;
        self.buf[self.at] = b;
    }

    #[inline]
    fn varint(&mut self, v: u64) {
        if v < 0x80 {
            return self.byte(v as u8);
        }
        let (mut bytes, mut n, mut rest) = ([0u8; 10], 0, v);
        while rest >= 0x80 {
            bytes[n] = rest as u8 | 0x80;
            rest >>= 7;
            n += 1;
        }
        bytes[n] = rest as u8;
        self.raw(&bytes[..=n]);
    }

    #[inline]
    fn key(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    /// An integer, enum or bool field; negative numbers are passed as `as u64`.
    #[inline]
    pub fn uint(&mut self, field: u32, v: u64) {
        self.varint(v);
        self.key(field, 0);
    }

    /// A zigzag-encoded `sint32` or `sint64` field.
    pub fn sint(&mut self, field: u32, v: i64) {
        self.uint(field, (v << 1 ^ v >> 63) as u64);
    }

    /// A `fixed64` or `sfixed64` field.
    #[inline]
    pub fn fixed64(&mut self, field: u32, v: u64) {
        self.raw(&v.to_le_bytes());
        self.key(field, 1);
    }

    /// A `double` field.
    #[inline]
    pub fn double(&mut self, field: u32, v: f64) {
        self.fixed64(field, v.to_bits());
    }

    /// A `fixed32` field.
    pub fn fixed32(&mut self, field: u32, v: u32) {
        self.raw(&v.to_le_bytes());
        self.key(field, 5);
    }

    /// A `string` or `bytes` field.
    #[inline]
    pub fn bytes(&mut self, field: u32, v: &[u8]) {
        self.raw(v);
        self.varint(v.len() as u64);
        self.key(field, 2);
    }

    /// Packed `fixed64` or `double` values; none are no field.
    pub fn packed_fixed64(&mut self, field: u32, values: impl DoubleEndedIterator<Item = u64>) {
        let mark = self.mark();
        values.rev().for_each(|v| self.raw(&v.to_le_bytes()));
        self.message_unless_empty(field, mark);
    }

    /// Packed `uint64` values; none are no field.
    pub fn packed_uint(&mut self, field: u32, values: &[u64]) {
        let mark = self.mark();
        values.iter().rev().for_each(|v| self.varint(*v));
        self.message_unless_empty(field, mark);
    }

    /// The end of a nested message; its fields follow, then [`Backward::message`].
    #[inline]
    pub fn mark(&self) -> Mark {
        Mark(self.buf.len() - self.at)
    }

    /// The prefix of the message whose fields were written since `end`.
    #[inline]
    pub fn message(&mut self, field: u32, end: Mark) {
        self.varint((self.buf.len() - self.at - end.0) as u64);
        self.key(field, 2);
    }

    /// As [`Backward::message`], but a message without fields is left out.
    pub fn message_unless_empty(&mut self, field: u32, end: Mark) {
        if self.mark().0 > end.0 {
            self.message(field, end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf::Writer;

    #[test]
    fn writes_what_the_forward_writer_writes() {
        let mut w = Writer::new();
        w.uint(1, 150);
        w.message(1000, |w| {
            w.string(2, &"long ".repeat(60));
            w.message(3, |w| w.sint(1, i64::MIN));
            w.double(4, -0.5);
        });
        w.fixed32(5, 7);
        w.message(6, |w| w.raw(&[1, 2, 0x80, 1]));
        for room in [0, 1, 700] {
            let mut b = Backward::with_capacity(room);
            b.packed_uint(7, &[]);
            b.packed_uint(6, &[1, 2, 128]);
            b.fixed32(5, 7);
            let outer = b.mark();
            b.double(4, -0.5);
            let inner = b.mark();
            b.sint(1, i64::MIN);
            b.message(3, inner);
            b.bytes(2, "long ".repeat(60).as_bytes());
            b.message(1000, outer);
            b.uint(1, 150);
            assert_eq!(&b.into_bytes()[..], w.as_bytes());
        }
    }
}
