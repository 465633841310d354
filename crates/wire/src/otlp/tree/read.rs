//! Pieces that all messages are read from.

use super::Text;
use crate::otlp::text::utf8;
use crate::protobuf::{Malformed, Reader};

/// Wire types, as patterns beside a field's number.
pub(super) const VARINT: u8 = 0;
pub(super) const FIXED64: u8 = 1;
pub(super) const LEN: u8 = 2;
pub(super) const FIXED32: u8 = 5;

/// A text field. What is not UTF-8 in it is replaced.
#[inline]
pub(super) fn text(r: &mut Reader<'_>) -> Result<Text, Malformed> {
    r.delimited().map(of_bytes)
}

#[inline]
pub(super) fn of_bytes(bytes: &[u8]) -> Text {
    match utf8(bytes) {
        Ok(text) => Text::new(text),
        Err(_) => Text::from_utf8_lossy(bytes),
    }
}

/// One value of a repeated `fixed64` or `double` field, or several packed ones.
pub(super) fn fixed64s(r: &mut Reader<'_>, wire_type: u8, mut push: impl FnMut(u64)) -> Result<(), Malformed> {
    if wire_type == FIXED64 {
        push(r.fixed64()?);
        return Ok(());
    }
    let mut packed = r.message()?;
    while !packed.is_empty() {
        push(packed.fixed64()?);
    }
    Ok(())
}

/// One value of a repeated `uint64` field, or several packed ones.
pub(super) fn uints(r: &mut Reader<'_>, wire_type: u8, out: &mut Vec<u64>) -> Result<(), Malformed> {
    if wire_type == VARINT {
        out.push(r.uint()?);
        return Ok(());
    }
    let mut packed = r.message()?;
    while !packed.is_empty() {
        out.push(packed.uint()?);
    }
    Ok(())
}
