//! Somebody takes care of an alert: it is not repeated any more. What is new in its group, and its end, is told all the same.

use foundation::UnixNanos;
use serde_json::{Value, json};

/// The kind of document that acknowledgements are.
pub(super) const KIND: &str = "acknowledgement";

/// Who takes care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Who.
    pub by: String,
    /// What they say.
    pub comment: String,
    /// Since when.
    pub at: UnixNanos,
    /// From when on it is repeated again; `None` is when the alert ends.
    pub until: Option<UnixNanos>,
}

impl Acknowledgement {
    /// Whether it still holds.
    pub fn holds(&self, now: UnixNanos) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    pub(super) fn body(&self) -> Value {
        json!({"by": self.by, "comment": self.comment, "at": self.at.0, "until": self.until.map(|u| u.0)})
    }

    pub(super) fn of_body(body: &Value) -> Self {
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        Self {
            by: text("by"),
            comment: text("comment"),
            at: UnixNanos(body["at"].as_i64().unwrap_or_default()),
            until: body["until"].as_i64().map(UnixNanos),
        }
    }
}
