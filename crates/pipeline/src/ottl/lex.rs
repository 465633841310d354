//! Text to tokens, each with the byte where it begins.

use super::Problem;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Text(String),
    Bytes(Vec<u8>),
    Int(i64),
    Float(f64),
    /// A name or keyword.
    Name(String),
    /// Punctuation and operators.
    Sign(&'static str),
    End,
}

/// Longer ones first.
const SIGNS: [&str; 20] =
    ["==", "!=", "<=", ">=", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ".", ":", "+", "-", "*", "/"];

/// All tokens of `text`, [`Token::End`] last.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, Problem> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|r| !r.is_empty()) {
        let first = rest.as_bytes()[0];
        let (token, len) = match first {
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b'"' => quoted(rest).map_err(|message| Problem::new(at, message))?,
            b'0'..=b'9' => number(rest).map_err(|message| Problem::new(at, message))?,
            // `.5`: behind a name or brackets the point would separate names, which do not begin with a digit.
            b'.' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => {
                number(rest).map_err(|message| Problem::new(at, message))?
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let len = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
                (Token::Name(rest[..len].to_owned()), len)
            }
            _ => match SIGNS.iter().find(|s| rest.starts_with(**s)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => {
                    let c = rest.chars().next().unwrap_or_default();
                    return Err(Problem::new(at, format!("`{c}` does not belong here; texts stand in double quotes")));
                }
            },
        };
        out.push((token, at));
        at += len;
    }
    out.push((Token::End, text.len()));
    Ok(out)
}

fn quoted(rest: &str) -> Result<(Token, usize), String> {
    let mut out = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((Token::Text(out), at + 1)),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(c @ ('"' | '\\' | '\'' | '/')) => out.push(c),
                // Patterns are often written with one backslash: `\d` stays what it is.
                Some(c) => out.extend(['\\', c]),
                None => break,
            },
            c => out.push(c),
        }
    }
    Err("the text has no closing quote".to_owned())
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    if let Some(hex) = rest.strip_prefix("0x") {
        let len = hex.bytes().take_while(u8::is_ascii_hexdigit).count();
        let digits = &hex.as_bytes()[..len];
        if len == 0 || len % 2 == 1 {
            return Err("bytes are written as 0x and an even number of hex digits".to_owned());
        }
        let byte = |pair: &[u8]| pair.iter().fold(0, |b, d| b << 4 | (*d as char).to_digit(16).unwrap_or(0) as u8);
        return Ok((Token::Bytes(digits.chunks(2).map(byte).collect()), len + 2));
    }
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let mut len = digits(rest);
    let mut float = false;
    if rest[len..].starts_with('.') && digits(&rest[len + 1..]) > 0 {
        float = true;
        len += 1 + digits(&rest[len + 1..]);
    }
    if rest[len..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[len + 1..].starts_with(['+', '-']));
        let exponent = digits(&rest[len + 1 + sign..]);
        if exponent > 0 {
            float = true;
            len += 1 + sign + exponent;
        }
    }
    let text = &rest[..len];
    let token = match float {
        true => text.parse().map(Token::Float).map_err(|e| format!("`{text}`: {e}"))?,
        false => text.parse().map(Token::Int).map_err(|_| format!("`{text}` does not fit 64 bits"))?,
    };
    Ok((token, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lex(text: &str) -> Vec<Token> {
        tokens(text).unwrap().into_iter().map(|(t, _)| t).collect()
    }

    #[test]
    fn every_kind_of_token() {
        use Token::{Bytes, End, Float, Int, Name, Sign, Text};
        let name = |n: &str| Name(n.to_owned());
        assert_eq!(
            lex(r#"a.b["x\"\d"] >= 1"#),
            [name("a"), Sign("."), name("b"), Sign("["), Text("x\"\\d".into()), Sign("]"), Sign(">="), Int(1), End]
        );
        assert_eq!(
            lex("0x0aFF 1.5 .5 2e3 7"),
            [Bytes(vec![10, 255]), Float(1.5), Float(0.5), Float(2000.0), Int(7), End]
        );
        assert_eq!(lex("1+2"), [Int(1), Sign("+"), Int(2), End]);
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        for (text, at, message) in [
            ("a == 'x'", 5, "double quotes"),
            ("a \"x", 2, "closing quote"),
            ("0x123", 0, "even number"),
            ("99999999999999999999", 0, "64 bits"),
        ] {
            let p = tokens(text).unwrap_err();
            assert!(p.at == at && p.message.contains(message), "{p:?}");
        }
    }
}
