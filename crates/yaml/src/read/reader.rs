//! The serde deserializer: it knows places, and does not stop at names that it does not know.
//!
//! Types give way to what is asked for: a number is a text where a text is wanted, nothing is an empty mapping or list.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Error as _, IntoDeserializer, Visitor};

use super::{Manner, Unknown};
use crate::nearest::nearest;
use crate::node::{Key, Node, Value};
use crate::place::Place;

/// A [`super::ReadError`] on its way up, which may not know yet where it is.
#[derive(Debug)]
pub(super) struct Mistake {
    pub found: Option<(Place, String)>,
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl de::Error for Mistake {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { found: None, message: message.to_string() }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("`{field}` is missing"))
    }
}

/// The way from the top, built while going down.
pub(super) enum Path<'a> {
    Top,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Key(Self::Top, key) => f.write_str(key),
            Self::Key(above, key) => write!(f, "{above}.{key}"),
            Self::Index(above, index) => write!(f, "{above}[{index}]"),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Reader<'a, 'p> {
    pub node: &'a Node,
    pub path: &'p Path<'p>,
    pub manner: Manner,
    pub unknown: &'p RefCell<Vec<Unknown>>,
}

impl<'a> Reader<'a, '_> {
    /// The innermost value that is wrong is the one that is told.
    pub(super) fn locate(&self, mut e: Mistake) -> Mistake {
        e.found.get_or_insert_with(|| (self.node.place.clone(), self.path.to_string()));
        e
    }

    fn wants<T>(&self, what: &str) -> Result<T, Mistake> {
        let found = match &self.node.value {
            Value::Scalar { text, .. } => format!("`{text}`"),
            _ => self.node.what().to_owned(),
        };
        Err(Mistake::custom(format_args!("{what} is expected here, not {found}")))
    }

    fn number<N: std::str::FromStr>(&self, what: &str) -> Result<N, Mistake> {
        self.digits().parse().or_else(|_| self.wants(what))
    }

    /// A whole number; `least` and `most` are those of `N`.
    fn whole<N: std::str::FromStr>(&self, least: i128, most: i128) -> Result<N, Mistake> {
        let digits = self.digits();
        digits.parse().or_else(|_| match digits.parse::<i128>() {
            Ok(n) if n > most || (n < least && least < 0) => {
                self.wants(&format!("a whole number from {least} to {most}"))
            }
            _ if least == 0 => self.wants("a whole number, not negative,"),
            _ => self.wants("a whole number"),
        })
    }

    fn digits(&self) -> String {
        self.node.as_str().unwrap_or_default().trim().replace('_', "")
    }

    fn seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.node.value {
            Value::Null => visitor.visit_seq(Items { reader: self, items: [].iter(), next: 0 }),
            Value::Sequence(items) => visitor.visit_seq(Items { reader: self, items: items.iter(), next: 0 }),
            Value::Scalar { .. } if self.manner == Manner::Exact => self.wants("a list"),
            Value::Scalar { .. } => {
                visitor.visit_seq(Items { reader: self, items: std::slice::from_ref(self.node).iter(), next: 0 })
            }
            Value::Mapping(_) => self.wants("a list"),
        }
    }

    fn map<V: Visitor<'a>>(self, fields: Option<&'static [&'static str]>, visitor: V) -> Result<V::Value, Mistake> {
        let entries: &'a [(Key, Node)] = match &self.node.value {
            Value::Null => &[],
            Value::Mapping(entries) => entries,
            _ => return self.wants("a mapping"),
        };
        visitor.visit_map(Entries { reader: self, entries: entries.iter(), value: None, fields })
    }
}

/// What a plain scalar means when nobody asks for a type (YAML 1.2, core schema).
fn any<'a, V: Visitor<'a>>(text: &'a str, plain: bool, visitor: V) -> Result<V::Value, Mistake> {
    if plain {
        match text {
            "true" | "True" | "TRUE" => return visitor.visit_bool(true),
            "false" | "False" | "FALSE" => return visitor.visit_bool(false),
            ".nan" | ".NaN" | ".NAN" => return visitor.visit_f64(f64::NAN),
            ".inf" | ".Inf" | ".INF" => return visitor.visit_f64(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => return visitor.visit_f64(f64::NEG_INFINITY),
            _ => {}
        }
        if let Some(hex) = text.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok()) {
            return visitor.visit_u64(hex);
        }
        // Not negative where that is possible: visitors of sizes know nothing else.
        if let Ok(n) = text.parse::<u64>() {
            return visitor.visit_u64(n);
        }
        if let Ok(n) = text.parse::<i64>() {
            return visitor.visit_i64(n);
        }
        let begins_a_number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
        if let (true, Ok(n)) = (begins_a_number, text.parse::<f64>()) {
            return visitor.visit_f64(n);
        }
    }
    visitor.visit_borrowed_str(text)
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $type:ident;)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
            let number = self.whole($type::MIN as i128, $type::MAX as i128);
            number.and_then(|n| visitor.$visit(n)).map_err(|e| self.locate(e))
        }
    )*};
}

impl<'a> de::Deserializer<'a> for Reader<'a, '_> {
    type Error = Mistake;

    whole_numbers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_f32<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.number("a number").and_then(|n| visitor.visit_f32(n)).map_err(|e| self.locate(e))
    }

    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.number("a number").and_then(|n| visitor.visit_f64(n)).map_err(|e| self.locate(e))
    }

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Scalar { text, plain } => any(text, *plain, visitor),
            Value::Sequence(_) => self.seq(visitor),
            Value::Mapping(_) => self.map(None, visitor),
        }
        .map_err(|e| self.locate(e))
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
        // YAML 1.1 has these words, and so have the readers that configurations are written for.
        let value = match self.node.as_str().map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "yes" | "on" | "y") => Ok(true),
            Some("false" | "no" | "off" | "n") => Ok(false),
            Some("1") if self.manner == Manner::Loose => Ok(true),
            Some("0") if self.manner == Manner::Loose => Ok(false),
            _ => self.wants("`true` or `false`"),
        };
        value.and_then(|b| visitor.visit_bool(b)).map_err(|e| self.locate(e))
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.node.value {
            Value::Scalar { text, .. } => visitor.visit_borrowed_str(text),
            Value::Null => visitor.visit_borrowed_str(""),
            _ => self.wants("a text"),
        }
        .map_err(|e| self.locate(e))
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
        .map_err(|e| self.locate(e))
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_newtype_struct(self).map_err(|e| self.locate(e))
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.seq(visitor).map_err(|e| self.locate(e))
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.map(None, visitor).map_err(|e| self.locate(e))
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.map(Some(fields), visitor).map_err(|e| self.locate(e))
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let Some(text) = self.node.as_str() else { return self.wants("a single word").map_err(|e| self.locate(e)) };
        let Some(variant) = variants.iter().find(|v| self.manner.same(v, text)) else {
            let meant = nearest(text, variants.iter().copied()).map(|n| format!(", did you mean `{n}`?"));
            let message =
                format!("`{text}` is not known{}; there is {}", meant.unwrap_or_default(), variants.join(", "));
            return Err(self.locate(Mistake::custom(message)));
        };
        let variant: de::value::StrDeserializer<'_, Mistake> = (*variant).into_deserializer();
        visitor.visit_enum(variant).map_err(|e| self.locate(e))
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { <V: Visitor<'a>> bytes byte_buf unit unit_struct tuple_struct i128 u128 }
}

struct Items<'a, 'p> {
    reader: Reader<'a, 'p>,
    items: std::slice::Iter<'a, Node>,
    next: usize,
}

impl<'a> de::SeqAccess<'a> for Items<'a, '_> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Mistake> {
        let Some(node) = self.items.next() else { return Ok(None) };
        let path = Path::Index(self.reader.path, self.next);
        self.next += 1;
        let reader = Reader { node, path: &path, ..self.reader };
        seed.deserialize(reader).map(Some).map_err(|e| reader.locate(e))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'a, 'p> {
    reader: Reader<'a, 'p>,
    entries: std::slice::Iter<'a, (Key, Node)>,
    value: Option<(&'a Key, &'a Node)>,
    /// Of a struct; a mapping takes every key.
    fields: Option<&'static [&'static str]>,
}

impl Manner {
    /// The field that `key` spells.
    fn field(self, key: &str, fields: &'static [&'static str]) -> Option<&'static str> {
        let exact = fields.iter().find(|field| **field == key);
        let squeezed = |text: &str| text.replace('_', "").to_ascii_lowercase();
        let loose = || fields.iter().find(|field| self == Self::Loose && squeezed(field) == squeezed(key));
        exact.or_else(loose).copied()
    }

    /// Whether `text` spells the word `word`.
    fn same(self, word: &str, text: &str) -> bool {
        word == text || (self == Self::Loose && word.eq_ignore_ascii_case(text))
    }
}

impl<'a> de::MapAccess<'a> for Entries<'a, '_> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Mistake> {
        for (key, node) in self.entries.by_ref() {
            let Some(fields) = self.fields else {
                self.value = Some((key, node));
                let text: de::value::StrDeserializer<'_, Mistake> = key.text.as_str().into_deserializer();
                let found = || (key.place.clone(), Path::Key(self.reader.path, &key.text).to_string());
                return seed.deserialize(text).map(Some).map_err(|e| Mistake { found: Some(found()), ..e });
            };
            match self.reader.manner.field(&key.text, fields) {
                Some(name) => {
                    self.value = Some((key, node));
                    let text: de::value::StrDeserializer<'_, Mistake> = name.into_deserializer();
                    return seed.deserialize(text).map(Some);
                }
                None => self.reader.unknown.borrow_mut().push(Unknown {
                    key: key.clone(),
                    of: self.reader.path.to_string(),
                    known: fields,
                }),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        let (key, node) = self.value.take().ok_or_else(|| Mistake::custom("a value without a key"))?;
        let path = Path::Key(self.reader.path, &key.text);
        let reader = Reader { node, path: &path, ..self.reader };
        // A type that reads a text and makes something of it does not know where it is.
        seed.deserialize(reader).map_err(|e| reader.locate(e))
    }
}
