//! The store on a simulated disk, against a naive model, and its file formats.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod aggregate;
mod catalogue;
mod columns;
mod crash;
mod damage;
mod golden;
mod kinds;
mod latest;
mod limits;
mod merging;
mod oracle;
mod partitions;
mod paths;
mod power;
mod sampling;
mod soak;
mod summaries;
mod support;
mod traces;
