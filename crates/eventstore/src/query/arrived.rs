//! The rows that arrived since a moment: what a live tail asks for again and again.

use std::collections::BTreeMap;
use std::ops::Range;

use model::{LogRecord, UnixNanos};

use super::eval::matching;
use super::latest::winners;
use super::materialize;
use super::request::{Outcome, Row, RowId, Select};
use super::run::{Prepared, Run, prepare};
use crate::column::bitmap::Bitmap;
use crate::engine::Engine;
use crate::error::QueryError;

/// See [`crate::LogStore::arrived`].
pub(crate) fn logs(
    engine: &Engine,
    select: &Select,
    seqs: Range<u64>,
    limit: usize,
) -> Result<Outcome<(Vec<Row<LogRecord>>, u64)>, QueryError> {
    let mut run = Run::new(engine, &select.limits);
    let Prepared { plan, blocks } = prepare(engine, &mut run, select)?;
    // By the order of arrival; the last ones stay.
    let mut kept: BTreeMap<(i128, u64), (usize, usize, RowId)> = BTreeMap::new();
    let mut matched = 0;
    for (i, block) in blocks.iter().enumerate() {
        let looked = run.visit(block, |view| {
            let numbers = view.seqs()?;
            let mut new = Bitmap::none(view.rows());
            for (row, seq) in numbers.get().iter().enumerate() {
                if seqs.contains(&(*seq as u64)) {
                    new.set(row);
                }
            }
            if new.is_empty() {
                return Ok(());
            }
            new.and(&view.in_range(select.range)?);
            let rows = matching(view, &plan, new)?;
            if rows.is_empty() {
                return Ok(());
            }
            let times = view.times()?;
            for row in rows.iter() {
                let id = RowId { time: UnixNanos(times.at(row)), seq: numbers.at(row) as u64 };
                matched += 1;
                kept.insert((0, id.seq), (i, row, id));
                if kept.len() > limit {
                    kept.pop_first();
                }
            }
            Ok(())
        });
        if let Err(why) = looked {
            run.stop(why);
            break;
        }
    }
    let mut rows = winners(&mut run, &blocks, kept, materialize::logs, materialize::log_bytes);
    rows.sort_by_key(|r| r.id.seq);
    Ok(run.finish((rows, matched)))
}
