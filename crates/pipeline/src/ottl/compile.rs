//! What was parsed, with names looked up: values into [`Getter`]s, tests into [`Check`]s.

use model::Signal;

use super::Problem;
use super::arguments::Arguments;
use super::ast::{self, Call, Expr, Kind, Test};
use super::context::{Context, Scene};
use super::convert;
use super::editors;
use super::eval::{EvalError, Getter, compare, index, math};
use super::keys::Keys;
use super::parse;
use super::path::Path;
use super::value::Val;

/// Names of numbers.
const ENUMS: &[(&str, i64)] = &[
    ("SPAN_KIND_UNSPECIFIED", 0),
    ("SPAN_KIND_INTERNAL", 1),
    ("SPAN_KIND_SERVER", 2),
    ("SPAN_KIND_CLIENT", 3),
    ("SPAN_KIND_PRODUCER", 4),
    ("SPAN_KIND_CONSUMER", 5),
    ("STATUS_CODE_UNSET", 0),
    ("STATUS_CODE_OK", 1),
    ("STATUS_CODE_ERROR", 2),
    ("AGGREGATION_TEMPORALITY_UNSPECIFIED", 0),
    ("AGGREGATION_TEMPORALITY_DELTA", 1),
    ("AGGREGATION_TEMPORALITY_CUMULATIVE", 2),
    ("FLAG_NONE", 0),
    ("FLAG_NO_RECORDED_VALUE", 1),
    ("METRIC_DATA_TYPE_NONE", 0),
    ("METRIC_DATA_TYPE_GAUGE", 1),
    ("METRIC_DATA_TYPE_SUM", 2),
    ("METRIC_DATA_TYPE_HISTOGRAM", 3),
    ("METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM", 4),
    ("METRIC_DATA_TYPE_SUMMARY", 5),
];

fn enum_value(name: &str) -> Option<i64> {
    if let Some((_, n)) = ENUMS.iter().find(|(known, _)| *known == name) {
        return Some(*n);
    }
    // SEVERITY_NUMBER_INFO3 is 11: six levels of four.
    let severity = name.strip_prefix("SEVERITY_NUMBER_")?;
    if severity == "UNSPECIFIED" {
        return Some(0);
    }
    let level = severity.trim_end_matches(|c: char| c.is_ascii_digit());
    let base = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].iter().position(|l| *l == level)? as i64 * 4;
    match &severity[level.len()..] {
        "" => Some(base + 1),
        step @ ("2" | "3" | "4") => step.parse::<i64>().ok().map(|step| base + step),
        _ => None,
    }
}

/// A value.
pub(super) fn value(expr: &Expr, context: Context) -> Result<Getter, Problem> {
    match &expr.kind {
        Kind::Literal(v) => Ok(Getter::Literal(v.clone())),
        Kind::Path(path) => Path::resolve(path, context).map(Getter::Path),
        Kind::Call(c) => call(c, context),
        Kind::Name(name) => match enum_value(name) {
            Some(n) => Ok(Getter::Literal(n.into())),
            None => Err(Problem::new(expr.at, format!("`{name}` is neither the name of a number nor a call"))),
        },
        Kind::Math(op, a, b) => {
            let (op, a, b) = (*op, value(a, context)?, value(b, context)?);
            if let (Getter::Literal(a), Getter::Literal(b)) = (&a, &b) {
                return math(op, a, b).map(Getter::Literal).map_err(|e| Problem::new(expr.at, e));
            }
            Ok(Getter::computed(move |s| math(op, &a.get(s)?, &b.get(s)?)))
        }
        Kind::List(items) => {
            let items = items.iter().map(|i| value(i, context)).collect::<Result<Vec<_>, _>>()?;
            if let Some(items) = literals(&items) {
                return Ok(Getter::Literal(items.into_iter().map(Val::into_value).collect::<Vec<_>>().into()));
            }
            Ok(Getter::computed(move |s| {
                let items: Result<Vec<_>, EvalError> = items.iter().map(|i| i.get(s).map(Val::into_value)).collect();
                Ok(items?.into())
            }))
        }
        Kind::Map(items) => {
            let items: Vec<(String, Getter)> =
                items.iter().map(|(k, v)| Ok((k.clone(), value(v, context)?))).collect::<Result<_, Problem>>()?;
            Ok(Getter::computed(move |s| {
                let mut map = wire::otlp::tree::Attributes::new();
                for (key, v) in &items {
                    map.set(key, v.get(s)?.into_value());
                }
                Ok(map.into())
            }))
        }
    }
}

fn literals(items: &[Getter]) -> Option<Vec<Val>> {
    items.iter().map(|i| if let Getter::Literal(v) = i { Some(v.clone()) } else { None }).collect()
}

fn call(c: &Call, context: Context) -> Result<Getter, Problem> {
    let Some(function) = convert::find(&c.name) else {
        return Err(unknown(c, &convert::names()));
    };
    let arguments = Arguments::new(c, function.parameters, function.required, context)?;
    let getter = (function.build)(&arguments)?;
    let keys = Keys::of(&c.keys, context)?;
    if keys.is_empty() {
        return Ok(getter);
    }
    Ok(Getter::computed(move |s| Ok(index(getter.get(s)?, &keys.at(s)?))))
}

/// A function that there is not: what was probably meant, and what there is.
pub(super) fn unknown(c: &Call, names: &[&'static str]) -> Problem {
    let near = names
        .iter()
        .map(|n| (strsim::levenshtein(&n.to_ascii_lowercase(), &c.name.to_ascii_lowercase()), n))
        .min()
        .filter(|(distance, n)| distance * 3 <= n.len());
    let hint = near.map(|(_, n)| format!("did you mean `{n}`? ")).unwrap_or_default();
    Problem::new(c.at, format!("there is no function `{}`; {hint}there is {}", c.name, names.join(", ")))
}

/// A test that has been compiled.
pub(super) type Check = Box<dyn Fn(&Scene<'_>) -> Result<bool, EvalError> + Send + Sync>;

/// A test.
pub(super) fn check(test: &Test, context: Context) -> Result<Check, Problem> {
    match test {
        Test::Or(tests) => {
            let tests = tests.iter().map(|t| check(t, context)).collect::<Result<Vec<_>, _>>()?;
            Ok(Box::new(move |s| {
                for t in &tests {
                    if t(s)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }))
        }
        Test::And(tests) => {
            let tests = tests.iter().map(|t| check(t, context)).collect::<Result<Vec<_>, _>>()?;
            Ok(Box::new(move |s| {
                for t in &tests {
                    if !t(s)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }))
        }
        Test::Not(test) => {
            let test = check(test, context)?;
            Ok(Box::new(move |s| test(s).map(|b| !b)))
        }
        Test::Compare(op, a, b) => {
            let (op, a, b) = (*op, value(a, context)?, value(b, context)?);
            Ok(Box::new(move |s| a.with(s, |a| b.with(s, |b| compare(op, a, b)))?))
        }
        Test::Value(expr) => {
            let at = expr.at;
            let getter = value(expr, context)?;
            if let Getter::Literal(v) = &getter
                && v.as_bool().is_none()
            {
                return Err(Problem::new(at, format!("{} is neither true nor false", v.type_name())));
            }
            Ok(Box::new(move |s| {
                let v = getter.get(s)?;
                v.as_bool().ok_or_else(|| EvalError::new(format!("{} is neither true nor false", v.type_name())))
            }))
        }
    }
}

/// See [`super::infer`].
pub(super) fn infer(signal: Signal, text: &str) -> Result<Context, Problem> {
    let contexts = Context::of(signal);
    let mut found: Option<Context> = None;
    let mut wrong = None;
    let mut visit = |path: &ast::Path| {
        let named = path.names.first().and_then(|n| Context::of_name(n)).filter(|_| path.names.len() > 1);
        match named {
            Some(c) if !contexts.contains(&c) => {
                let names: Vec<_> = contexts.iter().map(|c| c.name()).collect();
                let message = format!("`{}` is not of this signal; there is {}", c.name(), names.join(", "));
                wrong.get_or_insert(Problem::new(path.at, message));
            }
            Some(c) => found = found.max(Some(c)),
            None if path.names.first().is_some_and(|n| n == "cache") => {}
            None => {
                let names: Vec<_> = contexts.iter().map(|c| c.name()).collect();
                let name = path.names.join(".");
                let message =
                    format!("it is not said what `{name}` is of; write one of {} before it", names.join(", "));
                wrong.get_or_insert(Problem::new(path.at, message));
            }
        }
    };
    let mut least = None;
    match parse::statement(text) {
        Ok(s) => {
            least = editors::context_of(&s.editor.name);
            s.editor.arguments.iter().for_each(|(_, e)| paths_of(e, &mut visit));
            if let Some(test) = &s.test {
                paths_of_test(test, &mut visit);
            }
        }
        Err(as_statement) => match parse::condition(text) {
            Ok(test) => paths_of_test(&test, &mut visit),
            Err(as_condition) => {
                return Err(if as_statement.at > as_condition.at { as_statement } else { as_condition });
            }
        },
    }
    match wrong {
        Some(problem) => Err(problem),
        // Without any path the context does not matter: the innermost that every signal's records have.
        None => Ok(found.max(least).unwrap_or(match signal {
            Signal::Traces => Context::Span,
            Signal::Metrics => Context::DataPoint,
            Signal::Logs => Context::Log,
        })),
    }
}

fn paths_of(expr: &Expr, visit: &mut impl FnMut(&ast::Path)) {
    match &expr.kind {
        Kind::Literal(_) | Kind::Name(_) => {}
        Kind::Path(path) => {
            visit(path);
            paths_of_keys(&path.keys, visit);
        }
        Kind::Call(c) => {
            c.arguments.iter().for_each(|(_, e)| paths_of(e, visit));
            paths_of_keys(&c.keys, visit);
        }
        Kind::Math(_, a, b) => {
            paths_of(a, visit);
            paths_of(b, visit);
        }
        Kind::List(items) => items.iter().for_each(|e| paths_of(e, visit)),
        Kind::Map(items) => items.iter().for_each(|(_, e)| paths_of(e, visit)),
    }
}

fn paths_of_keys(keys: &[ast::Key], visit: &mut impl FnMut(&ast::Path)) {
    for key in keys {
        if let ast::Key::Computed(expr) = key {
            paths_of(expr, visit);
        }
    }
}

fn paths_of_test(test: &Test, visit: &mut impl FnMut(&ast::Path)) {
    match test {
        Test::Or(tests) | Test::And(tests) => tests.iter().for_each(|t| paths_of_test(t, visit)),
        Test::Not(test) => paths_of_test(test, visit),
        Test::Compare(_, a, b) => {
            paths_of(a, visit);
            paths_of(b, visit);
        }
        Test::Value(e) => paths_of(e, visit),
    }
}
