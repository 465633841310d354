//! Counts what goes through the components of a graph (`meters.rs`): into and out of processors, and what exporters take and refuse.

use std::sync::Arc;

use model::Signal;

use crate::component::{ComponentId, Processor};
use crate::consumer::{Answer, Consumer};
use crate::meters::{Counter, Meters, things};
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

const SIGNALS: [Signal; 3] = [Signal::Traces, Signal::Metrics, Signal::Logs];

fn at(signal: Signal) -> usize {
    SIGNALS.iter().position(|s| *s == signal).unwrap_or(0)
}

/// A processor and its counters, each by signal.
pub(super) struct Step {
    processor: Arc<dyn Processor>,
    incoming: [Counter; 3],
    outgoing: [Counter; 3],
    /// What a filter left out.
    filtered: Option<[Counter; 3]>,
    /// What a memory limiter let in, and what it did not.
    limited: Option<([Counter; 3], [Counter; 3])>,
}

impl Step {
    pub(super) fn new(id: &ComponentId, processor: Arc<dyn Processor>, meters: &Meters) -> Self {
        let labels = || vec![("processor", id.to_string())];
        let by_name = |name: &dyn Fn(&str) -> String| SIGNALS.map(|s| meters.counter(name(things(s)), labels()));
        let by_signal = |name: &str| {
            SIGNALS.map(|s| meters.counter(name, [labels(), vec![("otel_signal", s.name().to_owned())]].concat()))
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
            (by_signal("otelcol_processor_incoming_items"), by_signal("otelcol_processor_outgoing_items"));
        Self { processor, incoming, outgoing, filtered, limited }
    }

    /// Processes `items` things; what goes on, and how many these are.
    pub(super) fn process(&self, telemetry: Telemetry, items: u64) -> Result<Option<(Telemetry, u64)>, Refusal> {
        let at = at(telemetry.signal());
        self.incoming[at].add(items);
        let processed = self.processor.process(telemetry);
        if let Some((accepted, refused)) = &self.limited {
            if processed.is_ok() { &accepted[at] } else { &refused[at] }.add(items);
        }
        let out = processed?.map(|mut telemetry| {
            let items = telemetry.count();
            (telemetry, items)
        });
        let left = out.as_ref().map_or(0, |(_, items)| *items);
        self.outgoing[at].add(left);
        if let Some(filtered) = &self.filtered {
            filtered[at].add(items.saturating_sub(left));
        }
        Ok(out)
    }
}

/// An exporter that answers when the back end has the request.
pub(super) struct Exported {
    next: Arc<dyn Consumer>,
    sent: [Counter; 3],
    failed: [Counter; 3],
}

impl Exported {
    pub(super) fn new(id: &ComponentId, next: Arc<dyn Consumer>, meters: &Meters) -> Self {
        let of = |what: &str| {
            SIGNALS.map(|s| {
                let labels = vec![("exporter", id.to_string())];
                meters.counter(format!("otelcol_exporter_{what}_{}", things(s)), labels)
            })
        };
        Self { next, sent: of("sent"), failed: of("send_failed") }
    }
}

impl Consumer for Exported {
    fn consume(&self, mut telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let (at, items) = (at(telemetry.signal()), telemetry.count());
            let answer = self.next.consume(telemetry).await;
            match &answer {
                Ok(taken) => {
                    self.sent[at].add(items.saturating_sub(taken.rejected));
                    self.failed[at].add(taken.rejected);
                }
                Err(_) => self.failed[at].add(items),
            }
            answer
        })
    }
}
