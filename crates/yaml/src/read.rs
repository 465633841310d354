//! [`Node`]s -> structs: a serde deserializer that knows places and does not stop at names it does not know.
//!
//! Types give way to what is asked for, as in the Collector: a number is a text where a text is wanted, nothing is an empty
//! mapping or list, a single value is a list of one. Keys of a struct are found whatever their underscores.
//! Structs must not use `#[serde(flatten)]`: its fields are not known here and could not be checked.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, Visitor};

use crate::nearest::nearest;
use crate::node::{Key, Node, Place, Value};

/// A key that no field of the struct has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Where.
    pub place: Place,
    /// From the node that was read: `actions[0].acton`.
    pub path: String,
    /// The field that was probably meant.
    pub nearest: Option<&'static str>,
    /// What there is.
    pub known: &'static [&'static str],
}

/// A value that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// Where.
    pub place: Option<Place>,
    /// From the node that was read.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_empty() {
            true => f.write_str(&self.message),
            false => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { place: None, path: String::new(), message: message.to_string() }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("`{field}` is missing"))
    }
}

/// Reads `node` as a `T`; keys that `T` does not have are left out and listed.
///
/// # Errors
/// The first value that cannot be meant.
pub fn read<T: DeserializeOwned>(node: &Node) -> Result<(T, Vec<Unknown>), ReadError> {
    let unknown = RefCell::default();
    let value = T::deserialize(Reader { node, path: &Path::Top, unknown: &unknown })?;
    Ok((value, unknown.into_inner()))
}

/// The way from the top, built while going down.
enum Path<'a> {
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
struct Reader<'a, 'p> {
    node: &'a Node,
    path: &'p Path<'p>,
    unknown: &'p RefCell<Vec<Unknown>>,
}

impl<'a> Reader<'a, '_> {
    /// The innermost value that is wrong is the one that is told.
    fn locate(&self, mut e: ReadError) -> ReadError {
        if e.place.is_none() {
            e.place = Some(self.node.place.clone());
            e.path = self.path.to_string();
        }
        e
    }

    fn wants<T>(&self, what: &str) -> Result<T, ReadError> {
        let found = match &self.node.value {
            Value::Scalar { text, .. } => format!("`{text}`"),
            _ => self.node.what().to_owned(),
        };
        Err(ReadError::custom(format_args!("{what} is expected here, not {found}")))
    }

    fn number<N: std::str::FromStr>(&self, what: &str) -> Result<N, ReadError> {
        let text = self.node.text().unwrap_or_default().trim();
        let clean = if text.contains('_') { text.replace('_', "") } else { text.to_owned() };
        clean.parse().or_else(|_| self.wants(what))
    }

    fn seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Null => visitor.visit_seq(Items { reader: self, items: [].iter(), next: 0 }),
            Value::List(items) => visitor.visit_seq(Items { reader: self, items: items.iter(), next: 0 }),
            Value::Scalar { .. } => {
                visitor.visit_seq(Items { reader: self, items: std::slice::from_ref(self.node).iter(), next: 0 })
            }
            Value::Map(_) => self.wants("a list"),
        }
    }

    fn map<V: Visitor<'a>>(self, fields: Option<&'static [&'static str]>, visitor: V) -> Result<V::Value, ReadError> {
        let entries: &'a [(Key, Node)] = match &self.node.value {
            Value::Null => &[],
            Value::Map(entries) => entries,
            _ => return self.wants("a mapping"),
        };
        visitor.visit_map(Entries { reader: self, entries: entries.iter(), value: None, fields })
    }
}

/// What a plain scalar means when nobody asks for a type (YAML 1.2, core schema).
fn any<'a, V: Visitor<'a>>(text: &'a str, plain: bool, visitor: V) -> Result<V::Value, ReadError> {
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

macro_rules! numbers {
    ($($method:ident $visit:ident $what:literal;)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
            self.number($what).and_then(|n| visitor.$visit(n)).map_err(|e| self.locate(e))
        }
    )*};
}

impl<'a> de::Deserializer<'a> for Reader<'a, '_> {
    type Error = ReadError;

    numbers! {
        deserialize_i8 visit_i8 "a whole number";
        deserialize_i16 visit_i16 "a whole number";
        deserialize_i32 visit_i32 "a whole number";
        deserialize_i64 visit_i64 "a whole number";
        deserialize_u8 visit_u8 "a whole number, not negative,";
        deserialize_u16 visit_u16 "a whole number, not negative,";
        deserialize_u32 visit_u32 "a whole number, not negative,";
        deserialize_u64 visit_u64 "a whole number, not negative,";
        deserialize_f32 visit_f32 "a number";
        deserialize_f64 visit_f64 "a number";
    }

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Scalar { text, plain } => any(text, *plain, visitor),
            Value::List(_) => self.seq(visitor),
            Value::Map(_) => self.map(None, visitor),
        }
        .map_err(|e| self.locate(e))
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let value = match self.node.text().map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "yes" | "on" | "1") => Ok(true),
            Some("false" | "no" | "off" | "0") => Ok(false),
            _ => self.wants("`true` or `false`"),
        };
        value.and_then(|b| visitor.visit_bool(b)).map_err(|e| self.locate(e))
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Scalar { text, .. } => visitor.visit_borrowed_str(text),
            Value::Null => visitor.visit_borrowed_str(""),
            _ => self.wants("a text"),
        }
        .map_err(|e| self.locate(e))
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
        .map_err(|e| self.locate(e))
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self).map_err(|e| self.locate(e))
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.seq(visitor).map_err(|e| self.locate(e))
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.map(None, visitor).map_err(|e| self.locate(e))
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.map(Some(fields), visitor).map_err(|e| self.locate(e))
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let Some(text) = self.node.text() else { return self.wants("a single word").map_err(|e| self.locate(e)) };
        let Some(variant) = variants.iter().find(|v| v.eq_ignore_ascii_case(text)) else {
            let meant = nearest(text, variants.iter().copied()).map(|n| format!(", did you mean `{n}`?"));
            let message =
                format!("`{text}` is not known{}; there is {}", meant.unwrap_or_default(), variants.join(", "));
            return Err(self.locate(ReadError::custom(message)));
        };
        let variant: de::value::StrDeserializer<'_, ReadError> = (*variant).into_deserializer();
        visitor.visit_enum(variant).map_err(|e| self.locate(e))
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
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
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some(node) = self.items.next() else { return Ok(None) };
        let path = Path::Index(self.reader.path, self.next);
        self.next += 1;
        seed.deserialize(Reader { node, path: &path, unknown: self.reader.unknown }).map(Some)
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

/// The field that `key` spells, whatever the underscores and capitals.
fn field(key: &str, fields: &'static [&'static str]) -> Option<&'static str> {
    let squeezed = |text: &str| text.replace('_', "").to_ascii_lowercase();
    let exact = fields.iter().find(|field| **field == key);
    exact.or_else(|| fields.iter().find(|field| squeezed(field) == squeezed(key))).copied()
}

impl<'a> de::MapAccess<'a> for Entries<'a, '_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        for (key, node) in self.entries.by_ref() {
            let Some(fields) = self.fields else {
                self.value = Some((key, node));
                let text: de::value::StrDeserializer<'_, ReadError> = key.text.as_str().into_deserializer();
                return seed.deserialize(text).map(Some);
            };
            match field(&key.text, fields) {
                Some(name) => {
                    self.value = Some((key, node));
                    let text: de::value::StrDeserializer<'_, ReadError> = name.into_deserializer();
                    return seed.deserialize(text).map(Some);
                }
                None => self.reader.unknown.borrow_mut().push(Unknown {
                    place: key.place.clone(),
                    path: Path::Key(self.reader.path, &key.text).to_string(),
                    nearest: nearest(&key.text, fields.iter().copied()),
                    known: fields,
                }),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let (key, node) = self.value.take().ok_or_else(|| ReadError::custom("a value without a key"))?;
        let path = Path::Key(self.reader.path, &key.text);
        seed.deserialize(Reader { node, path: &path, unknown: self.reader.unknown })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::parse::parse;

    /// A value that reads its text itself.
    #[derive(Debug, Default, PartialEq)]
    struct Seconds(u64);

    impl<'de> Deserialize<'de> for Seconds {
        fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            let seconds = text.strip_suffix('s').and_then(|n| n.parse().ok()).map(Self);
            seconds.ok_or_else(|| D::Error::custom(format_args!("`{text}` has no unit; write `{text}s`")))
        }
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Settings {
        time_out: Seconds,
        size: Option<u64>,
        name: String,
        #[serde(alias = "old_list")]
        list: Vec<String>,
        map: BTreeMap<String, i64>,
        inner: Inner,
        mode: Option<Mode>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Inner {
        on: bool,
        ratio: f64,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        Fast,
        VerySlow,
    }

    fn settings(text: &str) -> Result<(Settings, Vec<Unknown>), ReadError> {
        read(&parse("f", text).unwrap())
    }

    #[test]
    fn types_give_way() {
        let text = "timeout: 72s\nsize: 20_000\nname: 5\nold_list: one\nmap: {a: 1}\ninner: {on: yes, ratio: 3}\nmode: very_slow\n";
        let (read, unknown) = settings(text).unwrap();
        assert_eq!(unknown, []);
        assert_eq!((read.time_out, read.size), (Seconds(72), Some(20_000)));
        assert_eq!((read.name.as_str(), read.list), ("5", vec!["one".to_owned()]));
        assert_eq!(read.inner, Inner { on: true, ratio: 3.0 });
        assert_eq!(read.mode, Some(Mode::VerySlow));
        assert_eq!(settings("inner:\nlist:\n").unwrap().0, Settings::default());
    }

    #[test]
    fn unknown_names_are_listed_with_the_nearest() {
        let (_, unknown) = settings("inner:\n  ration: 3\nfoo: {bar: 1}\n").unwrap();
        let told: Vec<_> = unknown.iter().map(|u| (u.path.as_str(), u.place.line, u.nearest)).collect();
        assert_eq!(told, [("inner.ration", 2, Some("ratio")), ("foo", 3, None)]);
    }

    #[test]
    fn what_cannot_be_meant_has_place_and_remedy() {
        for (text, line, message) in [
            ("inner:\n  on: maybe\n", 2, "inner.on: `true` or `false` is expected here, not `maybe`"),
            ("map: {a: x}\n", 1, "map.a: a whole number is expected here, not `x`"),
            ("list: {a: 1}\n", 1, "list: a list is expected here, not a mapping"),
            ("mode: fats\n", 1, "mode: `fats` is not known, did you mean `fast`?; there is fast, very_slow"),
        ] {
            let e = settings(text).unwrap_err();
            assert_eq!((e.place.as_ref().map(|p| p.line), e.to_string().as_str()), (Some(line), message));
        }
    }

    #[test]
    fn without_a_type_a_plain_value_is_what_yaml_says() {
        let node = parse("f", "[1, 1.5, true, 'true', x, 1.2.3, '', .inf, 0x10]").unwrap();
        let (values, _) = read::<Vec<serde_json::Value>>(&node).unwrap();
        let expected = serde_json::json!([1, 1.5, true, "true", "x", "1.2.3", "", null, 16]);
        assert_eq!(serde_json::Value::Array(values), expected);
    }
}
