//! From rows to the value of a query: names that were to go, go here.

use std::sync::Arc;

use hashbrown::HashSet;
use model::labels::Labels;
use rustc_hash::FxBuildHasher;

use super::columns::{Row, is_present, without_name};
use super::{Eval, EvalError, InstantSample, Sample, Series, Value};
use crate::ast::{Expr, ExprKind, ValueType};

/// The value of an instant query.
pub(crate) fn instant(eval: &Eval<'_>, e: &Expr) -> Result<Value, EvalError> {
    let t_ms = eval.steps.start_ms;
    match e.value_type() {
        ValueType::String => eval.text(e).map(|text| Value::String(text.to_owned())),
        ValueType::Scalar => {
            let value = eval.scalar(e)?.first().copied().unwrap_or(f64::NAN);
            Ok(Value::Scalar(Sample { t_ms, value }))
        }
        ValueType::Vector => {
            let mut out = Vec::new();
            eval.each(e, &mut |row| {
                if let Some(value) = row.values.first().filter(|v| is_present(**v)) {
                    out.push(InstantSample { labels: final_labels(row), t_ms, value: *value });
                }
                Ok(())
            })?;
            check_distinct(out.iter().map(|s| &s.labels))?;
            Ok(Value::Vector(out))
        }
        ValueType::Matrix => raw_ranges(eval, e),
    }
}

/// The value of a range query.
pub(crate) fn range(eval: &Eval<'_>, e: &Expr) -> Result<Value, EvalError> {
    let steps = eval.steps;
    let samples = |values: &[f64]| -> Vec<Sample> {
        let present = values.iter().enumerate().filter(|(_, v)| is_present(**v));
        present.map(|(step, value)| Sample { t_ms: steps.time(step), value: *value }).collect()
    };
    if e.value_type() == ValueType::Scalar {
        let samples = samples(&eval.scalar(e)?);
        return Ok(Value::Matrix(vec![Series { labels: Labels::default(), samples }]));
    }
    let mut out = Vec::new();
    eval.each(e, &mut |row| {
        let samples = samples(row.values);
        if !samples.is_empty() {
            eval.run.charge(samples.len())?;
            out.push(Series { labels: final_labels(row), samples });
        }
        Ok(())
    })?;
    out.sort_by(|a, b| a.labels.cmp(&b.labels));
    merge(out).map(Value::Matrix)
}

/// A range selector or subquery at one instant: its samples as they are.
fn raw_ranges(eval: &Eval<'_>, e: &Expr) -> Result<Value, EvalError> {
    if let ExprKind::Paren(inner) = &e.kind {
        return raw_ranges(eval, inner);
    }
    let windows = eval.windows_of(e)?;
    let mut out = Vec::new();
    eval.each_range(e, &windows, None, &mut |series| {
        let mut samples = Vec::new();
        windows.each(&series.samples, |_, window| samples.extend_from_slice(window.samples));
        if !samples.is_empty() {
            let row = Row { labels: &series.labels, drop_name: series.drop_name, values: &[] };
            out.push(Series { labels: final_labels(row), samples });
        }
        Ok(())
    })?;
    out.sort_by(|a, b| a.labels.cmp(&b.labels));
    check_distinct(out.iter().map(|s| &s.labels))?;
    Ok(Value::Matrix(out))
}

fn final_labels(row: Row<'_>) -> Labels {
    if row.drop_name { Arc::unwrap_or_clone(without_name(row.labels)) } else { Labels::clone(row.labels) }
}

fn check_distinct<'a>(labels: impl Iterator<Item = &'a Labels>) -> Result<(), EvalError> {
    let mut seen: HashSet<&Labels, FxBuildHasher> = HashSet::default();
    for labels in labels {
        if !seen.insert(labels) {
            return Err(EvalError::same_labelset());
        }
    }
    Ok(())
}

/// Joins sorted neighbours with the same labels when they have no step in common.
fn merge(series: Vec<Series>) -> Result<Vec<Series>, EvalError> {
    let mut out: Vec<Series> = Vec::with_capacity(series.len());
    for s in series {
        match out.last_mut() {
            Some(last) if last.labels == s.labels => {
                last.samples.extend(s.samples);
                last.samples.sort_by_key(|s| s.t_ms);
                if last.samples.windows(2).any(|w| w[0].t_ms == w[1].t_ms) {
                    return Err(EvalError::same_labelset());
                }
            }
            _ => out.push(s),
        }
    }
    Ok(out)
}
