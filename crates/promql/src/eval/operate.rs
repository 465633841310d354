//! What an operator makes of two values, floats or histograms.

use std::sync::Arc;

use super::{Eval, Point};
use crate::ast::{Binary, BinaryOp, Span};
use crate::histogram::{Combined, Flat, FloatHistogram, Incompatible, Keep, divided, same_data, scaled, trim};

/// The value of an arithmetic operator.
#[inline]
pub(crate) fn arithmetic(op: BinaryOp, l: f64, r: f64) -> f64 {
    match op {
        BinaryOp::Add => l + r,
        BinaryOp::Sub => l - r,
        BinaryOp::Mul => l * r,
        BinaryOp::Div => l / r,
        BinaryOp::Mod => l % r,
        BinaryOp::Pow => l.powf(r),
        BinaryOp::Atan2 => l.atan2(r),
        _ => f64::NAN,
    }
}

/// Whether a comparison holds.
#[inline]
pub(crate) fn compares(op: BinaryOp, l: f64, r: f64) -> bool {
    match op {
        BinaryOp::Eq => l == r,
        BinaryOp::Ne => l != r,
        BinaryOp::Gt => l > r,
        BinaryOp::Lt => l < r,
        BinaryOp::Ge => l >= r,
        BinaryOp::Le => l <= r,
        _ => false,
    }
}

/// What two values give.
pub(crate) enum Outcome {
    Value(Point),
    /// A comparison that holds or does not.
    Holds(bool),
    /// Nothing; it was noted why.
    Nothing,
}

/// One operator at its place in the query.
#[derive(Clone, Copy)]
pub(crate) struct Operation<'a> {
    pub(crate) eval: &'a Eval<'a>,
    pub(crate) b: &'a Binary,
    pub(crate) span: Span,
}

impl Operation<'_> {
    /// The outcome; what is odd about it is noted.
    #[inline]
    pub(crate) fn outcome(&self, l: &Point, r: &Point) -> Outcome {
        let op = self.b.op;
        match (l, r) {
            (Point::Float(l), Point::Float(r)) if op.is_comparison() => Outcome::Holds(compares(op, *l, *r)),
            (Point::Float(l), Point::Float(r)) if !op.is_trim() => Outcome::Value(Point::Float(arithmetic(op, *l, *r))),
            _ => self.with_histograms(l, r),
        }
    }

    fn with_histograms(&self, l: &Point, r: &Point) -> Outcome {
        let histogram = |h: FloatHistogram| Outcome::Value(Point::Histogram(Arc::new(h)));
        match (l, self.b.op, r) {
            (Point::Float(f), BinaryOp::Mul, Point::Histogram(h))
            | (Point::Histogram(h), BinaryOp::Mul, Point::Float(f)) => histogram(scaled(h, *f)),
            (Point::Histogram(h), BinaryOp::Div, Point::Float(f)) => histogram(divided(h, *f)),
            (Point::Histogram(h), BinaryOp::TrimUpper, Point::Float(f)) => histogram(trim(h, *f, Keep::Below)),
            (Point::Histogram(h), BinaryOp::TrimLower, Point::Float(f)) => histogram(trim(h, *f, Keep::Above)),
            (Point::Histogram(l), BinaryOp::Add | BinaryOp::Sub, Point::Histogram(r)) => self.combined(l, r),
            (Point::Histogram(l), BinaryOp::Eq, Point::Histogram(r)) => Outcome::Holds(same_data(l, r)),
            (Point::Histogram(l), BinaryOp::Ne, Point::Histogram(r)) => Outcome::Holds(!same_data(l, r)),
            _ => {
                self.incompatible_types(l, r);
                Outcome::Nothing
            }
        }
    }

    fn combined(&self, l: &FloatHistogram, r: &FloatHistogram) -> Outcome {
        let mut flat = Flat::<f64>::new(l);
        let (combined, what) = match self.b.op {
            BinaryOp::Add => (flat.add(r), "addition"),
            _ => (flat.subtract(r), "subtraction"),
        };
        match combined {
            Ok(Combined { hints_collide, bounds_reconciled }) => {
                if bounds_reconciled {
                    self.eval.info(&reconciled(what), self.span);
                }
                if hints_collide {
                    self.eval.warn(&conflicting_resets(what), self.span);
                    return Outcome::Nothing;
                }
            }
            Err(Incompatible) => {
                let op = self.b.op.text();
                let message = format!("incompatible bucket layout encountered for binary operator {op}");
                self.eval.warn(&message, self.span);
                return Outcome::Nothing;
            }
        }
        if self.b.op == BinaryOp::Sub {
            flat.set_hint(model::histogram::CounterReset::Gauge);
        }
        Outcome::Value(Point::Histogram(Arc::new(flat.into_histogram())))
    }

    fn incompatible_types(&self, l: &Point, r: &Point) {
        let name = |p: &Point| if matches!(p, Point::Float(_)) { "float" } else { "histogram" };
        let op = self.b.op.text();
        let message =
            format!("incompatible sample types encountered for binary operator \"{op}\": {} {op} {}", name(l), name(r));
        self.eval.info(&message, self.span);
    }
}

/// The note about custom bounds that were given up.
pub(crate) fn reconciled(during: &str) -> String {
    format!("mismatched custom buckets were reconciled during {during}")
}

/// The note about histograms that contradict each other.
pub(crate) fn conflicting_resets(during: &str) -> String {
    format!("conflicting counter resets during histogram {during}")
}
