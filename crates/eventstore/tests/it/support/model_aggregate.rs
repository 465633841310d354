//! What an aggregation answers, computed record by record from lists of numbers and texts.

use std::collections::{BTreeMap, BTreeSet};

use eventstore::query::*;
use foundation::UnixNanos;
use model::Value;

use super::model_filter::{Record, as_text, values};
use super::random::{self, Rng};

fn time(record: Record<'_>) -> UnixNanos {
    match record {
        Record::Log(r) => r.time,
        Record::Span(s) => s.start,
    }
}

/// The value that a record is grouped by.
pub(crate) fn text(record: Record<'_>, field: &Field) -> Option<String> {
    values(record, field).iter().find_map(as_text)
}

fn number(record: Record<'_>, field: &Field) -> Option<f64> {
    // The other fields are names and ids, also when they look like numbers.
    let counts = matches!(
        field,
        Field::Duration | Field::Kind | Field::Status | Field::Severity | Field::Body | Field::Attribute { .. }
    );
    if !counts {
        return None;
    }
    values(record, field).iter().find_map(|v| match v {
        Value::Int(i) => Some(*i as f64),
        Value::Double(d) => Some(*d),
        Value::Str(s) if s.starts_with(|c: char| c.is_ascii_digit()) => s.parse().ok(),
        _ => None,
    })
}

fn key(record: Record<'_>, by: &GroupBy) -> Option<String> {
    match (by, record) {
        (GroupBy::Field(field), _) => text(record, field),
        (GroupBy::SeverityRange, Record::Log(r)) => Some(model::log::severity_range(r.severity_number).to_owned()),
        (GroupBy::SeverityRange, Record::Span(_)) => None,
    }
}

/// A random aggregation that lists all groups.
pub(crate) fn random(rng: &mut Rng, spans: bool) -> Aggregation {
    let by = (0..rng.below(3)).map(|_| match rng.below(4) {
        0 => GroupBy::SeverityRange,
        _ => GroupBy::Field(random::field(rng, spans)),
    });
    let by = by.collect();
    let measures = (0..1 + rng.below(4)).map(|_| {
        let field = match rng.below(3) {
            0 => Field::Duration,
            _ => random::field(rng, spans),
        };
        match rng.below(11) {
            0 | 1 => Measure::Rows,
            2 => Measure::Present(field),
            3 => Measure::Distinct(field),
            4 => Measure::Min(field),
            5 => Measure::Max(field),
            6 => Measure::Sum(field),
            7 => Measure::Mean(field),
            8 => Measure::Adjusted,
            9 => Measure::SumAdjusted(field),
            _ => Measure::Quantile(field, [0.0, 0.5, 0.95, 1.0][rng.below(4) as usize]),
        }
    });
    let measures = measures.collect();
    let range = model::TimeRange::new(UnixNanos(0), UnixNanos(random::TIME_MAX));
    let buckets = (rng.below(2) == 0).then(|| Buckets::split(range, 1 + rng.below(40) as usize));
    Aggregation {
        by,
        buckets,
        measures,
        having: Vec::new(),
        order: Vec::new(),
        limit: usize::MAX,
        groups_max: GROUPS_MAX,
        sample: None,
    }
}

type Groups<'a> = BTreeMap<(Option<usize>, Vec<Option<String>>), Vec<Record<'a>>>;

fn stands_for(record: Record<'_>) -> f64 {
    use wire::otlp::sampling::{Sampling, adjusted_count};
    match record {
        Record::Span(s) => Sampling::of_state(&s.trace_state).threshold.map_or(1.0, adjusted_count),
        Record::Log(_) => 1.0,
    }
}

fn measured(records: &[Record<'_>], measure: &Measure) -> Cell {
    let numbers = |field: &Field| {
        let mut all: Vec<f64> = records.iter().filter_map(|r| number(*r, field)).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let cell = |v: Option<f64>| v.map_or(Cell::Empty, Cell::Number);
    let sum = |all: &[f64]| (!all.is_empty()).then(|| all.iter().sum::<f64>());
    match measure {
        Measure::Rows => Cell::Count(records.len() as u64),
        Measure::Adjusted => Cell::Number(records.iter().map(|r| stands_for(*r)).sum()),
        Measure::SumAdjusted(f) => {
            let all: Vec<f64> = records.iter().filter_map(|r| number(*r, f).map(|v| v * stands_for(*r))).collect();
            cell(sum(&all))
        }
        Measure::Present(f) => Cell::Count(records.iter().filter(|r| text(**r, f).is_some()).count() as u64),
        Measure::Distinct(f) => {
            let distinct: BTreeSet<String> = records.iter().filter_map(|r| text(*r, f)).collect();
            Cell::Distinct { count: distinct.len() as u64, exact: true }
        }
        Measure::Min(f) => cell(numbers(f).first().copied()),
        Measure::Max(f) => cell(numbers(f).last().copied()),
        Measure::Sum(f) => cell(sum(&numbers(f))),
        Measure::Mean(f) => {
            let all = numbers(f);
            cell(sum(&all).map(|s| s / all.len() as f64))
        }
        Measure::Quantile(f, q) => {
            let all = numbers(f);
            let rank = ((q * all.len() as f64).ceil() as usize).max(1);
            cell(all.get(rank - 1).copied())
        }
        Measure::Histogram(_) => Cell::Empty,
    }
}

fn same(measure: &Measure, got: &Cell, expected: &Cell) -> bool {
    match (measure, got, expected) {
        (Measure::Quantile(..), Cell::Number(got), Cell::Number(exact)) => (got - exact).abs() <= exact.abs() / 64.0,
        // In another order.
        (Measure::SumAdjusted(_), Cell::Number(got), Cell::Number(exact)) => {
            (got - exact).abs() <= exact.abs().max(1.0) * 1e-9
        }
        _ => got == expected,
    }
}

/// Fails when the engine's table is not what the records say.
pub(crate) fn check(got: &Table, asked: &Aggregation, records: &[Record<'_>]) {
    let mut groups: Groups<'_> = BTreeMap::new();
    if asked.by.is_empty() && asked.buckets.is_none() {
        groups.insert((None, Vec::new()), Vec::new());
    }
    for r in records {
        let bucket = match &asked.buckets {
            None => None,
            Some(b) => match b.index(time(*r)) {
                Some(b) => Some(b),
                None => continue,
            },
        };
        groups.entry((bucket, asked.by.iter().map(|by| key(*r, by)).collect())).or_default().push(*r);
    }
    assert_eq!((got.rows.len(), got.groups), (groups.len(), groups.len() as u64), "{asked:?}");
    for row in &got.rows {
        let records = groups.get(&(row.bucket, row.key.clone())).map(Vec::as_slice);
        let records = records.unwrap_or_else(|| panic!("no group {:?} of {asked:?}", row.key));
        for (measure, cell) in asked.measures.iter().zip(&row.cells) {
            let expected = measured(records, measure);
            assert!(same(measure, cell, &expected), "{measure:?} of {:?}: {cell:?}, not {expected:?}", row.key);
        }
    }
    assert!(got.rows.is_sorted_by_key(|r| r.bucket.map_or(usize::MAX, |b| b)));
}
