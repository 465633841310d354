//! All spans of a trace, through the trace index: from what lies near the time that was named to what lies far from it.

use model::{AccessScope, Span, TimeRange, TraceId, UnixNanos};

use super::eval::matching;
use super::filter::{Field, Filter};
use super::materialize;
use super::request::{Limits, Outcome, Row, Select};
use super::run::{Prepared, Run, prepare};
use crate::column::bitmap::Bitmap;
use crate::engine::Engine;
use crate::error::QueryError;

/// How far rows between two times (both inclusive) lie from a range at least.
fn distance(range: TimeRange, min: UnixNanos, max: UnixNanos) -> u64 {
    // A range can end where it begins: the moment that somebody asked for.
    let last = range.end.0.saturating_sub(1).max(range.start.0);
    if max < range.start {
        range.start.0.abs_diff(max.0)
    } else if min.0 > last {
        min.0.abs_diff(last)
    } else {
        0
    }
}

/// See [`crate::SpanStore::trace`].
pub(crate) fn trace(
    engine: &Engine,
    id: TraceId,
    around: Option<TimeRange>,
    access: &AccessScope,
    limits: &Limits,
) -> Result<Outcome<Vec<Span>>, QueryError> {
    let mut run = Run::new(engine, limits);
    let filter = Filter::eq(Field::TraceId, id.to_string().as_str());
    let select = Select { range: TimeRange::ALL, filter, access: access.clone(), limits: limits.clone() };
    let Prepared { plan, mut blocks } = prepare(engine, &mut run, &select)?;
    if let Some(around) = around {
        blocks.sort_by_key(|b| distance(around, b.meta.min_time, b.meta.max_time));
    }
    let mut found: Vec<Row<Span>> = Vec::new();
    for (i, block) in blocks.iter().enumerate() {
        run.read_ahead(blocks.iter().skip(i), usize::MAX);
        let spans = run.visit(block, |view| {
            let rows: Vec<usize> = matching(view, &plan, Bitmap::all(view.rows()))?.iter().collect();
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            materialize::spans(view, &rows, &materialize::row_ids(view, &rows)?)
        });
        let taken = spans.and_then(|spans| {
            let spans = spans.unwrap_or_default();
            let held = spans.iter().map(|s| materialize::span_bytes(&s.record)).sum();
            found.extend(spans);
            run.hold(held)
        });
        if let Err(why) = taken {
            run.stop(why);
            break;
        }
    }
    found.sort_by_key(|r| r.id);
    Ok(run.finish(found.into_iter().map(|r| r.record).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_to_the_nearer_end() {
        let range = TimeRange::new(UnixNanos(10), UnixNanos(20));
        let of = |min, max| distance(range, UnixNanos(min), UnixNanos(max));
        assert_eq!([of(1, 4), of(1, 10), of(12, 13), of(19, 40), of(20, 40), of(25, 40)], [6, 0, 0, 0, 1, 6]);
        let moment = TimeRange::new(UnixNanos(10), UnixNanos(10));
        assert_eq!(distance(moment, UnixNanos(10), UnixNanos(11)), 0);
        assert_eq!(distance(moment, UnixNanos(i64::MIN), UnixNanos(i64::MIN)), 10u64.wrapping_sub(i64::MIN as u64));
    }
}
