//! The analysis form of the query language: `q=service:api | stats count() by http.route`.

use axum::extract::State;
use eventstore::query::{Cell as Measured, HistogramBucket};
use query::EventSignal;
use query::analyse::{self, Analysed, Cell, ColumnKind};
use query::lang::pipe::Unit;
use query::record::{log_value, span_value};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::any_value::AnyValue;
use super::error::ApiError;
use super::params::{FilterParam, Query, RangeParams, SignalParam};
use super::patterns::PatternsShape;
use super::rendered::Rendered;
use super::shape::{Footer, LogShape, SpanShape};
use crate::app::App;
use crate::run;

/// What came out: one of the three.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnalysisShape {
    /// With `stats`, `timeseries` or `top`.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<TableShape>,
    /// With `patterns`.
    #[serde(skip_serializing_if = "Option::is_none")]
    patterns: Option<PatternsShape>,
    /// Without stages that make something else of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<RecordsShape>,
    #[serde(flatten)]
    footer: Footer,
}

/// A table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableShape {
    columns: Vec<ColumnShape>,
    /// One value per column: texts for keys and times (unix nanoseconds), numbers for measures,
    /// `[[low, high, count], ..]` for histograms, `null` where there is nothing.
    #[schema(value_type = Vec<Vec<Object>>)]
    rows: Vec<Vec<CellShape>>,
    /// How many rows there are, listed or not.
    groups: u64,
    /// The length of a bucket of time.
    step_nanos: Option<i64>,
    /// The share of the records that was looked at, when it was a sample; counts and sums are scaled up.
    sampled: Option<f64>,
    /// With `count_adjusted` and the like: how much of what was sent is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    adjusted: Option<AdjustedShape>,
}

/// What was kept by samplers, of the spans that were counted.
#[derive(Debug, Serialize, ToSchema)]
struct AdjustedShape {
    /// Spans that are stored.
    stored: u64,
    /// Spans that they stand for: the sum of their adjusted counts.
    stands_for: f64,
    /// The sampling rate: `stored / stands_for`, 1 when nothing was left out.
    rate: f64,
}

/// A column of a table.
#[derive(Debug, Serialize, ToSchema)]
struct ColumnShape {
    name: String,
    /// `time`, `key` or `measure`.
    kind: &'static str,
    /// `count`, `per_second`, `ns`, `us`, `ms`, `s`; empty when nobody knows.
    unit: &'static str,
    /// Whether a number of distinct values in it is an estimate (HyperLogLog, standard error 0.81 %).
    estimated: bool,
}

/// Records, as a whole or by fields.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordsShape {
    /// The fields that were asked for; empty for whole records.
    fields: Vec<String>,
    /// One value per field (an `AnyValue` or `null`) for each record.
    #[schema(value_type = Vec<Vec<Object>>)]
    rows: Vec<Vec<Option<AnyValue>>>,
    logs: Vec<LogShape>,
    spans: Vec<SpanShape>,
}

/// Runs an analysis; without stages it lists records. `q` is specified in the query language, "Analysis".
#[utoipa::path(get, path = "/api/v1/analyse", params(RangeParams, SignalParam, FilterParam),
    responses((status = 200, body = AnalysisShape), (status = 400, body = ApiError)))]
pub(crate) async fn analyse(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(signal): Query<SignalParam>,
    Query(filter): Query<FilterParam>,
) -> Result<Rendered, ApiError> {
    let (range, signal) = (range.range(&app)?, signal.get()?);
    run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        let outcome = analyse::analyse(&app.engines.events, signal, &request)?;
        let footer = Footer::hinted(app, signal, &request, &outcome, is_empty(&outcome.value));
        Rendered::new(&shape(signal, outcome.value, footer))
    })
    .await?
}

/// Whether nothing was found: then a wrong field name is likely.
fn is_empty(found: &Analysed) -> bool {
    let nothing = |cell: &Cell| match cell {
        Cell::Measured(m) => m.number().is_none_or(|n| n == 0.0),
        Cell::Absent => true,
        Cell::Time(_) | Cell::Text(_) => false,
    };
    match found {
        Analysed::Table(t) => t.rows.is_empty() || t.rows.len() == 1 && t.rows.iter().flatten().all(nothing),
        Analysed::Patterns(p) => p.patterns.is_empty(),
        Analysed::Logs(_, rows) => rows.is_empty(),
        Analysed::Spans(_, rows) => rows.is_empty(),
    }
}

fn shape(signal: EventSignal, found: Analysed, footer: Footer) -> AnalysisShape {
    let mut out = AnalysisShape { table: None, patterns: None, records: None, footer };
    match found {
        Analysed::Table(t) => out.table = Some(table(t)),
        Analysed::Patterns(p) => out.patterns = Some(PatternsShape::new(signal, p)),
        Analysed::Logs(fields, rows) => {
            let value = |r: &model::LogRecord| fields.iter().map(|(_, f)| log_value(r, f).map(AnyValue)).collect();
            let by_field = !fields.is_empty();
            out.records = Some(RecordsShape {
                rows: if by_field { rows.iter().map(|r| value(&r.record)).collect() } else { Vec::new() },
                logs: if by_field {
                    Vec::new()
                } else {
                    rows.into_iter().map(|r| LogShape::new(r.id, r.record)).collect()
                },
                spans: Vec::new(),
                fields: fields.into_iter().map(|(name, _)| name).collect(),
            });
        }
        Analysed::Spans(fields, rows) => {
            let value = |s: &model::Span| fields.iter().map(|(_, f)| span_value(s, f).map(AnyValue)).collect();
            let by_field = !fields.is_empty();
            out.records = Some(RecordsShape {
                rows: if by_field { rows.iter().map(|r| value(&r.record)).collect() } else { Vec::new() },
                spans: if by_field {
                    Vec::new()
                } else {
                    rows.into_iter().map(|r| SpanShape::from(r.record)).collect()
                },
                logs: Vec::new(),
                fields: fields.into_iter().map(|(name, _)| name).collect(),
            });
        }
    }
    out
}

fn table(t: analyse::Table) -> TableShape {
    let estimated = |i: usize| {
        t.rows.iter().any(|r| matches!(r.get(i), Some(Cell::Measured(Measured::Distinct { exact: false, .. }))))
    };
    let columns = t.columns.iter().enumerate().map(|(i, c)| {
        let (kind, unit) = match c.kind {
            ColumnKind::Time => ("time", "ns"),
            ColumnKind::Key => ("key", ""),
            ColumnKind::Measure(unit) => ("measure", unit_name(unit)),
        };
        ColumnShape { name: c.name.clone(), kind, unit, estimated: estimated(i) }
    });
    TableShape {
        columns: columns.collect(),
        rows: t.rows.into_iter().map(|row| row.into_iter().map(CellShape).collect()).collect(),
        groups: t.groups,
        step_nanos: t.step_nanos,
        sampled: t.sampled,
        adjusted: t.stands_for.map(|(stored, stands_for)| AdjustedShape {
            stored,
            stands_for,
            rate: if stands_for > 0.0 { stored as f64 / stands_for } else { 1.0 },
        }),
    }
}

fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "count",
        Unit::PerSecond => "per_second",
        Unit::Duration { nanos: 1 } => "ns",
        Unit::Duration { nanos: 1_000 } => "us",
        Unit::Duration { nanos: 1_000_000 } => "ms",
        Unit::Duration { .. } => "s",
        Unit::None => "",
    }
}

/// A cell, written as its column says.
#[derive(Debug)]
struct CellShape(Cell);

impl Serialize for CellShape {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Cell::Absent | Cell::Measured(Measured::Empty) => to.serialize_none(),
            Cell::Time(t) => to.collect_str(&t.0),
            Cell::Text(s) => to.serialize_str(s),
            Cell::Measured(Measured::Count(n) | Measured::Distinct { count: n, .. }) => to.serialize_u64(*n),
            // JSON has no infinity; serde_json writes `null`.
            Cell::Measured(Measured::Number(v)) => to.serialize_f64(*v),
            Cell::Measured(Measured::Histogram(buckets)) => {
                to.collect_seq(buckets.iter().map(|HistogramBucket { low, high, count }| (low, high, count)))
            }
        }
    }
}
