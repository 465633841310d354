//! Where spans that a sampler rejected go: on to the engines, which count them, and nowhere else.
//!
//! A sampler marks when what comes out of its pipeline reaches the engines, directly or through connectors that only hand on, and
//! drops otherwise. In front of everything else that such a pipeline sends to stands [`Kept`]: exporters to other back
//! ends, and connectors that count, which see what passes, as in the Collector (docs/adr/0033-sampling-behind-the-log.md).

use std::sync::Arc;

use model::Signal;
use wire::otlp::Decoded;
use wire::otlp::sampling::is_rejected;

use crate::component::ComponentId;
use crate::consumer::{Answer, Consumer};
use crate::refusal::Refusal;
use crate::telemetry::{Telemetry, Tree};
use crate::{connectors, exporters, processors};

/// Work on more than this leaves the threads that serve sockets.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// A pipeline, as far as the way of spans is concerned.
pub(super) struct Route<'a> {
    pub(super) signal: Signal,
    pub(super) receivers: Vec<&'a ComponentId>,
    pub(super) processors: Vec<&'a ComponentId>,
    pub(super) exporters: Vec<&'a ComponentId>,
}

impl Route<'_> {
    fn samples(&self) -> bool {
        self.signal == Signal::Traces
            && self.processors.iter().any(|id| processors::SAMPLERS.iter().any(|f| f.is(&id.type_name)))
    }

    /// Whether a connector that hands on leads from here to `to`.
    fn leads_to(&self, to: &Route<'_>) -> bool {
        self.signal == to.signal && self.exporters.iter().any(|id| hands_on(id) && to.receivers.contains(id))
    }
}

fn stores(exporter: &ComponentId) -> bool {
    exporters::ENGINES.iter().any(|f| f.is(&exporter.type_name))
}

fn hands_on(connector: &ComponentId) -> bool {
    connectors::HANDING_ON.iter().any(|f| f.is(&connector.type_name))
}

/// Whether rejected spans may go to what a pipeline has among its exporters.
pub(super) fn takes_rejected(exporter: &ComponentId) -> bool {
    stores(exporter) || hands_on(exporter)
}

/// Whether what comes out of the pipeline `at` reaches the engines.
pub(super) fn reaches_engines(all: &[Route<'_>], at: usize) -> bool {
    walk(all, at, |from, to| from.leads_to(to)).any(|route| route.exporters.iter().any(|id| stores(id)))
}

/// Whether spans that were rejected, here or in front of here, are among those that come out of the pipeline `at`.
pub(super) fn carries_rejected(all: &[Route<'_>], at: usize) -> bool {
    walk(all, at, |to, from| from.leads_to(to)).any(Route::samples)
}

/// The pipelines that `next` leads to, the first included.
fn walk<'r, 'a>(
    all: &'r [Route<'a>],
    at: usize,
    next: impl Fn(&Route<'a>, &Route<'a>) -> bool,
) -> impl Iterator<Item = &'r Route<'a>> {
    let (mut seen, mut open) = (vec![false; all.len()], vec![at]);
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut seen[at], true) {
            open.extend((0..all.len()).filter(|to| next(&all[at], &all[*to])));
        }
    }
    all.iter().zip(seen).filter_map(|(route, seen)| seen.then_some(route))
}

/// Leaves rejected spans out in front of what follows.
pub(super) struct Kept(pub(super) Arc<dyn Consumer>);

impl Consumer for Kept {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let (kept, rejected) = if telemetry.size() <= INLINE_BYTES_MAX {
                kept(telemetry)
            } else {
                tokio::task::block_in_place(|| kept(telemetry))
            }?;
            let mut answer = match kept {
                Some(telemetry) => self.0.consume(telemetry).await?,
                None => Decoded::default(),
            };
            answer.accepted += rejected;
            Ok(answer)
        })
    }
}

/// The request without rejected spans, and how many those were.
fn kept(mut telemetry: Telemetry) -> Result<(Option<Telemetry>, u64), Refusal> {
    let rejected = match telemetry.tree()? {
        Tree::Traces(traces) => traces.records().filter(|span| is_rejected(&span.trace_state)).count(),
        _ => 0,
    };
    if rejected == 0 {
        return Ok((Some(telemetry), 0));
    }
    let Some(traces) = telemetry.traces_mut()? else { return Ok((Some(telemetry), 0)) };
    traces.retain(|_, _, span| !is_rejected(&span.trace_state));
    let empty = traces.is_empty();
    Ok(((!empty).then_some(telemetry), rejected as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::processors::testing::{of_service, span};

    /// Counts spans, and takes them.
    #[derive(Default)]
    struct Counting(parking_lot::Mutex<Vec<usize>>);

    impl Consumer for Counting {
        fn consume(&self, mut telemetry: Telemetry) -> Answer<'_> {
            Box::pin(async move {
                let items = telemetry.items()?;
                self.0.lock().push(items);
                Ok(Decoded { accepted: items as u64, ..Decoded::default() })
            })
        }
    }

    #[tokio::test]
    async fn what_was_rejected_is_answered_for_and_not_sent_on() {
        let counting = Arc::new(Counting::default());
        let kept = Kept(counting.clone());
        let mut rejected = span(1, 1, "a");
        rejected.trace_state = wire::otlp::sampling::rejected("x=y");
        for spans in [vec![span(2, 2, "b"), rejected.clone(), span(3, 3, "c")], vec![rejected], vec![span(2, 2, "b")]] {
            let n = spans.len() as u64;
            assert_eq!(kept.consume(Telemetry::of(of_service("s", spans))).await.unwrap().accepted, n);
        }
        assert_eq!(*counting.0.lock(), [2, 1]);
    }

    #[test]
    fn routes_lead_to_the_engines_through_what_hands_on() {
        let ids: Vec<ComponentId> =
            ["otlp", "forward", "routing/a", "spanmetrics", "bellrock", "clickhouse", "tail_sampling", "batch"]
                .iter()
                .map(|id| id.parse().unwrap())
                .collect();
        let [otlp, forward, routing, spanmetrics, bellrock, clickhouse, tail, batch] = &ids[..] else { panic!() };
        let route = |receivers: &[&'static str], processors: &[&'static str], exporters: &[&'static str]| {
            let named = |names: &[&str]| ids.iter().filter(|id| names.contains(&&*id.to_string())).collect();
            Route {
                signal: Signal::Traces,
                receivers: named(receivers),
                processors: named(processors),
                exporters: named(exporters),
            }
        };
        let all = [
            route(&["otlp"], &["tail_sampling"], &["forward", "spanmetrics"]),
            route(&["forward"], &["batch"], &["routing/a", "otlp"]),
            route(&["routing/a"], &[], &["clickhouse"]),
            route(&["otlp"], &["tail_sampling"], &["otlp", "spanmetrics"]),
            route(&["otlp"], &[], &["bellrock"]),
        ];
        let of = |f: fn(&[Route<'_>], usize) -> bool| (0..all.len()).map(|at| f(&all, at)).collect::<Vec<_>>();
        assert_eq!(of(reaches_engines), [true, true, true, false, true]);
        assert_eq!(of(carries_rejected), [true, true, true, true, false]);
        let taken = [otlp, forward, routing, spanmetrics, bellrock, clickhouse, tail, batch];
        let taken = taken.map(takes_rejected);
        assert_eq!(taken, [false, true, true, false, true, true, false, false]);
    }
}
