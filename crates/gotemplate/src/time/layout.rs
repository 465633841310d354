//! Go's layouts: the reference time 2006-01-02 15:04:05 -0700 MST written as wanted (package `time`, `Format` and `Parse`).

use std::fmt::Write;

use jiff::ZonedDateTime as Zoned;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// One piece of a layout.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    Pm {
        upper: bool,
    },
    Zone,
    /// An offset: `Z` for none, a colon, seconds, minutes.
    Offset {
        z: bool,
        colon: bool,
        minutes: bool,
        seconds: bool,
    },
    /// Digits after the second; trailing zeros left out.
    Fraction {
        mark: char,
        digits: usize,
        trim: bool,
    },
}

/// Layout texts in the order in which they are tried: longer ones before their beginnings.
const PIECES: &[(&str, Piece)] = &[
    ("January", Piece::LongMonth),
    ("Jan", Piece::Month),
    ("Monday", Piece::LongWeekDay),
    ("Mon", Piece::WeekDay),
    ("MST", Piece::Zone),
    ("002", Piece::ZeroYearDay),
    ("01", Piece::ZeroMonth),
    ("02", Piece::ZeroDay),
    ("03", Piece::ZeroHour12),
    ("04", Piece::ZeroMinute),
    ("05", Piece::ZeroSecond),
    ("06", Piece::Year),
    ("15", Piece::Hour),
    ("1", Piece::NumMonth),
    ("2006", Piece::LongYear),
    ("2", Piece::Day),
    ("__2", Piece::UnderYearDay),
    ("_2006", Piece::LongYear),
    ("_2", Piece::UnderDay),
    ("3", Piece::Hour12),
    ("4", Piece::Minute),
    ("5", Piece::Second),
    ("PM", Piece::Pm { upper: true }),
    ("pm", Piece::Pm { upper: false }),
    ("-07:00:00", Piece::Offset { z: false, colon: true, minutes: true, seconds: true }),
    ("-070000", Piece::Offset { z: false, colon: false, minutes: true, seconds: true }),
    ("-07:00", Piece::Offset { z: false, colon: true, minutes: true, seconds: false }),
    ("-0700", Piece::Offset { z: false, colon: false, minutes: true, seconds: false }),
    ("-07", Piece::Offset { z: false, colon: false, minutes: false, seconds: false }),
    ("Z07:00:00", Piece::Offset { z: true, colon: true, minutes: true, seconds: true }),
    ("Z070000", Piece::Offset { z: true, colon: false, minutes: true, seconds: true }),
    ("Z07:00", Piece::Offset { z: true, colon: true, minutes: true, seconds: false }),
    ("Z0700", Piece::Offset { z: true, colon: false, minutes: true, seconds: false }),
    ("Z07", Piece::Offset { z: true, colon: false, minutes: false, seconds: false }),
];

/// The piece at the beginning of `layout` and its length.
fn piece(layout: &str) -> Option<(Piece, usize)> {
    if let Some(mark @ ('.' | ',')) = layout.chars().next() {
        let rest = &layout[1..];
        for digit in ['0', '9'] {
            let digits = rest.chars().take_while(|c| *c == digit).count();
            // `.0` in a longer number is a text.
            if digits > 0 && !rest[digits..].starts_with(|c: char| c.is_ascii_digit()) {
                return Some((Piece::Fraction { mark, digits, trim: digit == '9' }, 1 + digits));
            }
        }
        return None;
    }
    PIECES
        .iter()
        .find(|(text, piece)| {
            layout.starts_with(text)
            // `Month` is a word, not `Mon` and `th`; the same for `Janet`.
            && !(matches!(piece, Piece::Month | Piece::WeekDay)
                && layout[text.len()..].starts_with(|c: char| c.is_ascii_lowercase()))
        })
        .map(|(text, piece)| match *text {
            // The underscore before a year is a text of its own.
            "_2006" => (Piece::LongYear, 0),
            _ => (*piece, text.len()),
        })
}

/// Texts and pieces of a layout, in turn.
fn pieces(layout: &str) -> Vec<(&str, Option<Piece>)> {
    let mut out = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < layout.len() {
        match piece(&layout[at..]) {
            Some((_, 0)) => {
                out.push((&layout[start..=at], Some(Piece::LongYear)));
                at += "_2006".len();
                start = at;
            }
            Some((piece, length)) => {
                out.push((&layout[start..at], Some(piece)));
                at += length;
                start = at;
            }
            None => at += layout[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    out.push((&layout[start..], None));
    out
}

/// A time in a layout.
pub(crate) fn format(layout: &str, at: &Zoned) -> String {
    let mut out = String::new();
    for (text, piece) in pieces(layout) {
        out.push_str(text);
        if let Some(piece) = piece {
            // Writing into a `String` cannot fail.
            let _ = write(&mut out, piece, at);
        }
    }
    out
}

fn write(out: &mut String, piece: Piece, at: &Zoned) -> std::fmt::Result {
    let hour12 = if at.hour() % 12 == 0 { 12 } else { at.hour() % 12 };
    let month = MONTHS[(at.month() - 1) as usize];
    let day = DAYS[at.weekday().to_monday_zero_offset() as usize];
    match piece {
        Piece::LongMonth => out.write_str(month),
        Piece::Month => out.write_str(&month[..3]),
        Piece::NumMonth => write!(out, "{}", at.month()),
        Piece::ZeroMonth => write!(out, "{:02}", at.month()),
        Piece::LongWeekDay => out.write_str(day),
        Piece::WeekDay => out.write_str(&day[..3]),
        Piece::Day => write!(out, "{}", at.day()),
        Piece::UnderDay => write!(out, "{:2}", at.day()),
        Piece::ZeroDay => write!(out, "{:02}", at.day()),
        Piece::UnderYearDay => write!(out, "{:3}", at.day_of_year()),
        Piece::ZeroYearDay => write!(out, "{:03}", at.day_of_year()),
        Piece::Hour => write!(out, "{:02}", at.hour()),
        Piece::Hour12 => write!(out, "{hour12}"),
        Piece::ZeroHour12 => write!(out, "{hour12:02}"),
        Piece::Minute => write!(out, "{}", at.minute()),
        Piece::ZeroMinute => write!(out, "{:02}", at.minute()),
        Piece::Second => write!(out, "{}", at.second()),
        Piece::ZeroSecond => write!(out, "{:02}", at.second()),
        Piece::LongYear => write!(out, "{:04}", at.year()),
        Piece::Year => write!(out, "{:02}", at.year().rem_euclid(100)),
        Piece::Pm { upper } => out.write_str(match (at.hour() >= 12, upper) {
            (true, true) => "PM",
            (true, false) => "pm",
            (false, true) => "AM",
            (false, false) => "am",
        }),
        Piece::Zone => {
            let info = at.time_zone().to_offset_info(at.timestamp());
            let name = info.abbreviation();
            // Zones without letters are shown by their offset, as Go does.
            out.write_str(if name.is_empty() { "UTC" } else { name })
        }
        Piece::Offset { z, colon, minutes, seconds } => {
            let total = at.offset().seconds();
            if z && total == 0 {
                return out.write_str("Z");
            }
            let size = total.abs();
            let mark = if colon { ":" } else { "" };
            write!(out, "{}{:02}", if total < 0 { '-' } else { '+' }, size / 3600)?;
            if minutes {
                write!(out, "{mark}{:02}", size / 60 % 60)?;
            }
            if seconds {
                write!(out, "{mark}{:02}", size % 60)?;
            }
            Ok(())
        }
        Piece::Fraction { mark, digits, trim } => {
            let nanos = format!("{:09}", at.subsec_nanosecond());
            let kept = &nanos[..digits.min(9)];
            let kept = if trim { kept.trim_end_matches('0') } else { kept };
            if kept.is_empty() { Ok(()) } else { write!(out, "{mark}{kept}") }
        }
    }
}

/// What was read so far.
struct Read {
    year: i64,
    month: i64,
    day: i64,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    pm: Option<bool>,
    offset: Option<i32>,
}

/// A time out of a text in a layout, and the name of its zone (`UTC` or an offset).
///
/// # Errors
/// The text does not fit the layout, in Go's words.
pub(crate) fn parse(layout: &str, text: &str) -> Result<(Zoned, String), String> {
    let wrong = |rest: &str| format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?}");
    let mut read = Read {
        year: 0,
        month: 1,
        day: 1,
        year_day: None,
        hour: 0,
        minute: 0,
        second: 0,
        nanos: 0,
        pm: None,
        offset: None,
    };
    let mut rest = text;
    for (literal, piece) in pieces(layout) {
        rest = rest.strip_prefix(literal).ok_or_else(|| wrong(rest))?;
        if let Some(piece) = piece {
            rest = read_piece(&mut read, piece, rest).ok_or_else(|| wrong(rest))?;
        }
    }
    if !rest.is_empty() {
        return Err(format!("parsing time {text:?}: extra text: {rest:?}"));
    }
    build(&read).ok_or_else(|| format!("parsing time {text:?}: out of range"))
}

fn build(read: &Read) -> Option<(Zoned, String)> {
    let hour = match read.pm {
        Some(true) if read.hour < 12 => read.hour + 12,
        Some(false) if read.hour == 12 => 0,
        _ => read.hour,
    };
    let part = |n: i64| i8::try_from(n).ok();
    let date = match read.year_day {
        Some(day) => {
            let first = Date::new(i16::try_from(read.year).ok()?, 1, 1).ok()?;
            first.checked_add(jiff::Span::new().try_days(day - 1).ok()?).ok()?
        }
        None => Date::new(i16::try_from(read.year).ok()?, part(read.month)?, part(read.day)?).ok()?,
    };
    let time = Time::new(part(hour)?, part(read.minute)?, part(read.second)?, read.nanos as i32).ok()?;
    let (zone, name) = match read.offset {
        None | Some(0) => (TimeZone::UTC, "UTC".to_owned()),
        Some(seconds) => {
            let size = seconds.abs();
            let name = format!("{}{:02}:{:02}", if seconds < 0 { '-' } else { '+' }, size / 3600, size / 60 % 60);
            (Offset::from_seconds(seconds).ok()?.to_time_zone(), name)
        }
    };
    Some((DateTime::from_parts(date, time).to_zoned_datetime(zone).ok()?, name))
}

fn read_piece<'a>(read: &mut Read, piece: Piece, rest: &'a str) -> Option<&'a str> {
    let mut number = |into: fn(&mut Read) -> &mut i64, min: usize, max: usize, rest: &'a str| -> Option<&'a str> {
        let (n, rest) = digits(rest, min, max)?;
        *into(read) = n;
        Some(rest)
    };
    match piece {
        Piece::LongYear => number(|r| &mut r.year, 4, 4, rest),
        Piece::Year => {
            let (n, rest) = digits(rest, 2, 2)?;
            read.year = if n >= 69 { 1900 + n } else { 2000 + n };
            Some(rest)
        }
        Piece::NumMonth => number(|r| &mut r.month, 1, 2, rest),
        Piece::ZeroMonth => number(|r| &mut r.month, 2, 2, rest),
        Piece::Day | Piece::UnderDay => number(|r| &mut r.day, 1, 2, rest.trim_start_matches(' ')),
        Piece::ZeroDay => number(|r| &mut r.day, 2, 2, rest),
        Piece::Hour => number(|r| &mut r.hour, 2, 2, rest),
        Piece::Hour12 => number(|r| &mut r.hour, 1, 2, rest),
        Piece::ZeroHour12 => number(|r| &mut r.hour, 2, 2, rest),
        Piece::Minute => number(|r| &mut r.minute, 1, 2, rest),
        Piece::ZeroMinute => number(|r| &mut r.minute, 2, 2, rest),
        Piece::Second | Piece::ZeroSecond => {
            let rest = number(|r| &mut r.second, if piece == Piece::Second { 1 } else { 2 }, 2, rest)?;
            // A fraction is read even when the layout has none.
            match rest.strip_prefix(['.', ',']) {
                Some(after) if after.starts_with(|c: char| c.is_ascii_digit()) => fraction(read, after),
                _ => Some(rest),
            }
        }
        Piece::Fraction { .. } => match rest.strip_prefix(['.', ',']) {
            Some(after) => fraction(read, after),
            // Taken with the second already.
            None => Some(rest),
        },
        Piece::UnderYearDay | Piece::ZeroYearDay => {
            let (n, rest) = digits(rest.trim_start_matches(' '), 1, 3)?;
            read.year_day = Some(n);
            Some(rest)
        }
        Piece::LongMonth | Piece::Month => {
            let (index, rest) = word(rest, &MONTHS, piece == Piece::Month)?;
            read.month = index as i64 + 1;
            Some(rest)
        }
        Piece::LongWeekDay | Piece::WeekDay => Some(word(rest, &DAYS, piece == Piece::WeekDay)?.1),
        Piece::Pm { .. } => {
            let (head, rest) = rest.split_at_checked(2)?;
            read.pm = Some(if head.eq_ignore_ascii_case("PM") {
                true
            } else if head.eq_ignore_ascii_case("AM") {
                false
            } else {
                return None;
            });
            Some(rest)
        }
        Piece::Zone => {
            let length = rest.bytes().take_while(u8::is_ascii_uppercase).count();
            // Only UTC and GMT have one meaning everywhere; the others are read as UTC, as Go does.
            if (3..=5).contains(&length) { Some(&rest[length..]) } else { None }
        }
        Piece::Offset { z, colon, minutes, seconds } => offset(read, rest, z, colon, minutes, seconds),
    }
}

fn digits(text: &str, min: usize, max: usize) -> Option<(i64, &str)> {
    let length = text.bytes().take(max).take_while(u8::is_ascii_digit).count();
    if length < min {
        return None;
    }
    let (digits, rest) = text.split_at(length);
    Some((digits.parse().ok()?, rest))
}

fn fraction<'a>(read: &mut Read, text: &'a str) -> Option<&'a str> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 {
        return None;
    }
    let digits: String = text[..length].chars().chain("000000000".chars()).take(9).collect();
    read.nanos = digits.parse().ok()?;
    Some(&text[length..])
}

fn word<'a>(text: &'a str, words: &[&str], short: bool) -> Option<(usize, &'a str)> {
    words.iter().enumerate().find_map(|(i, word)| {
        let word = if short { &word[..3] } else { word };
        let head = text.get(..word.len())?;
        head.eq_ignore_ascii_case(word).then(|| (i, &text[word.len()..]))
    })
}

fn offset<'a>(read: &mut Read, text: &'a str, z: bool, colon: bool, minutes: bool, seconds: bool) -> Option<&'a str> {
    if z && let Some(rest) = text.strip_prefix('Z') {
        read.offset = Some(0);
        return Some(rest);
    }
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['+', '-'])?;
    let mut total = 0;
    for (unit, wanted) in [(3600, true), (60, minutes), (1, seconds)] {
        if !wanted {
            continue;
        }
        if unit != 3600 && colon {
            rest = rest.strip_prefix(':')?;
        }
        let (n, after) = digits(rest, 2, 2)?;
        total += n as i32 * unit;
        rest = after;
    }
    read.offset = Some(if negative { -total } else { total });
    Some(rest)
}
