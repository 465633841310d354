//! Aggregations on many blocks: threads, order, conditions, limits, samples.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use crate::support::model_aggregate;
use crate::support::random::{self, Rng};
use crate::support::{ingest_logs, ingest_spans, limits, open};
use eventstore::EventStore;
use eventstore::query::*;
use foundation::disk::sim::SimDisk;
use model::TimeRange;

/// A store of some hundred records in at least 30 blocks.
fn many_blocks(rng: &mut Rng) -> EventStore {
    let store = open(Arc::new(SimDisk::new(1)), Path::new("/store"));
    for _ in 0..12 {
        (0..6).for_each(|_| drop(ingest_logs(&store, &random::logs(rng)).unwrap()));
        (0..6).for_each(|_| drop(ingest_spans(&store, &random::spans(rng)).unwrap()));
        store.logs().flush();
        store.spans().flush();
    }
    store
}

fn all(threads: usize) -> Select {
    Select::all(TimeRange::ALL, limits().threads(threads))
}

#[test]
fn threads_change_nothing_but_the_time() {
    let mut rng = Rng::new(11);
    let store = many_blocks(&mut rng);
    for _ in 0..40 {
        let (asked, filter) = (model_aggregate::random(&mut rng, true), random::filter(&mut rng, true));
        let ask = |threads| store.spans().aggregate(&all(threads).filter(filter.clone()), &asked).unwrap();
        let (one, four) = (ask(1), ask(4));
        assert_eq!(one.value, four.value, "{asked:?} {filter:?}");
        assert_eq!((one.stats.rows_scanned, one.partial), (four.stats.rows_scanned, four.partial));
        let red = |threads| store.spans().red(&all(threads).filter(filter.clone()), RedBy::Operation).unwrap().value;
        assert_eq!(red(1), red(3));
    }
    let blocks = store.spans().latest(&all(1), &Page::newest(100_000)).unwrap().stats.blocks_scanned / 2;
    assert!(blocks >= 24, "{blocks} blocks are too few for two threads");
}

#[test]
fn order_conditions_and_limit_pick_the_rows() {
    let mut rng = Rng::new(5);
    let store = many_blocks(&mut rng);
    let by = vec![GroupBy::Field(Field::Service), GroupBy::Field(Field::attribute("k1"))];
    let mut asked = Aggregation::top(by, Measure::Rows, usize::MAX);
    let whole = store.logs().aggregate(&all(1), &asked).unwrap().value;
    let count = |row: &TableRow| row.cells[0].number().unwrap() as u64;
    assert!(whole.rows.is_sorted_by_key(|r| std::cmp::Reverse(count(r))));
    // What has no value comes last among equals.
    let equals = |w: &[TableRow]| count(&w[0]) != count(&w[1]) || w[0].key[0] <= w[1].key[0] || w[1].key[0].is_none();
    assert!(whole.rows.windows(2).all(equals));

    asked.limit = 3;
    let three = store.logs().aggregate(&all(2), &asked).unwrap().value;
    assert_eq!((&three.rows[..], three.groups), (&whole.rows[..3], whole.rows.len() as u64));

    asked.limit = usize::MAX;
    asked.having = vec![Having { measure: 0, op: CompareOp::Ge, value: 10.0 }];
    let large = store.logs().aggregate(&all(1), &asked).unwrap().value;
    let expected: Vec<_> = whole.rows.iter().filter(|r| count(r) >= 10).cloned().collect();
    assert!(!expected.is_empty() && expected.len() < whole.rows.len());
    assert_eq!((large.rows, large.groups), (expected.clone(), expected.len() as u64));

    asked.having.clear();
    asked.order = vec![OrderBy { column: Column::Key(1), descending: true }];
    let by_key = store.logs().aggregate(&all(1), &asked).unwrap().value;
    assert!(by_key.rows.iter().rev().skip_while(|r| r.key[1].is_none()).all(|r| r.key[1].is_some()));
}

#[test]
fn too_many_groups_are_said() {
    let mut rng = Rng::new(6);
    let store = many_blocks(&mut rng);
    let mut asked = Aggregation::top(vec![GroupBy::Field(Field::SpanId)], Measure::Rows, usize::MAX);
    asked.groups_max = 7;
    let found = store.spans().aggregate(&all(1), &asked).unwrap();
    assert_eq!((found.value.rows.len(), found.partial), (7, Some(Partial::Groups { max: 7 })));
    let found = store.spans().aggregate(&all(4), &asked).unwrap();
    assert_eq!((found.value.rows.len(), found.partial), (7, Some(Partial::Groups { max: 7 })));
}

#[test]
fn a_sample_is_scaled_and_said() {
    let mut rng = Rng::new(7);
    let store = many_blocks(&mut rng);
    let mut asked = Aggregation::top(Vec::new(), Measure::Rows, 1);
    let whole = store.logs().aggregate(&all(1), &asked).unwrap().value;
    assert_eq!(whole.sampled, None);
    let rows = whole.rows[0].cells[0].number().unwrap();
    asked.sample = NonZeroU32::new(4);
    let found = store.logs().aggregate(&all(1).filter(Filter::Not(Box::new(Filter::Or(vec![])))), &asked).unwrap();
    let share = found.value.sampled.unwrap();
    assert!(share > 0.05 && share < 0.6 && found.partial.is_none(), "{share}");
    // Every record matches: what the sample has, scaled up, is all of them.
    assert_eq!(found.value.rows[0].cells[0], Cell::Count(rows as u64));
    assert!((found.stats.rows_scanned as f64 - rows * share).abs() < 0.5 || found.stats.rows_scanned == 0);
}
