//! The time that an objective is measured over: a length that moves along, or a period of the calendar.

use std::time::Duration;

use foundation::UnixNanos;
use foundation::units::{format_duration, parse_duration};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

/// The longest window: its minutes lie in memory.
pub(super) const WINDOW_MAX: Duration = Duration::from_secs(366 * 86_400);
/// The shortest one: below it no burn rate has two windows.
pub(super) const WINDOW_MIN: Duration = Duration::from_secs(3_600);

/// The time that an objective is measured over.
#[derive(Debug, Clone, PartialEq)]
pub enum Window {
    /// The last so many minutes.
    Rolling(Duration),
    /// The current period; the budget is whole again when the next begins.
    Calendar(Calendar, TimeZone),
}

/// A period of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// From midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
    /// From the first of January, April, July and October.
    Quarter,
    /// From the first of January.
    Year,
}

impl Calendar {
    const NAMES: [(&'static str, Self); 5] = [
        ("day", Self::Day),
        ("week", Self::Week),
        ("month", Self::Month),
        ("quarter", Self::Quarter),
        ("year", Self::Year),
    ];

    /// `day`, `week`, `month`, `quarter` or `year`.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, c)| *c == self).map_or("", |(name, _)| name)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(name, _)| *name == text).map(|(_, c)| *c)
    }

    /// Long enough for every period of the kind.
    fn length_max(self) -> Duration {
        let days = match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 31,
            Self::Quarter => 92,
            Self::Year => 366,
        };
        // A day may have an hour more.
        Duration::from_secs(days * 86_400 + 3_600)
    }
}

impl Window {
    /// A length such as `30d`, or a period such as `month`.
    pub(super) fn parse(text: &str, zone: Option<&str>) -> Result<Self, String> {
        if let Some(calendar) = Calendar::parse(text) {
            return Ok(Self::Calendar(calendar, time_zone(zone.unwrap_or("UTC"))?));
        }
        let length = parse_duration(text).map_err(|_| {
            format!(
                "`{text}` is not a window; write a length such as `30d`, or `day`, `week`, `month`, `quarter` or `year`"
            )
        })?;
        if zone.is_some() {
            return Err(format!("`{text}` moves along with time and has no time zone; leave time_zone out"));
        }
        Self::rolling(length)
    }

    pub(super) fn rolling(length: Duration) -> Result<Self, String> {
        if !(WINDOW_MIN..=WINDOW_MAX).contains(&length) || !length.as_secs().is_multiple_of(60) {
            let (min, max) = (format_duration(WINDOW_MIN), format_duration(WINDOW_MAX));
            return Err(format!(
                "a window has whole minutes and is between {min} and {max} long, not {}",
                format_duration(length)
            ));
        }
        Ok(Self::Rolling(length))
    }

    /// When the window that contains `at` began, and how long it is in whole.
    pub fn at(&self, at: UnixNanos) -> (UnixNanos, Duration) {
        match self {
            Self::Rolling(length) => (at.minus(*length), *length),
            Self::Calendar(calendar, zone) => {
                // A time that jiff cannot hold is further away than anything stored.
                let Some((start, end)) = period(*calendar, zone, at) else { return (at, Duration::ZERO) };
                (start, Duration::from_nanos((end.0 - start.0).unsigned_abs()))
            }
        }
    }

    /// No window of this kind is longer.
    pub fn length_max(&self) -> Duration {
        match self {
            Self::Rolling(length) => *length,
            Self::Calendar(calendar, _) => calendar.length_max(),
        }
    }

    /// The usual length, from which burn rates are reckoned.
    pub fn period(&self) -> Duration {
        let days = match self {
            Self::Rolling(length) => return *length,
            Self::Calendar(Calendar::Day, _) => 1,
            Self::Calendar(Calendar::Week, _) => 7,
            Self::Calendar(Calendar::Month, _) => 30,
            Self::Calendar(Calendar::Quarter, _) => 90,
            Self::Calendar(Calendar::Year, _) => 365,
        };
        Duration::from_secs(days * 86_400)
    }

    /// `30d` or `month`.
    pub fn text(&self) -> String {
        match self {
            Self::Rolling(length) => format_duration(*length),
            Self::Calendar(calendar, _) => calendar.name().to_owned(),
        }
    }
}

pub(super) fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("`{name}` is not a time zone; write one such as `UTC` or `Europe/Berlin`"))
}

/// Start and end of the period around `at`.
fn period(calendar: Calendar, zone: &TimeZone, at: UnixNanos) -> Option<(UnixNanos, UnixNanos)> {
    let now = Timestamp::from_nanosecond(at.0.into()).ok()?.to_zoned_datetime(zone.clone());
    let midnight = now.start_of_day().ok()?;
    let (start, length) = match calendar {
        Calendar::Day => (midnight, jiff::Span::new().days(1)),
        Calendar::Week => {
            let back = i64::from(midnight.weekday().since(Weekday::Monday));
            (midnight.checked_sub(jiff::Span::new().days(back)).ok()?, jiff::Span::new().weeks(1))
        }
        Calendar::Month => (midnight.first_of_month().ok()?, jiff::Span::new().months(1)),
        Calendar::Quarter => {
            let first = midnight.first_of_month().ok()?;
            let back = i64::from((first.month() - 1) % 3);
            (first.checked_sub(jiff::Span::new().months(back)).ok()?, jiff::Span::new().months(3))
        }
        Calendar::Year => (midnight.first_of_year().ok()?, jiff::Span::new().years(1)),
    };
    let end = start.checked_add(length).ok()?;
    let nanos = |z: &ZonedDateTime| i64::try_from(z.timestamp().as_nanosecond()).ok().map(UnixNanos);
    Some((nanos(&start)?, nanos(&end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start_of(window: &str, zone: &str, at: &str) -> (String, Duration) {
        let at: Timestamp = at.parse().unwrap();
        let (start, length) = Window::parse(window, Some(zone)).unwrap().at(UnixNanos(at.as_nanosecond() as i64));
        (Timestamp::from_nanosecond(start.0.into()).unwrap().to_string(), length)
    }

    #[test]
    fn periods_of_the_calendar_begin_at_midnight_of_their_zone() {
        let day = |n: u64| Duration::from_secs(n * 86_400);
        let hour = Duration::from_secs(3_600);
        assert_eq!(start_of("day", "UTC", "2026-11-28T17:45:00Z"), ("2026-11-28T00:00:00Z".into(), day(1)));
        assert_eq!(start_of("week", "UTC", "2026-11-28T17:45:00Z"), ("2026-11-23T00:00:00Z".into(), day(7)));
        assert_eq!(start_of("quarter", "UTC", "2026-11-28T17:45:00Z"), ("2026-10-01T00:00:00Z".into(), day(92)));
        assert_eq!(start_of("year", "UTC", "2026-11-28T17:45:00Z"), ("2026-01-01T00:00:00Z".into(), day(365)));
        // October of Berlin has an hour more.
        assert_eq!(
            start_of("month", "Europe/Berlin", "2026-10-31T22:30:00Z"),
            ("2026-09-30T22:00:00Z".into(), day(31) + hour)
        );
        assert_eq!(
            start_of("day", "Europe/Berlin", "2026-03-29T12:00:00Z"),
            ("2026-03-28T23:00:00Z".into(), day(1) - hour)
        );
    }

    #[test]
    fn no_period_is_longer_than_is_kept() {
        for at in (0..800).map(|d| UnixNanos::from_secs(1_700_000_000 + d * 86_400)) {
            for (_, calendar) in Calendar::NAMES {
                let window = Window::Calendar(calendar, TimeZone::get("America/New_York").unwrap());
                let (start, length) = window.at(at);
                assert!(length <= window.length_max(), "{calendar:?}");
                assert!(start <= at && at.0 - start.0 < length.as_nanos() as i64);
            }
        }
    }

    #[test]
    fn what_is_no_window_is_said() {
        assert!(Window::parse("soon", None).unwrap_err().contains("`month`"));
        assert!(Window::parse("30d", Some("UTC")).unwrap_err().contains("leave time_zone out"));
        assert!(Window::parse("5m", None).unwrap_err().contains("between 1h and 366d"));
        assert!(Window::parse("month", Some("Mars/Base")).unwrap_err().contains("`Mars/Base`"));
    }
}
