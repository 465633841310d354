//! What a starting component may use: the clock, the disk, the ports, the engines, and other extensions by their id.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use foundation::Clock;
use foundation::disk::SharedDisk;
use http::HeaderMap;
use parking_lot::Mutex;

use super::run::StatusBoard;
use super::sockets::Sockets;
use crate::budget::Budget;
use crate::ingest::Ingest;
use crate::journal::Journal;
use crate::refusal::Refusal;
use crate::remote_write::RemoteWrite;
use crate::scrape::Targets;

/// Says whether a request may be made.
pub trait Authenticator: Send + Sync {
    /// What is known of the sender: `subject`, `username`.
    ///
    /// # Errors
    /// The sender is not known (401).
    fn authenticate(&self, headers: &HeaderMap) -> Result<Vec<(String, String)>, Refusal>;
}

/// Proves who we are to others.
pub trait ClientAuth: Send + Sync {
    /// Adds what proves it.
    ///
    /// # Errors
    /// Why it cannot be proved now: a file that cannot be read.
    fn authorize(&self, headers: &mut HeaderMap) -> Result<(), String>;
}

/// Keeps what has to survive a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// A folder of this extension; each component makes its own inside.
    pub directory: PathBuf,
}

/// What an extension provides.
#[derive(Clone, Default)]
pub struct Provided {
    /// For receivers' `auth.authenticator`.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// For exporters' `auth.authenticator`.
    pub client_auth: Option<Arc<dyn ClientAuth>>,
    /// For `storage`.
    pub storage: Option<Storage>,
}

/// What components may use; clones share it.
#[derive(Clone)]
pub struct Host {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The disk.
    pub disk: SharedDisk,
    /// What was received and refused.
    pub journal: Journal,
    /// The memory of requests in flight.
    pub budget: Budget,
    /// The ports.
    pub sockets: Sockets,
    /// How components fare.
    pub board: StatusBoard,
    /// The engines; `bellrock collect` has none.
    pub engines: Option<Ingest>,
    /// Where components may keep what has to survive a crash when no `storage` is named.
    pub data_dir: PathBuf,
    /// Extensions, by id.
    pub extensions: BTreeMap<String, Provided>,
    /// Takes remote write on the OTLP ports.
    pub remote_write: Option<RemoteWrite>,
    /// What two graphs may have open together, by its folder.
    pub shared: Shared,
    /// What is scraped, for those who ask.
    pub targets: Targets,
}

/// Things that the graphs of two configurations share while one follows the other: a queue on disk has one writer.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<BTreeMap<PathBuf, Weak<dyn Any + Send + Sync>>>>);

impl Shared {
    /// What is open at `path`, or what `open` makes.
    ///
    /// # Errors
    /// Those of `open`.
    pub fn get_or_open<T, E>(&self, path: &Path, open: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E>
    where
        T: Send + Sync + 'static,
    {
        let mut all = self.0.lock();
        if let Some(known) = all.get(path).and_then(Weak::upgrade).and_then(|any| any.downcast::<T>().ok()) {
            return Ok(known);
        }
        let opened = Arc::new(open()?);
        let any: Arc<dyn Any + Send + Sync> = opened.clone();
        all.insert(path.to_owned(), Arc::downgrade(&any));
        Ok(opened)
    }
}
