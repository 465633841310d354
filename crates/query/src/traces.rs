//! Reads of traces: one operation per file.

mod assemble;
mod by_id;
mod heatmap;
mod map;
mod search;

pub use assemble::Trace;
pub use by_id::by_id;
pub use heatmap::{BUCKETS_MAX, HeatMap, heat_map};
pub use map::service_map;
pub use search::{LIMIT_MAX, TracePage, search};
