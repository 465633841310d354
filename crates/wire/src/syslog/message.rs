//! One message, taken apart.

use std::borrow::Cow;

use foundation::{ErrorKind, UnixNanos};
use thiserror::Error;

use crate::civil::{self, Civil};

/// Elements, and parameters of one element, of structured data.
const STRUCTURED_MAX: usize = 256;

/// Which of the two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// BSD syslog.
    Rfc3164,
    /// The one with versions and structured data.
    Rfc5424,
    /// Whichever it is: a version behind the priority says RFC 5424.
    Either,
}

/// What a message does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The format.
    pub protocol: Protocol,
    /// The time now: RFC 3164 has no year.
    pub now: UnixNanos,
    /// Seconds east of Greenwich of RFC 3164's times.
    pub offset_seconds: i64,
    /// Takes messages without a priority; they get `user.notice`, as RFC 3164 (4.3.3) says.
    pub allow_skip_pri: bool,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// Whether it is of RFC 5424; then its version.
    pub version: Option<u16>,
    /// `facility * 8 + severity`.
    pub priority: u8,
    /// When it was sent.
    pub time: Option<UnixNanos>,
    /// Who sent it.
    pub hostname: Option<&'a str>,
    /// The program.
    pub appname: Option<&'a str>,
    /// Its process.
    pub proc_id: Option<&'a str>,
    /// The kind of message.
    pub msg_id: Option<&'a str>,
    /// Elements with their parameters.
    pub structured_data: Vec<(&'a str, Vec<(&'a str, Cow<'a, str>)>)>,
    /// What is left.
    pub message: &'a str,
}

/// A text that is no syslog message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SyslogError {
    /// `<34>` is missing or is above 191.
    #[error("the message does not begin with a priority such as `<34>`")]
    Priority,
    /// Not RFC 5424 behind the priority.
    #[error("the message has no {0} where RFC 5424 has one; set `protocol: rfc3164` if the sender speaks that")]
    Missing(&'static str),
    /// A time that is none.
    #[error("the time of the message is not one of RFC 3339")]
    Time,
    /// Structured data that does not end, or has too much in it.
    #[error("the structured data of the message is broken, or has more than {STRUCTURED_MAX} elements or parameters")]
    StructuredData,
}

impl SyslogError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// Takes a message apart.
///
/// # Errors
/// A text that is no such message.
pub fn parse<'a>(text: &'a str, options: &Options) -> Result<Message<'a>, SyslogError> {
    let text = text.trim_end_matches(['\r', '\n', '\0']);
    let (priority, rest) = match priority(text) {
        Some(found) => found,
        None if options.allow_skip_pri => (13, text),
        None => return Err(SyslogError::Priority),
    };
    match options.protocol {
        Protocol::Rfc5424 => rfc5424(priority, rest),
        Protocol::Rfc3164 => Ok(rfc3164(priority, rest, options)),
        Protocol::Either => {
            let has_version = rest.strip_prefix(|c: char| ('1'..='9').contains(&c)).is_some_and(|r| r.starts_with(' '));
            match has_version {
                true => rfc5424(priority, rest).or_else(|_| Ok(rfc3164(priority, rest, options))),
                false => Ok(rfc3164(priority, rest, options)),
            }
        }
    }
}

fn priority(text: &str) -> Option<(u8, &str)> {
    let (number, rest) = text.strip_prefix('<')?.split_once('>')?;
    if number.is_empty() || number.len() > 3 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    number.parse().ok().filter(|p| *p <= 191).map(|p| (p, rest))
}

fn rfc5424(priority: u8, text: &str) -> Result<Message<'_>, SyslogError> {
    let mut rest = text;
    let mut word = |name| -> Result<Option<&str>, SyslogError> {
        let (word, behind) = rest.split_once(' ').ok_or(SyslogError::Missing(name))?;
        rest = behind;
        Ok(Some(word).filter(|w| *w != "-"))
    };
    let version = word("version")?.and_then(|v| v.parse().ok()).ok_or(SyslogError::Missing("version"))?;
    let time = word("time")?.map(|t| civil::rfc3339(t).ok_or(SyslogError::Time)).transpose()?;
    let hostname = word("host name")?;
    let appname = word("application name")?;
    let proc_id = word("process id")?;
    let msg_id = word("message id")?;
    let (structured_data, rest) = structured(rest)?;
    let message = rest.strip_prefix(' ').unwrap_or(rest);
    let message = message.strip_prefix('\u{feff}').unwrap_or(message);
    Ok(Message { version: Some(version), priority, time, hostname, appname, proc_id, msg_id, structured_data, message })
}

type Structured<'a> = Vec<(&'a str, Vec<(&'a str, Cow<'a, str>)>)>;

fn structured(text: &str) -> Result<(Structured<'_>, &str), SyslogError> {
    if let Some(rest) = text.strip_prefix('-') {
        return Ok((Vec::new(), rest));
    }
    let (mut elements, mut rest) = (Vec::new(), text);
    while let Some(element) = rest.strip_prefix('[') {
        let end = element.find([' ', ']']).ok_or(SyslogError::StructuredData)?;
        let (id, mut inner) = element.split_at(end);
        let mut parameters = Vec::new();
        while let Some(parameter) = inner.strip_prefix(' ') {
            let (name, quoted) = parameter.split_once("=\"").ok_or(SyslogError::StructuredData)?;
            let (value, behind) = quoted_value(quoted).ok_or(SyslogError::StructuredData)?;
            if parameters.len() == STRUCTURED_MAX {
                return Err(SyslogError::StructuredData);
            }
            parameters.push((name, value));
            inner = behind;
        }
        rest = inner.strip_prefix(']').ok_or(SyslogError::StructuredData)?;
        if elements.len() == STRUCTURED_MAX {
            return Err(SyslogError::StructuredData);
        }
        elements.push((id, parameters));
    }
    if elements.is_empty() {
        return Err(SyslogError::Missing("structured data"));
    }
    Ok((elements, rest))
}

/// The text up to the closing quote; `\"`, `\\` and `\]` are escaped in it (RFC 5424, 6.3.3).
fn quoted_value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let (mut owned, mut from, mut skip) = (None::<String>, 0, false);
    for (at, b) in text.bytes().enumerate() {
        match b {
            _ if skip => skip = false,
            b'\\' if matches!(text.as_bytes().get(at + 1), Some(b'"' | b'\\' | b']')) => {
                owned.get_or_insert_default().push_str(&text[from..at]);
                (from, skip) = (at + 1, true);
            }
            b'"' => {
                let rest = &text[at + 1..];
                return Some(match owned {
                    None => (Cow::Borrowed(&text[..at]), rest),
                    Some(mut value) => {
                        value.push_str(&text[from..at]);
                        (Cow::Owned(value), rest)
                    }
                });
            }
            _ => {}
        }
    }
    None
}

fn rfc3164<'a>(priority: u8, text: &'a str, options: &Options) -> Message<'a> {
    let (time, rest) = match bsd_time(text, options) {
        Some((time, rest)) => (Some(time), rest),
        None => match civil::rfc3339_prefix(text.as_bytes()) {
            Some((time, rest)) => (Some(time), text.get(text.len() - rest.len()..).unwrap_or_default()),
            None => (None, text),
        },
    };
    let rest = if time.is_some() { rest.strip_prefix(' ').unwrap_or(rest) } else { rest };
    // A first word that ends with a colon is the tag already: the sender left the host name out.
    let (hostname, rest) = match rest.split_once(' ') {
        Some((word, behind)) if time.is_some() && !word.is_empty() && !word.ends_with(':') => (Some(word), behind),
        _ => (None, rest),
    };
    let (appname, proc_id, message) = tag(rest).unwrap_or((None, None, rest));
    Message {
        version: None,
        priority,
        time,
        hostname,
        appname,
        proc_id,
        msg_id: None,
        structured_data: Vec::new(),
        message,
    }
}

/// `Oct 11 22:14:15`, with a year behind it as Cisco's devices write it.
fn bsd_time<'a>(text: &'a str, options: &Options) -> Option<(UnixNanos, &'a str)> {
    let bytes = text.as_bytes();
    let month = civil::month(bytes)?;
    let day_at = 4 + usize::from(*bytes.get(4)? == b' ');
    if *bytes.get(3)? != b' ' {
        return None;
    }
    let day_text = bytes.get(day_at..6)?;
    let day = std::str::from_utf8(day_text).ok()?.parse().ok()?;
    let rest = bytes.get(6..)?.strip_prefix(b" ")?;
    let with_year =
        rest.split_at_checked(4).filter(|(y, r)| y.iter().all(u8::is_ascii_digit) && r.first() == Some(&b' '));
    let (year, rest) = match with_year {
        Some((year, rest)) => (std::str::from_utf8(year).ok()?.parse().ok(), rest.get(1..)?),
        None => (None, rest),
    };
    let ([hour, minute, second], rest) = civil::clock(rest)?;
    let of = |year| Civil { year, month, day, hour, minute, second, nanos: 0 }.to_unix(options.offset_seconds);
    let time = match year {
        Some(year) => of(year)?,
        None => {
            // The year that makes it now or past; a day of grace for clocks that are ahead.
            let this = civil::year_of(options.now);
            let time = of(this)?;
            if time.0.saturating_sub(options.now.0) > 86_400_000_000_000 { of(this - 1)? } else { time }
        }
    };
    Some((time, text.get(text.len() - rest.len()..)?))
}

/// `tag:` or `tag[pid]:` and the message.
fn tag(text: &str) -> Option<(Option<&str>, Option<&str>, &str)> {
    let end = text.bytes().take(64).position(|b| matches!(b, b':' | b'[' | b' '))?;
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    let (proc_id, rest) = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        Some((pid, behind)) => (Some(pid), behind),
        None => (None, rest),
    };
    let message = rest.strip_prefix(':')?;
    Some((Some(name), proc_id, message.strip_prefix(' ').unwrap_or(message)))
}
