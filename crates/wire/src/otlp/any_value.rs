//! `KeyValue` and `AnyValue`: checked to the last byte, borrowed from the request.
//!
//! Source: opentelemetry/proto/common/v1/common.proto.

use super::fault::{Fault, Refusal};
use super::limits::Limits;
use super::text::{self, utf8};
use crate::protobuf::Reader;
use crate::sink::{MAX_NESTING, ValueRef};

pub(super) mod field {
    //! Keys of the fields of `KeyValue`, `AnyValue`, `ArrayValue` and `KeyValueList`.
    use crate::protobuf::Key;

    pub(in crate::otlp) const KEY: Key = Key::delimited(1);
    pub(in crate::otlp) const VALUE: Key = Key::delimited(2);

    pub(in crate::otlp) const STRING: Key = Key::delimited(1);
    pub(in crate::otlp) const BOOL: Key = Key::varint(2);
    pub(in crate::otlp) const INT: Key = Key::varint(3);
    pub(in crate::otlp) const DOUBLE: Key = Key::fixed64(4);
    pub(in crate::otlp) const ARRAY: Key = Key::delimited(5);
    pub(in crate::otlp) const MAP: Key = Key::delimited(6);
    pub(in crate::otlp) const BYTES: Key = Key::delimited(7);

    /// `values` of `ArrayValue` and of `KeyValueList`.
    pub(in crate::otlp) const VALUES: Key = Key::delimited(1);
}
use field::{ARRAY, BOOL, BYTES, DOUBLE, INT, KEY, MAP, STRING, VALUE, VALUES};

const KEY_VALUE_FIELDS: u32 = 0b110;
const ANY_VALUE_FIELDS: u32 = 0b1111_1110;
const LIST_FIELDS: u32 = 0b10;

/// Reads one attribute. A missing value is [`ValueRef::Empty`].
///
/// Nearly every encoder writes the key, then the value, and both are short:
/// that shape is taken apart without a loop.
#[inline]
pub(super) fn key_value<'a>(kv: Reader<'a>, limits: &Limits) -> Result<(&'a str, ValueRef<'a>), Fault> {
    if let [0x0a, key_len @ 0..0x80, rest @ ..] = kv.rest()
        && let Some((key, [0x12, value_len @ 0..0x80, value @ ..])) = rest.split_at_checked(usize::from(*key_len))
        && value.len() == usize::from(*value_len)
    {
        let key = utf8(key).map_err(|f| f.inside("key"))?;
        let at = kv.offset() + kv.rest().len() - value.len();
        return Ok((key, short_value(value, at, limits).map_err(|f| f.inside("value"))?));
    }
    any_key_value(kv, limits, 0)
}

/// A value of less than 128 bytes that lies at `offset` of the request.
#[inline]
fn short_value<'a>(bytes: &'a [u8], offset: usize, limits: &Limits) -> Result<ValueRef<'a>, Fault> {
    match bytes {
        [0x0a, len, text @ ..] if text.len() == usize::from(*len) => utf8(text).map(ValueRef::Str),
        [0x18, v @ 0..0x80] => Ok(ValueRef::Int(i64::from(*v))),
        [0x18, low @ 0x80..=0xff, high @ 0..0x80] => Ok(ValueRef::Int(i64::from(low & 0x7f) | i64::from(*high) << 7)),
        [0x10, v @ 0..2] => Ok(ValueRef::Bool(*v == 1)),
        [0x21, a, b, c, d, e, f, g, h] => Ok(ValueRef::Double(f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]))),
        _ => value(Reader::within(bytes, offset), limits, 0),
    }
}

/// Reads one attribute of any shape that lies in `depth` arrays and maps.
fn any_key_value<'a>(mut kv: Reader<'a>, limits: &Limits, depth: usize) -> Result<(&'a str, ValueRef<'a>), Fault> {
    let (mut k, mut v) = ("", ValueRef::Empty);
    while let Some(key) = kv.key()? {
        match key {
            KEY => k = text::field(kv.delimited()?, limits, "key")?,
            VALUE => v = value(kv.message()?, limits, depth).map_err(|f| f.inside("value"))?,
            _ => kv.skip_unknown(key, KEY_VALUE_FIELDS)?,
        }
    }
    Ok((k, v))
}

/// Reads an `AnyValue` that lies in `depth` arrays and maps. Of several values the last one counts.
pub(super) fn value<'a>(mut r: Reader<'a>, limits: &Limits, depth: usize) -> Result<ValueRef<'a>, Fault> {
    let mut v = ValueRef::Empty;
    while let Some(key) = r.key()? {
        v = match key {
            STRING => ValueRef::Str(text::field(r.delimited()?, limits, "string_value")?),
            BOOL => ValueRef::Bool(r.uint()? != 0),
            INT => ValueRef::Int(r.uint()? as i64),
            DOUBLE => ValueRef::Double(r.double()?),
            ARRAY => ValueRef::Array(list(r.message()?, limits, depth, element).map_err(|f| f.inside("array_value"))?),
            MAP => ValueRef::Map(list(r.message()?, limits, depth, entry).map_err(|f| f.inside("kvlist_value"))?),
            BYTES => {
                let bytes = r.delimited()?;
                limits.check_bytes(bytes.len())?;
                ValueRef::Bytes(bytes)
            }
            _ => {
                r.skip_unknown(key, ANY_VALUE_FIELDS)?;
                continue;
            }
        }
    }
    Ok(v)
}

type CheckItem = for<'a> fn(Reader<'a>, &Limits, usize) -> Result<(), Fault>;

fn element(r: Reader<'_>, limits: &Limits, depth: usize) -> Result<(), Fault> {
    value(r, limits, depth).map(drop)
}

fn entry(r: Reader<'_>, limits: &Limits, depth: usize) -> Result<(), Fault> {
    any_key_value(r, limits, depth).map(drop)
}

/// Checks an `ArrayValue` or `KeyValueList` throughout and returns its bytes.
fn list<'a>(mut r: Reader<'a>, limits: &Limits, depth: usize, check: CheckItem) -> Result<&'a [u8], Fault> {
    if depth == MAX_NESTING {
        return Err(Refusal::TooDeep.into());
    }
    let raw = r.rest();
    limits.check_bytes(raw.len())?;
    let mut index = 0;
    while let Some(key) = r.key()? {
        if key == VALUES {
            check(r.message()?, limits, depth + 1).map_err(|f| f.at("values", index))?;
            index += 1;
        } else {
            r.skip_unknown(key, LIST_FIELDS)?;
        }
    }
    Ok(raw)
}

/// Reads and counts one attribute of the record that `r` reads, into `(key, value)`.
#[inline]
pub(super) fn attribute<'a>(
    r: &mut Reader<'a>,
    n: &mut usize,
    limits: &Limits,
) -> Result<(&'a str, ValueRef<'a>), Fault> {
    let index = super::limits::count(n, limits.max_attributes, "attributes")?;
    key_value(r.message()?, limits).map_err(|f| f.at("attributes", index))
}
