//! Codecs of columns: plain values in, bytes out, and back.
//!
//! They know neither records nor files. Every decoder treats its bytes as
//! coming from outside: it checks every length and never panics. The formats
//! are specified in `docs/formats/segment.md`.

pub(crate) mod binary;
pub(crate) mod bitmap;
pub(crate) mod bits;
pub(crate) mod bytes;
pub(crate) mod codes;
pub(crate) mod doubles;
pub(crate) mod ids;
pub(crate) mod ints;
pub(crate) mod presence;
pub(crate) mod template;
pub(crate) mod tokens;

/// Bytes that are not what they should be, and in which part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("damaged {0}")]
pub(crate) struct Damaged(pub(crate) &'static str);
