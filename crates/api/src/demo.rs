//! Starts and stops the demo. A face must not know who plays it: the binary hands in functions.

use std::sync::Arc;

/// The switch; clones share it.
#[derive(Clone)]
pub struct Demo {
    /// Whether it runs.
    pub running: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Starts or stops it, and waits until that is done; why it could not.
    pub switch: Arc<dyn Fn(bool) -> Result<(), String> + Send + Sync>,
}
