//! What stands in brackets behind a path or a call: written down, or computed from the thing at hand.

use std::borrow::Cow;

use super::Problem;
use super::ast;
use super::compile;
use super::context::{Context, Scene};
use super::eval::{EvalError, Getter};
use super::value::Val;

/// What brackets choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Text(String),
    Index(usize),
}

/// The keys behind a path or a call.
#[derive(Debug)]
pub(super) struct Keys {
    /// Those that are written down; a computed one holds its place.
    fixed: Vec<Key>,
    computed: Vec<(usize, Getter)>,
}

impl Keys {
    pub(super) fn of(keys: &[ast::Key], context: Context) -> Result<Self, Problem> {
        let mut out = Self { fixed: Vec::with_capacity(keys.len()), computed: Vec::new() };
        for key in keys {
            let key = match key {
                ast::Key::Text(text) => Key::Text(text.clone()),
                ast::Key::Index(i) => Key::Index(*i),
                ast::Key::Computed(expr) => {
                    out.computed.push((out.fixed.len(), compile::value(expr, context)?));
                    Key::Index(0)
                }
            };
            out.fixed.push(key);
        }
        Ok(out)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.fixed.is_empty()
    }

    /// The keys for the thing at hand.
    ///
    /// # Errors
    /// One that is computed is neither a text nor an index.
    pub(super) fn at(&self, scene: &Scene<'_>) -> Result<Cow<'_, [Key]>, EvalError> {
        if self.computed.is_empty() {
            return Ok(Cow::Borrowed(&self.fixed));
        }
        let mut keys = self.fixed.clone();
        for (at, getter) in &self.computed {
            if let Some(slot) = keys.get_mut(*at) {
                *slot = key(&getter.get(scene)?)?;
            }
        }
        Ok(Cow::Owned(keys))
    }
}

fn key(v: &Val) -> Result<Key, EvalError> {
    match (v.as_str(), v.as_int().map(usize::try_from)) {
        (Some(text), _) => Ok(Key::Text(text.to_owned())),
        (_, Some(Ok(i))) => Ok(Key::Index(i)),
        _ => Err(EvalError::new(format!("what is in brackets is {}; a text or an index is wanted", v.type_name()))),
    }
}
