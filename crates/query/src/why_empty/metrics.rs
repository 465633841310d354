//! Why a PromQL query is empty: names that do not exist, windows with too few samples, series that ended.

use foundation::UnixNanos;
use model::labels::NAME;
use promql::ast::{DurationKind, Expr, ExprKind, RangeSelector, VectorSelector};
use promql::matcher::{MatchOp, Matcher};
use tsdb::Tsdb;

use super::repair::{change_value, rename_label, rename_metric, similar};
use super::{Mismatch, Reason, TERMS_MAX, Term, Waiting, WhyEmpty, sentence};
use crate::metrics::{Ask, MetricsError, extent, intervals, label_names, label_values, newest, sample_counts, series};

/// How far back an instant selector looks.
const LOOKBACK_MS: i64 = 300_000;
/// Where series that ended, or lie ahead, are looked for: so far before and after the range.
const SEARCHED_MS: [i64; 5] = [3_600_000, 6 * 3_600_000, 86_400_000, 7 * 86_400_000, 90 * 86_400_000];
/// How far back samples of the same service tell the pace, and of how many series.
const PACE_MS: i64 = 600_000;
const PACE_SERIES_MAX: usize = 50;
const ALWAYS: (i64, i64) = (i64::MIN / 2, i64::MAX / 2);

/// Why `query` has no result in `range_ms` (both ends inclusive).
///
/// # Errors
/// A query that does not parse, a limit, the deadline.
pub fn metrics(db: &Tsdb, ask: &Ask, query: &str, range_ms: (i64, i64)) -> Result<WhyEmpty, MetricsError> {
    let expr = promql::parse(query)?;
    let mut selectors = Vec::new();
    expr.for_each_selector(&mut |s| selectors.push(s));
    selectors.truncate(TERMS_MAX);
    let look = Look { db, ask, query, range_ms };
    let mut why = WhyEmpty::new(Reason::Present);
    let mut missing = Vec::new();
    for selector in selectors {
        if !look.has_series(&selector.all_matchers(), look.window())? {
            missing.push(selector);
        }
    }
    if missing.is_empty() {
        if let Some(waiting) = look.waiting(&expr)? {
            why.reason = Reason::Waiting;
            why.waiting = Some(waiting);
        }
    } else if label_names(db, ask, &[], ALWAYS)?.is_empty() {
        why.reason = Reason::NeverReceived;
    } else {
        for selector in &missing {
            why.mismatches.extend(look.mismatches(selector)?);
        }
        if why.mismatches.is_empty() {
            look.ended_or_filtered(&missing, &mut why)?;
        } else {
            why.reason = Reason::LabelMismatch;
        }
    }
    why.sentence = sentence::metrics(&why);
    Ok(why)
}

struct Look<'a> {
    db: &'a Tsdb,
    ask: &'a Ask,
    query: &'a str,
    range_ms: (i64, i64),
}

impl Look<'_> {
    /// The range with what an instant selector sees at its beginning.
    fn window(&self) -> (i64, i64) {
        (self.range_ms.0.saturating_sub(LOOKBACK_MS), self.range_ms.1)
    }

    fn series(&self, matchers: &[Matcher], range_ms: (i64, i64)) -> Result<u64, MetricsError> {
        if matchers.is_empty() {
            return Ok(0);
        }
        Ok(series(self.db, self.ask, &[&selector_text(matchers)], range_ms)?.len() as u64)
    }

    fn has_series(&self, matchers: &[Matcher], range_ms: (i64, i64)) -> Result<bool, MetricsError> {
        Ok(self.series(matchers, range_ms)? > 0)
    }

    /// What of a selector no series has.
    fn mismatches(&self, selector: &VectorSelector) -> Result<Vec<Mismatch>, MetricsError> {
        let all = selector.all_matchers();
        let named = all.iter().find(|m| m.name() == NAME && m.op() == MatchOp::Equal);
        let metric = named.map(|m| m.value().to_owned()).unwrap_or_default();
        let of_metric: Vec<String> = named.map(|m| selector_text(std::slice::from_ref(m))).into_iter().collect();
        let of_metric: Vec<&str> = of_metric.iter().map(String::as_str).collect();
        let labels = label_names(self.db, self.ask, &of_metric, ALWAYS)?;
        if labels.is_empty() && named.is_some() {
            let known = label_values(self.db, self.ask, NAME, &[], ALWAYS)?;
            let similar = similar(&metric, known.iter().map(String::as_str));
            let fixed_query = similar.first().and_then(|name| rename_metric(self.query, &metric, name));
            let message = format!("no metric is called `{metric}`");
            return Ok(vec![Mismatch { metric, label: None, value: None, message, similar, fixed_query }]);
        }
        let mut out = Vec::new();
        for matcher in all.iter().filter(|m| m.name() != NAME && !m.matches("")) {
            out.extend(self.mismatch(&metric, matcher, &labels, &of_metric)?);
        }
        Ok(out)
    }

    fn mismatch(
        &self,
        metric: &str,
        matcher: &Matcher,
        labels: &[String],
        of_metric: &[&str],
    ) -> Result<Option<Mismatch>, MetricsError> {
        let label = matcher.name();
        let of = if metric.is_empty() { String::new() } else { format!(" of `{metric}`") };
        if !labels.iter().any(|known| known == label) {
            let similar = similar(label, labels.iter().map(String::as_str).filter(|l| *l != NAME));
            let fixed_query = similar.first().and_then(|name| rename_label(self.query, label, name));
            let message = format!("no series{of} has a label `{label}`");
            let label = Some(label.to_owned());
            return Ok(Some(Mismatch { metric: metric.to_owned(), label, value: None, message, similar, fixed_query }));
        }
        let values = label_values(self.db, self.ask, label, of_metric, ALWAYS)?;
        if values.iter().any(|v| matcher.matches(v)) {
            return Ok(None);
        }
        let mut near = similar(matcher.value(), values.iter().map(String::as_str));
        if near.is_empty() {
            near = values.into_iter().take(5).collect();
        }
        let exact = matcher.op() == MatchOp::Equal;
        let first = near.first().filter(|_| exact);
        let fixed_query = first.and_then(|v| change_value(self.query, label, matcher.value(), v));
        Ok(Some(Mismatch {
            metric: metric.to_owned(),
            label: Some(label.to_owned()),
            value: Some(matcher.value().to_owned()),
            message: format!("no series{of} has `{matcher}`"),
            similar: near,
            fixed_query,
        }))
    }

    /// Every name exists: the series ended or begin later, or no series has all of the labels.
    fn ended_or_filtered(&self, missing: &[&VectorSelector], why: &mut WhyEmpty) -> Result<(), MetricsError> {
        why.reason = Reason::OutOfRange;
        let (from, to) = self.window();
        for selector in missing {
            let all = selector.all_matchers();
            for reach in SEARCHED_MS {
                let ranges = [(from.saturating_sub(reach), from - 1), (to.saturating_add(1), to.saturating_add(reach))];
                let mut times = Vec::new();
                for range in ranges {
                    times.extend(newest(self.db, self.ask, &all, range)?.into_iter().map(|(_, sample)| sample.t));
                }
                if let Some(last) = times.iter().max() {
                    why.newest = Some(UnixNanos::from_millis(*last));
                    why.oldest = extent(self.db, self.ask, &all)?.map(|(first, _)| UnixNanos::from_millis(first));
                    return Ok(());
                }
            }
        }
        for selector in missing {
            let all = selector.all_matchers();
            for at in (0..all.len()).filter(|_| all.len() > 1) {
                let others: Vec<Matcher> =
                    all.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, m)| m.clone()).collect();
                let without = self.series(&others, self.window())?;
                if let Some(matcher) = all.get(at).filter(|m| without > 0 && m.name() != NAME) {
                    why.terms.push(Term { text: matcher.to_string(), at: None, without });
                }
            }
        }
        why.terms.sort_by_key(|t| std::cmp::Reverse(t.without));
        why.terms.truncate(TERMS_MAX);
        if !why.terms.is_empty() {
            why.reason = Reason::Filtered;
        }
        Ok(())
    }

    /// A window in which every series has a single sample.
    fn waiting(&self, expr: &Expr) -> Result<Option<Waiting>, MetricsError> {
        let mut ranges = Vec::new();
        range_selectors(expr, &mut ranges);
        for selector in ranges.into_iter().take(TERMS_MAX) {
            let DurationKind::Literal(length) = &selector.range.kind else { continue };
            let from = self.range_ms.1.saturating_sub((length.value * 1e3) as i64);
            let matchers = selector.selector.all_matchers();
            let counts = sample_counts(self.db, self.ask, &matchers, (from + 1, self.range_ms.1))?;
            if let Some(samples @ 1) = counts.into_iter().max() {
                let next = self.next(&matchers, (from + 1, self.range_ms.1))?;
                return Ok(Some(Waiting { samples_needed: 2, samples, next }));
            }
        }
        Ok(None)
    }

    /// When the next sample of the selector is due: its newest one, and the shortest time between samples of the same service.
    fn next(&self, matchers: &[Matcher], window: (i64, i64)) -> Result<Option<UnixNanos>, MetricsError> {
        let found = newest(self.db, self.ask, matchers, window)?;
        let Some((labels, last)) = found.iter().max_by_key(|(_, sample)| sample.t) else { return Ok(None) };
        let same = ["service", "job"].into_iter().find(|name| !labels.get(name).is_empty());
        let Some(same) = same.map(|name| Matcher::equal(name, labels.get(name))) else { return Ok(None) };
        let lately = (last.t.saturating_sub(PACE_MS), last.t);
        let paces = intervals(self.db, self.ask, &[same], lately, PACE_SERIES_MAX)?;
        Ok(paces.into_iter().min().map(|pace| UnixNanos::from_millis(last.t.saturating_add(pace))))
    }
}

fn range_selectors<'a>(expr: &'a Expr, out: &mut Vec<&'a RangeSelector>) {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) => {}
        ExprKind::Range(range) => out.push(range),
        ExprKind::Subquery(s) => range_selectors(&s.expr, out),
        ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) => range_selectors(expr, out),
        ExprKind::Call(call) => call.args.iter().for_each(|a| range_selectors(a, out)),
        ExprKind::Binary(b) => {
            range_selectors(&b.lhs, out);
            range_selectors(&b.rhs, out);
        }
        ExprKind::Aggregate(a) => {
            a.param.iter().for_each(|p| range_selectors(p, out));
            range_selectors(&a.expr, out);
        }
    }
}

fn selector_text(matchers: &[Matcher]) -> String {
    let list: Vec<String> = matchers.iter().map(Matcher::to_string).collect();
    format!("{{{}}}", list.join(","))
}
