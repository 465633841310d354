//! The analysis form: a filter and, behind `|`, stages that say what to make of the records.
//!
//! `service:api | stats count(), p95(duration) by http.route | sort -count | limit 20`
//!
//! As with filters, the tree keeps the user's words and their places;
//! [`lower_pipe`] gives them their meaning for a signal. Specified in
//! `docs/query-language.md`, "Analysis".

mod lower;
mod parser;
mod printer;
#[cfg(test)]
mod tests;

pub use lower::{Analysis, Group, NamedMeasure, Output, TableQuery, Unit, lower_pipe};
pub use parser::parse_pipe;

use super::ast::{Key, Op, Position, Query};

/// Most fields to group by, and most measures.
pub const COLUMNS_MAX: usize = 16;
/// Most rows that `limit` may ask for.
pub const LIMIT_MAX: usize = 10_000;

/// Every stage as it is written.
pub const STAGES: [&str; 9] = ["stats", "timeseries", "top", "where", "sort", "limit", "fields", "patterns", "sample"];
/// Calls of functions as they begin, for completion.
pub const FUNCTIONS: [&str; 15] = [
    "count()",
    "p95(",
    "avg(",
    "sum(",
    "rate()",
    "count_distinct(",
    "max(",
    "min(",
    "p50(",
    "p99(",
    "quantile(",
    "histogram(",
    "count_adjusted()",
    "rate_adjusted()",
    "sum_adjusted(",
];

/// A filter and its stages.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pipe {
    /// Which records.
    pub filter: Query,
    /// What to make of them, in the order in which they stand.
    pub stages: Vec<Stage>,
}

/// One stage. Equality ignores the position.
#[derive(Debug, Clone)]
pub struct Stage {
    /// What it does.
    pub kind: StageKind,
    /// Where it stands, without the `|`.
    pub at: Position,
}

impl PartialEq for Stage {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// What a stage does.
#[derive(Debug, Clone, PartialEq)]
pub enum StageKind {
    /// `sample n`: looks into one block in so many.
    Sample(u32),
    /// `stats measures by groups`.
    Stats {
        /// What to know of each group; at least one.
        measures: Vec<Call>,
        /// What its records have in common.
        by: Vec<By>,
    },
    /// `patterns`: the templates of the texts.
    Patterns,
    /// `where column op number and ..`: conditions on rows.
    Where(Vec<RowCondition>),
    /// `sort -column, ..`
    Sort(Vec<SortColumn>),
    /// `limit n`
    Limit(usize),
    /// `fields key, ..`: which fields of the records are listed.
    Fields(Vec<Key>),
}

impl StageKind {
    /// As it is written.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sample(_) => "sample",
            Self::Stats { .. } => "stats",
            Self::Patterns => "patterns",
            Self::Where(_) => "where",
            Self::Sort(_) => "sort",
            Self::Limit(_) => "limit",
            Self::Fields(_) => "fields",
        }
    }

    /// Stages stand in rising order.
    const fn rank(&self) -> u8 {
        match self {
            Self::Sample(_) => 0,
            Self::Stats { .. } | Self::Patterns | Self::Fields(_) => 1,
            Self::Where(_) => 2,
            Self::Sort(_) => 3,
            Self::Limit(_) => 4,
        }
    }
}

impl Stage {
    /// The fields that it names.
    pub(super) fn keys(&self) -> Vec<&Key> {
        match &self.kind {
            StageKind::Stats { measures, by } => {
                let groups = by.iter().filter_map(|b| match b {
                    By::Key(key) => Some(key),
                    By::Bucket(_) => None,
                });
                measures.iter().filter_map(|m| m.key.as_ref()).chain(groups).collect()
            }
            StageKind::Fields(keys) => keys.iter().collect(),
            _ => Vec::new(),
        }
    }
}

/// A function of `stats`, applied. Equality ignores the position.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which.
    pub function: Function,
    /// Of what.
    pub key: Option<Key>,
    /// The name of its column, when it was given one.
    pub name: Option<String>,
    /// Where it stands.
    pub at: Position,
}

impl PartialEq for Call {
    fn eq(&self, other: &Self) -> bool {
        (self.function, &self.key, &self.name) == (other.function, &other.key, &other.name)
    }
}

/// The functions of `stats`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// Records; with a field, those that have it.
    Count,
    /// Distinct values.
    CountDistinct,
    /// Spans that the stored ones stand for.
    CountAdjusted,
    /// Records per second.
    Rate,
    /// Spans that the stored ones stand for, per second.
    RateAdjusted,
    /// The smallest number.
    Min,
    /// The largest.
    Max,
    /// All together.
    Sum,
    /// All together, each as often as its span stands for others.
    SumAdjusted,
    /// The average.
    Avg,
    /// What so many percent do not exceed.
    Percentile(f64),
    /// Counts by magnitude.
    Histogram,
}

impl Function {
    const PLAIN: [(&'static str, Self); 12] = [
        ("count", Self::Count),
        ("count_distinct", Self::CountDistinct),
        ("rate", Self::Rate),
        ("min", Self::Min),
        ("max", Self::Max),
        ("sum", Self::Sum),
        ("avg", Self::Avg),
        ("median", Self::Percentile(50.0)),
        ("histogram", Self::Histogram),
        ("count_adjusted", Self::CountAdjusted),
        ("rate_adjusted", Self::RateAdjusted),
        ("sum_adjusted", Self::SumAdjusted),
    ];

    /// Whether it weighs spans by what they stand for.
    pub(super) const fn is_adjusted(self) -> bool {
        matches!(self, Self::CountAdjusted | Self::RateAdjusted | Self::SumAdjusted)
    }

    /// The function with a name; `quantile` is none, because it takes a number.
    pub(super) fn named(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        if let Some((_, function)) = Self::PLAIN.iter().find(|(n, _)| *n == lower) {
            return Some(*function);
        }
        let percent: f64 =
            lower.strip_prefix('p').filter(|p| p.starts_with(|c: char| c.is_ascii_digit()))?.parse().ok()?;
        (0.0..=100.0).contains(&percent).then_some(Self::Percentile(percent))
    }
}

/// What `stats` groups by.
#[derive(Debug, Clone, PartialEq)]
pub enum By {
    /// The value of a field.
    Key(Key),
    /// Time, in steps of so many nanoseconds; `None` for a step that fits the range.
    Bucket(Option<i64>),
}

/// A column of the result, as `where` and `sort` name it. Equality ignores the position.
#[derive(Debug, Clone)]
pub struct ColumnName {
    /// `count`, `p95(duration)`, `service`, or what `as` said.
    pub name: String,
    /// Where it stands.
    pub at: Position,
}

impl PartialEq for ColumnName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// A condition of `where`.
#[derive(Debug, Clone, PartialEq)]
pub struct RowCondition {
    /// What is compared.
    pub column: ColumnName,
    /// How: `=`, `!=`, `<`, `<=`, `>` or `>=`.
    pub op: Op,
    /// With what, as written.
    pub value: String,
}

/// A part of `sort`.
#[derive(Debug, Clone, PartialEq)]
pub struct SortColumn {
    /// By what.
    pub column: ColumnName,
    /// Large ones first.
    pub descending: bool,
}
