//! Maps and arrays in attributes are searched by path, in columns and beyond the cap on them, and come back as they were sent.

use std::path::Path;
use std::sync::Arc;

use crate::support::{ingest_logs, limits, sorted};
use eventstore::query::*;
use eventstore::{Config, EventStore};
use foundation::UnixNanos;
use foundation::disk::sim::SimDisk;
use model::trace::Resource;
use model::{Attributes, LogRecord, TimeRange, Value};

fn map(entries: &[(&str, Value)]) -> Attributes {
    entries.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
}

fn records() -> Vec<LogRecord> {
    (0..30)
        .map(|i| {
            let app = Value::Str(["api", "bot", "web"][i % 3].into());
            let labels = Value::Map(map(&[("app", app), ("tier", Value::Int(i as i64 % 5))]));
            let time = UnixNanos(i as i64 + 1);
            LogRecord {
                time,
                observed_time: time,
                attributes: map(&[
                    ("k8s", Value::Map(map(&[("labels", labels), ("nodes", Value::Array(vec![Value::Bool(true)]))]))),
                    (
                        "items",
                        Value::Array(
                            (0..i % 3)
                                .map(|n| {
                                    Value::Map(map(&[
                                        ("sku", Value::Str(format!("sku-{n}"))),
                                        ("n", Value::Int(n as i64 + 1)),
                                    ]))
                                })
                                .collect(),
                        ),
                    ),
                    ("plain", Value::Int(7)),
                    ("tags", Value::Array(vec![Value::Str(["red", "green"][i % 2].into()), Value::Str("blue".into())])),
                ]),
                resource: Resource {
                    attributes: map(&[("host", Value::Map(map(&[("os", Value::Str("linux".into()))])))]),
                    ..Resource::default()
                },
                ..LogRecord::default()
            }
        })
        .collect()
}

#[test]
fn maps_and_arrays_are_searched_by_path_and_come_back() {
    for attribute_columns_max in [0, 1, 1000] {
        let config = Config { attribute_columns_max, ..Config::new(Path::new("/store")) };
        let store = EventStore::open(Arc::new(SimDisk::new(60)), config).unwrap();
        let sent = ingest_logs(&store, &records()).unwrap();
        for flushed in [false, true] {
            if flushed {
                store.logs().flush();
            }
            let all = || Select::all(TimeRange::ALL, limits());
            let equal = |key: &str, value: Operand| {
                let filter = Filter::compare(Field::attribute(key), CompareOp::Eq, value);
                store.logs().latest(&all().filter(filter), &Page::newest(100)).unwrap().value.rows
            };
            assert_eq!(equal("k8s.labels.app", Operand::Str("bot".into())).len(), 10);
            assert_eq!(equal("k8s.labels.tier", Operand::Int(4)).len(), 6);
            assert_eq!(equal("host.os", Operand::Str("linux".into())).len(), 30);
            assert_eq!(equal("k8s.labels.none", Operand::Int(4)).len(), 0);
            assert_eq!(equal("k8s.nodes", Operand::Bool(true)).len(), 30);
            assert_eq!(equal("tags", Operand::Str("red".into())).len(), 15);
            assert_eq!(equal("tags", Operand::Str("blue".into())).len(), 30);
            assert_eq!(equal("tags.0", Operand::Str("red".into())).len(), 15);
            assert_eq!(equal("tags.0", Operand::Str("blue".into())).len(), 0);
            assert_eq!(equal("tags.2", Operand::Str("blue".into())).len(), 0);
            assert_eq!(equal("items.sku", Operand::Str("sku-0".into())).len(), 20);
            assert_eq!(equal("items.sku", Operand::Str("sku-1".into())).len(), 10);
            assert_eq!(equal("items.1.sku", Operand::Str("sku-1".into())).len(), 10);
            assert_eq!(equal("items.sku.x", Operand::Str("sku-1".into())).len(), 0);
            let skus = store.logs().field_values(&all(), &Field::attribute("items.sku"), 10).unwrap().value.values;
            assert_eq!(skus.iter().map(|v| (v.value.as_str(), v.count)).collect::<Vec<_>>(), [("sku-0", 20)]);
            let first = Aggregation::top(Vec::new(), Measure::Sum(Field::attribute("items.n")), 1);
            let sum = store.logs().aggregate(&all(), &first).unwrap().value.rows[0].cells[0].number();
            assert_eq!(sum, Some(20.0));
            let values =
                store.logs().field_values(&all(), &Field::attribute("k8s.labels.app"), 10).unwrap().value.values;
            let values: Vec<(&str, u64)> = values.iter().map(|v| (v.value.as_str(), v.count)).collect();
            assert_eq!(values, [("api", 10), ("bot", 10), ("web", 10)]);
            let back = store.logs().latest(&all(), &Page { order: Order::Ascending, limit: 100, after: None }).unwrap();
            let back: Vec<LogRecord> = back.value.rows.iter().map(|r| sorted::log(&r.record)).collect();
            assert_eq!(back, sent.iter().map(sorted::log).collect::<Vec<_>>());
        }
    }
}

#[test]
fn keys_longer_than_a_name_are_no_columns_and_stay_whole() {
    let store = EventStore::open(Arc::new(SimDisk::new(61)), Config::new(Path::new("/store"))).unwrap();
    let (longest, longer) = ("k".repeat(256), "k".repeat(257));
    let mut records = records();
    for r in &mut records {
        r.attributes = map(&[(&longest, Value::Int(1)), (&longer, Value::Int(2))]);
    }
    ingest_logs(&store, &records).unwrap();
    store.logs().flush();
    let columns = store.logs().column_bytes(None);
    assert!(columns.iter().any(|c| c.key == longest));
    assert!(columns.iter().all(|c| c.key != longer));
    let all = Select::all(TimeRange::ALL, limits());
    let keys = store.logs().field_keys(&all).unwrap().value;
    assert!([&longest, &longer].iter().all(|k| keys.iter().any(|f| f.name == **k && f.count == 30)), "{keys:?}");
    let filter = Filter::compare(Field::attribute(&longer), CompareOp::Eq, Operand::Int(2));
    let found = store.logs().latest(&all.filter(filter), &Page::newest(100)).unwrap().value.rows;
    assert_eq!(found.len(), 30);
    assert_eq!(found[0].record.attributes, records[0].attributes);
}
