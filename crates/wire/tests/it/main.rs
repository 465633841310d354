//! Decoding against the official messages as oracle, against broken bytes, and its use of memory.

#![allow(clippy::unwrap_used, reason = "tests")]

mod expected;
mod json;
mod memory;
mod oracle;
mod requests;
mod robustness;
mod shuffle;
mod tree;
