//! Values while a statement runs: those of OTLP, times and durations.

use std::cmp::Ordering;

use wire::otlp::tree::{Attributes, Text, Value};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Val {
    /// What attributes can hold; [`Value::Empty`] is `nil`.
    Plain(Value),
    /// Nanoseconds since 1970, UTC.
    Time(i64),
    /// Nanoseconds.
    Duration(i64),
}

impl Default for Val {
    fn default() -> Self {
        Self::NIL
    }
}

impl Val {
    /// `nil`.
    pub const NIL: Self = Self::Plain(Value::Empty);

    /// Bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Plain(Value::Bytes(bytes.into()))
    }

    /// Whether it is `nil`.
    pub fn is_nil(&self) -> bool {
        *self == Self::NIL
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Plain(Value::Str(s)) => Some(s),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Plain(Value::Int(i)) => Some(*i),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub const fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Plain(Value::Int(i)) => Some(*i as f64),
            Self::Plain(Value::Double(d)) => Some(*d),
            _ => None,
        }
    }

    /// True or false, if it is that.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Plain(Value::Bool(b)) => Some(*b),
            _ => None,
        }
    }

    /// The map, if it is one.
    pub const fn as_map(&self) -> Option<&Attributes> {
        match self {
            Self::Plain(Value::Map(map)) => Some(map),
            _ => None,
        }
    }

    /// As texts of other types are written: numbers, JSON for lists and maps.
    pub fn to_text(&self) -> Text {
        match self {
            Self::Plain(v) => v.to_text(),
            Self::Time(t) => Text::from(
                jiff::Timestamp::from_nanosecond(i128::from(*t)).map_or_else(|_| t.to_string(), |t| t.to_string()),
            ),
            Self::Duration(d) => {
                Text::from(foundation::units::format_duration(std::time::Duration::from_nanos(d.unsigned_abs())))
            }
        }
    }

    /// As an attribute can hold it: times as text, durations as nanoseconds.
    pub fn into_value(self) -> Value {
        match self {
            Self::Plain(v) => v,
            Self::Time(_) => Value::Str(self.to_text()),
            Self::Duration(d) => Value::Int(d),
        }
    }

    /// With the other sign; `None` for what has none.
    pub(super) fn negated(&self) -> Option<Self> {
        match self {
            Self::Plain(Value::Int(i)) => i.checked_neg().map(Self::from),
            Self::Plain(Value::Double(d)) => Some((-d).into()),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Plain(v) => match v {
                Value::Empty => "nil",
                Value::Str(_) => "a text",
                Value::Bool(_) => "a boolean",
                Value::Int(_) => "an integer",
                Value::Double(_) => "a double",
                Value::Bytes(_) => "bytes",
                Value::Array(_) => "a list",
                Value::Map(_) => "a map",
                Value::TooDeep(_) => "a value that nests too deep",
            },
            Self::Time(_) => "a time",
            Self::Duration(_) => "a duration",
        }
    }

    /// Whether they are the same; values of different types are not, but numbers are compared as numbers.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plain(Value::Int(_)), Self::Plain(Value::Double(_)))
            | (Self::Plain(Value::Double(_)), Self::Plain(Value::Int(_))) => self.as_f64() == other.as_f64(),
            _ => self == other,
        }
    }

    /// Which is less; `None` for values that have no order between them.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Plain(Value::Int(a)), Self::Plain(Value::Int(b))) => Some(a.cmp(b)),
            (Self::Plain(Value::Str(a)), Self::Plain(Value::Str(b))) => Some(a.cmp(b)),
            (Self::Plain(Value::Bool(a)), Self::Plain(Value::Bool(b))) => Some(a.cmp(b)),
            (Self::Plain(Value::Bytes(a)), Self::Plain(Value::Bytes(b))) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) | (Self::Duration(a), Self::Duration(b)) => Some(a.cmp(b)),
            _ => self.as_f64()?.partial_cmp(&other.as_f64()?),
        }
    }
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl From<$type> for Val {
            fn from(v: $type) -> Self {
                Self::Plain(v.into())
            }
        }
    )*};
}

plain!(&str, String, Text, bool, i64, f64, Attributes, Vec<Value>);

impl From<Value> for Val {
    fn from(v: Value) -> Self {
        Self::Plain(v)
    }
}

impl From<i32> for Val {
    fn from(v: i32) -> Self {
        i64::from(v).into()
    }
}

impl From<u32> for Val {
    fn from(v: u32) -> Self {
        i64::from(v).into()
    }
}

impl From<u64> for Val {
    /// Counts above the signed range saturate.
    fn from(v: u64) -> Self {
        i64::try_from(v).unwrap_or(i64::MAX).into()
    }
}

impl From<usize> for Val {
    fn from(v: usize) -> Self {
        (v as u64).into()
    }
}
