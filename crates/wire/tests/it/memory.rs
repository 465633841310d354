//! What decoding allocates: nothing per record, nothing for lengths that the input only claims.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use foundation::UnixNanos;
use model::{LogRecord, Span, SpanId, TraceId, Value};
use wire::otlp::{self, Limits, encode};
use wire::sink::{LogFields, LogSink, ResourceRef, ScopeRef, SpanFields, SpanSink, ValueRef};

/// Counts the bytes that a thread asks for.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATED.try_with(|n| n.set(n.get() + layout.size()));
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocated_by<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATED.get();
    let result = work();
    (ALLOCATED.get() - before, result)
}

/// Takes everything and keeps nothing.
struct Nothing;

impl SpanSink for Nothing {
    fn resource(&mut self, _: ResourceRef<'_>) {}
    fn scope(&mut self, _: ScopeRef<'_>) {}
    fn attribute(&mut self, _: &str, _: ValueRef<'_>) {}
    fn event(&mut self, _: &[u8]) {}
    fn link(&mut self, _: &[u8]) {}
    fn end_span(&mut self, _: &SpanFields<'_>) {}
    fn abandon(&mut self) {}
}

impl LogSink for Nothing {
    fn resource(&mut self, _: ResourceRef<'_>) {}
    fn scope(&mut self, _: ScopeRef<'_>) {}
    fn attribute(&mut self, _: &str, _: ValueRef<'_>) {}
    fn end_record(&mut self, _: &LogFields<'_>) {}
    fn abandon(&mut self) {}
}

#[test]
fn good_records_are_decoded_without_allocation() {
    let attributes =
        vec![("a".to_owned(), Value::Array(vec!["x".into()])), ("b".to_owned(), Value::Str("y".repeat(200)))];
    let span = Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([1; 8]),
        name: "caf\u{e9}".into(),
        attributes: attributes.clone(),
        ..Span::default()
    };
    let log = LogRecord { time: UnixNanos(5), attributes, body: "x".into(), ..LogRecord::default() };
    let limits = Limits::new(UnixNanos(5));
    let traces = encode::traces_request(&vec![span; 100]);
    let (bytes, decoded) = allocated_by(|| otlp::decode_traces(&traces, &limits, &mut Nothing).unwrap());
    assert_eq!((bytes, decoded.accepted), (0, 100));
    let logs = encode::logs_request(&vec![log; 100]);
    let (bytes, decoded) = allocated_by(|| otlp::decode_logs(&logs, &limits, &mut Nothing).unwrap());
    assert_eq!((bytes, decoded.accepted), (0, 100));
}

#[test]
fn claimed_lengths_cost_nothing() {
    // A gibibyte of resource spans, of spans, of a key, of bucket counts.
    for request in [
        &b"\x0a\x80\x80\x80\x80\x04"[..],
        b"\x0a\x07\x12\x80\x80\x80\x80\x04\x00",
        b"\x0a\x0f\x12\x0d\x12\x0b\x4a\x09\x0a\x80\x80\x80\x80\x04abc",
        b"\x0a\x16\x12\x14\x12\x12\x0a\x01n\x4a\x0d\x0a\x09\x32\x80\x80\x80\x80\x04abc\x10\x02",
    ] {
        let limits = Limits::new(UnixNanos(5));
        let (bytes, stored) =
            allocated_by(|| otlp::decode_traces(request, &limits, &mut Nothing).is_ok_and(|d| d.accepted > 0));
        assert!(!stored && bytes < 1024, "{bytes} bytes");
        let mut sink = wire::rows::RowMetricSink::default();
        let (bytes, failed) = allocated_by(|| otlp::decode_metrics(request, &limits, &mut sink).is_err());
        assert!(failed && bytes < 1024, "{bytes} bytes");
        let (bytes, _) = allocated_by(|| otlp::read_map(request));
        assert!(bytes < 1024, "{bytes} bytes");
    }
}
