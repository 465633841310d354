//! Reads of logs: one operation per file.

mod search;
mod volume;

pub use search::{LIMIT_MAX, LogPage, search};
pub use volume::{BUCKETS_MAX, LEVELS, Volume, volume};
