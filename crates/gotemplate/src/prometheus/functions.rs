//! The functions of Prometheus's templates, by the names under which templates call them.

use std::sync::Arc;

use gotmpl::{FuncMap, Result, TemplateError, Value};
use jiff::Timestamp;

use super::tree::{FIELD, PRINTED};
use super::{RESULTS_MAX, Scope, humanize, labels_value, links, map as map_of};

/// Every function there is, Go's own included.
pub(super) const NAMES: [&str; 51] = [
    "and",
    "args",
    "call",
    "eq",
    "externalURL",
    "first",
    "ge",
    "graphLink",
    "gt",
    "html",
    "humanize",
    "humanize1024",
    "humanizeBytes",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "index",
    "js",
    "label",
    "le",
    "len",
    "lt",
    "match",
    "ne",
    "not",
    "now",
    "or",
    "parseDuration",
    "pathPrefix",
    "print",
    "printf",
    "println",
    "query",
    "reReplaceAll",
    "safeHtml",
    "slice",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "tableLink",
    "title",
    "toDuration",
    "toLower",
    "toTime",
    "toUpper",
    "urlQueryEscape",
    "urlquery",
    "value",
    FIELD,
    PRINTED,
];

fn failed<T>(message: impl Into<String>) -> Result<T> {
    Err(TemplateError::Exec(message.into()))
}

fn text(text: impl AsRef<str>) -> Value {
    Value::String(Arc::from(text.as_ref()))
}

/// The functions for one scope.
pub(super) fn map(scope: &Scope) -> FuncMap {
    let mut funcs = FuncMap::new();
    let mut add = |name: &'static str, count: usize, f: Arc<dyn Fn(&[Value]) -> Result<Value> + Send + Sync>| {
        let counted = move |args: &[Value]| match args.len() == count {
            true => f(args),
            false => failed(format!("wrong number of args for {name}: want {count} got {}", args.len())),
        };
        funcs.insert(name.to_owned(), Arc::new(counted));
    };
    add(FIELD, 2, Arc::new(|a| field(&a[0], &a[1])));
    let printed = |a: &[Value]| match &a[0] {
        Value::Float(v) => Ok(text(go_float(*v))),
        other => Ok(other.clone()),
    };
    add(PRINTED, 1, Arc::new(printed));
    queries(scope, &mut add);
    numbers(&mut add);
    texts(&mut add);
    let (url, at_ms) = (scope.external_url.clone(), scope.at_ms);
    add("now", 0, Arc::new(move |_| Ok(Value::Float(at_ms as f64 / 1000.0))));
    let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
    add("pathPrefix", 0, Arc::new(move |_| Ok(text(path.as_deref().unwrap_or_default()))));
    add("externalURL", 0, Arc::new(move |_| Ok(text(&url))));
    let all = |args: &[Value]| {
        let named: Vec<(String, Value)> =
            args.iter().enumerate().map(|(n, v)| (format!("arg{n}"), v.clone())).collect();
        Ok(map_of(named.iter().map(|(n, v)| (n.as_str(), v.clone()))))
    };
    funcs.insert("args".to_owned(), Arc::new(all));
    funcs
}

type Add<'a> = dyn FnMut(&'static str, usize, Arc<dyn Fn(&[Value]) -> Result<Value> + Send + Sync>) + 'a;

/// What is in a map; the empty text for what is not, as in Go's `map[string]string`.
fn field(of: &Value, name: &Value) -> Result<Value> {
    let name = string(name)?;
    match of {
        Value::Map(entries) => match entries.get(name) {
            Some(value) => Ok(value.clone()),
            // What a rule sees, or a result of a query: structs, not maps.
            None if entries.contains_key("Labels") && entries.contains_key("Value") => failed(format!(
                "can't evaluate field {name}; there are {}",
                entries.keys().map(|k| &**k).collect::<Vec<_>>().join(", ")
            )),
            None => Ok(text("")),
        },
        Value::Nil => failed(format!("nil data; no entry for key \"{name}\"")),
        other => failed(format!("can't evaluate field {name} in type {}", other.type_name())),
    }
}

/// A number as Go's `%v` prints it: with an exponent below -4 and from 6 on.
fn go_float(v: f64) -> String {
    if !v.is_finite() {
        return humanize::four_digits(v);
    }
    let shortest = format!("{v:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) || v == 0.0 {
        return format!("{v}");
    }
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn string(v: &Value) -> Result<&str> {
    match v {
        Value::String(s) => Ok(s),
        other => failed(format!("wrong type for value; expected string; got {}", other.type_name())),
    }
}

/// Prometheus's `convertToFloat`.
fn number(v: &Value) -> Result<f64> {
    match v {
        Value::String(s) => match s.parse::<f64>() {
            Ok(n) => Ok(n),
            Err(_) => failed(format!("strconv.ParseFloat: parsing {s:?}: invalid syntax")),
        },
        Value::Float(_) | Value::Int(_) | Value::Uint(_) => v.as_float().map_or_else(|| failed("not a number"), Ok),
        other => failed(format!("can't convert {} to float", other.type_name())),
    }
}

fn list(v: &Value) -> Result<&[Value]> {
    match v {
        Value::List(items) => Ok(items),
        Value::Nil => Ok(&[]),
        other => failed(format!("wrong type for value; expected a query result; got {}", other.type_name())),
    }
}

fn queries(scope: &Scope, add: &mut Add<'_>) {
    let ask = scope.query.clone();
    add(
        "query",
        1,
        Arc::new(move |a| {
            let results = ask(string(&a[0])?).map_err(TemplateError::Exec)?;
            if results.len() > RESULTS_MAX {
                return failed(format!("the query has {} results; a template takes {RESULTS_MAX}", results.len()));
            }
            let sample = |(labels, value): (model::Labels, f64)| {
                map_of([("Labels", labels_value(&labels)), ("Value", Value::Float(value))])
            };
            Ok(Value::List(results.into_iter().map(sample).collect()))
        }),
    );
    add(
        "first",
        1,
        Arc::new(|a| match list(&a[0])?.first() {
            Some(first) => Ok(first.clone()),
            None => failed("first() called on vector with no elements"),
        }),
    );
    add("label", 2, Arc::new(|a| field(&field(&a[1], &text("Labels"))?, &a[0])));
    add("value", 1, Arc::new(|a| field(&a[0], &text("Value"))));
    add("strvalue", 1, Arc::new(|a| field(&field(&a[0], &text("Labels"))?, &text("__value__"))));
    add(
        "sortByLabel",
        2,
        Arc::new(|a| {
            let mut keyed = Vec::new();
            for sample in list(&a[1])? {
                let key = field(&field(sample, &text("Labels"))?, &a[0])?;
                keyed.push((string(&key)?.to_owned(), sample.clone()));
            }
            keyed.sort_by(|x, y| x.0.cmp(&y.0));
            Ok(Value::List(keyed.into_iter().map(|(_, sample)| sample).collect()))
        }),
    );
}

fn numbers(add: &mut Add<'_>) {
    let humanized: [(&'static str, fn(f64) -> String); 5] = [
        ("humanize", humanize::humanize),
        ("humanize1024", humanize::humanize1024),
        ("humanizeBytes", humanize::humanize_bytes),
        ("humanizeDuration", humanize::humanize_duration),
        ("humanizePercentage", humanize::humanize_percentage),
    ];
    for (name, f) in humanized {
        add(name, 1, Arc::new(move |a| Ok(text(f(number(&a[0])?)))));
    }
    add(
        "humanizeTimestamp",
        1,
        Arc::new(|a| {
            let v = number(&a[0])?;
            if v.is_finite() { Ok(text(time_text(v)?)) } else { Ok(text(humanize::four_digits(v))) }
        }),
    );
    add("toTime", 1, Arc::new(|a| Ok(text(time_text(number(&a[0])?)?))));
    add("toDuration", 1, Arc::new(|a| Ok(text(go_duration(number(&a[0])?)?))));
    add(
        "parseDuration",
        1,
        Arc::new(|a| {
            let given = string(&a[0])?;
            match foundation::units::parse_duration(given) {
                Ok(d) => Ok(Value::Float(d.as_secs_f64())),
                Err(_) => failed(format!("not a valid duration string: {given:?}")),
            }
        }),
    );
}

/// A time as Go prints it: `2015-03-02 21:36:33.123 +0000 UTC`.
fn time_text(seconds: f64) -> Result<String> {
    let nanos = seconds * 1e9;
    let overflow = || {
        TemplateError::Exec(format!(
            "{seconds} cannot be represented as a nanoseconds timestamp since it overflows int64"
        ))
    };
    if !(nanos.is_finite() && nanos.abs() < i64::MAX as f64) {
        return Err(overflow());
    }
    let ms = (nanos as i64).div_euclid(1_000_000);
    let time = Timestamp::from_millisecond(ms).map_err(|_| overflow())?;
    let fraction = match ms.rem_euclid(1000) {
        0 => String::new(),
        ms => format!(".{ms:03}").trim_end_matches('0').to_owned(),
    };
    Ok(format!("{}{fraction} +0000 UTC", time.strftime("%Y-%m-%d %H:%M:%S")))
}

/// A duration as Go prints it: `1h0m0.5s`.
fn go_duration(seconds: f64) -> Result<String> {
    let nanos = seconds * 1e9;
    if !(nanos.is_finite() && nanos.abs() < i64::MAX as f64) {
        return failed(format!("{seconds} cannot be represented as a duration since it overflows int64"));
    }
    let nanos = nanos as i64;
    let (sign, n) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    let small = |unit: u64, name: &str| format!("{sign}{}{name}", n as f64 / unit as f64);
    Ok(match n {
        0 => "0s".to_owned(),
        1..1_000 => small(1, "ns"),
        1_000..1_000_000 => small(1_000, "µs"),
        1_000_000..1_000_000_000 => small(1_000_000, "ms"),
        _ => {
            let (hours, minutes) = (n / 3_600_000_000_000, n / 60_000_000_000 % 60);
            let rest = (n % 60_000_000_000) as f64 / 1e9;
            match (hours, minutes) {
                (0, 0) => format!("{sign}{rest}s"),
                (0, _) => format!("{sign}{minutes}m{rest}s"),
                _ => format!("{sign}{hours}h{minutes}m{rest}s"),
            }
        }
    })
}

fn texts(add: &mut Add<'_>) {
    let of_text: [(&'static str, fn(&str) -> String); 9] = [
        ("title", title),
        ("toUpper", |s| s.to_uppercase()),
        ("toLower", |s| s.to_lowercase()),
        ("graphLink", links::graph_link),
        ("tableLink", links::table_link),
        ("stripPort", |s| strip_port(s).to_owned()),
        ("stripDomain", strip_domain),
        ("urlQueryEscape", links::query_escape),
        // Rules expand to text, where everything is safe.
        ("safeHtml", |s| s.to_owned()),
    ];
    for (name, f) in of_text {
        add(name, 1, Arc::new(move |a| Ok(text(f(string(&a[0])?)))));
    }
    let regex = |pattern: &Value| re2::compile(string(pattern)?).map_err(|e| TemplateError::Exec(e.to_string()));
    add("match", 2, Arc::new(move |a| Ok(Value::Bool(regex(&a[0])?.is_match(string(&a[1])?)))));
    add("reReplaceAll", 3, Arc::new(move |a| Ok(text(regex(&a[0])?.replace_all(string(&a[2])?, string(&a[1])?)))));
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
