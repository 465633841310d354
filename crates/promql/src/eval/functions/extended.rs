//! Ranges that look beyond their edges: `anchored` and `smoothed`.
//!
//! `anchored` takes the last sample at or before the start of the range as its
//! first; `smoothed` interpolates the values at both edges. Windows passed
//! here hold these outer samples too.

use super::RangeFunction;
use super::over_time::changed;
use crate::ast::Extended;
use crate::eval::Sample;
use crate::eval::select::Window;

/// The function of this name for extended windows.
pub(super) fn function(name: &str, modifier: Extended) -> Option<RangeFunction> {
    Some(match (name, modifier) {
        ("rate", Extended::Anchored) => |w, _| change(w, false, true).map(|v| v / w.seconds()),
        ("increase", Extended::Anchored) => |w, _| change(w, false, true),
        ("delta", Extended::Anchored) => |w, _| change(w, false, false),
        ("rate", Extended::Smoothed) => |w, _| change(w, true, true).map(|v| v / w.seconds()),
        ("increase", Extended::Smoothed) => |w, _| change(w, true, true),
        ("delta", Extended::Smoothed) => |w, _| change(w, true, false),
        ("changes", Extended::Anchored) => |w, _| pairs(w, changed),
        ("resets", Extended::Anchored) => |w, _| pairs(w, |a, b| b < a),
        _ => return None,
    })
}

/// The samples from the last one at or before the start on; none when nothing lies inside.
fn anchored<'a>(w: &Window<'a>) -> Option<&'a [Sample]> {
    if w.samples.last()?.t_ms <= w.start_ms {
        return None;
    }
    let first_inside = w.samples.partition_point(|s| s.t_ms <= w.start_ms);
    w.samples.get(first_inside.saturating_sub(1)..)
}

fn pairs(w: &Window<'_>, counts: fn(f64, f64) -> bool) -> Option<f64> {
    Some(anchored(w)?.windows(2).filter(|p| counts(p[0].value, p[1].value)).count() as f64)
}

/// The value on the line between two samples; a counter that fell started at zero.
fn interpolate(a: &Sample, b: &Sample, t_ms: i64, counter: bool) -> f64 {
    let from = if counter && b.value < a.value { 0.0 } else { a.value };
    from + (b.value - from) * (t_ms - a.t_ms) as f64 / (b.t_ms - a.t_ms) as f64
}

fn change(w: &Window<'_>, smoothed: bool, counter: bool) -> Option<f64> {
    let mut samples = anchored(w)?;
    if smoothed {
        // Up to the first sample at or after the end.
        let last = samples.partition_point(|s| s.t_ms < w.end_ms).min(samples.len() - 1);
        samples = samples.get(..=last)?;
    }
    let (first, last) = (samples.first()?, samples.last()?);
    if last.t_ms <= w.start_ms || first.t_ms > w.end_ms {
        return None;
    }
    let left = match samples.get(1) {
        Some(second) if smoothed && first.t_ms < w.start_ms => interpolate(first, second, w.start_ms, counter),
        _ => first.value,
    };
    let right = match samples.len().checked_sub(2).and_then(|i| samples.get(i)) {
        Some(before) if smoothed && last.t_ms > w.end_ms => interpolate(before, last, w.end_ms, counter),
        _ => last.value,
    };
    let mut result = right - left;
    if counter {
        let mut previous = left;
        let inside = samples.iter().filter(|s| s.t_ms > w.start_ms && s.t_ms < w.end_ms).map(|s| s.value);
        for value in inside.chain([right]) {
            if value < previous {
                result += previous;
            }
            previous = value;
        }
    }
    Some(result)
}
