//! Series in memory: what unit tests of rule files are evaluated on.
//!
//! Small and slow: every selector looks at every series.

use std::collections::BTreeMap;
use std::sync::Arc;

use foundation::{ErrorKind, UnixNanos};
use model::Labels;
use model::labels::NAME;
use parking_lot::RwLock;
use promql::eval::{
    Engine, EngineOptions, HistogramSample, Point, QueryLimits, Sample as FloatSample, Samples, SelectHints, SeriesSet,
    SeriesSource, SourceError, Value,
};
use promql::histogram::FloatHistogram;
use promql::matcher::Matcher;

use super::doors::{Answer, Newest, QueryError, RuleAppender, RuleQuery, Sample, Written};
use super::spec::Expression;

/// Series in memory.
#[derive(Default)]
pub struct MemoryStore {
    series: RwLock<BTreeMap<Labels, Vec<(i64, Point)>>>,
    engine: Engine,
}

impl MemoryStore {
    /// A store without series. One thread evaluates: it is small.
    pub fn new() -> Self {
        let options = EngineOptions { threads: 1, ..EngineOptions::default() };
        Self { series: RwLock::default(), engine: Engine::new(options) }
    }

    /// Adds a sample at unix milliseconds; what is not newer than the newest of its series is sorted in, or replaces.
    pub fn add(&self, labels: &Labels, t_ms: i64, value: Point) {
        let mut series = self.series.write();
        let samples = match series.get_mut(labels) {
            Some(samples) => samples,
            None => series.entry(labels.clone()).or_default(),
        };
        match samples.binary_search_by_key(&t_ms, |s| s.0) {
            Ok(at) => {
                if let Some(sample) = samples.get_mut(at) {
                    sample.1 = value;
                }
            }
            Err(at) => samples.insert(at, (t_ms, value)),
        }
    }

    /// The value of an expression at unix milliseconds.
    ///
    /// # Errors
    /// What kept it from being evaluated.
    pub fn value(&self, text: &str, at_ms: i64) -> Result<Value, QueryError> {
        let wrong = |e: &dyn std::fmt::Display| QueryError::new(ErrorKind::InvalidInput, e.to_string());
        let tree = promql::parse(text).map_err(|e| wrong(&e))?;
        let output = self.engine.instant(self, text, &tree, at_ms, &QueryLimits::default()).map_err(|e| wrong(&e))?;
        Ok(output.value)
    }
}

/// A vector or a scalar as an answer to a rule.
///
/// # Errors
/// Values of other types.
pub fn answer(value: Value, warnings: Vec<String>) -> Result<Answer, QueryError> {
    let samples = match value {
        Value::Scalar(s) => vec![Sample { labels: Labels::default(), value: Point::Float(s.value) }],
        Value::Vector(v) => v.into_iter().map(|s| Sample { labels: s.labels, value: s.value }).collect(),
        Value::String(_) | Value::Matrix(_) => {
            return Err(QueryError::new(ErrorKind::InvalidInput, "rule result is not a vector or scalar"));
        }
    };
    Ok(Answer { samples, warnings })
}

impl RuleQuery for MemoryStore {
    fn instant(&self, expression: &Expression, at: UnixNanos) -> Result<Answer, QueryError> {
        match expression {
            Expression::Promql(p) => answer(self.value(&p.text, at.as_millis())?, Vec::new()),
            Expression::Events(_) => self.check(expression).map(|()| Answer::default()),
        }
    }

    fn check(&self, expression: &Expression) -> Result<(), QueryError> {
        match expression {
            Expression::Promql(_) => Ok(()),
            Expression::Events(e) => Err(QueryError::new(
                ErrorKind::Unsupported,
                format!(
                    "there are no {} in unit tests; test such a rule with POST /api/v1/rules/test",
                    e.source.name()
                ),
            )),
        }
    }

    fn newest(
        &self,
        metric: &str,
        labels: &[(&str, &str)],
        from: UnixNanos,
        to: UnixNanos,
    ) -> Result<Vec<Newest>, QueryError> {
        let series = self.series.read();
        let asked = |l: &Labels| l.get(NAME) == metric && labels.iter().all(|(name, value)| l.get(name) == *value);
        let found = series.iter().filter(|(l, _)| asked(l)).filter_map(|(labels, samples)| {
            let inside = |s: &&(i64, Point)| (from.as_millis()..=to.as_millis()).contains(&s.0);
            let (t, value) = samples.iter().rev().find(inside)?;
            let value = super::template::float(value);
            Some(Newest { labels: labels.clone(), at: UnixNanos::from_millis(*t), value })
        });
        Ok(found.collect())
    }
}

impl RuleAppender for MemoryStore {
    fn append(&self, samples: Vec<Written>, _: bool) -> Result<(), String> {
        for s in samples {
            self.add(&s.labels, s.at.as_millis(), s.value);
        }
        Ok(())
    }
}

/// The series that a selector found.
struct Found(Vec<(Arc<Labels>, Samples)>);

impl SeriesSource for MemoryStore {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        _: SelectHints,
    ) -> Result<Box<dyn SeriesSet + '_>, SourceError> {
        let series = self.series.read();
        let asked = series.iter().filter(|(labels, _)| matchers.iter().all(|m| m.matches_labels(labels)));
        let found = asked.map(|(labels, samples)| {
            let mut out = Samples::default();
            for (t_ms, value) in samples.iter().filter(|(t, _)| (start_ms..=end_ms).contains(t)) {
                match value {
                    Point::Float(value) => out.floats.push(FloatSample { t_ms: *t_ms, value: *value }),
                    Point::Histogram(h) => {
                        let histogram: Arc<FloatHistogram> = h.clone();
                        out.histograms.push(HistogramSample { t_ms: *t_ms, start_ms: 0, histogram });
                    }
                }
            }
            (Arc::new(labels.clone()), out)
        });
        Ok(Box::new(Found(found.filter(|(_, samples)| !samples.is_empty()).collect())))
    }
}

impl SeriesSet for Found {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn labels(&self, at: usize) -> Arc<Labels> {
        self.0.get(at).map(|(labels, _)| labels.clone()).unwrap_or_default()
    }

    fn read(&self, at: usize, into: &mut Samples) -> Result<(), SourceError> {
        if let Some((_, samples)) = self.0.get(at) {
            into.clone_from(samples);
        }
        Ok(())
    }
}
