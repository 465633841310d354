//! Functions of how counters and gauges move: `rate`, `increase`, `delta`, `irate`, `idelta`.
//!
//! Extrapolation as Prometheus documents it: to the edge of the window when
//! the first or last sample is near enough to it (1.1 times the mean
//! distance of samples), else by half that distance, and a counter never
//! below zero.

use super::RangeFunction;
use crate::eval::Sample;
use crate::eval::select::Window;

/// The function of this name.
pub(super) fn function(name: &str) -> Option<RangeFunction> {
    Some(match name {
        "rate" => |w, _| extrapolated(w, true, true),
        "increase" => |w, _| extrapolated(w, true, false),
        "delta" => |w, _| extrapolated(w, false, false),
        "irate" => |w, _| instant(w, true),
        "idelta" => |w, _| instant(w, false),
        _ => return None,
    })
}

/// What was added by counter resets inside the samples.
fn reset_correction(samples: &[Sample]) -> f64 {
    samples.windows(2).filter(|w| w[1].value < w[0].value).map(|w| w[0].value).sum()
}

fn extrapolated(w: &Window<'_>, counter: bool, per_second: bool) -> Option<f64> {
    let [first, .., last] = w.samples else { return None };
    let mut result = last.value - first.value;
    if counter {
        result += reset_correction(w.samples);
    }
    let sampled = (last.t_ms - first.t_ms) as f64 / 1000.0;
    let mean_distance = sampled / (w.samples.len() - 1) as f64;
    let threshold = mean_distance * 1.1;
    let mut to_start = (first.t_ms - w.start_ms) as f64 / 1000.0;
    let mut to_end = (w.end_ms - last.t_ms) as f64 / 1000.0;
    if to_start >= threshold {
        to_start = mean_distance / 2.0;
    }
    if counter && result > 0.0 && first.value >= 0.0 {
        // Where the counter was zero, at this slope.
        let to_zero = sampled * (first.value / result);
        if to_zero < to_start {
            to_start = to_zero;
        }
    }
    if to_end >= threshold {
        to_end = mean_distance / 2.0;
    }
    let mut factor = (sampled + to_start + to_end) / sampled;
    if per_second {
        factor /= w.seconds();
    }
    Some(result * factor)
}

/// From the last two samples only.
fn instant(w: &Window<'_>, counter: bool) -> Option<f64> {
    let [.., before, last] = w.samples else { return None };
    let distance_ms = last.t_ms - before.t_ms;
    if distance_ms == 0 {
        return None;
    }
    let reset = counter && last.value < before.value;
    let change = if reset { last.value } else { last.value - before.value };
    Some(if counter { change / (distance_ms as f64 / 1000.0) } else { change })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(samples: &[Sample]) -> Window<'_> {
        Window { samples, start_ms: 0, end_ms: 60_000, step_ms: 60_000 }
    }

    #[test]
    fn resets_and_edges() {
        let s = |t: i64, value: f64| Sample { t_ms: t * 1000, value };
        let samples = [s(10, 5.0), s(30, 10.0), s(50, 2.0)];
        // 7 over 40 s, extrapolated to the whole minute: both edges are near.
        assert_eq!(extrapolated(&window(&samples), true, false), Some(7.0 * 60.0 / 40.0));
        assert_eq!(extrapolated(&window(&samples[..1]), true, true), None);
        assert_eq!(instant(&window(&samples), true), Some(0.1));
        assert_eq!(instant(&window(&samples), false), Some(-8.0));
    }
}
