//! A Zipkin span, version 2, between its encodings and OTLP.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::ZipkinError;
use crate::bounded::{Bounded, Tags};

/// One span as Zipkin has it; times in microseconds.
#[derive(Debug, Clone, PartialEq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Span {
    pub trace_id: String,
    pub id: String,
    pub parent_id: Option<String>,
    pub name: Option<String>,
    pub kind: Option<Kind>,
    pub timestamp: Option<Micros>,
    pub duration: Option<Micros>,
    pub shared: Option<bool>,
    pub local_endpoint: Option<Endpoint>,
    pub remote_endpoint: Option<Endpoint>,
    pub annotations: Bounded<Annotation>,
    pub tags: Tags,
}

/// The side that reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Kind {
    Client,
    Server,
    Producer,
    Consumer,
}

/// A party of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Endpoint {
    pub service_name: Option<String>,
    pub ipv4: Option<String>,
    pub ipv6: Option<String>,
    pub port: Option<Micros>,
}

/// Something that happened at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Annotation {
    pub timestamp: Micros,
    pub value: String,
}

/// A whole number that some clients write with a fraction or as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Micros(pub i64);

impl Micros {
    pub(super) const fn nanos(self) -> i64 {
        self.0.saturating_mul(1000)
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Micros;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }
            fn visit_u64<E: Error>(self, v: u64) -> Result<Micros, E> {
                Ok(Micros(i64::try_from(v).unwrap_or(i64::MAX)))
            }
            fn visit_i64<E: Error>(self, v: i64) -> Result<Micros, E> {
                Ok(Micros(v))
            }
            fn visit_f64<E: Error>(self, v: f64) -> Result<Micros, E> {
                Ok(Micros(v as i64))
            }
            fn visit_str<E: Error>(self, v: &str) -> Result<Micros, E> {
                v.parse().map(Micros).map_err(|_| E::custom(format_args!("`{v}` is not a whole number")))
            }
        }
        d.deserialize_any(Number)
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Tags;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with texts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tags, A::Error> {
                let mut tags = Tags::default();
                while let Some((key, value)) = map.next_entry::<String, Scalar>()? {
                    tags.push(key, value.0);
                }
                Ok(tags)
            }
            fn visit_unit<E: Error>(self) -> Result<Tags, E> {
                Ok(Tags::default())
            }
        }
        d.deserialize_any(Entries)
    }
}

/// A tag's value. Zipkin says text; what clients send all the same is kept with its type.
pub(super) struct Scalar(pub model::Value);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, number or boolean")
            }
            fn visit_str<E: Error>(self, v: &str) -> Result<Scalar, E> {
                Ok(Scalar(model::Value::Str(v.to_owned())))
            }
            fn visit_bool<E: Error>(self, v: bool) -> Result<Scalar, E> {
                Ok(Scalar(model::Value::Bool(v)))
            }
            fn visit_i64<E: Error>(self, v: i64) -> Result<Scalar, E> {
                Ok(Scalar(model::Value::Int(v)))
            }
            fn visit_u64<E: Error>(self, v: u64) -> Result<Scalar, E> {
                Ok(Scalar(i64::try_from(v).map_or(model::Value::Double(v as f64), model::Value::Int)))
            }
            fn visit_f64<E: Error>(self, v: f64) -> Result<Scalar, E> {
                Ok(Scalar(model::Value::Double(v)))
            }
            fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
                Ok(Scalar(model::Value::Empty))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar(model::Value::Empty))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar(model::Value::Empty))
            }
        }
        d.deserialize_any(Any)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Bounded<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Items<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
            type Value = Bounded<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Bounded<T>, A::Error> {
                let mut items = Bounded::default();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(items)
            }
            fn visit_unit<E: Error>(self) -> Result<Bounded<T>, E> {
                Ok(Bounded::default())
            }
        }
        d.deserialize_any(Items(std::marker::PhantomData))
    }
}

/// An id of up to `N` bytes in hex; shorter ones are padded on the left, as Zipkin does.
pub(super) fn hex_id<const N: usize>(index: u64, field: &'static str, text: &str) -> Result<[u8; N], ZipkinError> {
    let bad = || {
        let value = text.chars().take(64).collect();
        ZipkinError::Id { index, field, value, digits: N * 2 }
    };
    let t = text.trim();
    if t.is_empty() || t.len() > N * 2 {
        return Err(bad());
    }
    let mut out = [0u8; N];
    for (n, digit) in t.bytes().rev().enumerate() {
        let value = char::from(digit).to_digit(16).ok_or_else(bad)? as u8;
        out[N - 1 - n / 2] |= value << (4 * (n % 2));
    }
    if out == [0; N] { Err(bad()) } else { Ok(out) }
}
