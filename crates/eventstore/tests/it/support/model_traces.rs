//! What searches for traces, the service map and patterns answer, computed from all records.

use std::collections::{BTreeMap, BTreeSet};

use eventstore::query::*;
use model::{LogRecord, Span, TraceId, Value};

use super::model_filter::{Record, matches};
use super::random::{self, Rng};

/// A random combination of conditions.
pub(crate) fn random_condition(rng: &mut Rng, depth: u32) -> TraceFilter {
    match rng.below(if depth < 2 { 5 } else { 2 }) {
        0 | 1 => TraceFilter::Span(random::filter(rng, true)),
        2 => TraceFilter::And((0..1 + rng.below(3)).map(|_| random_condition(rng, depth + 1)).collect()),
        3 => TraceFilter::Or((0..1 + rng.below(3)).map(|_| random_condition(rng, depth + 1)).collect()),
        _ => TraceFilter::Not(Box::new(random_condition(rng, depth + 1))),
    }
}

fn leaves<'a>(condition: &'a TraceFilter, out: &mut Vec<&'a Filter>) {
    match condition {
        TraceFilter::Span(f) => out.push(f),
        TraceFilter::And(all) | TraceFilter::Or(all) => all.iter().for_each(|c| leaves(c, out)),
        TraceFilter::Not(inner) => leaves(inner, out),
    }
}

fn holds(condition: &TraceFilter, has: &dyn Fn(&Filter) -> bool) -> bool {
    match condition {
        TraceFilter::Span(f) => has(f),
        TraceFilter::And(all) => all.iter().all(|c| holds(c, has)),
        TraceFilter::Or(any) => any.iter().any(|c| holds(c, has)),
        TraceFilter::Not(inner) => !holds(inner, has),
    }
}

/// The traces that satisfy a condition, in the order of a list; `spans` are those of the range.
pub(crate) fn traces(spans: &[(usize, &Span)], condition: &TraceFilter) -> Vec<TraceId> {
    let mut wanted = Vec::new();
    leaves(condition, &mut wanted);
    let all = Filter::All;
    if !matches!(condition, TraceFilter::Span(_)) && holds(condition, &|_| false) {
        wanted.push(&all);
    }
    // The newest span that was asked for, by trace.
    let mut places: BTreeMap<TraceId, (i64, usize)> = BTreeMap::new();
    for (i, s) in spans.iter().filter(|(_, s)| wanted.iter().any(|f| matches(f, Record::Span(s)))) {
        let place = places.entry(s.trace_id).or_insert((i64::MIN, 0));
        *place = (*place).max((s.start.0, *i));
    }
    let of_trace = |id: TraceId| spans.iter().filter(move |(_, s)| s.trace_id == id).map(|(_, s)| *s);
    let satisfied = |id: TraceId| holds(condition, &|f| of_trace(id).any(|s| matches(f, Record::Span(s))));
    let mut found: Vec<_> = places.into_iter().filter(|(id, _)| satisfied(*id)).collect();
    found.sort_by_key(|(_, place)| std::cmp::Reverse(*place));
    found.into_iter().map(|(id, _)| id).collect()
}

/// Fails when the map is not that of the spans. A parent id that several services have leaves a choice.
pub(crate) fn check_map(map: &ServiceMap, spans: &[Span], filter: &Filter) {
    let mut services: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for s in spans {
        services.entry((s.trace_id, s.span_id)).or_default().insert(s.resource.service());
    }
    let (mut certain, mut possible): (BTreeMap<_, u64>, BTreeMap<_, u64>) = Default::default();
    let mut unresolved = 0;
    for s in spans.iter().filter(|s| !s.parent_span_id.is_zero() && matches(filter, Record::Span(s))) {
        let server = s.resource.service();
        let Some(clients) = services.get(&(s.trace_id, s.parent_span_id)) else {
            unresolved += 1;
            continue;
        };
        for client in clients.iter().filter(|c| **c != server) {
            *possible.entry((*client, server)).or_default() += 1;
            if clients.len() == 1 {
                *certain.entry((*client, server)).or_default() += 1;
            }
        }
    }
    assert_eq!(map.unresolved, unresolved);
    let found: BTreeMap<_, u64> = map.edges.iter().map(|e| ((e.client.as_str(), e.server.as_str()), e.calls)).collect();
    for (edge, n) in &certain {
        assert!(found.get(edge).is_some_and(|calls| calls >= n), "{edge:?}: {found:?}, at least {n}");
    }
    for (edge, n) in &found {
        assert!(possible.get(edge).is_some_and(|calls| calls >= n), "{edge:?}: {n} of {possible:?}");
    }
    assert!(map.edges.iter().all(|e| e.errors <= e.calls && e.p50_nanos <= e.p99_nanos));
}

/// Fails when the patterns are not those of the bodies.
pub(crate) fn check_patterns(found: &Patterns, records: &[&LogRecord]) {
    let word = regex::Regex::new(r"[A-Za-z0-9_]+").expect("a regex");
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for r in records {
        if let Value::Str(text) = &r.body {
            let varies = |w: &regex::Captures<'_>| {
                if w[0].contains(|c: char| c.is_ascii_digit()) { WILDCARD.to_owned() } else { w[0].to_owned() }
            };
            *expected.entry(word.replace_all(text, varies).into_owned()).or_default() += 1;
        }
    }
    let got: BTreeMap<String, u64> = found.patterns.iter().map(|p| (p.template.clone(), p.count)).collect();
    assert_eq!(got, expected);
    assert_eq!((found.records, found.distinct), (expected.values().sum(), expected.len() as u64));
    assert!(found.patterns.is_sorted_by_key(|p| std::cmp::Reverse(p.count)));
    assert!(found.patterns.iter().all(|p| p.counts.iter().sum::<u64>() <= p.count));
}
