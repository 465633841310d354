//! Objectives over the engines of this server: what they ask, and the thread that counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use alerting::rules::{QueryError, Rulebook};
use alerting::slo::{Engine, EventsQuery, Options, Series, Slo, Slobook, Source, start_of};
use anyhow::Context as _;
use derived::Derived;
use eventstore::query::Limits;
use foundation::disk::RealDisk;
use foundation::shutdown::Shutdown;
use foundation::{Clock, ErrorKind, UnixNanos};
use metastore::Metastore;
use model::{AccessScope, Labels, Signal, TimeRange};
use pipeline::Engines;
use promql::eval::{EngineOptions, QueryRange, Value};
use query::analyse::{Analysed, Cell, Table, analyse};
use query::metrics::Ask;
use query::{EventSignal, Request};

use super::rejected::{self, Question};
use super::rules::EngineAppender;
use crate::config::Config;

/// Minutes are counted once they are complete; how often that is looked for.
const TICK: Duration = Duration::from_secs(5);

/// Rows of one answer, as the query language has it.
const ROWS_MAX: usize = 10_000;

/// What objectives are put together of.
pub(super) struct Parts<'a> {
    pub config: &'a Config,
    pub dir: &'a std::path::Path,
    pub engines: &'a Engines,
    pub derived: Arc<Derived>,
    pub clock: Arc<dyn Clock>,
    pub store: Metastore,
    pub rules: Arc<Rulebook>,
}

/// Reads all objectives. Nothing is counted yet.
pub(super) fn open(parts: Parts<'_>) -> anyhow::Result<Arc<Slobook>> {
    let source = Arc::new(EngineSource {
        engines: parts.engines.clone(),
        derived: parts.derived,
        promql: promql::eval::Engine::new(EngineOptions { threads: 1, ..EngineOptions::default() }),
        timeout: parts.config.query_timeout,
        memory_bytes: parts.config.query_memory_max.as_usize(),
    });
    let options = Options { dir: parts.dir.join("slo") };
    let appender = Arc::new(EngineAppender::new(parts.engines.metrics.clone()));
    let engine = Engine::new(source, appender, parts.clock, Arc::new(RealDisk), options);
    let book = Slobook::new(Arc::new(engine), parts.rules, parts.store);
    let written = &parts.config.objectives;
    book.reload(&written.files, &written.configured).context("slo_files")?;
    for (file, finding) in book.findings() {
        tracing::warn!("{}", finding.of(&file.as_str().into()));
    }
    Ok(Arc::new(book))
}

/// The thread that counts; joined at the end, before the engines are closed.
pub(super) struct Counting(JoinHandle<()>);

impl Counting {
    pub(super) fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the thread that counts objectives had panicked");
        }
    }
}

/// Counts from now on, and saves what it knows at the end.
pub(super) fn start(book: Arc<Slobook>, shutdown: Shutdown) -> std::io::Result<Counting> {
    let run = move || {
        loop {
            book.engine().tick();
            if shutdown.wait_timeout(TICK) {
                break;
            }
        }
        book.engine().save_all();
    };
    std::thread::Builder::new().name("objectives".to_owned()).spawn(run).map(Counting)
}

struct EngineSource {
    engines: Engines,
    derived: Arc<Derived>,
    promql: promql::eval::Engine,
    timeout: Duration,
    memory_bytes: usize,
}

fn failed(kind: ErrorKind, e: &dyn std::fmt::Display) -> QueryError {
    QueryError::new(kind, e.to_string())
}

impl EngineSource {
    fn ask(&self) -> Ask {
        Ask::new(AccessScope::ALL, Instant::now() + self.timeout, Arc::new(AtomicBool::new(false)))
    }
}

impl EngineSource {
    /// Rows of a group and a step of time each.
    fn table(&self, asked: &EventsQuery, count: &str) -> Result<Table, QueryError> {
        let signal = match asked.signal {
            Signal::Traces => EventSignal::Traces,
            _ => EventSignal::Logs,
        };
        let request = Request {
            access: AccessScope::ALL,
            range: TimeRange::new(asked.start.minus(asked.step), asked.end),
            filter: counting_text(&asked.filter, &asked.group_by, count, asked.step),
            limits: Limits::new(self.timeout, self.memory_bytes),
        };
        let found = analyse(&self.engines.events, signal, &request).map_err(|e| failed(e.kind(), &e))?;
        if let Some(partial) = found.partial {
            return Err(QueryError::new(ErrorKind::UNAVAILABLE, format!("the count is partial: {partial:?}")));
        }
        match found.value {
            Analysed::Table(table) => Ok(table),
            _ => Err(QueryError::new(ErrorKind::Internal, "the count gave no table")),
        }
    }

    /// What is stored.
    fn stored(&self, asked: &EventsQuery, count: &str) -> Result<Vec<Series>, QueryError> {
        let table = self.table(asked, count)?;
        if table.groups as usize <= table.rows.len() {
            return Ok(series(&table, asked.step));
        }
        // More rows than one answer holds: half the time has about half of them.
        let steps = (asked.end.0 - asked.start.0) / asked.step.as_nanos() as i64;
        if steps < 1 {
            let message =
                format!("more than {} groups within {:?}; group by fewer attributes", table.rows.len(), asked.step);
            return Err(QueryError::new(ErrorKind::LimitExceeded, message));
        }
        let middle = asked.start.plus(asked.step * (steps / 2) as u32);
        let first = self.stored(&EventsQuery { end: middle, ..asked.clone() }, count)?;
        let rest = EventsQuery { start: middle.plus(asked.step), ..asked.clone() };
        Ok(joined(first, self.stored(&rest, count)?))
    }

    /// Every span, those that samplers rejected too, from the minute on from which these are counted; before it the stored
    /// ones by what they stand for, as where nothing is counted at all.
    fn spans(&self, asked: &EventsQuery) -> Result<Vec<Series>, QueryError> {
        let counted = Question::of(asked)
            .and_then(|q| self.derived.rejected(&q.count, rejected::minutes(asked)).map(|counted| (q, counted)));
        let Some((question, mut counted)) = counted else { return self.stored(asked, ADJUSTED) };
        let first = start_of(counted.exact_from.saturating_add(1)).max(asked.start);
        counted.counts.retain(|(minute, ..)| *minute >= counted.exact_from);
        let mut all = Vec::new();
        if asked.start < first {
            let end = UnixNanos(first.0.saturating_sub(asked.step.as_nanos() as i64)).min(asked.end);
            all = self.stored(&EventsQuery { end, ..asked.clone() }, ADJUSTED)?;
        }
        if first <= asked.end {
            all = joined(all, self.stored(&EventsQuery { start: first, ..asked.clone() }, COUNT)?);
        }
        Ok(question.add(all, counted))
    }
}

const COUNT: &str = "count()";
/// Of spans that chance has kept each stands for others; without a sampler it is the same as [`COUNT`].
const ADJUSTED: &str = "count_adjusted()";

/// A count in the query language.
pub(super) fn counting_text(filter: &str, group_by: &[String], count: &str, step: Duration) -> String {
    let by: String = group_by.iter().map(|key| format!(", {key}")).collect();
    let filter = if filter.trim().is_empty() { "*" } else { filter };
    format!("{filter} | stats {count} by bucket({}s){by} | limit {ROWS_MAX}", step.as_secs())
}

/// The same groups at later times.
fn joined(mut all: Vec<Series>, later: Vec<Series>) -> Vec<Series> {
    for later in later {
        match all.iter_mut().find(|s| s.labels == later.labels) {
            Some(s) => s.points.extend(later.points),
            None => all.push(later),
        }
    }
    all
}

/// Each group with its counts at the end of their steps.
fn series(table: &Table, step: Duration) -> Vec<Series> {
    let mut groups: BTreeMap<Labels, Vec<(UnixNanos, f64)>> = BTreeMap::new();
    for row in &table.rows {
        let (mut at, mut labels, mut value) = (None, Vec::new(), None);
        for (column, cell) in table.columns.iter().zip(row) {
            match cell {
                Cell::Time(begin) => at = Some(begin.plus(step)),
                Cell::Text(text) => labels.push((column.name.clone(), text.clone())),
                Cell::Measured(m) => value = m.number(),
                Cell::Absent => {}
            }
        }
        if let (Some(at), Some(value)) = (at, value) {
            groups.entry(Labels::new(labels)).or_default().push((at, value));
        }
    }
    let sorted = groups.into_iter().map(|(labels, mut points)| {
        points.sort_unstable_by_key(|(at, _)| *at);
        Series { labels, points }
    });
    sorted.collect()
}

impl Source for EngineSource {
    fn objectives(&self, slos: &[Slo]) {
        self.derived.count_rejected(&rejected::of_slos(slos));
    }

    fn promql(&self, query: &str, start: UnixNanos, end: UnixNanos, step: Duration) -> Result<Vec<Series>, QueryError> {
        let range =
            QueryRange { start_ms: start.as_millis(), end_ms: end.as_millis(), step_ms: step.as_millis() as i64 };
        let found = query::metrics::range(&self.promql, &self.engines.metrics, &self.ask(), query, range);
        let Value::Matrix(matrix) = found.map_err(|e| failed(e.kind(), &e))?.output.value else {
            return Ok(Vec::new());
        };
        let series = matrix.into_iter().map(|s| Series {
            points: s.samples.iter().map(|p| (UnixNanos::from_millis(p.t_ms), p.value)).collect(),
            labels: s.labels,
        });
        Ok(series.collect())
    }

    fn events(&self, asked: &EventsQuery) -> Result<Vec<Series>, QueryError> {
        match asked.signal {
            Signal::Traces => self.spans(asked),
            _ => self.stored(asked, COUNT),
        }
    }

    fn label_values(
        &self,
        selector: &str,
        label: &str,
        start: UnixNanos,
        end: UnixNanos,
    ) -> Result<Vec<String>, QueryError> {
        let range = (start.as_millis(), end.as_millis());
        let found = query::metrics::label_values(&self.engines.metrics, &self.ask(), label, &[selector], range);
        found.map_err(|e| failed(e.kind(), &e))
    }
}
