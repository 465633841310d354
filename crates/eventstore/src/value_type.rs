//! The types that values are stored with. Their numbers are part of the format (`docs/formats/segment.md`).

/// The type of a stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ValueType {
    /// No value was set.
    Empty = 0,
    /// Text.
    Str = 1,
    /// A truth value.
    Bool = 2,
    /// A signed integer.
    Int = 3,
    /// A double.
    Double = 4,
    /// Raw bytes.
    Bytes = 5,
    /// A list.
    Array = 6,
    /// Keys and values.
    Map = 7,
}

impl ValueType {
    /// From its number on disk.
    pub const fn from_u8(n: u8) -> Option<Self> {
        Some(match n {
            0 => Self::Empty,
            1 => Self::Str,
            2 => Self::Bool,
            3 => Self::Int,
            4 => Self::Double,
            5 => Self::Bytes,
            6 => Self::Array,
            7 => Self::Map,
            _ => return None,
        })
    }

    /// Whether values are bytes of any length: texts, bytes, and messages.
    pub(crate) const fn is_binary(self) -> bool {
        matches!(self, Self::Str | Self::Bytes | Self::Array | Self::Map)
    }

    /// `string`, `bool`, `int`, `double`, `bytes`, `array`, `map` or `empty`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Str => "string",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::Array => "array",
            Self::Map => "map",
        }
    }
}
