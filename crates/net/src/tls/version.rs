//! Versions of TLS by their names in Prometheus (`TLS12`) and in the collector (`1.2`).

use std::fmt;

use rustls::SupportedProtocolVersion;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use crate::error::ConfigError;

/// A version of TLS. The two old ones are understood as lower bounds, and never spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.0.
    V10,
    /// TLS 1.1.
    V11,
    /// TLS 1.2.
    V12,
    /// TLS 1.3.
    V13,
}

impl TlsVersion {
    const fn as_str(self) -> &'static str {
        match self {
            Self::V10 => "TLS10",
            Self::V11 => "TLS11",
            Self::V12 => "TLS12",
            Self::V13 => "TLS13",
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TlsVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl de::Visitor<'_> for Name {
            type Value = TlsVersion;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a version of TLS such as TLS12 or 1.2")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<TlsVersion, E> {
                match text {
                    "TLS10" | "1.0" => Ok(TlsVersion::V10),
                    "TLS11" | "1.1" => Ok(TlsVersion::V11),
                    "TLS12" | "1.2" => Ok(TlsVersion::V12),
                    "TLS13" | "1.3" => Ok(TlsVersion::V13),
                    _ => Err(E::custom(format!(
                        "unknown version of TLS {text:?}: TLS12 (1.2) and TLS13 (1.3) are spoken"
                    ))),
                }
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<TlsVersion, E> {
                self.visit_str(&format!("{number:.1}"))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

impl Serialize for TlsVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What rustls speaks between the two bounds, both inclusive.
pub(super) fn between(
    min: Option<TlsVersion>,
    max: Option<TlsVersion>,
) -> Result<Vec<&'static SupportedProtocolVersion>, ConfigError> {
    let all = [(TlsVersion::V12, &rustls::version::TLS12), (TlsVersion::V13, &rustls::version::TLS13)];
    let spoken: Vec<_> = all
        .into_iter()
        .filter(|(version, _)| min.is_none_or(|min| *version >= min) && max.is_none_or(|max| *version <= max))
        .map(|(_, version)| version)
        .collect();
    if spoken.is_empty() {
        return Err(ConfigError::new("max_version", "leaves no version: TLS12 and TLS13 are spoken"));
    }
    Ok(spoken)
}
