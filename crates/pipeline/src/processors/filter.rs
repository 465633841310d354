//! `filter`: drops what meets one of its conditions.

use std::sync::Arc;

use foundation::Clock;
use foundation::ErrorKind;
use foundation::clock::SystemClock;
use model::Signal;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::scenes::each;
use crate::component::{Processor, ProcessorFactory, Refused, SIGNALS, Setup, Step};
use crate::ottl::{Condition, Conditions, Context, ErrorMode, infer};
use crate::refusal::Refusal;
use crate::telemetry::{Telemetry, Tree};

pub(super) const FACTORY: ProcessorFactory = ProcessorFactory { names: &["filter"], signals: SIGNALS, build };

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    error_mode: ErrorMode,
    traces: TracesConfig,
    metrics: MetricsConfig,
    logs: LogsConfig,
    trace_conditions: Vec<String>,
    metric_conditions: Vec<String>,
    log_conditions: Vec<String>,
    /// Of Collectors before OTTL; refused, because what it would drop is not dropped otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    spans: Option<serde_json::Value>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct TracesConfig {
    resource: Vec<String>,
    span: Vec<String>,
    spanevent: Vec<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct MetricsConfig {
    resource: Vec<String>,
    metric: Vec<String>,
    datapoint: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<NamesConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude: Option<NamesConfig>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct LogsConfig {
    resource: Vec<String>,
    log_record: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude: Option<serde_json::Value>,
}

/// Metrics by name.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct NamesConfig {
    match_type: String,
    metric_names: Vec<String>,
}

fn build(setup: &mut Setup<'_>, signal: Signal) -> Result<Step, Refused> {
    let c: Config = setup.read()?;
    for (setting, given) in [("spans", &c.spans), ("logs.include", &c.logs.include), ("logs.exclude", &c.logs.exclude)]
    {
        if given.is_some() {
            let message = "this form is not understood; write conditions under `traces.span` or `logs.log_record`, for example `IsMatch(name, \"^/health\")`";
            return Err(setup.error(setting, message));
        }
    }
    // Outermost first: what a condition on resources drops is not looked into.
    let lists: [(Signal, Context, &str, &[String]); 8] = [
        (Signal::Traces, Context::Resource, "traces.resource", &c.traces.resource),
        (Signal::Traces, Context::Span, "traces.span", &c.traces.span),
        (Signal::Traces, Context::SpanEvent, "traces.spanevent", &c.traces.spanevent),
        (Signal::Metrics, Context::Resource, "metrics.resource", &c.metrics.resource),
        (Signal::Metrics, Context::Metric, "metrics.metric", &c.metrics.metric),
        (Signal::Metrics, Context::DataPoint, "metrics.datapoint", &c.metrics.datapoint),
        (Signal::Logs, Context::Resource, "logs.resource", &c.logs.resource),
        (Signal::Logs, Context::Log, "logs.log_record", &c.logs.log_record),
    ];
    let (mut rules, mut refused) = (Vec::new(), None);
    let mut add =
        |setup: &mut Setup<'_>, of: Signal, context: Context, place: String, text: &str| match Condition::parse(
            text, context,
        ) {
            Ok(condition) if of == signal => rules.push((context, condition)),
            Ok(_) => {}
            Err(e) => refused = Some(setup.error(&place, e.to_string())),
        };
    for (of, context, setting, texts) in lists {
        for (n, text) in texts.iter().enumerate() {
            add(setup, of, context, format!("{setting}[{n}]"), text);
        }
    }
    let inferred = [
        (Signal::Traces, "trace_conditions", &c.trace_conditions),
        (Signal::Metrics, "metric_conditions", &c.metric_conditions),
        (Signal::Logs, "log_conditions", &c.log_conditions),
    ];
    for (of, setting, texts) in inferred {
        for (n, text) in texts.iter().enumerate() {
            let place = format!("{setting}[{n}]");
            let context = infer(of, text).map_err(|e| setup.error(&place, e.to_string()))?;
            add(setup, of, context, place, text);
        }
    }
    if let Some(refused) = refused {
        return Err(refused);
    }
    rules.sort_by_key(|(context, _)| *context);
    let mut stages: Vec<(Context, Vec<Condition>)> = Vec::new();
    for (context, condition) in rules {
        match stages.last_mut() {
            Some((last, conditions)) if *last == context => conditions.push(condition),
            _ => stages.push((context, vec![condition])),
        }
    }
    let stages = stages.into_iter().map(|(context, list)| (context, Conditions::any(list, c.error_mode))).collect();
    let include = c.metrics.include.map(|n| Names::build(setup, "metrics.include", &n)).transpose()?;
    let exclude = c.metrics.exclude.map(|n| Names::build(setup, "metrics.exclude", &n)).transpose()?;
    Ok(Step::Each(Arc::new(Filter { stages, include, exclude, clock: Arc::new(SystemClock) })))
}

/// Metrics by name.
struct Names {
    strict: Vec<String>,
    patterns: Vec<Regex>,
}

impl Names {
    fn build(setup: &mut Setup<'_>, setting: &str, c: &NamesConfig) -> Result<Self, Refused> {
        match &*c.match_type {
            "strict" => Ok(Self { strict: c.metric_names.clone(), patterns: vec![] }),
            "regexp" => {
                let patterns: Result<Vec<_>, _> = c.metric_names.iter().map(|n| Regex::new(n)).collect();
                let patterns = patterns.map_err(|e| setup.error(&format!("{setting}.metric_names"), e.to_string()))?;
                Ok(Self { strict: vec![], patterns })
            }
            other => {
                let message =
                    format!("`{other}` is not known; write `strict` or `regexp`, or conditions under `metrics.metric`");
                Err(setup.error(&format!("{setting}.match_type"), message))
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.strict.iter().any(|s| s == name) || self.patterns.iter().any(|p| p.is_match(name))
    }
}

struct Filter {
    stages: Vec<(Context, Conditions)>,
    include: Option<Names>,
    exclude: Option<Names>,
    clock: Arc<dyn Clock>,
}

impl Processor for Filter {
    fn process(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        if self.stages.is_empty() && self.include.is_none() && self.exclude.is_none() {
            return Ok(Some(telemetry));
        }
        let now = self.clock.now().0;
        let tree = telemetry.tree_mut()?;
        if let Tree::Metrics(metrics) = tree {
            metrics.retain(|_, _, m| {
                self.include.as_ref().is_none_or(|i| i.has(&m.name))
                    && !self.exclude.as_ref().is_some_and(|e| e.has(&m.name))
            });
        }
        for (context, conditions) in &self.stages {
            let result = each(tree, *context, now, &mut |scene| conditions.hold(scene).map(|drop| !drop));
            result
                .map_err(|e| Refusal::new(ErrorKind::InvalidInput, format!("a condition of `filter` failed: {e}")))?;
        }
        Ok((!tree.is_empty()).then_some(telemetry))
    }
}

#[cfg(test)]
mod tests {
    use wire::otlp::tree::{Event, Temporality};

    use super::super::testing::{built, log, of_service, process, processor, span, sum};
    use super::*;

    #[test]
    fn spans_and_events_are_dropped() {
        let p = processor(
            &FACTORY,
            Signal::Traces,
            r#"{traces: {span: ['IsMatch(name, "^/health")', 'attributes["n"] > 5'], spanevent: ['name == "noise"']}}"#,
        );
        let mut s = span(1, 2, "/a");
        s.events = ["noise", "x"].map(|n| Event { name: n.into(), ..Event::default() }).into();
        let Some(Tree::Traces(t)) = process(&*p, of_service("s", vec![span(1, 1, "/healthz"), s])) else { panic!() };
        let left: Vec<_> = t.records().map(|s| (s.name.to_string(), s.events.len())).collect();
        assert_eq!(left, [("/a".to_owned(), 1)]);
        assert!(process(&*p, of_service("s", vec![span(1, 1, "/health")])).is_none(), "nothing is left");
    }

    #[test]
    fn metrics_by_name_and_by_points() {
        let p = processor(
            &FACTORY,
            Signal::Metrics,
            r#"{metrics: {exclude: {match_type: regexp, metric_names: ["^go_"]}, datapoint: ["value_int == 2"]}, metric_conditions: ['metric.name == "c"']}"#,
        );
        let metrics = ["go_x", "a", "b", "c"].into_iter().zip([1, 2, 3, 4]).map(|(n, v)| sum(n, v, Temporality::DELTA));
        let Some(Tree::Metrics(t)) = process(&*p, of_service("s", metrics.collect())) else { panic!() };
        assert_eq!(t.records().map(|m| m.name.to_string()).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn logs_by_resource() {
        let p = processor(
            &FACTORY,
            Signal::Logs,
            r#"log_conditions: ['resource.attributes["service.name"] == "x"', 'log.severity_number < SEVERITY_NUMBER_WARN']"#,
        );
        assert!(process(&*p, of_service("x", vec![log("a")])).is_none());
        let mut warn = log("b");
        warn.severity_number = 13;
        let Some(Tree::Logs(t)) = process(&*p, of_service("y", vec![log("a"), warn])) else { panic!() };
        assert_eq!(t.items(), 1);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (yaml, message) in [
            ("traces:\n  span:\n  - nam == \"x\"", "test.yaml:3"),
            ("spans: {exclude: {}}", "write conditions under `traces.span`"),
            ("metrics: {include: {match_type: expr}}", "`expr` is not known"),
            ("log_conditions: ['body == \"x\"']", "write one of resource, scope, log"),
        ] {
            let Err(said) = built(&FACTORY, Signal::Traces, yaml) else { panic!("{yaml}") };
            assert!(said.contains(message), "{yaml}: {said}");
        }
    }
}
