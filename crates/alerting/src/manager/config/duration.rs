//! Durations as Prometheus writes them: `1d12h`, `5m`, `0`; the larger unit first, whole numbers.

use std::time::Duration;

const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// # Errors
/// What is no such duration.
pub(crate) fn read(text: &str) -> Result<Duration, String> {
    let bad = || format!("not a valid duration string: \"{text}\"");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err("empty duration string".to_owned());
    }
    let (mut rest, mut next_unit, mut ms) = (text, 0, 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|n| *n > 0).ok_or_else(bad)?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let at = UNITS.iter().position(|(name, _)| *name == unit).filter(|at| *at >= next_unit).ok_or_else(bad)?;
        let number: u64 = number.parse().map_err(|_| bad())?;
        let Some((_, unit_ms)) = UNITS.get(at) else { return Err(bad()) };
        ms = number.checked_mul(*unit_ms).and_then(|n| n.checked_add(ms)).ok_or("duration out of range")?;
        (rest, next_unit) = (after, at + 1);
    }
    Ok(Duration::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_prometheus_reads_them() {
        for (text, ms) in [("0", 0), ("10s", 10_000), ("1h30m", 5_400_000), ("1d", 86_400_000), ("5m2ms", 300_002)] {
            assert_eq!(read(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "1", "s", "1.5s", "30m1h", "1m1m", "1 s", "-1s", "99999999999999999y"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
