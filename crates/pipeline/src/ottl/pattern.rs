//! Regular expressions that are arguments: written down and compiled once, or computed from the thing at hand.

use std::ops::Deref;

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use regex::Regex;

use super::context::Scene;
use super::eval::{EvalError, Getter};
use super::path::text;
use super::value::Val;

/// Bytes of a compiled pattern.
const PATTERN_BYTES_MAX: usize = 4 << 20;

/// A regular expression.
pub(super) enum Pattern {
    Fixed(Regex),
    Computed {
        getter: Getter,
        /// The last one with its text: neighbours usually have the same.
        last: Mutex<Option<(String, Regex)>>,
    },
}

/// A regular expression for the thing at hand.
pub(super) enum Found<'p> {
    Fixed(&'p Regex),
    Computed(MappedMutexGuard<'p, Regex>),
}

impl Deref for Found<'_> {
    type Target = Regex;

    fn deref(&self) -> &Regex {
        match self {
            Self::Fixed(regex) => regex,
            Self::Computed(regex) => regex,
        }
    }
}

/// Compiles `pattern`; says what is wrong with it.
pub(super) fn compiled(pattern: &str) -> Result<Regex, String> {
    let built = regex::RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build();
    // The pattern and a mark below it come first; what is wrong comes last.
    let why =
        |e: regex::Error| e.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    built.map_err(|e| format!("is not a pattern: {}", why(e)))
}

impl Pattern {
    /// What `getter` gives; compiled now if that does not depend on the data.
    pub(super) fn of(getter: Getter) -> Result<Self, String> {
        match getter {
            Getter::Literal(v) => {
                let text = v.as_str().ok_or_else(|| format!("must be a pattern in quotes, not {}", v.type_name()))?;
                compiled(text).map(Self::Fixed)
            }
            getter => Ok(Self::Computed { getter, last: Mutex::new(None) }),
        }
    }

    /// The names of its groups, when it is written down.
    pub(super) fn names(&self) -> Option<Vec<&str>> {
        match self {
            Self::Fixed(regex) => Some(regex.capture_names().flatten().collect()),
            Self::Computed { .. } => None,
        }
    }

    /// The pattern for the thing at hand.
    ///
    /// # Errors
    /// What is computed is no pattern.
    pub(super) fn at(&self, scene: &Scene<'_>) -> Result<Found<'_>, EvalError> {
        let (getter, last) = match self {
            Self::Fixed(regex) => return Ok(Found::Fixed(regex)),
            Self::Computed { getter, last } => (getter, last),
        };
        let wanted: Val = getter.get(scene)?;
        let wanted = text(&wanted)?;
        let mut last = last.lock();
        if last.as_ref().is_none_or(|(text, _)| text != wanted) {
            let regex = compiled(wanted).map_err(|e| EvalError::new(format!("`{wanted}` {e}")))?;
            *last = Some((wanted.to_owned(), regex));
        }
        MutexGuard::try_map(last, |last| last.as_mut().map(|(_, regex)| regex))
            .map(Found::Computed)
            .map_err(|_| EvalError::new("there is no pattern"))
    }
}
