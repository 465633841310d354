//! Prints a tree so that it reads back as the same tree.

use std::fmt::{self, Display, Formatter, Write as _};

use crate::ast::{
    Aggregate, At, Binary, Cardinality, DurationExpr, DurationKind, Expr, ExprKind, Extended, Fill, Number, Subquery,
    TimeModifiers, VectorSelector,
};
use crate::matcher::is_plain_label;
use crate::number::format_duration;
use crate::text::quote;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(n) => n.fmt(f),
            ExprKind::String(text) => f.write_str(&quote(text)),
            ExprKind::Selector(s) => {
                head(s, f)?;
                tail(s, f)
            }
            ExprKind::Range(r) => {
                head(&r.selector, f)?;
                write!(f, "[{}]", r.range)?;
                tail(&r.selector, f)
            }
            ExprKind::Subquery(s) => write!(f, "{}{}", s.expr, SubqueryWindow(s)),
            ExprKind::Unary { negative, expr } => write!(f, "{}{expr}", if *negative { '-' } else { '+' }),
            ExprKind::Paren(e) => write!(f, "({e})"),
            ExprKind::Binary(b) => b.fmt(f),
            ExprKind::Aggregate(a) => a.fmt(f),
            ExprKind::Call(c) => {
                write!(f, "{}(", c.function.name)?;
                for (i, arg) in c.args.iter().enumerate() {
                    write!(f, "{}{arg}", if i == 0 { "" } else { ", " })?;
                }
                f.write_char(')')
            }
        }
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.as_duration && self.value.is_finite() {
            let sign = if self.value.is_sign_negative() { "-" } else { "" };
            return write!(f, "{sign}{}", format_duration((self.value.abs() * 1000.0).round() as i64));
        }
        write_number(self.value, f)
    }
}

/// Without an exponent, as Prometheus prints literals.
fn write_number(value: f64, f: &mut Formatter<'_>) -> fmt::Result {
    if value.is_nan() {
        f.write_str("NaN")
    } else if value.is_infinite() {
        f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else {
        write!(f, "{value}")
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DurationKind::Literal(n) => n.fmt(f),
            DurationKind::Step => f.write_str("step()"),
            DurationKind::Range => f.write_str("range()"),
            DurationKind::Negative(e) => write!(f, "-{e}"),
            DurationKind::Positive(e) => write!(f, "+{e}"),
            DurationKind::Paren(e) => write!(f, "({e})"),
            DurationKind::MinOf(a, b) => write!(f, "min_of({a}, {b})"),
            DurationKind::MaxOf(a, b) => write!(f, "max_of({a}, {b})"),
            DurationKind::Binary(op, a, b) => write!(f, "{a} {} {b}", op.text()),
        }
    }
}

impl Display for TimeModifiers {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.at {
            // Integers, because a float cannot hold every millisecond.
            Some(At::UnixMillis(ms)) => {
                let sign = if ms < 0 { "-" } else { "" };
                let ms = ms.unsigned_abs();
                write!(f, " @ {sign}{}.{:03}", ms / 1000, ms % 1000)?;
            }
            Some(At::Start) => f.write_str(" @ start()")?,
            Some(At::End) => f.write_str(" @ end()")?,
            None => {}
        }
        match &self.offset {
            Some(offset) => write!(f, " offset {offset}"),
            None => Ok(()),
        }
    }
}

fn head(s: &VectorSelector, f: &mut Formatter<'_>) -> fmt::Result {
    let name = s.name.as_deref().unwrap_or("");
    f.write_str(name)?;
    if s.matchers.is_empty() && !name.is_empty() {
        return Ok(());
    }
    // Prometheus sorts the texts of matchers.
    let mut texts: Vec<String> = s.matchers.iter().map(ToString::to_string).collect();
    texts.sort_unstable();
    write!(f, "{{{}}}", texts.join(","))
}

fn tail(s: &VectorSelector, f: &mut Formatter<'_>) -> fmt::Result {
    match s.extended {
        Some(Extended::Anchored) => f.write_str(" anchored")?,
        Some(Extended::Smoothed) => f.write_str(" smoothed")?,
        None => {}
    }
    s.modifiers.fmt(f)
}

fn labels(names: &[String], f: &mut Formatter<'_>) -> fmt::Result {
    f.write_char('(')?;
    for (i, name) in names.iter().enumerate() {
        f.write_str(if i == 0 { "" } else { ", " })?;
        // `inf` and `nan` are numbers unless quoted.
        let number = ["inf", "nan"].iter().any(|w| w.eq_ignore_ascii_case(name));
        if is_plain_label(name) && !number { f.write_str(name)? } else { f.write_str(&quote(name))? }
    }
    f.write_char(')')
}

/// `[1h:5m] offset 1d`: what follows the expression of a subquery.
pub(crate) struct SubqueryWindow<'a>(pub(crate) &'a Subquery);

impl Display for SubqueryWindow<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(s) = self;
        write!(f, "[{}:", s.range)?;
        if let Some(step) = &s.step {
            step.fmt(f)?;
        }
        f.write_char(']')?;
        s.modifiers.fmt(f)
    }
}

/// `sum by (job) `: what comes before the arguments of an aggregation.
pub(crate) struct AggregateHead<'a>(pub(crate) &'a Aggregate);

impl Display for AggregateHead<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(a) = self;
        f.write_str(a.op.text())?;
        if a.without || !a.grouping.is_empty() {
            f.write_str(if a.without { " without " } else { " by " })?;
            labels(&a.grouping, f)?;
            f.write_char(' ')?;
        }
        Ok(())
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", AggregateHead(self))?;
        if let Some(param) = &self.param {
            write!(f, "{param}, ")?;
        }
        write!(f, "{})", self.expr)
    }
}

impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.lhs, Operator(self), self.rhs)
    }
}

/// `== bool on (job) group_left ()`: what stands between the operands.
pub(crate) struct Operator<'a>(pub(crate) &'a Binary);

impl Display for Operator<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(b) = self;
        f.write_str(b.op.text())?;
        if b.return_bool {
            f.write_str(" bool")?;
        }
        if let Some(m) = &b.matching {
            let grouped = matches!(m.card, Cardinality::ManyToOne | Cardinality::OneToMany);
            if m.on || !m.labels.is_empty() || grouped {
                f.write_str(if m.on { " on " } else { " ignoring " })?;
                labels(&m.labels, f)?;
            }
            if grouped {
                f.write_str(if m.card == Cardinality::ManyToOne { " group_left " } else { " group_right " })?;
                labels(&m.include, f)?;
            }
            fill(&m.fill, f)?;
        }
        Ok(())
    }
}

fn fill(fill: &Fill, f: &mut Formatter<'_>) -> fmt::Result {
    for (side, value) in [("left", fill.left), ("right", fill.right)] {
        if let Some(value) = value {
            write!(f, " fill_{side} (")?;
            write_number(value, f)?;
            f.write_char(')')?;
        }
    }
    Ok(())
}
