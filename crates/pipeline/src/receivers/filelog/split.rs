//! Where records begin and end in the bytes of a file.

use memchr::{memchr, memmem};
use regex::bytes::{Regex, RegexBuilder};

use super::Multiline;
use super::encoding::Encoding;

/// What becomes of a record above the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oversize {
    /// Its pieces are records.
    Split,
    /// Its beginning is one.
    Truncate,
}

#[derive(Debug, Clone)]
enum By {
    Line,
    /// Of two bytes; whether the first is the low one.
    WideLine(bool),
    Start(Regex, bool),
    End(Regex, bool),
}

/// Finds records.
#[derive(Debug, Clone)]
pub(crate) struct Split {
    by: By,
    /// Bytes of one record.
    pub(super) max: usize,
    oversize: Oversize,
}

/// One record: its bytes, and how many bytes are behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Of the buffer.
    pub(super) record: std::ops::Range<usize>,
    /// Bytes of the buffer that are done.
    pub(super) done: usize,
    /// What follows up to the next end belongs to a record that was cut.
    pub(super) cut: bool,
}

impl Split {
    pub(super) fn new(
        multiline: &Multiline,
        encoding: Encoding,
        max: usize,
        oversize: Oversize,
    ) -> Result<Self, (&'static str, String)> {
        let compile = |setting, pattern: &str| {
            let regex = RegexBuilder::new(pattern).multi_line(true).build();
            regex.map_err(|e| (setting, e.to_string()))
        };
        let wide = matches!(encoding, Encoding::Utf16Le | Encoding::Utf16Be);
        let by = match (multiline.line_start_pattern.as_str(), multiline.line_end_pattern.as_str()) {
            ("", "") if wide => By::WideLine(encoding == Encoding::Utf16Le),
            ("", "") => By::Line,
            (start, "") if !wide => By::Start(compile("line_start_pattern", start)?, multiline.omit_pattern),
            ("", end) if !wide => By::End(compile("line_end_pattern", end)?, multiline.omit_pattern),
            _ if wide => {
                return Err(("line_start_pattern", "patterns are not looked for in UTF-16; leave them out".into()));
            }
            _ => return Err(("line_start_pattern", "write either line_start_pattern or line_end_pattern".into())),
        };
        // A character of two bytes is not cut.
        let max = if wide { max & !1 } else { max };
        Ok(Self { by, max: max.max(2), oversize })
    }

    /// Whether a line feed alone ends records.
    pub(super) const fn is_by_line(&self) -> bool {
        matches!(self.by, By::Line)
    }

    /// The first record of `buffer`. With `all`, what is there at the end is one, too.
    pub(super) fn next(&self, buffer: &[u8], all: bool) -> Option<Found> {
        let found = match &self.by {
            By::Line => memchr(b'\n', buffer).map(|n| whole(0..n, n + 1)),
            By::WideLine(little) => {
                let feed: &[u8] = if *little { b"\n\0" } else { b"\0\n" };
                let at = memmem::find_iter(buffer, feed).find(|n| n % 2 == 0);
                at.map(|n| whole(0..n, n + 2))
            }
            By::Start(regex, omit) => self.by_start(regex, *omit, buffer),
            By::End(regex, omit) => regex.find(buffer).filter(|m| m.end() > 0).map(|m| {
                let end = if *omit { m.start() } else { m.end() };
                whole(0..end, m.end())
            }),
        };
        match found {
            Some(found) if found.record.len() <= self.max => Some(found),
            Some(_) => Some(self.cut()),
            None if buffer.len() > self.max => Some(self.cut()),
            None if all && !buffer.is_empty() => Some(whole(0..buffer.len(), buffer.len())),
            None => None,
        }
    }

    fn by_start(&self, regex: &Regex, omit: bool, buffer: &[u8]) -> Option<Found> {
        let mut starts = regex.find_iter(buffer).filter(|m| !m.is_empty());
        let first = starts.next()?;
        if first.start() > 0 {
            return Some(whole(0..first.start(), first.start()));
        }
        let begin = if omit { first.end() } else { 0 };
        starts.next().map(|second| whole(begin..second.start(), second.start()))
    }

    fn cut(&self) -> Found {
        Found { record: 0..self.max, done: self.max, cut: self.oversize == Oversize::Truncate }
    }

    /// How many bytes of `buffer` belong to a record that was cut: up to its end, which may not be there yet.
    pub(super) fn rest_of_cut(&self, buffer: &[u8]) -> (usize, bool) {
        let end = match &self.by {
            By::Line => memchr(b'\n', buffer).map(|n| n + 1),
            By::WideLine(little) => {
                let feed: &[u8] = if *little { b"\n\0" } else { b"\0\n" };
                memmem::find_iter(buffer, feed).find(|n| n % 2 == 0).map(|n| n + 2)
            }
            By::Start(regex, _) => regex.find_iter(buffer).find(|m| !m.is_empty()).map(|m| m.start()),
            By::End(regex, _) => regex.find(buffer).map(|m| m.end()),
        };
        end.map_or((buffer.len(), false), |n| (n, true))
    }
}

const fn whole(record: std::ops::Range<usize>, done: usize) -> Found {
    Found { record, done, cut: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(split: &Split, text: &[u8]) -> Vec<String> {
        let (mut at, mut out) = (0, Vec::new());
        while let Some(found) = split.next(&text[at..], true) {
            out.push(String::from_utf8_lossy(&text[at..][found.record]).into_owned());
            at += found.done;
            if found.cut {
                at += split.rest_of_cut(&text[at..]).0;
            }
        }
        out
    }

    fn multiline(start: &str, end: &str, omit_pattern: bool) -> Multiline {
        Multiline { line_start_pattern: start.into(), line_end_pattern: end.into(), omit_pattern }
    }

    fn split(multiline: &Multiline, max: usize, oversize: Oversize) -> Split {
        Split::new(multiline, Encoding::Utf8, max, oversize).unwrap()
    }

    #[test]
    fn any_bytes_are_cut_into_what_they_are() {
        let any = |bytes: &[u8]| {
            for (start, end) in [("", ""), ("^[0-9]", ""), ("", ";")] {
                for oversize in [Oversize::Split, Oversize::Truncate] {
                    let split = split(&multiline(start, end, false), 8, oversize);
                    let mut at = 0;
                    while let Some(found) = split.next(&bytes[at..], true) {
                        assert!(found.record.end <= bytes.len() - at && (1..=bytes.len() - at).contains(&found.done));
                        at += found.done;
                        if found.cut {
                            at += split.rest_of_cut(&bytes[at..]).0;
                        }
                    }
                }
            }
        };
        wire::mutation::run(any, &[b"2023-a\n at x;\n2024-b long line\r\n\nend".to_vec()], 4000);
    }

    #[test]
    fn lines_and_groups_of_lines() {
        let lines = split(&Multiline::default(), 100, Oversize::Split);
        assert_eq!(all(&lines, b"a\nb\n\nlast"), ["a", "b", "", "last"]);
        let start = split(&multiline(r"^\d{4}-", "", false), 100, Oversize::Split);
        assert_eq!(all(&start, b"tail\n2023-a\n at x\n2024-b\n"), ["tail\n", "2023-a\n at x\n", "2024-b\n"]);
        let start = split(&multiline(r"^\d{4}-", "", true), 100, Oversize::Split);
        assert_eq!(all(&start, b"2023-a\n2024-b"), ["a\n", "2024-b"]);
        let end = split(&multiline("", ";", false), 100, Oversize::Split);
        assert_eq!(all(&end, b"a\nb;c;d"), ["a\nb;", "c;", "d"]);
        let wide = Split::new(&Multiline::default(), Encoding::Utf16Le, 100, Oversize::Split).unwrap();
        // U+0A00 has a line feed in it that is none.
        let found = wide.next(b"a\0\x00\x0a\n\0b\0", false).unwrap();
        assert_eq!((found.record, found.done), (0..4, 6));
    }

    #[test]
    fn records_above_the_limit() {
        let pieces = split(&Multiline::default(), 4, Oversize::Split);
        assert_eq!(all(&pieces, b"abcdefghij\nk"), ["abcd", "efgh", "ij", "k"]);
        let heads = split(&Multiline::default(), 4, Oversize::Truncate);
        assert_eq!(all(&heads, b"abcdefghij\nk\nlonglonglong"), ["abcd", "k", "long"]);
    }
}
