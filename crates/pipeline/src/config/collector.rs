//! What the OpenTelemetry Collector makes of a line of its language.

use yaml::{Elsewhere, Verdict};

/// What the Collector makes of the same line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collector {
    /// It takes it as it is.
    Accepts,
    /// It does not start.
    Refuses,
    /// It says nothing or takes it differently; the word tells how.
    Differs(&'static str),
}

impl From<Collector> for Elsewhere {
    fn from(collector: Collector) -> Self {
        let verdict = match collector {
            Collector::Accepts => Verdict::Accepts,
            Collector::Refuses => Verdict::Refuses,
            Collector::Differs(how) => Verdict::Differs(how),
        };
        Self { system: "the Collector", verdict }
    }
}
