//! `file_storage`: a folder in which queues and checkpoints survive a crash.
//!
//! Every write is synced (`fsync` of the Collector is always on): a queue that loses what it acknowledged is none.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::component::{
    Extension, ExtensionFactory, Host, Provided, Refused, Run, Setup, StartError, Starting, Storage,
};
use crate::config::{Collector, Interval};

/// How it is known.
pub(super) const FACTORY: ExtensionFactory = ExtensionFactory { names: &["file_storage"], build };

/// Where the Collector keeps it.
const DIRECTORY: &str = "/var/lib/otelcol/file_storage";

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    directory: PathBuf,
    create_directory: bool,
    /// Taken and not needed: there is no lock to wait for, and what was sent goes by whole files.
    #[serde(skip_serializing)]
    timeout: Option<Interval>,
    #[serde(skip_serializing)]
    directory_permissions: Option<String>,
    #[serde(skip_serializing)]
    compaction: Option<Value>,
    #[serde(skip_serializing)]
    fsync: Option<bool>,
    #[serde(skip_serializing)]
    recreate: Option<bool>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            directory: DIRECTORY.into(),
            create_directory: true,
            timeout: None,
            directory_permissions: None,
            compaction: None,
            fsync: None,
            recreate: None,
        }
    }
}

struct FileStorage {
    component: String,
    settings: Settings,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Extension>, Refused> {
    let mut settings: Settings = setup.read()?;
    settings.directory = setup.surroundings().directory.join(&settings.directory);
    if settings.fsync == Some(false) {
        let message = "what was acknowledged is always synced";
        setup.warning("fsync", message, "leave it out", Some(Collector::Differs("keeps it in the page cache")));
    }
    setup.show(&settings);
    Ok(Box::new(FileStorage { component: setup.path(""), settings }))
}

impl Extension for FileStorage {
    fn provides(&self) -> Provided {
        let storage = Storage { directory: self.settings.directory.clone() };
        Provided { storage: Some(storage), ..Provided::default() }
    }

    fn start<'a>(self: Box<Self>, host: &'a Host, _: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            let directory = &self.settings.directory;
            let failed = |message: String| StartError { component: self.component.clone(), message };
            if !self.settings.create_directory && !directory.is_dir() {
                let message = format!(
                    "the folder {} is not there; make it, or set `create_directory: true`",
                    directory.display()
                );
                return Err(failed(message));
            }
            host.disk.create_dir_all(directory).map_err(|e| {
                failed(format!("cannot make the folder {}: {e}; choose another `directory`", directory.display()))
            })
        })
    }
}
