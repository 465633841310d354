//! `AnyValue`: text, number, bytes, list or map.

use super::read::{FIXED64, LEN, VARINT, of_bytes, text};
use super::{Attributes, Text};
use crate::otlp::{schema, structure};
use crate::protobuf::{Backward, Malformed, Reader};
use crate::sink::MAX_NESTING;

/// Lists and maps that lie deeper are kept as bytes: one level above what the engines take.
pub(super) const MAX_DEPTH: usize = MAX_NESTING + 1;

/// One value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// No value.
    #[default]
    Empty,
    /// A text.
    Str(Text),
    /// True or false.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// A double, NaN and infinities included.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list of values of any type.
    Array(Vec<Value>),
    /// Keys and values.
    Map(Attributes),
    /// A list or map in more than 32 others, as the fields of its `AnyValue`; engines and back ends refuse it.
    TooDeep(Box<[u8]>),
}

impl Value {
    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(s) => Some(s),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(i) => Some(*i),
            _ => None,
        }
    }

    /// A text of this value: texts as they are, bytes in base64, lists and maps as JSON (`pcommon.Value.AsString`).
    pub fn to_text(&self) -> Text {
        match self {
            Self::Empty | Self::TooDeep(_) => Text::default(),
            Self::Str(s) => s.clone(),
            other => Text::from(match other.to_json() {
                serde_json::Value::String(s) => s,
                json => json.to_string(),
            }),
        }
    }

    /// As JSON; bytes in base64, doubles that JSON does not have as text.
    pub fn to_json(&self) -> serde_json::Value {
        use base64::Engine;
        use serde_json::Value as Json;
        match self {
            Self::Empty | Self::TooDeep(_) => Json::Null,
            Self::Str(s) => Json::String(s.to_string()),
            Self::Bool(b) => Json::Bool(*b),
            Self::Int(i) => Json::from(*i),
            Self::Double(d) => {
                serde_json::Number::from_f64(*d).map_or_else(|| Json::String(d.to_string()), Json::Number)
            }
            Self::Bytes(b) => Json::String(base64::engine::general_purpose::STANDARD.encode(b)),
            Self::Array(values) => Json::Array(values.iter().map(Self::to_json).collect()),
            Self::Map(map) => Json::Object(map.iter().map(|(k, v)| (k.to_owned(), v.to_json())).collect()),
        }
    }

    /// What a JSON text means; numbers without a fraction are integers where they fit.
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Empty,
            Json::Bool(b) => Self::Bool(*b),
            Json::Number(n) => n.as_i64().map_or_else(|| Self::Double(n.as_f64().unwrap_or(f64::NAN)), Self::Int),
            Json::String(s) => Self::Str(s.into()),
            Json::Array(values) => Self::Array(values.iter().map(Self::from_json).collect()),
            Json::Object(map) => Self::Map(map.iter().map(|(k, v)| (k, Self::from_json(v))).collect()),
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Str(s) if s.is_heap_allocated() => s.capacity(),
            Self::Bytes(b) => b.capacity(),
            Self::Array(values) => values.iter().map(|v| size_of::<Self>() + v.heap_bytes()).sum(),
            Self::Map(map) => map.heap_bytes(),
            Self::TooDeep(raw) => raw.len(),
            _ => 0,
        }
    }

    /// Reads a value of less than 128 bytes that lies at `offset` of the request.
    #[inline]
    pub(super) fn read_short(bytes: &[u8], offset: usize, depth: usize) -> Result<Self, Malformed> {
        match bytes {
            [0x0a, len, text @ ..] if text.len() == usize::from(*len) => Ok(Self::Str(of_bytes(text))),
            [0x18, v @ 0..0x80] => Ok(Self::Int(i64::from(*v))),
            [0x10, v @ 0..2] => Ok(Self::Bool(*v == 1)),
            _ => Self::read(Reader::within(bytes, offset), depth),
        }
    }

    /// Reads an `AnyValue` that lies in `depth` arrays and maps. Of several values the last one counts.
    pub(super) fn read(mut r: Reader<'_>, depth: usize) -> Result<Self, Malformed> {
        let whole = r;
        let mut v = Self::Empty;
        while let Some(key) = r.key()? {
            v = match (key.field(), key.wire_type()) {
                (1, LEN) => Self::Str(text(&mut r)?),
                (2, VARINT) => Self::Bool(r.uint()? != 0),
                (3, VARINT) => Self::Int(r.uint()? as i64),
                (4, FIXED64) => Self::Double(r.double()?),
                (5 | 6, LEN) if depth >= MAX_DEPTH => {
                    structure::check(&schema::ANY_VALUE, whole)?;
                    return Ok(Self::TooDeep(whole.rest().into()));
                }
                (5, LEN) => Self::Array(Self::read_array(r.message()?, depth + 1)?),
                (6, LEN) => Self::Map(Attributes::read_list(r.message()?, depth + 1)?),
                (7, LEN) => Self::Bytes(r.delimited()?.to_vec()),
                _ => {
                    r.skip_unknown(key, 0b1111_1110)?;
                    continue;
                }
            }
        }
        Ok(v)
    }

    fn read_array(mut r: Reader<'_>, depth: usize) -> Result<Vec<Self>, Malformed> {
        let mut out = Vec::new();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, LEN) => out.push(Self::read(r.message()?, depth)?),
                _ => r.skip_unknown(key, 0b10)?,
            }
        }
        Ok(out)
    }

    /// Writes the fields of an `AnyValue`.
    #[inline]
    pub(super) fn encode(&self, w: &mut Backward) {
        match self {
            Self::Empty => {}
            Self::Str(s) => w.bytes(1, s.as_bytes()),
            Self::Bool(b) => w.uint(2, u64::from(*b)),
            Self::Int(i) => w.uint(3, *i as u64),
            Self::Double(d) => w.double(4, *d),
            Self::Bytes(b) => w.bytes(7, b),
            Self::Array(values) => {
                let end = w.mark();
                for value in values.iter().rev() {
                    let end = w.mark();
                    value.encode(w);
                    w.message(1, end);
                }
                w.message(5, end);
            }
            Self::Map(map) => {
                let end = w.mark();
                map.encode(w, 1);
                w.message(6, end);
            }
            Self::TooDeep(raw) => w.raw(raw),
        }
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::Str(s.into())
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Self::Str(s.into())
    }
}

impl From<Text> for Value {
    fn from(s: Text) -> Self {
        Self::Str(s)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Self {
        Self::Int(i)
    }
}

impl From<f64> for Value {
    fn from(d: f64) -> Self {
        Self::Double(d)
    }
}

impl From<Attributes> for Value {
    fn from(map: Attributes) -> Self {
        Self::Map(map)
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Self::Array(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_goes_both_ways() {
        let json = serde_json::json!({"a": [1, 2.5, null, true], "b": {"c": "x"}});
        let value = Value::from_json(&json);
        assert_eq!(value.to_json(), json);
        assert_eq!(value.to_text(), json.to_string());
        assert_eq!(Value::Bytes(b"hi".to_vec()).to_text(), "aGk=");
        assert_eq!(Value::Double(f64::NAN).to_text(), "NaN");
    }

    #[test]
    fn what_is_too_deep_is_kept_as_it_came() {
        let mut w = Backward::with_capacity(0);
        w.bytes(1, b"x");
        for _ in 0..100 {
            w.message(1, Backward::with_capacity(0).mark());
            w.message(5, Backward::with_capacity(0).mark());
        }
        let bytes = w.into_bytes();
        let value = Value::read(Reader::new(&bytes), 0).unwrap();
        let mut again = Backward::with_capacity(0);
        value.encode(&mut again);
        assert_eq!(again.into_bytes(), bytes);
    }
}
