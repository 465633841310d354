//! A tree read into types that derive `Deserialize`.
//!
//! A key that a struct does not have is noted with the nearest name and left out, so that all of them are reported. What
//! has the wrong type ends the reading of that part, with its place.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer as _, MapAccess, SeqAccess, Visitor};

use super::{Key, Node, Place, Value, YamlError};
use crate::finding::Findings;

impl Node {
    /// Fills a `T`. Keys that a struct does not have become errors in `findings`; `path` is what they are said to be of.
    ///
    /// # Errors
    /// The first value of a wrong type. It is returned and not noted.
    pub fn read<T: de::DeserializeOwned>(&self, path: &str, findings: &mut Findings) -> Result<T, YamlError> {
        let sink = RefCell::new(std::mem::take(findings));
        let read = T::deserialize(Reader { node: self, path: path.to_owned(), sink: &sink });
        *findings = sink.into_inner();
        read.map_err(|e| e.at(self.place))
    }

    /// As [`Node::read`], with the error noted.
    pub fn read_or_note<T: de::DeserializeOwned>(&self, path: &str, findings: &mut Findings) -> Option<T> {
        match self.read(path, findings) {
            Ok(value) => Some(value),
            Err(e) => {
                findings.error(e.place, path, e.message, "");
                None
            }
        }
    }
}

/// The known name that is nearest to `given`, if one is near.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.into_iter().map(|name| (strsim::damerau_levenshtein(given, name), name));
    near.min().filter(|(distance, name)| *distance <= 1 + name.len().min(given.len()) / 4).map(|(_, name)| name)
}

/// An error whose place may not be known yet.
#[derive(Debug)]
struct ReadError {
    place: Option<Place>,
    /// Whether the message names the field.
    named: bool,
    message: String,
}

impl ReadError {
    fn at(self, place: Place) -> YamlError {
        YamlError { place: self.place.unwrap_or(place), message: self.message }
    }

    fn placed(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { place: None, named: false, message: message.to_string() }
    }
}

struct Reader<'a> {
    node: &'a Node,
    path: String,
    sink: &'a RefCell<Findings>,
}

impl<'a> Reader<'a> {
    fn below(&self, node: &'a Node, path: String) -> Self {
        Self { node, path, sink: self.sink }
    }

    fn error(&self, message: impl Into<String>) -> ReadError {
        ReadError { place: Some(self.node.place), named: false, message: message.into() }
    }

    fn text(&self, expected: &str) -> Result<&'a str, ReadError> {
        match &self.node.value {
            Value::Scalar { text, .. } => Ok(text),
            Value::Sequence(_) => Err(self.error(format!("{expected} was expected, this is a list"))),
            Value::Mapping(_) => Err(self.error(format!("{expected} was expected, this is a mapping"))),
        }
    }

    fn number<T: std::str::FromStr>(&self) -> Result<T, ReadError> {
        let text = self.text("a number")?;
        text.parse().map_err(|_| self.error(format!("`{text}` is not a number that fits here")))
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if !self.node.is_null() && !matches!(self.node.value, Value::Sequence(_)) {
            return Err(self.error("a list was expected"));
        }
        let place = self.node.place;
        visitor.visit_seq(Items { rest: self.node.items(), at: 0, of: self }).map_err(|e| e.placed(place))
    }

    fn map<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        known: Option<&'static [&'static str]>,
    ) -> Result<V::Value, ReadError> {
        if !self.node.is_null() && !matches!(self.node.value, Value::Mapping(_)) {
            return Err(self.error("a mapping was expected"));
        }
        let place = self.node.place;
        visitor
            .visit_map(Entries { rest: self.node.entries(), value: None, known, of: self })
            .map_err(|e| e.placed(place))
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            let place = self.node.place;
            let number = self.number()?;
            visitor.$visit(number).map_err(|e: ReadError| e.placed(place))
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let place = self.node.place;
        match &self.node.value {
            Value::Sequence(_) => self.list(visitor),
            Value::Mapping(_) => self.map(visitor, None),
            Value::Scalar { .. } if self.node.is_null() => visitor.visit_unit(),
            Value::Scalar { text, plain: false } => visitor.visit_str(text),
            Value::Scalar { text, .. } => match &**text {
                "true" | "True" | "TRUE" => visitor.visit_bool(true),
                "false" | "False" | "FALSE" => visitor.visit_bool(false),
                _ => match (text.parse::<i64>(), text.parse::<f64>()) {
                    (Ok(n), _) => visitor.visit_i64(n),
                    (_, Ok(n)) if text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
                        visitor.visit_f64(n)
                    }
                    _ => visitor.visit_str(text),
                },
            },
        }
        .map_err(|e: ReadError| e.placed(place))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        // Go's reader takes the words of YAML 1.1.
        match self.text("`true` or `false`")?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => visitor.visit_bool(true),
            "false" | "no" | "off" | "n" => visitor.visit_bool(false),
            other => Err(self.error(format!("`{other}` is neither `true` nor `false`"))),
        }
    }

    numbers! {
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32 deserialize_i64 visit_i64
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32 deserialize_u64 visit_u64
        deserialize_f32 visit_f32 deserialize_f64 visit_f64
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let place = self.node.place;
        if self.node.is_null() {
            return visitor.visit_str("");
        }
        visitor.visit_str(self.text("a text")?).map_err(|e: ReadError| e.placed(place))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.node.is_null() { visitor.visit_unit() } else { Err(self.error("nothing was expected here")) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        let place = self.node.place;
        visitor.visit_newtype_struct(self).map_err(|e: ReadError| e.placed(place))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.list(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.map(visitor, None)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.map(visitor, Some(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let text = self.text("a word")?;
        if !variants.contains(&text) {
            return Err(self.error(format!("`{text}` is not known; there are {}", variants.join(", "))));
        }
        visitor.visit_enum(de::value::StrDeserializer::<ReadError>::new(text))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { i128 u128 bytes byte_buf unit_struct tuple_struct identifier }
}

struct Items<'a> {
    rest: &'a [Node],
    at: usize,
    of: Reader<'a>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some((node, rest)) = self.rest.split_first() else { return Ok(None) };
        let path = format!("{}[{}]", self.of.path, self.at);
        (self.rest, self.at) = (rest, self.at + 1);
        seed.deserialize(self.of.below(node, path)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Entries<'a> {
    rest: &'a [(Key, Node)],
    value: Option<&'a (Key, Node)>,
    known: Option<&'static [&'static str]>,
    of: Reader<'a>,
}

impl Entries<'_> {
    /// Notes that the struct has no such field.
    fn unknown(&self, key: &Key, known: &[&str]) {
        let remedy = match did_you_mean(&key.text, known.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        self.of.sink.borrow_mut().error(key.place, &self.of.path, format!("unknown field `{}`", key.text), remedy);
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        while let Some((entry, rest)) = self.rest.split_first() {
            self.rest = rest;
            if let Some(known) = self.known.filter(|known| !known.contains(&&*entry.0.text)) {
                self.unknown(&entry.0, known);
                continue;
            }
            self.value = Some(entry);
            let key = entry.0.text.as_str().into_deserializer();
            return seed.deserialize(key).map(Some).map_err(|e: ReadError| e.placed(entry.0.place));
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let Some((key, node)) = self.value.take() else { return Err(de::Error::custom("a value without its key")) };
        let dot = if self.of.path.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{}", self.of.path, key.text);
        seed.deserialize(self.of.below(node, path)).map_err(|mut e| {
            e.place.get_or_insert(node.place);
            if !std::mem::replace(&mut e.named, true) {
                e.message = format!("{}: {}", key.text, e.message);
            }
            e
        })
    }
}
