//! Ranges that look beyond their edges: `anchored` and `smoothed`.
//!
//! `anchored` takes the last sample at or before the start of the range as its
//! first; `smoothed` interpolates the values at both edges. Windows passed
//! here hold these outer samples too.

use std::sync::Arc;

use model::histogram::CounterReset;

use super::RangeFunction;
use super::histogram_rate::combine;
use super::mixed::Mixed;
use super::over_time::changed;
use crate::ast::Extended;
use crate::eval::windows::Window;
use crate::eval::{HistogramSample, Point, Sample};
use crate::histogram::{Flat, FloatHistogram, detect_reset, scaled};

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

/// The samples from the last one at or before the start on, with `smoothed` up to the first one at or after the
/// end; none when nothing lies inside.
fn inside<'a, T>(samples: &'a [T], t_ms: impl Fn(&T) -> i64, w: &Window<'_>, smoothed: bool) -> Option<&'a [T]> {
    let mut end = samples.len();
    if smoothed {
        end = end.min(samples.partition_point(|s| t_ms(s) < w.end_ms) + 1);
    }
    let samples = samples.get(..end)?;
    if t_ms(samples.last()?) <= w.start_ms {
        return None;
    }
    let first = samples.partition_point(|s| t_ms(s) <= w.start_ms).saturating_sub(1);
    let samples = samples.get(first..)?;
    (t_ms(samples.first()?) <= w.end_ms).then_some(samples)
}

fn pairs(w: &Window<'_>, counts: fn(f64, f64) -> bool) -> Option<f64> {
    let samples = inside(w.samples, |s| s.t_ms, w, false)?;
    Some(samples.windows(2).filter(|p| counts(p[0].value, p[1].value)).count() as f64)
}

/// The value on the line between two samples; a counter that fell started at zero.
fn interpolate(a: &Sample, b: &Sample, t_ms: i64, counter: bool) -> f64 {
    let from = if counter && b.value < a.value { 0.0 } else { a.value };
    from + (b.value - from) * (t_ms - a.t_ms) as f64 / (b.t_ms - a.t_ms) as f64
}

/// The values at the two edges of a window.
fn edges(samples: &[Sample], w: &Window<'_>, smoothed: bool, counter: bool) -> Option<(f64, f64)> {
    let (first, last) = (samples.first()?, samples.last()?);
    let left = match samples.get(1) {
        Some(second) if smoothed && first.t_ms < w.start_ms => interpolate(first, second, w.start_ms, counter),
        _ => first.value,
    };
    let right = match samples.len().checked_sub(2).and_then(|i| samples.get(i)) {
        Some(before) if smoothed && last.t_ms > w.end_ms => interpolate(before, last, w.end_ms, counter),
        _ => last.value,
    };
    Some((left, right))
}

/// The samples of an extended range as such: those strictly inside, and one at each edge.
pub(crate) fn samples(w: &Window<'_>, extension: Extended) -> Vec<Sample> {
    let smoothed = extension == Extended::Smoothed;
    let Some(samples) = inside(w.samples, |s| s.t_ms, w, smoothed) else { return Vec::new() };
    let Some((left, right)) = edges(samples, w, smoothed, false) else { return Vec::new() };
    let between = samples.iter().filter(|s| s.t_ms > w.start_ms && s.t_ms < w.end_ms).copied();
    let edge = |t_ms: i64, value: f64| std::iter::once(Sample { t_ms, value });
    edge(w.start_ms, left).chain(between).chain(edge(w.end_ms, right)).collect()
}

fn change(w: &Window<'_>, smoothed: bool, counter: bool) -> Option<f64> {
    let samples = inside(w.samples, |s| s.t_ms, w, smoothed)?;
    let (left, right) = edges(samples, w, smoothed, counter)?;
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

/// The change of histograms over an extended window.
pub(super) fn of_histograms(
    m: &Mixed<'_>,
    w: &Window<'_>,
    extension: Extended,
    counter: bool,
    per_second: bool,
) -> Option<Point> {
    let smoothed = extension == Extended::Smoothed;
    let samples = inside(w.histograms, |s| s.t_ms, w, smoothed)?;
    let (first, last) = (samples.first()?, samples.last()?);
    for s in samples {
        if s.histogram.has_custom_bounds() != first.histogram.has_custom_bounds() {
            m.warn_mixed_buckets();
            return None;
        }
        if counter && s.histogram.counter_reset == CounterReset::Gauge {
            m.warn_not_counter();
        }
    }
    let left_interpolated = smoothed && first.t_ms < w.start_ms;
    let left = match samples.get(1) {
        Some(second) if left_interpolated => interpolated(m, first, second, w.start_ms, counter)?,
        _ => first.histogram.clone(),
    };
    let right = match samples.len().checked_sub(2).and_then(|i| samples.get(i)) {
        Some(before) if smoothed && last.t_ms > w.end_ms => interpolated(m, before, last, w.end_ms, counter)?,
        _ => last.histogram.clone(),
    };
    let is_gauge = |h: &FloatHistogram| h.counter_reset == CounterReset::Gauge;
    if !(counter || is_gauge(&left) && is_gauge(&right)) {
        m.warn_not_gauge();
    }
    let mut result = Flat::<f64>::new(&right);
    combine(m, &mut result, &left, "subtraction")?;
    if counter {
        add_resets(m, &mut result, samples, &left, &right, left_interpolated)?;
    }
    if per_second {
        result.divide(w.seconds());
    }
    result.set_hint(CounterReset::Gauge);
    Some(Point::Histogram(Arc::new(result.into_histogram())))
}

/// Adds what counter resets between the two ends took away.
fn add_resets(
    m: &Mixed<'_>,
    result: &mut Flat<f64>,
    samples: &[HistogramSample],
    left: &Arc<FloatHistogram>,
    right: &FloatHistogram,
    left_interpolated: bool,
) -> Option<()> {
    let mut previous = left;
    // The ends are stood in for by `left` and `right`.
    let mut between = samples.get(1..samples.len() - 1).unwrap_or(&[]);
    if let [first, second, ..] = samples {
        if left_interpolated && detect_reset(&second.histogram, &first.histogram) {
            // `left` is behind that reset already.
            let Some((skipped, rest)) = between.split_first() else { return Some(()) };
            (previous, between) = (&skipped.histogram, rest);
        }
    } else {
        return Some(());
    }
    for s in between {
        if detect_reset(&s.histogram, previous) {
            combine(m, result, previous, "addition")?;
        }
        previous = &s.histogram;
    }
    if detect_reset(right, previous) {
        combine(m, result, previous, "addition")?;
    }
    Some(())
}

/// The histogram on the line between two; a counter that was reset began at zero. None, and noted, when the buckets
/// do not go together.
pub(super) fn interpolated(
    m: &Mixed<'_>,
    a: &HistogramSample,
    b: &HistogramSample,
    t_ms: i64,
    counter: bool,
) -> Option<Arc<FloatHistogram>> {
    if t_ms == a.t_ms || t_ms == b.t_ms {
        return Some(if t_ms == a.t_ms { a } else { b }.histogram.clone());
    }
    let fraction = (t_ms - a.t_ms) as f64 / (b.t_ms - a.t_ms) as f64;
    if counter && detect_reset(&b.histogram, &a.histogram) {
        return Some(Arc::new(scaled(&b.histogram, fraction)));
    }
    let mut flat = Flat::<f64>::new(&b.histogram);
    combine(m, &mut flat, &a.histogram, "subtraction")?;
    flat.scale(fraction);
    combine(m, &mut flat, &a.histogram, "addition")?;
    Some(Arc::new(flat.into_histogram()))
}
