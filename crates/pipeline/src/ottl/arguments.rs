//! The arguments of a call, matched with the parameters of its function.

use super::Problem;
use super::ast::{Call, Expr, Kind};
use super::compile;
use super::context::Context;
use super::convert;
use super::eval::{EvalError, Getter};
use super::path::Path;
use super::pattern::Pattern;
use super::value::Val;

/// The arguments of a call.
pub(super) struct Arguments<'a> {
    call: &'a Call,
    parameters: &'static [&'static str],
    /// By parameter.
    given: Vec<Option<&'a Expr>>,
    context: Context,
}

/// What changes one value into another: a converter that was handed over by its name.
pub(super) type Function = Box<dyn Fn(Val) -> Result<Val, EvalError> + Send + Sync>;

impl<'a> Arguments<'a> {
    pub(super) fn new(
        call: &'a Call,
        parameters: &'static [&'static str],
        required: usize,
        context: Context,
    ) -> Result<Self, Problem> {
        let mut given = vec![None; parameters.len()];
        for (n, (name, expr)) in call.arguments.iter().enumerate() {
            let at = match name {
                None => n,
                Some(name) => parameters.iter().position(|p| p == name).ok_or_else(|| {
                    let message =
                        format!("`{}` has no parameter `{name}`; there is {}", call.name, parameters.join(", "));
                    Problem::new(expr.at, message)
                })?,
            };
            match given.get_mut(at) {
                Some(slot @ None) => *slot = Some(expr),
                Some(_) => return Err(Problem::new(expr.at, format!("`{}` is given twice", parameters[at]))),
                None => {
                    let message = format!("`{}` takes at most {} arguments", call.name, parameters.len());
                    return Err(Problem::new(expr.at, message));
                }
            }
        }
        if let Some(missing) = given.iter().take(required).position(Option::is_none) {
            let message = format!(
                "`{}` lacks `{}`; it is {}({})",
                call.name,
                parameters[missing],
                call.name,
                parameters.join(", ")
            );
            return Err(Problem::new(call.at, message));
        }
        Ok(Self { call, parameters, given, context })
    }

    fn expr(&self, n: usize) -> Result<&'a Expr, Problem> {
        self.given.get(n).copied().flatten().ok_or_else(|| self.problem(n, "is missing"))
    }

    /// Something is wrong with argument `n`.
    pub(super) fn problem(&self, n: usize, message: &str) -> Problem {
        let at = self.given.get(n).copied().flatten().map_or(self.call.at, |e| e.at);
        Problem::new(at, format!("`{}` of `{}` {message}", self.parameters.get(n).unwrap_or(&"it"), self.call.name))
    }

    /// Whether argument `n` is given.
    pub(super) fn has(&self, n: usize) -> bool {
        self.given.get(n).copied().flatten().is_some()
    }

    /// A value.
    pub(super) fn value(&self, n: usize) -> Result<Getter, Problem> {
        compile::value(self.expr(n)?, self.context)
    }

    /// A value that may be left out.
    pub(super) fn optional(&self, n: usize) -> Result<Option<Getter>, Problem> {
        self.has(n).then(|| self.value(n)).transpose()
    }

    /// A path.
    pub(super) fn path(&self, n: usize) -> Result<Path, Problem> {
        match &self.expr(n)?.kind {
            Kind::Path(path) => Path::resolve(path, self.context),
            _ => Err(self.problem(n, "must be a path")),
        }
    }

    /// A text that is written down, not computed.
    pub(super) fn text(&self, n: usize) -> Result<String, Problem> {
        match &self.expr(n)?.kind {
            Kind::Literal(v) if v.as_str().is_some() => Ok(v.as_str().unwrap_or_default().to_owned()),
            _ => Err(self.problem(n, "must be a text in quotes")),
        }
    }

    /// An integer that is written down.
    pub(super) fn int(&self, n: usize) -> Result<i64, Problem> {
        match &self.expr(n)?.kind {
            Kind::Literal(v) if v.as_int().is_some() => Ok(v.as_int().unwrap_or_default()),
            _ => Err(self.problem(n, "must be a whole number")),
        }
    }

    /// A whole number that is not negative.
    pub(super) fn count(&self, n: usize) -> Result<usize, Problem> {
        usize::try_from(self.int(n)?).map_err(|_| self.problem(n, "must not be negative"))
    }

    /// True or false, written down.
    pub(super) fn flag(&self, n: usize, default: bool) -> Result<bool, Problem> {
        match self.given.get(n).copied().flatten().map(|e| &e.kind) {
            None => Ok(default),
            Some(Kind::Literal(v)) if v.as_bool().is_some() => Ok(v.as_bool().unwrap_or_default()),
            Some(_) => Err(self.problem(n, "must be true or false")),
        }
    }

    /// A list of texts that are written down.
    pub(super) fn texts(&self, n: usize) -> Result<Vec<String>, Problem> {
        let Kind::List(items) = &self.expr(n)?.kind else { return Err(self.problem(n, "must be a list of texts")) };
        items
            .iter()
            .map(|e| match &e.kind {
                Kind::Literal(v) if v.as_str().is_some() => Ok(v.as_str().unwrap_or_default().to_owned()),
                _ => Err(self.problem(n, "must be a list of texts in quotes")),
            })
            .collect()
    }

    /// A list of values.
    pub(super) fn values(&self, n: usize) -> Result<Vec<Getter>, Problem> {
        match &self.expr(n)?.kind {
            Kind::List(items) => items.iter().map(|e| compile::value(e, self.context)).collect(),
            _ => Err(self.problem(n, "must be a list in brackets")),
        }
    }

    /// A regular expression.
    pub(super) fn pattern(&self, n: usize) -> Result<Pattern, Problem> {
        Pattern::of(self.value(n)?).map_err(|e| self.problem(n, &e))
    }

    /// A text, or what it is when it is left out.
    pub(super) fn text_or(&self, n: usize, default: &str) -> Result<String, Problem> {
        if self.has(n) { self.text(n) } else { Ok(default.to_owned()) }
    }

    /// A number that is written down.
    pub(super) fn number(&self, n: usize) -> Result<f64, Problem> {
        match &self.expr(n)?.kind {
            Kind::Literal(v) if v.as_f64().is_some() => Ok(v.as_f64().unwrap_or_default()),
            _ => Err(self.problem(n, "must be a number")),
        }
    }

    /// A list of numbers that are written down.
    pub(super) fn numbers(&self, n: usize) -> Result<Vec<f64>, Problem> {
        let Kind::List(items) = &self.expr(n)?.kind else { return Err(self.problem(n, "must be a list of numbers")) };
        let number = |e: &Expr| if let Kind::Literal(v) = &e.kind { v.as_f64() } else { None };
        items.iter().map(|e| number(e).ok_or_else(|| self.problem(n, "must be a list of numbers"))).collect()
    }

    /// That the call stands in `context`, which it works on.
    pub(super) fn only_in(&self, context: Context) -> Result<(), Problem> {
        if self.context == context {
            return Ok(());
        }
        let (name, of, here) = (&self.call.name, context.name(), self.context.name());
        Err(Problem::new(self.call.at, format!("`{name}` works in the context `{of}`, not in `{here}`")))
    }

    /// A converter of one value, named without parentheses.
    pub(super) fn function(&self, n: usize) -> Result<Option<Function>, Problem> {
        let Some(expr) = self.given.get(n).copied().flatten() else { return Ok(None) };
        let Kind::Name(name) = &expr.kind else {
            return Err(self.problem(n, "must be the name of a converter, without parentheses"));
        };
        convert::unary(name).map(Some).ok_or_else(|| {
            Problem::new(
                expr.at,
                format!("`{name}` is not a converter of one value; there is {}", convert::unary_names().join(", ")),
            )
        })
    }
}
