//! Which service calls which.

use eventstore::EventStore;
use eventstore::query::{Outcome, ServiceMap};

use crate::EventSignal;
use crate::read::{ReadError, Request};

/// The edges between the services of the range; the filter is on the called span.
///
/// # Errors
/// A wrong filter.
pub fn service_map(store: &EventStore, request: &Request) -> Result<Outcome<ServiceMap>, ReadError> {
    let (_, select) = request.select(EventSignal::Traces)?;
    Ok(store.spans().service_map(&select)?)
}
