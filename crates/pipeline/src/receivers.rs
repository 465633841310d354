//! The receiver types there are: one file each, and one line here.

mod otlp;
mod prometheus;

use crate::component::ReceiverFactory;

/// Every receiver type.
pub const ALL: &[ReceiverFactory] = &[otlp::FACTORY, prometheus::FACTORY];
