//! Times of the week, the month and the year, as Alertmanager's `time_intervals` describe them.
//!
//! A moment is inside when every part that is given contains it: a time of the day (the end exclusive), a weekday, a day of the
//! month (from its end when negative), a month, a year; in the zone of `location`, or UTC.

use std::ops::RangeInclusive;

use foundation::UnixNanos;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use yaml::{Findings, Node};

/// One entry of `time_intervals`.
#[derive(Debug, Clone, Default)]
pub struct TimeInterval {
    /// Minutes of the day, the end exclusive.
    times: Vec<(u32, u32)>,
    /// Sunday is 0.
    weekdays: Vec<RangeInclusive<i32>>,
    days_of_month: Vec<(i32, i32)>,
    months: Vec<RangeInclusive<i32>>,
    years: Vec<RangeInclusive<i32>>,
    zone: Option<TimeZone>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    times: Vec<RawTimes>,
    weekdays: Vec<String>,
    days_of_month: Vec<String>,
    months: Vec<String>,
    years: Vec<String>,
    location: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawTimes {
    start_time: String,
    end_time: String,
}

const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

impl TimeInterval {
    /// Reads one entry; what is wrong is noted.
    pub fn read(node: &Node, path: &str, findings: &mut Findings) -> Option<Self> {
        let before = findings.iter().count();
        let raw: Raw = node.read(path, findings)?;
        let mut note = |field: &str, result: Result<(), String>| {
            if let Err(message) = result {
                let place = node.value_place(field);
                findings.error(place, format!("{path}.{field}"), message, "");
            }
        };
        let mut read = Self::default();
        note("times", raw.times.iter().try_for_each(|t| times(t).map(|t| read.times.push(t))));
        let weekday = |word: &str| name_in(word, &WEEKDAYS, "weekday");
        note("weekdays", ranges(&raw.weekdays, &weekday).map(|r| read.weekdays = r));
        let month = |word: &str| match word.parse::<i32>() {
            Ok(number) if (1..=12).contains(&number) => Ok(number),
            Ok(number) => Err(format!("{number} is not a valid month: out of range")),
            Err(_) => name_in(word, &MONTHS, "month").map(|at| at + 1),
        };
        note("months", ranges(&raw.months, &month).map(|r| read.months = r));
        let year = |word: &str| word.parse::<i32>().map_err(|_| format!("`{word}` is not a year"));
        note("years", ranges(&raw.years, &year).map(|r| read.years = r));
        note("days_of_month", raw.days_of_month.iter().try_for_each(|d| days(d).map(|d| read.days_of_month.push(d))));
        note("location", zone(&raw.location).map(|z| read.zone = z));
        (findings.iter().count() == before).then_some(read)
    }

    /// Whether the moment is inside.
    pub fn contains(&self, at: UnixNanos) -> bool {
        let Ok(timestamp) = Timestamp::from_nanosecond(i128::from(at.0)) else { return false };
        let local = self.zone.as_ref().unwrap_or(&TimeZone::UTC).to_datetime(timestamp);
        let minute = u32::from(local.hour().unsigned_abs()) * 60 + u32::from(local.minute().unsigned_abs());
        let weekday = i32::from(local.weekday().to_sunday_zero_offset());
        let (day, last) = (i32::from(local.day()), i32::from(local.days_in_month()));
        let in_any =
            |ranges: &[RangeInclusive<i32>], n: i32| ranges.is_empty() || ranges.iter().any(|r| r.contains(&n));
        let in_days = |(begin, end): &(i32, i32)| {
            let from_start = |d: i32| if d < 0 { last + d + 1 } else { d };
            let (begin, end) = (from_start(*begin), from_start(*end));
            begin <= last && (begin.max(1)..=end.min(last)).contains(&day)
        };
        (self.times.is_empty() || self.times.iter().any(|(begin, end)| (*begin..*end).contains(&minute)))
            && in_any(&self.weekdays, weekday)
            && (self.days_of_month.is_empty() || self.days_of_month.iter().any(in_days))
            && in_any(&self.months, i32::from(local.month()))
            && in_any(&self.years, i32::from(local.year()))
    }
}

fn times(raw: &RawTimes) -> Result<(u32, u32), String> {
    if raw.start_time.is_empty() || raw.end_time.is_empty() {
        return Err("both start and end times must be provided".to_owned());
    }
    let (begin, end) = (minutes(&raw.start_time)?, minutes(&raw.end_time)?);
    if begin >= end {
        return Err("start time cannot be equal or greater than end time".to_owned());
    }
    Ok((begin, end))
}

/// `HH:MM` up to `24:00`.
fn minutes(text: &str) -> Result<u32, String> {
    let number =
        |t: &str| (t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse::<u32>().ok()).flatten();
    let parsed = text.split_once(':').and_then(|(h, m)| Some(number(h)? * 60 + number(m).filter(|m| *m < 60)?));
    parsed.filter(|m| *m <= 24 * 60).ok_or_else(|| format!("couldn't parse timestamp {text}, invalid format"))
}

fn name_in(word: &str, names: &[&str], what: &str) -> Result<i32, String> {
    let at = names.iter().position(|name| name.eq_ignore_ascii_case(word));
    at.map(|at| at as i32).ok_or_else(|| format!("{word} is not a valid {what}"))
}

fn ranges(texts: &[String], value: &dyn Fn(&str) -> Result<i32, String>) -> Result<Vec<RangeInclusive<i32>>, String> {
    let one = |text: &String| {
        let (begin, end) = text.split_once(':').unwrap_or((text, text));
        let (begin, end) = (value(begin.trim())?, value(end.trim())?);
        if begin > end { Err(format!("`{text}`: the start cannot be after the end")) } else { Ok(begin..=end) }
    };
    texts.iter().map(one).collect()
}

fn days(text: &str) -> Result<(i32, i32), String> {
    let (begin, end) = text.split_once(':').unwrap_or((text, text));
    let number =
        |t: &str| t.trim().parse::<i32>().map_err(|_| format!("`{text}` is not a range of days, as 1:5 or -3:-1"));
    let (begin, end) = (number(begin)?, number(end)?);
    let valid = |d: i32| d != 0 && (-31..=31).contains(&d);
    if !valid(begin) || !valid(end) {
        return Err(format!("`{text}` is not a valid day of the month: out of range"));
    }
    if (begin < 0) != (end < 0) && begin < 0 {
        return Err(format!("`{text}`: end day must be negative if start day is negative"));
    }
    // As if the month had all its days.
    let of_long_month = |d: i32| if d < 0 { 31 + d + 1 } else { d };
    if of_long_month(begin) > of_long_month(end) {
        return Err(format!("`{text}`: end day is always before start day"));
    }
    Ok((begin, end))
}

fn zone(name: &str) -> Result<Option<TimeZone>, String> {
    match name {
        "" | "UTC" => Ok(None),
        "Local" => Ok(Some(TimeZone::system())),
        name => {
            TimeZone::get(name).map(Some).map_err(|_| format!("unknown time zone {name}; write one as Europe/Berlin"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<TimeInterval, Vec<String>> {
        let mut findings = Findings::default();
        let read = TimeInterval::read(&yaml::parse("", text).unwrap(), "t", &mut findings);
        read.ok_or_else(|| findings.iter().map(ToString::to_string).collect())
    }

    fn at(text: &str) -> UnixNanos {
        UnixNanos(text.parse::<Timestamp>().unwrap().as_nanosecond() as i64)
    }

    #[test]
    fn every_part_that_is_given_must_contain_the_moment() {
        for (text, inside, outside) in [
            ("times: [{start_time: '09:00', end_time: '17:00'}]", "2026-11-28T09:00:00Z", "2026-11-28T17:00:00Z"),
            ("times: [{start_time: '23:00', end_time: '24:00'}]", "2026-11-28T23:59:59Z", "2026-11-28T00:00:00Z"),
            ("weekdays: ['monday:friday']", "2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z"),
            ("weekdays: ['Saturday', sunday]", "2026-11-28T00:00:00Z", "2026-11-27T00:00:00Z"),
            ("days_of_month: ['-3:-1']", "2026-02-26T00:00:00Z", "2026-02-25T00:00:00Z"),
            ("days_of_month: ['31']", "2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"),
            ("days_of_month: ['29:31']", "2026-04-30T00:00:00Z", "2026-02-28T00:00:00Z"),
            ("months: ['may:august', 12]", "2026-12-01T00:00:00Z", "2026-11-30T23:59:59Z"),
            ("years: ['2026:2027']", "2027-12-31T23:59:59Z", "2028-01-01T00:00:00Z"),
            (
                "{times: [{start_time: '09:00', end_time: '10:00'}], location: Europe/Berlin}",
                "2026-07-01T07:30:00Z",
                "2026-12-01T07:30:00Z",
            ),
        ] {
            let interval = read(text).unwrap();
            assert!(interval.contains(at(inside)), "{text}: {inside}");
            assert!(!interval.contains(at(outside)), "{text}: {outside}");
        }
        assert!(read("{}").unwrap().contains(at("2026-01-01T00:00:00Z")), "nothing is said: always");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("weekdays: [mon]", "1:11: error: t.weekdays: mon is not a valid weekday"),
            ("months: ['13']", "1:9: error: t.months: 13 is not a valid month: out of range"),
            ("days_of_month: ['5:1']", "1:16: error: t.days_of_month: `5:1`: end day is always before start day"),
            ("days_of_month: ['0']", "1:16: error: t.days_of_month: `0` is not a valid day of the month: out of range"),
            (
                "times: [{start_time: '25:00', end_time: '26:00'}]",
                "1:8: error: t.times: couldn't parse timestamp 25:00, invalid format",
            ),
            ("times: [{start_time: '10:00'}]", "1:8: error: t.times: both start and end times must be provided"),
            ("location: Berlin", "1:11: error: t.location: unknown time zone Berlin; write one as Europe/Berlin"),
            ("week_days: []", "1:1: error: t: unknown field `week_days`; did you mean `weekdays`?"),
        ] {
            assert_eq!(read(text).unwrap_err(), [expected], "{text}");
        }
    }
}
