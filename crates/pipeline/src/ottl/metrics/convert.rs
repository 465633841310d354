//! Gauges and sums into each other, other units, copies.

use wire::otlp::tree::{Data, Number, NumberPoint};

use super::{kind, on_metric, temporality};
use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::context::Item;
use crate::ottl::editors::Edit;
use crate::ottl::eval::{EvalError, Getter};
use crate::ottl::path::text;

pub(super) fn sum_to_gauge(_: &Arguments<'_>) -> Result<Edit, Problem> {
    Ok(on_metric(|metric, _| {
        if let Data::Sum { points, .. } = &mut metric.data {
            metric.data = Data::Gauge(std::mem::take(points));
        }
        Ok(())
    }))
}

pub(super) fn gauge_to_sum(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (temporality, monotonic) = (temporality(a, 0)?, a.flag(1, false)?);
    Ok(on_metric(move |metric, _| {
        if let Data::Gauge(points) = &mut metric.data {
            metric.data = Data::Sum { points: std::mem::take(points), temporality, monotonic };
        }
        Ok(())
    }))
}

/// A copy, perhaps with another name, description or unit.
pub(super) fn copy(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let texts: [Option<Getter>; 3] = [a.optional(0)?, a.optional(1)?, a.optional(2)?];
    Ok(Box::new(move |s| {
        let mut values = [None, None, None];
        for (slot, getter) in values.iter_mut().zip(&texts) {
            *slot = getter.as_ref().map(|g| g.get(s)).transpose()?;
        }
        let Item::Metric(metric) = &s.item else { return Ok(()) };
        let mut copy = (**metric).clone();
        for (place, v) in [&mut copy.name, &mut copy.description, &mut copy.unit].into_iter().zip(&values) {
            if let Some(v) = v {
                *place = text(v)?.into();
            }
        }
        s.made.push(copy);
        Ok(())
    }))
}

/// Multiplies all values; integers stay integers.
pub(super) fn scale(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (factor, unit) = (a.number(0)?, a.has(1).then(|| a.text(1)).transpose()?);
    Ok(on_metric(move |metric, _| {
        let scaled = |n: &mut Option<Number>| {
            *n = match *n {
                Some(Number::Int(i)) => Some(Number::Int((i as f64 * factor) as i64)),
                Some(Number::Double(d)) => Some(Number::Double(d * factor)),
                None => None,
            };
        };
        let points = |points: &mut Vec<NumberPoint>| points.iter_mut().for_each(|p| scaled(&mut p.value));
        match &mut metric.data {
            Data::Gauge(p) | Data::Sum { points: p, .. } => points(p),
            Data::Histogram { points, .. } => {
                for p in points {
                    [&mut p.sum, &mut p.min, &mut p.max].into_iter().flatten().for_each(|v| *v *= factor);
                    p.explicit_bounds.iter_mut().for_each(|b| *b *= factor);
                    p.exemplars.iter_mut().for_each(|e| scaled(&mut e.value));
                }
            }
            Data::Summary(points) => {
                for p in points {
                    p.sum *= factor;
                    p.quantile_values.iter_mut().for_each(|q| q.value *= factor);
                }
            }
            other => return Err(EvalError::new(format!("{} is not scaled", kind(other)))),
        }
        if let Some(unit) = &unit {
            metric.unit = unit.as_str().into();
        }
        Ok(())
    }))
}
