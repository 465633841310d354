//! Values of series, one per step.
//!
//! "No value at this step" is spelled with the bits of the stale marker: it is
//! the one NaN that no computation can produce and no result may hold.

use std::sync::Arc;

use hashbrown::HashMap;
use model::labels::{self, Labels};
use rustc_hash::FxBuildHasher;

use super::EvalError;
use crate::series::STALE_NAN_BITS;

/// No value at this step.
pub(crate) const ABSENT: f64 = f64::from_bits(STALE_NAN_BITS);

/// Whether there is a value.
#[inline]
pub(crate) fn is_present(value: f64) -> bool {
    value.to_bits() != STALE_NAN_BITS
}

/// A map that is not exposed to chosen keys.
pub(crate) type Map<K, V> = HashMap<K, V, FxBuildHasher>;

/// A series on its way through the evaluation; borrowed from whoever made it.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) labels: &'a Arc<Labels>,
    /// The metric name goes away at the end of the query (delayed name removal).
    pub(crate) drop_name: bool,
    /// One per step.
    pub(crate) values: &'a [f64],
}

/// Takes rows one by one.
pub(crate) type Sink<'s> = dyn FnMut(Row<'_>) -> Result<(), EvalError> + 's;

/// A row that is kept.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) labels: Arc<Labels>,
    pub(crate) drop_name: bool,
    pub(crate) values: Vec<f64>,
}

impl Column {
    pub(crate) fn row(&self) -> Row<'_> {
        Row { labels: &self.labels, drop_name: self.drop_name, values: &self.values }
    }
}

/// Collects values into columns by label set.
pub(crate) struct Columns {
    steps: usize,
    by_labels: Map<Arc<Labels>, usize>,
    pub(crate) columns: Vec<Column>,
}

impl Columns {
    pub(crate) fn new(steps: usize) -> Self {
        Self { steps, by_labels: Map::default(), columns: Vec::new() }
    }

    /// The column with these labels; made when there is none.
    pub(crate) fn slot(&mut self, labels: Arc<Labels>, drop_name: bool) -> usize {
        let next = self.columns.len();
        let at = *self.by_labels.entry(labels.clone()).or_insert(next);
        if at == next {
            self.columns.push(Column { labels, drop_name, values: vec![ABSENT; self.steps] });
        }
        at
    }

    /// Sets a value.
    ///
    /// # Errors
    /// When the column has one at this step already.
    pub(crate) fn set(&mut self, slot: usize, step: usize, value: f64) -> Result<(), EvalError> {
        match self.columns.get_mut(slot).and_then(|c| c.values.get_mut(step)) {
            Some(at) if !is_present(*at) => {
                *at = value;
                Ok(())
            }
            _ => Err(EvalError::same_labelset()),
        }
    }

    /// Adds all values of a row under (possibly other) labels.
    pub(crate) fn add(&mut self, labels: Arc<Labels>, drop_name: bool, values: &[f64]) -> Result<(), EvalError> {
        let slot = self.slot(labels, drop_name);
        for (step, value) in values.iter().enumerate() {
            if is_present(*value) {
                self.set(slot, step, *value)?;
            }
        }
        Ok(())
    }
}

/// Labels that describe a metric and go away with its name.
pub(crate) const METADATA: [&str; 3] = [labels::NAME, "__type__", "__unit__"];

/// The labels without the metric name and what else describes the metric.
pub(crate) fn without_name(labels: &Arc<Labels>) -> Arc<Labels> {
    if METADATA.iter().all(|name| labels.get(name).is_empty()) {
        return labels.clone();
    }
    let mut out = Labels::clone(labels);
    out.retain(|name, _| !METADATA.contains(&name));
    Arc::new(out)
}
