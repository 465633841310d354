//! `filter`: drops the entries for which a condition holds, or a part of them.

use foundation::UnixNanos;
use serde::Deserialize;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::expr::Condition;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    expr: Condition,
    #[serde(default = "all")]
    drop_ratio: f64,
    /// Counts, so that a part is the same part of every run.
    #[serde(skip)]
    seen: std::sync::atomic::AtomicU64,
}

const fn all() -> f64 {
    1.0
}

impl Filter {
    pub(super) fn checked(self) -> Result<Self, String> {
        if (0.0..=1.0).contains(&self.drop_ratio) {
            return Ok(self);
        }
        Err(format!("drop_ratio: {} is not between 0 and 1", self.drop_ratio))
    }
}

impl Operator for Filter {
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        if !self.expr.holds(entry) {
            return Ok(Verdict::Next);
        }
        let n = self.seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) as f64;
        let drops = ((n + 1.0) * self.drop_ratio).floor() > (n * self.drop_ratio).floor();
        Ok(if drops { Verdict::Drop } else { Verdict::Next })
    }
}
