//! Points of a metric that become one.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use wire::otlp::tree::{Attributes, Data, ExponentialPoint, HistogramPoint, Number, NumberPoint, Temporality, Value};

use super::{kind, on_metric};
use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::editors::Edit;
use crate::ottl::eval::EvalError;
use crate::points::Total;

#[derive(Clone, Copy, PartialEq)]
enum How {
    Sum,
    Max,
    Min,
    Mean,
    Median,
    Count,
}

fn how(a: &Arguments<'_>) -> Result<How, Problem> {
    Ok(match &*a.text(0)? {
        "sum" => How::Sum,
        "max" => How::Max,
        "min" => How::Min,
        "mean" => How::Mean,
        "median" => How::Median,
        "count" => How::Count,
        _ => return Err(a.problem(0, "must be \"sum\", \"max\", \"min\", \"mean\", \"median\" or \"count\"")),
    })
}

/// Keeps some attributes, and makes one point of those that are then the same.
pub(super) fn on_attributes(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (how, keys) = (how(a)?, a.has(1).then(|| a.texts(1)).transpose()?);
    Ok(on_metric(move |metric, _| {
        fits(&metric.data, how)?;
        if let Some(keys) = &keys {
            for attributes in metric.data.attributes_mut() {
                attributes.retain(|k, _| keys.iter().any(|key| key == k));
            }
        }
        aggregate(&mut metric.data, how);
        Ok(())
    }))
}

/// Gives several values of an attribute one name, and makes one point of those that are then the same.
pub(super) fn on_value(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (how, key, values, new) = (how(a)?, a.text(1)?, a.texts(2)?, a.text(3)?);
    Ok(on_metric(move |metric, _| {
        fits(&metric.data, how)?;
        for attributes in metric.data.attributes_mut() {
            if let Some(v) = attributes.get_mut(&key)
                && v.as_str().is_some_and(|v| values.iter().any(|of| of == v))
            {
                *v = Value::from(new.as_str());
            }
        }
        aggregate(&mut metric.data, how);
        Ok(())
    }))
}

fn fits(data: &Data, how: How) -> Result<(), EvalError> {
    match data {
        Data::Gauge(_) | Data::Sum { .. } => Ok(()),
        Data::Histogram { .. } | Data::Exponential { .. } if how == How::Sum => Ok(()),
        Data::Histogram { .. } | Data::Exponential { .. } => {
            Err(EvalError::new("histograms have only the function \"sum\""))
        }
        other => Err(EvalError::new(format!("{} is not aggregated", kind(other)))),
    }
}

fn aggregate(data: &mut Data, how: How) {
    match data {
        Data::Gauge(points) => {
            *points = grouped(std::mem::take(points), false).into_iter().map(|g| one(g, how)).collect();
        }
        Data::Sum { points, temporality, .. } => {
            let delta = *temporality == Temporality::DELTA;
            *points = grouped(std::mem::take(points), delta).into_iter().map(|g| one(g, how)).collect();
        }
        Data::Histogram { points, temporality } => {
            let groups = grouped(std::mem::take(points), *temporality == Temporality::DELTA);
            *points = groups.into_iter().flat_map(joined).collect();
        }
        Data::Exponential { points, temporality } => {
            let groups = grouped(std::mem::take(points), *temporality == Temporality::DELTA);
            *points = groups.into_iter().flat_map(joined).collect();
        }
        Data::None | Data::Summary(_) => {}
    }
}

/// A point of a series, at a time.
trait Point {
    fn attributes(&self) -> &Attributes;
    /// Since when, and when.
    fn times(&self) -> (u64, u64);
    /// Counts since `start`, if that is earlier.
    fn since(&mut self, start: u64);
}

macro_rules! point {
    ($($kind:ty),*) => {$(
        impl Point for $kind {
            fn attributes(&self) -> &Attributes {
                &self.attributes
            }

            fn times(&self) -> (u64, u64) {
                (self.start_time_unix_nano, self.time_unix_nano)
            }

            fn since(&mut self, start: u64) {
                self.start_time_unix_nano = self.start_time_unix_nano.min(start);
            }
        }
    )*};
}

point!(NumberPoint, HistogramPoint, ExponentialPoint);

/// Points with the same attributes of the same time (deltas: of the same beginning), in their order.
fn grouped<P: Point>(points: Vec<P>, delta: bool) -> Vec<Vec<P>> {
    let mut groups: Vec<Vec<P>> = Vec::new();
    let mut places: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    for p in points {
        let (start, time) = p.times();
        let at = if delta { start } else { time };
        let near = places.entry((same(p.attributes()), at)).or_default();
        let known = near.iter().find(|n| groups[**n].first().is_some_and(|of| equal(of.attributes(), p.attributes())));
        match known {
            Some(n) => groups[*n].push(p),
            None => {
                near.push(groups.len());
                groups.push(vec![p]);
            }
        }
    }
    groups
}

/// The same for attributes in any order.
fn same(attributes: &Attributes) -> u64 {
    attributes.iter().fold(0, |sum, (k, v)| {
        let mut hasher = DefaultHasher::new();
        (k, v.to_text().as_str()).hash(&mut hasher);
        sum.wrapping_add(hasher.finish())
    })
}

fn equal(a: &Attributes, b: &Attributes) -> bool {
    a.len() == b.len() && a.iter().all(|(k, v)| b.get(k) == Some(v))
}

fn one(group: Vec<NumberPoint>, how: How) -> NumberPoint {
    let values: Vec<Number> = group.iter().filter_map(|p| p.value).collect();
    let mut points = group.into_iter();
    let mut out = points.next().unwrap_or_default();
    for mut p in points {
        out.since(p.start_time_unix_nano);
        out.time_unix_nano = out.time_unix_nano.max(p.time_unix_nano);
        out.exemplars.append(&mut p.exemplars);
    }
    out.value = value(&values, how);
    out
}

/// Integers where that is exact.
fn value(values: &[Number], how: How) -> Option<Number> {
    let ints: Option<Vec<i64>> = values.iter().map(|n| if let Number::Int(i) = n { Some(*i) } else { None }).collect();
    let doubles: Vec<f64> = values.iter().map(|n| n.as_f64()).collect();
    if how == How::Count {
        return Some(Number::Int(values.len() as i64));
    }
    if doubles.is_empty() {
        return None;
    }
    if let Some(ints) = &ints {
        let exact = match how {
            How::Sum => ints.iter().try_fold(0i64, |sum, i| sum.checked_add(*i)),
            How::Max => ints.iter().max().copied(),
            How::Min => ints.iter().min().copied(),
            _ => None,
        };
        if let Some(i) = exact {
            return Some(Number::Int(i));
        }
    }
    let len = doubles.len() as f64;
    let value = match how {
        How::Sum => doubles.iter().sum(),
        How::Max => doubles.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        How::Min => doubles.iter().copied().fold(f64::INFINITY, f64::min),
        How::Mean => doubles.iter().sum::<f64>() / len,
        How::Median | How::Count => median(doubles),
    };
    let whole = ints.is_some() && value.fract() == 0.0 && value.abs() < (1i64 << 53) as f64;
    Some(if whole { Number::Int(value as i64) } else { Number::Double(value) })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// Histograms added up; those whose buckets differ stay on their own.
fn joined<P: Point + Total>(group: Vec<P>) -> Vec<P> {
    let mut out: Vec<P> = Vec::new();
    for p in group {
        let start = p.times().0;
        match out.iter_mut().find_map(|total| total.add(&p).then_some(total)) {
            Some(total) => total.since(start),
            None => out.push(p),
        }
    }
    out
}
