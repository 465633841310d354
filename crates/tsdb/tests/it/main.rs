//! The engine on a simulated disk, against a naive model, and its file formats.

mod aggregate;
mod backfill;
mod backup;
mod batch;
mod blocks;
mod cardinality;
mod durability;
mod flush;
mod golden;
mod golden_batch;
mod histograms;
mod limits;
mod oracle;
mod otlp;
mod points;
mod scan;
mod stretches;
mod support;
