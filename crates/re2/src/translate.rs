//! Translates Go's regular expression syntax (RE2) to the `regex` crate's.
//!
//! The two are close but not the same: Go's `\d \w \s \b` know only ASCII, a
//! brace that is no repetition is a literal, `&&` and `~~` mean nothing in a
//! class, `\Q..\E` and octal escapes exist, and stacked repetitions do not.
//! Source: the syntax page of Go's `regexp/syntax`.

use foundation::ErrorKind;
use regex::{Regex, RegexBuilder};

/// The largest repetition that RE2 accepts.
const MAX_REPEAT: u32 = 1000;

/// Memory for one compiled expression, in bytes.
const SIZE_LIMIT_BYTES: usize = 10 << 20;

/// Why a text is not a regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp {pattern:?}: {message}")]
pub struct Re2Error {
    /// The whole expression.
    pub pattern: String,
    /// What is wrong.
    pub message: String,
}

impl Re2Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// Compiles a pattern that must match a whole text; the dot matches newlines.
///
/// # Errors
/// When Go would refuse the pattern, or it compiles to more than 10 MiB.
pub fn compile_anchored(pattern: &str) -> Result<Regex, Re2Error> {
    let fail = |message: String| Re2Error { pattern: pattern.to_owned(), message };
    let translated = translate(pattern).map_err(fail)?;
    RegexBuilder::new(&format!("^(?s:{translated})$"))
        .size_limit(SIZE_LIMIT_BYTES)
        .build()
        .map_err(|e| fail(e.to_string().lines().last().unwrap_or("invalid").to_owned()))
}

/// Compiles a pattern that may match anywhere in a text, as Go's `regexp.Compile`; the dot does not match newlines.
///
/// # Errors
/// As [`compile_anchored`].
pub fn compile(pattern: &str) -> Result<Regex, Re2Error> {
    let fail = |message: String| Re2Error { pattern: pattern.to_owned(), message };
    let translated = translate(pattern).map_err(fail)?;
    RegexBuilder::new(&translated)
        .size_limit(SIZE_LIMIT_BYTES)
        .build()
        .map_err(|e| fail(e.to_string().lines().last().unwrap_or("invalid").to_owned()))
}

/// The same expression in the syntax of the `regex` crate.
fn translate(pattern: &str) -> Result<String, String> {
    let out = String::with_capacity(pattern.len() + 16);
    let mut t = Translator { rest: pattern, out, last: Last::Nothing, open_groups: 0 };
    while let Some(c) = t.rest.chars().next() {
        t.step(c)?;
    }
    Ok(t.out)
}

/// What stands before the current position: decides about repetitions.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Nothing,
    Atom,
    Repeat,
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
    last: Last,
    open_groups: usize,
}

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r"\t\n\f\r ";

impl Translator<'_> {
    fn step(&mut self, c: char) -> Result<(), String> {
        match c {
            '\\' => self.escape(),
            '[' => self.class(),
            '(' => self.group(),
            '|' => {
                self.literal_out("|", Last::Nothing);
                Ok(())
            }
            ')' => {
                // One too many would close the group that anchors the whole.
                self.open_groups = self.open_groups.checked_sub(1).ok_or("unexpected )")?;
                self.literal_out(")", Last::Atom);
                Ok(())
            }
            '*' | '+' | '?' => self.repeat(c.len_utf8()),
            '{' => match repetition(self.rest)? {
                Some(len) => self.repeat(len),
                None => {
                    self.literal_out("\\{", Last::Atom);
                    Ok(())
                }
            },
            _ => {
                self.rest = self.rest.get(c.len_utf8()..).unwrap_or("");
                self.char_out(c);
                Ok(())
            }
        }
    }

    /// Consumes one ASCII character and writes `text`.
    fn literal_out(&mut self, text: &str, last: Last) {
        self.rest = self.rest.get(1..).unwrap_or("");
        self.out.push_str(text);
        self.last = last;
    }

    fn char_out(&mut self, c: char) {
        match c {
            '.' | '^' | '$' => self.out.push(c),
            c => push_literal(&mut self.out, c),
        }
        self.last = Last::Atom;
    }

    fn repeat(&mut self, len: usize) -> Result<(), String> {
        match self.last {
            Last::Nothing => return Err("missing argument to repetition operator".to_owned()),
            Last::Repeat => return Err("invalid nested repetition operator".to_owned()),
            Last::Atom => {}
        }
        let (op, rest) = self.rest.split_at(len);
        self.out.push_str(op);
        self.rest = rest;
        if let Some(rest) = self.rest.strip_prefix('?') {
            self.out.push('?');
            self.rest = rest;
        }
        self.last = Last::Repeat;
        Ok(())
    }

    fn group(&mut self) -> Result<(), String> {
        self.last = Last::Nothing;
        self.open_groups += 1;
        let Some(inner) = self.rest.strip_prefix("(?") else {
            self.literal_out("(", Last::Nothing);
            return Ok(());
        };
        if let Some(named) = inner.strip_prefix("P<").or_else(|| inner.strip_prefix('<')) {
            let end = named.find('>').ok_or("invalid named capture")?;
            let (name, rest) = named.split_at(end);
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err("invalid named capture".to_owned());
            }
            self.out.push_str("(?P<");
            self.out.push_str(name);
            self.out.push('>');
            self.rest = rest.get(1..).unwrap_or("");
            return Ok(());
        }
        let end = inner.find([':', ')']).ok_or("missing argument to group flags")?;
        let (flags, rest) = inner.split_at(end);
        let well_formed = flags.chars().all(|c| "imsU-".contains(c)) && flags.matches('-').count() <= 1;
        if !well_formed || flags.ends_with('-') || (flags.is_empty() && rest.starts_with(')')) {
            return Err("invalid or unsupported Perl syntax".to_owned());
        }
        if rest.starts_with(')') {
            self.open_groups -= 1;
        }
        self.out.push_str("(?");
        self.out.push_str(flags);
        self.out.push_str(rest.get(..1).unwrap_or(""));
        self.rest = rest.get(1..).unwrap_or("");
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        if let Some(quoted) = self.rest.strip_prefix("\\Q") {
            let (text, rest) = quoted.split_once("\\E").unwrap_or((quoted, ""));
            for c in text.chars() {
                push_literal(&mut self.out, c);
                self.last = Last::Atom;
            }
            self.rest = rest;
            return Ok(());
        }
        let c = self.rest.chars().nth(1).ok_or("trailing backslash at end of expression")?;
        let text = match c {
            'b' => r"(?-u:\b)",
            'B' => r"\B",
            'A' => r"\A",
            'z' => r"\z",
            _ => "",
        };
        if !text.is_empty() {
            self.out.push_str(text);
            self.rest = self.rest.get(2..).unwrap_or("");
        } else if let Some((class, rest)) = perl_class(self.rest)? {
            self.out.push('[');
            self.out.push_str(&class);
            self.out.push(']');
            self.rest = rest;
        } else {
            let (c, rest) = escaped_char(self.rest)?;
            push_literal(&mut self.out, c);
            self.rest = rest;
        }
        self.last = Last::Atom;
        Ok(())
    }

    fn class(&mut self) -> Result<(), String> {
        let missing = || "missing closing ]".to_owned();
        let mut rest = self.rest.get(1..).unwrap_or("");
        let mut out = String::from("[");
        if let Some(r) = rest.strip_prefix('^') {
            out.push('^');
            rest = r;
        }
        let mut first = true;
        loop {
            if !first && let Some(r) = rest.strip_prefix(']') {
                rest = r;
                break;
            }
            first = false;
            if let Some((class, r)) = posix_class(rest)? {
                out.push_str(class);
                rest = r;
                continue;
            }
            if let Some((class, r)) = perl_class(rest)? {
                out.push_str(&class);
                rest = r;
                continue;
            }
            let (low, r) = class_char(rest).map_err(|e| e.unwrap_or_else(missing))?;
            rest = r;
            push_class_char(&mut out, low);
            if let Some(r) = rest.strip_prefix('-')
                && !r.starts_with(']')
                && !r.is_empty()
            {
                let (high, r) = class_char(r).map_err(|e| e.unwrap_or_else(missing))?;
                if high < low {
                    return Err("invalid character class range".to_owned());
                }
                out.push('-');
                push_class_char(&mut out, high);
                rest = r;
            }
        }
        out.push(']');
        self.out.push_str(&out);
        self.rest = rest;
        self.last = Last::Atom;
        Ok(())
    }
}

fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_punctuation() && c != '_' {
        out.push('\\');
        // These may not be escaped in the target syntax outside of classes.
        if matches!(c, '<' | '>') {
            out.pop();
        }
    }
    out.push(c);
}

/// Written as a number, so that no pair of characters can mean something.
fn push_class_char(out: &mut String, c: char) {
    if c.is_alphanumeric() { out.push(c) } else { out.push_str(&format!("\\x{{{:X}}}", c as u32)) }
}

/// The length of `{n}`, `{n,}` or `{n,m}` at the start; none when it is a literal brace.
fn repetition(text: &str) -> Result<Option<usize>, String> {
    let Some((body, _)) = text.strip_prefix('{').and_then(|t| t.split_once('}')) else { return Ok(None) };
    let (low, high) = match body.split_once(',') {
        Some((low, high)) => (low, Some(high)),
        None => (body, None),
    };
    let is_number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !is_number(low) || high.is_some_and(|h| !h.is_empty() && !is_number(h)) {
        return Ok(None);
    }
    let bad = || "invalid repeat count".to_owned();
    let count = |s: &str| s.parse::<u32>().ok().filter(|n| *n <= MAX_REPEAT).ok_or_else(bad);
    let low = count(low)?;
    if let Some(high) = high.filter(|h| !h.is_empty())
        && count(high)? < low
    {
        return Err(bad());
    }
    Ok(Some(body.len() + 2))
}

/// `\d`, `\W`, `\pN`, `\p{Greek}` as the inside of a class, and what follows.
fn perl_class(text: &str) -> Result<Option<(String, &str)>, String> {
    let Some(body) = text.strip_prefix('\\') else { return Ok(None) };
    let rest = body.get(1..).unwrap_or("");
    let class = match body.bytes().next() {
        Some(b'd') => DIGIT.to_owned(),
        Some(b'w') => WORD.to_owned(),
        Some(b's') => SPACE.to_owned(),
        Some(b'D') => format!("[^{DIGIT}]"),
        Some(b'W') => format!("[^{WORD}]"),
        Some(b'S') => format!("[^{SPACE}]"),
        Some(b'p' | b'P') => return unicode_class(body).map(Some),
        _ => return Ok(None),
    };
    Ok(Some((class, rest)))
}

fn unicode_class(body: &str) -> Result<(String, &str), String> {
    let bad = || "invalid character class range".to_owned();
    let mut negative = body.starts_with('P');
    let name_on = body.get(1..).ok_or_else(bad)?;
    let (mut name, rest) = match name_on.strip_prefix('{') {
        Some(braced) => braced.split_once('}').ok_or_else(bad)?,
        None => {
            let len = name_on.chars().next().ok_or_else(bad)?.len_utf8();
            name_on.split_at(len)
        }
    };
    if let Some(n) = name.strip_prefix('^') {
        negative = !negative;
        name = n;
    }
    // Go knows general categories (`L`, `Lu`) and scripts (`Greek`), spelled exactly so.
    let exact = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
        && !name.starts_with("Is");
    if !exact {
        return Err(bad());
    }
    let p = if negative { 'P' } else { 'p' };
    Ok((format!("\\{p}{{{name}}}"), rest))
}

/// `[:alpha:]` inside a class.
fn posix_class(text: &str) -> Result<Option<(&str, &str)>, String> {
    if !text.starts_with("[:") {
        return Ok(None);
    }
    let Some(end) = text.find(":]") else { return Ok(None) };
    let (class, rest) = text.split_at(end + 2);
    let name = class.trim_start_matches("[:").trim_end_matches(":]").trim_start_matches('^');
    let known = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
        "word", "xdigit",
    ];
    if !known.contains(&name) {
        return Err("invalid character class range".to_owned());
    }
    Ok(Some((class, rest)))
}

/// One character of a class; `Err(None)` at the end of the text.
fn class_char(text: &str) -> Result<(char, &str), Option<String>> {
    if text.starts_with('\\') {
        return escaped_char(text).map_err(Some);
    }
    let c = text.chars().next().ok_or(None)?;
    Ok((c, text.get(c.len_utf8()..).unwrap_or("")))
}

/// The character that an escape sequence stands for.
fn escaped_char(text: &str) -> Result<(char, &str), String> {
    let mut chars = text.chars();
    chars.next();
    let c = chars.next().ok_or("trailing backslash at end of expression")?;
    let rest = chars.as_str();
    let bad = || format!("invalid escape sequence: `\\{c}`");
    let simple = |c: char| Ok((c, rest));
    match c {
        'a' => simple('\u{7}'),
        'f' => simple('\u{C}'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\u{B}'),
        // A single digit other than 0 would be a backreference.
        '1'..='7' if !rest.starts_with(|c: char| c.is_digit(8)) => Err(bad()),
        '0'..='7' => {
            let more = rest.bytes().take(2).take_while(|b| (b'0'..=b'7').contains(b)).count();
            let (digits, rest) = rest.split_at(more);
            let value = u32::from_str_radix(&format!("{c}{digits}"), 8).map_err(|_| bad())?;
            Ok((char::from_u32(value).ok_or_else(bad)?, rest))
        }
        'x' => {
            let (digits, rest) = match rest.strip_prefix('{') {
                Some(braced) => braced.split_once('}').ok_or_else(bad)?,
                None => rest.split_at_checked(2).ok_or_else(bad)?,
            };
            let value = u32::from_str_radix(digits, 16).map_err(|_| bad())?;
            Ok((char::from_u32(value).ok_or_else(bad)?, rest))
        }
        c if c.is_ascii_punctuation() || c == ' ' || c.is_ascii_control() => simple(c),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        compile_anchored(pattern).expect("valid pattern").is_match(text)
    }

    #[test]
    fn go_only_syntax() {
        assert!(matches(r"\Qa+b\E.*", "a+bz"));
        assert!(matches("{foo}", "{foo}") && matches("a{,3}", "a{,3}") && matches("a{2,3}", "aa"));
        assert!(matches(r"\101", "A") && matches(r"[[]", "[") && matches("[]a]", "]"));
        assert!(matches("[a&&b]", "&") && matches("[a~~b]", "~"));
        assert!(!matches(r"\d", "\u{0661}") && matches(r"\d", "7"));
        assert!(matches("a.b", "a\nb") && !matches("(?-s)a.b", "a\nb"));
    }

    #[test]
    fn refused_as_in_go() {
        for pattern in [
            "a**", "a++", "*a", "(", ")", "a)|(b", "(?i)a)(", r"\8", r"\1", "(?=a)", "(?x)a", "[z-a]", "a{1001}",
            r"\Z", "[a-\\d]",
        ] {
            assert!(compile_anchored(pattern).is_err(), "{pattern}");
        }
    }
}
