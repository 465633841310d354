//! What can be asked about: fields and their values, one operation per file.

mod facets;
mod hints;
mod histogram;
mod keys;
mod values;

pub use facets::{FACETS_MAX, Facet, facets};
pub use hints::hints;
pub use histogram::histogram;
pub use keys::{FieldInfo, FieldScope, keys};
pub use values::{LIMIT_MAX, spelled_value, values};
