//! Why an answer is not whole: what of it lies in files that are damaged.
//!
//! A query that gives a [`Partial`] along with its limits is answered with what
//! can be read and finds the reasons there; one that does not fails instead.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::TsdbError;

/// Reasons that are kept; the others are counted.
const REASONS_MAX: usize = 16;

/// What was left out of an answer, shared by all who work on it.
#[derive(Debug, Clone, Default)]
pub struct Partial(Arc<Mutex<Reasons>>);

#[derive(Debug, Default)]
struct Reasons {
    texts: BTreeSet<String>,
    more: u64,
}

impl Partial {
    /// Why the answer is not whole, sorted; empty when it is.
    pub fn reasons(&self) -> Vec<String> {
        let reasons = self.0.lock();
        let more = (reasons.more > 0).then(|| format!("{} more damaged parts were left out", reasons.more));
        reasons.texts.iter().cloned().chain(more).collect()
    }

    /// Whether all that was asked for is in the answer.
    pub fn is_whole(&self) -> bool {
        self.0.lock().texts.is_empty()
    }

    pub(crate) fn note(&self, reason: &str) {
        let mut reasons = self.0.lock();
        if reasons.texts.contains(reason) {
            return;
        }
        if reasons.texts.len() < REASONS_MAX {
            reasons.texts.insert(reason.to_owned());
        } else {
            reasons.more += 1;
        }
    }
}

/// `None` instead of what is damaged, when there is someone to tell; every other failure stays one.
pub(crate) fn forgive<T>(partial: Option<&Partial>, result: Result<T, TsdbError>) -> Result<Option<T>, TsdbError> {
    match (result, partial) {
        (Ok(value), _) => Ok(Some(value)),
        (Err(e), Some(partial)) if e.is_damage() => {
            partial.note(&e.to_string());
            Ok(None)
        }
        (Err(e), _) => Err(e),
    }
}
