//! Texts: cases, parts, patterns.

use wire::otlp::tree::{Attributes, Value};

use super::format::format;
use super::{Converter, many, ones};
use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::eval::{EvalError, Getter};
use crate::ottl::path::text;
use crate::ottl::value::Val;

pub(super) const ONE: &[Converter] = ones![
    "ToLowerCase"("value") => to_lower,
    "ToUpperCase"("value") => to_upper,
    "ToSnakeCase"("value") => to_snake,
    "ToCamelCase"("value") => to_camel,
    "Trim"("target") => trim,
    "Base64Decode"("value") => base64_decode,
    "Base64Encode"("value") => base64_encode,
    "Hex"("value") => hex,
];

pub(super) const MANY: &[Converter] = &[
    many("Concat", &["values", "delimiter"], 2, concat),
    many("ConvertCase", &["target", "toCase"], 2, convert_case),
    many("ExtractPatterns", &["target", "pattern"], 2, extract_patterns),
    many("Format", &["format", "values"], 2, format),
    many("HasPrefix", &["value", "prefix"], 2, |a| compared(a, |v, p| v.starts_with(p))),
    many("HasSuffix", &["value", "suffix"], 2, |a| compared(a, |v, s| v.ends_with(s))),
    many("IsMatch", &["target", "pattern"], 2, is_match),
    many("Split", &["target", "delimiter"], 2, split),
    many("Substring", &["target", "start", "length"], 3, substring),
    many("TrimPrefix", &["value", "prefix"], 2, |a| cut(a, |v, p| v.strip_prefix(p).unwrap_or(v).to_owned())),
    many("TrimSuffix", &["value", "suffix"], 2, |a| cut(a, |v, s| v.strip_suffix(s).unwrap_or(v).to_owned())),
];

type Outcome = Result<Val, EvalError>;

fn mapped(v: &Val, f: impl Fn(&str) -> String) -> Outcome {
    if v.is_nil() { Ok(Val::NIL) } else { text(v).map(|t| f(t).into()) }
}

fn to_lower(v: &Val) -> Outcome {
    mapped(v, str::to_lowercase)
}

fn to_upper(v: &Val) -> Outcome {
    mapped(v, str::to_uppercase)
}

fn to_snake(v: &Val) -> Outcome {
    mapped(v, |t| words(t).join("_").to_lowercase())
}

fn to_camel(v: &Val) -> Outcome {
    let capital = |w: String| {
        let mut chars = w.chars();
        let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
        first + &chars.as_str().to_lowercase()
    };
    mapped(v, |t| words(t).into_iter().map(capital).collect())
}

/// The words of an identifier: `httpStatusCode`, `http-status code` and `HTTPStatus_code` have three each.
fn words(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut out: Vec<String> = vec![String::new()];
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|b| chars.get(b));
        let next_is_lower = chars.get(at + 1).is_some_and(|c| c.is_lowercase());
        let begins = c.is_uppercase() && before.is_some_and(|b| !b.is_uppercase() || next_is_lower);
        if begins || !c.is_alphanumeric() {
            out.push(String::new());
        }
        if let Some(word) = out.last_mut().filter(|_| c.is_alphanumeric()) {
            word.push(*c);
        }
    }
    out.retain(|w| !w.is_empty());
    out
}

fn trim(v: &Val) -> Outcome {
    mapped(v, |t| t.trim().to_owned())
}

fn base64_decode(v: &Val) -> Outcome {
    use base64::Engine;
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(text(v)?).map_err(|e| EvalError::new(e.to_string()))?;
    String::from_utf8(bytes).map(Val::from).map_err(|_| EvalError::new("what was in base64 is not a text"))
}

fn base64_encode(v: &Val) -> Outcome {
    use base64::Engine;
    Ok(base64::engine::general_purpose::STANDARD.encode(text(v)?).into())
}

fn hex(v: &Val) -> Outcome {
    let bytes = match v {
        Val::Plain(Value::Bytes(b)) => b.clone(),
        Val::Plain(Value::Str(s)) => s.as_bytes().to_vec(),
        Val::Plain(Value::Int(i)) => i.to_be_bytes().to_vec(),
        Val::Plain(Value::Double(d)) => d.to_be_bytes().to_vec(),
        Val::Plain(Value::Bool(b)) => vec![u8::from(*b)],
        _ => return Ok(Val::NIL),
    };
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect::<String>().into())
}

fn concat(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (values, delimiter) = (a.values(0)?, a.text(1)?);
    Ok(Getter::computed(move |s| {
        let texts: Result<Vec<_>, _> = values.iter().map(|v| v.with(s, Val::to_text)).collect();
        Ok(texts?.join(&delimiter).into())
    }))
}

fn convert_case(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let v = a.value(0)?;
    let f: fn(&Val) -> Outcome = match &*a.text(1)? {
        "lower" => to_lower,
        "upper" => to_upper,
        "snake" => to_snake,
        "camel" => to_camel,
        _ => return Err(a.problem(1, "must be \"lower\", \"upper\", \"snake\" or \"camel\"")),
    };
    Ok(Getter::computed(move |s| v.with(s, f)?))
}

fn extract_patterns(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, pattern) = (a.value(0)?, a.pattern(1)?);
    if pattern.capture_names().flatten().next().is_none() {
        return Err(a.problem(1, "must have at least one named group, such as `(?P<name>\\w+)`"));
    }
    Ok(Getter::computed(move |s| {
        let v = v.get(s)?;
        let Some(groups) = pattern.captures(text(&v)?) else { return Ok(Attributes::new().into()) };
        let named = pattern.capture_names().flatten();
        let map: Attributes = named.filter_map(|n| groups.name(n).map(|m| (n, m.as_str()))).collect();
        Ok(map.into())
    }))
}

fn compared(a: &Arguments<'_>, f: fn(&str, &str) -> bool) -> Result<Getter, Problem> {
    let (v, with) = (a.value(0)?, a.text(1)?);
    Ok(Getter::computed(move |s| v.with(s, |v| text(v).map(|t| f(t, &with).into()))?))
}

fn cut(a: &Arguments<'_>, f: fn(&str, &str) -> String) -> Result<Getter, Problem> {
    let (v, with) = (a.value(0)?, a.text(1)?);
    Ok(Getter::computed(move |s| v.with(s, |v| mapped(v, |t| f(t, &with)))?))
}

fn is_match(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, pattern) = (a.value(0)?, a.pattern(1)?);
    Ok(Getter::computed(move |s| {
        v.with(s, |v| match v.as_str() {
            Some(t) => pattern.is_match(t).into(),
            None if v.is_nil() => false.into(),
            None => pattern.is_match(&v.to_text()).into(),
        })
    }))
}

fn split(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, delimiter) = (a.value(0)?, a.text(1)?);
    if delimiter.is_empty() {
        return Err(a.problem(1, "must not be empty"));
    }
    Ok(Getter::computed(move |s| {
        v.with(s, |v| text(v).map(|t| t.split(&delimiter).map(Value::from).collect::<Vec<_>>().into()))?
    }))
}

fn substring(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, start, length) = (a.value(0)?, a.value(1)?, a.value(2)?);
    let number = |v: &Val| v.as_int().and_then(|i| usize::try_from(i).ok());
    Ok(Getter::computed(move |s| {
        let (v, start, length) = (v.get(s)?, start.get(s)?, length.get(s)?);
        let t = text(&v)?;
        let part = number(&start).zip(number(&length)).and_then(|(start, n)| t.get(start..start.checked_add(n)?));
        part.map(Val::from).ok_or_else(|| EvalError::new(format!("`{t}` has no such part")))
    }))
}
