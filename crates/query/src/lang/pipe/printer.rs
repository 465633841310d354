//! Writes an analysis so that reading it gives the same again. `top` and `timeseries` are written as what they stand for.

use std::fmt::{self, Display, Formatter, Write};

use super::{By, Call, ColumnName, Function, Pipe, Stage, StageKind};
use crate::lang::ast::{Key, KeyScope};
use crate::lang::printer::{bare_or_quoted, quote, word};

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.filter.fmt(f)?;
        for (i, stage) in self.stages.iter().enumerate() {
            f.write_str(if i == 0 && self.filter.expr.is_none() { "| " } else { " | " })?;
            stage.fmt(f)?;
        }
        Ok(())
    }
}

fn list<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    mut one: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    items.iter().enumerate().try_for_each(|(i, item)| {
        f.write_str(if i == 0 { " " } else { ", " })?;
        one(f, item)
    })
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        match &self.kind {
            StageKind::Patterns => Ok(()),
            StageKind::Sample(n) => write!(f, " {n}"),
            StageKind::Limit(n) => write!(f, " {n}"),
            StageKind::Stats { measures, by } => {
                list(f, measures, |f, m| m.fmt(f))?;
                if by.is_empty() {
                    return Ok(());
                }
                f.write_str(" by")?;
                list(f, by, |f, b| b.fmt(f))
            }
            StageKind::Where(conditions) => conditions.iter().enumerate().try_for_each(|(i, c)| {
                f.write_str(if i == 0 { " " } else { " and " })?;
                write!(f, "{}{}{}", c.column, c.op.text(), c.value)
            }),
            StageKind::Sort(columns) => list(f, columns, |f, c| {
                f.write_str(if c.descending { "-" } else { "" })?;
                c.column.fmt(f)
            }),
            StageKind::Fields(keys) => list(f, keys, |f, k| f.write_str(&stage_key(k))),
        }
    }
}

/// A key where commas separate: one in a bare name is escaped.
fn stage_key(key: &Key) -> String {
    let written = key.to_string();
    let quoted = match key.scope {
        KeyScope::Auto => false,
        KeyScope::Attribute => true,
        KeyScope::Resource | KeyScope::Record => bare_or_quoted(&key.name).starts_with('"'),
    };
    if quoted { written } else { written.replace(',', "\\,") }
}

impl Display for By {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(&stage_key(key)),
            Self::Bucket(None) => f.write_str("bucket()"),
            Self::Bucket(Some(nanos)) => write!(f, "bucket({})", duration(*nanos)),
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&call(self.function, self.key.as_ref()))?;
        match &self.name {
            Some(name) => write!(f, " as {}", quote(name)),
            None => Ok(()),
        }
    }
}

impl Display for ColumnName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Calls are names as they are; other names are quoted when they are more than a word.
        if self.name.ends_with(')') || word(&self.name) {
            f.write_str(&self.name)
        } else {
            f.write_str(&quote(&self.name))
        }
    }
}

fn call(function: Function, key: Option<&Key>) -> String {
    let mut out = match function {
        Function::Percentile(p) => format!("p{p}"),
        other => Function::PLAIN.iter().find(|(_, f)| *f == other).map_or("", |(n, _)| n).to_owned(),
    };
    let _ = write!(out, "({})", key.map(stage_key).unwrap_or_default());
    out
}

/// The name of the column that a function makes: `count`, `rate`, `p95(duration)`.
pub(super) fn column_name(function: Function, key: Option<&Key>) -> String {
    let written = call(function, key);
    written.strip_suffix("()").map(str::to_owned).unwrap_or(written)
}

/// A step in the largest unit that it is whole in.
pub(super) fn duration(nanos: i64) -> String {
    const UNITS: [(i64, &str); 7] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let (unit, name) = UNITS.into_iter().find(|(u, _)| nanos % u == 0).unwrap_or((1, "ns"));
    format!("{}{name}", nanos / unit)
}
