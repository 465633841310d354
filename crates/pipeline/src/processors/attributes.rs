//! `attributes`: changes the attributes of spans, log records and data points.

use std::sync::Arc;

use model::Signal;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{OfResource, OfScope};

use super::actions::{ActionConfig, Actions};
use super::selection::{MatchConfig, Selection, Subject};
use crate::component::{Processor, ProcessorFactory, Refused, SIGNALS, Setup, Step};
use crate::refusal::Refusal;
use crate::telemetry::{Telemetry, Tree};

pub(super) const FACTORY: ProcessorFactory = ProcessorFactory { names: &["attributes"], signals: SIGNALS, build };

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    actions: Vec<ActionConfig>,
    include: Option<MatchConfig>,
    exclude: Option<MatchConfig>,
}

fn build(setup: &mut Setup<'_>, _: Signal) -> Result<Step, Refused> {
    let config: Config = setup.read()?;
    let actions = Actions::build(setup, "actions", &config.actions)?;
    let include = config.include.map(|c| Selection::build(setup, "include", &c)).transpose()?;
    let exclude = config.exclude.map(|c| Selection::build(setup, "exclude", &c)).transpose()?;
    Ok(Step::Each(Arc::new(AttributesProcessor { actions, include, exclude })))
}

struct AttributesProcessor {
    actions: Actions,
    include: Option<Selection>,
    exclude: Option<Selection>,
}

impl Processor for AttributesProcessor {
    fn process(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        let origin = telemetry.origin().cloned();
        let origin = origin.as_deref();
        let takes = |r: &_, s: &_, subject: Subject<'_>| {
            self.include.as_ref().is_none_or(|i| i.takes(r, s, subject))
                && !self.exclude.as_ref().is_some_and(|e| e.takes(r, s, subject))
        };
        match telemetry.tree_mut()? {
            Tree::Traces(t) => {
                for OfResource { resource, scopes, .. } in &mut t.resources {
                    for OfScope { scope, records, .. } in scopes {
                        for span in records.iter_mut().filter(|span| takes(resource, scope, Subject::Span(span))) {
                            self.actions.apply(&mut span.attributes, origin);
                        }
                    }
                }
            }
            Tree::Logs(t) => {
                for OfResource { resource, scopes, .. } in &mut t.resources {
                    for OfScope { scope, records, .. } in scopes {
                        for log in records.iter_mut().filter(|log| takes(resource, scope, Subject::Log(log))) {
                            self.actions.apply(&mut log.attributes, origin);
                        }
                    }
                }
            }
            Tree::Metrics(t) => {
                for OfResource { resource, scopes, .. } in &mut t.resources {
                    for OfScope { scope, records, .. } in scopes {
                        for metric in records {
                            for attributes in metric.data.attributes_mut() {
                                if takes(resource, scope, Subject::Point { metric: &metric.name, attributes }) {
                                    self.actions.apply(attributes, origin);
                                }
                            }
                        }
                    }
                }
            }
        }
        Ok(Some(telemetry))
    }
}

#[cfg(test)]
mod tests {
    use wire::otlp::tree::{LogRecord, Value};

    use super::super::testing::{attributes, built, log, of_service, process, processor, shown, span};
    use super::*;
    use crate::telemetry::Origin;

    fn applied(actions: &str) -> String {
        let p = processor(&FACTORY, Signal::Logs, &format!("actions:\n{actions}"));
        let record = LogRecord {
            attributes: attributes([("a", "1".into()), ("url", "/users/42".into()), ("n", Value::Int(7))]),
            ..log("x")
        };
        let Some(Tree::Logs(t)) = process(&*p, of_service("shop", vec![record])) else { panic!() };
        shown(&t.records().next().unwrap().attributes)
    }

    #[test]
    fn every_action() {
        for (actions, expected) in [
            ("- {key: a, value: x, action: insert}\n- {key: b, value: 2, action: INSERT}", "a=1 url=/users/42 n=7 b=2"),
            ("- {key: a, value: x, action: update}\n- {key: b, value: 2, action: update}", "a=x url=/users/42 n=7"),
            (
                "- {key: b, from_attribute: n, action: upsert}\n- {key: c, from_attribute: no, action: upsert}",
                "a=1 url=/users/42 n=7 b=7",
            ),
            ("- {key: a, action: delete}\n- {pattern: ^n$, action: delete}", "url=/users/42"),
            (
                "- {key: a, action: hash}",
                "a=6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b url=/users/42 n=7",
            ),
            ("- {key: url, pattern: '/users/(?P<user>\\d+)', action: extract}", "a=1 url=/users/42 n=7 user=42"),
            (
                "- {key: a, converted_type: double, action: convert}\n- {key: n, converted_type: string, action: convert}",
                "a=1.0 url=/users/42 n=7",
            ),
        ] {
            assert_eq!(applied(actions), expected, "{actions}");
        }
    }

    #[test]
    fn values_come_from_the_request() {
        let p = processor(
            &FACTORY,
            Signal::Logs,
            "actions:\n- {key: t, from_context: metadata.x-tenant, action: insert}\n- {key: ip, from_context: client.address, action: insert}\n- {key: u, from_context: auth.subject, action: insert}",
        );
        let origin = Origin {
            peer: Some("10.0.0.1:5".parse().unwrap()),
            port: None,
            metadata: vec![("x-tenant".into(), "a".into()), ("x-tenant".into(), "b".into())],
            auth: vec![("subject".into(), "ann".into())],
        };
        let t = Telemetry::of(of_service("s", vec![log("x")])).from(Some(Arc::new(origin)));
        let Tree::Logs(t) = p.process(t).unwrap().unwrap().into_tree().unwrap() else { panic!() };
        assert_eq!(shown(&t.records().next().unwrap().attributes), "t=a;b ip=10.0.0.1 u=ann");
    }

    #[test]
    fn include_and_exclude_choose() {
        let p = processor(
            &FACTORY,
            Signal::Traces,
            "actions: [{key: x, value: 1, action: insert}]\ninclude: {match_type: regexp, span_names: ['^GET'], services: [shop]}\nexclude: {match_type: strict, attributes: [{key: env, value: dev}]}",
        );
        let mut dev = span(1, 3, "GET /c");
        dev.attributes.set("env", "dev");
        let spans = vec![span(1, 1, "GET /a"), span(1, 2, "POST /b"), dev];
        let Some(Tree::Traces(t)) = process(&*p, of_service("shop", spans.clone())) else { panic!() };
        assert_eq!(t.records().map(|s| s.attributes.contains("x")).collect::<Vec<_>>(), [true, false, false]);
        let Some(Tree::Traces(t)) = process(&*p, of_service("bot", spans)) else { panic!() };
        assert!(t.records().all(|s| !s.attributes.contains("x")));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (yaml, message) in [
            ("actions: []", "no actions"),
            ("actions:\n- {key: a, action: upset, value: 1}", "test.yaml:2"),
            ("actions:\n- {key: a, action: upset, value: 1}", "did you mean `upsert`?"),
            ("actions:\n- {action: insert, value: 1}", "`key` is missing"),
            ("actions:\n- {key: a, action: insert}", "exactly one of"),
            ("actions:\n- {key: a, action: insert, value: 1, from_attribute: b}", "exactly one of"),
            ("actions:\n- {key: a, action: extract, pattern: x}", "named groups"),
            ("actions:\n- {key: a, action: convert, converted_type: float}", "`float` is no type"),
            ("actions:\n- {key: a, action: insert, from_context: peer}", "metadata.<header>"),
            ("actions: [{key: a, action: delete}]\ninclude: {match_type: strict}", "asks for nothing"),
            ("actions: [{key: a, action: delete}]\ninclude: {services: [a]}", "`strict` or `regexp`"),
        ] {
            let Err(said) = built(&FACTORY, Signal::Traces, yaml) else { panic!("{yaml}") };
            assert!(said.contains(message), "{yaml}: {said}");
        }
    }
}
