//! Service level objectives: what is promised, how much of the error budget is left, and when to wake somebody.
//!
//! Budgets are counted in events, aggregated before they are divided. A ring of minutes per objective and group holds
//! what was good and what there was, so that any window is two look-ups; rings are filled from the history of the
//! metrics, logs and spans, and kept in files (`docs/formats/slo.md`).
//! *Invariant:* asks through [`Source`] and writes as rules do; knows no storage.

mod alerts;
mod book;
mod budget;
mod budgets_file;
mod burn;
mod config;
mod engine;
mod indicator;
mod openslo;
mod print;
mod propose;
mod ring;
mod ring_file;
mod selector;
mod series;
mod source;
mod spec;
mod window;

pub use alerts::rule_group;
pub use book::{BookError, Slobook, read_file, written};
pub use budget::{Budget, BurnRate, Status, minute_of, start_of};
pub use burn::{Dropped, Tier, Urgency, tiers};
pub use config::{Parsed, parse};
pub use engine::{Engine, Entry, GroupStatus, Options, SloError, Spent};
pub use print::{indicator as print_indicator, print};
pub use propose::{Proposal, propose};
pub use selector::Selector;
pub use source::{EventsQuery, Series, Source};
pub use spec::{Alerting, EmptySlice, Events, Indicator, Latency, Method, Origin, Slo};
pub use window::{Calendar, Window};

#[cfg(test)]
mod simulated;
