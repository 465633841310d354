//! The exporter types there are: one file each, and one line here.

mod debug;
mod engines;
mod file;
mod loadbalancing;
mod mapped;
mod otlp;
mod otlphttp;
mod prometheus;
mod prometheusremotewrite;
mod sending;
#[cfg(test)]
mod testing;

use crate::component::ExporterFactory;

/// Those that store in the engines of this server.
pub(crate) const ENGINES: &[ExporterFactory] = &[engines::FACTORY, mapped::CLICKHOUSE, mapped::JAEGER, mapped::SIGNOZ];

/// Every exporter type.
pub const ALL: &[ExporterFactory] = &[
    debug::FACTORY,
    engines::FACTORY,
    file::FACTORY,
    loadbalancing::FACTORY,
    mapped::CLICKHOUSE,
    mapped::JAEGER,
    mapped::SIGNOZ,
    otlp::FACTORY,
    otlphttp::FACTORY,
    prometheus::FACTORY,
    prometheusremotewrite::FACTORY,
];
