//! Counts what a receiver hands over to its pipelines: accepted and refused, by signal and transport.

use std::sync::Arc;

use model::Signal;

use super::ComponentId;
use crate::consumer::{Answer, Consumer};
use crate::meters::{Counter, Meters, things};
use crate::telemetry::Telemetry;

/// The counters of one receiver.
#[derive(Clone)]
pub(super) struct Received {
    meters: Meters,
    receiver: String,
    transport: &'static str,
}

impl Received {
    pub(super) fn new(meters: &Meters, receiver: &ComponentId) -> Self {
        Self { meters: meters.clone(), receiver: receiver.to_string(), transport: "" }
    }

    pub(super) fn over(self, transport: &'static str) -> Self {
        Self { transport, ..self }
    }

    pub(super) fn in_front_of(&self, signal: Signal, next: Arc<dyn Consumer>) -> Arc<dyn Consumer> {
        let counter = |what: &str| {
            let labels = vec![("receiver", self.receiver.clone()), ("transport", self.transport.to_owned())];
            self.meters.counter(format!("otelcol_receiver_{what}_{}", things(signal)), labels)
        };
        Arc::new(Counted { next, accepted: counter("accepted"), refused: counter("refused") })
    }
}

struct Counted {
    next: Arc<dyn Consumer>,
    accepted: Counter,
    refused: Counter,
}

impl Consumer for Counted {
    fn consume(&self, mut telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let items = telemetry.count();
            let answer = self.next.consume(telemetry).await;
            match &answer {
                Ok(taken) => {
                    self.accepted.add(items.saturating_sub(taken.rejected));
                    self.refused.add(taken.rejected);
                }
                Err(_) => self.refused.add(items),
            }
            answer
        })
    }
}
