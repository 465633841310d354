//! Why an alert is not told.

use serde_json::{Value, json};

use super::inhibitor::Inhibited;
use crate::timeline::Happened;

/// The first reason that holds, in the order in which they are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Quiet {
    /// Another alert fires.
    Inhibited(Inhibited),
    /// The route speaks at other times: it is outside of these, or inside of those.
    Muted {
        /// Names of `active_time_intervals`, none of which contains the moment.
        outside: Vec<String>,
        /// Names of `mute_time_intervals` that contain the moment.
        inside: Vec<String>,
    },
    /// Silences act: their ids.
    Silenced(Vec<String>),
    /// Maintenance windows are open: their names.
    Maintenance(Vec<String>),
}

impl Quiet {
    pub(super) const fn happened(&self) -> Happened {
        match self {
            Self::Inhibited(_) => Happened::Inhibited,
            Self::Muted { .. } => Happened::Muted,
            Self::Silenced(_) => Happened::Silenced,
            Self::Maintenance(_) => Happened::Maintenance,
        }
    }

    /// For the timeline.
    pub(super) fn body(&self) -> Value {
        match self {
            Self::Inhibited(i) => json!({"by": i.by.to_string(), "rule": i.rule}),
            Self::Muted { outside, inside } => json!({"outside": outside, "inside": inside}),
            Self::Silenced(ids) => json!({"silences": ids}),
            Self::Maintenance(names) => json!({"windows": names}),
        }
    }

    /// In plain words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Inhibited(i) => format!("it is inhibited by alert {} ({})", i.by, i.rule),
            Self::Muted { outside, inside } if inside.is_empty() => {
                format!("its route speaks only within {}, and now is outside", outside.join(", "))
            }
            Self::Muted { inside, .. } => format!("its route is muted by the time interval {}", inside.join(", ")),
            Self::Silenced(ids) => format!("it is silenced by {}", ids.join(", ")),
            Self::Maintenance(names) => format!("the maintenance window {} is open", names.join(", ")),
        }
    }
}
