//! The extension types there are: one file each, and one line here.

use crate::component::ExtensionFactory;

/// Every extension type.
pub const ALL: &[ExtensionFactory] = &[];
