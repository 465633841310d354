//! What the faces need of alerting: the alert manager itself, and how its configuration is looked at and changed.

use std::sync::Arc;
use std::time::Duration;

use alerting::manager::Alertmanager;
use alerting::manager::config::Loaded;
use yaml::Finding;

use crate::sources::Source;

/// The largest body that the faces of alerting read.
pub(crate) const BODY_BYTES_MAX: usize = 32 << 20;
/// The longest that the test of a channel takes.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Clients decide by the version what they may ask for: that of the Alertmanager whose API this is.
pub(crate) const SPOKEN_VERSION: &str = "0.34.0";

/// Handed in by the binary.
#[derive(Clone)]
pub struct Alerting {
    /// The alert manager.
    pub manager: Alertmanager,
    /// What there is to say about its configuration.
    pub configuration: Source<Arc<Configuration>>,
    /// Reads all files again that can be read again. On failure what was used before is used.
    pub reload: Arc<dyn Fn() -> Result<(), Vec<String>> + Send + Sync>,
    /// Looks at the text of a configuration and changes nothing.
    pub check: Arc<dyn Fn(&str) -> Loaded + Send + Sync>,
    /// Takes the text of a configuration, when no file provides one.
    pub replace: Arc<dyn Fn(&str) -> Result<Arc<Configuration>, Refusal> + Send + Sync>,
}

/// The configuration of the alert manager, and what was noticed about it.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    /// `file`, `section` (of the server's own configuration), `api` or `default`.
    pub origin: &'static str,
    /// The file.
    pub path: Option<String>,
    /// In the order of the file.
    pub findings: Vec<Finding>,
    /// Whether Alertmanager takes the file as it is.
    pub valid_in_alertmanager: bool,
}

/// Why a configuration is not taken.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// A file provides it.
    FromFile(String),
    /// It has errors.
    Invalid(Vec<Finding>),
    /// It cannot be stored.
    Store(String),
}
