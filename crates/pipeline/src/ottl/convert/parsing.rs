//! Texts that hold values: JSON, `key=value` pairs, lines of CSV, numbers of any base, severities, URLs.

use wire::otlp::tree::{Attributes, Value};

use super::{Converter, many, ones};
use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::eval::{EvalError, Getter};
use crate::ottl::path::text;
use crate::ottl::value::Val;

pub(super) const ONE: &[Converter] = ones!["ParseJSON"("target") => parse_json, "URL"("url") => url];

pub(super) const MANY: &[Converter] = &[
    many("ParseCSV", &["target", "headers", "delimiter", "headerDelimiter", "mode"], 2, parse_csv),
    many("ParseInt", &["target", "base"], 2, parse_int),
    many("ParseKeyValue", &["target", "delimiter", "pair_delimiter"], 1, parse_key_value),
    many("ParseSeverity", &["target", "severityMapping"], 1, parse_severity),
];

fn parse_json(v: &Val) -> Result<Val, EvalError> {
    let json: Result<serde_json::Value, _> = serde_json::from_str(text(v)?);
    json.map(|json| Value::from_json(&json).into()).map_err(|e| EvalError::new(format!("it is not JSON: {e}")))
}

fn parse_key_value(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let v = a.value(0)?;
    let delimiter = if a.has(1) { a.text(1)? } else { "=".to_owned() };
    let pairs = if a.has(2) { a.text(2)? } else { " ".to_owned() };
    if delimiter.is_empty() || pairs.is_empty() || delimiter == pairs {
        return Err(a.problem(1, "must not be empty, nor the same as `pair_delimiter`"));
    }
    Ok(Getter::computed(move |s| {
        let v = v.get(s)?;
        let mut map = Attributes::new();
        for pair in quoted_parts(text(&v)?, &pairs).into_iter().filter(|p| !p.trim().is_empty()) {
            let found = pair.split_once(&delimiter);
            let (key, value) = found.ok_or_else(|| EvalError::new(format!("`{pair}` has no `{delimiter}` in it")))?;
            map.set(unquoted(key.trim()), unquoted(value.trim()));
        }
        Ok(map.into())
    }))
}

/// Parts between delimiters; one in quotes does not separate.
fn quoted_parts<'t>(text: &'t str, delimiter: &str) -> Vec<&'t str> {
    let (mut out, mut begin, mut at, mut quote) = (Vec::new(), 0, 0, None);
    while let Some(c) = text[at..].chars().next() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if text[at..].starts_with(delimiter) => {
                out.push(&text[begin..at]);
                at += delimiter.len();
                begin = at;
                continue;
            }
            None => {}
        }
        at += c.len_utf8();
    }
    out.push(&text[begin..]);
    out
}

fn unquoted(text: &str) -> &str {
    let inner = |q: char| text.strip_prefix(q).and_then(|t| t.strip_suffix(q));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

fn parse_csv(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, headers) = (a.value(0)?, a.value(1)?);
    let delimiter = if a.has(2) { a.text(2)? } else { ",".to_owned() };
    let between = if a.has(3) { a.text(3)? } else { delimiter.clone() };
    if delimiter.len() != 1 || between.is_empty() {
        return Err(a.problem(2, "must be one character"));
    }
    let mode = if a.has(4) { a.text(4)? } else { "strict".to_owned() };
    if !["strict", "lazyQuotes", "ignoreQuotes"].contains(&&*mode) {
        return Err(a.problem(4, "must be \"strict\", \"lazyQuotes\" or \"ignoreQuotes\""));
    }
    Ok(Getter::computed(move |s| {
        let v = v.get(s)?;
        let line = text(&v)?.trim_matches('\n');
        let headers = headers.get(s)?;
        let names: Vec<&str> = text(&headers)?.split(&*between).collect();
        let fields: Vec<String> = match &*mode {
            "ignoreQuotes" => line.split(&delimiter).map(str::to_owned).collect(),
            _ => csv_fields(line, delimiter.chars().next().unwrap_or(',')),
        };
        if fields.len() != names.len() {
            return Err(EvalError::new(format!("{} fields do not fit {} headers", fields.len(), names.len())));
        }
        Ok(names.into_iter().zip(fields).collect::<Attributes>().into())
    }))
}

/// The fields of one line (RFC 4180).
fn csv_fields(line: &str, delimiter: char) -> Vec<String> {
    let (mut out, mut quoted) = (vec![String::new()], false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let Some(field) = out.last_mut() else { break };
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted || field.is_empty() => quoted = !quoted,
            c if c == delimiter && !quoted => out.push(String::new()),
            c => field.push(c),
        }
    }
    out
}

fn parse_int(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, base) = (a.value(0)?, a.count(1)?);
    if base != 0 && !(2..=36).contains(&base) {
        return Err(a.problem(1, "must be 0 or 2 to 36"));
    }
    Ok(Getter::computed(move |s| {
        let v = v.get(s)?;
        let t = text(&v)?;
        let (digits, base) = match t.get(..2) {
            Some("0x" | "0X") if base == 0 => (&t[2..], 16),
            Some("0b" | "0B") if base == 0 => (&t[2..], 2),
            Some("0o" | "0O") if base == 0 => (&t[2..], 8),
            _ if base == 0 => (t, 10),
            _ => (t, base as u32),
        };
        i64::from_str_radix(digits, base).map(Val::from).map_err(|e| EvalError::new(format!("`{t}`: {e}")))
    }))
}

/// The usual names of severities, by the level that they mean.
const LEVELS: [(&str, &[&str]); 6] = [
    ("trace", &["trace", "finest", "verbose"]),
    ("debug", &["debug", "fine", "finer", "dbg"]),
    ("info", &["info", "information", "informational", "notice", "note"]),
    ("warn", &["warn", "warning"]),
    ("error", &["error", "err", "severe"]),
    ("fatal", &["fatal", "critical", "crit", "alert", "emerg", "emergency", "panic"]),
];

/// The level's name; a mapping gives names of one's own: `{"error": [{"equals": ["err"]}, {"range": {"min": 500, "max": 599}}]}`.
fn parse_severity(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, mapping) = (a.value(0)?, a.optional(1)?);
    Ok(Getter::computed(move |s| {
        let v = v.get(s)?;
        if let Some(mapping) = &mapping {
            let mapping = mapping.get(s)?;
            let rules = mapping.as_map().ok_or_else(|| EvalError::new("the mapping is not a map"))?;
            if let Some((level, _)) = rules.iter().find(|(_, rule)| fits(rule, &v)) {
                return Ok(level.into());
            }
        }
        let word = v.to_text().to_lowercase();
        let level = LEVELS.iter().find(|(_, words)| words.contains(&&*word));
        level.map(|(level, _)| (*level).into()).ok_or_else(|| EvalError::new(format!("`{word}` is no severity")))
    }))
}

/// Whether a value is what a rule of the mapping says: the value, one of a list, `equals` with a list, `range` with bounds or
/// with `4xx`, or the bounds alone, which earlier Collectors wrote.
fn fits(rule: &Value, v: &Val) -> bool {
    match rule {
        Value::Array(rules) => rules.iter().any(|r| fits(r, v)),
        Value::Map(map) => match (map.get("equals"), map.get("range")) {
            (Some(equals), _) => fits(equals, v),
            (None, Some(range)) => fits(range, v),
            (None, None) => {
                let bound = |key| map.get(key).and_then(Value::as_int);
                let within = |i: i64| bound("min").is_none_or(|m| i >= m) && bound("max").is_none_or(|m| i <= m);
                v.as_int().is_some_and(within)
            }
        },
        Value::Str(word) => match (word.as_bytes(), v.as_int()) {
            ([class @ b'2'..=b'5', b'x', b'x'], Some(i)) => i / 100 == i64::from(class - b'0'),
            _ => v.to_text().eq_ignore_ascii_case(word),
        },
        other => Val::Plain(other.clone()).same(v),
    }
}

/// The parts of a URL under the names of the semantic conventions.
fn url(v: &Val) -> Result<Val, EvalError> {
    let original = text(v)?;
    let (scheme, rest) = original.split_once("://").ok_or_else(|| EvalError::new(format!("`{original}` is no URL")))?;
    let (rest, fragment) = rest.split_once('#').map_or((rest, None), |(r, f)| (r, Some(f)));
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(r, q)| (r, Some(q)));
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(u, h)| (Some(u), h));
    // The colons of an IPv6 address stand in brackets.
    let (domain, port) = match host.rsplit_once(':') {
        Some((domain, port)) if !port.ends_with(']') => (domain, port.parse::<i64>().ok()),
        _ => (host, None),
    };
    let mut map = Attributes::new();
    let user_info = user;
    let (user, password) = user.map_or((None, None), |u| match u.split_once(':') {
        Some((name, password)) => (Some(name), Some(password)),
        None => (Some(u), None),
    });
    let file = path.rsplit('/').next().unwrap_or_default();
    let extension = file.rsplit_once('.').map(|(_, extension)| extension).filter(|e| !e.is_empty());
    let parts = [
        ("url.original", Some(original)),
        ("url.scheme", Some(scheme)),
        ("url.domain", Some(domain)),
        ("url.path", Some(path)),
        ("url.query", query),
        ("url.fragment", fragment),
        ("url.extension", extension),
        ("url.user_info", user_info),
        ("url.username", user),
        ("url.password", password),
    ];
    for (key, part) in parts {
        if let Some(part) = part {
            map.push(key, part);
        }
    }
    if let Some(port) = port {
        map.push("url.port", port);
    }
    Ok(map.into())
}
