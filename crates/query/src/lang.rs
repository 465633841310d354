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
mod mentioned;
mod number;
mod parser;
mod pattern;
pub mod pipe;
mod printer;
mod severity;
mod spans;
#[cfg(test)]
mod tests;

pub use ast::{Position, Query};
pub use error::{FilterError, Problem};
pub use hints::{Hint, unknown_fields, unknown_fields_of_pipe};
pub use lower::lower;
pub use mentioned::fields_in;
pub use parser::parse;
pub use pipe::{Pipe, lower_pipe, parse_pipe};
pub use printer::{print_key, print_value};
pub use spans::lower_traces;
