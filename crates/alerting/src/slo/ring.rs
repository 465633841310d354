//! Minutes of events: what was good and what there was, as running sums.
//!
//! Sums of whole numbers below 2^53 are exact, so a budget of counted events has no rounding error, however
//! often the window moves.

use std::collections::VecDeque;

/// Good and total.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Count {
    pub good: f64,
    pub total: f64,
}

impl Count {
    pub(super) fn bad(self) -> f64 {
        self.total - self.good
    }
}

impl std::ops::Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { good: self.good + other.good, total: self.total + other.total }
    }
}

impl std::ops::Sub for Count {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { good: self.good - other.good, total: self.total - other.total }
    }
}

/// The last minutes; minute `m` is what came after `m * 60` and not after `(m + 1) * 60` seconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ring {
    /// The minute of the first element of `sums`.
    first: i64,
    /// Of everything up to the end of each minute.
    sums: VecDeque<Count>,
    /// Of everything before `first`.
    before: Count,
    minutes_max: usize,
}

impl Ring {
    /// Keeps up to `minutes_max` minutes; the first that is pushed is `first`.
    pub(super) fn new(first: i64, minutes_max: usize) -> Self {
        Self { first, sums: VecDeque::new(), before: Count::default(), minutes_max }
    }

    /// The minute after the last that is known.
    pub(super) fn end(&self) -> i64 {
        self.first + self.sums.len() as i64
    }

    /// The first minute that is known.
    pub(super) fn first(&self) -> i64 {
        self.first
    }

    /// Adds the minute [`Ring::end`], or puts others in place of the last ones, when `minute` lies before it.
    ///
    /// What lies between the end and `minute` had no events. A minute that has left the ring is not changed.
    pub(super) fn set_from(&mut self, minute: i64, counts: impl IntoIterator<Item = Count>) {
        let mut counts = counts.into_iter();
        for _ in minute..self.first {
            counts.next();
        }
        let keep = usize::try_from(minute - self.first).unwrap_or(0);
        self.sums.truncate(keep);
        // A gap longer than the ring leaves nothing of what was before.
        if minute - self.end() > self.minutes_max as i64 {
            self.before = self.sums.back().copied().unwrap_or(self.before);
            self.sums.clear();
            self.first = minute - self.minutes_max as i64;
        }
        while self.end() < minute {
            self.push(Count::default());
        }
        for count in counts {
            self.push(count);
        }
    }

    fn push(&mut self, count: Count) {
        let last = self.sums.back().copied().unwrap_or(self.before);
        self.sums.push_back(last + count);
        if self.sums.len() > self.minutes_max
            && let Some(oldest) = self.sums.pop_front()
        {
            self.before = oldest;
            self.first += 1;
        }
    }

    /// Of everything before `minute`.
    fn sum_before(&self, minute: i64) -> Count {
        match usize::try_from(minute - self.first) {
            Ok(0) | Err(_) => self.before,
            Ok(n) => self.sums.get(n.min(self.sums.len()).wrapping_sub(1)).copied().unwrap_or(self.before),
        }
    }

    /// What lies in the minutes `from..to`.
    pub(super) fn count(&self, from: i64, to: i64) -> Count {
        if to <= from { Count::default() } else { self.sum_before(to) - self.sum_before(from) }
    }

    /// Each minute in order.
    pub(super) fn minutes(&self) -> impl Iterator<Item = Count> + '_ {
        let mut last = self.before;
        self.sums.iter().map(move |sum| {
            let count = *sum - last;
            last = *sum;
            count
        })
    }

    /// The last minute before `to` that had events.
    pub(super) fn last_event(&self, to: i64) -> Option<i64> {
        let n = usize::try_from(to.min(self.end()) - self.first).ok()?;
        let total = |i: usize| self.sums.get(i).map_or(0.0, |c| c.total);
        let last = total(n.checked_sub(1)?);
        if last <= self.before.total {
            return None;
        }
        // The first minute whose sum is the last one.
        let at = self.sums.partition_point(|c| c.total < last);
        Some(self.first + at as i64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_counted_outside() {
        let mut ring = Ring::new(10, 4);
        let one = Count { good: 1.0, total: 2.0 };
        ring.set_from(10, [one, one]);
        ring.set_from(14, [one]);
        assert_eq!((ring.first(), ring.end()), (11, 15));
        assert_eq!(ring.count(0, 100), Count { good: 2.0, total: 4.0 });
        assert_eq!(ring.count(12, 14), Count::default());
        assert_eq!(ring.last_event(15), Some(14));
        assert_eq!(ring.last_event(14), Some(11));
        assert_eq!(Ring::new(5, 3).last_event(9), None);
    }

    proptest! {
        #[test]
        fn any_window_is_the_sum_of_its_minutes(
            writes in prop::collection::vec((0i64..40, prop::collection::vec((0u32..5, 0u32..5), 0..6)), 1..12),
            from in -5i64..50, to in -5i64..50,
        ) {
            let (mut ring, mut short, mut whole) = (Ring::new(0, 1000), Ring::new(0, 7), true);
            let mut model: Vec<Count> = Vec::new();
            for (minute, counts) in writes {
                let counts: Vec<Count> =
                    counts.iter().map(|(g, b)| Count { good: f64::from(*g), total: f64::from(g + b) }).collect();
                ring.set_from(minute, counts.iter().copied());
                // The short ring cannot take back what it has forgotten.
                whole &= minute >= short.first();
                short.set_from(minute, counts.iter().copied());
                model.resize(minute as usize, Count::default());
                model.extend(counts);
            }
            let expected = (from.max(0)..to.clamp(0, model.len() as i64))
                .fold(Count::default(), |sum, m| sum + model[m as usize]);
            prop_assert_eq!(ring.count(from, to), expected);
            prop_assert_eq!(ring.minutes().collect::<Vec<_>>(), model.clone());
            if whole {
                prop_assert_eq!(short.end(), ring.end());
                let begin = short.first();
                prop_assert!(ring.end() - begin <= 7);
                prop_assert_eq!(short.count(begin, 50), ring.count(begin, 50));
            }
            let last = model.iter().rposition(|c| c.total > 0.0).map(|m| m as i64);
            prop_assert_eq!(ring.last_event(ring.end()), last);
        }
    }
}
