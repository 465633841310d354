//! Functions by name, and those that Prometheus and Alertmanager have in common.

use std::sync::Arc;

use gotmpl::{FuncMap, Value, ValueFunc};

use crate::arguments::{args, as_text};
use crate::error::{Result, fail};
use crate::time;
use crate::value::{safe_html, text, type_name};

/// A function of templates.
pub type Function = Arc<dyn Fn(&[Value]) -> Result<Value> + Send + Sync>;

/// Functions by name.
#[derive(Clone, Default)]
pub struct Functions(FuncMap);

impl Functions {
    /// Adds one; it replaces one of the same name.
    #[must_use]
    pub fn with(mut self, name: &str, function: impl Fn(&[Value]) -> Result<Value> + Send + Sync + 'static) -> Self {
        self.0.insert(name.to_owned(), Arc::new(function) as ValueFunc);
        self
    }

    /// Adds one that takes one text and gives one.
    #[must_use]
    pub fn with_text(
        self,
        name: &'static str,
        function: impl Fn(&str) -> Result<String> + Send + Sync + 'static,
    ) -> Self {
        self.with(name, move |arguments| {
            let [argument] = args(name, arguments)?;
            Ok(text(function(as_text(name, argument)?)?))
        })
    }

    pub(crate) fn into_map(self) -> FuncMap {
        self.0
    }
}

/// What both systems have: `toUpper toLower match reReplaceAll safeHtml humanizeDuration`.
pub fn shared() -> Functions {
    Functions::default()
        .with_text("toUpper", |s| Ok(s.to_uppercase()))
        .with_text("toLower", |s| Ok(s.to_lowercase()))
        .with("match", |a| {
            let [pattern, subject] = args("match", a)?;
            let regex = regex("match", as_text("match", pattern)?)?;
            Ok(Value::Bool(regex.is_match(as_text("match", subject)?)))
        })
        .with("reReplaceAll", |a| {
            let [pattern, replacement, subject] = args("reReplaceAll", a)?;
            let regex = regex("reReplaceAll", as_text("reReplaceAll", pattern)?)?;
            let replacement = as_text("reReplaceAll", replacement)?;
            Ok(text(regex.replace_all(as_text("reReplaceAll", subject)?, replacement)))
        })
        .with("safeHtml", |a| {
            let [html] = args("safeHtml", a)?;
            Ok(safe_html(as_text("safeHtml", html)?))
        })
        .with("humanizeDuration", |a| {
            let [value] = args("humanizeDuration", a)?;
            Ok(text(humanize_duration(seconds("humanizeDuration", value)?)))
        })
}

/// A regular expression in Go's syntax.
pub(crate) fn regex(name: &str, pattern: &str) -> Result<regex::Regex> {
    re2::compile(pattern).or_else(|e| fail(format!("error calling {name}: {e}")))
}

/// Seconds as a number, a text with a number, or a duration.
fn seconds(name: &str, value: &Value) -> Result<f64> {
    if let Some(ns) = time::duration_ns(value) {
        return Ok(ns as f64 / 1e9);
    }
    match value {
        Value::String(s) => s.parse().or_else(|_| fail(format!("error calling {name}: can't convert {s:?} to float"))),
        other => match other.as_float() {
            Some(f) => Ok(f),
            None => fail(format!("error calling {name}: can't convert {} to float", type_name(other))),
        },
    }
}

/// A duration in seconds for people: `1d 2h 3m 4s`, `1.5s` below a minute, `-` in front, a prefix below a second.
pub fn humanize_duration(seconds: f64) -> String {
    if seconds.is_nan() || seconds.is_infinite() {
        return significant(seconds);
    }
    if seconds == 0.0 {
        return "0s".into();
    }
    if seconds.abs() >= 1.0 {
        let (sign, whole) = (if seconds < 0.0 { "-" } else { "" }, seconds.abs() as i64);
        let (days, hours, minutes, rest) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
        return if days != 0 {
            format!("{sign}{days}d {hours}h {minutes}m {rest}s")
        } else if hours != 0 {
            format!("{sign}{hours}h {minutes}m {rest}s")
        } else if minutes != 0 {
            format!("{sign}{minutes}m {rest}s")
        } else {
            format!("{sign}{}s", significant(seconds.abs()))
        };
    }
    let mut value = seconds;
    let mut prefix = "";
    for next in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if value.abs() >= 1.0 {
            break;
        }
        prefix = next;
        value *= 1000.0;
    }
    format!("{}{prefix}s", significant(value))
}

/// Four significant digits (`%.4g`).
pub(crate) fn significant(f: f64) -> String {
    if !f.is_finite() {
        return crate::print::float(f);
    }
    if f == 0.0 {
        return "0".into();
    }
    let scientific = format!("{f:.3e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
    };
    if !(-4..4).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(digits), exponent.abs());
    }
    trim(&format!("{f:.*}", (3 - exponent).max(0) as usize))
}
