//! The alert manager: who is told of which alerts, how grouped, when, and when not.
//!
//! Alerts come in ([`Alertmanager::post`]), are grouped by the routes of the configuration, and at their times groups are
//! flushed: what is inhibited, muted or silenced is left out, what a channel knows already is not told again, and the rest goes to
//! the channels through [`crate::notification`]. Semantics of Alertmanager 0.34.
//! *Invariant:* knows no protocol of a receiver and no HTTP.

mod acknowledge;
mod active;
mod alertmanager;
mod condition;
pub mod config;
mod flush;
mod gate;
mod groups;
mod inhibitor;
mod log;
pub mod maintenance;
pub mod matchers;
mod present;
mod quiet;
mod run;
mod send;
mod silences;
mod state;
pub mod time_interval;
mod views;
mod why;

pub use acknowledge::Acknowledgement;
pub use active::{ActiveAlert, PostedAlert};
pub use alertmanager::{Alertmanager, Options, Posted};
pub use condition::{ChannelCondition, Failure, OnTheWay};
pub use gate::Gate;
pub use send::{Tested, step_json, test_alert};
pub use silences::{SILENCES_MAX, Silence, SilenceError, SilenceState};
pub use state::Stats;
pub use views::{AlertStatus, AlertView, GroupView, Preview};
pub use why::{Group as WhyGroup, Why};

#[cfg(test)]
mod tests;
