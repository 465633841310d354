//! Times as texts.

use foundation::UnixNanos;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// RFC 3339 in UTC, with as many decimals as there are.
pub(super) fn rfc3339(at: UnixNanos) -> String {
    // Every time that 64 bits of nanoseconds hold is in the years 1677 to 2262.
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_default()
}

/// ISO 8601 without separators, to the second: `20261122T143000Z`.
pub(super) fn compact(at: UnixNanos) -> String {
    let text = rfc3339(at);
    let seconds = text.get(..19).unwrap_or(&text);
    seconds.chars().filter(|c| !matches!(c, '-' | ':')).chain(['Z']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_times_have_a_text() {
        assert_eq!(rfc3339(UnixNanos(1_795_357_800_000_000_000)), "2026-11-22T14:30:00Z");
        assert_eq!(rfc3339(UnixNanos(1_795_357_800_120_000_000)), "2026-11-22T14:30:00.12Z");
        assert_eq!(compact(UnixNanos(1_795_357_800_120_000_000)), "20261122T143000Z");
        assert_eq!(rfc3339(UnixNanos::MIN), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(rfc3339(UnixNanos::MAX), "2262-04-11T23:47:16.854775807Z");
    }
}
