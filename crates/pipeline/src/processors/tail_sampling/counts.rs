//! What `tail_sampling` counts, under the names of the Collector's.

use std::sync::{Arc, Weak};

use super::Shared;
use crate::meters::{Labels, Meters, Reading};

/// Shows the counts of `shared` for as long as it is there. `component` is `processors.tail_sampling/x of traces`.
pub(super) fn watch(shared: &Arc<Shared>, component: &str, meters: &Meters) {
    let id = component.strip_prefix("processors.").unwrap_or(component);
    let id = id.split(" of ").next().unwrap_or(id).to_owned();
    let shared: Weak<Shared> = Arc::downgrade(shared);
    meters.watch(move || Some(readings(&*shared.upgrade()?, &id)));
}

fn readings(shared: &Shared, processor: &str) -> Vec<Reading> {
    let pool = shared.pool.lock();
    let labels = |more: &[(&'static str, &str)]| -> Labels {
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        std::iter::once(("processor", processor.to_owned())).chain(more).collect()
    };
    let counts = pool.counts;
    let name = |what: &str| format!("otelcol_processor_tail_sampling_{what}");
    let decided =
        |sampled: &str, n| Reading::counter(name("global_count_traces_sampled"), labels(&[("sampled", sampled)]), n);
    let mut all = vec![
        decided("true", counts.sampled),
        decided("false", counts.dropped),
        Reading::counter(name("sampling_trace_dropped_too_early"), labels(&[]), counts.early),
        Reading::counter("bellrock_processor_tail_sampling_late_spans", labels(&[]), counts.late),
        Reading::gauge(name("sampling_traces_on_memory"), labels(&[]), pool.waiting() as u64),
    ];
    for said in pool.said() {
        for (sampled, n) in [("true", said.sampled), ("false", said.not_sampled)] {
            let labels = labels(&[("policy", &said.policy), ("sampled", sampled)]);
            all.push(Reading::counter(name("count_traces_sampled"), labels, n));
        }
    }
    all
}
