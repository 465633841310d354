//! `info`: adds the labels of info metrics such as `target_info` to other series.
//!
//! An info series belongs to a series with the same `instance` and `job`. Of
//! several with these labels the one with the newest sample counts.

use std::sync::Arc;

use crate::ast::{At, Call, DurationExpr, DurationKind, Expr, ExprKind, Number, Span, TimeModifiers, VectorSelector};
use crate::eval::columns::{Column, Columns, Map, Sink, is_present};
use crate::eval::run::Held;
use crate::eval::select::Wanted;
use crate::eval::{Eval, EvalError};
use crate::matcher::{MatchOp, Matcher};
use model::labels::{self, Labels};

/// The labels that say which series belong together.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// The info metric when none is asked for.
const DEFAULT_METRIC: &str = "target_info";

/// One call with everything it needs per step.
struct Join<'a> {
    base: &'a [Column],
    info: &'a [Column],
    /// Conditions on the labels to add; no conditions add them all.
    data: &'a [Matcher],
    /// Per base series the info series that may belong to it, by metric name.
    candidates: Vec<Vec<(&'a str, Vec<usize>)>>,
    /// Base series that are info series themselves pass as they are.
    ignored: Vec<bool>,
}

impl Eval<'_> {
    pub(super) fn info_labels(&self, c: &Call, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let Some(first) = c.args.first() else {
            return Err(EvalError::execution("info needs an argument"));
        };
        let matchers = match c.args.get(1).map(|e| &e.kind) {
            Some(ExprKind::Selector(s)) => s.matchers.clone(),
            _ => vec![Matcher::equal(labels::NAME, DEFAULT_METRIC)],
        };
        let (mut names, data): (Vec<Matcher>, Vec<Matcher>) =
            matchers.into_iter().partition(|m| m.name() == labels::NAME);
        // Conditions that only exclude names choose among all info metrics.
        let excludes = |m: &Matcher| matches!(m.op(), MatchOp::NotEqual | MatchOp::NotRegex);
        if !names.is_empty() && names.iter().all(excludes) {
            let info = Matcher::new(MatchOp::Regex, labels::NAME, ".+_info");
            names.push(info.map_err(|e| EvalError::execution(e.to_string()))?);
        }
        let kept = self.vector(first)?;
        let base: &[Column] = &kept;
        let is_info =
            |column: &Column| !names.is_empty() && names.iter().all(|m| m.matches(column.labels.metric_name()));
        let ignored: Vec<bool> = base.iter().map(is_info).collect();
        if names.is_empty() {
            names.push(Matcher::equal(labels::NAME, DEFAULT_METRIC));
        }
        names.extend(data.iter().cloned());
        let info = self.info_series(base, &ignored, names, self.shift_of(first)?, first.span)?;
        let candidates = candidates(base, &info);
        let join = Join { base, info: &info, data: &data, candidates, ignored };
        let out = join.run(self)?;
        self.collected(&out, sink)
    }

    /// Info series are looked up at the time at which the first selector looks.
    fn shift_of(&self, e: &Expr) -> Result<TimeModifiers, EvalError> {
        let mut path = Vec::new();
        first_selector(e, &mut path);
        let (mut at, mut offset_ms) = (None, 0);
        for modifiers in path {
            if let Some(fixed_ms) = self.fixed_time(modifiers) {
                (at, offset_ms) = (Some(At::UnixMillis(fixed_ms)), 0);
            }
            offset_ms += self.offset_ms(modifiers)?;
        }
        let value = Number { value: offset_ms as f64 / 1000.0, as_duration: true };
        let offset = DurationExpr { span: e.span, kind: DurationKind::Literal(value) };
        Ok(TimeModifiers { offset: Some(offset), at })
    }

    /// The info series of these base series; their values are the times of their samples.
    fn info_series(
        &self,
        base: &[Column],
        ignored: &[bool],
        mut matchers: Vec<Matcher>,
        modifiers: TimeModifiers,
        span: Span,
    ) -> Result<Vec<Column>, EvalError> {
        let mut any = false;
        for name in IDENTIFYING {
            let wanted = base.iter().zip(ignored).filter(|(_, ignored)| !**ignored).map(|(c, _)| c.labels.get(name));
            let mut values: Vec<String> = wanted.filter(|v| !v.is_empty()).map(regex::escape).collect();
            values.sort();
            values.dedup();
            if !values.is_empty() {
                any = true;
                let matcher = Matcher::new(MatchOp::Regex, name, &values.join("|"));
                matchers.push(matcher.map_err(|e| EvalError::execution(e.to_string()))?);
            }
        }
        let mut out = Vec::new();
        if any {
            let selector = VectorSelector { name: None, matchers, modifiers, extended: None };
            // Series of the part of a thread are not those of this selector.
            let eval = Eval { part: None, ..*self };
            eval.selector(&selector, span, Wanted::TimeOfFloat, &mut |row| {
                if !row.histograms.is_empty() {
                    let metric = row.labels.metric_name();
                    return Err(EvalError::execution(format!("info metrics must be floats, {metric} has histograms")));
                }
                out.push(Column { drop_name: false, ..Column::of(row) });
                Ok(())
            })?;
        }
        Ok(out)
    }
}

/// The modifiers on the way to the first selector, outermost first.
fn first_selector<'e>(e: &'e Expr, path: &mut Vec<&'e TimeModifiers>) -> bool {
    match &e.kind {
        ExprKind::Number(_) | ExprKind::String(_) => false,
        ExprKind::Selector(s) => {
            path.push(&s.modifiers);
            true
        }
        ExprKind::Range(r) => {
            path.push(&r.selector.modifiers);
            true
        }
        ExprKind::Subquery(s) => {
            path.push(&s.modifiers);
            let found = first_selector(&s.expr, path);
            if !found {
                path.pop();
            }
            found
        }
        ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) => first_selector(expr, path),
        ExprKind::Binary(b) => first_selector(&b.lhs, path) || first_selector(&b.rhs, path),
        ExprKind::Aggregate(a) => {
            first_selector(&a.expr, path) || a.param.as_ref().is_some_and(|p| first_selector(p, path))
        }
        ExprKind::Call(c) => c.args.iter().any(|arg| first_selector(arg, path)),
    }
}

/// The identifying labels of a series.
fn identity(column: &Column) -> [&str; IDENTIFYING.len()] {
    IDENTIFYING.map(|name| column.labels.get(name))
}

/// For every base series the info series with the same identifying labels, by metric name.
fn candidates<'a>(base: &[Column], info: &'a [Column]) -> Vec<Vec<(&'a str, Vec<usize>)>> {
    let mut by_identity: Map<[&str; IDENTIFYING.len()], Vec<(&str, Vec<usize>)>> = Map::default();
    for (i, column) in info.iter().enumerate() {
        let of_target = by_identity.entry(identity(column)).or_default();
        let metric = column.labels.metric_name();
        match of_target.iter_mut().find(|(name, _)| *name == metric) {
            Some((_, list)) => list.push(i),
            None => of_target.push((metric, vec![i])),
        }
    }
    base.iter().map(|column| by_identity.get(&identity(column)).cloned().unwrap_or_default()).collect()
}

impl<'a> Join<'a> {
    fn run<'e>(&self, eval: &Eval<'e>) -> Result<Columns<'e>, EvalError> {
        let mut out = Columns::new(eval.steps.count, Held::new(eval.run));
        // The output column of a base series together with its info series.
        let mut slots: Map<(usize, Vec<usize>), Option<usize>> = Map::default();
        for (i, column) in self.base.iter().enumerate() {
            for (step, point) in (0..column.values.len()).filter_map(|step| Some((step, column.row().point(step)?))) {
                let chosen = if self.ignored[i] { Vec::new() } else { self.chosen(i, step)? };
                let key = (i, chosen);
                let slot = match slots.get(&key) {
                    Some(slot) => *slot,
                    None => {
                        let labels = self.combined(i, &key.1)?;
                        let slot = labels.map(|labels| out.slot(Arc::new(labels), column.drop_name)).transpose()?;
                        slots.insert(key, slot);
                        slot
                    }
                };
                if let Some(slot) = slot {
                    out.set(slot, step, point)?;
                }
            }
        }
        Ok(out)
    }

    /// The newest info series of each metric at one step.
    fn chosen(&self, base: usize, step: usize) -> Result<Vec<usize>, EvalError> {
        let mut out = Vec::new();
        for (_, list) in &self.candidates[base] {
            let mut newest: Option<(usize, f64)> = None;
            for i in list {
                let time = self.info[*i].values[step];
                if !is_present(time) {
                    continue;
                }
                match newest {
                    Some((_, t)) if t > time => {}
                    Some((other, t)) if t == time => {
                        let (a, b) = (&self.info[other].labels, &self.info[*i].labels);
                        let ms = (t * 1000.0) as i64;
                        return Err(EvalError::execution(format!(
                            "found duplicate series for info metric: existing {a} @ {ms}, new {b} @ {ms}"
                        )));
                    }
                    _ => newest = Some((*i, time)),
                }
            }
            out.extend(newest.map(|(i, _)| i));
        }
        Ok(out)
    }

    /// The labels of a base series with those of its info series; none when
    /// it has no info series but a condition demands one.
    fn combined(&self, base: usize, chosen: &[usize]) -> Result<Option<Labels>, EvalError> {
        let column = &self.base[base];
        if chosen.is_empty() && !self.ignored[base] && self.data.iter().any(|m| !m.matches("")) {
            return Ok(None);
        }
        let mut added = Labels::default();
        for i in chosen {
            for (name, value) in self.info[*i].labels.iter().filter(|(name, _)| *name != labels::NAME) {
                if !self.data.is_empty() && !self.data.iter().any(|m| m.name() == name) {
                    continue;
                }
                let before = added.get(name);
                if !before.is_empty() && before != value {
                    return Err(EvalError::execution(format!("conflicting label: {name}")));
                }
                if column.labels.get(name).is_empty() {
                    added.set(name, value);
                }
            }
        }
        let mut labels = Labels::clone(&column.labels);
        added.iter().for_each(|(name, value)| labels.set(name, value));
        Ok(Some(labels))
    }
}
