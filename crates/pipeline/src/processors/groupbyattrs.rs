//! `groupbyattrs`: makes attributes of records attributes of their resource, and puts together what has the same resource.
//!
//! With no keys it only puts together. Source: opentelemetry-collector-contrib, `groupbyattrsprocessor`.

use std::collections::HashMap;
use std::sync::Arc;

use model::Signal;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{
    Attributes, Data, LogRecord, Metric, OfResource, OfScope, Resource, Scope, Text, Tree as Of, Value,
};

use crate::component::{Processor, ProcessorFactory, Refused, SIGNALS, Setup, Step};
use crate::refusal::Refusal;
use crate::telemetry::{Telemetry, Tree};

pub(super) const FACTORY: ProcessorFactory =
    ProcessorFactory { names: &["groupbyattrs", "group_by_attrs"], signals: SIGNALS, build };

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    keys: Vec<String>,
}

fn build(setup: &mut Setup<'_>, _: Signal) -> Result<Step, Refused> {
    let config: Config = setup.read()?;
    Ok(Step::Each(Arc::new(GroupByAttrs { keys: config.keys })))
}

struct GroupByAttrs {
    keys: Vec<String>,
}

/// Takes the grouping attributes out of a record's.
fn taken(keys: &[String], attributes: &mut Attributes) -> Vec<(Text, Value)> {
    keys.iter().filter_map(|k| attributes.remove(k).map(|v| (Text::from(k.as_str()), v))).collect()
}

/// A request that is put together anew; what is the same is found by a key made of its contents.
struct Groups<R> {
    tree: Of<R>,
    places: HashMap<String, usize>,
    scopes: Vec<HashMap<String, usize>>,
}

impl<R> Groups<R> {
    fn new() -> Self {
        Self { tree: Of::default(), places: HashMap::new(), scopes: vec![] }
    }

    fn records(&mut self, resource: Resource, resource_url: &Text, scope: &Scope, scope_url: &Text) -> &mut Vec<R> {
        let mut sorted: Vec<String> = resource.attributes.iter().map(|(k, v)| format!("{k:?}{v:?}")).collect();
        sorted.sort_unstable();
        let key = format!("{sorted:?}{resource_url}");
        let at = *self.places.entry(key).or_insert_with(|| {
            self.tree.resources.push(OfResource {
                resource,
                schema_url: resource_url.clone(),
                ..OfResource::default()
            });
            self.scopes.push(HashMap::new());
            self.tree.resources.len() - 1
        });
        let scopes = &mut self.tree.resources[at].scopes;
        let in_scope = *self.scopes[at].entry(format!("{scope:?}{scope_url}")).or_insert_with(|| {
            scopes.push(OfScope { scope: scope.clone(), schema_url: scope_url.clone(), ..OfScope::default() });
            scopes.len() - 1
        });
        &mut scopes[in_scope].records
    }
}

/// Gives every record a copy of its resource and scope for itself.
pub(super) fn parted(tree: &mut Of<LogRecord>) {
    let mut out = Of::default();
    for OfResource { resource, scopes, schema_url } in std::mem::take(tree).resources {
        for scope in scopes {
            for record in scope.records {
                let own =
                    OfScope { scope: scope.scope.clone(), records: vec![record], schema_url: scope.schema_url.clone() };
                let resource = resource.clone();
                out.resources.push(OfResource { resource, scopes: vec![own], schema_url: schema_url.clone() });
            }
        }
    }
    *tree = out;
}

/// Puts records of the same resource and scope together.
pub(super) fn joined(tree: &mut Of<LogRecord>) {
    grouped(tree, &[], |l| &mut l.attributes);
}

fn with(resource: &Resource, more: Vec<(Text, Value)>) -> Resource {
    let mut resource = resource.clone();
    for (k, v) in more {
        resource.attributes.set(&k, v);
    }
    resource
}

fn grouped<R>(tree: &mut Of<R>, keys: &[String], attributes: fn(&mut R) -> &mut Attributes) {
    let mut groups = Groups::new();
    for OfResource { resource, scopes, schema_url } in std::mem::take(tree).resources {
        for scope in scopes {
            for mut record in scope.records {
                let own = with(&resource, taken(keys, attributes(&mut record)));
                groups.records(own, &schema_url, &scope.scope, &scope.schema_url).push(record);
            }
        }
    }
    *tree = groups.tree;
}

/// The points of a metric may go to several resources.
fn grouped_metrics(tree: &mut Of<Metric>, keys: &[String]) {
    let mut groups: Groups<Metric> = Groups::new();
    for OfResource { resource, scopes, schema_url } in std::mem::take(tree).resources {
        for scope in scopes {
            for mut metric in scope.records {
                let data = std::mem::take(&mut metric.data);
                for (more, data) in single_points(data, keys) {
                    let own = with(&resource, more);
                    let records = groups.records(own, &schema_url, &scope.scope, &scope.schema_url);
                    let same =
                        |m: &&mut Metric| m.name == metric.name && m.unit == metric.unit && alike(&m.data, &data);
                    match records.iter_mut().find(same) {
                        Some(found) => join(&mut found.data, data),
                        None => records.push(Metric { data, ..metric.clone() }),
                    }
                }
            }
        }
    }
    *tree = groups.tree;
}

type Taken = Vec<(Text, Value)>;

fn single_points(data: Data, keys: &[String]) -> Vec<(Taken, Data)> {
    match data {
        Data::None => vec![(vec![], Data::None)],
        Data::Gauge(points) => {
            points.into_iter().map(|mut p| (taken(keys, &mut p.attributes), Data::Gauge(vec![p]))).collect()
        }
        Data::Sum { points, temporality, monotonic } => points
            .into_iter()
            .map(|mut p| (taken(keys, &mut p.attributes), Data::Sum { points: vec![p], temporality, monotonic }))
            .collect(),
        Data::Histogram { points, temporality } => points
            .into_iter()
            .map(|mut p| (taken(keys, &mut p.attributes), Data::Histogram { points: vec![p], temporality }))
            .collect(),
        Data::Exponential { points, temporality } => points
            .into_iter()
            .map(|mut p| (taken(keys, &mut p.attributes), Data::Exponential { points: vec![p], temporality }))
            .collect(),
        Data::Summary(points) => {
            points.into_iter().map(|mut p| (taken(keys, &mut p.attributes), Data::Summary(vec![p]))).collect()
        }
    }
}

fn alike(a: &Data, b: &Data) -> bool {
    let monotonic = |d: &Data| matches!(d, Data::Sum { monotonic: true, .. });
    std::mem::discriminant(a) == std::mem::discriminant(b)
        && a.temporality() == b.temporality()
        && monotonic(a) == monotonic(b)
}

fn join(into: &mut Data, from: Data) {
    match (into, from) {
        (Data::Gauge(a), Data::Gauge(b)) | (Data::Sum { points: a, .. }, Data::Sum { points: b, .. }) => a.extend(b),
        (Data::Histogram { points: a, .. }, Data::Histogram { points: b, .. }) => a.extend(b),
        (Data::Exponential { points: a, .. }, Data::Exponential { points: b, .. }) => a.extend(b),
        (Data::Summary(a), Data::Summary(b)) => a.extend(b),
        _ => {}
    }
}

impl Processor for GroupByAttrs {
    fn process(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        match telemetry.tree_mut()? {
            Tree::Traces(t) => grouped(t, &self.keys, |s| &mut s.attributes),
            Tree::Logs(t) => grouped(t, &self.keys, |l| &mut l.attributes),
            Tree::Metrics(t) => grouped_metrics(t, &self.keys),
        }
        Ok(Some(telemetry))
    }
}

#[cfg(test)]
mod tests {
    use wire::otlp::tree::Temporality;

    use super::super::testing::{log, of_service, process, processor, shown, sum};
    use super::*;

    #[test]
    fn records_move_to_the_resource_of_their_attributes() {
        let p = processor(&FACTORY, Signal::Logs, "keys: [host]");
        let of_host = |host: &str, body: &str| {
            let mut l = log(body);
            l.attributes.set("host", host);
            l.attributes.set("n", 1);
            l
        };
        let mut t = of_service("s", vec![of_host("a", "1"), of_host("b", "2"), log("3")]);
        t.append(of_service("s", vec![of_host("a", "4")]));
        let Some(Tree::Logs(t)) = process(&*p, t) else { panic!() };
        let groups: Vec<_> = t
            .resources
            .iter()
            .map(|r| {
                let bodies: Vec<_> =
                    r.scopes.iter().flat_map(|s| &s.records).map(|l| l.body.to_text().to_string()).collect();
                (shown(&r.resource.attributes), bodies.join(""))
            })
            .collect();
        let expected = [("service.name=s host=a", "14"), ("service.name=s host=b", "2"), ("service.name=s", "3")];
        assert_eq!(groups, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(shown(&t.records().next().unwrap().attributes), "n=1");
    }

    #[test]
    fn points_of_a_metric_are_parted_and_joined() {
        let p = processor(&FACTORY, Signal::Metrics, "keys: [host]");
        let mut m = sum("a", 1, Temporality::DELTA);
        let Data::Sum { points, .. } = &mut m.data else { panic!() };
        points.push(points[0].clone());
        points[1].attributes.set("host", "x");
        points.push(points[0].clone());
        let Some(Tree::Metrics(t)) = process(&*p, of_service("s", vec![m])) else { panic!() };
        let sizes: Vec<_> =
            t.resources.iter().map(|r| (shown(&r.resource.attributes), r.scopes[0].records[0].data.len())).collect();
        assert_eq!(sizes, [("service.name=s".to_owned(), 2), ("service.name=s host=x".to_owned(), 1)]);
    }
}
