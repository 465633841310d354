//! Floor 4: from a sample to a delivered message: rules, alert manager, notifiers, SLOs.
//!
//! *Invariant:* no storage engine and no HTTP server: what a rule asks comes through traits that this crate owns.

pub mod alert;
pub mod manager;
pub mod notification;
pub mod notify;
pub mod rules;
pub mod slo;
mod stand_in;
pub mod timeline;

pub use alert::{Alert, Fingerprint};
pub use timeline::{Happened, Timeline};
