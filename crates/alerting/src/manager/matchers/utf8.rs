//! The UTF-8 syntax: names and values are bare words or quoted as in Go. From Alertmanager's `matcher/parse`.

use super::{Matcher, MatcherError, Matchers, Op};

/// Ends a bare word.
pub(super) fn is_reserved(c: char) -> bool {
    c.is_whitespace() || "{}!=~,\\\"'`".contains(c)
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn at_end(&mut self) -> bool {
        self.skip_space();
        self.rest().is_empty()
    }

    /// `0:3: unexpected ...: expected a label name`, columns from 0 in characters.
    fn error(&mut self, expected: &str) -> MatcherError {
        self.skip_space();
        let column = self.text.get(..self.at).unwrap_or_default().chars().count();
        let found = match self.rest().chars().next() {
            None => "end of input".to_owned(),
            Some(c) => format!("unexpected {c}"),
        };
        MatcherError(format!("{column}: {found}: expected {expected}"))
    }

    /// A bare word or a quoted text.
    fn word(&mut self, expected: &str) -> Result<String, MatcherError> {
        self.skip_space();
        let rest = self.rest();
        if rest.starts_with('"') {
            return self.quoted();
        }
        let end = rest.find(is_reserved).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.error(expected));
        }
        self.at += end;
        Ok(rest.get(..end).unwrap_or_default().to_owned())
    }

    fn quoted(&mut self) -> Result<String, MatcherError> {
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        let Some((end, _)) = end else { return Err(MatcherError(format!("{rest}: missing end \""))) };
        self.at += end + 1;
        let inner = rest.get(1..end).unwrap_or_default();
        unquote(inner).ok_or_else(|| MatcherError(format!("\"{inner}\": invalid syntax of a quoted text")))
    }
}

/// Go's escapes.
fn unquote(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            if c == '\n' {
                return None;
            }
            out.push(c);
            continue;
        }
        let hex = |chars: &mut std::str::Chars<'_>, digits: usize| {
            let text: String = chars.take(digits).collect();
            (text.len() == digits).then(|| u32::from_str_radix(&text, 16).ok()).flatten()
        };
        out.push(match chars.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '\\' => '\\',
            '"' => '"',
            'x' => char::from_u32(hex(&mut chars, 2)?).filter(char::is_ascii)?,
            'u' => char::from_u32(hex(&mut chars, 4)?)?,
            'U' => char::from_u32(hex(&mut chars, 8)?)?,
            _ => return None,
        });
    }
    Some(out)
}

pub(super) fn parse(text: &str) -> Result<Matchers, MatcherError> {
    let mut cursor = Cursor { text, at: 0 };
    let braces = cursor.take("{");
    let mut matchers = Vec::new();
    loop {
        // An empty list and a comma at the end are allowed within braces, and at the end of a list without.
        if (braces && cursor.take("}")) || (!braces && cursor.at_end()) {
            break;
        }
        matchers.push(one(&mut cursor)?);
        if cursor.take(",") {
            continue;
        }
        if braces {
            if !cursor.take("}") {
                return Err(cursor.error("a comma or close brace"));
            }
            break;
        }
        if !cursor.at_end() {
            return Err(cursor.error("a comma"));
        }
    }
    if !cursor.at_end() {
        return Err(cursor.error("end of input"));
    }
    Ok(Matchers(matchers))
}

fn one(cursor: &mut Cursor<'_>) -> Result<Matcher, MatcherError> {
    let name = cursor.word("label name")?;
    let ops = [("=~", Op::Regexp), ("!~", Op::NotRegexp), ("!=", Op::NotEqual), ("=", Op::Equal)];
    let Some((_, op)) = ops.into_iter().find(|(symbol, _)| cursor.take(symbol)) else {
        return Err(cursor.error("an operator such as '=', '!=', '=~' or '!~'"));
    };
    let value = cursor.word("label value")?;
    Matcher::new(name, op, value)
}
