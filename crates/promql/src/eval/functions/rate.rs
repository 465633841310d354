//! Functions of how counters and gauges move: `rate`, `increase`, `delta`, `irate`, `idelta`.
//!
//! Extrapolation as Prometheus documents it: to the edge of the window when
//! the first or last sample is near enough to it (1.1 times the mean
//! distance of samples), else by half that distance, and a counter never
//! below zero.

use super::RangeFunction;
use super::mixed::Mixed;
use crate::eval::columns::ABSENT;
use crate::eval::windows::{Moving, Window, Windows};
use crate::eval::{FloatColumns, Point, Sample, Samples};
use crate::text::quote;

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

/// Distances between samples and edges of a window, in seconds.
pub(super) struct Edges {
    sampled: f64,
    mean_distance: f64,
    to_start: f64,
    to_end: f64,
    start_ms: i64,
    first_ms: i64,
    last_ms: i64,
}

impl Edges {
    #[inline]
    pub(super) fn new(w: &Window<'_>, first_ms: i64, last_ms: i64, samples: usize) -> Self {
        let sampled = (last_ms - first_ms) as f64 / 1000.0;
        Self {
            sampled,
            mean_distance: if samples > 1 { sampled / (samples - 1) as f64 } else { 0.0 },
            to_start: (first_ms - w.start_ms) as f64 / 1000.0,
            to_end: (w.end_ms - last_ms) as f64 / 1000.0,
            start_ms: w.start_ms,
            first_ms,
            last_ms,
        }
    }

    #[inline]
    fn threshold(&self) -> f64 {
        self.mean_distance * 1.1
    }

    /// Takes the start of the counter as a sample of zero when it lies in the window before the first sample.
    pub(super) fn begin_at_start_time(&mut self, counter_start_ms: i64) -> bool {
        let inside = counter_start_ms != 0 && counter_start_ms > self.start_ms && counter_start_ms < self.first_ms;
        if inside {
            self.to_start = 0.0;
            self.sampled = (self.last_ms - counter_start_ms) as f64 / 1000.0;
        }
        inside
    }

    /// How far to extrapolate before the first sample; a counter that rose by `rise` to more than zero was zero
    /// at some time.
    #[inline]
    pub(super) fn extrapolate_start(&mut self, was_zero: bool, first: f64, rise: f64) {
        if self.to_start >= self.threshold() {
            self.to_start = self.mean_distance / 2.0;
        }
        if was_zero {
            let to_zero = self.sampled * (first / rise);
            if to_zero < self.to_start {
                self.to_start = to_zero;
            }
        }
    }

    /// What the change between the samples is multiplied by.
    #[inline]
    pub(super) fn factor(&self) -> f64 {
        let to_end = if self.to_end >= self.threshold() { self.mean_distance / 2.0 } else { self.to_end };
        if self.sampled == 0.0 { 1.0 } else { (self.sampled + self.to_start + to_end) / self.sampled }
    }
}

/// What was added by counter resets inside the samples.
fn reset_correction(samples: &[Sample]) -> f64 {
    samples.windows(2).filter(|w| w[1].value < w[0].value).map(|w| w[0].value).sum()
}

fn extrapolated(w: &Window<'_>, counter: bool, per_second: bool) -> Option<f64> {
    let [first, .., last] = w.samples else { return None };
    let correction = if counter { reset_correction(w.samples) } else { 0.0 };
    let change = last.value - first.value + correction;
    let mut edges = Edges::new(w, first.t_ms, last.t_ms, w.samples.len() + w.left_out);
    edges.extrapolate_start(counter && change > 0.0 && first.value >= 0.0, first.value, change);
    let mut factor = edges.factor();
    if per_second {
        factor /= w.seconds();
    }
    Some(change * factor)
}

/// `rate` and `increase` of one series after another, at all steps.
///
/// Where a window lies in a series depends on times only, and neighbours mostly have the same ones: they were scraped together.
/// So that is found once for all of them. Where a counter fell is found once for all windows. Most counters do not fall, and
/// then a window costs the same whatever its width.
pub(super) struct Sweep<'w> {
    windows: &'w Windows,
    /// What the change is divided by at last.
    seconds: f64,
    /// The times that `places` are of, and how many samples were left out between them.
    times_ms: Vec<i64>,
    left_out: usize,
    /// One per step.
    places: Vec<Place>,
    /// The samples after which the counter fell.
    falls: Vec<usize>,
    /// Of a series that came as samples.
    columns: (Vec<i64>, Vec<f64>),
}

/// Where the samples of a window are, and how far they reach, in seconds.
#[derive(Clone, Copy)]
struct Place {
    /// The first one, [`NOWHERE`] when there are less than two.
    first: u32,
    last: u32,
    sampled: f64,
    /// How far to extrapolate before the first one, unless the counter was zero at some time.
    to_start: f64,
    to_end: f64,
}

const NOWHERE: u32 = u32::MAX;

impl<'w> Sweep<'w> {
    pub(super) fn new(windows: &'w Windows, per_second: bool) -> Self {
        let seconds = if per_second { windows.range_ms as f64 / 1000.0 } else { 1.0 };
        let (places, falls) = (Vec::new(), Vec::new());
        Self { windows, seconds, times_ms: Vec::new(), left_out: 0, places, falls, columns: Default::default() }
    }

    /// As [`Sweep::run`], of floats that stand as samples.
    pub(super) fn run_samples(&mut self, samples: &Samples, out: &mut [f64]) {
        let (mut times_ms, mut values) = std::mem::take(&mut self.columns);
        times_ms.clear();
        values.clear();
        times_ms.extend(samples.floats.iter().map(|s| s.t_ms));
        values.extend(samples.floats.iter().map(|s| s.value));
        self.look_inside(&times_ms, samples.left_out, out.len());
        self.change(&values, out);
        self.columns = (times_ms, values);
    }

    /// The value at every step, or [`ABSENT`]. There is no stale marker among `columns`.
    pub(super) fn run(&mut self, columns: FloatColumns<'_>, out: &mut [f64]) {
        self.look_inside(columns.times_ms, 0, out.len());
        self.change(columns.values, out);
    }

    /// Finds the places of all windows.
    fn look_inside(&mut self, times_ms: &[i64], left_out: usize, steps: usize) {
        if self.places.len() == steps && self.left_out == left_out && self.times_ms == times_ms {
            return;
        }
        self.times_ms.clear();
        self.times_ms.extend_from_slice(times_ms);
        self.left_out = left_out;
        self.places.clear();
        let mut moving = Moving::default();
        for step in 0..steps {
            let (start_ms, end_ms) = self.windows.edges(step);
            moving.advance(times_ms, |t| *t, start_ms, end_ms);
            let place = Place::new(times_ms, &moving, left_out, (start_ms, end_ms));
            self.places.push(place.unwrap_or_default());
        }
    }

    /// What changed in every window.
    fn change(&mut self, values: &[f64], out: &mut [f64]) {
        let Self { falls, places, seconds, .. } = self;
        falls.clear();
        let fell = |w: &[f64]| w[1] < w[0];
        // Without a way out, so that it runs over several at a time.
        if values.windows(2).fold(false, |any, w| any | fell(w)) {
            falls.extend(values.windows(2).enumerate().filter(|(_, w)| fell(w)).map(|(i, _)| i));
        }
        let mut next_fall = 0;
        for (place, out) in places.iter().zip(out) {
            *out = ABSENT;
            let (low, high) = (place.first as usize, place.last as usize);
            let (Some(first), Some(last)) = (values.get(low), values.get(high)) else { continue };
            let mut correction = 0.0;
            if !falls.is_empty() {
                while falls.get(next_fall).is_some_and(|i| *i < low) {
                    next_fall += 1;
                }
                let inside = falls.iter().skip(next_fall).take_while(|i| **i < high);
                correction = inside.filter_map(|i| values.get(*i)).sum();
            }
            *out = place.extrapolated(*first, last - first + correction, *seconds);
        }
    }
}

impl Default for Place {
    fn default() -> Self {
        Self { first: NOWHERE, last: NOWHERE, sampled: 0.0, to_start: 0.0, to_end: 0.0 }
    }
}

impl Place {
    /// `None` when there are less than two samples.
    #[inline]
    fn new(times_ms: &[i64], moving: &Moving, left_out: usize, (start_ms, end_ms): (i64, i64)) -> Option<Self> {
        let [first_ms, .., last_ms] = times_ms.get(moving.low..moving.high)? else { return None };
        let samples = (moving.high - moving.low + left_out) as f64;
        let sampled = (last_ms - first_ms) as f64 / 1000.0;
        let mean_distance = sampled / (samples - 1.0);
        let threshold = mean_distance * 1.1;
        let edge = |ms: i64| {
            let distance = ms as f64 / 1000.0;
            if distance >= threshold { mean_distance / 2.0 } else { distance }
        };
        Some(Self {
            first: u32::try_from(moving.low).ok()?,
            last: u32::try_from(moving.high - 1).ok()?,
            sampled,
            to_start: edge(first_ms - start_ms),
            to_end: edge(end_ms - last_ms),
        })
    }

    /// The same arithmetic as [`Edges`], without branches.
    #[inline]
    fn extrapolated(&self, first: f64, change: f64, seconds: f64) -> f64 {
        let to_zero = self.sampled * (first / change);
        let was_zero = (change > 0.0) & (first >= 0.0) & (to_zero < self.to_start);
        let to_start = if was_zero { to_zero } else { self.to_start };
        change * ((self.sampled + to_start + self.to_end) / self.sampled / seconds)
    }
}

/// As [`extrapolated`], where it is known when counters began.
pub(super) fn with_start_times(m: &Mixed<'_>, w: &Window<'_>, counter: bool, per_second: bool) -> Option<Point> {
    let (first, last) = (w.samples.first()?, w.samples.last()?);
    let mut change = last.value - first.value;
    if counter {
        let mut overlap_noted = false;
        for (i, pair) in w.samples.windows(2).enumerate() {
            let mut reset = pair[1].value < pair[0].value;
            if let Some([a, b]) = w.start_times.get(i..i + 2) {
                note_overlap(m, &mut overlap_noted, *a, pair[0].t_ms, *b);
                reset |= is_start_reset(*a, pair[0].t_ms, *b, pair[1].t_ms);
            }
            if reset {
                change += pair[0].value;
            }
        }
    }
    let mut edges = Edges::new(w, first.t_ms, last.t_ms, w.samples.len() + w.left_out);
    if counter && edges.begin_at_start_time(w.start_times.first().copied().unwrap_or(0)) {
        change += first.value;
    } else if w.samples.len() == 1 {
        return None;
    } else {
        edges.extrapolate_start(counter && change > 0.0 && first.value >= 0.0, first.value, change);
    }
    let mut factor = edges.factor();
    if per_second {
        factor /= w.seconds();
    }
    Some(Point::Float(change * factor))
}

/// Whether the start times of two neighbours say that the counter began anew between them.
///
/// 0 is no start time; one that is not before its sample says nothing either.
/// One that is the time of the sample before is a reset of a delta, unless
/// that sample has no start time: then the true start is not known.
pub(super) fn is_start_reset(start_before: i64, t_before: i64, start: i64, t: i64) -> bool {
    if start == 0 || start >= t || start < t_before {
        return false;
    }
    start > t_before || (start_before != 0 && start_before < t_before)
}

/// Warns once when a sample claims to count from within the time of the one before it.
pub(super) fn note_overlap(m: &Mixed<'_>, noted: &mut bool, start_before: i64, t_before: i64, start: i64) {
    if !*noted && start != 0 && start < t_before && start != start_before {
        *noted = true;
        let metric = quote(m.labels.metric_name());
        m.eval.warn(&format!("overlapping start timestamps detected for metric name {metric}"), m.span);
    }
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
    use crate::eval::Steps;

    fn window(samples: &[Sample]) -> Window<'_> {
        Window { samples, start_times: &[], histograms: &[], start_ms: 0, end_ms: 60_000, step_ms: 60_000, left_out: 0 }
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

    #[test]
    fn a_sweep_is_every_window_by_itself() {
        let mut seed = 7u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for round in 0..50 {
            let mut samples = Samples::default();
            let (mut t_ms, mut value) = (0, 0.0);
            for _ in 0..random(60) {
                t_ms += 1 + random(40_000) as i64;
                value = if random(9) == 0 { random(5) as f64 } else { value + random(100) as f64 };
                samples.floats.push(Sample { t_ms, value });
            }
            let steps = Steps { start_ms: 60_000, step_ms: 1 + random(90_000) as i64, count: 25 };
            let windows = Windows::plain(steps, 1 + random(200_000) as i64);
            for per_second in [false, true] {
                let mut swept = vec![0.0; steps.count];
                let mut sweep = Sweep::new(&windows, per_second);
                // The second time places are known.
                for _ in 0..2 {
                    swept.fill(0.0);
                    sweep.run_samples(&samples, &mut swept);
                }
                windows.each(&samples, |step, window| {
                    let alone = extrapolated(&window, true, per_second).unwrap_or(ABSENT);
                    assert_eq!(swept[step].to_bits(), alone.to_bits(), "round {round}, step {step}");
                });
            }
        }
    }

    #[test]
    fn starts_of_counters() {
        // (start before, time before, start, time)
        assert!(!is_start_reset(0, 100, 0, 200), "no start time");
        assert!(!is_start_reset(10, 100, 10, 200), "the same counter");
        assert!(is_start_reset(10, 100, 150, 200), "began between the two");
        assert!(is_start_reset(10, 100, 100, 200), "a delta");
        assert!(!is_start_reset(0, 100, 100, 200), "true start not known");
        assert!(!is_start_reset(100, 100, 100, 200), "true start not known, as OTLP says it");
        assert!(!is_start_reset(10, 100, 200, 200) && !is_start_reset(10, 100, 300, 200), "not before its sample");
    }
}
