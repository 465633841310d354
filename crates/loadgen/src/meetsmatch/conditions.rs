//! The weather over the stack: how much load there is and how ill the cache is, as a function of time.
//!
//! Everything follows from the time of day alone, so that two runs that cover
//! the same minutes see the same waves and incidents.

use std::f64::consts::TAU;

use foundation::UnixNanos;

/// An incident begins every so many seconds,
pub const INCIDENT_PERIOD_S: i64 = 600;
/// this long after the full period,
pub const INCIDENT_OFFSET_S: i64 = 300;
/// and lasts so long.
pub const INCIDENT_LENGTH_S: i64 = 90;
/// The time an incident takes to grow to full strength and to fade.
const RAMP_S: f64 = 10.0;

/// What the stack meets at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// Factor on the configured rate: daily curve times two shorter waves, 0.4 to 1.9.
    pub load: f64,
    /// Strength of the Redis incident, 0 (none) to 1.
    pub incident: f64,
}

impl Conditions {
    /// The conditions at `t`.
    pub fn at(t: UnixNanos) -> Self {
        let s = t.0 as f64 / 1e9;
        let day = 1.0 + 0.25 * (TAU * (s / 86_400.0 - 0.55)).sin();
        let wave = 1.0 + 0.25 * (TAU * s / 1_200.0).sin() + 0.10 * (TAU * s / 170.0).sin();
        let since = (t.0.div_euclid(1_000_000_000) - INCIDENT_OFFSET_S).rem_euclid(INCIDENT_PERIOD_S) as f64;
        let left = INCIDENT_LENGTH_S as f64 - since;
        let incident = (since.min(left) / RAMP_S).clamp(0.0, 1.0);
        Self { load: day * wave, incident }
    }

    /// A value that is `calm` normally and `ill` in the middle of an incident.
    pub fn between(&self, calm: f64, ill: f64) -> f64 {
        calm + (ill - calm) * self.incident
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_of_ninety_seconds_in_every_ten_minutes() {
        let ill = (0..6_000).filter(|s| Conditions::at(UnixNanos::from_secs(*s)).incident > 0.0).count();
        assert_eq!(ill, 10 * 89);
        assert_eq!(Conditions::at(UnixNanos::from_secs(345)).incident, 1.0);
        assert!((0..86_400).all(|s| (0.4..2.0).contains(&Conditions::at(UnixNanos::from_secs(s)).load)));
    }
}
