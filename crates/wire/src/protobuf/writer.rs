//! Writes messages whose lengths are known only at their end.
//!
//! Knows nothing of the messages' meaning. Source: Protocol Buffers, "Encoding". A nested message is written with a
//! length prefix that is patched when the message ends; the prefix is moved
//! when it needs more than one byte, which for telemetry is the rare case at
//! the leaves and amortised at the top.

/// Where the content of a nested message begins; see [`Writer::open`].
#[derive(Debug)]
#[must_use = "a message that is not closed has no length"]
pub struct Open(usize);

/// Writes protobuf fields one after another.
#[derive(Debug, Default, Clone)]
pub struct Writer {
    buf: Vec<u8>,
}

impl Writer {
    /// An empty message.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty message that has room for `bytes`, and grows beyond.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { buf: Vec::with_capacity(bytes) }
    }

    /// The bytes written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.buf
    }

    /// The bytes written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.buf
    }

    /// Forgets what was written and keeps the memory.
    pub fn clear(&mut self) {
        self.buf.clear();
    }

    fn varint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.buf.push(v as u8 | 0x80);
            v >>= 7;
        }
        self.buf.push(v as u8);
    }

    fn key(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field) << 3 | u64::from(wire_type));
    }

    /// An integer, enum or bool field; negative numbers are passed as `as u64`.
    pub fn uint(&mut self, field: u32, v: u64) {
        self.key(field, 0);
        self.varint(v);
    }

    /// A zigzag-encoded `sint32` or `sint64` field.
    pub fn sint(&mut self, field: u32, v: i64) {
        self.uint(field, (v << 1 ^ v >> 63) as u64);
    }

    /// A `fixed64` or `sfixed64` field.
    pub fn fixed64(&mut self, field: u32, v: u64) {
        self.key(field, 1);
        self.buf.extend_from_slice(&v.to_le_bytes());
    }

    /// A `double` field.
    pub fn double(&mut self, field: u32, v: f64) {
        self.fixed64(field, v.to_bits());
    }

    /// A `fixed32` field.
    pub fn fixed32(&mut self, field: u32, v: u32) {
        self.key(field, 5);
        self.buf.extend_from_slice(&v.to_le_bytes());
    }

    /// A `string` or `bytes` field, or a message that is encoded already.
    pub fn bytes(&mut self, field: u32, v: &[u8]) {
        self.key(field, 2);
        self.varint(v.len() as u64);
        self.buf.extend_from_slice(v);
    }

    /// A `string` field.
    pub fn string(&mut self, field: u32, v: &str) {
        self.bytes(field, v.as_bytes());
    }

    /// A nested message, written by `body`.
    pub fn message(&mut self, field: u32, body: impl FnOnce(&mut Self)) {
        let open = self.open(field);
        body(self);
        self.close(open);
    }

    /// Begins a nested message, for callers whose body can fail; end it with [`Writer::close`].
    pub fn open(&mut self, field: u32) -> Open {
        self.key(field, 2);
        self.buf.push(0);
        Open(self.buf.len())
    }

    /// Ends the message that began with `open`; messages that began later must have ended before.
    pub fn close(&mut self, open: Open) {
        let mut rest = self.buf.len() - open.0;
        if let (0..0x80, Some(prefix)) = (rest, self.buf.get_mut(open.0 - 1)) {
            *prefix = rest as u8;
            return;
        }
        let mut prefix = [0u8; 10];
        let mut n = 0;
        loop {
            prefix[n] = rest as u8 & 0x7f | if rest >= 0x80 { 0x80 } else { 0 };
            n += 1;
            rest >>= 7;
            if rest == 0 {
                break;
            }
        }
        self.buf.splice(open.0 - 1..open.0, prefix[..n].iter().copied());
    }

    /// The beginning of a nested message of `len` bytes, whose fields follow with [`Writer::raw`].
    pub fn message_of(&mut self, field: u32, len: usize) {
        self.key(field, 2);
        self.varint(len as u64);
    }

    /// Takes back a message that began with `open`, its key included; messages that began later are taken back with it.
    /// Only for fields below 16, whose keys are one byte.
    pub fn abandon(&mut self, open: Open) {
        self.buf.truncate(open.0.saturating_sub(2));
    }

    /// Fields that are encoded already, appended to the message that is being written.
    pub fn raw(&mut self, fields: &[u8]) {
        self.buf.extend_from_slice(fields);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_examples_of_the_encoding_page() {
        let mut w = Writer::new();
        w.uint(1, 150);
        w.string(2, "testing");
        w.message(3, |w| w.uint(1, 150));
        w.sint(4, -2);
        assert_eq!(w.as_bytes(), b"\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01\x20\x03");
    }

    #[test]
    fn long_messages_get_long_prefixes() {
        let mut w = Writer::new();
        w.message(1, |w| w.bytes(1, &[7; 300]));
        assert_eq!(&w.as_bytes()[..6], b"\x0a\xaf\x02\x0a\xac\x02");
        assert_eq!(w.as_bytes().len(), 306);
    }
}
