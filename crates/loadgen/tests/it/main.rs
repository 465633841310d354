//! The data that is generated and how it is sent, checked with other people's types.

#![allow(clippy::unwrap_used, reason = "the server of the tests may fail them")]

mod dataset;
mod meetsmatch;
mod sending;
