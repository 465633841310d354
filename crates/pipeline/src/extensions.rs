//! The extension types there are: one file each, and one line here.

mod basicauth;
mod bearertokenauth;
mod credentials;
mod file_storage;
mod health_check;
mod pprof;
mod zpages;

use crate::component::ExtensionFactory;

pub use health_check::health;

/// Every extension type.
pub const ALL: &[ExtensionFactory] = &[
    basicauth::FACTORY,
    bearertokenauth::FACTORY,
    file_storage::FACTORY,
    health_check::FACTORY,
    pprof::FACTORY,
    zpages::FACTORY,
];
