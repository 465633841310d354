//! Disks that fail, fill up and lose power: what is derived counts every acknowledged span, and none twice.

use std::collections::{BTreeMap, BTreeSet};

use foundation::clock::ManualClock;
use foundation::disk::sim::SimDisk;
use proptest::prelude::*;

use crate::support::{START, Server, by_name, open, span};

/// Calls per operation by the last samples of the metrics engine.
fn totals(server: &Server) -> BTreeMap<String, u64> {
    let series = server.series("traces_span_metrics_calls_total");
    series
        .into_iter()
        .map(|s| (s.labels.get("span_name").to_owned(), s.samples.last().map_or(0, |x| x.v as u64)))
        .collect()
}

/// The ids of the spans that queries find, each once; the figures agree.
fn stored(server: &Server) -> BTreeSet<[u8; 8]> {
    use eventstore::query::{Limits, Page, Select};
    let all = Select::all(model::TimeRange::ALL, Limits::new(std::time::Duration::from_secs(60), 1 << 30));
    let spans = server.events.spans();
    let found = spans.latest(&all, &Page::newest(100_000)).unwrap().value.rows;
    let ids: BTreeSet<_> = found.iter().map(|r| r.record.span_id.0).collect();
    let stats = spans.stats();
    assert_eq!((ids.len(), ids.len() as u64), (found.len(), stats.memory_rows + stats.segment_rows));
    ids
}

/// Rejected spans by their names, and whether every minute of them is known.
fn rejected(server: &Server) -> (BTreeMap<String, u64>, bool) {
    let Some(counted) = server.derived.rejected(&by_name(), (0, i64::MAX)) else { return (BTreeMap::new(), true) };
    let mut totals = BTreeMap::new();
    for (_, group, n) in counted.counts {
        *totals.entry(group[0].clone().unwrap_or_default()).or_default() += n;
    }
    (totals, counted.exact_from == i64::MIN)
}

#[derive(Debug, Clone)]
enum Action {
    /// Stores that many spans of an operation, of which a sampler rejected every so manieth; 0 is none.
    Ingest(u8, u8, u8),
    Flush,
    Step,
    FailWritesAfter(u64),
    FailSyncAfter(u64),
    Heal,
    Crash,
    Restart,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        8 => (0..4u8, 1..20u8, 0..4u8).prop_map(|(op, n, rejected)| Action::Ingest(op, n, rejected)),
        3 => Just(Action::Flush),
        3 => Just(Action::Step),
        1 => (0..20_000u64).prop_map(Action::FailWritesAfter),
        1 => (0..12u64).prop_map(Action::FailSyncAfter),
        2 => Just(Action::Heal),
        2 => Just(Action::Crash),
        1 => Just(Action::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_acknowledged_span_is_counted_once_and_stored_unless_a_sampler_rejected_it(seed: u64, actions in proptest::collection::vec(action(), 1..40)) {
        let clock = ManualClock::new(START);
        let (mut disk, metrics) = (SimDisk::new(seed), SimDisk::new(seed));
        let mut server = open(&disk, &metrics, &clock);
        let (mut acknowledged, mut sent) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
        // What the log could not sync was refused, and may be on the disk all the same.
        let mut syncs_failed = false;
        let mut acknowledged_rejected = BTreeMap::<String, u64>::new();
        let (mut kept_ids, mut maybe) = (BTreeSet::new(), BTreeSet::new());
        let mut next = 1;
        for action in actions {
            match action {
                Action::Ingest(op, n, rejected) => {
                    let name = format!("op-{op}");
                    let mut spans: Vec<_> = (0..u64::from(n)).map(|i| span("api", &name, next, next + i, 0)).collect();
                    let of_them = spans.iter_mut().enumerate().filter(|(i, _)| rejected > 0 && i % usize::from(rejected) == 0);
                    of_them.for_each(|(_, s)| s.trace_state = wire::otlp::sampling::rejected("a=b").to_string());
                    let kept = |s: &&model::Span| s.trace_state.is_empty();
                    next += u64::from(n);
                    *sent.entry(name.clone()).or_default() += u64::from(n);
                    maybe.extend(spans.iter().filter(kept).map(|s| s.span_id.0));
                    if server.ingest(&spans).is_ok() {
                        kept_ids.extend(spans.iter().filter(kept).map(|s| s.span_id.0));
                        let out = spans.iter().filter(|s| !kept(s)).count() as u64;
                        if out > 0 {
                            *acknowledged_rejected.entry(name.clone()).or_default() += out;
                        }
                        *acknowledged.entry(name).or_default() += u64::from(n);
                    }
                }
                Action::Flush => server.events.spans().flush(),
                Action::Step => server.step(),
                Action::FailWritesAfter(n) => disk.fail_writes_after(n),
                Action::FailSyncAfter(n) => {
                    disk.fail_sync_after(n);
                    syncs_failed = true;
                }
                Action::Heal => disk.heal(),
                Action::Crash => {
                    disk.heal();
                    let found = disk.crash();
                    drop(server);
                    disk = found;
                    server = open(&disk, &metrics, &clock);
                }
                Action::Restart => {
                    disk.heal();
                    drop(server);
                    server = open(&disk, &metrics, &clock);
                }
            }
        }
        disk.heal();
        let stored = stored(&server);
        prop_assert!(kept_ids.is_subset(&stored), "acknowledged spans are lost");
        prop_assert!(stored.is_subset(&maybe), "rejected spans are stored");
        server.step();
        if !syncs_failed {
            prop_assert_eq!(&stored, &kept_ids);
            prop_assert_eq!(rejected(&server), (acknowledged_rejected, true), "each rejected span is counted once");
        }
        let found = totals(&server);
        for (name, n) in &sent {
            let (counted, least) = (found.get(name).copied().unwrap_or(0), acknowledged.get(name).copied().unwrap_or(0));
            prop_assert!(counted >= least, "{name}: {counted} of {least} acknowledged spans are counted");
            prop_assert!(counted <= *n, "{name}: {counted} are counted of {n}");
            if !syncs_failed {
                prop_assert_eq!(counted, least, "{} counts what was refused", name);
            }
        }
        // A counter that falls would look like a reset, and count everything anew.
        for s in server.series("traces_span_metrics_calls_total") {
            prop_assert!(s.samples.windows(2).all(|w| w[0].v <= w[1].v), "{} falls: {:?}", s.labels, s.samples);
            prop_assert_eq!(s.samples.first().map(|x| x.v), Some(0.0), "{} begins at zero", s.labels);
        }
    }
}

#[test]
fn a_checkpoint_of_another_log_does_not_hide_new_spans() {
    let clock = ManualClock::new(START);
    let (old, new, metrics) = (SimDisk::new(1), SimDisk::new(2), SimDisk::new(3));
    let server = open(&old, &metrics, &clock);
    for i in 1..4 {
        server.ingest(&[span("api", "op-0", i, i, 0)]).unwrap();
        server.events.spans().flush();
    }
    drop(server);
    // The operator took the events away and left the derived state.
    use foundation::disk::Disk as _;
    let path = std::path::Path::new("/data/derived/CHECKPOINT");
    new.create_dir_all(path.parent().unwrap()).unwrap();
    let bytes = old.read(path).unwrap();
    let mut file = new.create(path).unwrap();
    file.write_all(&bytes).unwrap();
    file.sync_data().unwrap();
    new.sync_dir(path.parent().unwrap()).unwrap();
    let server = open(&new, &metrics, &clock);
    server.ingest(&[span("api", "op-0", 9, 9, 0)]).unwrap();
    server.step();
    assert_eq!(totals(&server)["op-0"], 4);
}
