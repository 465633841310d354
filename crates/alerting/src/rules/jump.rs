//! Jumps of the clock: the time of day moved, and nothing happened.
//!
//! A clock that is corrected by an hour must not page everybody. When the time of day and the time since the start disagree by more than
//! [`JUMP_MIN`], how long alerts have lasted is kept, and for a while nothing begins to fire and nothing ends: for [`SETTLE`],
//! until samples with the new time fill the windows of expressions; and after a jump back, wherever the clock passes times that were
//! evaluated before, where old and new samples of one series lie between each other.

use std::time::Duration;

use foundation::UnixNanos;

/// Smaller corrections are nothing special.
pub(super) const JUMP_MIN: Duration = Duration::from_secs(30);
/// The usual lookback: after that, expressions see what was measured since.
pub(super) const SETTLE: Duration = Duration::from_secs(300);
/// Longer than that nobody is left without alerts, whatever the clock did.
const UNSETTLED_MAX: Duration = Duration::from_secs(2 * 3600);
/// Stretches of time that are remembered.
const STRETCHES_MAX: usize = 16;

/// Compares the time of day with the time since the start.
#[derive(Debug)]
pub(super) struct ClockWatch {
    last: Option<(UnixNanos, UnixNanos)>,
    /// Since when the time of day has gone on without a jump.
    stretch_start: UnixNanos,
    /// Stretches of the time of day that were passed before a jump.
    passed: Vec<(UnixNanos, UnixNanos)>,
    /// When the last jump was, and the time since the start then.
    jumped: Option<(UnixNanos, UnixNanos)>,
    jumps: u64,
}

impl ClockWatch {
    pub(super) fn new() -> Self {
        // What a process before this one stored lies before the start as well.
        Self { last: None, stretch_start: UnixNanos::MIN, passed: Vec::new(), jumped: None, jumps: 0 }
    }

    /// Looks at both times; answers by how many nanoseconds the time of day has jumped since the last look.
    pub(super) fn observe(&mut self, wall: UnixNanos, steady: UnixNanos) -> Option<i64> {
        let (last_wall, last_steady) = self.last.replace((wall, steady))?;
        let jump = wall.0.saturating_sub(last_wall.0).saturating_sub(steady.0.saturating_sub(last_steady.0));
        if jump.unsigned_abs() < JUMP_MIN.as_nanos() as u64 {
            return None;
        }
        self.passed.push((self.stretch_start, last_wall));
        if self.passed.len() > STRETCHES_MAX {
            self.passed.remove(0);
        }
        self.stretch_start = wall;
        self.jumped = Some((wall, steady));
        self.jumps += 1;
        Some(jump)
    }

    /// How many jumps there were.
    pub(super) fn jumps(&self) -> u64 {
        self.jumps
    }

    /// Since when the time of day is not trusted, if it is not at `wall`.
    pub(super) fn unsettled_since(&self, wall: UnixNanos) -> Option<UnixNanos> {
        let (jumped_at, jumped_steady) = self.jumped?;
        let (_, steady) = self.last?;
        let elapsed = Duration::from_nanos(steady.0.saturating_sub(jumped_steady.0).unsigned_abs());
        if elapsed < SETTLE {
            return Some(jumped_at);
        }
        if elapsed >= UNSETTLED_MAX {
            return None;
        }
        let inside = |(from, to): &&(UnixNanos, UnixNanos)| *from <= wall && wall < to.plus(SETTLE);
        self.passed.iter().find(inside).map(|(from, _)| (*from).max(jumped_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds of both times, one after another, and since when the first is not trusted.
    fn watch(times: &[(i64, i64)]) -> Vec<Option<i64>> {
        let mut watch = ClockWatch::new();
        let seconds = |t: UnixNanos| t.0 / 1_000_000_000;
        let look = |(wall, steady): &(i64, i64)| {
            let wall = UnixNanos::from_secs(*wall);
            watch.observe(wall, UnixNanos::from_secs(*steady));
            watch.unsettled_since(wall).map(seconds)
        };
        times.iter().map(look).collect()
    }

    #[test]
    fn small_corrections_are_no_jumps() {
        assert_eq!(watch(&[(10_000, 0), (10_020, 15), (10_020, 30)]), [None, None, None]);
    }

    #[test]
    fn a_jump_forward_settles_in_five_minutes() {
        let seen = watch(&[(10_000, 0), (13_615, 15), (13_914, 314), (13_915, 315), (14_000, 400)]);
        assert_eq!(seen, [None, Some(13_615), Some(13_615), None, None]);
    }

    #[test]
    fn a_jump_back_is_unsettled_until_the_time_is_new_again() {
        let seen = watch(&[(10_000, 0), (6_415, 15), (9_900, 3_500), (10_299, 3_899), (10_300, 3_900)]);
        assert_eq!(seen, [None, Some(6_415), Some(6_415), Some(6_415), None]);
        // Not for ever.
        let seen = watch(&[(100_000, 0), (6_415, 15), (13_614, 7_214), (13_615, 7_215)]);
        assert_eq!(seen, [None, Some(6_415), Some(6_415), None]);
    }

    #[test]
    fn there_and_back_again_settles_twice() {
        let seen = watch(&[
            (10_000, 0),
            (13_610, 10),
            (10_020, 20),
            (10_320, 320),
            (13_600, 3_600),
            (13_620, 3_620),
            (13_910, 3_910),
        ]);
        let (forth, back) = (Some(13_610), Some(10_020));
        // The time that was passed in the future is passed once more.
        assert_eq!(seen, [None, forth, back, None, None, Some(13_610), None]);
    }
}
