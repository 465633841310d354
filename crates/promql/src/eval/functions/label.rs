//! `label_replace` and `label_join`.

use std::sync::Arc;

use crate::ast::Call;
use crate::eval::columns::{Columns, Sink};
use crate::eval::run::Held;
use crate::eval::{Eval, EvalError};
use crate::parse::is_label_name;
use model::labels::{self, Labels};
use re2::compile_anchored;

impl Eval<'_> {
    fn text_args<'c>(&self, c: &'c Call) -> Result<Vec<&'c str>, EvalError> {
        c.args.iter().skip(1).map(|arg| self.text(arg)).collect()
    }

    pub(super) fn label_replace(&self, c: &Call, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let texts = self.text_args(c)?;
        let ([target, replacement, source, pattern], Some(vector)) = (texts.as_slice(), c.args.first()) else {
            return Err(EvalError::execution("label_replace needs five arguments"));
        };
        let regex = compile_anchored(pattern)
            .map_err(|_| EvalError::execution(format!("invalid regular expression in label_replace(): {pattern}")))?;
        check_target(target, "label_replace")?;
        self.relabel(vector, target, sink, |labels| {
            let captures = regex.captures(labels.get(source))?;
            let mut value = String::new();
            captures.expand(replacement, &mut value);
            Some(value)
        })
    }

    pub(super) fn label_join(&self, c: &Call, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let texts = self.text_args(c)?;
        let ([target, separator, sources @ ..], Some(vector)) = (texts.as_slice(), c.args.first()) else {
            return Err(EvalError::execution("label_join needs at least three arguments"));
        };
        if let Some(bad) = sources.iter().find(|s| !is_label_name(s)) {
            return Err(EvalError::execution(format!("invalid source label name in label_join(): {bad}")));
        }
        check_target(target, "label_join")?;
        self.relabel(vector, target, sink, |labels| {
            let values: Vec<&str> = sources.iter().map(|s| labels.get(s)).collect();
            Some(values.join(separator))
        })
    }

    /// Sets one label of every series; series that become equal are joined.
    fn relabel(
        &self,
        vector: &crate::ast::Expr,
        target: &str,
        sink: &mut Sink<'_>,
        value: impl Fn(&Labels) -> Option<String>,
    ) -> Result<(), EvalError> {
        let mut out = Columns::new(self.steps.count, Held::new(self.run));
        self.each(vector, &mut |row| {
            let Some(value) = value(row.labels) else {
                return out.add(row.labels.clone(), row.drop_name, row);
            };
            let mut labels = Labels::clone(row.labels);
            labels.set(target, &value);
            let drop_name = row.drop_name && target != labels::NAME;
            out.add(Arc::new(labels), drop_name, row)
        })?;
        self.collected(&out, sink)
    }
}

fn check_target(target: &str, function: &str) -> Result<(), EvalError> {
    if is_label_name(target) {
        return Ok(());
    }
    Err(EvalError::execution(format!("invalid destination label name in {function}(): {target}")))
}
