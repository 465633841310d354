//! Go's `time.Time` and `time.Duration` as values: how they print, their methods, their JSON.

mod layout;
mod methods;

use foundation::UnixNanos;
use gotmpl::Value;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime as Zoned};

use crate::value::{StructType, struct_name, text};

pub(crate) use layout::{format, parse};
pub(crate) use methods::{in_zone, method};

const TIME: StructType = StructType::new("time.Time", &[("seconds", ""), ("nanoseconds", ""), ("zone", "")]);
const DURATION: StructType = StructType::new("time.Duration", &[("nanoseconds", "")]);

/// 0001-01-01T00:00:00Z, Go's zero.
const ZERO_SECONDS: i64 = -62_135_596_800;

/// A time in UTC.
pub fn at(time: UnixNanos) -> Value {
    let (seconds, nanoseconds) = (time.0.div_euclid(1_000_000_000), time.0.rem_euclid(1_000_000_000));
    from_parts(seconds, nanoseconds, "UTC")
}

/// Go's zero time, which means that there is none.
pub fn zero() -> Value {
    from_parts(ZERO_SECONDS, 0, "UTC")
}

/// A duration.
pub fn duration(nanoseconds: i64) -> Value {
    DURATION.value([Value::Int(nanoseconds)])
}

fn from_parts(seconds: i64, nanoseconds: i64, zone: &str) -> Value {
    TIME.value([Value::Int(seconds), Value::Int(nanoseconds), text(zone)])
}

/// A value of a moment in a zone.
pub(crate) fn from_zoned(zoned: &Zoned, zone: &str) -> Value {
    let stamp = zoned.timestamp();
    let (mut seconds, mut nanoseconds) = (stamp.as_second(), i64::from(stamp.subsec_nanosecond()));
    if nanoseconds < 0 {
        seconds -= 1;
        nanoseconds += 1_000_000_000;
    }
    from_parts(seconds, nanoseconds, zone)
}

/// The moment and the name of the zone of a time.
pub(crate) fn zoned(value: &Value) -> Option<(Zoned, String)> {
    if struct_name(value)? != "time.Time" {
        return None;
    }
    let part = |name| value.field(name)?.as_int();
    let zone = value.field("zone")?.as_str()?;
    let stamp = Timestamp::new(part("seconds")?, part("nanoseconds")? as i32).ok()?;
    Some((stamp.to_zoned_datetime(zone_of(zone)?), zone.to_owned()))
}

/// A zone by its name in the IANA database, `UTC` or `Local`; a fixed one by its offset, `+02:00`.
pub(crate) fn zone_of(name: &str) -> Option<TimeZone> {
    match name {
        "" | "UTC" => Some(TimeZone::UTC),
        "Local" => Some(TimeZone::system()),
        _ if name.starts_with(['+', '-']) => {
            let (hours, minutes) = name.get(1..)?.split_once(':')?;
            let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
            let seconds = if name.starts_with('-') { -seconds } else { seconds };
            Some(jiff::tz::Offset::from_seconds(seconds).ok()?.to_time_zone())
        }
        name => TimeZone::get(name).ok(),
    }
}

/// The nanoseconds of a duration.
pub(crate) fn duration_ns(value: &Value) -> Option<i64> {
    if struct_name(value)? == "time.Duration" { value.field("nanoseconds")?.as_int() } else { None }
}

/// How Go prints a time or a duration.
pub(crate) fn shown(value: &Value) -> Option<String> {
    if let Some(ns) = duration_ns(value) {
        return Some(duration_text(ns));
    }
    let (zoned, _) = zoned(value)?;
    Some(format("2006-01-02 15:04:05.999999999 -0700 MST", &zoned))
}

/// What a time or a duration is in JSON.
pub(crate) enum Json {
    Text(String),
    Number(i64),
}

/// RFC 3339 with as many digits as needed; a duration is its nanoseconds.
pub(crate) fn json(value: &Value) -> Option<Json> {
    if let Some(ns) = duration_ns(value) {
        return Some(Json::Number(ns));
    }
    let (zoned, _) = zoned(value)?;
    Some(Json::Text(format("2006-01-02T15:04:05.999999999Z07:00", &zoned)))
}

/// `1h2m3.5s`, `1.5ms`, as `time.Duration.String`.
pub(crate) fn duration_text(ns: i64) -> String {
    if ns == 0 {
        return "0s".into();
    }
    let (sign, size) = (if ns < 0 { "-" } else { "" }, ns.unsigned_abs());
    let fraction = |value: u64, unit: u64| {
        let rest = value % unit;
        if rest == 0 {
            return (value / unit).to_string();
        }
        let digits = unit.ilog10() as usize;
        let rest = format!("{rest:0digits$}");
        format!("{}.{}", value / unit, rest.trim_end_matches('0'))
    };
    if size < 1_000 {
        return format!("{sign}{size}ns");
    }
    if size < 1_000_000 {
        return format!("{sign}{}\u{b5}s", fraction(size, 1_000));
    }
    if size < 1_000_000_000 {
        return format!("{sign}{}ms", fraction(size, 1_000_000));
    }
    let (minutes, rest) = (size / 60_000_000_000, size % 60_000_000_000);
    let seconds = fraction(rest, 1_000_000_000);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}
