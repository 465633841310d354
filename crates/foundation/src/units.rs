//! Byte sizes and durations as people write them: `64MiB`, `1h30m`, `15d`.
//!
//! Durations follow Prometheus' spelling (`ms s m h d w y`, several units in
//! falling order) and also take Go's fractions (`1.5s`) and `us`, `ns`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// A text that is not a size or duration, and what one looks like.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum UnitError {
    /// Not a byte size.
    #[error("`{0}` is not a byte size; write a number and a unit, for example `64MiB` or `10GB`")]
    ByteSize(String),
    /// Not a duration.
    #[error("`{0}` is not a duration; write numbers and units, for example `15s`, `1h30m` or `7d`")]
    Duration(String),
}

/// A number of bytes. `KB MB GB TB` are powers of 1000, `KiB MiB GiB TiB` powers of 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// `n` times 1024 * 1024 bytes.
    pub const fn mib(n: u64) -> Self {
        Self(n.saturating_mul(1 << 20))
    }

    /// The number as a length in memory.
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

const BYTE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let t = text.trim();
        let (number, factor) = BYTE_UNITS
            .iter()
            .find_map(|(unit, factor)| {
                let at = t.len().checked_sub(unit.len())?;
                let (n, u) = (t.get(..at)?, t.get(at..)?);
                u.eq_ignore_ascii_case(unit).then_some((n.trim(), *factor))
            })
            .unwrap_or((t, 1));
        let n: f64 = number.parse().map_err(|_| UnitError::ByteSize(text.to_owned()))?;
        let bytes = n * factor as f64;
        if !(0.0..=u64::MAX as f64).contains(&bytes) {
            return Err(UnitError::ByteSize(text.to_owned()));
        }
        Ok(Self(bytes as u64))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, factor) in BYTE_UNITS.iter().take(4) {
            if self.0 >= *factor && self.0.is_multiple_of(*factor) {
                return write!(f, "{}{unit}", self.0 / factor);
            }
        }
        write!(f, "{}B", self.0)
    }
}

const DURATION_UNITS: [(&str, u64); 9] = [
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
    ("y", 31_536_000_000_000_000),
];

/// Reads a duration such as `15s`, `1h30m`, `1.5s`, `7d`. `0` needs no unit.
///
/// # Errors
/// [`UnitError::Duration`] for anything else, a missing unit included.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let bad = || UnitError::Duration(text.to_owned());
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(bad());
    }
    let mut total = 0f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?;
        let n: f64 = rest[..digits].parse().map_err(|_| bad())?;
        let (unit, factor) = DURATION_UNITS.iter().find(|(u, _)| rest[digits..].starts_with(u)).ok_or_else(bad)?;
        total += n * *factor as f64;
        rest = &rest[digits + unit.len()..];
    }
    if total > u64::MAX as f64 {
        return Err(bad());
    }
    Ok(Duration::from_nanos(total as u64))
}

/// Writes a duration in the shortest exact form that [`parse_duration`] reads: `1h30m`, `250ms`.
pub fn format_duration(d: Duration) -> String {
    const ORDER: [(&str, u64); 7] = [
        ("d", 86_400_000_000_000),
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ];
    let mut n = d.as_nanos().min(u128::from(u64::MAX)) as u64;
    if n == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    for (unit, factor) in ORDER {
        if n >= factor {
            out.push_str(&format!("{}{unit}", n / factor));
            n %= factor;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_sizes() {
        assert_eq!("64MiB".parse(), Ok(ByteSize::mib(64)));
        assert_eq!("10GB".parse(), Ok(ByteSize(10_000_000_000)));
        assert_eq!("1.5kib".parse(), Ok(ByteSize(1536)));
        assert_eq!("12".parse(), Ok(ByteSize(12)));
        assert!("many".parse::<ByteSize>().is_err());
        assert!("-1MiB".parse::<ByteSize>().is_err());
        assert_eq!(ByteSize::mib(64).to_string(), "64MiB");
        assert_eq!(ByteSize(1_500_000).to_string(), "1500000B", "what is printed is read as the same size");
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
        for bad in ["", "5", "s", "5 parsecs", "1h-3m"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
        assert_eq!(format_duration(Duration::from_secs(5400)), "1h30m");
        assert_eq!(format_duration(Duration::from_millis(250)), "250ms");
    }
}
