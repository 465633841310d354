//! From an analysis to the typed query: fields get their meaning, columns their place.
//!
//! The result is plain values (`eventstore::query::{Filter, GroupBy, Measure, ..}`): it holds nothing
//! of blocks and indexes, so that another engine can be asked the same.

use std::num::NonZeroU32;

use eventstore::query::{Column, CompareOp, Field, Filter, GroupBy, Having, Measure, Order, OrderBy};

use super::printer::column_name;
use super::{By, COLUMNS_MAX, Call, ColumnName, Function, Pipe, RowCondition, SortColumn, Stage, StageKind};
use crate::EventSignal;
use crate::lang::ast::{Key, Op};
use crate::lang::error::{FilterError, Problem};
use crate::lang::fields::{self, Values};
use crate::lang::hints::nearest;
use crate::lang::lower::{lower, unit_of};
use crate::lang::number::{self, Number};
use crate::lang::printer::quote;

type Result<T> = std::result::Result<T, FilterError>;

/// Rows of a table, records and patterns without `limit`.
const LIMIT_DEFAULT: usize = 1_000;
const RECORDS_DEFAULT: usize = 100;

/// What is asked, ready for an engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Which records.
    pub filter: Filter,
    /// One block in so many is looked into.
    pub sample: Option<NonZeroU32>,
    /// What to make of them.
    pub output: Output,
}

/// What comes out.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// The records themselves.
    Records {
        /// Which of their fields, by name; empty for all.
        fields: Vec<(String, Field)>,
        /// Which end comes first.
        order: Order,
        /// At most so many.
        limit: usize,
    },
    /// Groups and what is known of them.
    Table(TableQuery),
    /// The templates of their texts, most frequent first.
    Patterns {
        /// At most so many.
        limit: usize,
    },
}

/// A table: first the columns of `groups`, then those of `measures`.
#[derive(Debug, Clone, PartialEq)]
pub struct TableQuery {
    /// What the records of a row have in common.
    pub groups: Vec<Group>,
    /// What is known of each row.
    pub measures: Vec<NamedMeasure>,
    /// Only rows for which all of these hold; `measure` is a place in `measures`, `value` in the unit of its column.
    pub having: Vec<Having>,
    /// The order; keys are places among the fields of `groups`, measures places in `measures`.
    pub order: Vec<OrderBy>,
    /// At most so many rows.
    pub limit: usize,
}

/// A column that records are grouped by.
#[derive(Debug, Clone, PartialEq)]
pub enum Group {
    /// Time, in steps of so many nanoseconds, or in steps that fit the range.
    Bucket(Option<i64>),
    /// A field.
    Field {
        /// As written.
        name: String,
        /// How the engine groups by it.
        by: GroupBy,
        /// What its values are, and so how they are spelled.
        values: Values,
    },
}

/// A column that is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedMeasure {
    /// The name of the column.
    pub name: String,
    /// What the engine measures.
    pub measure: Measure,
    /// Whether it is divided by the seconds of the bucket, or of the range.
    pub per_second: bool,
    /// What its numbers are.
    pub unit: Unit,
}

/// What the numbers of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// Per second.
    PerSecond,
    /// A duration; a number of so many nanoseconds each.
    Duration {
        /// How many nanoseconds the number 1 is.
        nanos: i64,
    },
    /// Whatever the sender meant.
    None,
}

/// The typed query that `pipe` stands for when records of `signal` are analysed.
///
/// # Errors
/// A wrong filter, a column that there is not, or stages that do not go together.
pub fn lower_pipe(pipe: &Pipe, signal: EventSignal) -> Result<Analysis> {
    let filter = lower(&pipe.filter, signal)?;
    let find = |name: &str| pipe.stages.iter().find(|s| s.kind.name() == name);
    let sample = pipe.stages.iter().find_map(|s| match s.kind {
        StageKind::Sample(n) => NonZeroU32::new(n),
        _ => None,
    });
    let limit = pipe.stages.iter().find_map(|s| match s.kind {
        StageKind::Limit(n) => Some(n),
        _ => None,
    });
    let stats = pipe.stages.iter().find_map(|s| match &s.kind {
        StageKind::Stats { measures, by } => Some((measures, by)),
        _ => None,
    });
    let needs =
        |stage: &Stage, needs| Err(FilterError::new(Problem::StageNeeds { stage: stage.kind.name(), needs }, stage.at));
    if let (None, Some(stage)) = (stats, find("where")) {
        return needs(stage, "`stats`; records are chosen by the filter before the first `|`");
    }
    let output = if let Some((measures, by)) = stats {
        Output::Table(table(signal, measures, by, pipe, limit)?)
    } else if find("patterns").is_some() {
        if let Some(stage) = find("sort") {
            return needs(stage, "`stats`; patterns stand by their count");
        }
        Output::Patterns { limit: limit.unwrap_or(LIMIT_DEFAULT) }
    } else {
        if let Some(stage) = find("sample") {
            return needs(stage, "`stats` or `patterns`");
        }
        records(signal, pipe, limit)?
    };
    Ok(Analysis { filter, sample, output })
}

fn records(signal: EventSignal, pipe: &Pipe, limit: Option<usize>) -> Result<Output> {
    let (mut keys, mut order): (&[Key], _) = (&[], Order::Descending);
    for stage in &pipe.stages {
        match &stage.kind {
            StageKind::Fields(listed) => keys = listed,
            StageKind::Sort(columns) => match columns.as_slice() {
                [SortColumn { column, descending }] if column.name == "time" => {
                    order = if *descending { Order::Descending } else { Order::Ascending };
                }
                [SortColumn { column, .. }, ..] => {
                    let needs = "`stats`; records stand in the order of `time` or `-time`";
                    return Err(FilterError::new(Problem::StageNeeds { stage: "sort", needs }, column.at));
                }
                [] => {}
            },
            _ => {}
        }
    }
    let fields = keys.iter().map(|k| (k.to_string(), fields::resolve(signal, k).0)).collect();
    Ok(Output::Records { fields, order, limit: limit.unwrap_or(RECORDS_DEFAULT) })
}

fn table(signal: EventSignal, measures: &[Call], by: &[By], pipe: &Pipe, limit: Option<usize>) -> Result<TableQuery> {
    let mut names: Vec<String> = Vec::new();
    let mut unique = |name: String, at| {
        if names.contains(&name) {
            return Err(FilterError::new(Problem::SameColumn(name), at));
        }
        names.push(name.clone());
        Ok(name)
    };
    let mut groups = Vec::new();
    for b in by {
        groups.push(match b {
            By::Bucket(step) => {
                let at = pipe.stages.first().map_or_else(Default::default, |s| s.at);
                unique("time".to_owned(), at)?;
                Group::Bucket(*step)
            }
            By::Key(key) => {
                let (field, values) = fields::resolve(signal, key);
                let by = if values == Values::Level { GroupBy::SeverityRange } else { GroupBy::Field(field) };
                Group::Field { name: unique(key.to_string(), key.at)?, by, values }
            }
        });
    }
    let mut out = Vec::new();
    for call in measures {
        let name = call.name.clone().unwrap_or_else(|| column_name(call.function, call.key.as_ref()));
        out.push(measure(signal, call, unique(name, call.at)?)?);
    }
    if groups.len() > COLUMNS_MAX || out.len() > COLUMNS_MAX {
        let at = pipe.stages.first().map_or_else(Default::default, |s| s.at);
        return Err(FilterError::new(Problem::TooMany { what: "columns of a kind", max: COLUMNS_MAX }, at));
    }
    let mut table = TableQuery {
        groups,
        measures: out,
        having: Vec::new(),
        order: Vec::new(),
        limit: limit.unwrap_or(LIMIT_DEFAULT),
    };
    for stage in &pipe.stages {
        match &stage.kind {
            StageKind::Where(conditions) => {
                table.having = conditions.iter().map(|c| having(&table, c)).collect::<Result<_>>()?;
            }
            StageKind::Sort(columns) => {
                let order =
                    |s: &SortColumn| Ok(OrderBy { column: column(&table, &s.column)?, descending: s.descending });
                table.order = columns.iter().map(order).collect::<Result<_>>()?;
            }
            _ => {}
        }
    }
    Ok(table)
}

fn measure(signal: EventSignal, call: &Call, name: String) -> Result<NamedMeasure> {
    let field = call.key.as_ref().map(|key| (key, fields::resolve(signal, key)));
    let (field, unit) = match field {
        None => (None, Unit::None),
        Some((_, (field, Values::Duration))) => (Some(field), Unit::Duration { nanos: 1 }),
        Some((key, (field, Values::Attribute))) => {
            (Some(field), unit_of(&key.name).map_or(Unit::None, |nanos| Unit::Duration { nanos }))
        }
        Some((_, (field, _))) => (Some(field), Unit::None),
    };
    if call.function.is_adjusted() && signal != EventSignal::Traces {
        let takes = "spans only: log records say in `sampling.threshold` what they stand for";
        return Err(FilterError::new(Problem::Arguments { function: name, takes }, call.at));
    }
    let (measure, unit) = match (call.function, field) {
        (Function::CountAdjusted | Function::RateAdjusted, None) => (Measure::Adjusted, Unit::Count),
        (Function::SumAdjusted, Some(f)) => (Measure::SumAdjusted(f), unit),
        (Function::Count | Function::Rate, None) => (Measure::Rows, Unit::Count),
        (Function::Count, Some(f)) => (Measure::Present(f), Unit::Count),
        (Function::CountDistinct, Some(f)) => (Measure::Distinct(f), Unit::Count),
        (Function::Min, Some(f)) => (Measure::Min(f), unit),
        (Function::Max, Some(f)) => (Measure::Max(f), unit),
        (Function::Sum, Some(f)) => (Measure::Sum(f), unit),
        (Function::Avg, Some(f)) => (Measure::Mean(f), unit),
        (Function::Percentile(p), Some(f)) => (Measure::Quantile(f, p / 100.0), unit),
        (Function::Histogram, Some(f)) => (Measure::Histogram(f), unit),
        (_, _) => {
            let function = name;
            return Err(FilterError::new(Problem::Arguments { function, takes: "a field" }, call.at));
        }
    };
    let per_second = matches!(call.function, Function::Rate | Function::RateAdjusted);
    Ok(NamedMeasure { name, measure, per_second, unit: if per_second { Unit::PerSecond } else { unit } })
}

/// The column with a name: a measure, the time, or a field.
fn column(table: &TableQuery, wanted: &ColumnName) -> Result<Column> {
    if let Some(i) = table.measures.iter().position(|m| m.name == wanted.name) {
        return Ok(Column::Measure(i));
    }
    // An attribute that stands in quotes may be named with and without them.
    let same = |name: &str| name == wanted.name || name == quote(&wanted.name);
    let mut fields = 0;
    for group in &table.groups {
        match group {
            Group::Bucket(_) if wanted.name == "time" => return Ok(Column::Time),
            Group::Bucket(_) => {}
            Group::Field { name, .. } if same(name) => return Ok(Column::Key(fields)),
            Group::Field { .. } => fields += 1,
        }
    }
    let names: Vec<&str> =
        table.measures.iter().map(|m| m.name.as_str()).chain(table.groups.iter().map(Group::name)).collect();
    // `sort -p95` for `p95(duration)`.
    let begins = names.iter().find(|n| n.split('(').next() == Some(&wanted.name)).copied();
    let near = begins.or_else(|| nearest(&wanted.name, names.iter().copied()));
    Err(FilterError::new(Problem::UnknownColumn(wanted.name.clone()), wanted.at).suggest_if(near))
}

impl Group {
    /// The name of its column.
    pub fn name(&self) -> &str {
        match self {
            Self::Bucket(_) => "time",
            Self::Field { name, .. } => name,
        }
    }
}

fn having(table: &TableQuery, condition: &RowCondition) -> Result<Having> {
    let at = condition.column.at;
    let Column::Measure(i) = column(table, &condition.column)? else {
        let needs = "a measure; values of fields are chosen by the filter before the first `|`";
        return Err(FilterError::new(Problem::StageNeeds { stage: "where", needs }, at));
    };
    let unit = table.measures.get(i).map_or(Unit::None, |m| m.unit);
    let value = match (number::parse(&condition.value), unit) {
        (Some(Number::Int(n) | Number::Bytes(n)), _) => n as f64,
        (Some(Number::Double(v)), _) => v,
        (Some(Number::Nanos(n)), Unit::Duration { nanos }) => n as f64 / nanos as f64,
        (Some(Number::Nanos(_)), _) => {
            return Err(FilterError::new(Problem::UnknownUnit(condition.column.name.clone()), at));
        }
        (None, _) => return Err(FilterError::new(Problem::Expected("a number"), at)),
    };
    let op = match condition.op {
        Op::Ne => CompareOp::Ne,
        Op::Lt => CompareOp::Lt,
        Op::Le => CompareOp::Le,
        Op::Gt => CompareOp::Gt,
        Op::Ge => CompareOp::Ge,
        _ => CompareOp::Eq,
    };
    Ok(Having { measure: i, op, value })
}
