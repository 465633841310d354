//! The clock door: the one place where the time of day is read.
//!
//! Everything that asks "what time is it" takes a [`Clock`], so that a test
//! can stand still or jump. Durations between two events of one process use
//! `std::time::Instant` and need no door.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970-01-01T00:00:00Z, as OTLP counts them.
///
/// Signed 64 bits reach from 1677 to 2262; OTLP's unsigned values above
/// `i64::MAX` saturate on conversion.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixNanos(pub i64);

impl UnixNanos {
    /// The earliest representable time.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest representable time.
    pub const MAX: Self = Self(i64::MAX);

    /// Whole milliseconds since the epoch, rounded down, as Prometheus counts.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// From milliseconds since the epoch; saturates.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// From seconds since the epoch; saturates.
    pub const fn from_secs(s: i64) -> Self {
        Self(s.saturating_mul(1_000_000_000))
    }

    /// From OTLP's unsigned count; saturates.
    pub const fn from_u64(ns: u64) -> Self {
        if ns > i64::MAX as u64 { Self::MAX } else { Self(ns as i64) }
    }

    /// This time moved later; saturates.
    #[must_use]
    pub const fn plus(self, d: Duration) -> Self {
        Self(self.0.saturating_add(nanos_of(d)))
    }

    /// This time moved earlier; saturates.
    #[must_use]
    pub const fn minus(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(nanos_of(d)))
    }
}

const fn nanos_of(d: Duration) -> i64 {
    let n = d.as_nanos();
    if n > i64::MAX as u128 { i64::MAX } else { n as i64 }
}

impl fmt::Debug for UnixNanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ns", self.0)
    }
}

/// Reads the time of day.
pub trait Clock: Send + Sync + 'static {
    /// The time of day now.
    fn now(&self) -> UnixNanos;
}

/// The clock of the operating system.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn now(&self) -> UnixNanos {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(d) => UnixNanos(nanos_of(d)),
            // A machine whose clock stands before 1970 has no sensible time.
            Err(_) => UnixNanos(0),
        }
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `at`.
    pub fn new(at: UnixNanos) -> Self {
        Self(Arc::new(AtomicI64::new(at.0)))
    }

    /// Moves the clock to `at`, in either direction.
    pub fn set(&self, at: UnixNanos) {
        self.0.store(at.0, Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub fn advance(&self, d: Duration) {
        self.0.fetch_add(nanos_of(d), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixNanos {
        UnixNanos(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_saturate_and_round_down() {
        assert_eq!(UnixNanos::from_u64(u64::MAX), UnixNanos::MAX);
        assert_eq!(UnixNanos(-1).as_millis(), -1);
        assert_eq!(UnixNanos::MAX.plus(Duration::from_secs(1)), UnixNanos::MAX);
        assert_eq!(UnixNanos::from_secs(2).minus(Duration::from_secs(3)), UnixNanos::from_secs(-1));
    }

    #[test]
    fn manual_clock_moves_only_when_told() {
        let c = ManualClock::new(UnixNanos::from_secs(10));
        assert_eq!(c.now(), c.now());
        c.advance(Duration::from_secs(5));
        assert_eq!(c.now(), UnixNanos::from_secs(15));
    }
}
