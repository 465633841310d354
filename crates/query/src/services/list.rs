//! The services that sent spans.

use eventstore::EventStore;
use eventstore::query::{Outcome, RedBy};

use super::Red;
use crate::EventSignal;
use crate::read::{ReadError, Request};

/// One service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceSummary {
    /// `service.name`.
    pub name: String,
    /// All of its spans.
    pub spans: u64,
    /// Its calls: spans of kind server or consumer, and roots.
    pub red: Red,
}

/// The services with spans that match, most calls first.
///
/// # Errors
/// A wrong filter.
pub fn list(store: &EventStore, request: &Request) -> Result<Outcome<Vec<ServiceSummary>>, ReadError> {
    let (_, select) = request.select(EventSignal::Traces)?;
    let found = store.spans().red(&select, RedBy::Service)?;
    Ok(found.map(|groups| {
        let summary = |group: eventstore::query::RedGroup| ServiceSummary {
            red: Red::of(&group, request.seconds()),
            spans: group.spans,
            name: group.service,
        };
        groups.into_iter().map(summary).collect()
    }))
}
