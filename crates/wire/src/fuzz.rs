//! Entry points for fuzzing: any bytes at all, through everything that reads bytes.
//!
//! Each function checks what must hold for every input, beyond that nothing
//! panics: counts agree, and whether a request is broken does not depend on the limits.

use foundation::UnixNanos;
use model::{Histogram, Signal};

use crate::otlp::tree::{LogRecord, Metric, Record, Span, Tree};
use crate::otlp::{self, DecodeError, Decoded, Limits, json, raw};
use crate::prometheus::exposition::{self, ExpositionSink, SampleRef, Value};
use crate::prometheus::remote_read;
use crate::prometheus::remote_write::{self, Version};
use crate::prometheus::{self, ExemplarRef, MetadataRef, SampleSink, SeriesSink, Stamp};
use crate::protobuf::Reader;
use crate::rows::{RowLogSink, RowMetricSink, RowSpanSink};
use crate::sink::ValueRef;
use crate::thrift::Protocol;
use crate::{jaeger, json_lines, loki, syslog, zipkin};

/// Limits that random messages reach.
const fn limits() -> Limits {
    Limits {
        max_attributes: 8,
        max_events: 4,
        max_links: 4,
        max_exemplars: 4,
        max_buckets: 32,
        ..Limits::new(UnixNanos(1))
    }
}

/// Limits that refuse every record.
const fn closed() -> Limits {
    Limits { max_attributes: 0, ..Limits::accepting(UnixNanos(1), UnixNanos::MAX, UnixNanos::MAX) }
}

/// Any bytes as a trace request.
pub fn fuzz_traces(data: &[u8]) {
    let refusing = otlp::decode_traces(data, &closed(), &mut RowSpanSink::default());
    as_it_lies(Signal::Traces, data, &refusing);
    let mut sink = RowSpanSink::default();
    assert_eq!(refusing.is_ok(), otlp::decode_traces(data, &Limits::new(UnixNanos(1)), &mut sink).is_ok());
    let mut sink = RowSpanSink::default();
    if let Ok(decoded) = otlp::decode_traces(data, &limits(), &mut sink) {
        assert_eq!(decoded.accepted, sink.spans.len() as u64);
        assert!(decoded.rejected == 0 || decoded.first_error.is_some());
        for span in &sink.spans {
            assert!(!span.trace_id.is_zero() && !span.span_id.is_zero() && span.start <= span.end);
        }
    }
}

/// Counting does not depend on how a request is read, and one whose resources stay the same stays the same.
fn as_it_lies(signal: Signal, data: &[u8], decoded: &Result<Decoded, DecodeError>) {
    let counted = raw::count(signal, data);
    assert_eq!(counted.is_ok(), decoded.is_ok(), "{counted:?} {decoded:?}");
    if let (Ok(items), Ok(decoded)) = (counted, decoded) {
        assert_eq!(items as u64, decoded.accepted + decoded.rejected);
        let edited = raw::edit_resources(signal, data, |_| {}, None);
        assert!(edited.is_ok_and(|edited| raw::count(signal, &edited) == Ok(items)));
    }
}

/// Any bytes as a log request.
pub fn fuzz_logs(data: &[u8]) {
    let refusing = otlp::decode_logs(data, &closed(), &mut RowLogSink::default());
    as_it_lies(Signal::Logs, data, &refusing);
    let mut sink = RowLogSink::default();
    assert_eq!(refusing.is_ok(), otlp::decode_logs(data, &Limits::new(UnixNanos(1)), &mut sink).is_ok());
    let mut sink = RowLogSink::default();
    if let Ok(decoded) = otlp::decode_logs(data, &limits(), &mut sink) {
        assert_eq!(decoded.accepted, sink.records.len() as u64);
        assert!(decoded.rejected == 0 || decoded.first_error.is_some());
    }
}

/// Any bytes as a metric request.
pub fn fuzz_metrics(data: &[u8]) {
    let refusing = otlp::decode_metrics(data, &closed(), &mut RowMetricSink::default());
    as_it_lies(Signal::Metrics, data, &refusing);
    let mut sink = RowMetricSink::default();
    assert_eq!(refusing.is_ok(), otlp::decode_metrics(data, &Limits::new(UnixNanos(1)), &mut sink).is_ok());
    let mut sink = RowMetricSink::default();
    if let Ok(decoded) = otlp::decode_metrics(data, &limits(), &mut sink) {
        assert_eq!(decoded.accepted, sink.points.len() as u64);
        assert!(decoded.rejected == 0 || decoded.first_error.is_some());
    }
}

/// Any bytes as a JSON request of each signal; what becomes of it is well-formed protobuf.
pub fn fuzz_json(data: &[u8]) {
    if let Ok(request) = json::to_protobuf(Signal::Traces, data) {
        assert!(otlp::decode_traces(&request, &limits(), &mut RowSpanSink::default()).is_ok());
    }
    if let Ok(request) = json::to_protobuf(Signal::Logs, data) {
        assert!(otlp::decode_logs(&request, &limits(), &mut RowLogSink::default()).is_ok());
    }
    if let Ok(request) = json::to_protobuf(Signal::Metrics, data) {
        assert!(otlp::decode_metrics(&request, &limits(), &mut RowMetricSink::default()).is_ok());
    }
}

/// Any bytes as a stored message.
pub fn fuzz_stored(data: &[u8]) {
    otlp::read_resource(data);
    otlp::read_scope(data);
    otlp::read_event(data);
    otlp::read_link(data);
    json::value_to_json(&otlp::read_value(data));
    json::value_to_json(&ValueRef::Array(data).into());
    json::value_to_json(&ValueRef::Map(data).into());
}

/// Any bytes as a tree of each signal: whatever decodes is written in the one form that decodes to itself, and is broken
/// for the tree exactly if it is for the engines.
pub fn fuzz_tree(data: &[u8]) {
    fn settles<R: Record>(data: &[u8]) -> bool {
        let Ok(tree) = Tree::<R>::decode(data) else { return false };
        let bytes = tree.encode();
        let again = Tree::<R>::decode(&bytes).map(|t| (t.items(), t.encode()));
        assert_eq!(again.ok(), Some((tree.items(), bytes)));
        true
    }
    let all = Limits::new(UnixNanos(1));
    let traces = settles::<Span>(data);
    assert_eq!(traces, otlp::decode_traces(data, &all, &mut RowSpanSink::default()).is_ok());
    let logs = settles::<LogRecord>(data);
    assert_eq!(logs, otlp::decode_logs(data, &all, &mut RowLogSink::default()).is_ok());
    // The engines do not look into a metric's `metadata`.
    let metrics = settles::<Metric>(data);
    assert!(!metrics || otlp::decode_metrics(data, &all, &mut RowMetricSink::default()).is_ok());
}

/// Counts what a remote write request holds, and checks what the decoder promises.
#[derive(Default)]
struct Counting {
    samples: u64,
    histograms: u64,
    exemplars: u64,
}

impl SeriesSink for Counting {
    type Series<'s> = &'s mut Self;

    fn series(&mut self, key: &[u8]) -> &mut Self {
        let (mut r, mut last, mut named) = (Reader::new(key), "", false);
        while !r.is_empty() {
            let [name, value] =
                [r.delimited(), r.delimited()].map(|t| std::str::from_utf8(t.unwrap_or_default()).unwrap_or_default());
            assert!(name > last && !value.is_empty(), "{key:?} is not a key");
            (last, named) = (name, named || name == "__name__");
        }
        assert!(named);
        self
    }

    fn metadata(&mut self, metadata: &MetadataRef<'_>) {
        assert!(!metadata.family.is_empty());
    }
}

impl SampleSink for &mut Counting {
    fn sample(&mut self, _: Stamp, _: f64) {
        self.samples += 1;
    }

    fn histogram(&mut self, _: Stamp, histogram: &Histogram<u64>) {
        assert_eq!(prometheus::check_histogram(histogram), Ok(()));
        self.histograms += 1;
    }

    fn float_histogram(&mut self, _: Stamp, histogram: &Histogram<f64>) {
        assert_eq!(prometheus::check_histogram(histogram), Ok(()));
        self.histograms += 1;
    }

    fn exemplar(&mut self, _: &ExemplarRef<'_>) {
        self.exemplars += 1;
    }
}

/// Any bytes as a remote write request of both versions.
pub fn fuzz_remote_write(data: &[u8]) {
    for version in [Version::V1, Version::V2] {
        let tight =
            prometheus::Limits { max_labels: 4, max_value_bytes: 16, max_buckets: 8, ..prometheus::Limits::default() };
        for limits in [prometheus::Limits::default(), tight] {
            let mut sink = Counting::default();
            if let Ok(decoded) = remote_write::decode(version, data, &limits, &mut sink) {
                let passed = (decoded.samples, decoded.histograms, decoded.exemplars);
                assert_eq!(passed, (sink.samples, sink.histograms, sink.exemplars));
                let refused = decoded.refused_samples + decoded.refused_histograms + decoded.refused_exemplars;
                assert!(refused == 0 || decoded.first_error.is_some());
            }
        }
    }
}

/// Checks what the parsers of exposition formats promise.
struct Checking;

impl ExpositionSink for Checking {
    fn sample(&mut self, sample: &SampleRef<'_>) {
        assert!(!sample.raw.is_empty());
        assert!(sample.labels.first().is_some_and(|(name, value)| name == "__name__" && !value.is_empty()));
        for (n, (name, _)) in sample.labels.iter().enumerate() {
            assert!(!name.is_empty() && sample.labels[..n].iter().all(|(before, _)| before != name));
        }
        match sample.value {
            Value::Float(_) => {}
            Value::Histogram(h) => assert_eq!(prometheus::check_histogram(h), Ok(())),
            Value::FloatHistogram(h) => assert_eq!(prometheus::check_histogram(h), Ok(())),
        }
    }

    fn metadata(&mut self, metadata: &MetadataRef<'_>) {
        let _ = metadata.family.len();
    }
}

/// Any bytes as the answer of a target, in every format.
pub fn fuzz_exposition(data: &[u8]) {
    for format in [exposition::Format::Text, exposition::Format::OpenMetrics, exposition::Format::Protobuf] {
        for native in [false, true] {
            let options = exposition::Options { native, always_classic: native, ..exposition::Options::default() };
            // Most bytes are no scrape; what is pushed until then is checked all the same.
            let _ = exposition::parse(format, data, &options, &mut Checking);
        }
    }
}

/// Any bytes as a remote read request.
pub fn fuzz_remote_read(data: &[u8]) {
    if let Ok(request) = remote_read::decode(data) {
        let matchers: usize = request.queries.iter().map(|q| q.matchers.len()).sum();
        assert!(request.queries.len() + matchers <= data.len());
    }
}

/// Any bytes as a batch of Jaeger spans in each encoding; what becomes of it is well-formed.
pub fn fuzz_jaeger(data: &[u8]) {
    for protocol in [Protocol::Compact, Protocol::Binary] {
        for converted in [jaeger::batch(protocol, data), jaeger::emit_batch(protocol, data)].into_iter().flatten() {
            check_spans(&converted.request, converted.spans);
        }
    }
    if let Ok(converted) = jaeger::post_spans(data) {
        check_spans(&converted.request, converted.spans);
    }
}

/// Any bytes as Zipkin spans in each encoding; what becomes of them is well-formed.
pub fn fuzz_zipkin(data: &[u8]) {
    for parse_string_tags in [false, true] {
        let options = zipkin::Options { now: UnixNanos(1), parse_string_tags };
        let all = [zipkin::json_v1(data, &options), zipkin::json_v2(data, &options), zipkin::proto_v2(data, &options)];
        for converted in all.into_iter().flatten() {
            check_spans(&converted.request, converted.spans);
        }
    }
}

fn check_spans(request: &[u8], spans: u64) {
    let decoded = otlp::decode_traces(request, &Limits::new(UnixNanos(1)), &mut RowSpanSink::default());
    assert!(decoded.is_ok_and(|d| d.accepted + d.rejected == spans));
}

/// Any bytes as a syslog message, and as a stream of them.
pub fn fuzz_syslog(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for protocol in [syslog::Protocol::Rfc3164, syslog::Protocol::Rfc5424, syslog::Protocol::Either] {
        let options = syslog::Options { protocol, now: UnixNanos(0), offset_seconds: 3600, allow_skip_pri: true };
        if let Ok(message) = syslog::parse(&text, &options) {
            let record = syslog::log_record(&text, &message, UnixNanos(1));
            assert!((1..=24).contains(&record.severity_number) && message.message.len() <= text.len());
        }
    }
    for framing in [syslog::Framing::Either, syslog::Framing::OctetCounting, syslog::Framing::LineFeed] {
        let mut splitter = syslog::Splitter::new(framing, 64);
        for piece in data.chunks(7) {
            splitter.push(piece);
            while let Ok(Some(message)) = splitter.next_message() {
                assert!(message.len() <= 64 + 7);
            }
        }
    }
}

/// Any bytes as a push to Loki in both encodings, and as lines of JSON; what becomes of them is well-formed.
pub fn fuzz_pushed_logs(data: &[u8]) {
    for converted in [loki::json(data, UnixNanos(1)), loki::protobuf(data, UnixNanos(1))].into_iter().flatten() {
        check_logs(&converted.request, converted.records);
    }
    let lines = json_lines::read(data, &json_lines::Options::new(UnixNanos(1)));
    check_logs(&lines.request, lines.records);
}

fn check_logs(request: &[u8], records: u64) {
    let decoded = otlp::decode_logs(request, &Limits::new(UnixNanos(1)), &mut RowLogSink::default());
    assert!(decoded.is_ok_and(|d| d.accepted + d.rejected == records));
}
