//! Runs scripts in Prometheus's own test language.
//!
//! `clear`, `load <step>` with series lines, `eval instant at <t> <expr>` and
//! `eval range from <a> to <b> step <s> <expr>` with expectations, blocks ended
//! by an empty line. Every instant evaluation runs again as the middle step of
//! a range query, and with `@` on every selector at other times.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use model::histogram::CounterReset;
use model::labels::Labels;
use promql::ast::{At, Expr, ExprKind};
use promql::eval::{Engine, EvalError, Output, Point, QueryLimits, QueryRange, Series, Value};
use promql::histogram::{FloatHistogram, compact};
use promql::number::{parse_duration, parse_number};
use promql::series::{STALE_NAN_BITS, SequenceValue, metric_end, parse_series, parse_values};
use regex::Regex;

use crate::nhcb;
use crate::storage::Storage;

/// Results of one script.
#[derive(Default)]
pub(crate) struct Tally {
    /// Right answers.
    pub(crate) passed: usize,
    /// Wrong answers: line and reason.
    pub(crate) failed: Vec<String>,
}

/// When and what to evaluate.
#[derive(Clone, Copy)]
enum When {
    Instant(i64),
    Range(QueryRange),
}

#[derive(Default)]
struct Expectations {
    fail: Option<Option<Text>>,
    warn: Vec<Option<Text>>,
    info: Vec<Option<Text>>,
    no_warn: bool,
    no_info: bool,
    ordered: bool,
    string: Option<String>,
    range_vector: Option<QueryRange>,
    scalar: Option<f64>,
    series: Vec<(Labels, Vec<SequenceValue>)>,
}

enum Text {
    Exact(String),
    Pattern(Regex),
}

impl Text {
    fn matches(&self, message: &str) -> bool {
        match self {
            Text::Exact(text) => text == message,
            Text::Pattern(regex) => regex.is_match(message),
        }
    }
}

/// Runs a whole script.
pub(crate) fn run(text: &str) -> Tally {
    let mut tally = Tally::default();
    let mut storage = Storage::default();
    // A comment ends a block as an empty line does.
    let lines: Vec<&str> = text.lines().map(str::trim).map(|l| if l.starts_with('#') { "" } else { l }).collect();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let block: Vec<&str> = lines[at + 1..].iter().take_while(|l| !l.is_empty()).copied().collect();
        let word = line.split_whitespace().next().unwrap_or("").to_lowercase();
        if word == "clear" {
            storage.clear();
            at += 1;
        } else if word.starts_with("load") {
            load(&mut storage, line, &block).unwrap_or_else(|e| panic!("line {}: {e}", at + 1));
            at += 1 + block.len();
        } else if word.starts_with("eval") {
            match evaluate(&storage, line, &block) {
                Ok(()) => tally.passed += 1,
                Err(reason) => tally.failed.push(format!("line {}: {line}\n      {reason}", at + 1)),
            }
            at += 1 + block.len();
        } else {
            assert!(line.is_empty(), "line {}: unknown command {line:?}", at + 1);
            at += 1;
        }
    }
    tally
}

fn duration(text: &str) -> Result<i64, String> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let ms = parse_duration(digits).or_else(|| parse_number(digits).map(|s| (s * 1000.0) as i64));
    ms.map(|ms| ms * sign).ok_or_else(|| format!("bad duration {text:?}"))
}

fn load(storage: &mut Storage, line: &str, block: &[&str]) -> Result<(), String> {
    let (command, step) = line.split_once(char::is_whitespace).ok_or("load without a step")?;
    let step_ms = duration(step.trim())?;
    let mut series: BTreeMap<Labels, Vec<SequenceValue>> = BTreeMap::new();
    let mut starts: BTreeMap<Labels, Vec<SequenceValue>> = BTreeMap::new();
    for line in block {
        let end = metric_end(line);
        if let Some(rest) = line[end..].strip_prefix("@st") {
            let labels = promql::parse_metric(&line[..end]).map_err(|e| e.to_string())?;
            let values = parse_values(rest, 0).map_err(|e| format!("{line}: {e}"))?;
            starts.insert(labels, values);
            continue;
        }
        let (labels, values) = parse_series(line).map_err(|e| format!("{line}: {e}"))?;
        series.insert(labels, values);
    }
    for (labels, values) in &series {
        let starts = starts.get(labels);
        if starts.is_some_and(|s| s.len() != values.len()) {
            return Err(format!("{labels}: as many start times as values are needed"));
        }
        storage.load(labels, values, starts.map(Vec::as_slice), step_ms);
    }
    if command.ends_with("with_nhcb") {
        for (labels, values) in nhcb::collate(&series) {
            storage.load(&labels, &values, None, step_ms);
        }
    }
    Ok(())
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a valid pattern")
}

fn header(line: &str) -> Result<(When, String, Option<String>), String> {
    static INSTANT: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^eval(?:_(fail|warn|ordered|info))?\s+instant\s+at\s+(\S+)\s+(.+)$"));
    static RANGE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$")
    });
    if let Some(c) = INSTANT.captures(line) {
        return Ok((When::Instant(duration(&c[2])?), c[3].to_owned(), c.get(1).map(|m| m.as_str().to_owned())));
    }
    let c = RANGE.captures(line).ok_or("not an eval command")?;
    let range = QueryRange { start_ms: duration(&c[2])?, end_ms: duration(&c[3])?, step_ms: duration(&c[4])? };
    Ok((When::Range(range), c[5].to_owned(), c.get(1).map(|m| m.as_str().to_owned())))
}

fn expectations(block: &[&str], prefix: Option<&str>) -> Result<Expectations, String> {
    let mut e = Expectations::default();
    match prefix {
        Some("fail") => e.fail = Some(None),
        Some("warn") => e.warn.push(None),
        Some("info") => e.info.push(None),
        Some("ordered") => e.ordered = true,
        _ => {}
    }
    static DIRECTIVE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$"));
    static VECTOR: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^expect\s+range\s+vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$"));
    for line in block {
        if let Some(c) = DIRECTIVE.captures(line) {
            let text = c.get(3).map(|m| m.as_str().trim());
            let text = text.map(|t| match &c[2] {
                "msg" => Text::Exact(t.to_owned()),
                _ => Text::Pattern(pattern(t)),
            });
            match &c[1] {
                "ordered" => e.ordered = true,
                "fail" => e.fail = Some(text),
                "warn" => e.warn.push(text),
                "info" => e.info.push(text),
                "no_warn" => e.no_warn = true,
                _ => e.no_info = true,
            }
        } else if let Some(c) = VECTOR.captures(line) {
            let (start_ms, end_ms, step_ms) = (duration(&c[1])?, duration(&c[2])?, duration(&c[3])?);
            e.range_vector = Some(QueryRange { start_ms, end_ms, step_ms });
        } else if let Some(text) = line.strip_prefix("expect string ") {
            let ExprKind::String(text) = promql::parse(text).map_err(|e| e.to_string())?.kind else {
                return Err("expected a quoted text".to_owned());
            };
            e.string = Some(text);
        } else if let Some(text) = line.strip_prefix("expected_fail_message ") {
            e.fail = Some(Some(Text::Exact(text.trim().to_owned())));
        } else if let Some(text) = line.strip_prefix("expected_fail_regexp ") {
            e.fail = Some(Some(Text::Pattern(pattern(text.trim()))));
        } else if let Some(v) = parse_number(line) {
            e.scalar = Some(v);
        } else {
            e.series.push(parse_series(line).map_err(|e| format!("{line}: {e}"))?);
        }
    }
    Ok(e)
}

fn execute(storage: &Storage, query: &str, expr: &Expr, when: When) -> Result<Output, EvalError> {
    let engine = Engine::default();
    let limits = QueryLimits::default();
    match when {
        When::Instant(at) => engine.instant(storage, query, expr, at, &limits),
        When::Range(range) => engine.range(storage, query, expr, range, &limits),
    }
}

fn evaluate(storage: &Storage, line: &str, block: &[&str]) -> Result<(), String> {
    let (mut when, query, prefix) = header(line)?;
    let e = expectations(block, prefix.as_deref())?;
    if let Some(range) = e.range_vector {
        when = When::Instant(range.end_ms);
    }
    let expr = match promql::parse(&query) {
        Ok(expr) => expr,
        Err(_) if matches!(e.fail, Some(None)) => return Ok(()),
        Err(err) => return failure(&e, &err.to_string()),
    };
    let output = match execute(storage, &query, &expr, when) {
        Ok(output) => output,
        Err(err) => return failure(&e, &err.to_string()),
    };
    if e.fail.is_some() {
        return Err("expected a failure".to_owned());
    }
    notes(&output.warnings, &e.warn, e.no_warn, "warning")?;
    notes(&output.infos, &e.info, e.no_info, "info")?;
    compare(&e, when, &output.value)?;
    if let When::Instant(at) = when {
        let inner = |reason: String| format!("in a repetition: {reason}");
        as_middle_step(storage, &query, &expr, at, &e, &output.value).map_err(inner)?;
        with_fixed_time(storage, &expr, at, &e).map_err(inner)?;
    }
    Ok(())
}

fn failure(e: &Expectations, message: &str) -> Result<(), String> {
    match &e.fail {
        Some(None) => Ok(()),
        Some(Some(text)) if text.matches(message) => Ok(()),
        Some(Some(_)) => Err(format!("fails with other words: {message}")),
        None => Err(format!("fails: {message}")),
    }
}

fn notes(actual: &[String], expected: &[Option<Text>], none: bool, what: &str) -> Result<(), String> {
    if none && !actual.is_empty() {
        return Err(format!("unexpected {what}: {actual:?}"));
    }
    if expected.is_empty() {
        return Ok(());
    }
    let fits = |text: &Option<Text>, m: &String| text.as_ref().is_none_or(|t| t.matches(m));
    if let Some(extra) = actual.iter().find(|m| !expected.iter().any(|t| fits(t, m))) {
        return Err(format!("unexpected {what}: {extra}"));
    }
    if expected.iter().any(|t| !actual.iter().any(|m| fits(t, m))) {
        return Err(format!("missing {what}, got {actual:?}"));
    }
    Ok(())
}

fn compare(e: &Expectations, when: When, value: &Value) -> Result<(), String> {
    match (value, when) {
        (Value::String(text), _) => {
            if e.string.as_ref() == Some(text) {
                Ok(())
            } else {
                Err(format!("got the text {text:?}"))
            }
        }
        (Value::Scalar(s), _) => match e.scalar {
            Some(want) if close(want, s.value) => Ok(()),
            want => Err(format!("expected {want:?}, got {}", s.value)),
        },
        (Value::Vector(samples), _) => {
            let actual: Vec<Actual> = samples.iter().map(|s| (s.labels.clone(), vec![(0, s.value.clone())])).collect();
            let range = QueryRange { start_ms: 0, end_ms: 0, step_ms: 1 };
            compare_series(e, &actual, range, e.ordered)
        }
        (Value::Matrix(series), when) => {
            let range = match (when, e.range_vector) {
                (_, Some(range)) | (When::Range(range), None) => range,
                (When::Instant(_), None) => return Err("unexpected range vector".to_owned()),
            };
            if !series.is_sorted_by(|a, b| a.labels <= b.labels) {
                return Err("matrix is not sorted".to_owned());
            }
            let actual: Vec<Actual> = series.iter().map(points).collect();
            compare_series(e, &actual, range, false)
        }
    }
}

fn compare_series(e: &Expectations, actual: &[Actual], range: QueryRange, ordered: bool) -> Result<(), String> {
    if e.scalar.is_some() {
        return Err("expected a scalar".to_owned());
    }
    let got = || {
        actual
            .iter()
            .map(|(l, s)| format!("{l} {:?}", s.iter().map(|(_, v)| v).collect::<Vec<_>>()))
            .collect::<Vec<_>>()
    };
    if actual.len() != e.series.len() {
        return Err(format!("expected {} series, got {}: {:?}", e.series.len(), actual.len(), got()));
    }
    for (i, (labels, values)) in e.series.iter().enumerate() {
        let found =
            if ordered { actual.get(i).filter(|(l, _)| l == labels) } else { actual.iter().find(|(l, _)| l == labels) };
        let Some((_, samples)) = found else {
            return Err(format!("no {labels} (at {i}) in {:?}", got()));
        };
        let mut rest = samples.iter().peekable();
        for (step, value) in values.iter().enumerate() {
            let t_ms = range.start_ms + range.step_ms * step as i64;
            let sample = rest.next_if(|(t, _)| *t == t_ms);
            match (value, sample) {
                (SequenceValue::Gap, None) => {}
                (SequenceValue::Float(want), Some((_, Point::Float(got)))) if close(*want, *got) => {}
                (SequenceValue::Histogram(want), Some((_, Point::Histogram(got)))) if alike(want, got) => {}
                (value, sample) => {
                    return Err(format!(
                        "{labels} at step {step}: expected {value:?}, got {sample:?}; all: {:?}",
                        got()
                    ));
                }
            }
        }
        if let Some(extra) = rest.next() {
            return Err(format!("{labels} has an unexpected sample {extra:?}"));
        }
    }
    Ok(())
}

/// Labels, and points by time.
type Actual = (Labels, Vec<(i64, Point)>);

fn points(series: &Series) -> Actual {
    let floats = series.samples.iter().map(|s| (s.t_ms, Point::Float(s.value)));
    let histograms = series.histograms.iter().map(|s| (s.t_ms, Point::Histogram(s.histogram.clone())));
    let mut all: Vec<(i64, Point)> = floats.chain(histograms).collect();
    all.sort_by_key(|(t_ms, _)| *t_ms);
    (series.labels.clone(), all)
}

/// The same histogram up to rounding; the hint only when one is wanted.
fn alike(want: &FloatHistogram, got: &FloatHistogram) -> bool {
    let (want, got) = (compact(want), compact(got));
    let all = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(*a, *b));
    let hint = want.counter_reset == CounterReset::Unknown || want.counter_reset == got.counter_reset;
    hint && want.schema == got.schema
        && close(want.count, got.count)
        && close(want.sum, got.sum)
        && close(want.zero_count, got.zero_count)
        && want.zero_threshold == got.zero_threshold
        && want.custom_bounds == got.custom_bounds
        && want.positive_spans == got.positive_spans
        && want.negative_spans == got.negative_spans
        && all(&want.positive, &got.positive)
        && all(&want.negative, &got.negative)
}

/// Equal up to 1e-6 of the sum of both.
fn close(a: f64, b: f64) -> bool {
    let stale = |v: f64| v.to_bits() == STALE_NAN_BITS;
    if stale(a) || stale(b) {
        return stale(a) && stale(b);
    }
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let difference = (a - b).abs();
    let sum = a.abs() + b.abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < 1e-6 * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < 1e-6
}

/// The same query as the middle step of a range query gives the same.
fn as_middle_step(
    storage: &Storage,
    query: &str,
    expr: &Expr,
    at: i64,
    e: &Expectations,
    value: &Value,
) -> Result<(), String> {
    let depends = ["start()", "end()", "range()", "step()"].iter().any(|f| query.to_lowercase().contains(f));
    if e.ordered || depends || matches!(value, Value::String(_) | Value::Matrix(_)) {
        return Ok(());
    }
    let range = QueryRange { start_ms: at - 60_000, end_ms: at + 60_000, step_ms: 60_000 };
    let output = match execute(storage, query, expr, When::Range(range)) {
        Ok(output) => output,
        Err(err) => return Err(format!("as a range query: {err}")),
    };
    let Value::Matrix(series) = output.value else { return Err("not a matrix".to_owned()) };
    let middle: Vec<Actual> = series
        .iter()
        .filter_map(|s| {
            let (labels, points) = points(s);
            let point = points.into_iter().find(|(t_ms, _)| *t_ms == at)?;
            Some((labels, vec![(0, point.1)]))
        })
        .collect();
    if let Some(want) = e.scalar {
        return match middle.as_slice() {
            [(_, s)] if matches!(s.as_slice(), [(_, Point::Float(got))] if close(want, *got)) => Ok(()),
            other => Err(format!("expected {want} as middle step, got {other:?}")),
        };
    }
    compare_series(e, &middle, QueryRange { start_ms: 0, end_ms: 0, step_ms: 1 }, false)
}

/// With the time fixed on every selector the time of evaluation does not matter.
fn with_fixed_time(storage: &Storage, expr: &Expr, at: i64, e: &Expectations) -> Result<(), String> {
    let mut fixed = expr.clone();
    if e.range_vector.is_some() || !fix_time(&mut fixed, at) {
        return Ok(());
    }
    // Through the printer, which is tested here by the way.
    let query = fixed.to_string();
    let fixed = promql::parse(&query).map_err(|e| format!("{query}: {e}"))?;
    let times = if at == 0 { vec![-1000, 0, 1000] } else { vec![-10 * at, 0, at / 5, at, 10 * at] };
    for t in times {
        let output = execute(storage, &query, &fixed, When::Instant(t)).map_err(|e| format!("{query} at {t}: {e}"))?;
        compare(e, When::Instant(t), &output.value).map_err(|e| format!("{query} at {t}: {e}"))?;
    }
    Ok(())
}

/// Functions whose value depends on the time of evaluation.
const TIME_DEPENDENT: [&str; 13] = [
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "hour",
    "minute",
    "month",
    "year",
    "predict_linear",
    "time",
    "timestamp",
    "start",
    "end",
];

/// Puts `@ at` where no time is fixed; false when that would change the meaning.
fn fix_time(e: &mut Expr, at: i64) -> bool {
    let set = |m: &mut promql::ast::TimeModifiers| {
        if !matches!(m.at, Some(At::UnixMillis(_))) {
            m.at = Some(At::UnixMillis(at));
        }
    };
    match &mut e.kind {
        ExprKind::Number(_) | ExprKind::String(_) => true,
        ExprKind::Selector(s) => {
            set(&mut s.modifiers);
            true
        }
        ExprKind::Range(r) => {
            set(&mut r.selector.modifiers);
            true
        }
        ExprKind::Subquery(s) => {
            set(&mut s.modifiers);
            !mentions_time(&s.expr)
        }
        ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) => fix_time(expr, at),
        ExprKind::Binary(b) => fix_time(&mut b.lhs, at) && fix_time(&mut b.rhs, at),
        ExprKind::Aggregate(a) => a.param.as_mut().is_none_or(|p| fix_time(p, at)) && fix_time(&mut a.expr, at),
        ExprKind::Call(c) => {
            !TIME_DEPENDENT.contains(&c.function.name) && c.args.iter_mut().all(|arg| fix_time(arg, at))
        }
    }
}

fn mentions_time(e: &Expr) -> bool {
    let text = e.to_string();
    text.contains(" @ start()") || text.contains(" @ end()")
}
