//! How long to wait before the next try: longer each time, never the same for two senders.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use super::settings::Retry;

/// The pauses of one request.
pub(super) struct Backoff {
    next: Duration,
    max: Duration,
    multiplier: f64,
    randomization: f64,
    tries: u64,
    random: RandomState,
}

impl Backoff {
    pub(super) fn new(retry: &Retry) -> Self {
        Self {
            next: retry.initial_interval.0,
            max: retry.max_interval.0,
            multiplier: retry.multiplier,
            randomization: retry.randomization_factor,
            tries: 0,
            random: RandomState::new(),
        }
    }

    /// The next pause; not before the back end wants to be asked.
    pub(super) fn next(&mut self, after: Option<Duration>) -> Duration {
        self.tries += 1;
        let usual = self.next.min(self.max);
        self.next = usual.mul_f64(self.multiplier).min(self.max);
        // From 0 to 1, good enough to keep senders apart.
        let random = (self.random.hash_one(self.tries) >> 11) as f64 / (1u64 << 53) as f64;
        let spread = 1.0 + self.randomization * (2.0 * random - 1.0);
        usual.mul_f64(spread.max(0.0)).max(after.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Interval;

    #[test]
    fn pauses_grow_to_the_maximum_and_wait_for_the_back_end() {
        let retry = Retry {
            initial_interval: Interval::secs(1),
            max_interval: Interval::secs(4),
            multiplier: 2.0,
            randomization_factor: 0.0,
            ..Retry::default()
        };
        let mut backoff = Backoff::new(&retry);
        let pauses: Vec<u64> = (0..4).map(|_| backoff.next(None).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 4]);
        assert_eq!(backoff.next(Some(Duration::from_secs(60))), Duration::from_secs(60));
        let mut spread = Backoff::new(&Retry { randomization_factor: 0.5, ..retry });
        let first = spread.next(None);
        assert!(first >= Duration::from_millis(500) && first <= Duration::from_millis(1500), "{first:?}");
    }
}
