//! A plan -> a running graph: from the back to the front, so that nobody sends before somebody takes. Stopped the other way round.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::chain::Chain;
use super::kept::{Kept, takes_rejected};
use super::metered::{self, Exported};
use super::plan::{Pipeline, Plan};
use crate::component::{ComponentId, Connector, Host, Kind, Outputs, PipelineId, Receiver, Run, StartError, Step};
use crate::consumer::{Consumer, FanOut};

/// What a component gets to end its tasks when the whole has no time left.
const LAST_MOMENT: Duration = Duration::from_millis(200);

/// A running graph.
pub struct Graph {
    /// Extensions, exporters, connectors and stages, in the order they were started.
    runs: Vec<Run>,
    receivers: Vec<Run>,
    /// Receivers that start when those of the earlier graph have stopped.
    waiting: Vec<(Box<dyn Receiver>, Outputs, Run)>,
    host: Host,
}

impl Graph {
    /// Starts everything but the receivers that must not run beside those of an earlier graph; see [`Self::start_waiting`].
    ///
    /// # Errors
    /// A component could not start; everything has been stopped again.
    pub async fn start(plan: Plan, host: &Host) -> Result<Self, StartError> {
        let mut graph = Self { runs: Vec::new(), receivers: Vec::new(), waiting: Vec::new(), host: host.clone() };
        match graph.begin(plan).await {
            Ok(()) => Ok(graph),
            Err(e) => {
                graph.stop(Duration::from_secs(5)).await;
                Err(e)
            }
        }
    }

    /// Starts the receivers that waited for an earlier graph to stop.
    ///
    /// # Errors
    /// One could not start; the others run.
    pub async fn start_waiting(&mut self) -> Result<(), StartError> {
        let mut failed = None;
        for (receiver, outputs, mut run) in std::mem::take(&mut self.waiting) {
            match receiver.start(outputs, &self.host, &mut run).await {
                Ok(()) => run.reporter().ok(),
                Err(e) => {
                    run.reporter().failed(&e.message);
                    failed = Some(e);
                }
            }
            self.receivers.push(run);
        }
        failed.map_or(Ok(()), Err)
    }

    async fn begin(&mut self, plan: Plan) -> Result<(), StartError> {
        for (id, extension) in &plan.extensions {
            self.host.extensions.insert(id.to_string(), extension.provides());
        }
        let host = self.host.clone();
        for (id, extension) in plan.extensions {
            let mut run = self.run(Kind::Extension, &id);
            let started = extension.start(&host, &mut run).await;
            self.keep(run, started)?;
        }
        let mut consumers: HashMap<ComponentId, Arc<dyn Consumer>> = HashMap::new();
        for (id, exporter) in plan.exporters {
            let mut run = self.run(Kind::Exporter, &id);
            let counts_itself = exporter.counts_itself();
            let started = exporter.start(&host, &mut run).await;
            let mut consumer = self.keep(run, started)?;
            if !counts_itself {
                consumer = Arc::new(Exported::new(&id, consumer, host.journal.meters()));
            }
            consumers.insert(id, consumer);
        }
        let mut wiring = Wiring {
            graph: self,
            connectors: plan.connectors.into_iter().collect(),
            pipelines: plan.pipelines.into_iter().map(Some).collect(),
            consumers,
            entrances: HashMap::new(),
            receiving: HashMap::new(),
            resident_bytes_max: None,
            components: BTreeMap::new(),
        };
        for at in 0..wiring.pipelines.len() {
            wiring.pipeline(at);
        }
        let receiving = wiring.receiving;
        host.budget.set_resident_bytes_max(wiring.resident_bytes_max);
        host.board.set_pipelines(wiring.components);
        for (id, receiver) in plan.receivers {
            let outputs = Outputs::new(receiving.get(&id).cloned().unwrap_or_default());
            let outputs = outputs.counted(host.journal.meters(), &id);
            let mut run = self.run(Kind::Receiver, &id);
            if !receiver.overlaps() {
                self.waiting.push((receiver, outputs, run));
                continue;
            }
            let started = receiver.start(outputs, &host, &mut run).await;
            match &started {
                Ok(()) => run.reporter().ok(),
                Err(e) => run.reporter().failed(&e.message),
            }
            self.receivers.push(run);
            started?;
        }
        Ok(())
    }

    fn run(&self, kind: Kind, id: &ComponentId) -> Run {
        Run::new(format!("{}.{id}", kind.section()), self.host.board.clone())
    }

    /// Keeps a component's tasks, whether it started or not: they have to be stopped either way.
    fn keep<T>(&mut self, run: Run, started: Result<T, StartError>) -> Result<T, StartError> {
        match &started {
            Ok(_) => run.reporter().ok(),
            Err(e) => run.reporter().failed(&e.message),
        }
        self.runs.push(run);
        started
    }

    /// Stops the receivers, which answer what is in flight.
    pub async fn stop_receivers(&mut self, deadline: Duration) {
        let end = Instant::now() + deadline;
        self.waiting.clear();
        self.receivers.iter().for_each(Run::tell);
        for run in self.receivers.drain(..) {
            run.stop(end.saturating_duration_since(Instant::now()).max(LAST_MOMENT)).await;
        }
    }

    /// Stops everything, from the front to the back.
    pub async fn stop(mut self, deadline: Duration) {
        let end = Instant::now() + deadline;
        self.stop_receivers(deadline).await;
        while let Some(run) = self.runs.pop() {
            run.stop(end.saturating_duration_since(Instant::now()).max(LAST_MOMENT)).await;
        }
    }
}

/// What a stage is called on the board.
fn stage_name(id: &ComponentId, pipeline: &PipelineId) -> String {
    format!("processors.{id} of {pipeline}")
}

/// What the board may call a component at an end of a pipeline: a connector is both.
fn names(kind: Kind, id: &ComponentId) -> [String; 2] {
    [kind, Kind::Connector].map(|kind| format!("{}.{id}", kind.section()))
}

/// Pipelines on their way to being wired; those behind a connector go first.
struct Wiring<'g> {
    graph: &'g mut Graph,
    connectors: HashMap<ComponentId, Box<dyn Connector>>,
    /// Those that are not wired yet.
    pipelines: Vec<Option<Pipeline>>,
    /// Exporters, and connectors that are wired.
    consumers: HashMap<ComponentId, Arc<dyn Consumer>>,
    /// What takes requests at the front of a pipeline.
    entrances: HashMap<PipelineId, Arc<dyn Consumer>>,
    /// Receivers and the pipelines that name them.
    receiving: HashMap<ComponentId, Vec<(PipelineId, Arc<dyn Consumer>)>>,
    /// The least that a processor wants the process to stay below.
    resident_bytes_max: Option<u64>,
    /// Pipelines and their components that have a state, for the board.
    components: BTreeMap<String, Vec<String>>,
}

impl Wiring<'_> {
    fn pipeline(&mut self, at: usize) {
        let Some(pipeline) = self.pipelines[at].take() else { return };
        let mut components: Vec<String> = Vec::new();
        components.extend(pipeline.receivers.iter().flat_map(|id| names(Kind::Receiver, id)));
        components.extend(pipeline.steps.iter().map(|(id, _)| stage_name(id, &pipeline.id)));
        components.extend(pipeline.exporters.iter().flat_map(|id| names(Kind::Exporter, id)));
        self.components.insert(pipeline.id.to_string(), components);
        let mut next: Vec<Arc<dyn Consumer>> = Vec::new();
        for id in &pipeline.exporters {
            let kept_only = pipeline.carries_rejected && !takes_rejected(id);
            let consumer = self.exporter(id);
            next.extend(consumer.map(|c| if kept_only { Arc::new(Kept(c)) as Arc<dyn Consumer> } else { c }));
        }
        let exporters: Arc<dyn Consumer> = match <[_; 1]>::try_from(next) {
            Ok([one]) => one,
            Err(several) => Arc::new(FanOut::new(several)),
        };
        let entrance = self.steps(&pipeline.id, pipeline.steps, exporters);
        for id in pipeline.receivers {
            self.receiving.entry(id).or_default().push((pipeline.id.clone(), entrance.clone()));
        }
        self.entrances.insert(pipeline.id, entrance);
    }

    /// The exporter, or the connector once the pipelines behind it are wired. A plan has no circles.
    fn exporter(&mut self, id: &ComponentId) -> Option<Arc<dyn Consumer>> {
        if let Some(known) = self.consumers.get(id) {
            return Some(known.clone());
        }
        let behind: Vec<usize> = (0..self.pipelines.len())
            .filter(|at| self.pipelines[*at].as_ref().is_some_and(|p| p.receivers.contains(id)))
            .collect();
        for at in behind {
            self.pipeline(at);
        }
        let connector = self.connectors.remove(id)?;
        let outputs = Outputs::new(self.receiving.get(id).cloned().unwrap_or_default());
        let mut run = self.graph.run(Kind::Connector, id);
        let host = self.graph.host.clone();
        let consumer = connector.start(outputs, &host, &mut run);
        run.reporter().ok();
        self.graph.runs.push(run);
        self.consumers.insert(id.clone(), consumer.clone());
        Some(consumer)
    }

    /// Processors in front of `next`: those that change one request at a time run in one go.
    fn steps(
        &mut self,
        pipeline: &PipelineId,
        steps: Vec<(ComponentId, Step)>,
        mut next: Arc<dyn Consumer>,
    ) -> Arc<dyn Consumer> {
        let host = self.graph.host.clone();
        let mut row: Vec<metered::Step> = Vec::new();
        let close = |row: &mut Vec<metered::Step>, next: Arc<dyn Consumer>| -> Arc<dyn Consumer> {
            if row.is_empty() {
                return next;
            }
            row.reverse();
            Arc::new(Chain::new(std::mem::take(row), next))
        };
        for (id, step) in steps.into_iter().rev() {
            match step {
                Step::Each(processor) => {
                    let limits = [self.resident_bytes_max, processor.resident_bytes_max()];
                    self.resident_bytes_max = limits.into_iter().flatten().min();
                    row.push(metered::Step::new(&id, processor, host.journal.meters()));
                }
                Step::Stage(stage) => {
                    next = close(&mut row, next);
                    let mut run = Run::new(stage_name(&id, pipeline), self.graph.host.board.clone());
                    next = stage.start(next, &host, &mut run);
                    run.reporter().ok();
                    self.graph.runs.push(run);
                }
            }
        }
        close(&mut row, next)
    }
}
