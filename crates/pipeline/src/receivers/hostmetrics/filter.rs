//! Which devices, interfaces, mount points or processes are wanted.

use regex::Regex;
use serde::{Deserialize, Serialize};

/// Names, and how they are meant.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Patterns {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    devices: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interfaces: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fs_types: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mount_points: Vec<String>,
    match_type: String,
}

#[derive(Debug, Clone)]
enum Set {
    Strict(Vec<String>),
    Regexp(Vec<Regex>),
}

impl Set {
    fn new(p: &Patterns) -> Result<Self, String> {
        let all: Vec<_> = [&p.devices, &p.interfaces, &p.names, &p.fs_types, &p.mount_points]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        match p.match_type.as_str() {
            "strict" => Ok(Self::Strict(all)),
            "regexp" => {
                all.iter().map(|t| Regex::new(t).map_err(|e| e.to_string())).collect::<Result<_, _>>().map(Self::Regexp)
            }
            other => Err(format!("match_type: `{other}` is not known; write strict or regexp")),
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Strict(names) => names.iter().any(|n| n == name),
            Self::Regexp(patterns) => patterns.iter().any(|p| p.is_match(name)),
        }
    }
}

/// Includes and excludes.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    include: Option<Set>,
    exclude: Option<Set>,
}

impl Filter {
    pub(super) fn new(include: Option<&Patterns>, exclude: Option<&Patterns>) -> Result<Self, String> {
        Ok(Self { include: include.map(Set::new).transpose()?, exclude: exclude.map(Set::new).transpose()? })
    }

    pub(super) fn takes(&self, name: &str) -> bool {
        self.include.as_ref().is_none_or(|i| i.has(name)) && !self.exclude.as_ref().is_some_and(|e| e.has(name))
    }
}
