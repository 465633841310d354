//! A running component: its tasks, when they have to end, and how it fares.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use foundation::{Clock, UnixNanos};
use parking_lot::RwLock;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How a component fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It is being started.
    Starting,
    /// It works.
    Ok,
    /// It does not work now and tries again: a back end that is down.
    Recoverable,
    /// It has given up.
    Failed,
    /// It has stopped.
    Stopped,
}

impl Health {
    /// As the Collector's health check spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "StatusStarting",
            Self::Ok => "StatusOK",
            Self::Recoverable => "StatusRecoverableError",
            Self::Failed => "StatusPermanentError",
            Self::Stopped => "StatusStopped",
        }
    }
}

/// How a component fares, since when, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How.
    pub health: Health,
    /// Why; empty when all is well.
    pub message: String,
    /// Since when.
    pub since: UnixNanos,
}

/// How all components fare; clones share it.
#[derive(Clone)]
pub struct StatusBoard {
    clock: Arc<dyn Clock>,
    /// Each with the number of its run: of two with the same name the later one is the truth.
    entries: Arc<RwLock<BTreeMap<String, (u64, Status)>>>,
    runs: Arc<AtomicU64>,
    /// Pipelines and the components of each that have a state.
    pipelines: Arc<RwLock<BTreeMap<String, Vec<String>>>>,
}

impl StatusBoard {
    /// An empty board.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, entries: Arc::default(), runs: Arc::default(), pipelines: Arc::default() }
    }

    /// Says how the run `run` of `component` fares.
    fn set(&self, component: &str, run: u64, health: Health, message: &str) {
        let mut entries = self.entries.write();
        match entries.get_mut(component) {
            Some((later, _)) if *later > run => {}
            Some((same, old)) if *same == run && old.health == health && old.message == message => {}
            other => {
                let status = Status { health, message: message.to_owned(), since: self.clock.now() };
                match other {
                    Some(old) => *old = (run, status),
                    None => drop(entries.insert(component.to_owned(), (run, status))),
                }
            }
        }
    }

    /// Says which components the pipelines have: those of the latest graph.
    pub(crate) fn set_pipelines(&self, pipelines: BTreeMap<String, Vec<String>>) {
        *self.pipelines.write() = pipelines;
    }

    /// The pipelines, and how the components of each fare.
    pub fn pipelines(&self) -> BTreeMap<String, BTreeMap<String, Status>> {
        let all = self.all();
        let of = |components: &Vec<String>| -> BTreeMap<String, Status> {
            components.iter().filter_map(|name| Some((name.clone(), all.get(name)?.clone()))).collect()
        };
        self.pipelines.read().iter().map(|(id, components)| (id.clone(), of(components))).collect()
    }

    /// All of them, by name.
    pub fn all(&self) -> BTreeMap<String, Status> {
        self.entries.read().iter().map(|(name, (_, status))| (name.clone(), status.clone())).collect()
    }

    /// Forgets those that have stopped: they belonged to an earlier configuration.
    pub fn forget_stopped(&self) {
        self.entries.write().retain(|_, (_, status)| status.health != Health::Stopped);
    }
}

/// Owns the tasks of one component.
pub struct Run {
    component: String,
    number: u64,
    board: StatusBoard,
    stop: watch::Sender<bool>,
    tasks: JoinSet<String>,
}

impl Run {
    /// Of the component `component`: `receivers.otlp`.
    pub fn new(component: impl Into<String>, board: StatusBoard) -> Self {
        let (component, number) = (component.into(), board.runs.fetch_add(1, Ordering::Relaxed));
        board.set(&component, number, Health::Starting, "");
        Self { component, number, board, stop: watch::Sender::new(false), tasks: JoinSet::new() }
    }

    /// The component.
    pub fn component(&self) -> &str {
        &self.component
    }

    /// Starts a task, which has to end by itself soon after [`Self::stopped`] says so.
    pub fn spawn(&mut self, name: &str, task: impl Future<Output = ()> + Send + 'static) {
        let name = name.to_owned();
        self.tasks.spawn(async move {
            task.await;
            name
        });
    }

    /// Becomes true when the component has to stop.
    pub fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Says how the component fares; a clone may be kept by its tasks.
    pub fn reporter(&self) -> Reporter {
        Reporter { component: self.component.clone().into(), number: self.number, board: self.board.clone() }
    }

    /// Tells the component to stop.
    pub fn tell(&self) {
        self.stop.send_replace(true);
    }

    /// Tells the component to stop, and waits until its tasks have ended; cuts them off after `deadline`.
    pub async fn stop(mut self, deadline: Duration) {
        self.tell();
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Err(e) = ended {
                    tracing::error!(component = self.component, error = %e, "a task failed");
                }
            }
        };
        if tokio::time::timeout(deadline, all).await.is_err() {
            tracing::warn!(
                component = self.component,
                left = self.tasks.len(),
                "tasks did not end in {deadline:?}; cut off"
            );
            self.tasks.abort_all();
            while self.tasks.join_next().await.is_some() {}
        }
        self.board.set(&self.component, self.number, Health::Stopped, "");
    }
}

/// Says how one component fares.
#[derive(Clone)]
pub struct Reporter {
    component: Arc<str>,
    number: u64,
    board: StatusBoard,
}

impl Reporter {
    /// All is well.
    pub fn ok(&self) {
        self.board.set(&self.component, self.number, Health::Ok, "");
    }

    /// It does not work now, and is tried again.
    pub fn recoverable(&self, message: &str) {
        self.board.set(&self.component, self.number, Health::Recoverable, message);
    }

    /// It has given up.
    pub fn failed(&self, message: &str) {
        self.board.set(&self.component, self.number, Health::Failed, message);
    }
}
