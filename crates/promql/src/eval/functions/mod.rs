//! Function calls: which file evaluates which function.

mod absent;
mod calendar;
mod classic;
pub(crate) mod extended;
mod histogram;
mod histogram_rate;
mod info;
pub(crate) mod label;
mod math;
mod mixed;
mod over_time;
mod rate;
mod regression;
pub(crate) mod smoothed;
mod sort;

use super::columns::{ABSENT, Columns, Histograms, Row, Sink, is_present, put_histogram};
use super::select::Wanted;
use super::windows::{Window, Windows};
use super::{Eval, EvalError, Point, Reduce, StartTimes};
use crate::ast::{Call, Expr, ExprKind, ValueType};
use mixed::Mixed;
use std::sync::Arc;

/// A function of the floats in a window and of scalar arguments.
pub(crate) type RangeFunction = fn(&Window<'_>, &[f64]) -> Option<f64>;

fn range_function(name: &str) -> Option<RangeFunction> {
    rate::function(name).or_else(|| over_time::function(name)).or_else(|| regression::function(name))
}

/// Steps between two looks at the clock.
const STEPS_PER_CHECK: usize = 1024;

/// What a function of range vectors needs of a window, when that is less than all of it.
pub(crate) fn reduce(name: &str) -> Option<Reduce> {
    Some(match name {
        "rate" | "increase" => Reduce::Rises,
        "max_over_time" => Reduce::Largest,
        "min_over_time" => Reduce::Smallest,
        "last_over_time" => Reduce::Newest,
        "count_over_time" | "present_over_time" => Reduce::Number,
        _ => return None,
    })
}

/// Whether a function has its answers from a sweep over columns when windows lie so.
pub(crate) fn sweeps(name: &str, windows: &Windows) -> bool {
    matches!(name, "rate" | "increase") && windows.is_plain() && !windows.is_fixed()
}

/// Which start times a function of range vectors looks at.
pub(crate) fn start_times(name: &str) -> StartTimes {
    match name {
        "rate" | "increase" | "irate" | "resets" => StartTimes::Recent,
        _ => StartTimes::None,
    }
}

impl Eval<'_> {
    /// A call that returns an instant vector.
    pub(crate) fn call(&self, e: &Expr, c: &Call, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let name = c.function.name;
        let arg = |i: usize| c.args.get(i).ok_or_else(|| EvalError::execution(format!("{name} needs more arguments")));
        match name {
            "absent" => self.absent(arg(0)?, sink),
            "absent_over_time" => self.absent_over_time(arg(0)?, sink),
            "clamp" => self.clamp(arg(0)?, Some(arg(1)?), Some(arg(2)?), sink),
            "clamp_min" => self.clamp(arg(0)?, Some(arg(1)?), None, sink),
            "clamp_max" => self.clamp(arg(0)?, None, Some(arg(1)?), sink),
            "round" => self.round(arg(0)?, c.args.get(1), sink),
            "timestamp" => self.timestamp(arg(0)?, sink),
            "start_timestamp" => match &arg(0)?.unwrap_parens().kind {
                ExprKind::Selector(s) => self.selector(s, e.span, Wanted::StartTime, sink),
                // What is computed has no start.
                _ => Ok(()),
            },
            "vector" => {
                let values = self.scalar(arg(0)?)?;
                sink(Row::floats(&Arc::default(), false, &values))
            }
            "info" => self.info_labels(c, sink),
            "label_replace" => self.label_replace(c, sink),
            "label_join" => self.label_join(c, sink),
            "sort" | "sort_desc" => self.sort_by_value(arg(0)?, name == "sort_desc", sink),
            "sort_by_label" | "sort_by_label_desc" => self.sort_by_label(c, name == "sort_by_label_desc", sink),
            "histogram_quantile" => self.histogram_quantile(arg(0)?, arg(1)?, sink),
            "histogram_quantiles" => self.histogram_quantiles(c, sink),
            "histogram_fraction" => self.histogram_fraction(arg(0)?, arg(1)?, arg(2)?, sink),
            _ => {
                if let Some(f) = math::function(name) {
                    return self.map(arg(0)?, sink, f);
                }
                if let Some(f) = histogram::function(name) {
                    return self.of_histograms(name, arg(0)?, f, sink);
                }
                if let Some(f) = calendar::function(name) {
                    return self.calendar(c.args.first(), f, sink);
                }
                match range_function(name) {
                    Some(f) => self.range_call(c, f, sink),
                    None => Err(EvalError::Unsupported { what: format!("function `{name}`"), span: e.span }),
                }
            }
        }
    }

    /// A call that returns a scalar.
    pub(crate) fn scalar_call(&self, c: &Call) -> Result<Vec<f64>, EvalError> {
        let constant = |v: f64| Ok(vec![v; self.steps.count]);
        let run = self.run;
        let args = |i: usize| c.args.get(i).ok_or_else(|| EvalError::execution("missing argument"));
        match c.function.name {
            "time" => Ok((0..self.steps.count).map(|s| self.steps.time(s) as f64 / 1000.0).collect()),
            "pi" => constant(std::f64::consts::PI),
            "start" => constant(run.start_ms as f64 / 1000.0),
            "end" => constant(run.end_ms as f64 / 1000.0),
            "step" => constant(run.context.step_ms as f64 / 1000.0),
            "range" => constant(run.context.range_ms as f64 / 1000.0),
            "min_of" | "max_of" => {
                let pick = if c.function.name == "min_of" { math::min } else { math::max };
                let (a, b) = (self.scalar(args(0)?)?, self.scalar(args(1)?)?);
                Ok(a.iter().zip(&b).map(|(a, b)| pick(*a, *b)).collect())
            }
            "scalar" => self.scalar_of_vector(args(0)?),
            name => Err(EvalError::execution(format!("function {name} does not return a scalar"))),
        }
    }

    /// The value of the only series, NaN at steps with none or several.
    fn scalar_of_vector(&self, e: &Expr) -> Result<Vec<f64>, EvalError> {
        let mut out = vec![f64::NAN; self.steps.count];
        let mut counts = vec![0u32; self.steps.count];
        self.each(e, &mut |row| {
            for ((out, count), value) in out.iter_mut().zip(&mut counts).zip(row.values) {
                if is_present(*value) {
                    *count = count.saturating_add(1);
                    *out = if *count == 1 { *value } else { f64::NAN };
                }
            }
            Ok(())
        })?;
        Ok(out)
    }

    /// A function over windows: one row per series.
    fn range_call(&self, c: &Call, mut f: RangeFunction, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let name = c.function.name;
        let at = c.function.args.iter().position(|t| *t == ValueType::Matrix).unwrap_or(0);
        let range = c.args.get(at).ok_or_else(|| EvalError::execution("missing range vector"))?;
        let mut params = Vec::new();
        for (i, arg) in c.args.iter().enumerate().filter(|(i, _)| *i != at) {
            let values = self.scalar(arg)?;
            params.push((i, values));
        }
        let modifier = match &range.unwrap_parens().kind {
            ExprKind::Range(r) => r.selector.extended,
            _ => None,
        };
        if let Some(modifier) = modifier {
            f = extended::function(name, modifier).ok_or_else(|| EvalError::execution("unknown modifier"))?;
        }
        let windows = self.windows_of(range)?;
        let keeps_name = matches!(name, "last_over_time" | "first_over_time");
        let mut values = vec![ABSENT; self.steps.count];
        let mut histograms = Histograms::new();
        let mut step_params = vec![0.0; params.len()];
        // A fixed window has one answer, unless the answer depends on the step too.
        let once = windows.is_fixed() && params.is_empty();
        let sweeps = sweeps(name, &windows);
        let mut sweep = rate::Sweep::new(&windows, name == "rate");
        let mut checked = false;
        let mut noted = String::new();
        // Windows of many steps take their time without reading anything.
        let mut unchecked = 0;
        self.each_range(range, &windows, Some(name), &mut |series| {
            unchecked += self.steps.count;
            if unchecked >= STEPS_PER_CHECK {
                unchecked = 0;
                self.run.check_deadline()?;
            }
            if !std::mem::replace(&mut checked, true) {
                self.check_params(c, &params)?;
            }
            histograms.clear();
            if let Some(columns) = series.columns {
                sweep.run(columns, &mut values);
            } else if sweeps && series.samples.is_plain() {
                sweep.run_samples(series.samples, &mut values);
            } else {
                let plain = series.samples.is_plain();
                let mixed = Mixed { eval: self, labels: series.labels, span: range.span };
                let mut fixed: Option<Option<Point>> = None;
                windows.each(series.samples, |step, window| {
                    let Some(out) = values.get_mut(step) else { return };
                    for (p, (_, column)) in step_params.iter_mut().zip(&params) {
                        *p = column.get(step).copied().unwrap_or(f64::NAN);
                    }
                    if plain && !once {
                        let value = if window.is_empty() { None } else { f(&window, &step_params) };
                        *out = value.unwrap_or(ABSENT);
                        return;
                    }
                    let compute = || match plain {
                        true if window.is_empty() => None,
                        true => f(&window, &step_params).map(Point::Float),
                        false => mixed.value(name, modifier, f, &window, &step_params),
                    };
                    let point = if once { fixed.get_or_insert_with(compute).clone() } else { compute() };
                    *out = ABSENT;
                    match point {
                        Some(Point::Float(v)) => *out = v,
                        Some(Point::Histogram(h)) => put_histogram(&mut histograms, windows.steps(), step, h),
                        None => {}
                    }
                });
            }
            let drop_name = series.drop_name || !keeps_name;
            let row = Row { labels: series.labels, drop_name, values: &values, histograms: &histograms };
            if row.is_empty() {
                return Ok(());
            }
            let metric = series.labels.metric_name();
            if metric != noted && values.iter().any(|v| is_present(*v)) {
                metric.clone_into(&mut noted);
                self.note_non_counter(name, metric, range.span);
            }
            sink(row)
        })
    }

    /// Arguments that make no sense.
    fn check_params(&self, c: &Call, params: &[(usize, Vec<f64>)]) -> Result<(), EvalError> {
        match c.function.name {
            "quantile_over_time" => {
                for (i, values) in params {
                    if let Some(arg) = c.args.get(*i) {
                        self.check_quantiles(values, arg.span);
                    }
                }
            }
            "double_exponential_smoothing" => {
                for ((_, values), what) in params.iter().zip(["smoothing", "trend"]) {
                    if let Some(bad) = values.iter().find(|v| !(**v > 0.0 && **v < 1.0)) {
                        let short = if what == "smoothing" { "sf" } else { "tf" };
                        let message = format!("invalid {what} factor. Expected: 0 < {short} < 1, got: {bad:.6}");
                        return Err(EvalError::execution(message));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn note_non_counter(&self, function: &str, metric: &str, span: crate::ast::Span) {
        let counter = ["_total", "_sum", "_count", "_bucket"].iter().any(|s| metric.ends_with(s));
        if matches!(function, "rate" | "increase") && !metric.is_empty() && !counter {
            let message = format!(
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}",
                crate::text::quote(metric)
            );
            self.info(&message, span);
        }
    }

    fn timestamp(&self, e: &Expr, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        if let ExprKind::Selector(s) = &e.unwrap_parens().kind {
            return self.selector(s, e.span, Wanted::Time, sink);
        }
        let steps = self.steps;
        let mut values = vec![ABSENT; steps.count];
        self.each(e, &mut |row| {
            values.fill(ABSENT);
            row.each_step(|step| values[step] = steps.time(step) as f64 / 1000.0);
            sink(Row::floats(row.labels, true, &values))
        })
    }

    /// Rows collected by label set; two values at one step are an error.
    fn collected(&self, out: &Columns<'_>, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        out.columns.iter().try_for_each(|c| sink(c.row()))
    }
}
