//! The alert manager: its configuration from where it is, read again when asked, and the task that runs it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use alerting::manager::config::{self, Loaded, Source as From};
use alerting::manager::{Alertmanager, Options};
use alerting::notify::Receivers;
use alerting::rules::AlertSink;
use alerting::{Alert, Timeline};
use anyhow::{Context as _, anyhow};
use api::alerting::{Alerting, Configuration, Refusal};
use foundation::Clock;
use metastore::{MetaError, Metastore, Origin};
use parking_lot::Mutex;
use serde_json::json;
use yaml::Severity;

use crate::config::Config;
use crate::config::alerting::Source;

/// How long messages on their way get when the server stops.
pub(super) const DRAIN: Duration = Duration::from_secs(5);
/// Where what was set through the API is stored.
const KIND: &str = "alertmanager_config";
const ID: &str = "alertmanager.yml";
/// Nobody is told, and everything can be looked at.
const NOBODY: &str = "route: {receiver: nobody, group_by: [alertname]}\nreceivers: [{name: nobody}]\n";

/// Reads configurations of the alert manager.
#[derive(Clone)]
pub(crate) struct Reader {
    source: Source,
    external_url: String,
    receivers: Receivers,
}

impl Reader {
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Self {
        let external_url = config.alertmanager_external_url();
        Self { source: config.alerting.clone(), external_url, receivers: Receivers::new(clock) }
    }

    /// What a file provides; `None` when there is none.
    ///
    /// # Errors
    /// A file that cannot be read, or has errors: all of them.
    pub(super) fn read(&self) -> anyhow::Result<Option<(config::Config, Configuration)>> {
        let origin = if matches!(self.source, Source::File(_)) { "file" } else { "section" };
        self.find()?.map(|(path, loaded)| taken(loaded, origin, Some(&path))).transpose()
    }

    /// The file and everything that is to be said of it, whether it can be used or not; `None` when there is none.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn find(&self) -> anyhow::Result<Option<(PathBuf, Loaded)>> {
        match &self.source {
            Source::Nowhere => Ok(None),
            Source::File(path) => Ok(Some((path.clone(), self.load(&text_of(path)?, path, false)))),
            Source::Section(files) => {
                for path in files.iter().rev() {
                    if let Some(loaded) = self.section(path)? {
                        return Ok(Some((path.clone(), loaded)));
                    }
                }
                Err(anyhow!("the section `alerting` is gone; a start without it is another configuration"))
            }
        }
    }

    fn section(&self, path: &Path) -> anyhow::Result<Option<Loaded>> {
        let root = yaml::parse("", &text_of(path)?).map_err(|e| anyhow!("{}:{e}", path.display()))?;
        let section = root.get("alerting").filter(|s| s.get("route").is_some() || s.get("receivers").is_some());
        Ok(section.map(|section| config::load_node(section.clone(), self.from(path, true), &self.receivers)))
    }

    fn load(&self, text: &str, path: &Path, section: bool) -> Loaded {
        config::load(text, self.from(path, section), &self.receivers)
    }

    fn from<'a>(&'a self, path: &'a Path, section: bool) -> From<'a> {
        From { base: path.parent().unwrap_or(Path::new("")), external_url: &self.external_url, section }
    }

    /// What was set through the API, or nothing: then nobody is told.
    fn stored(&self, store: &Metastore) -> anyhow::Result<(config::Config, Configuration)> {
        let text = stored_text(store)?;
        if !text.is_empty() {
            match taken(self.load(&text, Path::new(""), false), "api", None) {
                Ok(taken) => return Ok(taken),
                Err(e) => tracing::error!(
                    "the configuration of the alert manager that was set through the API is not used: {e:#}"
                ),
            }
        }
        taken(self.load(NOBODY, Path::new(""), false), "default", None)
    }
}

fn text_of(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn taken(
    loaded: Loaded,
    origin: &'static str,
    path: Option<&PathBuf>,
) -> anyhow::Result<(config::Config, Configuration)> {
    let path = path.map(|p| p.display().to_string());
    let file = path.as_deref().unwrap_or("alertmanager.yml").into();
    let errors: Vec<String> = loaded.errors().map(|e| e.of(&file).to_string()).collect();
    let Loaded { config, findings, valid_in_alertmanager } = loaded;
    let Some(config) = config else {
        return Err(anyhow!("{}", errors.join("\nbellrock: ")));
    };
    Ok((config, Configuration { origin, path, findings, valid_in_alertmanager }))
}

fn say(configuration: &Configuration) {
    let file = configuration.path.as_deref().unwrap_or("alertmanager.yml").into();
    for finding in configuration.findings.iter().filter(|f| f.severity == Severity::Warning) {
        tracing::warn!("{}", finding.of(&file));
    }
}

/// The alert manager with all that was stored, and how the faces reach it.
pub(super) fn open(
    reader: Reader,
    read: Option<(config::Config, Configuration)>,
    store: Metastore,
    timeline: Timeline,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Alerting> {
    reader.receivers.remember_in(store.clone());
    let (config, configuration) = read.map_or_else(|| reader.stored(&store), Ok)?;
    say(&configuration);
    let options = Options { external_url: reader.external_url.clone() };
    let manager = Alertmanager::open(config, store.clone(), timeline, clock, options)?;
    let current = Arc::new(Mutex::new(Arc::new(configuration)));
    let shown = {
        let current = current.clone();
        move || current.lock().clone()
    };
    let reload = {
        let (reader, current, manager) = (reader.clone(), current.clone(), manager.clone());
        move || match reader.read() {
            Ok(None) => Ok(()),
            Ok(Some((config, configuration))) => {
                say(&configuration);
                manager.reload(config);
                *current.lock() = Arc::new(configuration);
                tracing::info!("the configuration of the alert manager was read again");
                Ok(())
            }
            Err(e) => {
                tracing::error!("the configuration of the alert manager is not taken, the one before is used: {e:#}");
                Err(vec![format!("{e:#}")])
            }
        }
    };
    let check = {
        let (reader, store) = (reader.clone(), store.clone());
        move |text: &str| match config::with_secrets(text, &stored_text(&store).unwrap_or_default()) {
            Ok(text) => reader.load(&text, Path::new(""), false),
            Err(findings) => Loaded { config: None, findings, valid_in_alertmanager: false },
        }
    };
    let replace = {
        let manager = manager.clone();
        move |text: &str| replace(&reader, &manager, &store, &current, text)
    };
    Ok(Alerting {
        manager,
        configuration: Arc::new(shown),
        reload: Arc::new(reload),
        check: Arc::new(check),
        replace: Arc::new(replace),
    })
}

/// What was set through the API; empty when nothing was.
fn stored_text(store: &Metastore) -> Result<String, MetaError> {
    let document = store.documents().get(KIND, ID)?;
    Ok(document.and_then(|d| d.body["text"].as_str().map(str::to_owned)).unwrap_or_default())
}

fn replace(
    reader: &Reader,
    manager: &Alertmanager,
    store: &Metastore,
    current: &Mutex<Arc<Configuration>>,
    text: &str,
) -> Result<Arc<Configuration>, Refusal> {
    if reader.source != Source::Nowhere {
        return Err(Refusal::FromFile(current.lock().path.clone().unwrap_or_default()));
    }
    let before = stored_text(store).map_err(|e| Refusal::Store(e.to_string()))?;
    let text = config::with_secrets(text, &before).map_err(Refusal::Invalid)?;
    let Loaded { config, findings, valid_in_alertmanager } = reader.load(&text, Path::new(""), false);
    let Some(config) = config else { return Err(Refusal::Invalid(findings)) };
    let stored = store.documents().put(KIND, ID, &json!({"text": text}), Origin::Api);
    stored.map_err(|e| Refusal::Store(e.to_string()))?;
    manager.reload(config);
    let configuration = Arc::new(Configuration { origin: "api", path: None, findings, valid_in_alertmanager });
    *current.lock() = configuration.clone();
    Ok(configuration)
}

/// Takes what rules send.
pub(super) struct Sink(pub Alertmanager);

impl AlertSink for Sink {
    fn send(&self, alerts: &[Alert]) {
        // Rules send again what fires, so nothing is lost for long when the disk is full.
        if let Err(e) = self.0.post(alerts.iter().map(Into::into).collect()) {
            tracing::error!(error = %e, alerts = alerts.len(), "alerts of rules could not be taken; they are sent again");
        }
    }
}
