//! Numbers as filters write them: plain, with a unit of time, with a unit of bytes.

use foundation::units::{ByteSize, parse_duration};

use super::lexer::Word;
use super::severity;

/// A number that a bare word stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// Without fraction or unit.
    Int(i64),
    /// With a fraction or an exponent.
    Double(f64),
    /// A duration in nanoseconds.
    Nanos(i64),
    /// A number of bytes.
    Bytes(i64),
}

/// Reads a number; `None` for anything that is not one.
pub(super) fn parse(text: &str) -> Option<Number> {
    if let Ok(n) = text.parse() {
        return Some(Number::Int(n));
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    // `inf`, `nan` and `.5` are words; a number begins with a digit.
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(n) = text.parse() {
        return Some(Number::Double(n));
    }
    let sign = if unsigned.len() < text.len() { -1 } else { 1 };
    if let Ok(d) = parse_duration(unsigned) {
        return i64::try_from(d.as_nanos()).ok().map(|n| Number::Nanos(sign * n));
    }
    // Without a `B` at the end the size parser reads plain numbers.
    if !unsigned.ends_with(['B', 'b']) {
        return None;
    }
    let size: ByteSize = unsigned.parse().ok()?;
    i64::try_from(size.0).ok().map(|n| Number::Bytes(sign * n))
}

/// Splits `low..high` when both sides are numbers (for levels: also level names), or one is missing.
pub(super) fn split_range(word: &Word, key: &str) -> Option<(Option<String>, Option<String>)> {
    if word.escaped || !word.stars.is_empty() {
        return None;
    }
    let (low, high) = word.text.split_once("..")?;
    let is_bound = |s: &str| parse(s).is_some() || (severity::is_key(key) && severity::number_range(s).is_some());
    let bound = |s: &str| (!s.is_empty()).then(|| s.to_owned());
    let fits = [low, high].iter().all(|s| s.is_empty() || is_bound(s)) && !(low.is_empty() && high.is_empty());
    fits.then(|| (bound(low), bound(high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers_and_units() {
        assert_eq!(parse("500"), Some(Number::Int(500)));
        assert_eq!(parse("-1.5"), Some(Number::Double(-1.5)));
        assert_eq!(parse("1e3"), Some(Number::Double(1000.0)));
        assert_eq!(parse("1.5s"), Some(Number::Nanos(1_500_000_000)));
        assert_eq!(parse("-2ms"), Some(Number::Nanos(-2_000_000)));
        assert_eq!(parse("10KiB"), Some(Number::Bytes(10_240)));
        for word in ["", "-", "inf", "nan", "5x", "a5", "1..2", ".5", "300y300y", "9e9TB"] {
            assert_eq!(parse(word), None, "{word}");
        }
    }
}
