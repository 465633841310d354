//! The times, steps and timeouts of Prometheus' HTTP API.
//!
//! They differ from those of the native API: a plain number is seconds, with a
//! fraction. Prometheus, "HTTP API", "Format overview"; `web/api/v1/api.go`,
//! `parseTime` and `parseDuration`.

use std::time::Duration;

use foundation::ErrorKind;
use promql::number::parse_duration;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A parameter that cannot be understood; the texts are Prometheus'.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParamError {
    /// Neither seconds nor RFC 3339.
    #[error("invalid parameter {parameter:?}: cannot parse {text:?} to a valid timestamp")]
    Time {
        /// `time`, `start` or `end`.
        parameter: &'static str,
        /// What was given.
        text: String,
    },
    /// Neither seconds nor a duration.
    #[error("invalid parameter {parameter:?}: cannot parse {text:?} to a valid duration")]
    Duration {
        /// `step`, `timeout` or `lookback_delta`.
        parameter: &'static str,
        /// What was given.
        text: String,
    },
}

impl ParamError {
    /// What a caller can do: a wrong parameter stays wrong.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// Reads unix seconds or RFC 3339 into unix milliseconds.
///
/// Go's smallest and largest times, which Prometheus' clients send for "all of time", give the
/// ends of what 64 bits of milliseconds hold.
///
/// # Errors
/// Any other text.
pub fn time_ms(parameter: &'static str, text: &str) -> Result<i64, ParamError> {
    const MIN_TIME: &str = "-292273086-05-16T16:47:06Z";
    const MAX_TIME: &str = "+292277025-08-18T07:12:54.999999999Z";
    match text {
        MIN_TIME => return Ok(i64::MIN),
        MAX_TIME => return Ok(i64::MAX),
        _ => {}
    }
    let bad = || ParamError::Time { parameter, text: text.to_owned() };
    if let Ok(seconds) = text.parse::<f64>() {
        return millis(seconds).ok_or_else(bad);
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| bad())?;
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).map_err(|_| bad())
}

/// Reads seconds or a duration such as `15s` or `1h30m` into milliseconds; may be negative.
///
/// # Errors
/// Any other text.
pub fn duration_ms(parameter: &'static str, text: &str) -> Result<i64, ParamError> {
    let bad = || ParamError::Duration { parameter, text: text.to_owned() };
    if let Ok(seconds) = text.parse::<f64>() {
        return millis(seconds).ok_or_else(bad);
    }
    parse_duration(text).ok_or_else(bad)
}

/// [`duration_ms`] for what cannot be negative, such as a timeout.
///
/// # Errors
/// Any other text, and negative durations.
pub fn duration(parameter: &'static str, text: &str) -> Result<Duration, ParamError> {
    let bad = |_| ParamError::Duration { parameter, text: text.to_owned() };
    u64::try_from(duration_ms(parameter, text)?).map(Duration::from_millis).map_err(bad)
}

/// Rounded to a millisecond; none for NaN, infinities and what 64 bits do not hold.
fn millis(seconds: f64) -> Option<i64> {
    let ms = (seconds * 1000.0).round();
    (ms.abs() < 9.2e18).then_some(ms as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_rfc_3339() {
        assert_eq!(time_ms("time", "1435781451.781"), Ok(1_435_781_451_781));
        assert_eq!(time_ms("time", "-1.5"), Ok(-1_500));
        assert_eq!(time_ms("time", "2015-07-01T20:10:51.781Z"), Ok(1_435_781_451_781));
        assert_eq!(time_ms("time", "2015-07-01T22:10:51+02:00"), Ok(1_435_781_451_000));
        assert_eq!(time_ms("start", "-292273086-05-16T16:47:06Z"), Ok(i64::MIN));
        for text in ["", "now", "NaN", "inf", "1e300", "2015-07-01"] {
            assert!(time_ms("time", text).is_err(), "{text}");
        }
        let message = time_ms("start", "x").unwrap_err().to_string();
        assert_eq!(message, r#"invalid parameter "start": cannot parse "x" to a valid timestamp"#);
    }

    #[test]
    fn durations_are_seconds_or_promql() {
        assert_eq!(duration_ms("step", "15"), Ok(15_000));
        assert_eq!(duration_ms("step", "0.25"), Ok(250));
        assert_eq!(duration_ms("step", "1h30m"), Ok(5_400_000));
        assert_eq!(duration_ms("step", "-1"), Ok(-1_000));
        assert_eq!(duration("timeout", "2m"), Ok(Duration::from_secs(120)));
        for text in ["", "1x", "nan", "m"] {
            assert!(duration_ms("step", text).is_err(), "{text}");
        }
        assert!(duration("timeout", "-1").is_err());
    }
}
