//! Attribute values with the types that OTLP gives them.

/// One value, as `opentelemetry.proto.common.v1.AnyValue`.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// No value was set.
    #[default]
    Empty,
    /// Text.
    Str(String),
    /// True or false.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// A double; NaN and infinities are kept as sent.
    Double(f64),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// A list of values of any type.
    Array(Vec<Value>),
    /// Keys and values, in the order they were sent.
    Map(Attributes),
}

impl Value {
    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(s) => Some(s),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::Str(s.to_owned())
    }
}

/// Keys and values in the order they were sent; a repeated key keeps its first place and last value.
pub type Attributes = Vec<(String, Value)>;

/// The value of `key`, if there is one.
pub fn get<'a>(attributes: &'a Attributes, key: &str) -> Option<&'a Value> {
    attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v)
}
