//! What can be asked about: fields and their values, one operation per file.

mod hints;
mod keys;
mod values;

pub use hints::hints;
pub use keys::{FieldInfo, FieldScope, keys};
pub use values::{LIMIT_MAX, values};
