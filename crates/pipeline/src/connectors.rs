//! The connector types there are: one file each, and one line here.

mod buckets;
mod count;
mod exponential;
mod forward;
mod periodic;
mod routing;
mod servicegraph;
mod spanmetrics;
#[cfg(test)]
pub(crate) mod testing;

use crate::component::ConnectorFactory;

/// Those that hand requests on as they are, and make nothing of them.
pub(crate) const HANDING_ON: &[ConnectorFactory] = &[forward::FACTORY, routing::FACTORY];

/// Every connector type.
pub const ALL: &[ConnectorFactory] =
    &[count::FACTORY, forward::FACTORY, routing::FACTORY, servicegraph::FACTORY, spanmetrics::FACTORY];
