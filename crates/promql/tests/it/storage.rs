//! Series in memory, as the `load` command of a script makes them.

use std::sync::Arc;

use model::histogram::CounterReset;
use model::labels::Labels;
use promql::eval::{HistogramSample, Sample, Samples, SelectHints, SeriesSet, SeriesSource, SourceError};
use promql::histogram::FloatHistogram;
use promql::matcher::Matcher;
use promql::series::SequenceValue;

/// One stored series.
#[derive(Default)]
struct Stored {
    labels: Arc<Labels>,
    samples: Samples,
}

/// All series of a script.
#[derive(Default)]
pub(crate) struct Storage {
    series: Vec<Stored>,
}

impl Storage {
    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.series.clear();
    }

    /// Appends one line of a `load`: value i stands at `i * step_ms`, its counter began `starts[i]` after that.
    pub(crate) fn load(
        &mut self,
        labels: &Labels,
        values: &[SequenceValue],
        starts: Option<&[SequenceValue]>,
        step_ms: i64,
    ) {
        let stored = &mut self.slot(labels).samples;
        if starts.is_some() && stored.start_times.is_empty() {
            stored.start_times.resize(stored.floats.len(), 0);
        }
        for (i, value) in values.iter().enumerate() {
            let t_ms = step_ms * i as i64;
            let start_ms = match starts.and_then(|s| s.get(i)) {
                Some(SequenceValue::Float(seconds)) => t_ms + (seconds * 1000.0) as i64,
                _ => 0,
            };
            match value {
                SequenceValue::Gap => {}
                SequenceValue::Float(value) => {
                    // A later sample for the same time is refused by a storage; the scripts have none in order.
                    let at = stored.floats.partition_point(|s| s.t_ms < t_ms);
                    if stored.floats.get(at).is_some_and(|s| s.t_ms == t_ms) {
                        stored.floats[at].value = *value;
                    } else {
                        stored.floats.insert(at, Sample { t_ms, value: *value });
                        if starts.is_some() || !stored.start_times.is_empty() {
                            stored.start_times.insert(at, start_ms);
                        }
                    }
                }
                SequenceValue::Histogram(h) => {
                    let sample = HistogramSample { t_ms, start_ms, histogram: h.clone() };
                    let at = stored.histograms.partition_point(|s| s.t_ms < t_ms);
                    stored.histograms.insert(at, sample);
                }
            }
        }
        tell_resets(&mut stored.histograms);
    }

    fn slot(&mut self, labels: &Labels) -> &mut Stored {
        let at = self.series.iter().position(|s| *s.labels == *labels).unwrap_or_else(|| {
            self.series.push(Stored { labels: Arc::new(labels.clone()), ..Stored::default() });
            self.series.len() - 1
        });
        &mut self.series[at]
    }
}

/// What a chunk says about its histograms: the first one nothing, those after it that they are no resets. A reset,
/// another schema or another kind begins a new chunk.
fn tell_resets(histograms: &mut [HistogramSample]) {
    let mut before: Option<Arc<FloatHistogram>> = None;
    for sample in histograms {
        let h = &sample.histogram;
        if h.counter_reset == CounterReset::Gauge {
            before = None;
            continue;
        }
        let mut told = FloatHistogram::clone(h);
        told.counter_reset = match &before {
            Some(before) if h.counter_reset != CounterReset::Reset && !is_reset(h, before) => CounterReset::NotReset,
            _ => CounterReset::Unknown,
        };
        before = Some(h.clone());
        sample.histogram = Arc::new(told);
    }
}

/// Whether the storage sees a reset: a count that fell, or other buckets than could follow.
fn is_reset(h: &FloatHistogram, before: &FloatHistogram) -> bool {
    let bucket = |h: &FloatHistogram, index: i32, positive: bool| {
        let (spans, counts) =
            if positive { (&h.positive_spans, &h.positive) } else { (&h.negative_spans, &h.negative) };
        model::histogram::buckets(spans, counts).find(|(i, _)| *i == index).map_or(0.0, |(_, n)| *n)
    };
    let fell = |positive: bool| {
        let (spans, counts) = if positive {
            (&before.positive_spans, &before.positive)
        } else {
            (&before.negative_spans, &before.negative)
        };
        model::histogram::buckets(spans, counts).any(|(i, n)| bucket(h, i, positive) < *n)
    };
    h.schema != before.schema
        || h.zero_threshold != before.zero_threshold
        || h.custom_bounds != before.custom_bounds
        || h.is_stale() != before.is_stale()
        || h.count < before.count
        || h.zero_count < before.zero_count
        || fell(true)
        || fell(false)
}

/// What a selector found in a [`Storage`].
struct Found<'a> {
    series: Vec<&'a Stored>,
    start_ms: i64,
    end_ms: i64,
}

impl SeriesSource for Storage {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        _: SelectHints,
    ) -> Result<Box<dyn SeriesSet + '_>, SourceError> {
        let matching = self.series.iter().filter(|s| matchers.iter().all(|m| m.matches_labels(&s.labels)));
        let mut series: Vec<&Stored> = matching.collect();
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(Box::new(Found { series, start_ms, end_ms }))
    }
}

impl SeriesSet for Found<'_> {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn labels(&self, at: usize) -> Arc<Labels> {
        self.series[at].labels.clone()
    }

    fn read(&self, at: usize, into: &mut Samples) -> Result<(), SourceError> {
        let from = &self.series[at].samples;
        let inside = |t: i64| (self.start_ms..=self.end_ms).contains(&t);
        into.floats.extend(from.floats.iter().filter(|s| inside(s.t_ms)));
        let starts = from.floats.iter().zip(&from.start_times).filter(|(s, _)| inside(s.t_ms));
        into.start_times.extend(starts.map(|(_, start)| *start));
        into.histograms.extend(from.histograms.iter().filter(|s| inside(s.t_ms)).cloned());
        Ok(())
    }
}
