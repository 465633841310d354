//! Rules ask the engines: PromQL over series, analyses over logs and traces.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use alerting::rules::doors::{Answer, Newest, RangeAnswer, RangeSeries, Sample};
use alerting::rules::memory::answer;
use alerting::rules::spec::{EventSource, Events, Expression, Past, Promql};
use alerting::rules::{QueryError, RuleQuery};
use eventstore::query::Limits;
use foundation::{ErrorKind, UnixNanos};
use model::labels::NAME;
use model::{AccessScope, Labels, TimeRange};
use pipeline::Engines;
use promql::eval::{Engine, EngineOptions, Point, QueryRange, Value};
use promql::matcher::Matcher;
use query::analyse::{Analysed, Cell, ColumnKind, analyse};
use query::lang::pipe::{Output, lower_pipe, parse_pipe};
use query::metrics::Ask;
use query::{EventSignal, ReadError, Request};

use crate::config::Config;

pub(super) struct EngineQuery {
    engines: Engines,
    promql: Engine,
    timeout: Duration,
    memory_bytes: usize,
}

fn failed(kind: ErrorKind, e: &dyn std::fmt::Display) -> QueryError {
    QueryError::new(kind, e.to_string())
}

impl EngineQuery {
    pub(super) fn new(engines: Engines, config: &Config) -> Self {
        // Rules are many and small: they share the cores by threads of their own.
        let promql = Engine::new(EngineOptions { threads: 1, ..EngineOptions::default() });
        Self { engines, promql, timeout: config.query_timeout, memory_bytes: config.query_memory_max.as_usize() }
    }

    fn ask(&self) -> Ask {
        Ask::new(AccessScope::ALL, Instant::now() + self.timeout, Arc::new(AtomicBool::new(false)))
    }

    fn events(&self, e: &Events, at: UnixNanos) -> Result<Answer, QueryError> {
        let request = Request {
            access: AccessScope::ALL,
            range: TimeRange::new(at.minus(e.window), at),
            filter: e.text.clone(),
            limits: Limits::new(self.timeout, self.memory_bytes),
        };
        let found = analyse(&self.engines.events, signal(e), &request).map_err(|e| failed(e.kind(), &e))?;
        let warnings = found.partial.iter().map(|p| format!("the answer is partial: {p:?}")).collect();
        let Analysed::Table(table) = found.value else { return Err(no_table()) };
        let measure = table.columns.iter().position(|c| matches!(c.kind, ColumnKind::Measure(_)));
        let sample = |row: &Vec<Cell>| {
            let value = match row.get(measure?)? {
                Cell::Measured(m) => m.number()?,
                _ => return None,
            };
            let keys = table.columns.iter().zip(row).filter(|(c, _)| c.kind == ColumnKind::Key);
            let labels = keys.filter_map(|(c, cell)| match cell {
                Cell::Text(text) => Some((label_name(&c.name), text.clone())),
                _ => None,
            });
            Some(Sample { labels: labels.collect(), value: Point::Float(value) })
        };
        Ok(Answer { samples: table.rows.iter().filter_map(sample).collect(), warnings })
    }

    fn promql_range(&self, p: &Promql, past: Past) -> Result<RangeAnswer, QueryError> {
        let range = QueryRange {
            start_ms: past.from.as_millis(),
            end_ms: past.to.as_millis(),
            step_ms: (past.step.as_millis() as i64).max(1),
        };
        let found = query::metrics::range(&self.promql, &self.engines.metrics, &self.ask(), &p.text, range);
        let output = found.map_err(|e| failed(e.kind(), &e))?.output;
        let Value::Matrix(matrix) = output.value else { return Ok(RangeAnswer::default()) };
        let series = matrix.into_iter().map(|s| {
            let floats = s.samples.iter().map(|x| (UnixNanos::from_millis(x.t_ms), Point::Float(x.value)));
            let histograms =
                s.histograms.iter().map(|x| (UnixNanos::from_millis(x.t_ms), Point::Histogram(x.histogram.clone())));
            RangeSeries { labels: s.labels, samples: floats.chain(histograms).collect() }
        });
        Ok(RangeAnswer { series: series.collect(), warnings: output.warnings })
    }
}

const fn signal(e: &Events) -> EventSignal {
    match e.source {
        EventSource::Logs => EventSignal::Logs,
        EventSource::Traces => EventSignal::Traces,
    }
}

fn no_table() -> QueryError {
    QueryError::new(
        ErrorKind::InvalidInput,
        "gives no table: a rule needs a `stats` stage, as `level>=error | stats count() by service`",
    )
}

/// The name of a field as the name of a label: Alertmanagers take letters, digits and `_`.
fn label_name(field: &str) -> String {
    let name: String = field.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

impl RuleQuery for EngineQuery {
    fn instant(&self, expression: &Expression, at: UnixNanos) -> Result<Answer, QueryError> {
        let p = match expression {
            Expression::Promql(p) => p,
            Expression::Events(e) => return self.events(e, at),
        };
        let asked = (p.text.as_str(), &*p.tree);
        let output =
            query::metrics::instant_parsed(&self.promql, &self.engines.metrics, &self.ask(), asked, at.as_millis());
        let output = output.map_err(|e| failed(e.kind(), &e))?;
        answer(output.value, output.warnings)
    }

    fn range(&self, expression: &Expression, past: Past) -> Result<RangeAnswer, QueryError> {
        match expression {
            Expression::Promql(p) => self.promql_range(p, past),
            Expression::Events(e) => {
                let mut answer = RangeAnswer::default();
                let mut at = past.from;
                while at <= past.to {
                    let found = self.events(e, at)?;
                    answer.warnings.extend(found.warnings);
                    let one = |s: Sample| RangeSeries { labels: s.labels, samples: vec![(at, s.value)] };
                    answer.series.extend(found.samples.into_iter().map(one));
                    at = at.plus(past.step.max(Duration::from_millis(1)));
                }
                Ok(answer)
            }
        }
    }

    fn check(&self, expression: &Expression) -> Result<(), QueryError> {
        let Expression::Events(e) = expression else { return Ok(()) };
        let wrong = |e: ReadError| failed(e.kind(), &e);
        let pipe = parse_pipe(&e.text).map_err(|e| wrong(e.into()))?;
        match lower_pipe(&pipe, signal(e)).map_err(|e| wrong(e.into()))?.output {
            Output::Table(_) => Ok(()),
            _ => Err(no_table()),
        }
    }

    fn newest(
        &self,
        metric: &str,
        labels: &[(&str, &str)],
        from: UnixNanos,
        to: UnixNanos,
    ) -> Result<Vec<Newest>, QueryError> {
        let named = labels.iter().map(|(name, value)| Matcher::equal(name, value));
        let selector: Vec<Matcher> = named.chain([Matcher::equal(NAME, metric)]).collect();
        let range = (from.as_millis(), to.as_millis());
        let found = query::metrics::newest(&self.engines.metrics, &self.ask(), &selector, range);
        let found = found.map_err(|e| failed(e.kind(), &e))?;
        let newest = |(labels, sample): (Labels, tsdb::Sample)| Newest {
            labels,
            at: UnixNanos::from_millis(sample.t),
            value: sample.v,
        };
        Ok(found.into_iter().map(newest).collect())
    }
}
