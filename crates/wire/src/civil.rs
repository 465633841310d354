//! Dates and times of the proleptic Gregorian calendar, in the spellings that logs use.
//!
//! No time zones but offsets. Source: RFC 3339; Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

use foundation::UnixNanos;

/// A date and a time of day, without checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Civil {
    /// The year.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 60.
    pub second: i64,
    /// 0 to 999,999,999.
    pub nanos: i64,
}

const MONTHS: [&[u8; 3]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

/// The number of a month, 1 to 12, from the first three letters of its English name.
pub fn month(name: &[u8]) -> Option<i64> {
    let three: [u8; 3] = name.get(..3)?.to_ascii_lowercase().try_into().ok()?;
    MONTHS.iter().position(|m| **m == three).map(|n| n as i64 + 1)
}

impl Civil {
    /// The moment at which clocks `offset_seconds` east of Greenwich show this; `None` for what no clock shows.
    pub fn to_unix(self, offset_seconds: i64) -> Option<UnixNanos> {
        let valid = (1..=12).contains(&self.month)
            && (1..=31).contains(&self.day)
            && (0..24).contains(&self.hour)
            && (0..60).contains(&self.minute)
            && (0..=60).contains(&self.second)
            && (0..1_000_000_000).contains(&self.nanos)
            && (0..=9999).contains(&self.year);
        if !valid {
            return None;
        }
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * (self.month + if self.month > 2 { -3 } else { 9 }) + 2) / 5 + self.day - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        let seconds = days * 86_400 + self.hour * 3600 + self.minute * 60 + self.second - offset_seconds;
        seconds.checked_mul(1_000_000_000)?.checked_add(self.nanos).map(UnixNanos)
    }
}

/// The year that clocks in Greenwich show.
pub fn year_of(time: UnixNanos) -> i64 {
    let days = time.0.div_euclid(86_400_000_000_000) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let years = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    // Years begin in March here.
    years + era * 400 + i64::from((5 * of_year + 2) / 153 >= 10)
}

/// So many digits at the beginning.
fn digits(text: &[u8], n: usize) -> Option<(i64, &[u8])> {
    let (head, rest) = text.split_at_checked(n)?;
    let mut value = 0;
    for d in head {
        if !d.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(d - b'0');
    }
    Some((value, rest))
}

fn byte<'a>(text: &'a [u8], allowed: &[u8]) -> Option<&'a [u8]> {
    text.split_first().filter(|(b, _)| allowed.contains(b)).map(|(_, rest)| rest)
}

/// `15:04:05`, and the rest.
pub fn clock(text: &[u8]) -> Option<([i64; 3], &[u8])> {
    let (hour, rest) = digits(text, 2)?;
    let (minute, rest) = digits(byte(rest, b":")?, 2)?;
    let (second, rest) = digits(byte(rest, b":")?, 2)?;
    Some(([hour, minute, second], rest))
}

/// A fraction of a second behind `.` or `,`, in nanoseconds; 0 if there is none.
fn fraction(text: &[u8]) -> (i64, &[u8]) {
    let Some(rest) = byte(text, b".,") else { return (0, text) };
    let n = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if n == 0 {
        return (0, text);
    }
    let (mut value, mut scale) = (0, 100_000_000);
    for d in &rest[..n.min(9)] {
        value += i64::from(d - b'0') * scale;
        scale /= 10;
    }
    (value, &rest[n..])
}

/// `Z`, `+01:00`, `+0100`, `+01`: seconds east of Greenwich, and the rest. `None` when there is none of these.
fn offset(text: &[u8]) -> Option<(i64, &[u8])> {
    match text {
        [b'Z' | b'z', rest @ ..] => Some((0, rest)),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let (hours, rest) = digits(rest, 2)?;
            let colon = byte(rest, b":").unwrap_or(rest);
            let (minutes, rest) = digits(colon, 2).unwrap_or((0, rest));
            let seconds = hours * 3600 + minutes * 60;
            Some((if *sign == b'-' { -seconds } else { seconds }, rest))
        }
        _ => None,
    }
}

/// RFC 3339, and what is written in its spirit: a space for the `T`, a comma before the
/// fraction, offsets without a colon. Without an offset it is in Greenwich. The rest is what follows the time.
pub fn rfc3339_prefix(text: &[u8]) -> Option<(UnixNanos, &[u8])> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(byte(rest, b"-/")?, 2)?;
    let (day, rest) = digits(byte(rest, b"-/")?, 2)?;
    let ([hour, minute, second], rest) = clock(byte(rest, b"Tt ")?)?;
    let (nanos, rest) = fraction(rest);
    // ` +0100` is how some logs write it; ` INFO` is no offset.
    let spaced = byte(rest, b" ").and_then(|r| offset(r).filter(|_| matches!(r.first(), Some(b'+' | b'-'))));
    let (east, rest) = offset(rest).or(spaced).unwrap_or((0, rest));
    let civil = Civil { year, month, day, hour, minute, second, nanos };
    civil.to_unix(east).map(|t| (t, rest))
}

/// A whole text that is such a time.
pub fn rfc3339(text: &str) -> Option<UnixNanos> {
    rfc3339_prefix(text.trim().as_bytes()).filter(|(_, rest)| rest.is_empty()).map(|(t, _)| t)
}

/// A number that counts from the epoch, in the unit that makes it a time of our days: seconds (with a fraction),
/// milliseconds, microseconds or nanoseconds.
pub fn epoch(number: f64) -> Option<UnixNanos> {
    let scale = match number.abs() {
        n if !n.is_finite() || n < 1e8 => return None,
        n if n < 1e11 => 1e9,
        n if n < 1e14 => 1e6,
        n if n < 1e17 => 1e3,
        _ => 1.0,
    };
    Some(UnixNanos((number * scale).round() as i64))
}

/// As [`epoch`], without losing digits.
pub fn epoch_int(number: i64) -> Option<UnixNanos> {
    let scale = match number.unsigned_abs() {
        n if n < 100_000_000 => return None,
        n if n < 100_000_000_000 => 1_000_000_000,
        n if n < 100_000_000_000_000 => 1_000_000,
        n if n < 100_000_000_000_000_000 => 1000,
        _ => 1,
    };
    number.checked_mul(scale).map(UnixNanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_many_spellings() {
        let want = Some(UnixNanos(1_700_000_000_123_000_000));
        for text in [
            "2023-11-14T22:13:20.123Z",
            "2023-11-14 22:13:20,123",
            "2023-11-14T23:13:20.123+01:00",
            "2023-11-14 17:13:20.123 -0500",
            "2023/11/14 22:13:20.123000000",
        ] {
            assert_eq!(rfc3339(text), want, "{text}");
        }
        for text in ["2023-13-14T22:13:20Z", "2023-11-14", "2023-11-14T22:13:20Zx", "", "2023-11-14T24:00:00Z"] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
        assert_eq!(rfc3339_prefix(b"2023-11-14 22:13:20 INFO x").unwrap().1, b" INFO x");
    }

    #[test]
    fn days_before_the_epoch_and_leap_days() {
        assert_eq!(rfc3339("1969-12-31T23:59:59Z"), Some(UnixNanos::from_secs(-1)));
        assert_eq!(rfc3339("2024-02-29T00:00:00Z"), Some(UnixNanos::from_secs(1_709_164_800)));
        for (text, year) in
            [("2024-01-01T00:00:00Z", 2024), ("2023-12-31T23:59:59Z", 2023), ("2024-02-29T12:00:00Z", 2024)]
        {
            assert_eq!(year_of(rfc3339(text).unwrap()), year);
        }
    }

    #[test]
    fn numbers_are_read_in_the_unit_that_fits() {
        for n in [1_700_000_000, 1_700_000_000_000, 1_700_000_000_000_000, 1_700_000_000_000_000_000] {
            assert_eq!(epoch_int(n), Some(UnixNanos::from_secs(1_700_000_000)));
        }
        assert_eq!(epoch(1_700_000_000.5), Some(UnixNanos::from_millis(1_700_000_000_500)));
        assert_eq!(epoch_int(12), None);
    }
}
