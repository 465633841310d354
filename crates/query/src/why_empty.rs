//! Why an answer is empty, with the evidence and the way out.

mod events;
mod metrics;
mod repair;
mod sentence;

use foundation::UnixNanos;

use crate::lang::Position;

pub use events::events;
pub use metrics::metrics;

/// Most terms and selectors that are tried one by one.
pub const TERMS_MAX: usize = 8;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No record of the signal is stored.
    NeverReceived,
    /// What matches lies outside of the range, or the range is empty of everything.
    OutOfRange,
    /// Records of the range are ruled out by the filter.
    Filtered,
    /// A metric, label or value does not exist.
    LabelMismatch,
    /// A window needs more samples than there are yet.
    Waiting,
    /// What is asked for is there: the query makes nothing of it.
    Present,
}

impl Reason {
    /// As the API spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NeverReceived => "never_received",
            Self::OutOfRange => "out_of_range",
            Self::Filtered => "filtered",
            Self::LabelMismatch => "label_mismatch",
            Self::Waiting => "waiting",
            Self::Present => "present",
        }
    }
}

/// The reason and what is known.
#[derive(Debug, Clone, PartialEq)]
pub struct WhyEmpty {
    /// What is wrong.
    pub reason: Reason,
    /// In words.
    pub sentence: String,
    /// The oldest of what matches, or of the signal when nothing does.
    pub oldest: Option<UnixNanos>,
    /// The newest, likewise.
    pub newest: Option<UnixNanos>,
    /// Terms of the filter and how many records match without each, most first.
    pub terms: Vec<Term>,
    /// Names that do not occur.
    pub mismatches: Vec<Mismatch>,
    /// With [`Reason::Waiting`].
    pub waiting: Option<Waiting>,
}

impl WhyEmpty {
    fn new(reason: Reason) -> Self {
        Self {
            reason,
            sentence: String::new(),
            oldest: None,
            newest: None,
            terms: Vec::new(),
            mismatches: Vec::new(),
            waiting: None,
        }
    }
}

/// A term of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// As it was written.
    pub text: String,
    /// Where; nothing is known of it for matchers of PromQL.
    pub at: Option<Position>,
    /// Records (series, for metrics) that match when it is taken away.
    pub without: u64,
}

/// A name in a PromQL query that no series has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The metric; empty when the selector names none.
    pub metric: String,
    /// The label; `None` when the metric itself is unknown.
    pub label: Option<String>,
    /// The value, when the label exists and no value matches.
    pub value: Option<String>,
    /// In words.
    pub message: String,
    /// What there is instead, nearest first.
    pub similar: Vec<String>,
    /// The query with the nearest one.
    pub fixed_query: Option<String>,
}

/// A window with too few samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// How many it needs.
    pub samples_needed: u64,
    /// The most that any series has.
    pub samples: u64,
    /// When the next one comes, if those who sent this keep their pace; `None` when nothing tells the pace.
    pub next: Option<UnixNanos>,
}
