//! The functions of Prometheus's templates, by the names under which templates call them.

use gotmpl::Value;
use jiff::Timestamp;

use super::{RESULTS_MAX, Scope, humanize, links};
use crate::arguments::{args, as_text};
use crate::error::{Result, fail};
use crate::functions::{Functions, shared};
use crate::time;
use crate::value::{StructType, list, text, texts, type_name};

/// Functions that depend on what is evaluated, and when.
pub(super) const OF_SCOPE: [&str; 4] = ["externalURL", "now", "pathPrefix", "query"];

/// A result of `query`.
static SAMPLE: StructType = StructType::new("*template.sample", &[("Labels", "Labels"), ("Value", "Value")]);

/// The functions that are the same everywhere.
pub(super) fn fixed() -> Functions {
    let all = |arguments: &[Value]| {
        let named = arguments.iter().enumerate().map(|(n, v)| (std::sync::Arc::from(format!("arg{n}")), v.clone()));
        Ok(Value::Map(std::sync::Arc::new(named.collect())))
    };
    numbers(of_texts(of_results(shared().with("args", all))))
}

/// Those of [`OF_SCOPE`].
pub(super) fn of_scope(scope: &Scope) -> Functions {
    let (ask, url, at_ms) = (scope.query.clone(), scope.external_url.clone(), scope.at_ms);
    let path = url.split_once("://").and_then(|(_, rest)| Some(rest.get(rest.find('/')?..)?.to_owned()));
    Functions::default()
        .with("query", move |a| {
            let [expression] = args("query", a)?;
            let results = ask(as_text("query", expression)?).or_else(|e| fail(format!("error calling query: {e}")))?;
            if results.len() > RESULTS_MAX {
                return fail(format!("the query has {} results; a template takes {RESULTS_MAX}", results.len()));
            }
            let sample = |(labels, v): (model::Labels, f64)| SAMPLE.value([texts(labels.iter()), Value::Float(v)]);
            Ok(list(results.into_iter().map(sample).collect()))
        })
        .with("now", move |a| args::<0>("now", a).map(|_| Value::Float(at_ms as f64 / 1000.0)))
        .with("pathPrefix", move |a| args::<0>("pathPrefix", a).map(|_| text(path.as_deref().unwrap_or_default())))
        .with("externalURL", move |a| args::<0>("externalURL", a).map(|_| text(&url)))
}

/// Prometheus's `convertToFloat`.
fn number(name: &str, v: &Value) -> Result<f64> {
    if let Some(ns) = time::duration_ns(v) {
        return Ok(ns as f64 / 1e9);
    }
    match v {
        Value::String(s) => s
            .parse()
            .or_else(|_| fail(format!("error calling {name}: strconv.ParseFloat: parsing {s:?}: invalid syntax"))),
        other => match other.as_float() {
            Some(v) => Ok(v),
            None => fail(format!("error calling {name}: can't convert {} to float", type_name(other))),
        },
    }
}

/// The results of a query.
fn results<'a>(name: &str, v: &'a Value) -> Result<&'a [Value]> {
    match v {
        Value::List(items) => Ok(items),
        other => fail(format!("error calling {name}: a query result was expected, this is {}", type_name(other))),
    }
}

/// A field of a result.
fn of_sample<'a>(name: &str, sample: &'a Value, field: &str) -> Result<&'a Value> {
    let found = match sample {
        Value::Map(fields) => fields.get(field),
        _ => None,
    };
    found.map_or_else(|| fail(format!("error calling {name}: {} is no result of a query", type_name(sample))), Ok)
}

fn label(name: &str, sample: &Value, label: &str) -> Result<String> {
    match of_sample(name, sample, "Labels")? {
        Value::Map(labels) => Ok(labels.get(label).and_then(Value::as_str).unwrap_or_default().to_owned()),
        _ => Ok(String::new()),
    }
}

fn of_results(f: Functions) -> Functions {
    f.with("first", |a| {
        let [found] = args("first", a)?;
        match results("first", found)?.first() {
            Some(first) => Ok(first.clone()),
            None => fail("error calling first: first() called on vector with no elements"),
        }
    })
    .with("label", |a| {
        let [name, sample] = args("label", a)?;
        Ok(text(label("label", sample, as_text("label", name)?)?))
    })
    .with("value", |a| {
        let [sample] = args("value", a)?;
        Ok(of_sample("value", sample, "Value")?.clone())
    })
    .with("strvalue", |a| {
        let [sample] = args("strvalue", a)?;
        Ok(text(label("strvalue", sample, "__value__")?))
    })
    .with("sortByLabel", |a| {
        let [name, found] = args("sortByLabel", a)?;
        let name = as_text("sortByLabel", name)?;
        let keyed = results("sortByLabel", found)?.iter().map(|s| Ok((label("sortByLabel", s, name)?, s.clone())));
        let mut keyed: Vec<(String, Value)> = keyed.collect::<Result<_>>()?;
        keyed.sort_by(|x, y| x.0.cmp(&y.0));
        Ok(list(keyed.into_iter().map(|(_, sample)| sample).collect()))
    })
}

fn numbers(mut f: Functions) -> Functions {
    let humanized: [(&'static str, fn(f64) -> String); 4] = [
        ("humanize", humanize::humanize),
        ("humanize1024", humanize::humanize1024),
        ("humanizeBytes", humanize::humanize_bytes),
        ("humanizePercentage", humanize::humanize_percentage),
    ];
    for (name, humanize) in humanized {
        f = f.with(name, move |a| {
            let [v] = args(name, a)?;
            Ok(text(humanize(number(name, v)?)))
        });
    }
    f.with("humanizeTimestamp", |a| {
        let [v] = args("humanizeTimestamp", a)?;
        let v = number("humanizeTimestamp", v)?;
        if v.is_finite() { Ok(text(time_text(v)?)) } else { Ok(text(humanize::four_digits(v))) }
    })
    .with("toTime", |a| {
        let [v] = args("toTime", a)?;
        Ok(time::at(foundation::UnixNanos::from_millis(nanos(number("toTime", v)?)?.div_euclid(1_000_000))))
    })
    .with("toDuration", |a| {
        let [v] = args("toDuration", a)?;
        Ok(time::duration(nanos(number("toDuration", v)?)?))
    })
    .with("parseDuration", |a| {
        let [given] = args("parseDuration", a)?;
        let given = as_text("parseDuration", given)?;
        match foundation::units::parse_duration(given) {
            Ok(d) => Ok(Value::Float(d.as_secs_f64())),
            Err(_) => fail(format!("error calling parseDuration: not a valid duration string: {given:?}")),
        }
    })
}

/// Seconds as whole nanoseconds.
fn nanos(seconds: f64) -> Result<i64> {
    let nanos = seconds * 1e9;
    if nanos.is_finite() && nanos.abs() < i64::MAX as f64 {
        return Ok(nanos as i64);
    }
    fail(format!("{seconds} cannot be represented as a nanoseconds timestamp since it overflows int64"))
}

/// A time as Go prints it: `2015-03-02 21:36:33.123 +0000 UTC`.
fn time_text(seconds: f64) -> Result<String> {
    let ms = nanos(seconds)?.div_euclid(1_000_000);
    let time = Timestamp::from_millisecond(ms).or_else(|e| fail(e.to_string()))?;
    let fraction = match ms.rem_euclid(1000) {
        0 => String::new(),
        ms => format!(".{ms:03}").trim_end_matches('0').to_owned(),
    };
    Ok(format!("{}{fraction} +0000 UTC", time.strftime("%Y-%m-%d %H:%M:%S")))
}

fn of_texts(f: Functions) -> Functions {
    f.with_text("title", |s| Ok(title(s)))
        .with_text("graphLink", |s| Ok(links::graph_link(s)))
        .with_text("tableLink", |s| Ok(links::table_link(s)))
        .with_text("stripPort", |s| Ok(strip_port(s).to_owned()))
        .with_text("stripDomain", |s| Ok(strip_domain(s)))
        .with_text("urlQueryEscape", |s| Ok(links::query_escape(s)))
}

/// Go's `strings.Title`: the first letter of each word.
fn title(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut inside = false;
    for c in s.chars() {
        if inside {
            out.push(c)
        } else {
            out.extend(c.to_uppercase())
        }
        inside = c.is_alphanumeric() || c == '_' || c == '\'';
    }
    out
}

/// The host of `host:port` and `[v6]:port`; anything else as it is.
fn strip_port(s: &str) -> &str {
    match s.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
        Some((host, _)) => host,
        None => match s.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => s,
        },
    }
}

/// `host.example.org:80` becomes `host:80`; addresses stay.
fn strip_domain(s: &str) -> String {
    let host = strip_port(s);
    let port = if host.len() == s.len() { "" } else { s.rsplit_once(':').map_or("", |(_, port)| port) };
    if host.parse::<std::net::IpAddr>().is_ok() {
        return s.to_owned();
    }
    let short = host.split('.').next().unwrap_or(host);
    if port.is_empty() { short.to_owned() } else { format!("{short}:{port}") }
}
