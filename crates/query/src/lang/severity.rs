//! The names of log levels and the severity numbers they stand for.
//!
//! OpenTelemetry Logs Data Model, "Field: SeverityNumber": six ranges of four
//! numbers; 0 is unspecified.

use std::ops::RangeInclusive;

/// The level names there are, for error messages.
pub(super) const NAMES: &str = "trace, debug, info, warn, error, fatal, unspecified or a number from 0 to 24";

/// The level names in rising order.
pub(super) const LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];

/// Whether `key` is how a filter writes the level.
pub(super) fn is_key(key: &str) -> bool {
    matches!(key, "level" | "severity")
}

/// The severity numbers of a level, any case; also `0` to `24` and the spellings `warning`, `information`.
pub(super) fn number_range(name: &str) -> Option<RangeInclusive<i64>> {
    let lower = name.to_ascii_lowercase();
    let canonical = match lower.as_str() {
        "warning" => "warn",
        "information" => "info",
        "unspecified" => return Some(0..=0),
        other => other,
    };
    if let Some(at) = LEVELS.iter().position(|l| *l == canonical) {
        let first = at as i64 * 4 + 1;
        return Some(first..=first + 3);
    }
    lower.parse().ok().filter(|n| (0..=24).contains(n)).map(|n| n..=n)
}
