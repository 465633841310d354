//! What one objective is, after it was validated.

use std::collections::BTreeMap;
use std::time::Duration;

use model::Signal;

use super::selector::Selector;
use super::window::Window;

/// Where an objective comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file of the configuration; changed there only.
    File(String),
    /// Made through the API.
    Api,
}

/// One objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// Unique; letters, digits, `-` and `_`.
    pub id: String,
    /// For people.
    pub title: String,
    /// Why it matters; may be empty.
    pub description: String,
    /// Whose promise it is; may be empty.
    pub service: String,
    /// The share of good events that is promised, above 0 and below 1.
    pub objective: f64,
    /// Over which time.
    pub window: Window,
    /// What counts as one unit of the budget.
    pub method: Method,
    /// What is counted; none while nobody has confirmed a proposal.
    pub indicator: Option<Indicator>,
    /// One budget for each combination of these labels; empty is one for all.
    pub group_by: Vec<String>,
    /// Added to every series and alert.
    pub labels: BTreeMap<String, String>,
    /// When people are told.
    pub alerting: Alerting,
    /// Who provides it.
    pub origin: Origin,
    /// How it was written, where that is not our own form: `95th_percentile < 500ms`.
    pub written: Option<String>,
}

impl Slo {
    /// The share of events that may be bad.
    pub fn budget(&self) -> f64 {
        1.0 - self.objective
    }

    /// What its figures cannot know.
    pub fn unknowns(&self) -> Vec<&'static str> {
        match self.indicator {
            Some(Indicator::Counters { .. } | Indicator::Latency(_)) => vec![
                "a counter counts from its second sample on: what it held when it was first seen happened at a time that nobody knows",
            ],
            _ => Vec::new(),
        }
    }
}

/// What counts as one unit of the budget.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// Every event.
    Events,
    /// Every slice of time, which is good when enough of its events are.
    TimeSlices {
        /// Whole minutes.
        slice: Duration,
        /// The share of good events that makes a slice good.
        target: f64,
        /// What a slice without events is.
        empty: EmptySlice,
    },
}

/// What a slice without events counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptySlice {
    /// Good: nobody was let down.
    Good,
    /// Not at all.
    Excluded,
}

/// Which of two is counted; the other is the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted<T> {
    /// What is good.
    Good(T),
    /// What is bad.
    Bad(T),
}

impl<T> Counted<T> {
    /// What is counted, whichever it is.
    pub fn of(&self) -> &T {
        match self {
            Self::Good(t) | Self::Bad(t) => t,
        }
    }
}

/// What is counted.
#[derive(Debug, Clone, PartialEq)]
pub enum Indicator {
    /// Counters of the metrics engine; several selectors are added up.
    Counters {
        /// Good or bad events.
        counted: Counted<Vec<Selector>>,
        /// All events.
        total: Vec<Selector>,
    },
    /// A histogram: good is what took no longer than the threshold.
    Latency(Latency),
    /// A gauge that is 1 while something is there: every sample is an event.
    Up(Vec<Selector>),
    /// Spans or log records that match filters of the query language.
    Events(Events),
}

/// A threshold on a histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    /// The histogram without `_bucket`; classic or native.
    pub histogram: Selector,
    /// In the unit of the histogram.
    pub threshold: f64,
}

/// Filters over spans or log records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// Logs or traces.
    pub signal: Signal,
    /// Which records are good, or bad.
    pub counted: Counted<String>,
    /// Which records there are.
    pub total: String,
}

impl Events {
    /// What is asked: which records there are, and which of them are counted. What is counted lies within what there is.
    pub fn filters(&self) -> [String; 2] {
        let counted = match self.total.trim() {
            "" | "*" => self.counted.of().clone(),
            total => format!("({total}) AND ({})", self.counted.of()),
        };
        [self.total.clone(), counted]
    }
}

/// When people are told.
#[derive(Debug, Clone, PartialEq)]
pub struct Alerting {
    /// Whether there are rules at all.
    pub enabled: bool,
    /// Bad events in the long window below which nobody is told.
    pub bad_events_min: f64,
    /// Whether silence of the indicator is told.
    pub no_data: bool,
    /// Added to the alerts.
    pub labels: BTreeMap<String, String>,
    /// Added to the alerts.
    pub annotations: BTreeMap<String, String>,
}

impl Default for Alerting {
    fn default() -> Self {
        Self {
            enabled: true,
            bad_events_min: BAD_EVENTS_MIN,
            no_data: true,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        }
    }
}

/// One failed request at night, when there are ten an hour, is no reason to wake anybody.
const BAD_EVENTS_MIN: f64 = 3.0;
