//! The operations of one service.

use eventstore::EventStore;
use eventstore::query::{Field, Filter, Outcome, RedBy};

use super::Red;
use crate::EventSignal;
use crate::read::{ReadError, Request};

/// One operation: the spans of a service that share name and kind.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationSummary {
    /// The span name.
    pub name: String,
    /// The span kind, 0-5 as in OTLP.
    pub kind: u8,
    /// Every span is a call.
    pub red: Red,
}

/// The operations of `service` with spans that match, most calls first; empty for an unknown service.
///
/// # Errors
/// A wrong filter.
pub fn operations(
    store: &EventStore,
    request: &Request,
    service: &str,
) -> Result<Outcome<Vec<OperationSummary>>, ReadError> {
    let (_, mut select) = request.select(EventSignal::Traces)?;
    let of_service = Filter::eq(Field::Service, service);
    select.filter = match select.filter {
        Filter::All => of_service,
        filter => Filter::And(vec![of_service, filter]),
    };
    let found = store.spans().red(&select, RedBy::Operation)?;
    Ok(found.map(|groups| {
        let summary = |group: eventstore::query::RedGroup| OperationSummary {
            red: Red::of(&group, request.seconds()),
            kind: group.kind,
            name: group.name,
        };
        groups.into_iter().map(summary).collect()
    }))
}
