//! What it costs to derive from a span, by thread time.
//!
//! `cargo run --release -p derived --example cost [spans]`: decodes the spans of
//! the bench data set (20 services, 36 spans a trace), hands them to a
//! `Derived` whose disk is memory, and prints nanoseconds per span; then what a
//! step costs that writes all totals.

#![allow(clippy::print_stdout, reason = "a tool that prints its figures")]

use std::sync::Arc;
use std::time::Instant;

use derived::{Derived, Settings};
use eventstore::{SpanBatch, SpanObserver as _};
use foundation::UnixNanos;
use foundation::clock::{Clock as _, SystemClock};
use foundation::disk::sim::SimDisk;
use wire::otlp::Limits;

/// How long the thread of this name was on a CPU, from `/proc/self/task/*/schedstat` (proc(5)).
fn thread_nanos(name: &str) -> Option<u64> {
    let mut tasks = std::fs::read_dir("/proc/self/task").ok()?.flatten().map(|task| task.path());
    let task = tasks.find(|t| std::fs::read_to_string(t.join("comm")).is_ok_and(|comm| comm.trim() == name))?;
    std::fs::read_to_string(task.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let spans: u64 = std::env::args().nth(1).map_or(Ok(500_000), |n| n.parse())?;
    let now = SystemClock.now();
    let mut batches = Vec::new();
    for request in loadgen::dataset::spans(7, spans, now) {
        batches.push(SpanBatch::decode(&request.bytes, &Limits::new(now))?.0);
    }
    let disk = Arc::new(SimDisk::new(1));
    let derived = Derived::open(disk.clone(), "/derived".as_ref(), Settings::default())?;
    for batch in batches {
        derived.spans(1, batch.into());
    }
    while derived.stats().queued > 0 {
        std::thread::yield_now();
    }
    let stats = derived.stats();
    let cpu = thread_nanos("derived").unwrap_or(0);
    println!("{} spans, {} ns of CPU per span", stats.spans, cpu / stats.spans.max(1));
    println!("{stats:?}");
    let mut options = tsdb::Options::new("/metrics");
    options.min_free_bytes = 0;
    let metrics = tsdb::Tsdb::open(disk, Arc::new(SystemClock), options)?;
    for i in 0..2 {
        let began = Instant::now();
        let before = derived.stats().samples;
        derived.write(&metrics, UnixNanos::from_millis(now.as_millis() + 30_000 + i * 15_000))?;
        println!("step: {} samples in {:?}", derived.stats().samples - before, began.elapsed());
    }
    Ok(())
}
