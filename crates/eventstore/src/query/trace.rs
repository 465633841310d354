//! All spans of a trace, through the trace index.

use model::{AccessScope, Span, TimeRange, TraceId};

use super::eval::matching;
use super::filter::{Field, Filter};
use super::materialize;
use super::request::{Limits, Outcome, Row, Select};
use super::run::{Prepared, Run, prepare};
use crate::engine::Engine;
use crate::error::QueryError;

/// See [`crate::SpanStore::trace`].
pub(crate) fn trace(
    engine: &Engine,
    id: TraceId,
    range: TimeRange,
    access: &AccessScope,
    limits: &Limits,
) -> Result<Outcome<Vec<Span>>, QueryError> {
    let mut run = Run::new(engine, limits);
    let filter = Filter::eq(Field::TraceId, id.to_string().as_str());
    let select = Select { range, filter, access: access.clone(), limits: limits.clone() };
    let Prepared { plan, blocks } = prepare(engine, &mut run, &select)?;
    let mut found: Vec<Row<Span>> = Vec::new();
    for block in &blocks {
        let spans = run.visit(block, |view| {
            let rows: Vec<usize> = matching(view, &plan, view.in_range(range)?)?.iter().collect();
            if rows.is_empty() { Ok(Vec::new()) } else { materialize::spans(view, &rows) }
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
