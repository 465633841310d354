//! What a component of the graph is: the shapes of receivers, processors, exporters, connectors and extensions, and what they
//! are given.
//!
//! A component is one file: its settings (a struct), how it is built from them (a factory), what it does. One line in the list of
//! its kind (`receivers.rs`, `processors.rs`, ...) makes it known. Building checks the settings and opens nothing, so that a
//! file can be checked; starting gets the [`Host`] and a [`Run`] that owns the tasks.
//! Order of a stop: receivers, then processors, connectors and exporters from the front to the back, extensions.

mod factory;
mod host;
mod id;
mod received;
mod run;
mod setup;
mod sockets;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use model::Signal;

use crate::consumer::Consumer;
use crate::meters::{Meters, Reading};
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

use received::Received;

pub use factory::{ConnectorFactory, ExporterFactory, ExtensionFactory, ProcessorFactory, ReceiverFactory, SIGNALS};
pub use host::{Authenticator, ClientAuth, Host, Provided, Shared, Storage};
pub use id::{ComponentId, Kind, PipelineId};
pub use run::{Health, Reporter, Run, Status, StatusBoard};
pub use setup::{Refused, Setup, Surroundings, parse_address};
pub use sockets::Sockets;

/// What a start of a component comes to.
pub type Starting<'a, T> = Pin<Box<dyn Future<Output = Result<T, StartError>> + Send + 'a>>;

/// A component could not start, although its settings were right: a port in use, a folder that cannot be written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{component}: {message}")]
pub struct StartError {
    /// Which one: `receivers.otlp`.
    pub component: String,
    /// Why, and the remedy.
    pub message: String,
}

/// Where a component sends: the pipelines behind it.
#[derive(Clone, Default)]
pub struct Outputs {
    pipelines: Vec<(PipelineId, Arc<dyn Consumer>)>,
    /// Counts what a receiver hands over.
    received: Option<Received>,
}

impl Outputs {
    /// These pipelines.
    pub fn new(pipelines: Vec<(PipelineId, Arc<dyn Consumer>)>) -> Self {
        Self { pipelines, received: None }
    }

    /// One consumer for all signals.
    pub fn all(consumer: Arc<dyn Consumer>) -> Self {
        Self::new(SIGNALS.iter().map(|signal| (PipelineId::new(*signal), consumer.clone())).collect())
    }

    /// The same, counted as what `receiver` hands over.
    #[must_use]
    pub fn counted(self, meters: &Meters, receiver: &ComponentId) -> Self {
        Self { received: Some(Received::new(meters, receiver)), ..self }
    }

    /// The same, of what comes over `transport`: `grpc`, `http`, `tcp`, `udp`.
    #[must_use]
    pub fn over(&self, transport: &'static str) -> Self {
        let received = self.received.clone().map(|r| r.over(transport));
        Self { pipelines: self.pipelines.clone(), received }
    }

    /// What takes `signal`; every pipeline of it when there are several. `None`: nothing takes it.
    pub fn of(&self, signal: Signal) -> Option<Arc<dyn Consumer>> {
        let consumer = self.all_of(signal)?;
        Some(match &self.received {
            Some(received) => received.in_front_of(signal, consumer),
            None => consumer,
        })
    }

    fn all_of(&self, signal: Signal) -> Option<Arc<dyn Consumer>> {
        let mut consumers = self.pipelines.iter().filter(|(id, _)| id.signal == signal).map(|(_, c)| c.clone());
        let first = consumers.next()?;
        let rest: Vec<_> = consumers.collect();
        if rest.is_empty() {
            return Some(first);
        }
        Some(Arc::new(crate::consumer::FanOut::new(std::iter::once(first).chain(rest).collect())))
    }

    /// One pipeline by its id, for a component that chooses.
    pub fn pipeline(&self, id: &PipelineId) -> Option<Arc<dyn Consumer>> {
        self.pipelines.iter().find(|(other, _)| other == id).map(|(_, consumer)| consumer.clone())
    }

    /// The pipelines.
    pub fn ids(&self) -> impl Iterator<Item = &PipelineId> {
        self.pipelines.iter().map(|(id, _)| id)
    }
}

/// Takes telemetry in: from sockets, files, by asking.
pub trait Receiver: Send {
    /// The TCP ports it will listen on, and the settings that name them. They are bound before anything else begins, so that a
    /// port in use is known at once; [`Sockets`] hands them over at the start.
    fn addresses(&self) -> Vec<(String, SocketAddr)> {
        Vec::new()
    }

    /// Whether a new one may run while the old one of an earlier configuration still does. One that reads files or asks others
    /// would do so twice; it starts when the old one has stopped.
    fn overlaps(&self) -> bool {
        true
    }

    /// Is told what to scrape, which is read elsewhere: `prometheus` only.
    fn scrape(&mut self, _: crate::scrape::Scraping) {}

    /// Opens what it needs, and spawns its tasks in `run`. They end soon after `run.stopped()`, having answered what is in flight.
    fn start<'a>(self: Box<Self>, outputs: Outputs, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()>;
}

/// Changes or drops requests, one at a time.
pub trait Processor: Send + Sync {
    /// What goes on; `None` when all of it was dropped on purpose.
    ///
    /// # Errors
    /// The request is refused; the sender hears it.
    fn process(&self, telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal>;
    /// Whether it takes no record apart: what comes as bytes leaves it as bytes, and costs about as much as copying them.
    fn keeps_bytes(&self) -> bool {
        false
    }

    /// What it counts by itself; `processor` is its id, for the label.
    fn readings(&self, _processor: &str) -> Vec<Reading> {
        Vec::new()
    }

    /// The resident memory of the process above which receivers shall refuse, before they read.
    fn resident_bytes_max(&self) -> Option<u64> {
        None
    }
}

/// A processor that holds requests or sends others than it got: it stands in the chain itself.
pub trait Stage: Send {
    /// Begins to work in front of `next`. What is held goes on to `next` when `run` is stopped.
    fn start(self: Box<Self>, next: Arc<dyn Consumer>, host: &Host, run: &mut Run) -> Arc<dyn Consumer>;
}

/// A built processor.
pub enum Step {
    /// One request at a time.
    Each(Arc<dyn Processor>),
    /// In the chain itself.
    Stage(Box<dyn Stage>),
}

/// Sends telemetry away, or stores it.
pub trait Exporter: Send {
    /// Whether it counts what it has sent by itself, because it answers before that.
    fn counts_itself(&self) -> bool {
        false
    }

    /// Opens what it needs. What it has acknowledged and holds is sent or safe when its tasks end after `run.stopped()`.
    fn start<'a>(self: Box<Self>, host: &'a Host, run: &'a mut Run) -> Starting<'a, Arc<dyn Consumer>>;
}

/// An exporter of one pipeline that is the receiver of others.
pub trait Connector: Send {
    /// Begins to work in front of `outputs`.
    fn start(self: Box<Self>, outputs: Outputs, host: &Host, run: &mut Run) -> Arc<dyn Consumer>;
}

/// Something beside the pipelines: an endpoint, or a service that components use by its id.
pub trait Extension: Send {
    /// What components may use by this extension's id. Called before any component starts.
    fn provides(&self) -> Provided {
        Provided::default()
    }

    /// Opens what it needs.
    fn start<'a>(self: Box<Self>, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()>;
}
