//! The same message spelled otherwise: fields in another order, unknown fields between them.

use model::Signal;
use wire::protobuf::{Key, Reader, Writer};

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators"): seeded, so that failures repeat.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// Message types, as far as the order of their fields is changed.
#[derive(Clone, Copy)]
enum Type {
    Request,
    Resources,
    Scopes,
    Owner { attributes: u32 },
    Span,
    Log,
    Metric,
    Data,
    Point,
    KeyValue,
    AnyValue,
    Array,
    Map,
    Other,
}

/// The type of the messages in `field` of `of`, if they are messages.
fn child(signal: Signal, of: Type, field: u32) -> Option<Type> {
    Some(match (of, field) {
        (Type::Request, 1) => Type::Resources,
        (Type::Resources, 1) => Type::Owner { attributes: 1 },
        (Type::Resources, 2) => Type::Scopes,
        (Type::Scopes, 1) => Type::Owner { attributes: 3 },
        (Type::Scopes, 2) => match signal {
            Signal::Traces => Type::Span,
            Signal::Logs => Type::Log,
            Signal::Metrics => Type::Metric,
        },
        (Type::Owner { attributes }, f) if f == attributes => Type::KeyValue,
        (Type::Span, 9) | (Type::Log, 6) | (Type::Map, 1) => Type::KeyValue,
        (Type::Span, 11) => Type::Owner { attributes: 3 },
        (Type::Span, 13) => Type::Owner { attributes: 4 },
        (Type::Span, 15) => Type::Other,
        (Type::Log, 5) | (Type::KeyValue, 2) | (Type::Array, 1) => Type::AnyValue,
        (Type::Metric, 5 | 7 | 9 | 10 | 11) => Type::Data,
        (Type::Data, 1) => Type::Point,
        (Type::AnyValue, 5) => Type::Array,
        (Type::AnyValue, 6) => Type::Map,
        _ => return None,
    })
}

/// Changes the order of different fields on all levels and puts unknown fields between them. Values of the same
/// repeated field stay in order, because that order means something.
pub(crate) fn shuffled(signal: Signal, request: &[u8], rng: &mut Rng) -> Vec<u8> {
    message(signal, Type::Request, request, rng)
}

fn message(signal: Signal, of: Type, bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut fields: Vec<(u32, Vec<u8>)> = vec![];
    let mut r = Reader::new(bytes);
    while let Some(key) = r.key().unwrap() {
        let field = key.field();
        let mut w = Writer::new();
        match (key.wire_type(), child(signal, of, field)) {
            (2, Some(inner)) => w.bytes(field, &message(signal, inner, r.delimited().unwrap(), rng)),
            (2, None) => w.bytes(field, r.delimited().unwrap()),
            (0, _) => w.uint(field, r.uint().unwrap()),
            (1, _) => w.fixed64(field, r.fixed64().unwrap()),
            (5, _) => w.fixed32(field, r.fixed32().unwrap()),
            other => panic!("the encoder wrote wire type {}", other.0),
        }
        fields.push((field, w.into_bytes()));
    }
    if rng.below(4) == 0 {
        let mut w = Writer::new();
        w.string(600, "unknown");
        w.uint(601, rng.next());
        // A group with a field in it, which no writer has written for a long time.
        let key = u64::from(Key::varint(602).field()) << 3;
        for v in [key | 3, 8, 1, key | 4] {
            let mut varint = Writer::new();
            varint.uint(1, v);
            w.raw(&varint.as_bytes()[1..]);
        }
        fields.push((600, w.into_bytes()));
    }
    let seed = rng.next();
    fields.sort_by_key(|(field, _)| Rng(seed ^ u64::from(*field)).next());
    fields.into_iter().flat_map(|(_, bytes)| bytes).collect()
}
