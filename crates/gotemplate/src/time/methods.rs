//! Methods of `time.Time` and `time.Duration`.

use gotmpl::Value;
use jiff::{SignedDuration, ZonedDateTime as Zoned};

use super::{ZERO_SECONDS, duration, duration_ns, duration_text, format, from_zoned, shown, zone_of, zoned};
use crate::arguments::{args, as_text};
use crate::error::{Result, fail};
use crate::value::{text, type_name};

/// A method of a time or a duration; `None` when the value is neither.
pub(crate) fn method(value: &Value, name: &str, arguments: &[Value]) -> Option<Result<Value>> {
    if let Some(ns) = duration_ns(value) {
        return Some(of_duration(ns, name, arguments));
    }
    let (zoned, zone) = zoned(value)?;
    Some(of_time(value, &zoned, &zone, name, arguments))
}

fn of_duration(ns: i64, name: &str, arguments: &[Value]) -> Result<Value> {
    let unit = |value: &Value| match duration_ns(value).or_else(|| value.as_int()) {
        Some(unit) => Ok(unit),
        None => fail(format!("{name}: expected time.Duration, got {}", type_name(value))),
    };
    match name {
        "Truncate" => {
            let [m] = args(name, arguments)?;
            let m = unit(m)?;
            Ok(duration(if m <= 0 { ns } else { ns - ns % m }))
        }
        "Round" => {
            let [m] = args(name, arguments)?;
            let m = unit(m)?;
            Ok(duration(if m <= 0 { ns } else { round(ns, m) }))
        }
        _ => {
            let [] = args(name, arguments)?;
            Ok(match name {
                "Hours" => Value::Float(ns as f64 / 3.6e12),
                "Minutes" => Value::Float(ns as f64 / 6e10),
                "Seconds" => Value::Float(ns as f64 / 1e9),
                "Milliseconds" => Value::Int(ns / 1_000_000),
                "Microseconds" => Value::Int(ns / 1_000),
                "Nanoseconds" => Value::Int(ns),
                "Abs" => duration(ns.saturating_abs()),
                "String" => text(duration_text(ns)),
                _ => return fail(format!("can't evaluate field {name} in type time.Duration")),
            })
        }
    }
}

/// To the nearest multiple, halves away from zero.
fn round(ns: i64, m: i64) -> i64 {
    let rest = ns % m;
    let down = ns - rest;
    if rest.unsigned_abs() * 2 < m.unsigned_abs() { down } else { down.saturating_add(if ns < 0 { -m } else { m }) }
}

fn of_time(value: &Value, at: &Zoned, zone: &str, name: &str, arguments: &[Value]) -> Result<Value> {
    match name {
        "Format" => {
            let [layout] = args(name, arguments)?;
            Ok(text(format(as_text(name, layout)?, at)))
        }
        "Sub" | "After" | "Before" | "Equal" | "Compare" => {
            let [other] = args(name, arguments)?;
            let Some((other, _)) = zoned(other) else {
                return fail(format!("{name}: expected time.Time, got {}", type_name(other)));
            };
            Ok(match name {
                "Sub" => duration(clamp(at.timestamp().duration_since(other.timestamp()))),
                "After" => Value::Bool(at.timestamp() > other.timestamp()),
                "Before" => Value::Bool(at.timestamp() < other.timestamp()),
                "Equal" => Value::Bool(at.timestamp() == other.timestamp()),
                _ => Value::Int(at.timestamp().cmp(&other.timestamp()) as i64),
            })
        }
        "Add" => {
            let [by] = args(name, arguments)?;
            let Some(ns) = duration_ns(by).or(if let Value::Int(ns) = by { Some(*ns) } else { None }) else {
                return fail(format!("{name}: expected time.Duration, got {}", type_name(by)));
            };
            moved(at.checked_add(SignedDuration::from_nanos(ns)), zone)
        }
        "AddDate" => {
            let [years, months, days] = args::<3>(name, arguments)?;
            let number = |v: &Value| if let Value::Int(n) = v { Ok(*n) } else { fail("AddDate: expected int") };
            let span = jiff::Span::new()
                .try_years(number(years)?)
                .and_then(|s| s.try_months(number(months).unwrap_or(0)))
                .and_then(|s| s.try_days(number(days).unwrap_or(0)));
            moved(span.and_then(|span| at.checked_add(span)), zone)
        }
        _ => plain(value, at, name, arguments),
    }
}

/// Methods without arguments.
fn plain(value: &Value, at: &Zoned, name: &str, arguments: &[Value]) -> Result<Value> {
    let [] = args(name, arguments)?;
    let stamp = at.timestamp();
    Ok(match name {
        "Unix" => Value::Int(stamp.as_nanosecond().div_euclid(1_000_000_000) as i64),
        "UnixMilli" => Value::Int(stamp.as_nanosecond().div_euclid(1_000_000) as i64),
        "UnixMicro" => Value::Int(stamp.as_nanosecond().div_euclid(1_000) as i64),
        "UnixNano" => Value::Int(stamp.as_nanosecond() as i64),
        "IsZero" => Value::Bool(stamp.as_second() == ZERO_SECONDS && stamp.subsec_nanosecond() == 0),
        "UTC" => from_zoned(at, "UTC"),
        "Local" => from_zoned(at, "Local"),
        "Year" => Value::Int(at.year().into()),
        "Month" => text(format("January", at)),
        "Day" => Value::Int(at.day().into()),
        "Hour" => Value::Int(at.hour().into()),
        "Minute" => Value::Int(at.minute().into()),
        "Second" => Value::Int(at.second().into()),
        "Nanosecond" => Value::Int(at.subsec_nanosecond().into()),
        "YearDay" => Value::Int(at.day_of_year().into()),
        "Weekday" => text(format("Monday", at)),
        "String" => text(shown(value).unwrap_or_default()),
        _ => return fail(format!("can't evaluate field {name} in type time.Time")),
    })
}

fn moved(to: std::result::Result<Zoned, jiff::Error>, zone: &str) -> Result<Value> {
    match to {
        Ok(to) => Ok(from_zoned(&to, zone)),
        Err(e) => fail(format!("time out of range: {e}")),
    }
}

fn clamp(d: SignedDuration) -> i64 {
    i64::try_from(d.as_nanos()).unwrap_or(if d.is_negative() { i64::MIN } else { i64::MAX })
}

/// The same moment in another zone.
///
/// # Errors
/// There is no such zone.
pub(crate) fn in_zone(name: &str, value: &Value) -> Result<Value> {
    let Some((at, _)) = zoned(value) else { return fail(format!("tz: expected time.Time, got {}", type_name(value))) };
    if zone_of(name).is_none() {
        return fail(format!("error calling tz: unknown time zone {name}"));
    }
    Ok(from_zoned(&at, name))
}
