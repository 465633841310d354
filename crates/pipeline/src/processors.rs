//! The processor types there are: one file each, and one line here.

use crate::component::ProcessorFactory;

/// Every processor type.
pub const ALL: &[ProcessorFactory] = &[];
