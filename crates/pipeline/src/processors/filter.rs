//! `filter`: drops what meets one of its conditions.

mod earlier;

use std::sync::Arc;

use foundation::Clock;
use foundation::ErrorKind;
use foundation::clock::SystemClock;
use model::Signal;
use serde::{Deserialize, Serialize};

use self::earlier::Earlier;
use super::scenes::each;
use crate::component::{Processor, ProcessorFactory, Refused, SIGNALS, Setup, Step};
use crate::ottl::{Condition, Conditions, Context, ErrorMode, infer};
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

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
    /// Of Collectors before OTTL.
    spans: earlier::Spans,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct TracesConfig {
    resource: Vec<String>,
    span: Vec<String>,
    spanevent: Vec<String>,
    spanlink: Vec<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct MetricsConfig {
    resource: Vec<String>,
    metric: Vec<String>,
    datapoint: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<earlier::Metrics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude: Option<earlier::Metrics>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct LogsConfig {
    resource: Vec<String>,
    log_record: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<earlier::Logs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude: Option<earlier::Logs>,
}

fn build(setup: &mut Setup<'_>, signal: Signal) -> Result<Step, Refused> {
    let c: Config = setup.read()?;
    // Outermost first: what a condition on resources drops is not looked into.
    let lists: [(Signal, Context, &str, &[String]); 9] = [
        (Signal::Traces, Context::Resource, "traces.resource", &c.traces.resource),
        (Signal::Traces, Context::Span, "traces.span", &c.traces.span),
        (Signal::Traces, Context::SpanEvent, "traces.spanevent", &c.traces.spanevent),
        (Signal::Traces, Context::SpanLink, "traces.spanlink", &c.traces.spanlink),
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
    let of_logs = Earlier::build(setup, Signal::Logs, "logs", c.logs.include, c.logs.exclude)?;
    let of_metrics = Earlier::build(setup, Signal::Metrics, "metrics", c.metrics.include, c.metrics.exclude)?;
    let forms = [Earlier::of_spans(setup, c.spans)?, of_metrics, of_logs];
    let earlier = forms.into_iter().flatten().find(|form| form.signal() == signal);
    Ok(Step::Each(Arc::new(Filter { stages, earlier, clock: Arc::new(SystemClock) })))
}

struct Filter {
    stages: Vec<(Context, Conditions)>,
    earlier: Option<Earlier>,
    clock: Arc<dyn Clock>,
}

impl Processor for Filter {
    fn process(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        if self.stages.is_empty() && self.earlier.is_none() {
            return Ok(Some(telemetry));
        }
        let now = self.clock.now().0;
        let tree = telemetry.tree_mut()?;
        if let Some(earlier) = &self.earlier {
            earlier.apply(tree);
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
    use crate::telemetry::Tree;

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
    fn forms_from_before_ottl() {
        let names = |p: &dyn Processor, tree: Tree| match process(p, tree) {
            Some(Tree::Traces(t)) => t.records().map(|s| s.name.to_string()).collect::<Vec<_>>(),
            Some(Tree::Logs(t)) => t.records().map(|l| l.body.to_text().to_string()).collect(),
            Some(Tree::Metrics(t)) => t.records().map(|m| m.name.to_string()).collect(),
            None => vec![],
        };
        let spans = || Tree::from(of_service("shop", vec![span(1, 1, "/health"), span(1, 2, "/cart")]));
        let p = processor(
            &FACTORY,
            Signal::Traces,
            "spans: {include: {match_type: strict, services: [shop]}, exclude: {match_type: regexp, span_names: ['^/hea']}}",
        );
        assert_eq!(names(&*p, spans()), ["/cart"]);
        assert!(names(&*p, of_service("pay", vec![span(1, 1, "/x")]).into()).is_empty());
        let mut warn = log("warn");
        warn.severity_number = 13;
        let p = processor(
            &FACTORY,
            Signal::Logs,
            "logs: {include: {match_type: strict, severity_number: {min: 9}, resource_attributes: [{key: service.name, value: shop}]}}",
        );
        assert_eq!(names(&*p, of_service("shop", vec![log("unsaid"), warn.clone()]).into()), ["warn"]);
        assert!(names(&*p, of_service("pay", vec![warn]).into()).is_empty());
        let p = processor(
            &FACTORY,
            Signal::Metrics,
            "metrics: {include: {match_type: regexp, resource_attributes: [{key: service.name, value: '^sh'}]}}",
        );
        let metric = || vec![sum("m", 1, Temporality::DELTA)];
        assert_eq!(names(&*p, of_service("shop", metric()).into()), ["m"]);
        assert!(names(&*p, of_service("pay", metric()).into()).is_empty());
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (yaml, message) in [
            ("traces:\n  span:\n  - nam == \"x\"", "test.yaml:3"),
            (
                "spans:\n  exclude: {match_type: strict}",
                "test.yaml:2:3: error: processors.filter.spans.exclude: it asks for nothing",
            ),
            ("metrics: {include: {match_type: expr}}", "`expr` is not known"),
            (
                "logs:\n  include:\n    match_type: regexp\n    bodies: ['(']",
                "test.yaml:2:3: error: processors.filter.logs.include.log_bodies: `(` is not",
            ),
            ("log_conditions: ['body == \"x\"']", "write one of resource, scope, log"),
        ] {
            let Err(said) = built(&FACTORY, Signal::Traces, yaml) else { panic!("{yaml}") };
            assert!(said.contains(message), "{yaml}: {said}");
        }
    }
}
