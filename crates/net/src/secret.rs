//! Texts that must never be shown: in `Debug`, in errors, in logs, in answers of the API.
//!
//! A secret leaves only through [`Secret::expose`]; whatever prints one prints `<secret>`.

use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::error::{ConfigError, SendError};

/// What stands where a secret would; the same as in Prometheus and Alertmanager.
pub(crate) const SHOWN: &str = "<secret>";

/// A file with a secret is not larger; a larger one is another file.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// A password, token or key.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// A secret out of a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Nothing is there.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "" } else { SHOWN })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { SHOWN })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = String;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
                Ok(text.to_owned())
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<String, E> {
                Ok(n.to_string())
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<String, E> {
                Ok(n.to_string())
            }
        }
        let text = deserializer.deserialize_string(Text)?;
        if text == SHOWN {
            return Err(de::Error::custom(
                "<secret> is what an export shows in place of a secret: write the secret itself, or name a file",
            ));
        }
        Ok(Self(text))
    }
}

/// An address whose path or query is a secret, as those of webhooks are. Shown as `<secret>`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// Checks that `text` is an absolute `http` or `https` address.
    ///
    /// # Errors
    /// A sentence that does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|e| format!("not an address: {e}"))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(Self(url)),
            other => Err(format!("an address starts with http:// or https://, this one with {other}:")),
        }
    }

    /// The address itself.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// Scheme, host and port: what may be shown.
    pub fn origin(&self) -> String {
        origin(&self.0)
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHOWN)
    }
}

impl Serialize for SecretUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(SHOWN)
    }
}

impl<'de> Deserialize<'de> for SecretUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(Secret::deserialize(deserializer)?.expose()).map_err(de::Error::custom)
    }
}

/// Scheme, host and port of an address, without what may be secret.
pub(crate) fn origin(url: &Url) -> String {
    let host = url.host_str().unwrap_or("");
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

/// Where a secret comes from. A file is read each time, so that a rotated secret is used without a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In the configuration.
    Inline(Secret),
    /// In a file; white space around it does not count.
    File(PathBuf),
}

impl SecretSource {
    /// The one of the two that is set, `None` when neither is.
    ///
    /// # Errors
    /// Both are set.
    pub fn one_of(field: &str, inline: Option<&Secret>, file: Option<&Path>) -> Result<Option<Self>, ConfigError> {
        match (inline.filter(|s| !s.is_empty()), file.filter(|p| !p.as_os_str().is_empty())) {
            (Some(_), Some(_)) => Err(ConfigError::new(field, format!("set {field} or {field}_file, not both"))),
            (Some(inline), None) => Ok(Some(Self::Inline(inline.clone()))),
            (None, Some(file)) => Ok(Some(Self::File(file.to_owned()))),
            (None, None) => Ok(None),
        }
    }

    /// The secret as it is now.
    ///
    /// # Errors
    /// The file cannot be read, is larger than 64 KiB or not UTF-8.
    pub async fn read(&self) -> Result<Secret, SendError> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read_file(&path)).await;
                read.unwrap_or_else(|e| {
                    Err(SendError::Local { what: "reading a secret".into(), message: e.to_string() })
                })
            }
        }
    }
}

fn read_file(path: &Path) -> Result<Secret, SendError> {
    let bytes = read_limited(path, FILE_BYTES_MAX)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Secret::new(text.trim())),
        Err(_) => Err(SendError::File { path: path.to_owned(), message: "not UTF-8".into() }),
    }
}

/// The bytes of a file that is expected to be small.
pub(crate) fn read_limited(path: &Path, bytes_max: u64) -> Result<Vec<u8>, SendError> {
    use std::io::Read;
    let fail = |message: String| SendError::File { path: path.to_owned(), message };
    let file = std::fs::File::open(path).map_err(|e| fail(e.to_string()))?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|e| fail(e.to_string()))?;
    if bytes.len() as u64 > bytes_max {
        return Err(fail(format!("larger than {bytes_max} bytes")));
    }
    Ok(bytes)
}
