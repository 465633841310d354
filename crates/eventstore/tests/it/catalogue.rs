//! What catalogues say against a count of every record: over memory, flushes, merges, and segments that have none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::support::random::{self, Rng};
use crate::support::{ingest_logs, limits};
use eventstore::query::*;
use eventstore::{Config, EventStore};
use foundation::disk::sim::SimDisk;
use model::{AccessScope, Attributes, LogRecord, TimeRange, Value};

/// Records, and the values as text.
type Model = BTreeMap<(AttributeOwner, String, ValueType), (u64, BTreeSet<String>)>;

fn type_of(v: &Value) -> ValueType {
    match v {
        Value::Empty => ValueType::Empty,
        Value::Str(_) => ValueType::Str,
        Value::Bool(_) => ValueType::Bool,
        Value::Int(_) => ValueType::Int,
        Value::Double(_) => ValueType::Double,
        Value::Bytes(_) => ValueType::Bytes,
        Value::Array(_) => ValueType::Array,
        Value::Map(_) => ValueType::Map,
    }
}

fn count(rows: &[LogRecord]) -> Model {
    let mut model = Model::new();
    let mut add = |owner, attributes: &Attributes| {
        for (key, value) in attributes {
            let entry = model.entry((owner, key.clone(), type_of(value))).or_default();
            entry.0 += 1;
            entry.1.insert(format!("{value:?}"));
        }
    };
    for r in rows {
        add(AttributeOwner::Record, &r.attributes);
        add(AttributeOwner::Resource, &r.resource.attributes);
    }
    model
}

fn keys(store: &EventStore, select: &Select) -> BTreeMap<(AttributeOwner, String, ValueType), u64> {
    let found = store.logs().field_keys(select).unwrap();
    assert_eq!(found.partial, None);
    found.value.into_iter().map(|k| ((k.scope, k.name, k.value_type), k.count)).collect()
}

fn check(store: &EventStore, rows: &[LogRecord], flushed: bool) {
    let model = count(rows);
    let all = Select::all(TimeRange::ALL, limits());
    let counts: BTreeMap<_, u64> = model.iter().map(|(k, (n, _))| (k.clone(), *n)).collect();
    assert_eq!(keys(store, &all), counts);
    // A reader of some services has no use for catalogues, which know all of them.
    let nobody = Select { access: AccessScope { services: Some(vec!["none".into()]) }, ..all };
    assert_eq!(keys(store, &nobody), BTreeMap::new());
    if flushed {
        let listed = store.logs().catalogue(TimeRange::ALL);
        let columns = model.iter().filter(|((_, key, _), _)| key.len() <= 256);
        assert_eq!(listed.len(), columns.clone().count());
        for ((owner, key, value_type), (records, values)) in columns {
            let found =
                listed.iter().find(|a| a.owner == *owner && a.key == *key && a.value_type == *value_type).unwrap();
            assert_eq!(found.records, *records);
            assert_eq!(found.bytes > 0, *owner == AttributeOwner::Record);
            assert_eq!(found.exact, values.len() <= 64, "{key}");
            let within = if found.exact { 0 } else { values.len() as u64 / 5 };
            assert!(found.distinct.abs_diff(values.len() as u64) <= within, "{found:?} of {}", values.len());
        }
    }
}

#[test]
fn catalogues_say_what_a_count_of_all_records_says() {
    for seed in 0..4 {
        let mut rng = Rng::new(seed);
        let disk = SimDisk::new(seed);
        let open = || EventStore::open(Arc::new(disk.clone()), Config::new(Path::new("/store"))).unwrap();
        let mut store = open();
        let mut rows = Vec::new();
        for round in 0..12 {
            for _ in 0..20 {
                rows.extend(ingest_logs(&store, &random::logs(&mut rng)).unwrap());
            }
            check(&store, &rows, false);
            store.logs().flush();
            check(&store, &rows, true);
            if round == 8 {
                store.close();
                store = open();
                check(&store, &rows, true);
            }
        }
        // Three days, twelve flushes: some were merged.
        assert!(store.logs().stats().segments < 30);
    }
}

#[test]
fn whole_segments_are_counted_without_a_look_into_blocks() {
    let store = EventStore::open(Arc::new(SimDisk::new(5)), Config::new(Path::new("/store"))).unwrap();
    let mut records: Vec<LogRecord> = (0..20).flat_map(|seed| random::logs(&mut Rng::new(seed))).collect();
    records.iter_mut().for_each(|r| r.attributes.retain(|(key, _)| key.len() <= 256));
    ingest_logs(&store, &records).unwrap();
    let all = Select::all(TimeRange::ALL, limits());
    assert!(store.logs().field_keys(&all).unwrap().stats.blocks_scanned > 0);
    store.logs().flush();
    assert_eq!(store.logs().field_keys(&all).unwrap().stats.blocks_scanned, 0);
    // The values of the days together are those of all.
    let days = store.logs().partitions();
    let mut k0 = days.iter().flat_map(|day| {
        let columns = store.logs().column_bytes(Some(day));
        columns.into_iter().filter(|c| c.key == "k0" && c.value_type == ValueType::Str).map(|c| c.distinct.unwrap())
    });
    let mut together = k0.next().unwrap();
    k0.for_each(|day| together.join(&day));
    let of_all = store.logs().catalogue(TimeRange::ALL);
    let of_all =
        of_all.iter().find(|a| (&*a.key, a.owner, a.value_type) == ("k0", AttributeOwner::Record, ValueType::Str));
    assert_eq!(of_all.map(|a| (a.distinct, a.exact)), Some(together.count()));
    assert!(!store.logs().field_keys(&all).unwrap().value.is_empty());
}
