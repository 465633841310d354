//! Whether a record that is refused is at least well-formed.
//!
//! Reading a record ends at the first thing that is wrong with it. What comes behind is
//! checked here, so that a broken request is refused as a whole whatever else is wrong with
//! it, and whatever the limits are: the same request decodes the same way when it is replayed.

use super::schema::{self, Kind, Label, Message};
use crate::protobuf::{Key, Malformation, Malformed, Reader};

/// Messages deeper than this are stepped over: no record that deep is ever stored, and the stack is finite.
const MAX_DEPTH: usize = 128;

/// Checks a message and the messages in it.
pub(super) fn check(message: &Message, r: Reader<'_>) -> Result<(), Malformed> {
    check_nested(message, r, 0)
}

fn check_nested(message: &Message, mut r: Reader<'_>, depth: usize) -> Result<(), Malformed> {
    while let Some(key) = r.key()? {
        let Some(field) = message.numbered(key.field()).filter(|f| f.label != Label::Unread) else {
            r.skip(key)?;
            continue;
        };
        match (field.kind, key.wire_type()) {
            (Kind::Message(inner), 2) if std::ptr::eq(inner, &schema::KEY_VALUE) && usual_attribute(&mut r) => {}
            (Kind::Message(inner), 2) if depth < MAX_DEPTH => check_nested(inner, r.message()?, depth + 1)?,
            (kind, found) if found == wire_type(kind) => r.skip(key)?,
            (kind, 2) if field.repeated() => check_packed(kind, r.message()?)?,
            (_, found) => return Err(r.malformed(Malformation::UnexpectedWireType { field: field.number, found })),
        }
    }
    Ok(())
}

/// Steps over an attribute as nearly every encoder writes it: a short key, then a short value that is no array and no map.
#[inline]
fn usual_attribute(r: &mut Reader<'_>) -> bool {
    let [len @ 0..0x80, rest @ ..] = r.rest() else { return false };
    let Some(attribute) = rest.get(..usize::from(*len)) else { return false };
    let [0x0a, key_len @ 0..0x80, rest @ ..] = attribute else { return false };
    let Some([0x12, value_len @ 0..0x80, value @ ..]) = rest.get(usize::from(*key_len)..) else { return false };
    let usual = value.len() == usize::from(*value_len)
        && match value {
            [0x0a, text_len, text @ ..] => text.len() == usize::from(*text_len) && *text_len < 0x80,
            [0x10 | 0x18, 0..0x80] | [0x18, 0x80..=0xff, 0..0x80] => true,
            [0x21, number @ ..] => number.len() == 8,
            _ => false,
        };
    usual && r.delimited().is_ok()
}

fn check_packed(kind: Kind, mut packed: Reader<'_>) -> Result<(), Malformed> {
    let element = match wire_type(kind) {
        0 => Key::varint(1),
        1 => Key::fixed64(1),
        _ => Key::fixed32(1),
    };
    while !packed.is_empty() {
        packed.skip(element)?;
    }
    Ok(())
}

/// How a value of `kind` is written.
pub(super) const fn wire_type(kind: Kind) -> u8 {
    match kind {
        Kind::Bool | Kind::Uint32 | Kind::Uint64 | Kind::Int64 | Kind::Sint32 | Kind::Enum(_) => 0,
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => 1,
        Kind::Text | Kind::Base64 | Kind::Id | Kind::Message(_) => 2,
        Kind::Fixed32 => 5,
    }
}
