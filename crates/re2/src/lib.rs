//! Floor 1: regular expressions in Go's syntax (RE2).
//!
//! PromQL, its functions and the metrics engine mean the same by an
//! expression because all of them come here: [`compile_anchored`] and [`compile`] for a
//! [`Regex`](regex::Regex), [`Pattern`] for what an index can make use of.
//!
//! *Invariant:* knows texts only: no labels, no indexes, no storage.

mod pattern;
mod translate;

pub use pattern::Pattern;
pub use translate::{Re2Error, compile, compile_anchored};
