//! Puts the spans of a trace together: without repeats, in order, with its tops.
//!
//! Knows no store: it takes the spans as they come.

use std::collections::HashMap;

use foundation::UnixNanos;
use model::{Span, SpanId, TraceId};

/// One trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    /// Which trace.
    pub trace_id: TraceId,
    /// Its spans by start, the longer one first when two start together, so that parents come before children.
    pub spans: Vec<Span>,
    /// Places in `spans` of those without a parent, in order.
    pub roots: Vec<usize>,
    /// Places in `spans` of the other tops, in order: the parent is not stored, or is a descendant.
    pub orphans: Vec<usize>,
    /// How many spans were left out because they were sent again.
    pub repeats: usize,
    /// The start of the earliest span.
    pub start: UnixNanos,
    /// From the earliest start to the latest end.
    pub duration_nanos: u64,
}

/// Puts `spans` together; of a span that was sent several times, the one that ends last stays.
///
/// Two spans with one id are the same span only if service and kind agree: Zipkin's shared spans
/// give one id to the client's and the server's side of a call, and both stay.
pub(super) fn assemble(trace_id: TraceId, spans: Vec<Span>) -> Trace {
    let sent = spans.len();
    let mut spans = without_repeats(spans);
    spans.sort_by(|a, b| a.start.cmp(&b.start).then(b.end.cmp(&a.end)).then(a.span_id.cmp(&b.span_id)));
    let start = spans.first().map_or(UnixNanos(0), |s| s.start);
    let end = spans.iter().map(|s| s.end).max().unwrap_or(start);
    let (roots, orphans) = tops(&spans);
    Trace {
        trace_id,
        roots,
        orphans,
        repeats: sent - spans.len(),
        start,
        duration_nanos: end.0.saturating_sub(start.0).max(0) as u64,
        spans,
    }
}

fn without_repeats(spans: Vec<Span>) -> Vec<Span> {
    let mut kept: Vec<Span> = Vec::with_capacity(spans.len());
    // Places in `kept`; nearly always one per id.
    let mut by_id: HashMap<SpanId, Vec<usize>> = HashMap::with_capacity(spans.len());
    for span in spans {
        let places = by_id.entry(span.span_id).or_default();
        let same = places.iter().copied().find(|at| {
            let other = &kept[*at];
            other.kind == span.kind && other.resource.service() == span.resource.service()
        });
        match same {
            // A span sent again later knows more, for example an end.
            Some(at) if span.end >= kept[at].end => kept[at] = span,
            Some(_) => {}
            None => {
                places.push(kept.len());
                kept.push(span);
            }
        }
    }
    kept
}

/// Roots and orphans; from them every span is reached by going from parents to children.
fn tops(spans: &[Span]) -> (Vec<usize>, Vec<usize>) {
    let ids: HashMap<SpanId, usize> = spans.iter().enumerate().rev().map(|(at, s)| (s.span_id, at)).collect();
    let mut children: HashMap<SpanId, Vec<usize>> = HashMap::new();
    let (mut roots, mut orphans) = (Vec::new(), Vec::new());
    for (at, span) in spans.iter().enumerate() {
        if span.parent_span_id.is_zero() {
            roots.push(at);
        } else if !ids.contains_key(&span.parent_span_id) {
            orphans.push(at);
        } else {
            children.entry(span.parent_span_id).or_default().push(at);
        }
    }
    let mut reached = vec![false; spans.len()];
    roots.iter().chain(&orphans).for_each(|top| reach(*top, spans, &children, &mut reached));
    // What is left goes round in a circle; its earliest span becomes its top.
    for at in 0..spans.len() {
        if !reached[at] {
            orphans.push(at);
            reach(at, spans, &children, &mut reached);
        }
    }
    orphans.sort_unstable();
    (roots, orphans)
}

/// Marks everything below `top`, and `top` itself.
fn reach(top: usize, spans: &[Span], children: &HashMap<SpanId, Vec<usize>>, reached: &mut [bool]) {
    let mut waiting = vec![top];
    while let Some(at) = waiting.pop() {
        // Both sides of a shared id have the same children; the second time they are marked already.
        if !std::mem::replace(&mut reached[at], true) {
            waiting.extend(children.get(&spans[at].span_id).into_iter().flatten());
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// `id parent start end [service [kind]]`, one span per line.
    fn check(text: &str, expect: Expect) {
        let id = |word: &str| SpanId(word.parse::<u64>().unwrap().to_be_bytes());
        let spans = text.trim().lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let mut span = Span {
                span_id: id(words[0]),
                parent_span_id: id(words[1]),
                start: UnixNanos(words[2].parse().unwrap()),
                end: UnixNanos(words[3].parse().unwrap()),
                kind: words.get(5).map_or(1, |k| k.parse().unwrap()),
                ..Span::default()
            };
            if let Some(service) = words.get(4) {
                span.resource.attributes.push(("service.name".into(), (*service).into()));
            }
            span
        });
        let trace = assemble(TraceId([1; 16]), spans.collect());
        let mut out = String::new();
        for (at, s) in trace.spans.iter().enumerate() {
            let top = match (trace.roots.contains(&at), trace.orphans.contains(&at)) {
                (true, _) => " root",
                (_, true) => " orphan",
                _ => "",
            };
            let id = u64::from_be_bytes(s.span_id.0);
            out.push_str(&format!("{id} {}..{} {}{top}\n", s.start.0, s.end.0, s.resource.service()));
        }
        out.push_str(&format!("start {} duration {} repeats {}\n", trace.start.0, trace.duration_nanos, trace.repeats));
        expect.assert_eq(&out);
    }

    #[test]
    fn by_start_parents_before_children() {
        check(
            "3 2 20 30\n2 1 10 40\n1 0 10 50\n4 1 45 70",
            expect![[r#"
            1 10..50 unknown_service root
            2 10..40 unknown_service
            3 20..30 unknown_service
            4 45..70 unknown_service
            start 10 duration 60 repeats 0
        "#]],
        );
    }

    #[test]
    fn a_span_sent_again_is_one_span() {
        check(
            "1 0 10 10 api\n2 1 12 15 api\n1 0 10 50 api\n2 1 12 15 api",
            expect![[r#"
            1 10..50 api root
            2 12..15 api
            start 10 duration 40 repeats 2
        "#]],
        );
    }

    #[test]
    fn both_sides_of_a_shared_span_stay() {
        check(
            "1 0 10 50 web 3\n1 0 12 48 api 2\n2 1 13 20 api 1",
            expect![[r#"
            1 10..50 web root
            1 12..48 api root
            2 13..20 api
            start 10 duration 40 repeats 0
        "#]],
        );
    }

    #[test]
    fn a_missing_parent_makes_an_orphan() {
        check(
            "2 1 10 20\n3 2 11 12\n5 4 15 40",
            expect![[r#"
            2 10..20 unknown_service orphan
            3 11..12 unknown_service
            5 15..40 unknown_service orphan
            start 10 duration 30 repeats 0
        "#]],
        );
    }

    #[test]
    fn circles_have_a_top_too() {
        check(
            "1 0 0 9\n2 3 10 20\n3 2 11 12\n4 4 15 16",
            expect![[r#"
            1 0..9 unknown_service root
            2 10..20 unknown_service orphan
            3 11..12 unknown_service
            4 15..16 unknown_service orphan
            start 0 duration 20 repeats 0
        "#]],
        );
        check(
            "7 7 1 2",
            expect![[r#"
            7 1..2 unknown_service orphan
            start 1 duration 1 repeats 0
        "#]],
        );
        check(
            "",
            expect![[r#"
            start 0 duration 0 repeats 0
        "#]],
        );
    }
}
