//! What every handler needs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use derived::Derived;
use foundation::{Clock, UnixNanos};
use metastore::Metastore;
use pipeline::{Engines, Import, Journal, RemoteWrite};
use storage::Retention;
use tokio::sync::Semaphore;

use crate::alerting::Alerting;
use crate::demo::Demo;
use crate::health::Readiness;
use crate::origins::Origins;
use crate::queries::Queries;
use crate::reload::Reload;
use crate::sources::Sources;

/// The state of the faces; clones share it.
#[derive(Clone)]
pub struct App {
    /// What is asked.
    pub engines: Engines,
    /// What is derived from spans.
    pub derived: Arc<Derived>,
    /// What people make and the server remembers.
    pub metastore: Metastore,
    /// Who is told of alerts.
    pub alerting: Alerting,
    /// What is kept, and where the bytes are.
    pub retention: Arc<Retention>,
    /// What came in.
    pub journal: Journal,
    /// Takes remote write.
    pub remote_write: RemoteWrite,
    /// Takes samples in an exposition format.
    pub import: Import,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the server says of itself.
    pub info: Arc<ServerInfo>,
    /// What other parts of the server know.
    pub sources: Sources,
    /// Rules from files and those that people make.
    pub rules: Arc<alerting::rules::Rulebook>,
    /// What is promised.
    pub slos: Arc<alerting::slo::Slobook>,
    /// What is scraped.
    pub targets: pipeline::scrape::Targets,
    /// Plays the demo.
    pub demo: Demo,
    /// Whether telemetry is taken.
    pub readiness: Readiness,
    /// Reads the configuration again.
    pub reload: Reload,
    /// Evaluates PromQL.
    pub promql: Arc<promql::eval::Engine>,
    /// What one query may cost.
    pub limits: QueryLimits,
    /// What runs, and what was slow.
    pub queries: Arc<Queries>,
    /// One permit per query that runs.
    pub slots: Arc<Semaphore>,
    /// One permit per live tail that is open.
    pub tails: Arc<Semaphore>,
    /// The origins whose pages may read the Prometheus API.
    pub origins: Arc<Origins>,
}

/// What the server says of itself.
#[derive(Debug, Clone)]
pub struct ServerInfo {
    /// The version of the build.
    pub version: &'static str,
    /// When it was started.
    pub started: UnixNanos,
    /// Where it listens.
    pub endpoints: Endpoints,
    /// How it was configured.
    pub settings: Settings,
}

/// How the server was configured.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The effective configuration, without secrets.
    pub yaml: String,
    /// By the names of Prometheus's flags, where they mean the same.
    pub flags: BTreeMap<&'static str, String>,
    /// How long samples are kept; `None` is for ever.
    pub retention: Option<Duration>,
    /// Whether requests may change what is on the disk.
    pub admin_api: bool,
}

/// Where the server listens, as `host:port`.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// OTLP/gRPC.
    pub otlp_grpc: String,
    /// OTLP/HTTP.
    pub otlp_http: String,
    /// API.
    pub api: String,
    /// Web UI.
    pub ui: String,
    /// API of the alert manager, when it has a port of its own.
    pub alertmanager: Option<String>,
}

/// What one query may cost.
#[derive(Debug, Clone, Copy)]
pub struct QueryLimits {
    /// How long it may take, waiting for a slot included.
    pub timeout: Duration,
    /// Bytes of decoded data and results.
    pub memory_bytes: usize,
    /// How many run at the same time.
    pub slots: usize,
    /// Live tails that may be open at a time.
    pub tails_max: usize,
}
