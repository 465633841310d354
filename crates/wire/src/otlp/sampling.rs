//! What the `tracestate` of a span says of sampling: `ot=th:8;rv:...`, and our own mark of a span that a sampler rejected.
//!
//! A span is kept when its randomness, 56 bits, is not below the threshold; it then
//! stands for `2^56 / (2^56 - threshold)` spans, its adjusted count. Source: OpenTelemetry specification,
//! "TraceState: Probability Sampling" and "Handling".
//!
//! [`REJECTED`] is a member of its own, and not a threshold that the randomness is below: ids of other tracers are not random, and
//! what they send with a threshold must not vanish (`docs/adr/0033-sampling-behind-the-log.md`).

use super::tree::{Span, Text, TraceId};

/// The member of `tracestate` that says: counted, not stored, not sent on.
pub const REJECTED: &str = "bellrock=rejected";

/// Randomness and thresholds are below it.
pub const MAX: u64 = 1 << 56;

/// What `ot=` of a `tracestate` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sampling {
    /// `th`.
    pub threshold: Option<u64>,
    /// `rv`.
    pub randomness: Option<u64>,
}

impl Sampling {
    /// Reads a `tracestate`; what is not understood is as if it were not there.
    pub fn of_state(state: &str) -> Self {
        let mut out = Self::default();
        let Some(ot) = state.split(',').find_map(|m| m.trim().strip_prefix("ot=")) else { return out };
        for part in ot.split(';') {
            match part.split_once(':') {
                Some(("th", hex)) => out.threshold = threshold_of_hex(hex),
                Some(("rv", hex)) if hex.len() == 14 => out.randomness = u64::from_str_radix(hex, 16).ok(),
                _ => {}
            }
        }
        out
    }

    /// The state with this in it; other members, and other parts of `ot`, stay.
    pub fn into_state(self, state: &str) -> Text {
        let mut parts = Vec::new();
        if let Some(t) = self.threshold {
            parts.push(format!("th:{}", hex_of_threshold(t)));
        }
        if let Some(r) = self.randomness {
            parts.push(format!("rv:{r:014x}"));
        }
        let members = || state.split(',').map(str::trim).filter(|m| !m.is_empty());
        if let Some(ot) = members().find_map(|m| m.strip_prefix("ot=")) {
            parts.extend(ot.split(';').filter(|p| !p.starts_with("th:") && !p.starts_with("rv:")).map(str::to_owned));
        }
        let mut out = format!("ot={}", parts.join(";"));
        members().filter(|m| !m.starts_with("ot=")).for_each(|m| out.extend([",", m]));
        out.into()
    }
}

/// Up to 14 hex digits; those that are left out are zeroes at the end.
fn threshold_of_hex(hex: &str) -> Option<u64> {
    if hex.is_empty() || hex.len() > 14 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(&format!("{hex:0<14}"), 16).ok()
}

fn hex_of_threshold(t: u64) -> String {
    let hex = format!("{t:014x}");
    let trimmed = hex.trim_end_matches('0');
    if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
}

/// The threshold that keeps `share` of all, from 0 to 1, with `digits` hex digits beyond the leading ones.
pub fn of_share(share: f64, digits: u32) -> u64 {
    let rejected = (1.0 - share.clamp(0.0, 1.0)) * MAX as f64;
    let t = (rejected as u64).min(MAX);
    // Leading f digits say how small the share is; behind them, so many digits are exact.
    let leading = (t << 8).leading_ones() / 4;
    let bits = 56u32.saturating_sub(4 * (leading + digits));
    (t >> bits) << bits
}

/// How many records one that was kept stands for.
pub fn adjusted_count(threshold: u64) -> f64 {
    if threshold >= MAX { 0.0 } else { MAX as f64 / (MAX - threshold) as f64 }
}

/// The last seven bytes of a trace id, which W3C trace context level 2 promises to be random.
pub fn randomness_of(trace_id: &TraceId) -> Option<u64> {
    let id = trace_id.valid()?;
    let mut low = [0; 8];
    low[1..].copy_from_slice(&id[9..]);
    Some(u64::from_be_bytes(low))
}

/// Whether a sampler has rejected the span with this `tracestate`.
pub fn is_rejected(state: &str) -> bool {
    !state.is_empty() && state.split(',').any(|member| member.trim() == REJECTED)
}

/// The state with the mark of a rejected span in it.
pub fn rejected(state: &str) -> Text {
    match state {
        "" => REJECTED.into(),
        marked if is_rejected(marked) => marked.into(),
        other => format!("{REJECTED},{other}").into(),
    }
}

/// How many spans a stored span stands for; 1 when nothing is said.
pub fn count_of(span: &Span) -> f64 {
    Sampling::of_state(&span.trace_state).threshold.map_or(1.0, adjusted_count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_go_both_ways() {
        let s = Sampling::of_state("vendor=1,ot=th:c;rv:0123456789abcd;x:y");
        assert_eq!(s, Sampling { threshold: Some(0xc0_0000_0000_0000), randomness: Some(0x0001_2345_6789_abcd) });
        assert_eq!(adjusted_count(0xc0_0000_0000_0000), 4.0);
        let new = Sampling { threshold: Some(0x80_0000_0000_0000), ..s };
        assert_eq!(new.into_state("vendor=1,ot=th:c;rv:0123456789abcd;x:y"), "ot=th:8;rv:0123456789abcd;x:y,vendor=1");
        assert_eq!(Sampling { threshold: Some(0), randomness: None }.into_state(""), "ot=th:0");
        for bad in ["ot=th:", "ot=th:xyz", "ot=th:000000000000000", "ot", "th:8"] {
            assert_eq!(Sampling::of_state(bad).threshold, None, "{bad}");
        }
    }

    #[test]
    fn a_mark_is_found_wherever_it_stands() {
        for state in ["", "vendor=1", "ot=th:8,vendor=1"] {
            assert!(!is_rejected(state));
            let marked = rejected(state);
            assert!(is_rejected(&marked) && rejected(&marked) == marked, "{marked}");
            assert!(is_rejected(&Sampling { threshold: Some(1), randomness: None }.into_state(&marked)));
        }
        assert!(!is_rejected("bellrock=rejected-not") && !is_rejected("x=bellrock=rejected"));
    }

    #[test]
    fn shares_become_thresholds() {
        assert_eq!(of_share(1.0, 4), 0);
        assert_eq!(of_share(0.25, 4), 0xc0_0000_0000_0000);
        assert_eq!(of_share(0.0, 4), MAX);
        for share in [0.1, 0.01, 0.001, 1e-6] {
            let back = 1.0 / adjusted_count(of_share(share, 4));
            assert!((back / share - 1.0).abs() < 1e-3, "{share} {back}");
        }
    }
}
