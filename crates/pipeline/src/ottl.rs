//! OTTL, the OpenTelemetry Transformation Language: statements that change records, and conditions on them.
//!
//! A text is parsed (`lex`, `parse`) and compiled once, with everything checked that can be: paths against the
//! context, names and numbers of arguments, patterns. Running it (`eval`) can fail on the data only, and says so as
//! [`EvalError`]. What there is of the language is written down in `docs/ottl.md`; a name that is not there is
//! refused with the list of what is. Source: opentelemetry-collector-contrib, `pkg/ottl`.
//! *Invariant:* knows [`wire::otlp::tree`] and no component.

mod arguments;
mod ast;
mod compile;
mod condition;
mod context;
mod convert;
mod editors;
mod eval;
mod keys;
mod lex;
mod metrics;
mod parse;
mod path;
mod paths;
mod pattern;
mod replace;
mod span_name;
mod value;

use std::fmt;

pub use condition::{Condition, Conditions};
pub use context::{Context, Item, Point, PointHead, Scene, Schema};
pub use editors::Statement;
pub use eval::{ErrorMode, EvalError};
pub use value::Val;

/// A text that is not a statement or condition: what is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (column {column} of `{text}`)")]
pub struct OttlError {
    /// What is wrong, and the remedy.
    pub message: String,
    /// Where, in characters from 1.
    pub column: usize,
    /// The statement.
    pub text: String,
}

/// What is wrong at a byte of the text that is being compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    at: usize,
    message: String,
}

impl Problem {
    fn new(at: usize, message: impl fmt::Display) -> Self {
        Self { at, message: message.to_string() }
    }

    fn of(self, text: &str) -> OttlError {
        let before = text.char_indices().take_while(|(at, _)| *at < self.at).count();
        OttlError { message: self.message, column: before + 1, text: text.to_owned() }
    }
}

/// The names of all functions there are: editors, then converters.
pub fn functions() -> (Vec<&'static str>, Vec<&'static str>) {
    (editors::names(), convert::names())
}

/// The context that a statement or condition of `signal` is meant for, by the paths in it: the innermost that one of them names.
///
/// # Errors
/// The text cannot be parsed, names contexts of different branches, or names none.
pub fn infer(signal: model::Signal, text: &str) -> Result<Context, OttlError> {
    compile::infer(signal, text).map_err(|p| p.of(text))
}

#[cfg(test)]
mod tests;
