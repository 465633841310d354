//! The type check: what the grammar cannot say.
//!
//! Same rules and messages as Prometheus's `checkAST`.

use crate::ast::{Aggregate, Binary, Call, Cardinality, Expr, ExprKind, ValueType, VectorSelector};
use crate::error::ParseError;
use model::labels;

/// Checks a whole tree.
pub(super) fn check(input: &str, expr: &Expr) -> Result<(), ParseError> {
    Check { input }.expr(expr)
}

struct Check<'a> {
    input: &'a str,
}

type Checked = Result<(), ParseError>;

impl Check<'_> {
    fn fail(&self, at: &Expr, message: impl Into<String>) -> Checked {
        Err(ParseError::new(self.input, at.span, message))
    }

    fn expr(&self, e: &Expr) -> Checked {
        match &e.kind {
            ExprKind::Number(_) | ExprKind::String(_) => Ok(()),
            ExprKind::Selector(s) => self.selector(e, s, false),
            ExprKind::Range(r) => self.selector(e, &r.selector, false),
            ExprKind::Subquery(s) => {
                self.expr(&s.expr)?;
                let t = s.expr.value_type();
                if t != ValueType::Vector {
                    let got = t.documented();
                    return self.fail(e, format!("subquery is only allowed on instant vector, got {got} instead"));
                }
                Ok(())
            }
            ExprKind::Unary { expr, .. } => {
                self.expr(expr)?;
                let t = expr.value_type();
                if !matches!(t, ValueType::Scalar | ValueType::Vector) {
                    let got = t.documented();
                    return self.fail(
                        e,
                        format!(
                            "unary expression only allowed on expressions of type scalar or instant vector, got {got:?}"
                        ),
                    );
                }
                Ok(())
            }
            ExprKind::Paren(inner) => self.expr(inner),
            ExprKind::Binary(b) => self.binary(e, b),
            ExprKind::Aggregate(a) => self.aggregate(a),
            ExprKind::Call(c) => self.call(e, c),
        }
    }

    fn selector(&self, e: &Expr, s: &VectorSelector, may_match_all: bool) -> Checked {
        if let Some(name) = &s.name {
            if let Some(m) = s.matchers.iter().find(|m| m.name() == labels::NAME) {
                let twice = format!("metric name must not be set twice: {name:?} or {:?}", m.value());
                return self.fail(e, twice);
            }
            return Ok(());
        }
        if !may_match_all && s.matchers.iter().all(|m| m.matches("")) {
            return self.fail(e, "vector selector must contain at least one non-empty matcher");
        }
        Ok(())
    }

    fn expect(&self, e: &Expr, want: ValueType, context: &str) -> Checked {
        self.expr(e)?;
        let got = e.value_type();
        if got == want {
            return Ok(());
        }
        self.fail(e, format!("expected type {} in {context}, got {}", want.documented(), got.documented()))
    }

    fn aggregate(&self, a: &Aggregate) -> Checked {
        self.expect(&a.expr, ValueType::Vector, "aggregation expression")?;
        match (&a.param, a.op.param_type()) {
            (Some(param), Some(want)) => self.expect(param, want, "aggregation parameter"),
            _ => Ok(()),
        }
    }

    fn binary(&self, e: &Expr, b: &Binary) -> Checked {
        self.expr(&b.lhs)?;
        self.expr(&b.rhs)?;
        let (lt, rt) = (b.lhs.value_type(), b.rhs.value_type());
        let at_op = |message: String| Err(ParseError::new(self.input, b.op_span, message));
        if b.return_bool && !b.op.is_comparison() {
            return at_op("bool modifier can only be used on comparison operators".to_owned());
        }
        let scalars = lt == ValueType::Scalar && rt == ValueType::Scalar;
        if b.op.is_comparison() && !b.return_bool && scalars {
            return at_op("comparisons between scalars must use BOOL modifier".to_owned());
        }
        for (side, t) in [(&b.lhs, lt), (&b.rhs, rt)] {
            if !matches!(t, ValueType::Scalar | ValueType::Vector) {
                return self.fail(side, "binary expression must contain only scalar and instant vector types");
            }
        }
        let Some(m) = &b.matching else { return Ok(()) };
        if m.on
            && let Some(label) = m.labels.iter().find(|l| m.include.contains(l))
        {
            return at_op(format!("label {label:?} must not occur in ON and GROUP clause at once"));
        }
        let filled = m.fill.left.is_some() || m.fill.right.is_some();
        if lt != ValueType::Vector || rt != ValueType::Vector {
            if !m.labels.is_empty() {
                return self.fail(e, "vector matching only allowed between instant vectors");
            }
            if filled {
                return self.fail(e, "filling in missing series only allowed between instant vectors");
            }
            if b.op.is_set() {
                return self.fail(e, format!("set operator {:?} not allowed in binary scalar expression", b.op.text()));
            }
        } else if b.op.is_set() {
            if m.card != Cardinality::ManyToMany {
                return self.fail(e, format!("no grouping allowed for {:?} operation", b.op.text()));
            }
            if filled {
                return self.fail(e, "filling in missing series not allowed for set operators");
            }
        }
        Ok(())
    }

    fn call(&self, e: &Expr, c: &Call) -> Checked {
        let f = c.function;
        let (want, got) = (f.args.len(), c.args.len());
        if f.variadic == 0 && got != want {
            return self.fail(e, format!("expected {want} argument(s) in call to {:?}, got {got}", f.name));
        }
        if f.variadic != 0 {
            let least = want.saturating_sub(1);
            if got < least {
                return self
                    .fail(e, format!("expected at least {least} argument(s) in call to {:?}, got {got}", f.name));
            }
            let most = least + usize::try_from(f.variadic).unwrap_or(usize::MAX - least);
            if got > most {
                return self.fail(e, format!("expected at most {most} argument(s) in call to {:?}, got {got}", f.name));
            }
        }
        if f.name == "info"
            && let Some(second) = c.args.get(1)
        {
            return self.info(c, second);
        }
        self.arguments(c, c.args.len())
    }

    fn arguments(&self, c: &Call, count: usize) -> Checked {
        let context = format!("call to function {:?}", c.function.name);
        for (i, arg) in c.args.iter().take(count).enumerate() {
            let want = c.function.args.get(i).or(c.function.args.last());
            if let Some(want) = want {
                self.expect(arg, *want, &context)?;
            }
        }
        Ok(())
    }

    /// The second argument of `info` is a selector that only names labels.
    fn info(&self, c: &Call, second: &Expr) -> Checked {
        self.arguments(c, 1)?;
        match &second.kind {
            ExprKind::Selector(s) if s.name.is_some() => {
                self.fail(second, "expected label selectors only, got vector selector instead")
            }
            ExprKind::Selector(s) => self.selector(second, s, true),
            _ => self.fail(second, "expected label selectors only"),
        }
    }
}
