//! How many spans each span of a block stands for: the adjusted count of its sampling threshold.

use wire::otlp::sampling::adjusted_count;

use super::run::Halt;
use super::view::View;
use crate::schema::{Schema, THRESHOLD};

/// What the rows of a block stand for.
pub(super) enum Weights {
    /// Each for itself alone.
    One,
    /// One number per row.
    Each(Vec<f64>),
}

impl Weights {
    /// Log records stand for themselves.
    pub(super) fn of(view: &View<'_>) -> Result<Self, Halt> {
        if view.schema() != Schema::Spans {
            return Ok(Self::One);
        }
        let Some(thresholds) = view.ints(THRESHOLD)? else { return Ok(Self::One) };
        // Neighbours mostly have the same.
        let mut last = (0, 1.0);
        let weight = |threshold: &i64| {
            if *threshold != last.0 {
                last = (*threshold, adjusted_count(u64::try_from(*threshold).unwrap_or(0)));
            }
            last.1
        };
        Ok(Self::Each(thresholds.get().iter().map(weight).collect()))
    }

    pub(super) fn at(&self, row: usize) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Each(all) => all.get(row).copied().unwrap_or(1.0),
        }
    }
}
