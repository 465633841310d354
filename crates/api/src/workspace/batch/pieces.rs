//! Ranges of more steps than one query takes: evaluated piece by piece, and cut while the pieces come, so that memory does not
//! grow with their number.

use std::collections::HashMap;

use model::Labels;
use promql::eval::{QueryRange, Value};
use query::metrics::{Ask, MetricsError};

use super::cut::{Cut, Grid};
use crate::app::App;

/// Steps of one query, as in the Prometheus API.
pub(super) const PIECE_STEPS: usize = 11_001;
/// A million and room for what is not round.
pub(super) const STEPS_MAX: usize = 2_000_000;
/// Series that are cut side by side; each takes up to 90 kB.
const SERIES_MAX: usize = 1_000;

#[derive(Debug, thiserror::Error)]
pub(super) enum PieceError {
    #[error(transparent)]
    Query(#[from] MetricsError),
    #[error(
        "more than {SERIES_MAX} series over more than {PIECE_STEPS} steps; ask for a longer step, or for fewer series"
    )]
    Series,
    #[error("`@ start()` and `@ end()` do not go with more than {PIECE_STEPS} steps; ask for a longer step")]
    Bounds,
}

/// What all pieces together have.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// In the order in which they came.
    pub series: Vec<(Labels, Cut)>,
    pub samples: usize,
    pub warnings: Vec<String>,
}

/// Evaluates the query over all steps of `range`.
pub(super) fn evaluate(app: &App, ask: &Ask, query: &str, range: QueryRange, grid: Grid) -> Result<Pieces, PieceError> {
    if names_bounds(query) {
        return Err(PieceError::Bounds);
    }
    let mut all = Pieces::default();
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let at = |step: usize| range.start_ms + step as i64 * range.step_ms;
    for from in (0..grid.steps).step_by(PIECE_STEPS) {
        let to = (from + PIECE_STEPS).min(grid.steps) - 1;
        let piece = QueryRange { start_ms: at(from), end_ms: at(to), step_ms: range.step_ms };
        let output = query::metrics::range(&app.promql, &app.engines.metrics, ask, query, piece)?.output;
        all.samples += output.samples_loaded;
        for warning in output.warnings.into_iter().chain(output.infos) {
            if !all.warnings.contains(&warning) {
                all.warnings.push(warning);
            }
        }
        let Value::Matrix(series) = output.value else { continue };
        for s in series {
            let place = *places.entry(s.labels.clone()).or_insert_with(|| {
                all.series.push((s.labels.clone(), Cut::new(grid)));
                all.series.len() - 1
            });
            if place >= SERIES_MAX {
                return Err(PieceError::Series);
            }
            for p in &s.samples {
                all.series[place].1.add(((p.t_ms - range.start_ms) / range.step_ms) as usize, p.value);
            }
        }
    }
    Ok(all)
}

/// Whether a selector is fixed to the beginning or the end of the range, which a piece does not have.
fn names_bounds(query: &str) -> bool {
    let mut rest = query;
    while let Some(at) = rest.find('@') {
        rest = rest[at + 1..].trim_start();
        if rest.starts_with("start") || rest.starts_with("end") {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::names_bounds;

    #[test]
    fn bounds_of_the_range_are_found() {
        assert!(names_bounds("up @ end()") && names_bounds("rate(x[5m] @start ( ))"));
        assert!(!names_bounds("up @ 1700000000") && !names_bounds("ends_at") && !names_bounds("up"));
    }
}
