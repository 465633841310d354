//! Layouts of times, as `strptime`, as Go writes them, and as counts since the epoch.
//!
//! A layout becomes a list of parts once; reading a time walks over it. Offsets and zone names are read in any spelling.

use foundation::UnixNanos;
use jiff::tz::TimeZone;
use wire::civil::{self, Civil};

/// How times are written.
#[derive(Debug, Clone)]
pub(crate) enum Layout {
    /// Part by part. Where the zone is not written, this one is meant.
    Parts(Vec<Part>, TimeZone),
    /// A number since the epoch, in units of so many nanoseconds.
    Epoch(f64),
}

/// One part of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Literal(char),
    Year,
    ShortYear,
    Month,
    MonthName,
    Day,
    DayName,
    Hour,
    Minute,
    Second,
    /// Digits of a fraction of a second.
    Fraction,
    /// `.` or `,` and digits, or nothing.
    OptionalFraction,
    HalfDay,
    Zone,
}

impl Layout {
    pub(crate) fn strptime(layout: &str, zone: TimeZone) -> Result<Self, String> {
        let (mut parts, mut chars) = (Vec::new(), layout.chars());
        while let Some(c) = chars.next() {
            if c != '%' {
                parts.push(Part::Literal(c));
                continue;
            }
            let directive = chars.next().ok_or("the layout ends with a `%`")?;
            let literal = |text: &str| text.chars().map(Part::Literal).collect::<Vec<_>>();
            match directive {
                'Y' => parts.push(Part::Year),
                'y' => parts.push(Part::ShortYear),
                'm' | 'o' | 'q' => parts.push(Part::Month),
                'b' | 'h' | 'B' => parts.push(Part::MonthName),
                'd' | 'e' | 'g' => parts.push(Part::Day),
                'a' | 'A' => parts.push(Part::DayName),
                'H' | 'I' | 'l' => parts.push(Part::Hour),
                'M' => parts.push(Part::Minute),
                'S' => parts.push(Part::Second),
                'L' | 'f' | 's' => parts.push(Part::Fraction),
                'p' | 'P' => parts.push(Part::HalfDay),
                'z' | 'Z' | 'w' | 'i' | 'j' | 'k' => parts.push(Part::Zone),
                'F' => parts.extend([Part::Year, Part::Literal('-'), Part::Month, Part::Literal('-'), Part::Day]),
                'D' => parts.extend([Part::Month, Part::Literal('/'), Part::Day, Part::Literal('/'), Part::ShortYear]),
                'T' => {
                    parts.extend([Part::Hour, Part::Literal(':'), Part::Minute, Part::Literal(':'), Part::Second]);
                }
                'R' => parts.extend([Part::Hour, Part::Literal(':'), Part::Minute]),
                'n' => parts.extend(literal("\n")),
                't' => parts.extend(literal("\t")),
                '%' => parts.extend(literal("%")),
                other => {
                    let known = "Y y m b B d e a A H I M S L f s p z Z j F D T R";
                    return Err(format!("`%{other}` is not known in a layout; there is {known}"));
                }
            }
        }
        Ok(Self::Parts(parts, zone))
    }

    pub(crate) fn gotime(layout: &str, zone: TimeZone) -> Self {
        // Longer words first: `2006` begins with `2`.
        const WORDS: [(&str, Part); 28] = [
            ("January", Part::MonthName),
            ("Monday", Part::DayName),
            ("Z07:00:00", Part::Zone),
            ("-07:00:00", Part::Zone),
            ("Z07:00", Part::Zone),
            ("-07:00", Part::Zone),
            ("Z0700", Part::Zone),
            ("-0700", Part::Zone),
            ("2006", Part::Year),
            ("Jan", Part::MonthName),
            ("Mon", Part::DayName),
            ("MST", Part::Zone),
            ("Z07", Part::Zone),
            ("-07", Part::Zone),
            ("01", Part::Month),
            ("02", Part::Day),
            ("_2", Part::Day),
            ("03", Part::Hour),
            ("15", Part::Hour),
            ("04", Part::Minute),
            ("05", Part::Second),
            ("06", Part::ShortYear),
            ("PM", Part::HalfDay),
            ("pm", Part::HalfDay),
            ("1", Part::Month),
            ("2", Part::Day),
            ("3", Part::Hour),
            ("4", Part::Minute),
        ];
        let (mut parts, mut rest) = (Vec::new(), layout);
        while let Some(c) = rest.chars().next() {
            if let Some(digits) = rest.strip_prefix(['.', ',']) {
                let n = digits.bytes().take_while(|b| matches!(b, b'0' | b'9')).count();
                let ends = !digits[n..].starts_with(|c: char| c.is_ascii_digit());
                if n > 0 && ends && parts.last() == Some(&Part::Second) {
                    parts.push(Part::OptionalFraction);
                    rest = &digits[n..];
                    continue;
                }
            }
            let word = WORDS.iter().find(|(word, _)| rest.starts_with(word));
            let (part, length) = match (word, c) {
                (Some((word, part)), _) => (*part, word.len()),
                (None, '5') => (Part::Second, 1),
                (None, c) => (Part::Literal(c), c.len_utf8()),
            };
            // Go reads a fraction behind the seconds even where the layout has none.
            if parts.last() == Some(&Part::Second) && part != Part::OptionalFraction {
                parts.push(Part::OptionalFraction);
            }
            parts.push(part);
            rest = &rest[length..];
        }
        Self::Parts(parts, zone)
    }

    /// `s`, `ms`, `us`, `ns`, or with a fraction: `s.ms`, `s.us`, `s.ns`.
    pub(crate) fn epoch(layout: &str) -> Result<Self, String> {
        match layout {
            "s" | "s.ms" | "s.us" | "s.ns" => Ok(Self::Epoch(1e9)),
            "ms" => Ok(Self::Epoch(1e6)),
            "us" => Ok(Self::Epoch(1e3)),
            "ns" => Ok(Self::Epoch(1.0)),
            other => Err(format!("`{other}` is not a unit; there is s, ms, us, ns, s.ms, s.us and s.ns")),
        }
    }

    /// The time that `text` is. A time without a year is the last that it can be, a day of grace for clocks that are ahead.
    pub(crate) fn read(&self, text: &str, now: UnixNanos) -> Option<UnixNanos> {
        match self {
            Self::Epoch(nanos) => {
                let text = text.trim();
                if let Ok(n) = text.parse::<i64>() {
                    return n.checked_mul(*nanos as i64).map(UnixNanos);
                }
                // A fraction is read by its digits: a double has too few of them.
                let (whole, fraction) = text.split_once('.')?;
                let whole = whole.parse::<i64>().ok()?.checked_mul(*nanos as i64)?;
                let digits = fraction.get(..fraction.len().min(9))?;
                let part = digits.parse::<u32>().ok()? as f64 / 10f64.powi(digits.len() as i32) * nanos;
                whole.checked_add(part.round() as i64).map(UnixNanos)
            }
            Self::Parts(parts, zone) => read_parts(parts, zone, text, now),
        }
    }
}

struct Reading<'a> {
    rest: &'a [u8],
    civil: Civil,
    year: bool,
    afternoon: Option<bool>,
    east: Option<i64>,
}

fn read_parts(parts: &[Part], zone: &TimeZone, text: &str, now: UnixNanos) -> Option<UnixNanos> {
    let civil = Civil { year: 1970, month: 1, day: 1, ..Civil::default() };
    let mut r = Reading { rest: text.as_bytes(), civil, year: false, afternoon: None, east: None };
    for part in parts {
        r.part(*part)?;
    }
    if !r.rest.is_empty() {
        return None;
    }
    match r.afternoon {
        Some(true) if r.civil.hour < 12 => r.civil.hour += 12,
        Some(false) if r.civil.hour == 12 => r.civil.hour = 0,
        _ => {}
    }
    let at = |civil: Civil| match r.east {
        Some(east) => civil.to_unix(east),
        None => in_zone(civil, zone),
    };
    if r.year {
        return at(r.civil);
    }
    let this = civil::year_of(now);
    let time = at(Civil { year: this, ..r.civil })?;
    match time.0.saturating_sub(now.0) > 86_400_000_000_000 {
        true => at(Civil { year: this - 1, ..r.civil }),
        false => Some(time),
    }
}

fn in_zone(civil: Civil, zone: &TimeZone) -> Option<UnixNanos> {
    let utc = civil.to_unix(0)?;
    if *zone == TimeZone::UTC {
        return Some(utc);
    }
    let seconds = utc.0.div_euclid(1_000_000_000);
    let shown = TimeZone::UTC.to_datetime(jiff::Timestamp::from_second(seconds).ok()?);
    let there = zone.to_timestamp(shown).ok()?.as_second();
    Some(UnixNanos(utc.0 + (there - seconds) * 1_000_000_000))
}

impl Reading<'_> {
    fn number(&mut self, digits_max: usize) -> Option<i64> {
        // Days and hours may be padded with a space.
        if let [b' ', rest @ ..] = self.rest
            && digits_max == 2
        {
            self.rest = rest;
        }
        let n = self.rest.iter().take(digits_max).take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at_checked(n).filter(|(d, _)| !d.is_empty())?;
        self.rest = rest;
        Some(digits.iter().fold(0, |v, d| v * 10 + i64::from(d - b'0')))
    }

    fn fraction(&mut self) -> Option<()> {
        let n = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at_checked(n).filter(|(d, _)| !d.is_empty())?;
        let value = digits.iter().take(9).fold(0, |v, d| v * 10 + i64::from(d - b'0'));
        self.civil.nanos = value * 10i64.pow(9 - n.min(9) as u32);
        self.rest = rest;
        Some(())
    }

    fn letters(&mut self) -> &[u8] {
        let n = self.rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let (word, rest) = self.rest.split_at(n);
        self.rest = rest;
        word
    }

    fn part(&mut self, part: Part) -> Option<()> {
        match part {
            Part::Literal(c) => {
                let mut buffer = [0; 4];
                self.rest = self.rest.strip_prefix(c.encode_utf8(&mut buffer).as_bytes())?;
            }
            Part::Year => (self.civil.year, self.year) = (self.number(4)?, true),
            Part::ShortYear => {
                let short = self.number(2)?;
                (self.civil.year, self.year) = (short + if short < 69 { 2000 } else { 1900 }, true);
            }
            Part::Month => self.civil.month = self.number(2)?,
            Part::MonthName => self.civil.month = civil::month(self.letters())?,
            Part::Day => self.civil.day = self.number(2)?,
            Part::DayName => drop(Some(self.letters()).filter(|w| w.len() >= 3)?),
            Part::Hour => self.civil.hour = self.number(2)?,
            Part::Minute => self.civil.minute = self.number(2)?,
            Part::Second => self.civil.second = self.number(2)?,
            Part::Fraction => self.fraction()?,
            Part::OptionalFraction => {
                if let [b'.' | b',', rest @ ..] = self.rest
                    && rest.first().is_some_and(u8::is_ascii_digit)
                {
                    self.rest = rest;
                    self.fraction()?;
                }
            }
            Part::HalfDay => {
                self.afternoon = Some(match self.letters().to_ascii_lowercase().as_slice() {
                    b"am" => false,
                    b"pm" => true,
                    _ => return None,
                });
            }
            Part::Zone => self.east = Some(self.zone()?),
        }
        Some(())
    }

    fn zone(&mut self) -> Option<i64> {
        if let [b'+' | b'-', ..] = self.rest {
            let negative = self.rest[0] == b'-';
            self.rest = &self.rest[1..];
            let hours = self.number(2)?;
            self.rest = self.rest.strip_prefix(b":").unwrap_or(self.rest);
            let minutes = self.number(2).unwrap_or(0);
            let seconds = hours * 3600 + minutes * 60;
            return Some(if negative { -seconds } else { seconds });
        }
        match self.letters().to_ascii_uppercase().as_slice() {
            b"Z" | b"UTC" | b"GMT" => Some(0),
            b"EST" => Some(-5 * 3600),
            b"EDT" | b"AST" => Some(-4 * 3600),
            b"CST" | b"MDT" => Some(-6 * 3600),
            b"CDT" => Some(-5 * 3600),
            b"MST" | b"PDT" => Some(-7 * 3600),
            b"PST" => Some(-8 * 3600),
            b"CET" | b"BST" => Some(3600),
            b"CEST" | b"EET" => Some(2 * 3600),
            b"EEST" | b"MSK" => Some(3 * 3600),
            b"IST" => Some(5 * 3600 + 1800),
            b"JST" => Some(9 * 3600),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixNanos = UnixNanos(1_700_100_000_000_000_000);

    #[test]
    fn layouts_of_three_kinds() {
        let strptime = |l: &str| Layout::strptime(l, TimeZone::UTC).unwrap();
        let gotime = |l: &str| Layout::gotime(l, TimeZone::UTC);
        let epoch = |l: &str| Layout::epoch(l).unwrap();
        let whole = 1_700_000_000_000_000_000;
        for (layout, text, nanos) in [
            (strptime("%Y-%m-%dT%H:%M:%S%j"), "2023-11-14T22:13:20+00:00", 0),
            (strptime("%d/%b/%Y:%H:%M:%S %z"), "14/Nov/2023:23:13:20 +0100", 0),
            (strptime("%a %b %e %H:%M:%S.%L %Y"), "Tue Nov 14 22:13:20.123 2023", 123_000_000),
            (strptime("%m/%d/%y %I:%M:%S %p"), "11/14/23 10:13:20 PM", 0),
            (strptime("%b %d %H:%M:%S"), "Nov 14 22:13:20", 0),
            (strptime("%F %T.%f %Z"), "2023-11-14 22:13:20.000001 UTC", 1000),
            (gotime("2006-01-02T15:04:05Z07:00"), "2023-11-14T22:13:20.5Z", 500_000_000),
            (gotime("2006-01-02T15:04:05.000Z07:00"), "2023-11-15T03:43:20.25+05:30", 250_000_000),
            (gotime("Mon Jan _2 15:04:05 MST 2006"), "Tue Nov 14 22:13:20 UTC 2023", 0),
            (gotime("02/Jan/2006 3:04:05 PM"), "14/Nov/2023 10:13:20 PM", 0),
            (epoch("s"), "1700000000", 0),
            (epoch("s.ms"), "1700000000.123", 123_000_000),
            (epoch("ms"), "1700000000001", 1_000_000),
            (epoch("s.ns"), "1700000000.123456789", 123_456_789),
        ] {
            assert_eq!(layout.read(text, NOW), Some(UnixNanos(whole + nanos)), "{text} {layout:?}");
        }
        assert_eq!(strptime("%Y").read("2023x", NOW), None);
        assert!(Layout::strptime("%Q", TimeZone::UTC).unwrap_err().contains("`%Q` is not known"));
    }

    #[test]
    fn a_zone_that_is_not_written() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let layout = Layout::strptime("%Y-%m-%d %H:%M:%S", zone).unwrap();
        assert_eq!(layout.read("2023-11-14 17:13:20", NOW), Some(UnixNanos(1_700_000_000_000_000_000)));
    }

    #[test]
    fn a_year_that_is_not_written() {
        let layout = Layout::strptime("%b %d %H:%M:%S", TimeZone::UTC).unwrap();
        let december = layout.read("Dec 31 00:00:00", NOW).unwrap();
        assert_eq!(civil::year_of(december), 2022);
    }
}
