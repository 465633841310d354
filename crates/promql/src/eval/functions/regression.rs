//! Functions that fit a line or smooth: `deriv`, `predict_linear`, `double_exponential_smoothing`.

use super::RangeFunction;
use crate::eval::Sample;
use crate::eval::windows::Window;
use crate::kahan::Sum;

/// The function of this name.
pub(super) fn function(name: &str) -> Option<RangeFunction> {
    Some(match name {
        // The intercept is near the samples, which keeps the sums small.
        "deriv" => |w, _| line(w.samples, w.samples.first()?.t_ms).map(|(slope, _)| slope),
        "predict_linear" => |w, p| {
            let (slope, intercept) = line(w.samples, w.step_ms)?;
            Some(slope * p.first()? + intercept)
        },
        "double_exponential_smoothing" => |w, p| smoothed(w, *p.first()?, *p.get(1)?),
        _ => return None,
    })
}

/// Slope per second and value at `at_ms` of the least-squares line.
fn line(samples: &[Sample], at_ms: i64) -> Option<(f64, f64)> {
    let [first, _, ..] = samples else { return None };
    if samples.iter().all(|s| s.value == first.value) {
        return Some(if first.value.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first.value) });
    }
    let (mut x, mut y, mut xy, mut xx) = (Sum::default(), Sum::default(), Sum::default(), Sum::default());
    for s in samples {
        let dx = (s.t_ms - at_ms) as f64 / 1000.0;
        x.add(dx);
        y.add(s.value);
        xy.add(dx * s.value);
        xx.add(dx * dx);
    }
    let n = samples.len() as f64;
    let (x, y, xy, xx) = (x.sum + x.correction, y.sum + y.correction, xy.sum + xy.correction, xx.sum + xx.correction);
    let slope = (xy - x * y / n) / (xx - x * x / n);
    Some((slope, y / n - slope * x / n))
}

/// Holt's linear method; `smoothing` and `trend` lie strictly between 0 and 1.
fn smoothed(w: &Window<'_>, smoothing: f64, trend: f64) -> Option<f64> {
    let [first, second, ..] = w.samples else { return None };
    let mut level = first.value;
    let mut previous = 0.0;
    let mut slope = second.value - first.value;
    for (i, s) in w.samples.iter().enumerate().skip(1) {
        if i > 1 {
            slope = trend * (level - previous) + (1.0 - trend) * slope;
        }
        previous = level;
        level = smoothing * s.value + (1.0 - smoothing) * (level + slope);
    }
    Some(level)
}
