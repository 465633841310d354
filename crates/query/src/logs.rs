//! Reads of logs: one operation per file.

mod context;
mod patterns;
mod search;
mod tail;
mod volume;

pub use context::{CONTEXT_MAX, Context, context};
pub use patterns::{PATTERN_BUCKETS, PATTERNS_MAX, patterns};
pub use search::{LIMIT_MAX, LogPage, search};
pub use tail::{Arrived, LOOK_BACK, tail};
pub use volume::{BUCKETS_MAX, LEVELS, Volume, volume};
