//! The graph: receivers, processors, exporters and connectors, wired as `service.pipelines` says.
//!
//! A configuration becomes a [`Plan`] (everything built and checked, nothing opened), a plan becomes a running [`Graph`].
//! A reload starts the new graph while the old one still runs, on the same ports, and stops the old one then: nothing that was
//! sent in between is refused. Source: OpenTelemetry Collector, "Configuration" and "Connectors".

mod chain;
mod default;
mod hints;
mod kept;
mod metered;
mod plan;
mod print;
mod service;
mod start;

pub use default::complete;
pub use plan::{Plan, plan};
pub use service::Service;
pub use start::Graph;

#[cfg(test)]
mod tests;
