//! Reads the times that people and programs put into a query: `from` and `to`.
//!
//! Taken are unix milliseconds, unix nanoseconds, RFC 3339 and times relative
//! to now. "Now" comes from the caller, so that one request has one now.

use std::time::Duration;

use foundation::units::parse_duration;
use foundation::{ErrorKind, UnixNanos};
use model::TimeRange;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Whole numbers below this are milliseconds: it is the year 5138.
const MILLIS_END: i64 = 100_000_000_000_000;
/// Whole numbers from here on and below [`SECONDS_END`] are seconds, which no parameter takes: as milliseconds they would lie
/// before March 1973, as seconds they are from that month on.
const SECONDS_START: i64 = 100_000_000;
const SECONDS_END: i64 = 100_000_000_000;
/// Whole numbers from this on are nanoseconds: it is March 1973. What lies
/// between the two would be microseconds, which no parameter takes.
const NANOS_START: i64 = 100_000_000_000_000_000;

/// A time that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimeError {
    /// None of the forms that are taken.
    #[error(
        "`{parameter}` is `{text}`, which is no time; write for example `now-1h`, `2026-11-22T14:30:00Z` or unix milliseconds such as 1795357800000"
    )]
    Form {
        /// `from` or `to`.
        parameter: &'static str,
        /// What was given.
        text: String,
    },
    /// A number of a size that only microseconds have.
    #[error("`{parameter}` is `{text}`, which looks like microseconds; write unix milliseconds or nanoseconds")]
    Microseconds {
        /// `from` or `to`.
        parameter: &'static str,
        /// What was given.
        text: String,
    },
    /// A number of a size that only seconds have.
    #[error("`{parameter}` is `{text}`, which looks like seconds; write unix milliseconds: `{text}000`")]
    Seconds {
        /// `from` or `to`.
        parameter: &'static str,
        /// What was given.
        text: String,
    },
    /// `to` is not after `from`.
    #[error("`to` must be after `from`; the last hour is from `now-1h` to `now`")]
    Empty,
}

impl TimeError {
    /// What a caller can do: a wrong time stays wrong.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }

    /// Which of the two is wrong.
    pub const fn parameter(&self) -> &'static str {
        match self {
            Self::Form { parameter, .. } | Self::Microseconds { parameter, .. } | Self::Seconds { parameter, .. } => {
                parameter
            }
            Self::Empty => "from",
        }
    }
}

/// The range from `from` (inclusive) to `to` (exclusive). A missing `to` is now, a missing `from`
/// lies `span` before `to`.
///
/// # Errors
/// A time that cannot be read, or a range with nothing in it.
pub fn parse_range(
    from: Option<&str>,
    to: Option<&str>,
    now: UnixNanos,
    span: Duration,
) -> Result<TimeRange, TimeError> {
    let given = |text: Option<&'_ str>| text.map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    let end = given(to).map_or(Ok(now), |t| parse_time("to", &t, now))?;
    let start = given(from).map_or(Ok(end.minus(span)), |t| parse_time("from", &t, now))?;
    if end <= start {
        return Err(TimeError::Empty);
    }
    Ok(TimeRange::new(start, end))
}

/// Reads one time; `parameter` names it in errors.
///
/// # Errors
/// When the text has none of the forms of this module.
pub fn parse_time(parameter: &'static str, text: &str, now: UnixNanos) -> Result<UnixNanos, TimeError> {
    let text = text.trim();
    let bad = || TimeError::Form { parameter, text: text.to_owned() };
    if let Some(offset) = text.strip_prefix("now") {
        return relative(offset, now).ok_or_else(bad);
    }
    if let Ok(number) = text.parse::<i64>() {
        return match number {
            SECONDS_START..SECONDS_END => Err(TimeError::Seconds { parameter, text: text.to_owned() }),
            ..MILLIS_END => Ok(UnixNanos::from_millis(number)),
            NANOS_START.. => Ok(UnixNanos(number)),
            _ => Err(TimeError::Microseconds { parameter, text: text.to_owned() }),
        };
    }
    // `+02:00` arrives as ` 02:00` from a URL that was not encoded.
    let rfc3339 = text.replacen(' ', "+", usize::from(text.contains('T')));
    let time = OffsetDateTime::parse(&rfc3339, &Rfc3339).map_err(|_| bad())?;
    i64::try_from(time.unix_timestamp_nanos()).map(UnixNanos).map_err(|_| bad())
}

/// Writes a time as [`parse_time`] reads it: RFC 3339 in UTC, with as many decimals as there are.
pub fn rfc3339(at: UnixNanos) -> String {
    // Every time that 64 bits of nanoseconds hold is in the years 1677 to 2262.
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_default()
}

/// `` (now itself), `-1h`, `+5m`.
fn relative(offset: &str, now: UnixNanos) -> Option<UnixNanos> {
    if offset.is_empty() {
        return Some(now);
    }
    let (sign, text) = offset.split_at_checked(1)?;
    let duration = parse_duration(text).ok()?;
    match sign {
        "-" => Some(now.minus(duration)),
        // ` ` is an unencoded `+`, as above.
        "+" | " " => Some(now.plus(duration)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixNanos = UnixNanos(1_795_357_800_000_000_000);

    fn read(text: &str) -> Result<i64, TimeError> {
        parse_time("from", text, NOW).map(|t| t.0)
    }

    #[test]
    fn every_form_of_the_contract() {
        assert_eq!(read("1795357800123"), Ok(1_795_357_800_123_000_000));
        assert_eq!(read("1795357800123456789"), Ok(1_795_357_800_123_456_789));
        assert_eq!(read("0"), Ok(0));
        assert_eq!(read("-1"), Ok(-1_000_000));
        assert_eq!(read("2026-11-22T14:30:00Z"), Ok(NOW.0));
        assert_eq!(read("2026-11-22T15:30:00.5+01:00"), Ok(NOW.0 + 500_000_000));
        assert_eq!(read("2026-11-22T15:30:00 01:00"), Ok(NOW.0));
        assert_eq!(read("now"), Ok(NOW.0));
        assert_eq!(read("now-1h30m"), Ok(NOW.0 - 5_400_000_000_000));
        assert_eq!(read("now+5m"), read("now 5m"));
    }

    #[test]
    fn all_times_have_a_text_that_reads_the_same() {
        assert_eq!(rfc3339(NOW), "2026-11-22T14:30:00Z");
        assert_eq!(rfc3339(UnixNanos(NOW.0 + 120_000_000)), "2026-11-22T14:30:00.12Z");
        assert_eq!(rfc3339(UnixNanos::MIN), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(rfc3339(UnixNanos::MAX), "2262-04-11T23:47:16.854775807Z");
        for time in [i64::MIN, -1, 0, 1, 99_999_999_999_999_999, NOW.0 + 1, i64::MAX] {
            assert_eq!(read(&rfc3339(UnixNanos(time))), Ok(time));
        }
    }

    #[test]
    fn other_texts_are_refused_with_an_example() {
        for text in
            ["", "yesterday", "now-", "now*2", "now-5", "2026-11-22", "2026-13-22T00:00:00Z", "nów", "now-é", "1e9"]
        {
            let e = read(text).unwrap_err();
            assert!(e.to_string().contains("now-1h"), "{text}: {e}");
        }
        assert!(matches!(read("1795357800000000"), Err(TimeError::Microseconds { .. })));
        assert!(matches!(read("9999-12-31T00:00:00Z"), Err(TimeError::Form { .. })));
    }

    #[test]
    fn ranges_have_defaults_and_are_never_empty() {
        let hour = Duration::from_secs(3600);
        let range = |from, to| parse_range(from, to, NOW, hour);
        assert_eq!(range(None, None), Ok(TimeRange::new(NOW.minus(hour), NOW)));
        assert_eq!(range(Some(""), Some("now-1h")), Ok(TimeRange::new(NOW.minus(2 * hour), NOW.minus(hour))));
        assert_eq!(range(Some("now"), Some("now")), Err(TimeError::Empty));
        assert_eq!(range(Some("now"), Some("now-1h")), Err(TimeError::Empty));
        assert!(range(Some("x"), None).is_err());
    }
}
