//! Operators on log entries, one at a time: what the Collector's `filelog` and `syslog` receivers call `operators`.
//!
//! An [`Entry`] is a log record that is being made. A [`Chain`] hands it from operator to operator; an operator passes it on,
//! drops it, sends it to another place of the chain, or holds it until others have come. Each source has a chain of
//! its own, because what is held belongs to a place in that source.
//! Source: opentelemetry-collector-contrib, `pkg/stanza/docs`.

mod chain;
mod entry;
mod expr;
mod field;
mod layout;
mod operators;

pub(crate) use chain::{Blueprint, Chain};
pub(crate) use entry::Entry;
pub(crate) use operators::{JsonLines, build};
