//! Lines of logs in formats that have a name: CEF and LEEF of security devices, CLF of web servers, ELF of the W3C.
//!
//! Sources: the CEF implementation standard (ArcSight), IBM's LEEF guide, the W3C's pages on the common and the extended log format.

use wire::otlp::tree::{Attributes, Value};

use super::{Converter, many, ones};
use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::eval::{EvalError, Getter};
use crate::ottl::path::text;
use crate::ottl::value::Val;

pub(super) const ONE: &[Converter] =
    ones!["ParseCEF"("target") => cef, "ParseELF"("target") => elf, "ParseLEEF"("target") => leef];

pub(super) const MANY: &[Converter] = &[many("ParseCLF", &["target", "format"], 1, clf)];

fn wrong(line: &str, format: &str, why: &str) -> EvalError {
    let shown: String = line.chars().take(80).collect();
    EvalError::new(format!("`{shown}` is not {format}: {why}"))
}

/// Parts between `|` that have no backslash before them; the last is what is left.
fn header(text: &str, parts: usize) -> Option<Vec<String>> {
    let (mut out, mut part, mut escaped) = (Vec::new(), String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                if c != '|' && c != '\\' {
                    part.push('\\');
                }
                part.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '|' => {
                out.push(std::mem::take(&mut part));
                if out.len() + 1 == parts {
                    out.push(text[at + 1..].to_owned());
                    return Some(out);
                }
            }
            c => part.push(c),
        }
    }
    None
}

fn cef(v: &Val) -> Result<Val, EvalError> {
    const NAMES: [&str; 7] = [
        "cef.version",
        "cef.device_vendor",
        "cef.device_product",
        "cef.device_version",
        "cef.device_event_class_id",
        "cef.name",
        "cef.severity",
    ];
    let line = text(v)?;
    let body = line.find("CEF:").map(|at| &line[at + 4..]).ok_or_else(|| wrong(line, "CEF", "there is no `CEF:`"))?;
    // The extension may be missing with its separator.
    let parts = header(body, 8).or_else(|| header(&format!("{body}|"), 8));
    let parts = parts.ok_or_else(|| wrong(line, "CEF", "its head has not seven parts"))?;
    let mut map: Attributes = NAMES.iter().zip(&parts).map(|(name, part)| (*name, part.as_str())).collect();
    map.push("cef.extensions", extensions(&parts[7]));
    Ok(map.into())
}

/// `key=value key2=value with spaces`: a value ends where the next key begins.
fn extensions(text: &str) -> Attributes {
    let mut map = Attributes::new();
    // Where keys are: a word before an `=` without a backslash.
    let mut keys: Vec<(usize, usize)> = Vec::new();
    for (at, _) in text.match_indices('=') {
        if text[..at].ends_with('\\') {
            continue;
        }
        let begin = text[..at].rfind(char::is_whitespace).map_or(0, |b| b + 1);
        let word = &text[begin..at];
        let is_key = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "_.-[]".contains(c));
        if is_key && keys.last().is_none_or(|(_, end)| begin > *end) {
            keys.push((begin, at));
        }
    }
    for (n, (begin, equals)) in keys.iter().enumerate() {
        let end = keys.get(n + 1).map_or(text.len(), |(next, _)| *next);
        let value = text[equals + 1..end].trim_end();
        let value = value.replace("\\=", "=").replace("\\n", "\n").replace("\\r", "\r").replace("\\\\", "\\");
        map.set(&text[*begin..*equals], value);
    }
    map
}

fn leef(v: &Val) -> Result<Val, EvalError> {
    let line = text(v)?;
    let body = line.find("LEEF:").map(|at| &line[at + 5..]);
    let body = body.ok_or_else(|| wrong(line, "LEEF", "there is no `LEEF:`"))?;
    let mut parts = body.splitn(6, '|');
    let names = ["leef.version", "leef.vendor", "leef.product.name", "leef.product.version", "leef.event.id"];
    let mut map = Attributes::new();
    for name in names {
        let part = parts.next().ok_or_else(|| wrong(line, "LEEF", "its head has not five parts"))?;
        map.push(name, part);
    }
    let rest = parts.next().unwrap_or_default();
    let (delimiter, rest) = match (map.text("leef.version"), rest.split_once('|')) {
        (Some("2.0"), Some((delimiter, rest))) if !delimiter.contains('=') => (delimiter, rest),
        (Some("1.0" | "2.0"), _) => ("", rest),
        _ => return Err(wrong(line, "LEEF", "its version is neither 1.0 nor 2.0")),
    };
    let hex = delimiter.strip_prefix("0x").or_else(|| delimiter.strip_prefix('x'));
    let delimiter = match hex.map(|hex| u8::from_str_radix(hex, 16)) {
        Some(Ok(byte)) => byte as char,
        Some(Err(_)) => return Err(wrong(line, "LEEF", "its delimiter is no byte in hex")),
        None => delimiter.chars().next().unwrap_or('\t'),
    };
    let mut attributes = Attributes::new();
    for (key, value) in rest.split(delimiter).filter_map(|pair| pair.split_once('=')).filter(|(k, _)| !k.is_empty()) {
        attributes.set(key, value);
    }
    map.push("leef.attributes", attributes);
    Ok(map.into())
}

fn clf(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let v = a.value(0)?;
    let combined = match &*a.text_or(1, "clf")? {
        "clf" => false,
        "combined" => true,
        _ => return Err(a.problem(1, "must be \"clf\" or \"combined\"")),
    };
    Ok(Getter::computed(move |s| {
        let v = v.get(s)?;
        let line = text(&v)?;
        let map = clf_fields(line, combined);
        map.map(Val::from).ok_or_else(|| {
            let wanted = "host ident user [date] \"request\" status bytes";
            let more = if combined { " \"referer\" \"user agent\"" } else { "" };
            wrong(line, "a line of an access log", &format!("it is {wanted}{more}"))
        })
    }))
}

fn clf_fields(line: &str, combined: bool) -> Option<Attributes> {
    let mut map = Attributes::new();
    let mut rest = line.trim_end();
    for name in ["clf.remote_host", "clf.rfc931", "clf.auth_user"] {
        let (part, behind) = rest.split_once(' ')?;
        map.push(name, part);
        rest = behind;
    }
    let (date, behind) = rest.strip_prefix('[')?.split_once("] ")?;
    map.push("clf.timestamp", date);
    let (request, behind) = quoted(behind)?;
    let mut words = request.split(' ');
    if let (Some(method), Some(uri), Some(protocol), None) = (words.next(), words.next(), words.next(), words.next()) {
        map.push("clf.method", method);
        map.push("clf.request_uri", uri);
        map.push("clf.protocol", protocol);
    }
    map.push("clf.request", request);
    let behind = behind.strip_prefix(' ')?;
    let (status, behind) = behind.split_once(' ')?;
    map.push("clf.status", status.parse::<i64>().ok()?);
    let (bytes, behind) = behind.split_once(' ').unwrap_or((behind, ""));
    if bytes != "-" {
        map.push("clf.bytes", bytes.parse::<i64>().ok()?);
    }
    if combined {
        let (referer, behind) = quoted(behind)?;
        let (agent, behind) = quoted(behind.strip_prefix(' ')?)?;
        map.push("clf.referer", referer);
        map.push("clf.user_agent", agent);
        return behind.is_empty().then_some(map);
    }
    behind.is_empty().then_some(map)
}

/// What is in quotes at the beginning, without its backslashes; and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let body = text.strip_prefix('"')?;
    let (mut out, mut chars) = (Vec::new(), body.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((String::from_utf8_lossy(&out).into_owned(), &body[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => out.push(b'\n'),
                't' => out.push(b'\t'),
                'r' => out.push(b'\r'),
                'x' => {
                    let digits: String = [chars.next()?.1, chars.next()?.1].into_iter().collect();
                    out.push(u8::from_str_radix(&digits, 16).ok()?);
                }
                c => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
            },
            c => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    None
}

fn elf(v: &Val) -> Result<Val, EvalError> {
    const DIRECTIVES: [(&str, &str); 6] = [
        ("#Version:", "elf.version"),
        ("#Software:", "elf.software"),
        ("#Date:", "elf.date"),
        ("#Start-Date:", "elf.start_date"),
        ("#End-Date:", "elf.end_date"),
        ("#Remark:", "elf.remark"),
    ];
    let block = text(v)?;
    let (mut map, mut fields, mut entries) = (Attributes::new(), Vec::<String>::new(), Vec::new());
    for line in block.lines().map(str::trim).filter(|l| !l.is_empty()) {
        if let Some(names) = line.strip_prefix("#Fields:") {
            fields = names.split_whitespace().map(str::to_owned).collect();
        } else if let Some((directive, key)) = DIRECTIVES.iter().find(|(directive, _)| line.starts_with(directive)) {
            map.set(key, line[directive.len()..].trim());
        } else if !line.starts_with('#') {
            let values = words(line);
            let value = |n: usize| values.get(n).map_or("-", String::as_str);
            let entry: Attributes = fields.iter().enumerate().map(|(n, name)| (name.as_str(), value(n))).collect();
            entries.push(Value::from(entry));
        }
    }
    if !map.contains("elf.version") {
        return Err(wrong(block, "an extended log", "there is no `#Version:`"));
    }
    map.push("elf.fields", fields.into_iter().map(Value::from).collect::<Vec<_>>());
    map.push("elf.entries", entries);
    Ok(map.into())
}

/// Words between white space; one in quotes is one.
fn words(line: &str) -> Vec<String> {
    let (mut out, mut word, mut in_quotes) = (Vec::new(), None::<String>, false);
    for c in line.chars() {
        match c {
            '"' => {
                in_quotes = !in_quotes;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !in_quotes => out.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    out
}
