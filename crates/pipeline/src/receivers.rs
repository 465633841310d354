//! The receiver types there are: one file each, and one line here.

use crate::component::ReceiverFactory;

/// Every receiver type.
pub const ALL: &[ReceiverFactory] = &[];
