//! The connector types there are: one file each, and one line here.

mod forward;

use crate::component::ConnectorFactory;

/// Every connector type.
pub const ALL: &[ConnectorFactory] = &[forward::FACTORY];
