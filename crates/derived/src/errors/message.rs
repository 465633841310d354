//! A message without its variable parts.
//!
//! Runs that vary from one exception to the next become placeholders:
//! numbers, hexadecimal words and ids, quoted texts, e-mail addresses.
//! Everything else stays, so that the result still reads as the message.

/// Words of hexadecimal digits at least this long, with a digit among them, are ids.
const HEX_MIN: usize = 8;

/// See the module.
pub(super) fn normalise(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(c) = rest.chars().next() {
        if let Some(len) = quoted(rest, c) {
            out.push_str("<str>");
            rest = &rest[len..];
            continue;
        }
        let len = word(rest);
        if len == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(len);
        push_word(word, &mut out);
        rest = after;
    }
    out
}

/// The length of a text in quotes at the beginning, both quotes included. An apostrophe within a word is none.
fn quoted(text: &str, quote: char) -> Option<usize> {
    if !matches!(quote, '"' | '\'' | '`') {
        return None;
    }
    let inner = &text[1..];
    let end = inner.find(quote)?;
    let line_ends = inner.find('\n').is_some_and(|at| at < end);
    let word_follows = inner[end + 1..].chars().next().is_some_and(char::is_alphanumeric);
    (!line_ends && !word_follows).then_some(end + 2)
}

/// The length of a run of letters, digits and what joins them in ids, addresses and numbers.
fn word(text: &str) -> usize {
    let joined = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '\'');
    let len = text.find(|c: char| !joined(c)).unwrap_or(text.len());
    // What joins nothing behind it is punctuation.
    text[..len].trim_end_matches(['-', '.', '@', '\'']).len()
}

fn push_word(word: &str, out: &mut String) {
    if is_email(word) {
        out.push_str("<email>");
    } else if is_id(word) {
        out.push_str("<id>");
    } else {
        push_without_numbers(word, out);
    }
}

fn is_email(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// Hexadecimal, with or without dashes and `0x`, and long: addresses, UUIDs, hashes.
fn is_id(word: &str) -> bool {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let prefixed = digits.len() < word.len();
    let hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let letters = digits.bytes().any(|b| b.is_ascii_alphabetic());
    let numbers = digits.bytes().any(|b| b.is_ascii_digit());
    hex && (prefixed || (letters && numbers && digits.len() >= HEX_MIN))
}

/// Replaces runs of digits (with dots, as in versions and addresses) that do not follow a letter: `utf8` stays.
fn push_without_numbers(word: &str, out: &mut String) {
    let mut rest = word;
    let mut before_letter = false;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_digit() && !before_letter {
            let len = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            out.push_str("<num>");
            rest = &rest[len..];
            continue;
        }
        before_letter = c.is_alphabetic() || (before_letter && c.is_ascii_digit());
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_parts_become_placeholders() {
        for (message, expected) in [
            ("", ""),
            ("connection reset by peer", "connection reset by peer"),
            ("dial tcp 10.0.3.17:5432: timeout after 5000ms", "dial tcp <num>:<num>: timeout after <num>ms"),
            ("user 'bob o' not found, id=42", "user <str> not found, id=<num>"),
            ("can't open \"a.txt\"", "can't open <str>"),
            ("key 550e8400-e29b-41d4-a716-446655440000 gone", "key <id> gone"),
            ("null at 0x7f3a", "null at <id>"),
            ("invalid utf8 in facade", "invalid utf8 in facade"),
            ("mail to bob@example.org failed.", "mail to <email> failed."),
            ("größe 3 > 2", "größe <num> > <num>"),
            ("took -1.5 s", "took -<num> s"),
        ] {
            assert_eq!(normalise(message), expected, "{message}");
        }
    }
}
