//! Series in memory, as the `load` command of a script makes them.

use foundation::ErrorKind;
use model::labels::Labels;
use promql::eval::{Sample, SelectHints, Series, SeriesSource, SourceError};
use promql::matcher::Matcher;
use promql::series::SequenceValue;

/// One stored series.
#[derive(Default)]
struct Stored {
    labels: Labels,
    samples: Vec<Sample>,
    /// Times at which the script has something that is not a float sample.
    unsupported_ms: Vec<i64>,
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

    /// Appends one line of a `load`: value i stands at `i * step_ms`.
    pub(crate) fn load(&mut self, labels: &Labels, values: &[SequenceValue], step_ms: i64) {
        let stored = self.slot(labels);
        for (i, value) in values.iter().enumerate() {
            let t_ms = step_ms * i as i64;
            match value {
                SequenceValue::Gap => {}
                SequenceValue::Float(value) => {
                    stored.samples.retain(|s| s.t_ms != t_ms);
                    stored.samples.push(Sample { t_ms, value: *value });
                }
                SequenceValue::Histogram(_) => stored.unsupported_ms.push(t_ms),
            }
        }
        stored.samples.sort_by_key(|s| s.t_ms);
    }

    /// Marks the times of `values` as something this version does not know.
    pub(crate) fn load_unsupported(&mut self, labels: &Labels, values: &[SequenceValue], step_ms: i64) {
        let stored = self.slot(labels);
        let present = values.iter().enumerate().filter(|(_, v)| **v != SequenceValue::Gap);
        stored.unsupported_ms.extend(present.map(|(i, _)| step_ms * i as i64));
    }

    fn slot(&mut self, labels: &Labels) -> &mut Stored {
        let at = self.series.iter().position(|s| s.labels == *labels).unwrap_or_else(|| {
            self.series.push(Stored { labels: labels.clone(), ..Stored::default() });
            self.series.len() - 1
        });
        &mut self.series[at]
    }
}

impl SeriesSource for Storage {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        _: SelectHints,
    ) -> Result<Vec<Series>, SourceError> {
        let inside = |t: i64| (start_ms..=end_ms).contains(&t);
        let mut out = Vec::new();
        for s in self.series.iter().filter(|s| matchers.iter().all(|m| m.matches_labels(&s.labels))) {
            if s.unsupported_ms.iter().any(|t| inside(*t)) {
                let message = "native histograms are not supported by this version".to_owned();
                return Err(SourceError { kind: ErrorKind::Unsupported, message });
            }
            let samples: Vec<Sample> = s.samples.iter().filter(|s| inside(s.t_ms)).copied().collect();
            if !samples.is_empty() {
                out.push(Series { labels: s.labels.clone(), samples });
            }
        }
        out.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(out)
    }
}
