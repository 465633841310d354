//! The filter language of logs and traces: text, tree, text again, and the engine's filter.
//!
//! One grammar for the API, the UI, alerts and the command line, specified in
//! `docs/query-language.md`.

pub mod ast;
pub mod error;
pub mod fields;
pub mod hints;
mod lexer;
mod lower;
mod number;
mod parser;
mod pattern;
mod printer;
mod severity;
#[cfg(test)]
mod tests;

pub use ast::{Position, Query};
pub use error::{FilterError, Problem};
pub use hints::{Hint, unknown_fields};
pub use lower::lower;
pub use parser::parse;
pub use printer::print_value;
