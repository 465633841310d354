//! Counts what goes through the components of a graph (`meters.rs`): into and out of processors, and what exporters take and refuse.

use std::sync::Arc;

use model::Signal;

use crate::component::{ComponentId, Processor};
use crate::consumer::{Answer, Consumer};
use crate::meters::{BySignal, Meters, Sending, things};
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

/// A processor and its counters.
pub(super) struct Step {
    processor: Arc<dyn Processor>,
    incoming: BySignal,
    outgoing: BySignal,
    /// What a filter left out.
    filtered: Option<BySignal>,
    /// What a memory limiter let in, and what it did not.
    limited: Option<(BySignal, BySignal)>,
}

impl Step {
    pub(super) fn new(id: &ComponentId, processor: Arc<dyn Processor>, meters: &Meters) -> Self {
        let labels = || vec![("processor", id.to_string())];
        let by_name = |name: &dyn Fn(&str) -> String| meters.by_signal(|s| (name(things(s)), labels()));
        let by_label = |name: &str| {
            let labels = |s: Signal| [labels(), vec![("otel_signal", s.name().to_owned())]].concat();
            meters.by_signal(|s| (name.to_owned(), labels(s)))
        };
        let filtered = (id.type_name == "filter").then(|| {
            by_name(&|things| {
                // Its own words for two of them.
                let word = match things {
                    "metric_points" => "datapoints",
                    "log_records" => "logs",
                    other => other,
                };
                format!("otelcol_processor_filter_{word}_filtered")
            })
        });
        let limited = matches!(&*id.type_name, "memory_limiter" | "memorylimiter").then(|| {
            let of = |what: &'static str| by_name(&move |things| format!("otelcol_processor_{what}_{things}"));
            (of("accepted"), of("refused"))
        });
        let component = Arc::downgrade(&processor);
        let name = id.to_string();
        meters.watch(move || Some(component.upgrade()?.readings(&name)));
        let (incoming, outgoing) =
            (by_label("otelcol_processor_incoming_items"), by_label("otelcol_processor_outgoing_items"));
        Self { processor, incoming, outgoing, filtered, limited }
    }

    pub(super) fn keeps_bytes(&self) -> bool {
        self.processor.keeps_bytes()
    }

    /// Processes `items` things; what goes on, and how many these are.
    pub(super) fn process(&self, telemetry: Telemetry, items: u64) -> Result<Option<(Telemetry, u64)>, Refusal> {
        let signal = telemetry.signal();
        self.incoming.add(signal, items);
        let processed = self.processor.process(telemetry);
        if let Some((accepted, refused)) = &self.limited {
            if processed.is_ok() { accepted } else { refused }.add(signal, items);
        }
        let out = processed?.map(|mut telemetry| {
            let items = telemetry.count();
            (telemetry, items)
        });
        let left = out.as_ref().map_or(0, |(_, items)| *items);
        self.outgoing.add(signal, left);
        if let Some(filtered) = &self.filtered {
            filtered.add(signal, items.saturating_sub(left));
        }
        Ok(out)
    }
}

/// An exporter that answers when the back end has the request.
pub(super) struct Exported {
    next: Arc<dyn Consumer>,
    counts: Sending,
}

impl Exported {
    pub(super) fn new(id: &ComponentId, next: Arc<dyn Consumer>, meters: &Meters) -> Self {
        Self { next, counts: Sending::new(&id.to_string(), meters) }
    }
}

impl Consumer for Exported {
    fn consume(&self, mut telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let (signal, items) = (telemetry.signal(), telemetry.count());
            let answer = self.next.consume(telemetry).await;
            match &answer {
                Ok(taken) => {
                    self.counts.sent.add(signal, items.saturating_sub(taken.rejected));
                    self.counts.failed.add(signal, taken.rejected);
                }
                Err(_) => self.counts.failed.add(signal, items),
            }
            answer
        })
    }
}
