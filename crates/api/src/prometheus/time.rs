//! Times as texts.

use foundation::UnixNanos;
use query::time::rfc3339;

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
    fn decimals_are_left_out() {
        assert_eq!(compact(UnixNanos(1_795_357_800_120_000_000)), "20261122T143000Z");
    }
}
