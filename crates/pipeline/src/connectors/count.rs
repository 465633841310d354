//! `count`: counts what comes in and sends the counts as metrics, a sum of each request.
//!
//! Source of names and defaults: opentelemetry-collector-contrib, `countconnector`. A request is acknowledged when its counts have been.

use std::collections::BTreeMap;
use std::sync::Arc;

use foundation::Clock;
use model::Signal;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use wire::otlp::Decoded;
use wire::otlp::tree::{
    Attributes, Data, Metric, Metrics, Number, NumberPoint, OfResource, OfScope, Resource, Scope, Temporality,
    Tree as Of, Value,
};

use crate::component::{Connector, ConnectorFactory, Host, Outputs, Refused, Run, Setup};
use crate::consumer::{Answer, Consumer};
use crate::ottl::{Condition, Conditions, Context, ErrorMode, Item, Scene};
use crate::processors::scenes::each;
use crate::telemetry::{Telemetry, Tree};

pub(super) const FACTORY: ConnectorFactory = ConnectorFactory {
    names: &["count"],
    routes: &[(Signal::Traces, Signal::Metrics), (Signal::Metrics, Signal::Metrics), (Signal::Logs, Signal::Metrics)],
    build,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    spans: BTreeMap<String, Counted>,
    spanevents: BTreeMap<String, Counted>,
    metrics: BTreeMap<String, Counted>,
    datapoints: BTreeMap<String, Counted>,
    logs: BTreeMap<String, Counted>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Counted {
    description: String,
    conditions: Vec<String>,
    attributes: Vec<AttributeConfig>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct AttributeConfig {
    key: String,
    default_value: Option<serde_json::Value>,
}

impl Default for Config {
    fn default() -> Self {
        let one = |name: &str, what: &str| {
            let description = format!("The number of {what} observed.");
            BTreeMap::from([(name.to_owned(), Counted { description, ..Counted::default() })])
        };
        Self {
            spans: one("trace.span.count", "spans"),
            spanevents: one("trace.span.event.count", "span events"),
            metrics: one("metric.count", "metrics"),
            datapoints: one("metric.datapoint.count", "data points"),
            logs: one("log.record.count", "log records"),
        }
    }
}

/// A metric that is counted.
struct Counter {
    name: String,
    description: String,
    context: Context,
    conditions: Conditions,
    /// Keys, and what is taken where a record has none.
    attributes: Vec<(String, Option<Value>)>,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Connector>, Refused> {
    Ok(Box::new(Count(counters(setup)?)))
}

fn counters(setup: &mut Setup<'_>) -> Result<Vec<Counter>, Refused> {
    let c: Config = setup.read()?;
    let mut counters = Vec::new();
    let sections = [
        ("spans", Context::Span, &c.spans),
        ("spanevents", Context::SpanEvent, &c.spanevents),
        ("metrics", Context::Metric, &c.metrics),
        ("datapoints", Context::DataPoint, &c.datapoints),
        ("logs", Context::Log, &c.logs),
    ];
    for (section, context, counted) in sections {
        for (name, c) in counted {
            let mut conditions = Vec::new();
            for (n, text) in c.conditions.iter().enumerate() {
                let place = format!("{section}.{name}.conditions[{n}]");
                conditions.push(Condition::parse(text, context).map_err(|e| setup.error(&place, e.to_string()))?);
            }
            if context == Context::Metric && !c.attributes.is_empty() {
                return Err(setup.error(
                    &format!("{section}.{name}.attributes"),
                    "metrics have no attributes; count their `datapoints`",
                ));
            }
            let attributes =
                c.attributes.iter().map(|a| (a.key.clone(), a.default_value.as_ref().map(Value::from_json))).collect();
            let conditions = Conditions::any(conditions, ErrorMode::Ignore);
            counters.push(Counter {
                name: name.clone(),
                description: c.description.clone(),
                context,
                conditions,
                attributes,
            });
        }
    }
    Ok(counters)
}

struct Count(Vec<Counter>);

impl Connector for Count {
    fn start(self: Box<Self>, outputs: Outputs, host: &Host, _: &mut Run) -> Arc<dyn Consumer> {
        Arc::new(Counting { counters: self.0, next: outputs.of(Signal::Metrics), clock: host.clock.clone() })
    }
}

struct Counting {
    counters: Vec<Counter>,
    next: Option<Arc<dyn Consumer>>,
    clock: Arc<dyn Clock>,
}

/// Attributes of the thing at hand, its own before those of its resource.
fn attribute<'s>(scene: &'s Scene<'_>, key: &str) -> Option<&'s Value> {
    let own = match &scene.item {
        Item::Span(span) => span.attributes.get(key),
        Item::Event { span, event, .. } => event.attributes.get(key).or_else(|| span.attributes.get(key)),
        Item::Link { span, link } => link.attributes.get(key).or_else(|| span.attributes.get(key)),
        Item::Log(log) => log.attributes.get(key),
        Item::Point { point, .. } | Item::Exemplar { point, .. } => point.attributes().get(key),
        Item::Metric(_) | Item::None => None,
    };
    own.or_else(|| scene.resource.attributes.get(key))
}

impl Counter {
    /// The labels under which the thing is counted; `None` when it is not.
    fn labels(&self, scene: &Scene<'_>) -> Option<Attributes> {
        // Conditions that fail are logged and do not hold.
        if !self.conditions.is_empty() && !self.conditions.hold(scene).unwrap_or(false) {
            return None;
        }
        let mut labels = Attributes::new();
        for (key, default) in &self.attributes {
            labels.push(key, attribute(scene, key).or(default.as_ref())?.clone());
        }
        Some(labels)
    }
}

impl Counting {
    fn counts(&self, tree: Tree) -> Metrics {
        let now = self.clock.now();
        let mut out = Metrics::default();
        for (resource, mut one) in by_resource(tree) {
            let signal = one.signal();
            let mut records = Vec::new();
            for counter in self.counters.iter().filter(|c| Context::of(signal).contains(&c.context)) {
                let mut counts: FxHashMap<String, (Attributes, i64)> = FxHashMap::default();
                // It only counts, and never fails.
                let _ = each(&mut one, counter.context, now.0, &mut |scene| {
                    if let Some(labels) = counter.labels(scene) {
                        counts.entry(format!("{labels:?}")).or_insert((labels, 0)).1 += 1;
                    }
                    Ok(true)
                });
                let mut points: Vec<_> = counts.into_iter().collect();
                points.sort_by(|a, b| a.0.cmp(&b.0));
                if points.is_empty() {
                    continue;
                }
                let time = u64::try_from(now.0).unwrap_or(0);
                let point = |(_, (attributes, n)): (String, (Attributes, i64))| NumberPoint {
                    attributes,
                    start_time_unix_nano: time,
                    time_unix_nano: time,
                    value: Some(Number::Int(n)),
                    ..NumberPoint::default()
                };
                records.push(Metric {
                    name: counter.name.as_str().into(),
                    description: counter.description.as_str().into(),
                    data: Data::Sum {
                        points: points.into_iter().map(point).collect(),
                        temporality: Temporality::DELTA,
                        monotonic: true,
                    },
                    ..Metric::default()
                });
            }
            if !records.is_empty() {
                let scope = OfScope {
                    scope: Scope { name: "count".into(), ..Scope::default() },
                    records,
                    ..OfScope::default()
                };
                out.resources.push(OfResource { resource, scopes: vec![scope], ..OfResource::default() });
            }
        }
        out
    }
}

/// Each resource of a request as a request of its own.
fn by_resource(tree: Tree) -> Vec<(Resource, Tree)> {
    fn parted<R>(tree: Of<R>) -> Vec<(Resource, Tree)>
    where
        Tree: From<Of<R>>,
    {
        tree.resources.into_iter().map(|r| (r.resource.clone(), Tree::from(Of { resources: vec![r] }))).collect()
    }
    match tree {
        Tree::Traces(t) => parted(t),
        Tree::Metrics(t) => parted(t),
        Tree::Logs(t) => parted(t),
    }
}

impl Consumer for Counting {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let tree = telemetry.into_tree()?;
            let accepted = tree.items() as u64;
            let counts = self.counts(tree);
            if let (Some(next), false) = (&self.next, counts.is_empty()) {
                next.consume(Telemetry::of(counts)).await?;
            }
            Ok(Decoded { accepted, ..Decoded::default() })
        })
    }
}

#[cfg(test)]
mod tests {
    use foundation::UnixNanos;
    use foundation::clock::ManualClock;

    use super::*;
    use crate::connectors::testing::{Sink, now, with_setup};
    use crate::processors::testing::{log, of_service, shown, span};

    fn counted(yaml: &str, tree: impl Into<Tree>) -> Vec<(String, String, i64)> {
        let sink = Arc::new(Sink::default());
        let counting = Counting {
            counters: with_setup(yaml, counters).unwrap_or_else(|e| panic!("{e}")),
            next: Some(sink.clone()),
            clock: Arc::new(ManualClock::new(UnixNanos(5))),
        };
        let done = counting.consume(Telemetry::of(tree));
        assert!(now(done).is_ok());
        let mut out = vec![];
        for tree in sink.taken() {
            let Tree::Metrics(metrics) = tree else { panic!() };
            for m in metrics.records() {
                let Data::Sum { points, temporality: Temporality::DELTA, .. } = &m.data else { panic!() };
                for p in points {
                    let Some(Number::Int(n)) = p.value else { panic!() };
                    out.push((m.name.to_string(), shown(&p.attributes), n));
                }
            }
        }
        out
    }

    #[test]
    fn records_are_counted_by_default_and_by_what_is_asked() {
        let one = |a: &str, b: &str, n| (a.to_owned(), b.to_owned(), n);
        assert_eq!(counted("", of_service("s", vec![log("a"), log("b")])), [one("log.record.count", "", 2)]);
        assert_eq!(counted("", of_service("s", vec![span(1, 1, "a")])), [one("trace.span.count", "", 1)]);
        let mut e = log("b");
        e.attributes.set("env", "prod");
        let yaml = "logs:\n  errors:\n    conditions: ['IsMatch(body, \"b\")', 'severity_number > 16']\n    attributes: [{key: env, default_value: none}]\n  with.env:\n    attributes: [{key: env}]";
        let logs = vec![log("a"), log("b"), e];
        assert_eq!(
            counted(yaml, of_service("s", logs)),
            [one("errors", "env=none", 1), one("errors", "env=prod", 1), one("with.env", "env=prod", 1)]
        );
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let said = with_setup("spans:\n  x:\n    conditions: ['nam == 1']", counters).err().unwrap();
        assert!(said.contains("test.yaml:3") && said.contains("`nam` is not a path"), "{said}");
    }
}
