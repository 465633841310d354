//! Sums and means of histograms at one step of one group, and the notes about them.

use std::sync::{Arc, Mutex, PoisonError};

use model::labels::Labels;

use crate::ast::{Aggregate, Span};
use crate::eval::columns::Row;
use crate::eval::operate::{conflicting_resets, reconciled};
use crate::eval::run::Held;
use crate::eval::{Eval, EvalError};
use crate::histogram::{FloatHistogram, Incompatible, Total};
use crate::text::quote;

/// Says what is odd about an aggregation.
pub(super) struct Teller<'a> {
    eval: &'a Eval<'a>,
    name: &'static str,
    span: Span,
    held: Mutex<Held<'a>>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(eval: &'a Eval<'a>, a: &Aggregate) -> Self {
        Self { eval, name: a.op.text(), span: a.expr.span, held: Mutex::new(Held::new(eval.run)) }
    }

    /// Histograms mean nothing to this operator.
    pub(super) fn ignored(&self, row: Row<'_>) {
        if row.histograms.iter().any(Option::is_some) {
            self.eval.info(&format!("ignored histogram in {} aggregation", self.name), self.span);
        }
    }

    pub(super) fn mixed(&self) {
        self.eval.warn("encountered a mix of histograms and floats for aggregation", self.span);
    }

    /// Counts the memory of a histogram that is kept.
    pub(super) fn hold(&self, h: &FloatHistogram) -> Result<(), EvalError> {
        let bytes = crate::histogram::weight(h) * 16 + size_of::<HistogramFold>();
        self.held.lock().unwrap_or_else(PoisonError::into_inner).add(bytes)
    }
}

/// The histograms of one group at one step.
pub(super) struct HistogramFold {
    /// None when exponential and custom buckets met.
    total: Option<Total>,
}

impl HistogramFold {
    pub(super) fn new(first: &FloatHistogram, mean: bool) -> Self {
        Self { total: Some(Total::new(first, mean)) }
    }

    pub(super) fn add(&mut self, h: &FloatHistogram, labels: &Labels, teller: &Teller<'_>) {
        let Some(total) = &mut self.total else { return };
        let added = total.add(h);
        self.told(added, labels.metric_name(), teller);
    }

    pub(super) fn join(&mut self, other: HistogramFold, teller: &Teller<'_>) {
        match (&mut self.total, other.total) {
            (Some(total), Some(other)) => {
                let added = total.join(other);
                self.told(added, "", teller);
            }
            _ => self.total = None,
        }
    }

    fn told(&mut self, added: Result<bool, Incompatible>, metric: &str, teller: &Teller<'_>) {
        match added {
            Ok(true) => teller.eval.info(&reconciled("aggregation"), teller.span),
            Ok(false) => {}
            Err(Incompatible) => {
                teller.eval.warn(&mixed_buckets(metric), teller.span);
                self.total = None;
            }
        }
    }

    pub(super) fn finish(self, teller: &Teller<'_>) -> Option<Arc<FloatHistogram>> {
        let total = self.total?;
        if total.resets_conflict() {
            teller.eval.warn(&conflicting_resets("aggregation"), teller.span);
        }
        Some(Arc::new(total.finish()))
    }
}

/// The note about exponential and custom buckets in one place.
pub(crate) fn mixed_buckets(metric: &str) -> String {
    let name = quote(metric);
    format!("vector contains a mix of histograms with exponential and custom buckets schemas for metric name {name}")
}
