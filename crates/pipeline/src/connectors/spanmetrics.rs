//! `spanmetrics`: counts spans, their durations and their events by service, name, kind and status.
//!
//! A span that was sampled counts as many as it stands for. Source of names and defaults: opentelemetry-collector-contrib,
//! `spanmetricsconnector`. The engines make the same of every span without it; this is for other back ends.
//! Limit: `aggregation_cardinality_limit` series of each metric; beyond, spans count in one with `otel.metric.overflow`.

mod counted;
mod settings;

use std::sync::Arc;

use model::Signal;

use super::buckets::Shape;
use super::periodic::begin;
use crate::component::{Connector, ConnectorFactory, Host, Outputs, Refused, Run, Setup};
use crate::consumer::Consumer;
use counted::Counted;
use settings::Config;

pub(super) const FACTORY: ConnectorFactory =
    ConnectorFactory { names: &["spanmetrics", "span_metrics"], routes: &[(Signal::Traces, Signal::Metrics)], build };

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Connector>, Refused> {
    let (config, shape) = Config::read(setup)?;
    Ok(Box::new(SpanMetrics(config, shape)))
}

struct SpanMetrics(Config, Shape);

impl Connector for SpanMetrics {
    fn start(self: Box<Self>, outputs: Outputs, host: &Host, run: &mut Run) -> Arc<dyn Consumer> {
        let interval = self.0.metrics_flush_interval.0;
        let counts = Counted::new(self.0, self.1, host.clock.now().0);
        begin(counts, interval, host.clock.clone(), outputs.of(Signal::Metrics), run)
    }
}

#[cfg(test)]
mod tests;
