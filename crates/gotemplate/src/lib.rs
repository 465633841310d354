//! Floor 2: Go templates, text and HTML, with the functions of Prometheus and Alertmanager.
//!
//! The engine is the crate `gotmpl`, whose data are untyped; Go's are not. [`Library`] therefore rewrites each parsed
//! template so that every field access comes here ([`access`]), where structs, times, durations and methods are known.
//! *Invariant:* knows no rules and no alerts: values come in as data, functions by name.

pub mod access;
pub mod alertmanager;
mod arguments;
mod builtins;
mod error;
mod functions;
mod json;
mod library;
mod print;
pub mod prometheus;
mod rewrite;
pub mod time;
pub mod value;

pub use arguments::{args, as_text};
pub use error::{Error, Result, fail};
pub use functions::{Function, Functions, humanize_duration, shared};
pub use gotmpl::Value;
pub use library::{Library, Mode, Template};

#[cfg(test)]
mod tests;
