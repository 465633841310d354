//! Floor 3: what people make and the server must remember (rules, silences, dashboards, views), and the log of notifications.
//!
//! SQLite in one file of the data directory; the schema grows by numbered migrations (`docs/formats/meta.md`). One thread
//! writes, and makes one transaction of what waits; whoever wrote is answered when it is synced.
//! *Invariant:* no business rules: who may write what, and what it means, is decided above.

mod alerts;
mod documents;
mod error;
mod notifications;
mod open;
mod row;
mod schema;
mod silences;
mod timeline;
mod writer;

pub use alerts::StoredAlert;
pub use documents::{Document, Documents, Origin, Synced, Version};
pub use error::MetaError;
pub use notifications::{Delivery, DeliveryQuery, LogEntry, LogKey};
pub use open::{FILE, Metastore};
pub use silences::StoredSilence;
pub use timeline::TimelineEvent;
