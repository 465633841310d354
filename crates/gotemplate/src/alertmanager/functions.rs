//! Alertmanager's functions (`template.DefaultFuncs`, 0.34).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use foundation::Clock;
use gotmpl::Value;

use super::methods::join_texts;
use crate::arguments::{args, as_text};
use crate::error::{Result, fail};
use crate::functions::{Functions, shared};
use crate::json;
use crate::time::{self, from_zoned, zoned};
use crate::value::{list, safe_url, text, type_name};

/// All of them; `now` and `since` ask the clock.
pub(super) fn functions(clock: Arc<dyn Clock>) -> Functions {
    let since_clock = clock.clone();
    let texts = shared()
        .with_text("title", |s| Ok(title(s)))
        .with_text("trimSpace", |s| Ok(s.trim().to_owned()))
        .with_text("base64encode", |s| Ok(STANDARD.encode(s)))
        .with_text("base64decode", |s| match STANDARD.decode(s) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(e) => fail(format!("error calling base64decode: {e}")),
        })
        .with_text("urlUnescape", url_unescape)
        .with("safeUrl", |a| {
            let [url] = args("safeUrl", a)?;
            Ok(safe_url(as_text("safeUrl", url)?))
        })
        .with("join", |a| {
            let [separator, items] = args("join", a)?;
            let Value::List(items) = items else {
                return fail(format!("join: expected []string, got {}", type_name(items)));
            };
            join_texts("join", as_text("join", separator)?, items)
        })
        .with("stringSlice", |a| {
            a.iter().try_for_each(|item| as_text("stringSlice", item).map(|_| ()))?;
            Ok(list(a.to_vec()))
        })
        .with("toJson", |a| {
            let [value] = args("toJson", a)?;
            Ok(text(json::encode(value)?))
        });
    collections(texts)
        .with("date", |a| {
            let [layout, at] = args("date", a)?;
            let Some((zoned, _)) = zoned(at) else {
                return fail(format!("date: expected time.Time, got {}", type_name(at)));
            };
            Ok(text(time::format(as_text("date", layout)?, &zoned)))
        })
        .with("tz", |a| {
            let [zone, at] = args("tz", a)?;
            time::in_zone(as_text("tz", zone)?, at)
        })
        .with("now", move |a| {
            args::<0>("now", a)?;
            Ok(time::at(clock.now()))
        })
        .with("since", move |a| {
            let [at] = args("since", a)?;
            let now = time::at(since_clock.now());
            time::method(&now, "Sub", std::slice::from_ref(at)).unwrap_or_else(|| fail("since: no time"))
        })
        .with("toDate", |a| Ok(to_date("toDate", a)?.unwrap_or_else(|_| time::zero())))
        .with("mustToDate", |a| to_date("mustToDate", a)?.or_else(|e| fail(format!("error calling mustToDate: {e}"))))
        // Filled with the labels of the route by who fills the template.
        .with("routeLabels", |a| {
            args::<1>("routeLabels", a)?;
            Ok(text(""))
        })
}

fn collections(functions: Functions) -> Functions {
    functions
        .with("list", |a| Ok(list(a.to_vec())))
        .with("append", |a| {
            let Some((Value::List(items), more)) = a.split_first() else {
                return fail("append: expected a list first");
            };
            Ok(list(items.iter().chain(more).cloned().collect()))
        })
        .with("dict", |a| {
            if a.len() % 2 != 0 {
                return fail("error calling dict: odd number of arguments");
            }
            let mut map = std::collections::BTreeMap::new();
            for pair in a.chunks(2) {
                if let [key, value] = pair {
                    let key = match key {
                        Value::String(key) => key.clone(),
                        other => return fail(format!("error calling dict: keys are texts, not {}", type_name(other))),
                    };
                    map.insert(key, value.clone());
                }
            }
            Ok(Value::Map(Arc::new(map)))
        })
}

fn to_date(name: &str, arguments: &[Value]) -> Result<std::result::Result<Value, String>> {
    let [layout, text] = args(name, arguments)?;
    let parsed = time::parse(as_text(name, layout)?, as_text(name, text)?);
    Ok(parsed.map(|(zoned, zone)| from_zoned(&zoned, &zone)))
}

/// The first letter of each word as a capital, the others as they are; apostrophes and full stops inside of a word do
/// not end it.
fn title(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut inside = false;
    let mut characters = s.chars().peekable();
    while let Some(c) = characters.next() {
        let part = c.is_alphanumeric() || c == '_';
        let joins = inside
            && matches!(c, '\'' | '\u{2019}' | '.' | ':')
            && characters.peek().is_some_and(|next| next.is_alphabetic());
        if part && !inside {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        inside = part || joins;
    }
    out
}

/// `url.QueryUnescape`.
fn url_unescape(s: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(s.len());
    let mut rest = s.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|d| d.and_then(|d| (d as char).to_digit(16)));
                let [Some(high), Some(low)] = digits else {
                    return fail("error calling urlUnescape: invalid URL escape");
                };
                bytes.push((high * 16 + low) as u8);
            }
            other => bytes.push(other),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
