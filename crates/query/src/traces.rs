//! Reads of traces: one operation per file.

mod assemble;
mod by_id;
mod search;

pub use assemble::Trace;
pub use by_id::by_id;
pub use search::{LIMIT_MAX, TracePage, search};
