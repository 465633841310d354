//! Tests of what is derived, through the engines it stands between.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod crash;
mod series;
mod support;
