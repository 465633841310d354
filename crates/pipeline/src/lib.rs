//! Floor 4: receivers, and what leads from them to the engines.
//!
//! A receiver reads requests from sockets, within limits, and hands the bytes
//! of each to [`Ingest`], which decodes them into the engine's columns and
//! answers once they are safe in the engine's log. Every answer is counted in
//! [`Journal`], so that the product can say what it refused and why.
//! *Invariant:* no UI, no alerting.

pub mod body;
pub mod budget;
pub mod component;
pub mod config;
pub mod connections;
pub mod connectors;
pub mod consumer;
pub mod exporters;
pub mod extensions;
mod first_bytes;
pub mod graph;
pub mod import;
pub mod ingest;
pub mod journal;
mod luhn;
mod memory;
pub mod meters;
pub mod otlp;
pub mod ottl;
mod own_traces;
mod page;
mod points;
mod port;
pub mod processors;
pub mod receivers;
pub mod refusal;
pub mod remote_write;
pub mod scrape;
pub mod series;
mod split;
mod stanza;
pub mod telemetry;

pub use body::RequestLimit;
pub use consumer::{Answer, Consumer};
pub use import::Import;
pub use ingest::{Engines, Ingest};
pub use journal::Journal;
pub use port::Manner;
pub use refusal::Refusal;
pub use remote_write::RemoteWrite;
pub use telemetry::{Origin, Telemetry};
