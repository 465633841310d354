//! Where decoders push what they read: the seam between wire formats and engines.
//!
//! A decoder walks a request once, in wire order, and calls the sink of the
//! signal. Nothing is allocated per record on the way: texts and bytes are
//! borrowed from the request. The engines implement these traits with column
//! builders; tests implement them with rows of `model` (see `wire::rows`).
//!
//! Order of calls for traces (logs and metrics alike):
//! `resource (scope (attribute* event* link* end_span | abandon)*)*`. The attributes of
//! a record come *before* the record's own fields, because only then is the
//! record complete whatever the order on the wire.
//!
//! `attribute` is called some fifteen times per record: mark it `#[inline]`, which
//! measured 300 instead of 480 ns per span with a sink that only counts.
//!
//! What the decoder guarantees: all `&str` are UTF-8; ids have their length
//! and are not zero where they must not be; `start <= end`; nesting of values
//! is at most [`MAX_NESTING`] deep; `raw` messages are well-formed throughout
//! and can be read later with the functions of `wire::otlp` without errors.

use model::{SpanId, TraceId, UnixNanos};

/// How deep arrays and maps may nest in one attribute value.
pub const MAX_NESTING: usize = 32;

/// One attribute value, borrowed from the request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// No value was set.
    Empty,
    /// Text.
    Str(&'a str),
    /// True or false.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// A list: the bytes of an OTLP `ArrayValue` message; read with `wire::otlp::read_array`.
    Array(&'a [u8]),
    /// Keys and values: the bytes of an OTLP `KeyValueList` message; read with `wire::otlp::read_map`.
    Map(&'a [u8]),
}

/// The resource of the records that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceRef<'a> {
    /// The bytes of the OTLP `Resource` message, well-formed; equal bytes mean an equal resource. Read with `wire::otlp::read_resource`.
    pub raw: &'a [u8],
    /// Schema of the attributes, or empty.
    pub schema_url: &'a str,
}

/// The instrumentation scope of the records that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeRef<'a> {
    /// The bytes of the OTLP `InstrumentationScope` message, well-formed. Read with `wire::otlp::read_scope`.
    pub raw: &'a [u8],
    /// Schema of the records' attributes, or empty.
    pub schema_url: &'a str,
}

/// The fields of a span that are neither attributes nor events nor links.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SpanFields<'a> {
    /// Never zero.
    pub trace_id: TraceId,
    /// Never zero.
    pub span_id: SpanId,
    /// Zero for a root.
    pub parent_span_id: SpanId,
    /// W3C `tracestate`.
    pub trace_state: &'a str,
    /// OTLP span flags.
    pub flags: u32,
    /// The operation.
    pub name: &'a str,
    /// 0-5 as in OTLP; larger values are stored as 0.
    pub kind: u8,
    /// When it began.
    pub start: UnixNanos,
    /// When it ended; not before `start`.
    pub end: UnixNanos,
    /// 0 unset, 1 ok, 2 error; larger values are stored as 0.
    pub status_code: u8,
    /// The status message.
    pub status_message: &'a str,
    /// Attributes that the sender dropped.
    pub dropped_attributes_count: u32,
    /// Events that the sender dropped.
    pub dropped_events_count: u32,
    /// Links that the sender dropped.
    pub dropped_links_count: u32,
}

/// The fields of a log record that are not attributes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogFields<'a> {
    /// As sent; the observed time if the sender gave none; the time of arrival if neither.
    pub time: UnixNanos,
    /// As sent; `time` if the sender gave none.
    pub observed_time: UnixNanos,
    /// 0-24; larger values are stored as 0.
    pub severity_number: u8,
    /// The severity as the source spelled it.
    pub severity_text: &'a str,
    /// Text or structure.
    pub body: ValueRef<'a>,
    /// The event's name, or empty.
    pub event_name: &'a str,
    /// Zero when the record belongs to no trace.
    pub trace_id: TraceId,
    /// Zero when the record belongs to no span.
    pub span_id: SpanId,
    /// OTLP log record flags.
    pub flags: u32,
    /// Attributes that the sender dropped.
    pub dropped_attributes_count: u32,
}

/// Takes spans.
pub trait SpanSink {
    /// How many spans follow in all, refused ones included; to be taken as a hint. Called once, before anything else, or not.
    fn expect(&mut self, _spans: usize) {}
    /// The spans that follow belong to this resource.
    fn resource(&mut self, resource: ResourceRef<'_>);
    /// The spans that follow belong to this scope of the current resource.
    fn scope(&mut self, scope: ScopeRef<'_>);
    /// An attribute of the span that is being read.
    fn attribute(&mut self, key: &str, value: ValueRef<'_>);
    /// An event of the span that is being read: the bytes of the OTLP `Event` message, well-formed.
    fn event(&mut self, raw: &[u8]);
    /// A link of the span that is being read: the bytes of the OTLP `Link` message, well-formed.
    fn link(&mut self, raw: &[u8]);
    /// Completes the span that is being read.
    fn end_span(&mut self, span: &SpanFields<'_>);
    /// Forgets the attributes, events and links of the span that is being read: it was refused.
    fn abandon(&mut self);
}

/// Takes log records.
pub trait LogSink {
    /// How many records follow in all, refused ones included; to be taken as a hint. Called once, before anything else, or not.
    fn expect(&mut self, _records: usize) {}
    /// The records that follow belong to this resource.
    fn resource(&mut self, resource: ResourceRef<'_>);
    /// The records that follow belong to this scope of the current resource.
    fn scope(&mut self, scope: ScopeRef<'_>);
    /// An attribute of the record that is being read.
    fn attribute(&mut self, key: &str, value: ValueRef<'_>);
    /// Completes the record that is being read.
    fn end_record(&mut self, record: &LogFields<'_>);
    /// Forgets the attributes of the record that is being read: it was refused.
    fn abandon(&mut self);
}

/// How a sum or histogram counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Temporality {
    /// Not said; refused by the decoder for sums and histograms.
    #[default]
    Unspecified,
    /// Since the last report.
    Delta,
    /// Since the start time.
    Cumulative,
}

/// What kind of points a metric has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// A measured value.
    Gauge,
    /// A counted value.
    Sum {
        /// How it counts.
        temporality: Temporality,
        /// Whether it only grows.
        monotonic: bool,
    },
    /// Counts per bucket with explicit bounds.
    Histogram {
        /// How it counts.
        temporality: Temporality,
    },
    /// Counts per bucket with exponential bounds.
    ExponentialHistogram {
        /// How it counts.
        temporality: Temporality,
    },
    /// Quantiles computed by the sender.
    Summary,
}

/// The metric that the points that follow belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricRef<'a> {
    /// Never empty.
    pub name: &'a str,
    /// What it measures.
    pub description: &'a str,
    /// UCUM unit.
    pub unit: &'a str,
    /// What kind of points follow.
    pub kind: MetricKind,
}

/// What every data point has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointFields<'a> {
    /// The attributes, in wire order, all well-formed.
    pub attributes: &'a [(&'a str, ValueRef<'a>)],
    /// Since when a sum or histogram counts; 0 if not said.
    pub start: UnixNanos,
    /// When it was measured.
    pub time: UnixNanos,
    /// OTLP data point flags; bit 0: no recorded value (staleness).
    pub flags: u32,
    /// Examples of what was measured.
    pub exemplars: &'a [ExemplarRef<'a>],
}

/// An example of what was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExemplarRef<'a> {
    /// When.
    pub time: UnixNanos,
    /// The measured value.
    pub value: f64,
    /// Zero when not traced.
    pub trace_id: TraceId,
    /// Zero when not traced.
    pub span_id: SpanId,
    /// Bytes of the `filtered_attributes` fields, one encoded `KeyValue` after another as in a `KeyValueList`; read with `wire::otlp::read_map`.
    pub filtered_attributes: &'a [u8],
}

/// The value of a gauge or sum point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// `as_int`.
    Int(i64),
    /// `as_double`.
    Double(f64),
}

/// A histogram point with explicit bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistogramFields<'a> {
    /// All observations.
    pub count: u64,
    /// Their sum, if sent.
    pub sum: Option<f64>,
    /// The smallest, if sent.
    pub min: Option<f64>,
    /// The largest, if sent.
    pub max: Option<f64>,
    /// Counts per bucket, not accumulated; one more than `bounds`, or empty.
    pub bucket_counts: &'a [u64],
    /// Upper bounds (inclusive), strictly increasing.
    pub bounds: &'a [f64],
}

/// The buckets of one sign of an exponential histogram.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ExponentialBuckets<'a> {
    /// The index of the first bucket.
    pub offset: i32,
    /// Counts per bucket, not accumulated.
    pub counts: &'a [u64],
}

/// A histogram point with exponential bounds: bucket `i` is `(base^i, base^(i+1)]`, `base = 2^(2^-scale)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExponentialHistogramFields<'a> {
    /// All observations.
    pub count: u64,
    /// Their sum, if sent.
    pub sum: Option<f64>,
    /// The smallest, if sent.
    pub min: Option<f64>,
    /// The largest, if sent.
    pub max: Option<f64>,
    /// Resolution.
    pub scale: i32,
    /// Observations in the zero bucket.
    pub zero_count: u64,
    /// Half width of the zero bucket.
    pub zero_threshold: f64,
    /// Positive observations.
    pub positive: ExponentialBuckets<'a>,
    /// Negative observations.
    pub negative: ExponentialBuckets<'a>,
}

/// A summary point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SummaryFields<'a> {
    /// All observations.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// `(quantile in 0..=1, value)`.
    pub quantiles: &'a [(f64, f64)],
}

/// A point that the sink cannot take, and why; counted into `partial_success`.
pub type PointResult = Result<(), String>;

/// Takes metric points.
pub trait MetricSink {
    /// The metrics that follow belong to this resource.
    fn resource(&mut self, resource: ResourceRef<'_>);
    /// The metrics that follow belong to this scope of the current resource.
    fn scope(&mut self, scope: ScopeRef<'_>);
    /// The points that follow belong to this metric of the current scope.
    fn metric(&mut self, metric: MetricRef<'_>);
    /// A point of a gauge or sum.
    fn number(&mut self, point: &PointFields<'_>, value: Number) -> PointResult;
    /// A point of a histogram with explicit bounds.
    fn histogram(&mut self, point: &PointFields<'_>, histogram: &HistogramFields<'_>) -> PointResult;
    /// A point of a histogram with exponential bounds.
    fn exponential_histogram(
        &mut self,
        point: &PointFields<'_>,
        histogram: &ExponentialHistogramFields<'_>,
    ) -> PointResult;
    /// A point of a summary.
    fn summary(&mut self, point: &PointFields<'_>, summary: &SummaryFields<'_>) -> PointResult;
}
