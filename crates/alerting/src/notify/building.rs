//! What making a channel needs: its entry, what is global, and where findings go.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use foundation::Clock;
use net::{Client, ClientOptions, HttpConfig, Secret, SecretSource, SecretUrl};
use serde::Serialize;
use serde::de::{self, DeserializeOwned, Deserializer};
use yaml::{Findings, Node, Place};

use super::global::Global;
use super::memory::Memory;
use super::templates::Templates;
use super::text::{Role, Text};
use crate::notification::Notifier;
pub(super) use crate::stand_in::is_stand_in;
use gotemplate::Mode;

/// What of an answer is kept: the beginning says what is wrong.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// A channel as its file makes it.
pub(super) struct Made {
    pub notifier: Arc<dyn Notifier>,
    pub send_resolved: Option<bool>,
    pub target: String,
    pub shown: serde_json::Value,
}

/// One entry of `{kind}_configs` on its way to a channel.
pub(super) struct Building<'a> {
    pub global: &'a Global,
    pub templates: &'a Arc<Templates>,
    pub clock: &'a Arc<dyn Clock>,
    pub memory: &'a Memory,
    pub base: &'a Path,
    pub entry: &'a Node,
    pub path: &'a str,
    pub findings: &'a mut Findings,
}

impl Building<'_> {
    /// The entry as a `T`; unknown fields are noted.
    pub(super) fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        self.entry.read(self.path, self.findings)
    }

    /// Where a field is written, or the entry.
    pub(super) fn place(&self, field: &str) -> Place {
        self.entry.value_place(field).clone()
    }

    fn path_of(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    pub(super) fn error(&mut self, field: &str, message: impl Into<String>, remedy: impl Into<String>) {
        let (place, path) = (self.place(field), self.path_of(field));
        self.findings.error(&place, &path, message, remedy);
    }

    pub(super) fn warn(&mut self, field: &str, message: impl Into<String>, remedy: impl Into<String>) {
        let (place, path) = (self.place(field), self.path_of(field));
        self.findings.warning(&place, &path, message, remedy, None);
    }

    /// A setting that is a template. One that cannot be compiled is noted; our own text is sent in its place.
    pub(super) fn text(&mut self, field: &str, source: &str, role: Role) -> Text {
        self.compile(field, source, role, Mode::Text)
    }

    /// A setting that is a template of HTML.
    pub(super) fn html(&mut self, field: &str, source: &str, role: Role) -> Text {
        self.compile(field, source, role, Mode::Html)
    }

    fn compile(&mut self, field: &str, source: &str, role: Role, mode: Mode) -> Text {
        let path = self.path_of(field);
        match self.templates.compile(&path, source, mode) {
            Ok(template) => Text::new(field, source, Ok(template), role),
            Err(e) => {
                let remedy = "until then a text of our own is sent in its place";
                self.warn(field, format!("is not a template: {e}"), remedy);
                Text::new(field, source, Err(e.to_string()), role)
            }
        }
    }

    /// A secret that is given or in a file; of the entry, else of `global`.
    pub(super) fn secret(
        &mut self,
        field: &str,
        own: (Option<&Secret>, Option<&PathBuf>),
        global: (Option<&Secret>, Option<&PathBuf>),
    ) -> Option<SecretSource> {
        let mut own_file = own.1.cloned();
        at_base(&mut own_file, self.base);
        match SecretSource::one_of(field, own.0, own_file.as_deref()) {
            Ok(Some(source)) => Some(source),
            Ok(None) => match SecretSource::one_of(field, global.0, global.1.map(PathBuf::as_path)) {
                Ok(source) => source,
                Err(e) => {
                    self.error(field, format!("global: {}", e.message), "");
                    None
                }
            },
            Err(e) => {
                self.error(field, e.message, "");
                None
            }
        }
    }

    /// An address that must be there. One that is a word to be replaced disables the channel with a warning.
    pub(super) fn address(
        &mut self,
        field: &str,
        own: (Option<&Secret>, Option<&PathBuf>),
        global: (Option<&Secret>, Option<&PathBuf>),
    ) -> Option<SecretSource> {
        let Some(source) = self.secret(field, own, global) else {
            self.error(field, "is missing", format!("set {field} or {field}_file"));
            return None;
        };
        if let SecretSource::Inline(address) = &source
            && !self.check_address(field, address.expose())
        {
            return None;
        }
        Some(source)
    }

    /// Whether an address can be used.
    pub(super) fn check_address(&mut self, field: &str, address: &str) -> bool {
        match SecretUrl::parse(address) {
            _ if is_stand_in(address) => {
                let (place, path) = (self.place(field), self.path_of(field));
                let message = "holds a word that stands for an address: this channel is disabled";
                self.findings.warning(
                    &place,
                    &path,
                    message,
                    "write the address that the service gave you",
                    Some(crate::notification::REFUSED),
                );
                false
            }
            Ok(_) => true,
            Err(e) => {
                self.error(field, e, "an address looks like https://host/path");
                false
            }
        }
    }

    /// A client for the entry's `http_config`, else for the global one.
    pub(super) fn client(&mut self, own: Option<&HttpConfig>) -> Option<Client> {
        let mut config = own.or(self.global.http_config.as_ref()).cloned().unwrap_or_default();
        config.set_directory(self.base);
        match Client::new(&config, ClientOptions { body_bytes_max: ANSWER_BYTES_MAX, ..ClientOptions::default() }) {
            Ok(client) => Some(client),
            Err(errors) => {
                for error in errors.0 {
                    self.error("http_config", error.to_string(), "");
                }
                None
            }
        }
    }
}

/// The channel as it is configured, secrets as `<secret>`.
pub(super) fn shown(config: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(config).unwrap_or_default()
}

/// What may be shown of an address.
pub(super) fn target(source: &SecretSource) -> String {
    match source {
        SecretSource::Inline(address) => match SecretUrl::parse(address.expose()) {
            Ok(url) => format!("{}/<secret>", url.origin()),
            Err(_) => "<secret>".into(),
        },
        SecretSource::File(path) => format!("address in {}", path.display()),
    }
}

/// Makes a relative path start at the folder of the file.
pub(super) fn at_base(path: &mut Option<PathBuf>, base: &Path) {
    if let Some(path) = path
        && path.is_relative()
    {
        *path = base.join(&*path);
    }
}

/// Reads `10s`, `1m30s`; nothing is zero.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<std::time::Duration, D::Error> {
    let text: String = serde::Deserialize::deserialize(deserializer)?;
    if text.is_empty() || text == "0" {
        return Ok(std::time::Duration::ZERO);
    }
    foundation::units::parse_duration(&text).map_err(|e| de::Error::custom(e.to_string()))
}

/// Writes what [`duration`] reads.
pub(super) fn duration_text<S: serde::Serializer>(d: &std::time::Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&foundation::units::format_duration(*d))
}
