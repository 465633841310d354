//! Rule files: YAML as Prometheus documents it, read with all findings at once, and written again.
//!
//! Source: prometheus.io, "Recording rules" and "Alerting rules"; `model/rulefmt`. What Prometheus would refuse and is taken here is
//! a finding that says so; a file with an error is not used at all, as in Prometheus.

mod labels;
mod meaning;
mod read;
mod write;

use yaml::{Finding, Severity};

use super::spec::Group;

pub use read::read;
pub use write::{Dialect, write};

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Its groups; without those that have an error.
    pub groups: Vec<Group>,
    /// In the order of the file.
    pub findings: Vec<Finding>,
}

impl Read {
    /// Whether the file can be used.
    pub fn is_usable(&self) -> bool {
        !self.findings.iter().any(|f| f.severity == Severity::Error)
    }

    /// Whether Prometheus takes the file.
    pub fn suits_prometheus(&self) -> bool {
        !self.findings.iter().any(Finding::refused_elsewhere)
    }
}
