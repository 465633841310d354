//! An alert as it goes from rules to the alert manager: what it is, since when, and until when it is known to hold.
//!
//! Which alert it is, its labels say alone. Both sides and every API name it by the [`Fingerprint`] of them, which is that of
//! Prometheus and Alertmanager (`model.LabelSet.Fingerprint` of prometheus/common), so that links and silences of theirs fit.

use std::fmt;

use foundation::UnixNanos;
use model::Labels;

/// The label that names the rule.
pub const ALERTNAME: &str = "alertname";

/// One alert at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Which alert it is; with [`ALERTNAME`].
    pub labels: Labels,
    /// What is said of it.
    pub annotations: Labels,
    /// Since when it fires.
    pub starts_at: UnixNanos,
    /// It is over at this time: in the past when it is resolved, in the future when it fires and is to be taken as resolved
    /// unless it is sent again before.
    pub ends_at: UnixNanos,
    /// Where the expression can be looked at; empty when nobody knows.
    pub generator_url: String,
}

impl Alert {
    /// What names the alert.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.labels)
    }

    /// The value of [`ALERTNAME`], or the empty text.
    pub fn name(&self) -> &str {
        self.labels.get(ALERTNAME)
    }

    /// Whether it is over at `now`.
    pub fn is_resolved(&self, now: UnixNanos) -> bool {
        self.ends_at <= now
    }
}

/// FNV-64a over the sorted names and values of a label set, a byte 255 behind each. Printed as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

const OFFSET: u64 = 14_695_981_039_346_656_037;
const PRIME: u64 = 1_099_511_628_211;
/// Occurs in no UTF-8 text.
const SEPARATOR: u8 = 255;

impl Fingerprint {
    /// Of a label set.
    pub fn of(labels: &Labels) -> Self {
        let pieces = labels.iter().flat_map(|(name, value)| [name, value]);
        let bytes = pieces.flat_map(|text| text.bytes().chain([SEPARATOR]));
        Self(bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME)))
    }

    /// Reads 16 hexadecimal digits, or fewer.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        digits.then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_prometheus() {
        // From the tests of prometheus/common, model/signature_test.go.
        let labels = Labels::from_pairs([("name", "garland, briggs"), ("fear", "love is not enough")]);
        assert_eq!(Fingerprint::of(&labels), Fingerprint(5_799_056_148_416_392_346));
        assert_eq!(Fingerprint::of(&Labels::default()), Fingerprint(14_695_981_039_346_656_037));
    }

    #[test]
    fn fingerprints_are_read_as_they_are_printed() {
        let print = Fingerprint(0x00ab_0000_0000_0001);
        assert_eq!(print.to_string(), "00ab000000000001");
        assert_eq!(Fingerprint::parse("00ab000000000001"), Some(print));
        for wrong in ["", "xyz", "+1", "00000000000000000"] {
            assert_eq!(Fingerprint::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_alert_is_over_at_its_end() {
        let labels = Labels::from_pairs([(ALERTNAME, "Down")]);
        let (starts_at, ends_at) = (UnixNanos(1), UnixNanos(5));
        let alert = Alert { labels, annotations: Labels::default(), starts_at, ends_at, generator_url: String::new() };
        assert!(!alert.is_resolved(UnixNanos(4)) && alert.is_resolved(UnixNanos(5)));
        assert_eq!(alert.name(), "Down");
    }
}
