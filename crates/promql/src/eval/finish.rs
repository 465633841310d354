//! From rows to the value of a query: names that were to go, go here.

use std::sync::Arc;

use hashbrown::HashSet;
use model::labels::Labels;
use rustc_hash::FxBuildHasher;

use super::columns::{Row, is_present, without_name};
use super::functions::extended;
use super::run::Held;
use super::{Eval, EvalError, HistogramSample, InstantSample, Sample, Series, Steps, Value};
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
            let new = || (Vec::new(), Held::new(eval.run));
            let parts = eval.in_parts(e, new, |(out, held), row| {
                if let Some(value) = row.point(0) {
                    held.add(size_of::<InstantSample>() + label_bytes(row.labels))?;
                    out.push(InstantSample { labels: final_labels(row), t_ms, value });
                }
                Ok(())
            })?;
            let out: Vec<InstantSample> = parts.into_iter().flat_map(|(out, _)| out).collect();
            check_distinct(out.iter().map(|s| &s.labels))?;
            Ok(Value::Vector(out))
        }
        ValueType::Matrix => raw_ranges(eval, e),
    }
}

/// The value of a range query.
pub(crate) fn range(eval: &Eval<'_>, e: &Expr) -> Result<Value, EvalError> {
    let steps = eval.steps;
    if e.value_type() == ValueType::Scalar {
        let samples = floats(steps, &eval.scalar(e)?);
        return Ok(Value::Matrix(vec![Series { labels: Labels::default(), samples, histograms: Vec::new() }]));
    }
    let new = || (Vec::new(), Held::new(eval.run));
    let parts = eval.in_parts(e, new, |(out, held), row| {
        let samples = floats(steps, row.values);
        let present = row.histograms.iter().enumerate().filter_map(|(step, h)| Some((step, h.as_ref()?)));
        let histograms: Vec<HistogramSample> = present
            .map(|(step, h)| HistogramSample { t_ms: steps.time(step), start_ms: 0, histogram: h.clone() })
            .collect();
        if samples.is_empty() && histograms.is_empty() {
            return Ok(());
        }
        let weight = samples.len() + histograms.iter().map(|h| crate::histogram::weight(&h.histogram)).sum::<usize>();
        eval.run.charge(weight)?;
        held.add(size_of::<Series>() + label_bytes(row.labels) + weight * size_of::<Sample>())?;
        out.push(Series { labels: final_labels(row), samples, histograms });
        Ok(())
    })?;
    let mut out: Vec<Series> = parts.into_iter().flat_map(|(out, _)| out).collect();
    out.sort_by(|a, b| a.labels.cmp(&b.labels));
    merge(out).map(Value::Matrix)
}

fn floats(steps: Steps, values: &[f64]) -> Vec<Sample> {
    let present = values.iter().enumerate().filter(|(_, v)| is_present(**v));
    present.map(|(step, value)| Sample { t_ms: steps.time(step), value: *value }).collect()
}

/// A range selector or subquery at one instant: its samples as they are.
fn raw_ranges(eval: &Eval<'_>, e: &Expr) -> Result<Value, EvalError> {
    if let ExprKind::Paren(inner) = &e.kind {
        return raw_ranges(eval, inner);
    }
    let windows = eval.windows_of(e)?;
    let extension = match &e.kind {
        ExprKind::Range(r) => r.selector.extended,
        _ => None,
    };
    let mut out = Vec::new();
    let mut held = Held::new(eval.run);
    eval.each_range(e, &windows, None, &mut |series| {
        let (mut samples, mut histograms) = (Vec::new(), Vec::new());
        windows.each(series.samples, |_, window| {
            match extension {
                Some(extension) => samples.extend(extended::samples(&window, extension)),
                None => samples.extend_from_slice(window.samples),
            }
            let inside = |h: &&HistogramSample| (window.start_ms + 1..=window.end_ms).contains(&h.t_ms);
            histograms.extend(window.histograms.iter().filter(inside).cloned());
        });
        if !samples.is_empty() || !histograms.is_empty() {
            let row = Row::floats(series.labels, series.drop_name, &[]);
            held.add(size_of::<Series>() + label_bytes(series.labels) + series.samples.weight() * size_of::<Sample>())?;
            out.push(Series { labels: final_labels(row), samples, histograms });
        }
        Ok(())
    })?;
    out.sort_by(|a, b| a.labels.cmp(&b.labels));
    check_distinct(out.iter().map(|s| &s.labels))?;
    Ok(Value::Matrix(out))
}

/// What a copy of labels takes.
fn label_bytes(labels: &Labels) -> usize {
    labels.iter().map(|(name, value)| 2 * size_of::<String>() + name.len() + value.len()).sum()
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
                last.histograms.extend(s.histograms);
                last.histograms.sort_by_key(|s| s.t_ms);
                let floats = last.samples.iter().map(|s| s.t_ms);
                let mut times: Vec<i64> = floats.chain(last.histograms.iter().map(|s| s.t_ms)).collect();
                times.sort_unstable();
                if times.windows(2).any(|w| w[0] == w[1]) {
                    return Err(EvalError::same_labelset());
                }
            }
            _ => out.push(s),
        }
    }
    Ok(out)
}
