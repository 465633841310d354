//! `resource`: changes the attributes of resources.

use std::sync::Arc;

use model::Signal;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use wire::otlp::raw::EditedResources;
use wire::otlp::tree::Resource;

use super::actions::{ActionConfig, Actions};
use crate::component::{Processor, ProcessorFactory, Refused, SIGNALS, Setup, Step};
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

pub(super) const FACTORY: ProcessorFactory = ProcessorFactory { names: &["resource"], signals: SIGNALS, build };

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    attributes: Vec<ActionConfig>,
}

fn build(setup: &mut Setup<'_>, _: Signal) -> Result<Step, Refused> {
    let config: Config = setup.read()?;
    let actions = Actions::build(setup, "attributes", &config.attributes)?;
    Ok(Step::Each(Arc::new(ResourceProcessor::new(actions))))
}

/// Threads that edit at the same time and remember: those beyond edit without.
const MEMORIES: usize = 4;

struct ResourceProcessor {
    actions: Actions,
    /// What resources became, where that depends on nothing else. Each is held while a request is edited; nobody waits for one.
    known: Option<[Mutex<EditedResources>; MEMORIES]>,
}

impl ResourceProcessor {
    fn new(actions: Actions) -> Self {
        let known = actions.are_of_attributes().then(Default::default);
        Self { actions, known }
    }
}

impl Processor for ResourceProcessor {
    fn process(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        let origin = telemetry.origin().cloned();
        let origin = origin.as_deref();
        let mut known = self.known.iter().flatten().find_map(Mutex::try_lock);
        let change = |resource: &mut Resource| self.actions.apply(&mut resource.attributes, origin);
        telemetry.edit_resources(change, known.as_deref_mut())?;
        Ok(Some(telemetry))
    }

    fn keeps_bytes(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use wire::otlp::tree::Temporality;

    use crate::telemetry::Tree;

    use super::super::testing::{log, of_service, process, processor, shown, span, sum};
    use super::*;

    #[test]
    fn resources_of_every_signal() {
        let yaml = "attributes:\n- {key: service.instance.id, from_attribute: service.name, action: insert}\n- {key: environment, value: production, action: upsert}";
        let expected = "service.name=shop service.instance.id=shop environment=production";
        let p = processor(&FACTORY, Signal::Traces, yaml);
        let Some(Tree::Traces(t)) = process(&*p, of_service("shop", vec![span(1, 1, "a")])) else { panic!() };
        assert_eq!(shown(&t.resources[0].resource.attributes), expected);
        let Some(Tree::Logs(t)) = process(&*p, of_service("shop", vec![log("a")])) else { panic!() };
        assert_eq!(shown(&t.resources[0].resource.attributes), expected);
        let metric = sum("a", 1, Temporality::DELTA);
        let Some(Tree::Metrics(t)) = process(&*p, of_service("shop", vec![metric])) else { panic!() };
        assert_eq!(shown(&t.resources[0].resource.attributes), expected);
    }
}
