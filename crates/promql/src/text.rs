//! Quoted texts: `"..."` and `'...'` with Go's escapes, `` `...` `` without.

/// The content of a quoted text, or what is wrong with it.
///
/// Escapes can spell bytes that are not UTF-8 (`"\xff"`); each such sequence
/// becomes U+FFFD, which no label name may hold.
pub(crate) fn unquote(raw: &str) -> Result<String, String> {
    let quote = raw.chars().next().unwrap_or('"');
    let body = raw.get(1..raw.len().saturating_sub(1)).ok_or("invalid quoted string")?;
    if quote == '`' {
        return Ok(body.to_owned());
    }
    if !body.contains('\\') {
        return Ok(body.to_owned());
    }
    let mut out: Vec<u8> = Vec::with_capacity(body.len());
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            escape(&mut chars, quote, &mut out)?;
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Ok(match String::from_utf8(out) {
        Ok(text) => text,
        Err(bad) => String::from_utf8_lossy(bad.as_bytes()).into_owned(),
    })
}

fn escape(chars: &mut std::str::Chars<'_>, quote: char, out: &mut Vec<u8>) -> Result<(), String> {
    let c = chars.next().ok_or("escape sequence not terminated")?;
    let byte = match c {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0C,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0B,
        '\\' => b'\\',
        c if c == quote => c as u8,
        '0'..='7' => {
            let first = c.to_digit(8).unwrap_or(0);
            let value = digits(chars, 2, 8, first)?;
            u8::try_from(value).map_err(|_| "escape sequence is an invalid Unicode code point")?
        }
        'x' => u8::try_from(digits(chars, 2, 16, 0)?).map_err(|_| "escape sequence is too large")?,
        'u' | 'U' => {
            let value = digits(chars, if c == 'u' { 4 } else { 8 }, 16, 0)?;
            let c = char::from_u32(value).ok_or("escape sequence is an invalid Unicode code point")?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(());
        }
        other => return Err(format!("unknown escape sequence {other:?}")),
    };
    out.push(byte);
    Ok(())
}

fn digits(chars: &mut std::str::Chars<'_>, count: usize, radix: u32, first: u32) -> Result<u32, String> {
    let mut value = first;
    for _ in 0..count {
        let c = chars.next().ok_or("escape sequence not terminated")?;
        let d = c.to_digit(radix).ok_or_else(|| format!("illegal character {c:?} in escape sequence"))?;
        value = value.checked_mul(radix).and_then(|v| v.checked_add(d)).ok_or("escape sequence is too large")?;
    }
    Ok(value)
}

/// Quotes a text so that [`unquote`] gives it back.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // As an escape, because a literal U+FFFD means broken input.
            '\u{FFFD}' => out.push_str("\\ufffd"),
            c if c.is_control() => out.push_str(&format!("\\U{:08x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(unquote(r#""a\n\x41\101\u0042\"""#).as_deref(), Ok("a\nAAB\""));
        assert_eq!(unquote(r"`a\n`").as_deref(), Ok(r"a\n"));
        assert!(unquote(r#""\c""#).is_err());
        assert!(unquote(r#""\'""#).is_err());
        assert_eq!(unquote(r#""\xff""#).as_deref(), Ok("\u{FFFD}"));
    }

    #[test]
    fn quoted_reads_back() {
        for text in ["", "a\"b\\c", "x\u{1}\u{7f}\n\u{FFFD}é"] {
            assert_eq!(unquote(&quote(text)).as_deref(), Ok(text));
        }
    }
}
