//! Functions of all samples in a window: `*_over_time`, `changes`, `resets`.

use super::RangeFunction;
use crate::eval::windows::Window;
use crate::kahan::{Mean, Sum, Variance, quantile};

/// The function of this name, for windows of floats. Windows are never empty.
pub(super) fn function(name: &str) -> Option<RangeFunction> {
    Some(match name {
        "avg_over_time" => |w, _| Some(mean(w)),
        "sum_over_time" => |w, _| Some(sum(w)),
        "count_over_time" => |w, _| Some((w.samples.len() + w.left_out) as f64),
        "present_over_time" => |_, _| Some(1.0),
        "min_over_time" => |w, _| best(w, |v, so_far| v < so_far).map(|(_, v)| v),
        "max_over_time" => |w, _| best(w, |v, so_far| v > so_far).map(|(_, v)| v),
        "ts_of_min_over_time" => |w, _| best(w, |v, so_far| v <= so_far).map(|(t, _)| t),
        "ts_of_max_over_time" => |w, _| best(w, |v, so_far| v >= so_far).map(|(t, _)| t),
        "first_over_time" => |w, _| w.samples.first().map(|s| s.value),
        "last_over_time" => |w, _| w.samples.last().map(|s| s.value),
        "ts_of_first_over_time" => |w, _| w.samples.first().map(|s| s.t_ms as f64 / 1000.0),
        "ts_of_last_over_time" => |w, _| w.samples.last().map(|s| s.t_ms as f64 / 1000.0),
        "stdvar_over_time" => |w, _| Some(variance(w)),
        "stddev_over_time" => |w, _| Some(variance(w).sqrt()),
        "quantile_over_time" => |w, q| Some(quantile(*q.first()?, &mut values(w))),
        "mad_over_time" => |w, _| Some(median_absolute_deviation(w)),
        "changes" => |w, _| Some(w.samples.windows(2).filter(|p| changed(p[0].value, p[1].value)).count() as f64),
        "resets" => |w, _| Some(w.samples.windows(2).filter(|p| p[1].value < p[0].value).count() as f64),
        _ => return None,
    })
}

/// Whether two values differ; NaN does not differ from NaN.
pub(super) fn changed(a: f64, b: f64) -> bool {
    a != b && !(a.is_nan() && b.is_nan())
}

fn values(w: &Window<'_>) -> Vec<f64> {
    w.samples.iter().map(|s| s.value).collect()
}

fn mean(w: &Window<'_>) -> f64 {
    let mut mean = Mean::default();
    w.samples.iter().for_each(|s| mean.add(s.value));
    mean.mean()
}

fn sum(w: &Window<'_>) -> f64 {
    let mut sum = Sum::default();
    w.samples.iter().for_each(|s| sum.add(s.value));
    sum.total()
}

fn variance(w: &Window<'_>) -> f64 {
    let mut variance = Variance::default();
    w.samples.iter().for_each(|s| variance.add(s.value));
    variance.variance()
}

/// Time in seconds and value of the best sample; NaN loses against anything.
fn best(w: &Window<'_>, better: impl Fn(f64, f64) -> bool) -> Option<(f64, f64)> {
    let mut best = w.samples.first()?;
    for s in w.samples {
        if better(s.value, best.value) || best.value.is_nan() {
            best = s;
        }
    }
    Some((best.t_ms as f64 / 1000.0, best.value))
}

fn median_absolute_deviation(w: &Window<'_>) -> f64 {
    if w.samples.iter().any(|s| s.value.is_nan()) {
        return f64::NAN;
    }
    let mut values = values(w);
    let median = quantile(0.5, &mut values);
    values.iter_mut().for_each(|v| *v = (*v - median).abs());
    quantile(0.5, &mut values)
}
