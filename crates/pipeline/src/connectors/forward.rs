//! `forward`: hands requests from pipelines to others of the same signal, unchanged.

use std::sync::Arc;

use model::Signal;
use serde::{Deserialize, Serialize};
use wire::otlp::Decoded;

use crate::component::{Connector, ConnectorFactory, Host, Outputs, Refused, Run, SIGNALS, Setup};
use crate::consumer::{Answer, Consumer};
use crate::telemetry::Telemetry;

/// How it is known.
pub(super) const FACTORY: ConnectorFactory = ConnectorFactory {
    names: &["forward"],
    routes: &[(Signal::Traces, Signal::Traces), (Signal::Metrics, Signal::Metrics), (Signal::Logs, Signal::Logs)],
    build,
};

#[derive(Debug, Default, Deserialize, Serialize)]
struct Settings {}

struct Forward;

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Connector>, Refused> {
    let _: Settings = setup.read()?;
    Ok(Box::new(Forward))
}

impl Connector for Forward {
    fn start(self: Box<Self>, outputs: Outputs, _: &Host, _: &mut Run) -> Arc<dyn Consumer> {
        Arc::new(Hands(SIGNALS.iter().map(|signal| (*signal, outputs.of(*signal))).collect()))
    }
}

struct Hands(Vec<(Signal, Option<Arc<dyn Consumer>>)>);

impl Consumer for Hands {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        let signal = telemetry.signal();
        match self.0.iter().find(|(of, _)| *of == signal).and_then(|(_, consumer)| consumer.as_deref()) {
            Some(consumer) => consumer.consume(telemetry),
            None => Box::pin(async { Ok(Decoded::default()) }),
        }
    }
}
