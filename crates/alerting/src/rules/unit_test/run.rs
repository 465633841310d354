//! Evaluates the rules of a test step by step and compares.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use foundation::UnixNanos;
use model::Labels;
use promql::eval::{Point, Value};
use promql::number::format_duration;
use promql::series::{SequenceValue, metric_end, parse_series, parse_values};

use super::Verdict;
use super::file::{AlertTest, ExpectedSample, ExprTest, InputSeries, Millis, TestFile, TestGroup};
use crate::alert::{ALERTNAME, Alert};
use crate::rules::doors::AlertSink;
use crate::rules::group::{GroupRun, Options, Surroundings};
use crate::rules::memory::MemoryStore;
use crate::rules::spec::Group;
use crate::rules::state::AlertState;
use crate::rules::template::External;

/// Evaluations of one test.
const STEPS_MAX: i64 = 1_000_000;

/// Alerts of a unit test are compared, not sent.
struct Nobody;

impl AlertSink for Nobody {
    fn send(&self, _: &[Alert]) {}
}

pub(super) fn run(file: &TestFile, groups: &[Group]) -> Verdict {
    let mut groups = groups.to_vec();
    let order = |g: &Group| file.group_eval_order.iter().position(|name| *name == g.name).unwrap_or(0);
    groups.sort_by_key(order);
    let mut verdict = Verdict::default();
    if file.evaluation_interval.0 <= 0 {
        verdict.failures.push("evaluation_interval must be greater than zero".to_owned());
        return verdict;
    }
    for (n, test) in file.tests.iter().enumerate() {
        let name = if test.name.is_empty() { format!("test {}", n + 1) } else { test.name.clone() };
        let failures = match Case::new(file, test, &groups) {
            Ok(case) => case.run(),
            Err(e) => vec![e],
        };
        if failures.is_empty() {
            verdict.passed += 1;
        }
        verdict.failures.extend(failures.into_iter().map(|f| format!("{name}: {f}")));
    }
    verdict
}

/// One test, ready to run.
struct Case<'a> {
    file: &'a TestFile,
    test: &'a TestGroup,
    store: Arc<MemoryStore>,
    surroundings: Surroundings,
    groups: Vec<GroupRun>,
    start_ms: i64,
}

impl<'a> Case<'a> {
    fn new(file: &'a TestFile, test: &'a TestGroup, groups: &[Group]) -> Result<Self, String> {
        let interval = test.interval.unwrap_or(file.evaluation_interval);
        if interval.0 <= 0 {
            return Err("interval must be greater than zero".to_owned());
        }
        let start_ms = test.start_timestamp.as_deref().map_or(Ok(0), start)?;
        let store = Arc::new(MemoryStore::new());
        let until_ms = start_ms + last_evaluation(file, test);
        for series in &test.input_series {
            load(&store, series, (start_ms, until_ms), interval)?;
        }
        let external = External {
            labels: test.external_labels.iter().map(|(n, v)| (n.clone(), v.clone())).collect(),
            url: test.external_url.trim_end_matches('/').to_owned(),
        };
        let interval = Duration::from_millis(interval.0.unsigned_abs());
        let surroundings = Surroundings {
            query: store.clone(),
            appender: store.clone(),
            sink: Arc::new(Nobody),
            external,
            timeline: None,
            options: Options { interval, ..Options::default() },
        };
        let groups = groups.iter().map(|g| GroupRun::new(g.clone(), false)).collect();
        Ok(Self { file, test, store, surroundings, groups, start_ms })
    }

    fn run(mut self) -> Vec<String> {
        let (step, last) = (self.file.evaluation_interval.0, last_evaluation(self.file, self.test));
        if last / step >= STEPS_MAX {
            return vec![format!("more than {STEPS_MAX} evaluations: take a longer evaluation_interval")];
        }
        let mut failures = Vec::new();
        let mut at = 0;
        while at <= last {
            let failed = self.evaluate(at);
            if !failed.is_empty() {
                failures.extend(failed);
                return failures;
            }
            let now = |t: &&AlertTest| (at..at + step).contains(&t.eval_time.0);
            failures.extend(self.test.alert_rule_test.iter().filter(now).filter_map(|t| self.alerts(t)));
            at += step;
        }
        failures.extend(self.test.promql_expr_test.iter().filter_map(|t| self.value(t)));
        failures
    }

    fn evaluate(&mut self, at: i64) -> Vec<String> {
        let mut failed = Vec::new();
        for group in &mut self.groups {
            group.evaluate(UnixNanos::from_millis(self.start_ms + at), None, &self.surroundings);
            for rule in &group.rules {
                if let Some(e) = rule.last.as_ref().and_then(|l| l.error.as_ref()) {
                    failed.push(format!("rule: {}, time: {}, err: {e}", rule.spec.name, format_duration(at)));
                }
            }
        }
        failed
    }

    /// What is wrong with the alerts that fire.
    fn alerts(&self, test: &AlertTest) -> Option<String> {
        let time = format_duration(test.eval_time.0);
        if test.alertname.is_empty() {
            return Some(format!(
                "an item under alert_rule_test misses required attribute alertname at eval_time {time}"
            ));
        }
        let rules = self.groups.iter().flat_map(|g| &g.rules).filter(|r| r.spec.name == test.alertname);
        let firing = rules.flat_map(|r| r.instances.shown()).filter(|a| a.state == AlertState::Firing);
        let mut got: Vec<(Labels, Labels)> = firing.map(|a| (a.labels.clone(), a.annotations.clone())).collect();
        let labels =
            |texts: &BTreeMap<String, String>| texts.iter().map(|(n, v)| (n.clone(), v.clone())).collect::<Labels>();
        let expected = test.exp_alerts.iter().map(|e| {
            let mut named = labels(&e.exp_labels);
            named.set(ALERTNAME, &test.alertname);
            (named, labels(&e.exp_annotations))
        });
        let mut expected: Vec<(Labels, Labels)> = expected.collect();
        got.sort();
        expected.sort();
        if got == expected {
            return None;
        }
        Some(format!(
            "alertname: {}, time: {time}, \n    exp:{}, \n    got:{}",
            test.alertname,
            list(&expected),
            list(&got)
        ))
    }

    /// What is wrong with the value of an expression.
    fn value(&self, test: &ExprTest) -> Option<String> {
        let about = format!("expr: {:?}, time: {}", test.expr, format_duration(test.eval_time.0));
        let mut expected = Vec::new();
        for sample in &test.exp_samples {
            match parsed(sample) {
                Ok(sample) => expected.push(sample),
                Err(e) => return Some(format!("{about}, err: {e}")),
            }
        }
        let value = match self.store.value(&test.expr, self.start_ms + test.eval_time.0) {
            Ok(value) => value,
            Err(e) => return Some(format!("{about}, err: {e}")),
        };
        let mut got: Vec<(Labels, Point)> = match value {
            Value::Scalar(s) => vec![(Labels::default(), Point::Float(s.value))],
            Value::Vector(v) => v.into_iter().map(|s| (s.labels, s.value)).collect(),
            Value::String(_) | Value::Matrix(_) => {
                return Some(format!("{about}, err: rule result is not a vector or scalar"));
            }
        };
        got.sort_by(|a, b| a.0.cmp(&b.0));
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        let same =
            |(a, b): (&(Labels, Point), &(Labels, Point))| a.0 == b.0 && equal(&a.1, &b.1, self.file.fuzzy_compare);
        if got.len() == expected.len() && got.iter().zip(&expected).all(same) {
            return None;
        }
        let show = |samples: &[(Labels, Point)]| {
            let each: Vec<_> = samples.iter().map(|(l, v)| format!("{l} {v}")).collect();
            if each.is_empty() { "nil".to_owned() } else { each.join(", ") }
        };
        Some(format!("{about},\n    exp: {}\n    got: {}", show(&expected), show(&got)))
    }
}

/// When rules are evaluated last, milliseconds after the start. What comes later is not known to expressions either, as in promtool.
fn last_evaluation(file: &TestFile, test: &TestGroup) -> i64 {
    let times = test.alert_rule_test.iter().map(|t| t.eval_time);
    let last = times.chain(test.promql_expr_test.iter().map(|t| t.eval_time)).max().unwrap_or_default();
    last.0 / file.evaluation_interval.0 * file.evaluation_interval.0
}

/// Unix seconds or RFC 3339 in milliseconds.
fn start(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Ok((seconds * 1000.0) as i64);
    }
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map(jiff::Timestamp::as_millisecond).map_err(|e| format!("start_timestamp: {e}"))
}

fn load(
    store: &MemoryStore,
    input: &InputSeries,
    (start_ms, until_ms): (i64, i64),
    interval: Millis,
) -> Result<(), String> {
    let series = input.series.as_str();
    let wrong = |e: promql::ParseError| format!("input_series {series:?}: {e}");
    let end = metric_end(series);
    if !series.get(end..).unwrap_or_default().trim().is_empty() {
        return Err(format!("input_series {series:?}: more than the name of a series"));
    }
    let labels = promql::parse_metric(series).map_err(wrong)?;
    for (n, value) in parse_values(&input.values, 0).map_err(wrong)?.into_iter().enumerate() {
        let t = start_ms + n as i64 * interval.0;
        if t > until_ms {
            break;
        }
        match value {
            SequenceValue::Gap => {}
            SequenceValue::Float(v) => store.add(&labels, t, Point::Float(v)),
            SequenceValue::Histogram(h) => store.add(&labels, t, Point::Histogram(h)),
        }
    }
    Ok(())
}

fn parsed(sample: &ExpectedSample) -> Result<(Labels, Point), String> {
    let labels = if sample.labels.is_empty() { "{}" } else { &sample.labels };
    let labels = promql::parse_metric(labels).map_err(|e| format!("labels {labels:?}: {e}"))?;
    if !sample.histogram.is_empty() {
        let (_, values) = parse_series(&format!("{{}} {}", sample.histogram)).map_err(|e| e.to_string())?;
        let Some(SequenceValue::Histogram(h)) = values.into_iter().next() else {
            return Err(format!("{:?} is not a histogram", sample.histogram));
        };
        return Ok((labels, Point::Histogram(h)));
    }
    let text = sample.value.trim_start_matches('+').to_ascii_lowercase();
    let value = match text.as_str() {
        "" => 0.0,
        ".inf" | "inf" => f64::INFINITY,
        "-.inf" | "-inf" => f64::NEG_INFINITY,
        ".nan" | "nan" => f64::NAN,
        other => other.parse().map_err(|_| format!("{:?} is not a number", sample.value))?,
    };
    Ok((labels, Point::Float(value)))
}

fn equal(a: &Point, b: &Point, fuzzy: bool) -> bool {
    match (a, b) {
        (Point::Float(a), Point::Float(b)) if a.is_nan() => b.is_nan(),
        // promtool: one part in 2^49.
        (Point::Float(a), Point::Float(b)) if fuzzy => {
            a == b || (a - b).abs() <= a.abs().max(b.abs()) / (1u64 << 49) as f64
        }
        (Point::Float(a), Point::Float(b)) => a == b,
        (Point::Histogram(a), Point::Histogram(b)) => promql::histogram::compact(a) == promql::histogram::compact(b),
        _ => false,
    }
}

fn list(alerts: &[(Labels, Labels)]) -> String {
    if alerts.is_empty() {
        return "[]".to_owned();
    }
    let each = alerts.iter().enumerate().fold(String::from("["), |mut out, (n, (labels, annotations))| {
        let _ = write!(out, "\n        {n}:\n          Labels:{labels}\n          Annotations:{annotations}");
        out
    });
    each + "\n        ]"
}
