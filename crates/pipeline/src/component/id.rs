//! Ids: `otlp`, `otlp/two`, `traces/errors`.

use std::fmt;
use std::str::FromStr;

use model::Signal;

/// The kind of a component, which is the section of the file it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `receivers`
    Receiver,
    /// `processors`
    Processor,
    /// `exporters`
    Exporter,
    /// `connectors`
    Connector,
    /// `extensions`
    Extension,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Receiver, Self::Processor, Self::Exporter, Self::Connector, Self::Extension];

    /// The section of the file.
    pub const fn section(self) -> &'static str {
        match self {
            Self::Receiver => "receivers",
            Self::Processor => "processors",
            Self::Exporter => "exporters",
            Self::Connector => "connectors",
            Self::Extension => "extensions",
        }
    }

    /// The word for one of them.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Receiver => "receiver",
            Self::Processor => "processor",
            Self::Exporter => "exporter",
            Self::Connector => "connector",
            Self::Extension => "extension",
        }
    }
}

/// `type` or `type/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentId {
    /// The type, as it was written.
    pub type_name: String,
    /// What tells it from others of its type; empty for the only one.
    pub name: String,
}

impl FromStr for ComponentId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (type_name, name) = match text.split_once('/') {
            None => (text.trim(), ""),
            Some((type_name, name)) if !name.trim().is_empty() => (type_name.trim(), name.trim()),
            Some(_) => return Err(format!("`{text}` ends with a slash; write a name behind it, or leave it out")),
        };
        if type_name.is_empty() || !type_name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Err(format!("`{text}` is not the id of a component; write `type` or `type/name`"));
        }
        Ok(Self { type_name: type_name.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.type_name)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, "/{}", self.name) }
    }
}

/// `signal` or `signal/name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PipelineId {
    /// What runs through it.
    pub signal: Signal,
    /// What tells it from others of its signal; empty for the only one.
    pub name: String,
}

impl PipelineId {
    /// The one without a name.
    pub fn new(signal: Signal) -> Self {
        Self { signal, name: String::new() }
    }
}

impl FromStr for PipelineId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (signal, name) = text.split_once('/').unwrap_or((text, ""));
        let signal = match signal.trim() {
            "traces" => Signal::Traces,
            "metrics" => Signal::Metrics,
            "logs" => Signal::Logs,
            "profiles" => return Err("profiles are not taken; there are traces, metrics and logs".to_owned()),
            _ => return Err(format!("`{text}` is not a pipeline; write traces, metrics or logs, or as `traces/name`")),
        };
        Ok(Self { signal, name: name.trim().to_owned() })
    }
}

impl fmt::Display for PipelineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.signal.name())?;
        if self.name.is_empty() { Ok(()) } else { write!(f, "/{}", self.name) }
    }
}
