//! Times and durations.

use foundation::units::parse_duration;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use super::{Converter, many, ones};
use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::eval::{EvalError, Getter};
use crate::ottl::path::{int, mismatch, text};
use crate::ottl::value::Val;

pub(super) const ONE: &[Converter] = ones![
    "Duration"("duration") => duration,
    "Hour"("value") => hour,
    "Minute"("value") => minute,
    "Second"("value") => second,
    "Day"("value") => day,
    "Month"("value") => month,
    "Year"("value") => year,
    "Weekday"("value") => weekday,
    "Hours"("value") => hours,
    "Minutes"("value") => minutes,
    "Seconds"("value") => seconds,
    "Milliseconds"("value") => milliseconds,
    "Microseconds"("value") => microseconds,
    "Nanosecond"("value") => nanosecond,
    "Nanoseconds"("value") => nanoseconds,
    "UnixMicro"("time") => unix_micro,
    "UnixMilli"("time") => unix_milli,
    "UnixNano"("time") => unix_nano,
    "UnixSeconds"("time") => unix_seconds,
];

pub(super) const MANY: &[Converter] = &[
    many("FormatTime", &["time", "format"], 2, format_time),
    many("Now", &[], 0, |_| Ok(Getter::computed(|s| Ok(Val::Time(s.now))))),
    many("Time", &["target", "format", "location"], 2, parse_time),
    many("Unix", &["seconds", "nanoseconds"], 1, unix),
    many("TruncateTime", &["time", "duration"], 2, truncate_time),
];

type Outcome = Result<Val, EvalError>;

fn instant(v: &Val) -> Result<i64, EvalError> {
    match v {
        Val::Time(t) => Ok(*t),
        _ => Err(mismatch("a time", v)),
    }
}

fn length(v: &Val) -> Result<i64, EvalError> {
    match v {
        Val::Duration(d) => Ok(*d),
        _ => Err(mismatch("a duration", v)),
    }
}

fn duration(v: &Val) -> Outcome {
    let t = text(v)?;
    let (sign, digits) = t.strip_prefix('-').map_or((1, t), |rest| (-1, rest));
    let parsed = parse_duration(digits).map_err(|e| EvalError::new(format!("`{t}` is no duration: {e}")))?;
    let nanos = i64::try_from(parsed.as_nanos()).map_err(|_| EvalError::new(format!("`{t}` is too long")))?;
    Ok(Val::Duration(sign * nanos))
}

fn civil(v: &Val) -> Result<ZonedDateTime, EvalError> {
    let t = Timestamp::from_nanosecond(i128::from(instant(v)?)).map_err(|e| EvalError::new(e.to_string()))?;
    Ok(t.to_zoned_datetime(TimeZone::UTC))
}

fn hour(v: &Val) -> Outcome {
    Ok(i64::from(civil(v)?.hour()).into())
}

fn minute(v: &Val) -> Outcome {
    Ok(i64::from(civil(v)?.minute()).into())
}

fn second(v: &Val) -> Outcome {
    Ok(i64::from(civil(v)?.second()).into())
}

fn day(v: &Val) -> Outcome {
    Ok(i64::from(civil(v)?.day()).into())
}

fn month(v: &Val) -> Outcome {
    Ok(i64::from(civil(v)?.month()).into())
}

fn year(v: &Val) -> Outcome {
    Ok(i64::from(civil(v)?.year()).into())
}

/// Sunday is 0.
fn weekday(v: &Val) -> Outcome {
    Ok(i64::from(civil(v)?.weekday().to_sunday_zero_offset()).into())
}

fn hours(v: &Val) -> Outcome {
    Ok((length(v)? as f64 / 3600e9).into())
}

fn minutes(v: &Val) -> Outcome {
    Ok((length(v)? as f64 / 60e9).into())
}

fn seconds(v: &Val) -> Outcome {
    Ok((length(v)? as f64 / 1e9).into())
}

fn milliseconds(v: &Val) -> Outcome {
    Ok((length(v)? / 1_000_000).into())
}

fn microseconds(v: &Val) -> Outcome {
    Ok((length(v)? / 1000).into())
}

fn nanoseconds(v: &Val) -> Outcome {
    Ok(length(v)?.into())
}

fn nanosecond(v: &Val) -> Outcome {
    Ok(i64::from(civil(v)?.subsec_nanosecond()).into())
}

fn unix(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (seconds, nanos) = (a.value(0)?, a.optional(1)?);
    Ok(Getter::computed(move |s| {
        let nanos = nanos.as_ref().map_or(Ok(0), |v| int(&v.get(s)?))?;
        let time = int(&seconds.get(s)?)?.checked_mul(1_000_000_000).and_then(|t| t.checked_add(nanos));
        time.map(Val::Time).ok_or_else(|| EvalError::new("the time is beyond the year 2262"))
    }))
}

fn unix_nano(v: &Val) -> Outcome {
    Ok(instant(v)?.into())
}

fn unix_micro(v: &Val) -> Outcome {
    Ok(instant(v)?.div_euclid(1000).into())
}

fn unix_milli(v: &Val) -> Outcome {
    Ok(instant(v)?.div_euclid(1_000_000).into())
}

fn unix_seconds(v: &Val) -> Outcome {
    Ok(instant(v)?.div_euclid(1_000_000_000).into())
}

fn format_time(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, format) = (a.value(0)?, a.text(1)?);
    Ok(Getter::computed(move |s| {
        let t = civil(&v.get(s)?)?;
        jiff::fmt::strtime::format(&format, &t).map(Val::from).map_err(|e| EvalError::new(e.to_string()))
    }))
}

fn parse_time(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, format) = (a.value(0)?, a.text(1)?);
    let zone = match a.has(2) {
        true => TimeZone::get(&a.text(2)?).map_err(|e| a.problem(2, &format!("is no time zone: {e}")))?,
        false => TimeZone::UTC,
    };
    Ok(Getter::computed(move |s| {
        let v = v.get(s)?;
        let t = text(&v)?;
        let wrong = |e: jiff::Error| EvalError::new(format!("`{t}` does not fit `{format}`: {e}"));
        let broken = jiff::fmt::strtime::parse(&format, t).map_err(wrong)?;
        let stamp = match broken.to_timestamp() {
            Ok(stamp) => stamp,
            // Without an offset in the text the location counts; without a time of day it is midnight.
            Err(_) => {
                let date = broken.to_date().map_err(wrong)?;
                let time = broken.to_time().unwrap_or(jiff::civil::Time::midnight());
                zone.to_timestamp(date.to_datetime(time)).map_err(wrong)?
            }
        };
        i64::try_from(stamp.as_nanosecond())
            .map(Val::Time)
            .map_err(|_| EvalError::new("the time is beyond the year 2262"))
    }))
}

fn truncate_time(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, to) = (a.value(0)?, a.value(1)?);
    Ok(Getter::computed(move |s| {
        let (t, to) = (instant(&v.get(s)?)?, length(&to.get(s)?)?);
        if to <= 0 {
            return Err(EvalError::new("a time is truncated to a duration above zero"));
        }
        Ok(Val::Time(t - t.rem_euclid(to)))
    }))
}
