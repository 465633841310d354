//! What channels remember of their messages over a restart: documents of the metadata.
//!
//! Configurations are read before the metadata are open, so the store comes later; until then, and without one, channels
//! remember as long as they live.

use std::sync::{Arc, OnceLock};

use metastore::{Metastore, Origin};
use serde_json::Value;

/// The kind of document of messages.
const KIND: &str = "channel_message";

#[derive(Clone, Default)]
pub(super) struct Memory(Arc<OnceLock<Metastore>>);

impl Memory {
    /// From now on what is remembered is kept.
    pub(super) fn keep_in(&self, store: Metastore) {
        // A second store would be the same one.
        let _ = self.0.set(store);
    }

    /// What was kept with ids that begin with `prefix`: the rest of the id, and the body. `None` while there is no store.
    pub(super) fn load(&self, prefix: &str) -> Option<Vec<(String, Value)>> {
        let found = self.0.get()?.documents().list(KIND).unwrap_or_else(|e| {
            tracing::warn!(error = %e, "what channels had sent cannot be read; messages are posted anew");
            Vec::new()
        });
        let of = |d: metastore::Document| Some((d.id.strip_prefix(prefix)?.to_owned(), d.body));
        Some(found.into_iter().filter_map(of).collect())
    }

    /// Keeps a body, or forgets it. Does not wait for the disk.
    pub(super) fn set(&self, id: String, body: Option<Value>) {
        let Some(store) = self.0.get().cloned() else { return };
        let write = move || {
            let documents = store.documents();
            let written = match body {
                Some(body) => documents.put(KIND, &id, &body, Origin::Api).map(drop),
                None => documents.delete(KIND, &id, None),
            };
            match written {
                Ok(()) | Err(metastore::MetaError::NotFound { .. }) => {}
                Err(e) => tracing::warn!(error = %e, "what a channel sent is not remembered over a restart"),
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(write)),
            Err(_) => write(),
        }
    }
}
