//! A document -> a plan: every component built and checked, every reference resolved, nothing opened.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use model::Signal;
use serde_json::{Map, Value as Json, json};

use super::default::ENGINES;
use super::hints;
use super::kept::{Route, carries_rejected, reaches_engines};
use super::service::{self, same};
use crate::component::{
    ComponentId, Connector, Exporter, Extension, Kind, PipelineId, Receiver, Refused, Setup, Step, Surroundings,
};
use yaml::{Findings, Key, Node, meant, nearest};

use crate::config::{Collector, ignored};
use crate::exporters;
use crate::scrape::Scraping;

/// Processors that let through what they get as it is.
const PASSING: [&str; 2] = ["batch", "memory_limiter"];

/// A graph that can be started.
pub struct Plan {
    pub(super) extensions: Vec<(ComponentId, Box<dyn Extension>)>,
    pub(super) receivers: Vec<(ComponentId, Box<dyn Receiver>)>,
    pub(super) exporters: Vec<(ComponentId, Box<dyn Exporter>)>,
    pub(super) connectors: Vec<(ComponentId, Box<dyn Connector>)>,
    pub(super) pipelines: Vec<Pipeline>,
    effective: Json,
}

/// A pipeline with its processors; receivers and exporters may be connectors.
pub(super) struct Pipeline {
    pub(super) id: PipelineId,
    pub(super) receivers: Vec<ComponentId>,
    pub(super) steps: Vec<(ComponentId, Step)>,
    pub(super) exporters: Vec<ComponentId>,
    /// Whether spans that a sampler rejected come out of it.
    pub(super) carries_rejected: bool,
}

impl Plan {
    /// The TCP ports that receivers will listen on, and the settings that name them.
    pub fn addresses(&self) -> Vec<(String, SocketAddr)> {
        self.receivers.iter().flat_map(|(_, receiver)| receiver.addresses()).collect()
    }

    /// The pipelines, each with its receivers, processors and exporters by id.
    pub fn pipelines(&self) -> Vec<(PipelineId, [Vec<String>; 3])> {
        let texts = |ids: &[ComponentId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let of = |p: &Pipeline| {
            let steps = p.steps.iter().map(|(id, _)| id.to_string()).collect();
            (p.id.clone(), [texts(&p.receivers), steps, texts(&p.exporters)])
        };
        self.pipelines.iter().map(of).collect()
    }

    /// Whether all that a receiver takes goes into the engines as it came.
    pub fn is_straight(&self, receiver: &str) -> bool {
        let pipelines = || self.pipelines.iter().filter(|p| p.receivers.iter().any(|id| id.to_string() == receiver));
        pipelines().all(|p| {
            p.steps.iter().all(|(id, _)| PASSING.contains(&id.type_name.as_str()))
                && p.exporters.iter().all(|id| exporters::ENGINES.iter().any(|f| f.is(&id.type_name)))
        })
    }

    /// Tells a receiver what to scrape into its pipelines.
    pub fn scrape(&mut self, receiver: &str, scraping: Scraping) {
        if let Some((_, receiver)) = self.receivers.iter_mut().find(|(id, _)| id.to_string() == receiver) {
            receiver.scrape(scraping);
        }
    }

    /// Every setting of every component that runs, as YAML.
    pub fn print(&self) -> String {
        super::print::yaml(&self.effective)
    }
}

/// Plans the graph of `document`; what is wrong is in `findings`, and then there is no plan.
pub fn plan(document: &Node, surroundings: &Surroundings, findings: &mut Findings) -> Option<Plan> {
    let mut planner = Planner { document, surroundings, findings, declared: BTreeMap::new(), effective: Map::new() };
    for kind in Kind::ALL {
        let declared = planner.declared(kind);
        planner.declared.insert(kind, declared);
    }
    let wanted = planner.wanted();
    planner.check_connectors(&wanted);
    let plan = planner.build(wanted);
    if findings.has_errors() { None } else { Some(plan) }
}

/// A component as a section of the file declares it.
struct Declared<'a> {
    id: ComponentId,
    key: Key,
    node: &'a Node,
    known: bool,
}

/// A pipeline as it is written, its references resolved to declared ids.
struct Wanted {
    id: PipelineId,
    key: Key,
    receivers: Vec<(ComponentId, Key)>,
    processors: Vec<(ComponentId, Key)>,
    exporters: Vec<(ComponentId, Key)>,
}

impl Wanted {
    fn route(&self) -> Route<'_> {
        fn ids(list: &[(ComponentId, Key)]) -> Vec<&ComponentId> {
            list.iter().map(|(id, _)| id).collect()
        }
        Route {
            signal: self.id.signal,
            receivers: ids(&self.receivers),
            processors: ids(&self.processors),
            exporters: ids(&self.exporters),
        }
    }
}

struct Planner<'a> {
    document: &'a Node,
    surroundings: &'a Surroundings,
    findings: &'a mut Findings,
    declared: BTreeMap<Kind, Vec<Declared<'a>>>,
    effective: Map<String, Json>,
}

impl<'a> Planner<'a> {
    /// What the section of `kind` declares.
    fn declared(&mut self, kind: Kind) -> Vec<Declared<'a>> {
        let mut all: Vec<Declared<'a>> = Vec::new();
        let Some(section) = self.document.get(kind.section()) else { return all };
        for (key, node) in section.entries() {
            let path = format!("{}.{}", kind.section(), key.text);
            let id: ComponentId = match key.text.parse() {
                Ok(id) => id,
                Err(e) => {
                    self.findings.error(&key.place, path, e, "");
                    continue;
                }
            };
            if let Some(twin) = all.iter().find(|d| same(&d.id, &id)) {
                let message = format!("is the same as `{}` in line {}; keep one", twin.id, twin.key.place.line);
                self.findings.error(&key.place, path, message, "");
                continue;
            }
            for other in [Kind::Receiver, Kind::Exporter].into_iter().filter(|_| kind == Kind::Connector) {
                if self.declared.get(&other).is_some_and(|all| all.iter().any(|d| same(&d.id, &id))) {
                    let message =
                        format!("is the id of a declared {} too; give one of them a name, as `{id}/two`", other.word());
                    self.findings.error(&key.place, path.clone(), message, "");
                }
            }
            let known = self.is_known(kind, &id);
            if !known {
                self.unknown_type(kind, &id, key);
            }
            all.push(Declared { id, key: key.clone(), node, known });
        }
        all
    }

    fn is_known(&self, kind: Kind, id: &ComponentId) -> bool {
        match kind {
            Kind::Receiver => service::receiver(id).is_some(),
            Kind::Processor => service::processor(id).is_some(),
            Kind::Exporter => service::exporter(id).is_some(),
            Kind::Connector => service::connector(id).is_some(),
            Kind::Extension => service::extension(id).is_some(),
        }
    }

    fn unknown_type(&mut self, kind: Kind, id: &ComponentId, key: &Key) {
        let word = kind.word();
        let there_is = service::types(kind).join(", ");
        let meant = nearest(&id.type_name, service::names(kind));
        let message = match (hints::instead(kind, &id.type_name), meant) {
            (Some(instead), _) => {
                format!("the {word} `{}` is not in this build: {instead}; there is {there_is}", id.type_name)
            }
            (None, Some(name)) => {
                format!("there is no {word} `{}`, did you mean `{name}`? There is {there_is}", id.type_name)
            }
            (None, None) => format!("there is no {word} `{}`; there is {there_is}", id.type_name),
        };
        self.findings.error(&key.place, format!("{}.{id}", kind.section()), message, "");
    }

    /// The pipelines that `service.pipelines` names.
    fn wanted(&mut self) -> Vec<Wanted> {
        let mut wanted: Vec<Wanted> = Vec::new();
        let service = self.document.get("service");
        for (key, _) in service.map(Node::entries).unwrap_or_default() {
            self.check_key("service", key, &["extensions", "pipelines", "telemetry"]);
        }
        let pipelines = service.and_then(|s| s.get("pipelines"));
        for (key, node) in pipelines.map(Node::entries).unwrap_or_default() {
            let path = format!("service.pipelines.{}", key.text);
            let id: PipelineId = match key.text.parse() {
                Ok(id) => id,
                Err(e) => {
                    self.findings.error(&key.place, path, e, "");
                    continue;
                }
            };
            for (part, _) in node.entries() {
                self.check_key(&path, part, &["receivers", "processors", "exporters"]);
            }
            let pipeline = Wanted {
                receivers: self.references(&path, node, Kind::Receiver),
                processors: self.references(&path, node, Kind::Processor),
                exporters: self.references(&path, node, Kind::Exporter),
                id,
                key: key.clone(),
            };
            for kind in [Kind::Receiver, Kind::Exporter] {
                let section = kind.section();
                if node.get(section).is_none_or(|n| n.items().is_empty() && n.as_str().is_none()) {
                    let message = format!("has no {section}; name at least one, or remove the pipeline");
                    self.findings.error(&key.place, path.clone(), message, "");
                }
            }
            self.check_signals(&pipeline);
            wanted.push(pipeline);
        }
        wanted
    }

    fn check_key(&mut self, path: &str, key: &Key, known: &[&str]) {
        if !known.contains(&key.text.as_str()) {
            ignored(key, format!("{path}.{}", key.text), meant(&key.text, known.iter().copied()), self.findings);
        }
    }

    /// The ids in one list of a pipeline.
    fn references(&mut self, pipeline: &str, node: &Node, kind: Kind) -> Vec<(ComponentId, Key)> {
        let mut ids: Vec<(ComponentId, Key)> = Vec::new();
        let Some(list) = node.get(kind.section()) else { return ids };
        let one = std::slice::from_ref(list);
        for item in if list.as_str().is_some() { one } else { list.items() } {
            let key = Key { text: item.as_str().unwrap_or_default().to_owned(), place: item.place.clone() };
            let path = format!("{pipeline}.{}", kind.section());
            let id: ComponentId = match key.text.parse() {
                Ok(id) => id,
                Err(e) => {
                    self.findings.error(&key.place, path, e, "");
                    continue;
                }
            };
            let Some(id) = self.resolve(kind, &id, &key, &path) else { continue };
            if ids.iter().any(|(other, _)| *other == id) {
                self.findings.error(&key.place, path, format!("names `{id}` twice; keep one"), "");
                continue;
            }
            ids.push((id, key));
        }
        ids
    }

    /// The declared id that a reference means; a connector may stand for a receiver or an exporter.
    fn resolve(&mut self, kind: Kind, id: &ComponentId, key: &Key, path: &str) -> Option<ComponentId> {
        let kinds: &[Kind] = match kind {
            Kind::Receiver => &[Kind::Receiver, Kind::Connector],
            Kind::Exporter => &[Kind::Exporter, Kind::Connector],
            _ => &[kind],
        };
        let all = || kinds.iter().filter_map(|kind| self.declared.get(kind)).flatten();
        if let Some(declared) = all().find(|d| same(&d.id, id)) {
            return Some(declared.id.clone());
        }
        if kind == Kind::Exporter && id.to_string() == ENGINES {
            return Some(id.clone());
        }
        let names: Vec<String> = all().map(|d| d.id.to_string()).collect();
        let section = kind.section();
        let ids = || names.iter().map(String::as_str);
        let of_type = |id: &&str| id.split_once('/').is_some_and(|(name, _)| nearest(&key.text, [name]).is_some());
        let message = match nearest(&key.text, ids()).or_else(|| ids().find(of_type)) {
            Some(name) => format!("`{}` is not declared in `{section}`, did you mean `{name}`?", key.text),
            None if names.is_empty() => format!("`{}` is not declared: there is no section `{section}`", key.text),
            None => format!("`{}` is not declared in `{section}`; there is {}", key.text, names.join(", ")),
        };
        self.findings.error(&key.place, path, message, "");
        None
    }

    fn is_connector(&self, id: &ComponentId) -> bool {
        self.declared.get(&Kind::Connector).is_some_and(|all| all.iter().any(|d| d.id == *id))
    }

    /// Whether every component of a pipeline can do its signal.
    fn check_signals(&mut self, pipeline: &Wanted) {
        let signal = pipeline.id.signal;
        let lists = [
            (Kind::Receiver, &pipeline.receivers),
            (Kind::Processor, &pipeline.processors),
            (Kind::Exporter, &pipeline.exporters),
        ];
        for (kind, ids) in lists {
            for (id, key) in ids {
                let signals: &[Signal] = match kind {
                    _ if self.is_connector(id) => continue,
                    Kind::Receiver => service::receiver(id).map_or(&[], |f| f.signals),
                    Kind::Processor => service::processor(id).map_or(&[], |f| f.signals),
                    _ => service::exporter(id).map_or(&[], |f| f.signals),
                };
                if !signals.is_empty() && !signals.contains(&signal) {
                    let names: Vec<&str> = signals.iter().map(|s| s.name()).collect();
                    let message =
                        format!("the {} `{id}` does {} only, not {}", kind.word(), names.join(" and "), signal.name());
                    let path = format!("service.pipelines.{}.{}", pipeline.id, kind.section());
                    self.findings.error(&key.place, path, message, "");
                }
            }
        }
    }

    /// Connectors are used on both sides, make what is wanted of them, and lead nowhere back.
    fn check_connectors(&mut self, wanted: &[Wanted]) {
        let ids: Vec<(ComponentId, Key)> =
            self.declared[&Kind::Connector].iter().filter(|d| d.known).map(|d| (d.id.clone(), d.key.clone())).collect();
        for (id, key) in ids {
            let path = format!("connectors.{id}");
            let from: Vec<&Wanted> = wanted.iter().filter(|p| p.exporters.iter().any(|(e, _)| *e == id)).collect();
            let to: Vec<&Wanted> = wanted.iter().filter(|p| p.receivers.iter().any(|(r, _)| *r == id)).collect();
            match (from.is_empty(), to.is_empty()) {
                // Said with the other things that are not used.
                (true, true) => continue,
                (true, false) => {
                    self.findings.error(
                        &key.place,
                        path,
                        "no pipeline has it among its `exporters`; add it to one",
                        "",
                    );
                    continue;
                }
                (false, true) => {
                    self.findings.error(
                        &key.place,
                        path,
                        "no pipeline has it among its `receivers`; add it to one",
                        "",
                    );
                    continue;
                }
                (false, false) => {}
            }
            let routes = service::connector(&id).map_or(&[][..], |f| f.routes);
            for f in &from {
                if !to.iter().any(|t| routes.contains(&(f.id.signal, t.id.signal))) {
                    let makes: Vec<String> =
                        routes.iter().map(|(a, b)| format!("{} -> {}", a.name(), b.name())).collect();
                    let message = format!(
                        "makes nothing of {} for the pipelines that receive from it; it can {}",
                        f.id.signal.name(),
                        makes.join(", ")
                    );
                    self.findings.error(&key.place, path.clone(), message, "");
                }
            }
        }
        let connectors: Vec<ComponentId> = self.declared[&Kind::Connector].iter().map(|d| d.id.clone()).collect();
        if let Some(circle) = circle(wanted, &connectors) {
            let path = format!("service.pipelines.{}", circle.id);
            let message = "connectors lead from this pipeline back into it; take one of them out";
            self.findings.error(&circle.key.place, path, message, "");
        }
    }

    fn build(&mut self, wanted: Vec<Wanted>) -> Plan {
        let extensions = self.build_extensions();
        let used = |ids: fn(&Wanted) -> &Vec<(ComponentId, Key)>| -> Vec<ComponentId> {
            wanted.iter().flat_map(|p| ids(p).iter().map(|(id, _)| id.clone())).collect()
        };
        let (receiving, exporting) = (used(|p| &p.receivers), used(|p| &p.exporters));
        let receivers =
            self.build_all(Kind::Receiver, &receiving, |id, setup| service::receiver(id).map(|f| (f.build)(setup)));
        let exporters =
            self.build_all(Kind::Exporter, &exporting, |id, setup| service::exporter(id).map(|f| (f.build)(setup)));
        let connectors =
            self.build_all(Kind::Connector, &exporting, |id, setup| service::connector(id).map(|f| (f.build)(setup)));
        let processors = used(|p| &p.processors);
        let mut pipelines = Vec::new();
        let routes: Vec<Route<'_>> = wanted.iter().map(Wanted::route).collect();
        for (at, pipeline) in wanted.iter().enumerate() {
            let go_on = reaches_engines(&routes, at);
            let mut steps = Vec::new();
            for (id, _) in &pipeline.processors {
                let signal = pipeline.id.signal;
                let factory = service::processor(id).filter(|f| f.signals.contains(&signal));
                let step = factory.and_then(|f| self.setup_step(id, go_on, |setup| (f.build)(setup, signal)));
                steps.extend(step.and_then(Result::ok).map(|step| (id.clone(), step)));
            }
            let ids = |list: &[(ComponentId, Key)]| list.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
            pipelines.push(Pipeline {
                id: pipeline.id.clone(),
                receivers: ids(&pipeline.receivers),
                steps,
                exporters: ids(&pipeline.exporters),
                carries_rejected: carries_rejected(&routes, at),
            });
        }
        self.check_unused_processors(&processors);
        self.show_pipelines(&wanted, &extensions);
        Plan {
            extensions,
            receivers,
            exporters,
            connectors,
            pipelines,
            effective: Json::Object(std::mem::take(&mut self.effective)),
        }
    }

    /// Builds every declared component of `kind`; keeps those that are used, says which are not.
    fn build_all<T>(
        &mut self,
        kind: Kind,
        used: &[ComponentId],
        build: impl Fn(&ComponentId, &mut Setup<'_>) -> Option<Result<T, Refused>>,
    ) -> Vec<(ComponentId, T)> {
        let mut built = Vec::new();
        let declared: Vec<(ComponentId, Key, bool)> =
            self.declared[&kind].iter().map(|d| (d.id.clone(), d.key.clone(), d.known)).collect();
        for (id, key, known) in declared {
            let is_used = used.contains(&id);
            if known && !is_used {
                self.unused(kind, &id, &key);
            }
            let one = self.setup_if(kind, &id, is_used, |setup| build(&id, setup));
            if let (Some(Some(Ok(component))), true) = (one, is_used) {
                built.push((id, component));
            }
        }
        let engines: ComponentId = ComponentId { type_name: ENGINES.to_owned(), name: String::new() };
        if kind == Kind::Exporter && used.contains(&engines) && !built.iter().any(|(id, _)| *id == engines) {
            let node = Node::empty_map(self.document.place.clone());
            let mut setup = Setup::new(kind, &engines, &node, self.findings).within(self.surroundings);
            if let Some(Ok(component)) = build(&engines, &mut setup) {
                built.push((engines.clone(), component));
            }
        }
        built
    }

    fn setup<T>(&mut self, kind: Kind, id: &ComponentId, build: impl FnOnce(&mut Setup<'_>) -> T) -> Option<T> {
        self.setup_if(kind, id, true, build)
    }

    /// As [`Self::setup`], of a processor in a pipeline that leads to the engines or not.
    fn setup_step<T>(&mut self, id: &ComponentId, go_on: bool, build: impl FnOnce(&mut Setup<'_>) -> T) -> Option<T> {
        self.setup(Kind::Processor, id, |setup| {
            setup.rejected_go_on(go_on);
            build(setup)
        })
    }

    /// Runs `build` on the declared part of a component, and keeps what it shows if that is wanted.
    fn setup_if<T>(
        &mut self,
        kind: Kind,
        id: &ComponentId,
        show: bool,
        build: impl FnOnce(&mut Setup<'_>) -> T,
    ) -> Option<T> {
        let node = self.declared.get(&kind)?.iter().find(|d| d.id == *id)?.node;
        let mut setup = Setup::new(kind, id, node, self.findings).within(self.surroundings);
        let built = build(&mut setup);
        let shown = setup.into_effective();
        if show {
            let section = self.effective.entry(kind.section()).or_insert_with(|| json!({}));
            if let Json::Object(section) = section {
                section.insert(id.to_string(), shown);
            }
        }
        Some(built)
    }

    fn unused(&mut self, kind: Kind, id: &ComponentId, key: &Key) {
        let path = format!("{}.{id}", kind.section());
        self.findings.warning(
            &key.place,
            path,
            "no pipeline uses it, so it does not run",
            "name it in a pipeline, or remove it",
            Some(Collector::Differs("says nothing of it").into()),
        );
    }

    fn check_unused_processors(&mut self, used: &[ComponentId]) {
        let declared: Vec<(ComponentId, Key, bool)> =
            self.declared[&Kind::Processor].iter().map(|d| (d.id.clone(), d.key.clone(), d.known)).collect();
        for (id, key, known) in declared {
            if known && !used.contains(&id) {
                self.unused(Kind::Processor, &id, &key);
                let factory = service::processor(&id);
                if let Some((factory, signal)) = factory.and_then(|f| Some((f, *f.signals.first()?))) {
                    drop(self.setup_if(Kind::Processor, &id, false, |setup| (factory.build)(setup, signal)));
                }
            }
        }
    }

    /// Extensions that `service.extensions` names; one that is not declared gets its defaults.
    fn build_extensions(&mut self) -> Vec<(ComponentId, Box<dyn Extension>)> {
        let path = "service.extensions";
        let list = self.document.get("service").and_then(|s| s.get("extensions"));
        let mut built: Vec<(ComponentId, Box<dyn Extension>)> = Vec::new();
        let mut used = BTreeSet::new();
        for item in list.map(Node::items).unwrap_or_default() {
            let key = Key { text: item.as_str().unwrap_or_default().to_owned(), place: item.place.clone() };
            let id: ComponentId = match key.text.parse() {
                Ok(id) => id,
                Err(e) => {
                    self.findings.error(&key.place, path, e, "");
                    continue;
                }
            };
            let declared = self.declared[&Kind::Extension].iter().find(|d| same(&d.id, &id)).map(|d| d.id.clone());
            let Some(factory) = service::extension(&id) else {
                // One that is declared was said where it stands.
                if declared.is_none() {
                    self.unknown_type(Kind::Extension, &id, &key);
                }
                continue;
            };
            let extension = match &declared {
                Some(id) => self.setup(Kind::Extension, id, |setup| (factory.build)(setup)),
                None => {
                    let message = format!("`{id}` is not declared in `extensions`, its defaults are used");
                    let fix = format!("write `{id}:` in a section `extensions`");
                    self.findings.warning(&key.place, path, message, fix, Some(Collector::Refuses.into()));
                    let node = Node::empty_map(key.place.clone());
                    let mut setup = Setup::new(Kind::Extension, &id, &node, self.findings).within(self.surroundings);
                    let extension = (factory.build)(&mut setup);
                    let shown = setup.into_effective();
                    if let Json::Object(section) = self.effective.entry("extensions").or_insert_with(|| json!({})) {
                        section.insert(id.to_string(), shown);
                    }
                    Some(extension)
                }
            };
            let id = declared.unwrap_or(id);
            used.insert(id.clone());
            built.extend(extension.and_then(Result::ok).map(|e| (id, e)));
        }
        let unused: Vec<(ComponentId, Key)> = self.declared[&Kind::Extension]
            .iter()
            .filter(|d| d.known && !used.contains(&d.id))
            .map(|d| (d.id.clone(), d.key.clone()))
            .collect();
        for (id, key) in unused {
            self.findings.warning(
                &key.place,
                format!("extensions.{id}"),
                "is not named in `service.extensions`, so it does not run",
                "name it there, or remove it",
                Some(Collector::Differs("says nothing of it").into()),
            );
        }
        built
    }

    fn show_pipelines(&mut self, wanted: &[Wanted], extensions: &[(ComponentId, Box<dyn Extension>)]) {
        let texts = |ids: &[(ComponentId, Key)]| ids.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>();
        let pipelines: Map<String, Json> = wanted
            .iter()
            .map(|p| {
                let parts = json!({
                    "receivers": texts(&p.receivers),
                    "processors": texts(&p.processors),
                    "exporters": texts(&p.exporters),
                });
                (p.id.to_string(), parts)
            })
            .collect();
        let extensions: Vec<String> = extensions.iter().map(|(id, _)| id.to_string()).collect();
        self.effective.insert("service".to_owned(), json!({"extensions": extensions, "pipelines": pipelines}));
    }
}

/// A pipeline from which connectors lead back into it.
fn circle<'w>(wanted: &'w [Wanted], connectors: &[ComponentId]) -> Option<&'w Wanted> {
    let behind = |from: &Wanted| -> Vec<usize> {
        let through = |id: &ComponentId| connectors.contains(id) && from.exporters.iter().any(|(e, _)| e == id);
        (0..wanted.len()).filter(|at| wanted[*at].receivers.iter().any(|(r, _)| through(r))).collect()
    };
    (0..wanted.len())
        .find(|start| {
            let (mut open, mut seen) = (behind(&wanted[*start]), BTreeSet::new());
            while let Some(at) = open.pop() {
                if seen.insert(at) {
                    open.extend(behind(&wanted[at]));
                }
            }
            seen.contains(start)
        })
        .map(|at| &wanted[at])
}
