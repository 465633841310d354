//! Values of series, one per step.
//!
//! "No value at this step" is spelled with the bits of the stale marker: it is
//! the one NaN that no computation can produce and no result may hold.
//! Histograms stand beside the values: a step has one or the other, and a
//! series without histograms has no list of them.

use std::sync::Arc;

use hashbrown::HashMap;
use model::labels::{self, Labels};
use rustc_hash::FxBuildHasher;

use super::run::Held;
use super::{EvalError, Point};
use crate::histogram::FloatHistogram;
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

/// The histograms of a series: one per step, or empty when it has none.
pub(crate) type Histograms = Vec<Option<Arc<FloatHistogram>>>;

/// A series on its way through the evaluation; borrowed from whoever made it.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) labels: &'a Arc<Labels>,
    /// The metric name goes away at the end of the query (delayed name removal).
    pub(crate) drop_name: bool,
    /// One per step.
    pub(crate) values: &'a [f64],
    /// As [`Histograms`]. A step with a histogram has no value.
    pub(crate) histograms: &'a [Option<Arc<FloatHistogram>>],
}

impl<'a> Row<'a> {
    /// A row without histograms.
    pub(crate) fn floats(labels: &'a Arc<Labels>, drop_name: bool, values: &'a [f64]) -> Self {
        Self { labels, drop_name, values, histograms: &[] }
    }

    /// Whether no step has anything.
    pub(crate) fn is_empty(&self) -> bool {
        !self.values.iter().any(|v| is_present(*v)) && self.histograms.iter().all(Option::is_none)
    }

    pub(crate) fn histogram(&self, step: usize) -> Option<&'a Arc<FloatHistogram>> {
        self.histograms.get(step)?.as_ref()
    }

    /// Whether a step has a value or a histogram.
    pub(crate) fn has(&self, step: usize) -> bool {
        self.values.get(step).is_some_and(|v| is_present(*v)) || self.histogram(step).is_some()
    }

    /// What a step has.
    pub(crate) fn point(&self, step: usize) -> Option<Point> {
        match self.values.get(step) {
            Some(v) if is_present(*v) => Some(Point::Float(*v)),
            _ => self.histogram(step).map(|h| Point::Histogram(h.clone())),
        }
    }

    /// Calls `f` with all steps that have anything.
    pub(crate) fn each_step(&self, mut f: impl FnMut(usize)) {
        (0..self.values.len()).filter(|step| self.has(*step)).for_each(&mut f);
    }
}

/// Takes rows one by one.
pub(crate) type Sink<'s> = dyn FnMut(Row<'_>) -> Result<(), EvalError> + 's;

/// A row that is kept.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) labels: Arc<Labels>,
    pub(crate) drop_name: bool,
    pub(crate) values: Vec<f64>,
    pub(crate) histograms: Histograms,
}

impl Column {
    pub(crate) fn of(row: Row<'_>) -> Self {
        let (values, histograms) = (row.values.to_vec(), row.histograms.to_vec());
        Self { labels: row.labels.clone(), drop_name: row.drop_name, values, histograms }
    }

    pub(crate) fn row(&self) -> Row<'_> {
        Row { labels: &self.labels, drop_name: self.drop_name, values: &self.values, histograms: &self.histograms }
    }

    /// How much memory it takes; labels are mostly shared.
    pub(crate) fn bytes(&self) -> usize {
        let histograms = self.histograms.iter().flatten().map(|h| crate::histogram::weight(h) * 16).sum::<usize>();
        size_of::<Self>() + self.values.len() * 8 + self.histograms.len() * 8 + histograms
    }
}

/// Columns that count as memory of the query.
pub(crate) struct Kept<'a> {
    columns: Vec<Column>,
    held: Held<'a>,
}

impl<'a> Kept<'a> {
    pub(crate) fn new(held: Held<'a>) -> Self {
        Self { columns: Vec::new(), held }
    }

    pub(crate) fn push(&mut self, column: Column) -> Result<(), EvalError> {
        self.held.add(column.bytes())?;
        self.columns.push(column);
        Ok(())
    }

    pub(crate) fn append(&mut self, mut other: Kept<'a>) {
        self.columns.append(&mut other.columns);
        self.held.take(&mut other.held);
    }

    pub(crate) fn columns_mut(&mut self) -> &mut Vec<Column> {
        &mut self.columns
    }
}

impl std::ops::Deref for Kept<'_> {
    type Target = [Column];

    fn deref(&self) -> &[Column] {
        &self.columns
    }
}

/// Collects values into columns by label set.
pub(crate) struct Columns<'a> {
    steps: usize,
    by_labels: Map<Arc<Labels>, usize>,
    pub(crate) columns: Vec<Column>,
    held: Held<'a>,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(steps: usize, held: Held<'a>) -> Self {
        Self { steps, by_labels: Map::default(), columns: Vec::new(), held }
    }

    /// The column with these labels; made when there is none.
    pub(crate) fn slot(&mut self, labels: Arc<Labels>, drop_name: bool) -> Result<usize, EvalError> {
        let next = self.columns.len();
        let at = *self.by_labels.entry(labels.clone()).or_insert(next);
        if at == next {
            let column = Column { labels, drop_name, values: vec![ABSENT; self.steps], histograms: Vec::new() };
            self.held.add(column.bytes())?;
            self.columns.push(column);
        }
        Ok(at)
    }

    /// Sets a value.
    ///
    /// # Errors
    /// When the column has one at this step already.
    pub(crate) fn set(&mut self, slot: usize, step: usize, point: Point) -> Result<(), EvalError> {
        let Some(column) = self.columns.get_mut(slot).filter(|c| !c.row().has(step)) else {
            return Err(EvalError::same_labelset());
        };
        match point {
            Point::Float(value) => {
                if let Some(at) = column.values.get_mut(step) {
                    *at = value;
                }
            }
            Point::Histogram(h) => put_histogram(&mut column.histograms, self.steps, step, h),
        }
        Ok(())
    }

    /// Adds everything of a row under (possibly other) labels.
    pub(crate) fn add(&mut self, labels: Arc<Labels>, drop_name: bool, row: Row<'_>) -> Result<(), EvalError> {
        let slot = self.slot(labels, drop_name)?;
        for step in 0..row.values.len() {
            if let Some(point) = row.point(step) {
                self.set(slot, step, point)?;
            }
        }
        Ok(())
    }
}

/// Puts a histogram into a list that may still be empty.
pub(crate) fn put_histogram(into: &mut Histograms, steps: usize, step: usize, h: Arc<FloatHistogram>) {
    if into.is_empty() {
        into.resize(steps, None);
    }
    if let Some(at) = into.get_mut(step) {
        *at = Some(h);
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
