//! Rust source with comments, literals and test modules blanked, so that the checks read code only.
//!
//! Blanking keeps every line break, so that line numbers stay those of the file.

/// The code of a file: comments, strings and character literals are spaces, inline `#[cfg(test)]` items too.
pub(crate) fn code_only(source: &str) -> String {
    without_test_items(&blank_literals(source))
}

/// Line (from 1) of a byte offset.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

/// Lines of a file without its inline test modules.
pub(crate) fn lines_without_tests(source: &str) -> usize {
    let code = blank_literals(source);
    let tests: usize = test_items(&code)
        .into_iter()
        .map(|(start, end)| code.as_bytes()[start..end].iter().filter(|byte| **byte == b'\n').count() + 1)
        .sum();
    source.lines().count().saturating_sub(tests)
}

fn without_test_items(code: &str) -> String {
    let mut out = code.as_bytes().to_vec();
    for (start, end) in test_items(code) {
        blank(&mut out, start, end);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Byte ranges of the items under `#[cfg(test)]`: up to the closing brace or the semicolon.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    const MARK: &str = "#[cfg(test)]";
    let bytes = code.as_bytes();
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (start, _) in code.match_indices(MARK) {
        if found.last().is_some_and(|(_, end)| start < *end) {
            continue;
        }
        let mut depth = 0usize;
        let mut end = bytes.len();
        for (at, byte) in bytes.iter().enumerate().skip(start + MARK.len()) {
            match byte {
                b'{' => depth += 1,
                b'}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        end = at + 1;
                        break;
                    }
                }
                b';' if depth == 0 => {
                    end = at + 1;
                    break;
                }
                _ => {}
            }
        }
        found.push((start, end));
    }
    found
}

fn blank_literals(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        if end > at {
            blank(&mut out, at, end);
            at = end;
        } else {
            at += 1;
        }
    }
    // Blanking replaces whole literals, so what is left is the ASCII and identifiers of the source.
    String::from_utf8_lossy(&out).into_owned()
}

fn blank(out: &mut [u8], start: usize, end: usize) {
    for byte in &mut out[start..end] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// End of the comment or literal that starts at `at`; `at` itself when none does.
fn literal_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let in_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => at + block_comment(rest),
        [b'"', ..] => at + quoted(rest),
        [b'r', b'"' | b'#', ..] if !in_word => at + raw_string(rest, 1),
        [b'b' | b'c', b'r', b'"' | b'#', ..] if !in_word => at + raw_string(rest, 2),
        [b'\'', b'\\', ..] => at + 2 + rest.iter().skip(3).position(|byte| *byte == b'\'').map_or(1, |end| end + 2),
        [b'\'', ..] => at + plain_char(rest),
        _ => at,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"..."`, `r#"..."#`; 0 for a raw identifier such as `r#type`.
fn raw_string(rest: &[u8], prefix: usize) -> usize {
    let hashes = rest.iter().skip(prefix).take_while(|byte| **byte == b'#').count();
    if rest.get(prefix + hashes) != Some(&b'"') {
        return 0;
    }
    let body = prefix + hashes + 1;
    let mut at = body;
    while at < rest.len() {
        if rest[at] == b'"' && rest[at + 1..].iter().take(hashes).filter(|byte| **byte == b'#').count() == hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    rest.len()
}

/// `'x'`; 0 for a lifetime.
fn plain_char(rest: &[u8]) -> usize {
    let width = match rest.get(1) {
        Some(byte) if *byte < 0x80 => 1,
        Some(byte) if *byte >= 0xf0 => 4,
        Some(byte) if *byte >= 0xe0 => 3,
        Some(_) => 2,
        None => return 0,
    };
    if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_comments_and_literals_and_keeps_lines() {
        let code = code_only(
            "use a; // crate::x\n/* crate::y /* nested */ \n crate::z */ let s = \"crate::\\\"q\"; let c = '\"'; fn f<'a>() {}\nlet r = r#\"crate::\"r\"#; crate::kept;\n",
        );
        assert_eq!(code.lines().count(), 4);
        assert!(code.contains("crate::kept") && code.contains("fn f<'a>() {}"), "{code}");
        assert_eq!(code.matches("crate::").count(), 1, "{code}");
    }

    #[test]
    fn blanks_escaped_quotes() {
        let code = code_only("let a = '\\''; let b = '\\u{7f}'; let c = b'\\\\'; crate::kept; // '\n");
        assert!(code.contains("crate::kept"), "{code}");
        assert!(!code.contains("7f"), "{code}");
    }

    #[test]
    fn leaves_test_items_out() {
        let source = "fn a() {}\n#[cfg(test)]\nmod tests {\n    use crate::b;\n}\nfn c() {}\n#[cfg(test)]\nmod more;\n";
        assert!(!code_only(source).contains("crate::b"));
        assert!(code_only(source).contains("fn c()"));
        assert_eq!(lines_without_tests(source), 2);
    }
}
