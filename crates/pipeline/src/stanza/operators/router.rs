//! `router`: sends entries to the operators whose condition holds first.

use std::sync::Arc;

use foundation::UnixNanos;
use serde::Deserialize;
use wire::otlp::tree::Value;

use super::{Ids, OneOrMany};
use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::expr::Condition;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    routes: Vec<Route>,
    #[serde(default)]
    default: Option<OneOrMany>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    output: OneOrMany,
    expr: Condition,
    #[serde(default)]
    attributes: serde_json::Map<String, serde_json::Value>,
}

pub(super) struct Router {
    routes: Vec<(Condition, Vec<(String, Value)>, Arc<[usize]>)>,
    default: Option<Arc<[usize]>>,
}

impl Router {
    pub(super) fn new(settings: Settings, ids: &Ids<'_>, at: usize) -> Result<Self, String> {
        let places = |to: &OneOrMany| -> Result<Arc<[usize]>, String> {
            match to {
                OneOrMany::One(id) => ids.find(id, at).map(|n| [n].into()),
                OneOrMany::Many(many) => many.iter().map(|id| ids.find(id, at)).collect(),
            }
        };
        let route = |route: Route| {
            let attributes = route.attributes.iter().map(|(k, v)| (k.clone(), Value::from_json(v))).collect();
            Ok::<_, String>((route.expr, attributes, places(&route.output)?))
        };
        let default = settings.default.as_ref().map(places).transpose()?;
        Ok(Self { routes: settings.routes.into_iter().map(route).collect::<Result<_, _>>()?, default })
    }
}

impl Operator for Router {
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        for (condition, attributes, outputs) in &self.routes {
            if condition.holds(entry) {
                attributes.iter().for_each(|(key, value)| entry.record.attributes.set(key, value.clone()));
                return Ok(Verdict::To(outputs.clone()));
            }
        }
        Ok(self.default.clone().map_or(Verdict::Drop, Verdict::To))
    }
}
