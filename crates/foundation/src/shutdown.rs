//! Tells threads and tasks that the process is going down.
//!
//! One [`Shutdown`] is made at start; everything that waits holds a clone.
//! It is a latch: once set it stays set. Async code polls
//! [`Shutdown::is_set`] at its own edges (the binary bridges it to its
//! runtime); threads block in [`Shutdown::wait_timeout`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// A latch that is set once, when the process begins to stop.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<Latch>);

#[derive(Debug, Default)]
struct Latch {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Shutdown {
    /// An unset latch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the latch and wakes everyone who waits.
    pub fn set(&self) {
        *self.0.set.lock() = true;
        self.0.changed.notify_all();
    }

    /// Whether the latch is set.
    pub fn is_set(&self) -> bool {
        *self.0.set.lock()
    }

    /// Waits until the latch is set or `timeout` has passed; returns whether it is set.
    ///
    /// The way a background thread keeps its rhythm: `while !s.wait_timeout(period) { work() }`.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut set = self.0.set.lock();
        while !*set {
            if self.0.changed.wait_until(&mut set, deadline).timed_out() {
                break;
            }
        }
        *set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_until_set() {
        let s = Shutdown::new();
        assert!(!s.wait_timeout(Duration::from_millis(1)));
        let t = s.clone();
        let waiter = std::thread::spawn(move || t.wait_timeout(Duration::from_secs(60)));
        s.set();
        assert!(waiter.join().unwrap());
        assert!(s.is_set());
    }
}
