//! Texts: cases, parts, patterns.

use base64::Engine;
use base64::engine::general_purpose::{self, GeneralPurpose};
use wire::otlp::tree::{Attributes, Value};

use super::format::format;
use super::types::shown;
use super::{Converter, many, ones};
use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::eval::{EvalError, Getter};
use crate::ottl::path::{mismatch, text};
use crate::ottl::value::Val;

pub(super) const ONE: &[Converter] = ones![
    "ToLowerCase"("value") => to_lower,
    "ToUpperCase"("value") => to_upper,
    "ToSnakeCase"("value") => to_snake,
    "ToCamelCase"("value") => to_camel,
    "Base64Decode"("value") => base64_decode,
    "Hex"("value") => hex,
];

pub(super) const MANY: &[Converter] = &[
    many("Base64Encode", &["value", "variant"], 1, base64_encode),
    many("Concat", &["values", "delimiter"], 2, concat),
    many("ConvertCase", &["target", "toCase"], 2, convert_case),
    many("Decode", &["value", "encoding"], 2, decode),
    many("ExtractPatterns", &["target", "pattern"], 2, extract_patterns),
    many("Format", &["format", "values"], 2, format),
    many("HasPrefix", &["value", "prefix"], 2, |a| compared(a, |v, p| v.starts_with(p))),
    many("HasSuffix", &["value", "suffix"], 2, |a| compared(a, |v, s| v.ends_with(s))),
    many("IsMatch", &["target", "pattern"], 2, is_match),
    many("Split", &["target", "delimiter"], 2, split),
    many("Substring", &["target", "start", "length", "utf8_safe"], 3, substring),
    many("ToKeyValueString", &["target", "delimiter", "pair_delimiter", "sort_output"], 1, to_key_value_string),
    many("Trim", &["target", "replacement"], 1, trim),
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

fn trim(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, cut) = (a.value(0)?, a.text_or(1, " ")?);
    // The characters of the second argument, in any order, as Go's `strings.Trim` takes them.
    Ok(Getter::computed(move |s| v.with(s, |v| mapped(v, |t| t.trim_matches(|c| cut.contains(c)).to_owned()))?))
}

fn variant(name: &str) -> Option<GeneralPurpose> {
    Some(match name {
        "base64" => general_purpose::STANDARD,
        "base64-raw" => general_purpose::STANDARD_NO_PAD,
        "base64-url" => general_purpose::URL_SAFE,
        "base64-raw-url" => general_purpose::URL_SAFE_NO_PAD,
        _ => return None,
    })
}

fn of_base64(engine: &GeneralPurpose, coded: &[u8]) -> Outcome {
    let bytes = engine.decode(coded).map_err(|e| EvalError::new(e.to_string()))?;
    String::from_utf8(bytes).map(Val::from).map_err(|_| EvalError::new("what was in base64 is not a text"))
}

fn base64_decode(v: &Val) -> Outcome {
    of_base64(&general_purpose::STANDARD, text(v)?.as_bytes())
}

fn base64_encode(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, name) = (a.value(0)?, a.text_or(1, "base64")?);
    let engine = variant(&name).ok_or_else(|| a.problem(1, &format!("must be one of {VARIANTS}")))?;
    Ok(Getter::computed(move |s| v.with(s, |v| text(v).map(|t| engine.encode(t).into()))?))
}

const VARIANTS: &str = "\"base64\", \"base64-raw\", \"base64-url\", \"base64-raw-url\"";

/// Of bytes or a text that holds them: base64, or an encoding of texts.
fn decode(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, name) = (a.value(0)?, a.text(1)?);
    if let Some(engine) = variant(&name) {
        return Ok(Getter::computed(move |s| v.with(s, |v| of_base64(&engine, bytes_of(v)?))?));
    }
    let encoding = encoding_rs::Encoding::for_label(name.as_bytes())
        .ok_or_else(|| a.problem(1, &format!("must be an encoding such as \"utf-16le\", or one of {VARIANTS}")))?;
    Ok(Getter::computed(move |s| {
        v.with(s, |v| {
            let decoded = encoding.decode_without_bom_handling_and_without_replacement(bytes_of(v)?);
            let text = decoded.ok_or_else(|| EvalError::new(format!("it is not in {}", encoding.name())))?;
            Ok(text.into_owned().into())
        })?
    }))
}

fn bytes_of(v: &Val) -> Result<&[u8], EvalError> {
    match v {
        Val::Plain(Value::Bytes(b)) => Ok(b),
        v => text(v).map(str::as_bytes),
    }
}

/// `k1=v1 k2=v2`; what holds a delimiter stands in quotes.
fn to_key_value_string(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, delimiter, pairs) = (a.value(0)?, a.text_or(1, "=")?, a.text_or(2, " ")?);
    let sorted = a.flag(3, false)?;
    if delimiter.is_empty() || pairs.is_empty() || delimiter == pairs {
        return Err(a.problem(1, "must not be empty, nor the same as `pair_delimiter`"));
    }
    let quoted = move |t: &str, delimiter: &str, pairs: &str| {
        let escaped = t.replace('"', "\\\"");
        if t.contains(delimiter) || t.contains(pairs) { format!("\"{escaped}\"") } else { escaped }
    };
    Ok(Getter::computed(move |s| {
        v.with(s, |v| {
            let map = v.as_map().ok_or_else(|| mismatch("a map", v))?;
            let mut entries: Vec<_> = map.iter().collect();
            if sorted {
                entries.sort_by_key(|(k, _)| *k);
            }
            let shown = |(k, v): (&str, &Value)| {
                let value = quoted(&v.to_text(), &delimiter, &pairs);
                format!("{}{delimiter}{value}", quoted(k, &delimiter, &pairs))
            };
            Ok(entries.into_iter().map(shown).collect::<Vec<_>>().join(&pairs).into())
        })?
    }))
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
    let (values, delimiter) = (a.values(0)?, a.value(1)?);
    Ok(Getter::computed(move |s| {
        let texts: Result<Vec<_>, _> = values.iter().map(|v| v.with(s, shown)).collect();
        let delimiter = delimiter.get(s)?;
        Ok(texts?.join(text(&delimiter)?).into())
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
    if pattern.names().is_some_and(|names| names.is_empty()) {
        return Err(a.problem(1, "must have at least one named group, such as `(?P<name>\\w+)`"));
    }
    Ok(Getter::computed(move |s| {
        let v = v.get(s)?;
        let pattern = pattern.at(s)?;
        let Some(groups) = pattern.captures(text(&v)?) else { return Ok(Attributes::new().into()) };
        let named = pattern.capture_names().flatten();
        let map: Attributes = named.filter_map(|n| groups.name(n).map(|m| (n, m.as_str()))).collect();
        Ok(map.into())
    }))
}

fn compared(a: &Arguments<'_>, f: fn(&str, &str) -> bool) -> Result<Getter, Problem> {
    let (v, with) = (a.value(0)?, a.value(1)?);
    Ok(Getter::computed(move |s| {
        let with = with.get(s)?;
        let with = text(&with)?;
        v.with(s, |v| text(v).map(|t| f(t, with).into()))?
    }))
}

fn cut(a: &Arguments<'_>, f: fn(&str, &str) -> String) -> Result<Getter, Problem> {
    let (v, with) = (a.value(0)?, a.value(1)?);
    Ok(Getter::computed(move |s| {
        let with = with.get(s)?;
        let with = text(&with)?;
        v.with(s, |v| mapped(v, |t| f(t, with)))?
    }))
}

fn is_match(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, pattern) = (a.value(0)?, a.pattern(1)?);
    Ok(Getter::computed(move |s| {
        let pattern = pattern.at(s)?;
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
    let whole = a.flag(3, false)?;
    let number = |v: &Val| v.as_int().and_then(|i| usize::try_from(i).ok());
    Ok(Getter::computed(move |s| {
        let (v, start, length) = (v.get(s)?, start.get(s)?, length.get(s)?);
        let t = text(&v)?;
        let part = number(&start).zip(number(&length)).and_then(|(start, n)| {
            let end = start.checked_add(n).filter(|end| *end <= t.len())?;
            // A character is not cut in two: it is left out, or the cut is refused.
            let start = if whole { (start..=end).find(|at| t.is_char_boundary(*at))? } else { start };
            let end = if whole { (start..=end).rev().find(|at| t.is_char_boundary(*at))? } else { end };
            t.get(start..end)
        });
        part.map(Val::from).ok_or_else(|| EvalError::new(format!("`{t}` has no such part")))
    }))
}
