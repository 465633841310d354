//! Floor 0: what every other crate stands on, small and boring.
//!
//! Clock, disk door, byte sizes and durations, texts cut to a length, error kinds, shutdown signal.
//! *Invariant:* knows nothing of telemetry, HTTP or an async runtime.

pub mod clock;
pub mod disk;
pub mod error;
pub mod shutdown;
pub mod text;
pub mod units;

pub use clock::{Clock, UnixNanos};
pub use error::ErrorKind;
