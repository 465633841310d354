//! Alertmanager's templates: its functions (`template.DefaultFuncs`), the types of its data, and their methods.

mod data;
mod functions;
mod methods;

use std::sync::Arc;

use foundation::Clock;

use crate::library::Library;

pub use data::{Alert, Data, Pairs};
pub use methods::methods;

/// An empty set of templates with Alertmanager's functions.
pub fn library(clock: Arc<dyn Clock>) -> Library {
    Library::new(functions::functions(clock), methods)
}
