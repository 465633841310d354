//! How histograms move: `rate`, `increase`, `delta`, `irate`, `idelta`.

use std::sync::Arc;

use model::histogram::CounterReset;

use super::mixed::{Either, Mixed, in_order};
use super::rate::{Edges, is_start_reset};
use crate::eval::windows::Window;
use crate::eval::{HistogramSample, Point};
use crate::histogram::{Flat, FloatHistogram, detect_reset, scaled};

/// The change over a window, extrapolated to its edges.
pub(super) fn extrapolated(m: &Mixed<'_>, w: &Window<'_>, counter: bool, per_second: bool) -> Option<Point> {
    let (first, last) = (w.histograms.first()?, w.histograms.last()?);
    let mut change = match w.histograms.len() {
        1 => None,
        _ => Some(change(m, w.histograms, counter)?),
    };
    let mut edges = Edges::new(w, first.t_ms, last.t_ms, w.histograms.len());
    if counter && edges.begin_at_start_time(first.start_ms) {
        change = Some(match change {
            None => FloatHistogram::clone(&first.histogram),
            Some(change) => {
                let mut flat = Flat::<f64>::new(&change);
                combine(m, &mut flat, &first.histogram, "addition")?;
                flat.into_histogram()
            }
        });
    } else if change.is_none() {
        return None;
    } else {
        let rise = change.as_ref().map_or(0.0, |c| c.count);
        edges.extrapolate_start(counter && rise > 0.0 && first.histogram.count >= 0.0, first.histogram.count, rise);
    }
    let mut factor = edges.factor();
    if per_second {
        factor /= w.seconds();
    }
    Some(Point::Histogram(Arc::new(scaled(&change?, factor))))
}

/// What was added from the first to the last histogram.
fn change(m: &Mixed<'_>, histograms: &[HistogramSample], counter: bool) -> Option<FloatHistogram> {
    let [first, second, ..] = histograms else { return None };
    let last = &histograms.last()?.histogram;
    let is_gauge = |h: &FloatHistogram| h.counter_reset == CounterReset::Gauge;
    if counter && (is_gauge(&first.histogram) || is_gauge(last)) {
        m.warn_not_counter();
    }
    let is_reset = |a: &HistogramSample, b: &HistogramSample| {
        is_start_reset(a.start_ms, a.t_ms, b.start_ms, b.t_ms) || detect_reset(&b.histogram, &a.histogram)
    };
    // After a reset the first one does not matter, so its buckets may be of any kind.
    let mut base = first.histogram.clone();
    if counter && is_reset(first, second) {
        let (schema, custom_bounds) = (second.histogram.schema, second.histogram.custom_bounds.clone());
        base = Arc::new(FloatHistogram { schema, custom_bounds, ..FloatHistogram::default() });
    }
    if last.has_custom_bounds() != base.has_custom_bounds() {
        m.warn_mixed_buckets();
        return None;
    }
    let mut schema = last.schema.min(base.schema);
    for h in histograms.iter().skip(1).take(histograms.len() - 2).filter(|_| counter) {
        if is_gauge(&h.histogram) {
            m.warn_not_counter();
        }
        schema = schema.min(h.histogram.schema);
        if h.histogram.has_custom_bounds() != base.has_custom_bounds() {
            m.warn_mixed_buckets();
            return None;
        }
    }
    let mut flat = Flat::<f64>::new(last);
    if !base.has_custom_bounds() {
        flat.reduce(schema);
    }
    combine(m, &mut flat, &base, "subtraction")?;
    if counter {
        let mut previous = &base;
        let mut overlap_noted = false;
        for pair in histograms.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            super::rate::note_overlap(m, &mut overlap_noted, a.start_ms, a.t_ms, b.start_ms);
            let reset = is_start_reset(a.start_ms, a.t_ms, b.start_ms, b.t_ms);
            if reset || detect_reset(&b.histogram, previous) {
                combine(m, &mut flat, previous, "addition")?;
            }
            previous = &b.histogram;
        }
    } else if !is_gauge(&first.histogram) || !is_gauge(last) {
        m.warn_not_gauge();
    }
    flat.set_hint(CounterReset::Gauge);
    Some(flat.into_histogram())
}

/// Adds or subtracts; none when the buckets do not go together, which is noted.
pub(super) fn combine(m: &Mixed<'_>, flat: &mut Flat<f64>, h: &FloatHistogram, what: &str) -> Option<()> {
    let combined = if what == "addition" { flat.add(h) } else { flat.subtract(h) };
    match combined {
        Ok(combined) => {
            if combined.bounds_reconciled {
                m.note_reconciled(what);
            }
            Some(())
        }
        Err(_) => {
            m.warn_mixed_buckets();
            None
        }
    }
}

/// From the last two samples only.
pub(super) fn instant(m: &Mixed<'_>, w: &Window<'_>, counter: bool) -> Option<Point> {
    let all = in_order(w);
    let [.., before, last] = all.as_slice() else { return None };
    let distance_ms = last.t_ms() - before.t_ms();
    if distance_ms == 0 {
        return None;
    }
    let seconds = distance_ms as f64 / 1000.0;
    match (before, last) {
        (Either::Float(a, start_a), Either::Float(b, start_b)) => {
            let started = is_start_reset(*start_a, a.t_ms, *start_b, b.t_ms);
            let reset = counter && (b.value < a.value || started);
            let change = if reset { b.value } else { b.value - a.value };
            Some(Point::Float(if counter { change / seconds } else { change }))
        }
        (Either::Histogram(a), Either::Histogram(b)) => {
            let gauge = |h: &HistogramSample| h.histogram.counter_reset == CounterReset::Gauge;
            if counter && (gauge(a) || gauge(b)) {
                m.warn_not_counter();
            }
            if !(counter || gauge(a) && gauge(b)) {
                m.warn_not_gauge();
            }
            let mut flat = Flat::<f64>::new(&b.histogram);
            let reset =
                || is_start_reset(a.start_ms, a.t_ms, b.start_ms, b.t_ms) || detect_reset(&b.histogram, &a.histogram);
            if !counter || !reset() {
                combine(m, &mut flat, &a.histogram, "subtraction")?;
            }
            flat.set_hint(CounterReset::Gauge);
            if counter {
                flat.divide(seconds);
            }
            Some(Point::Histogram(Arc::new(flat.into_histogram())))
        }
        _ => {
            m.warn_mix();
            None
        }
    }
}
