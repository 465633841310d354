//! PromQL as Prometheus 3.14 defines it: lexer, parser, printer and evaluator.
//!
//! The crate knows no storage: series come through [`eval::SeriesSource`]. It
//! knows no HTTP either: values are plain Rust types, and every error answers
//! `kind()`.
//!
//! - [`parse()`] turns text into an [`ast::Expr`] with a byte range on every node.
//! - `Display` of an expression prints it so that it parses back to the same tree.
//! - [`eval::Engine`] evaluates an expression at one instant or over a range of steps.

pub mod ast;
pub mod duration;
pub mod error;
pub mod eval;
pub mod functions;
pub mod histogram;
mod kahan;
mod lexer;
pub mod matcher;
pub mod number;
mod parse;
mod pretty;
mod printer;
pub mod series;
mod span;
mod text;
mod value_type;

pub use error::ParseError;
pub use parse::{parse, parse_metric, parse_selector};
pub use pretty::pretty;
