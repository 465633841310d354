//! `transform`: runs OTTL statements on everything in a request.

use std::fmt;
use std::sync::Arc;

use foundation::Clock;
use foundation::ErrorKind;
use foundation::clock::SystemClock;
use model::Signal;
use serde::de::{self, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};

use super::groupbyattrs::{joined, parted};
use super::scenes::each;
use crate::component::{Processor, ProcessorFactory, Refused, SIGNALS, Setup, Step};
use crate::ottl::{Condition, Conditions, Context, ErrorMode, EvalError, OttlError, Scene, Statement, infer};
use crate::refusal::Refusal;
use crate::telemetry::{Telemetry, Tree};

pub(super) const FACTORY: ProcessorFactory = ProcessorFactory { names: &["transform"], signals: SIGNALS, build };

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    error_mode: ErrorMode,
    trace_statements: Vec<Part>,
    metric_statements: Vec<Part>,
    log_statements: Vec<Part>,
    /// Of logs: every record has a resource and scope of its own while statements run.
    flatten_data: bool,
}

/// A statement, or a block of them.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Part {
    Statement(String),
    Block(BlockConfig),
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct BlockConfig {
    context: String,
    conditions: Vec<String>,
    statements: Vec<String>,
    error_mode: Option<ErrorMode>,
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Part;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a statement, or a mapping with `context` and `statements`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Part, E> {
                Ok(Part::Statement(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Part, A::Error> {
                BlockConfig::deserialize(MapAccessDeserializer::new(map)).map(Part::Block)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

fn build(setup: &mut Setup<'_>, signal: Signal) -> Result<Step, Refused> {
    let config: Config = setup.read()?;
    let signals = [
        (Signal::Traces, "trace_statements", &config.trace_statements),
        (Signal::Metrics, "metric_statements", &config.metric_statements),
        (Signal::Logs, "log_statements", &config.log_statements),
    ];
    let (mut own, mut refused) = (Vec::new(), None);
    // What is wrong in the parts of other signals is told, too.
    for (of, setting, parts) in signals {
        match blocks(setup, of, setting, parts, config.error_mode) {
            Ok(blocks) if of == signal => own = blocks,
            Ok(_) => {}
            Err(r) => refused = Some(r),
        }
    }
    match refused {
        Some(refused) => Err(refused),
        None => {
            let flatten = config.flatten_data;
            Ok(Step::Each(Arc::new(Transform { blocks: own, flatten, clock: Arc::new(SystemClock) })))
        }
    }
}

/// Statements of one context, which are run on one thing after the other.
struct Block {
    context: Context,
    conditions: Conditions,
    statements: Vec<Statement>,
    mode: ErrorMode,
}

fn blocks(
    setup: &mut Setup<'_>,
    signal: Signal,
    setting: &str,
    parts: &[Part],
    mode: ErrorMode,
) -> Result<Vec<Block>, Refused> {
    let mut out: Vec<Block> = Vec::new();
    let mut refused = None;
    for (n, part) in parts.iter().enumerate() {
        let at = format!("{setting}[{n}]");
        let result = match part {
            Part::Statement(text) => {
                statement(signal, text).map_err(|e| setup.error(&at, e.to_string())).map(|(context, s)| {
                    // Neighbours of the same context share a cache, as they do in the Collector.
                    match out.last_mut() {
                        Some(last) if last.context == context && last.conditions.is_empty() && last.mode == mode => {
                            last.statements.push(s);
                        }
                        _ => out.push(Block { context, conditions: Conditions::default(), statements: vec![s], mode }),
                    }
                })
            }
            Part::Block(c) => block(setup, signal, &at, c, mode).map(|blocks| out.extend(blocks)),
        };
        if let Err(r) = result {
            refused = Some(r);
        }
    }
    refused.map_or(Ok(out), Err)
}

fn statement(signal: Signal, text: &str) -> Result<(Context, Statement), OttlError> {
    let context = infer(signal, text)?;
    Ok((context, Statement::parse(text, context)?))
}

fn block(
    setup: &mut Setup<'_>,
    signal: Signal,
    at: &str,
    c: &BlockConfig,
    mode: ErrorMode,
) -> Result<Vec<Block>, Refused> {
    let mode = c.error_mode.unwrap_or(mode);
    let known = Context::of(signal);
    let names: Vec<_> = known.iter().map(|c| c.name()).collect();
    let context = match &*c.context {
        // Without a name the innermost context of all statements and conditions is meant.
        "" => {
            let mut found = None;
            let texts = c.statements.iter().enumerate().map(|(n, t)| (format!("{at}.statements[{n}]"), t));
            let texts = texts.chain(c.conditions.iter().enumerate().map(|(n, t)| (format!("{at}.conditions[{n}]"), t)));
            for (place, text) in texts {
                found = found.max(Some(infer(signal, text).map_err(|e| setup.error(&place, e.to_string()))?));
            }
            found
        }
        name => Context::of_name(name).filter(|c| known.contains(c)),
    };
    let Some(context) = context else {
        let message = format!("`{}` is no context here; there is {}", c.context, names.join(", "));
        return Err(setup.error(&format!("{at}.context"), message));
    };
    if c.statements.is_empty() {
        return Err(setup.error(at, "no statements; list at least one under `statements`"));
    }
    let (mut statements, mut conditions, mut refused) = (vec![], vec![], None);
    for (n, text) in c.statements.iter().enumerate() {
        match Statement::parse(text, context) {
            Ok(s) => statements.push(s),
            Err(e) => refused = Some(setup.error(&format!("{at}.statements[{n}]"), e.to_string())),
        }
    }
    for (n, text) in c.conditions.iter().enumerate() {
        match Condition::parse(text, context) {
            Ok(condition) => conditions.push(condition),
            Err(e) => refused = Some(setup.error(&format!("{at}.conditions[{n}]"), e.to_string())),
        }
    }
    match refused {
        Some(refused) => Err(refused),
        None => Ok(vec![Block { context, conditions: Conditions::any(conditions, mode), statements, mode }]),
    }
}

impl Block {
    fn run(&self, scene: &mut Scene<'_>) -> Result<(), EvalError> {
        if !self.conditions.is_empty() && !self.conditions.hold(scene)? {
            return Ok(());
        }
        for statement in &self.statements {
            match statement.run(scene) {
                Ok(_) => {}
                Err(e) if self.mode == ErrorMode::Propagate => return Err(e),
                Err(e) => {
                    if self.mode == ErrorMode::Ignore {
                        tracing::debug!(statement = statement.text(), error = %e, "a statement failed and is skipped");
                    }
                }
            }
        }
        Ok(())
    }
}

struct Transform {
    blocks: Vec<Block>,
    flatten: bool,
    clock: Arc<dyn Clock>,
}

impl Processor for Transform {
    fn process(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        if self.blocks.is_empty() {
            return Ok(Some(telemetry));
        }
        let now = self.clock.now().0;
        let tree = telemetry.tree_mut()?;
        if let (Tree::Logs(logs), true) = (&mut *tree, self.flatten) {
            parted(logs);
        }
        for block in &self.blocks {
            let result = each(tree, block.context, now, &mut |scene| block.run(scene).map(|()| true));
            result.map_err(|e| {
                Refusal::new(ErrorKind::InvalidInput, format!("a statement of `transform` failed: {e}"))
            })?;
        }
        if let (Tree::Logs(logs), true) = (tree, self.flatten) {
            joined(logs);
        }
        Ok(Some(telemetry))
    }
}

#[cfg(test)]
mod tests {
    use wire::otlp::tree::{Data, Event, Exemplar, Link, Temporality};

    use super::super::testing::{built, log, of_service, process, processor, shown, span, sum};
    use super::*;

    const YAML: &str = r#"
error_mode: silent
trace_statements:
- set(span.attributes["svc"], resource.attributes["service.name"]) where span.kind == SPAN_KIND_SERVER
- set(cache["x"], "never")
- context: spanevent
  statements: ['set(attributes["of"], Concat([span.name, name], "/"))']
- context: resource
  conditions: ['attributes["service.name"] == "shop"', 'attributes["x"] == "y"']
  statements:
  - set(attributes["matched"], true)
log_statements:
- context: log
  statements:
  - merge_maps(attributes, ParseJSON(body), "upsert") where IsMatch(body, "^\\{")
  - set(severity_text, attributes["level"])
metric_statements:
- set(metric.unit, "s") where metric.name == "a"
- set(datapoint.attributes["v"], datapoint.value_int)
"#;

    #[test]
    fn statements_run_on_things_of_their_context() {
        let p = processor(&FACTORY, Signal::Traces, YAML);
        let mut s = span(1, 1, "GET");
        s.events.push(Event { name: "retry".into(), ..Event::default() });
        let Some(Tree::Traces(t)) = process(&*p, of_service("shop", vec![s])) else { panic!() };
        let s = t.records().next().unwrap();
        assert_eq!(shown(&s.attributes), "svc=shop");
        assert_eq!(shown(&s.events[0].attributes), "of=GET/retry");
        assert_eq!(shown(&t.resources[0].resource.attributes), "service.name=shop matched=true");

        let p = processor(&FACTORY, Signal::Logs, YAML);
        let logs = vec![log(r#"{"level":"warn","n":1}"#), log("plain")];
        let Some(Tree::Logs(t)) = process(&*p, of_service("shop", logs)) else { panic!() };
        let texts: Vec<_> = t.records().map(|l| (l.severity_text.to_string(), shown(&l.attributes))).collect();
        assert_eq!(texts, [("warn".into(), "level=warn n=1".into()), (String::new(), String::new())]);

        let p = processor(&FACTORY, Signal::Metrics, YAML);
        let Some(Tree::Metrics(t)) = process(&*p, of_service("shop", vec![sum("a", 5, Temporality::DELTA)])) else {
            panic!()
        };
        let mut m = t.records().next().unwrap().clone();
        assert_eq!((&*m.unit, shown(m.data.attributes_mut()[0])), ("s", "v=5".to_owned()));
    }

    #[test]
    fn what_fails_is_skipped_or_refuses_the_request() {
        let yaml = |mode| {
            format!(
                "error_mode: {mode}\nlog_statements: ['set(log.attributes[\"x\"], ParseJSON(log.body))', 'set(log.attributes[\"y\"], 1)']"
            )
        };
        for mode in ["ignore", "silent"] {
            let p = processor(&FACTORY, Signal::Logs, &yaml(mode));
            let Some(Tree::Logs(t)) = process(&*p, of_service("s", vec![log("no json")])) else { panic!() };
            assert_eq!(shown(&t.records().next().unwrap().attributes), "y=1");
        }
        let p = processor(&FACTORY, Signal::Logs, &yaml("propagate"));
        let refusal = p.process(Telemetry::of(of_service("s", vec![log("no json")]))).unwrap_err();
        assert!(refusal.message.contains("it is not JSON"), "{refusal}");
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (yaml, message) in [
            ("trace_statements:\n- context: span\n  statements:\n  - sett(name, \"x\")", "test.yaml:4"),
            (
                "trace_statements:\n- context: log\n  statements: ['set(body, 1)']",
                "`log` is no context here; there is resource, scope, span, spanevent",
            ),
            ("log_statements:\n- set(body, 1)", "write one of resource, scope, log"),
            ("log_statements:\n- context: log", "no statements"),
            ("error_mode: loud", "error_mode"),
        ] {
            let Err(said) = built(&FACTORY, Signal::Traces, yaml) else { panic!("{yaml}") };
            assert!(said.contains(message), "{yaml}: {said}");
        }
    }

    #[test]
    fn metrics_that_statements_make_are_shown_to_the_others_and_have_an_end() {
        let yaml = r#"
metric_statements:
- copy_metric(name="b") where metric.name == "a"
- set(metric.unit, "s") where metric.name == "b"
- convert_sum_to_gauge() where metric.name == "b"
"#;
        let p = processor(&FACTORY, Signal::Metrics, yaml);
        let metrics = vec![sum("a", 1, Temporality::DELTA), sum("c", 1, Temporality::DELTA)];
        let Some(Tree::Metrics(t)) = process(&*p, of_service("s", metrics.clone())) else { panic!() };
        let names: Vec<_> = t.records().map(|m| format!("{}{} {}", m.name, m.unit, m.data.len())).collect();
        assert_eq!(names, ["a 1", "c 1", "bs 1"]);
        let p = processor(&FACTORY, Signal::Metrics, "metric_statements: ['copy_metric()']");
        let refused = p.process(Telemetry::of(of_service("s", metrics))).unwrap_err();
        assert!(refused.to_string().contains("a condition that its copy does not fulfil"), "{refused}");
    }

    #[test]
    fn records_of_one_resource_part_when_that_is_wanted() {
        let statement = r#"log_statements: ['set(resource.attributes["to"], log.attributes["from"])']"#;
        let p = processor(&FACTORY, Signal::Logs, &format!("{statement}\nflatten_data: true"));
        let of = |from: &str| {
            let mut l = log(from);
            l.attributes.set("from", from);
            l
        };
        let Some(Tree::Logs(t)) = process(&*p, of_service("s", vec![of("a"), of("b"), of("a")])) else { panic!() };
        let told: Vec<_> =
            t.resources.iter().map(|r| (shown(&r.resource.attributes), r.scopes[0].records.len())).collect();
        assert_eq!(told, [("service.name=s to=a".to_owned(), 2), ("service.name=s to=b".to_owned(), 1)]);
    }

    #[test]
    fn exemplars_and_links_have_statements_of_their_own() {
        let yaml = r#"
trace_statements:
- set(spanlink.attributes["of"], span.name)
metric_statements:
- set(exemplar.filtered_attributes["of"], metric.name)
- context: exemplar
  statements: ['delete_key(filtered_attributes, "user")']
"#;
        let p = processor(&FACTORY, Signal::Traces, yaml);
        let mut s = span(1, 1, "GET");
        s.links.push(Link::default());
        let Some(Tree::Traces(t)) = process(&*p, of_service("s", vec![s])) else { panic!() };
        assert_eq!(shown(&t.records().next().unwrap().links[0].attributes), "of=GET");
        let p = processor(&FACTORY, Signal::Metrics, yaml);
        let mut m = sum("a", 1, Temporality::DELTA);
        if let Data::Sum { points, .. } = &mut m.data {
            let filtered_attributes = [("user", "ann")].into_iter().collect();
            points[0].exemplars.push(Exemplar { filtered_attributes, ..Exemplar::default() });
        }
        let Some(Tree::Metrics(t)) = process(&*p, of_service("s", vec![m])) else { panic!() };
        let Data::Sum { points, .. } = &t.records().next().unwrap().data else { panic!() };
        assert_eq!(shown(&points[0].exemplars[0].filtered_attributes), "of=a");
    }
}
