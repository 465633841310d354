//! Conditions: is it so for the thing at hand?

use super::compile::{self, Check};
use super::context::{Context, Scene};
use super::eval::{ErrorMode, EvalError};
use super::{OttlError, parse};

/// A condition.
pub struct Condition {
    text: String,
    check: Check,
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Condition {
    /// Parses `text` for things of `context`.
    ///
    /// # Errors
    /// It is not a condition, or asks for what there is not.
    pub fn parse(text: &str, context: Context) -> Result<Self, OttlError> {
        let compiled = parse::condition(text).and_then(|test| compile::check(&test, context));
        compiled.map(|check| Self { text: text.to_owned(), check }).map_err(|p| p.of(text))
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is so.
    ///
    /// # Errors
    /// The data is not what the condition works with.
    pub fn holds(&self, scene: &Scene<'_>) -> Result<bool, EvalError> {
        (self.check)(scene)
    }
}

/// Conditions of which one has to hold.
#[derive(Debug, Default)]
pub struct Conditions {
    conditions: Vec<Condition>,
    mode: ErrorMode,
}

impl Conditions {
    /// Any of `conditions`; one that fails does not hold, or is an error, as `mode` says.
    pub fn any(conditions: Vec<Condition>, mode: ErrorMode) -> Self {
        Self { conditions, mode }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Whether one holds.
    ///
    /// # Errors
    /// One failed, and the mode is [`ErrorMode::Propagate`].
    pub fn hold(&self, scene: &Scene<'_>) -> Result<bool, EvalError> {
        for condition in &self.conditions {
            match condition.holds(scene) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(e) if self.mode == ErrorMode::Propagate => return Err(e),
                Err(e) => {
                    if self.mode == ErrorMode::Ignore {
                        tracing::debug!(condition = condition.text, error = %e, "a condition failed and is taken as false");
                    }
                }
            }
        }
        Ok(false)
    }
}
