//! Day partitions: which folder a row lies in, and when it may go.

use std::fmt;

use model::UnixNanos;

const NANOS: i64 = 86_400_000_000_000;

/// A day (UTC), counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Day(i64);

impl Day {
    pub(crate) const fn of(t: UnixNanos) -> Self {
        Self(t.0.div_euclid(NANOS))
    }

    /// The first moment after the day; saturates.
    pub(crate) const fn end(self) -> UnixNanos {
        UnixNanos((self.0 + 1).saturating_mul(NANOS))
    }

    /// Reads what `Display` wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // Representable times lie in the years 1677 to 2262.
        let n: i64 = text.parse().ok()?;
        let (y, m, d) = (n / 10_000, n / 100 % 100, n % 100);
        let day = Self::from_civil(y, m, d);
        (day.to_string() == text).then_some(day)
    }

    /// Days from civil, after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    fn from_civil(y: i64, m: i64, d: i64) -> Self {
        let y = if m <= 2 { y - 1 } else { y };
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + d - 1;
        Self(era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468)
    }

    fn civil(self) -> (i64, i64, i64) {
        let z = self.0 + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let (d, m) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
        (yoe + era * 400 + i64::from(m <= 2), m, d)
    }
}

impl fmt::Display for Day {
    /// The folder's name: `20261122`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (y, m, d) = self.civil();
        write!(f, "{y:04}{m:02}{d:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_the_names_of_the_calendar() {
        for (secs, name) in [(0, "19700101"), (-1, "19691231"), (951_782_400, "20000229"), (1_795_305_600, "20261122")]
        {
            let day = Day::of(UnixNanos::from_secs(secs));
            assert_eq!(day.to_string(), name);
            assert_eq!(Day::parse(name), Some(day));
            assert!(day.end() > UnixNanos::from_secs(secs));
        }
        for t in [UnixNanos::MIN, UnixNanos::MAX] {
            assert_eq!(Day::parse(&Day::of(t).to_string()), Some(Day::of(t)));
        }
        assert_eq!(Day::parse("20261322"), None);
        assert_eq!(Day::parse("seg-1"), None);
    }
}
