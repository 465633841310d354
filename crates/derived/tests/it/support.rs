//! A server in small: events, what is derived of them, metrics, on a disk and at a time of the test's choice.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use derived::{Derived, Settings, SpanCount};
use eventstore::query::{Field, Filter};
use eventstore::{Config, EventStore, IngestError, SpanBatch};
use foundation::UnixNanos;
use foundation::clock::{Clock as _, ManualClock};
use foundation::disk::sim::SimDisk;
use model::trace::{Resource, Status};
use model::{AccessScope, Span, SpanId, TraceId};
use tsdb::{MatchOp, Matcher, Options, ReadLimits, SeriesData, Tsdb};

pub(crate) const START: UnixNanos = UnixNanos::from_secs(1_700_000_100);
pub(crate) const STEP: Duration = Duration::from_secs(15);

pub(crate) struct Server {
    pub(crate) events: EventStore,
    pub(crate) derived: Arc<Derived>,
    pub(crate) metrics: Tsdb,
    pub(crate) clock: ManualClock,
}

/// Every rejected span, by its name.
pub(crate) fn by_name() -> SpanCount {
    SpanCount { filter: Filter::All, group_by: vec![Field::Name] }
}

/// Opens all three; a metrics engine whose disk does not fail keeps `metrics_disk` apart.
pub(crate) fn open(disk: &SimDisk, metrics_disk: &SimDisk, clock: &ManualClock) -> Server {
    let settings = Settings { span_counts: vec![by_name()], ..Settings::default() };
    let derived = Derived::open(Arc::new(disk.clone()), "/data/derived".as_ref(), settings).unwrap();
    let derived = Arc::new(derived);
    let events =
        EventStore::open_observed(Arc::new(disk.clone()), Config::new("/data/events"), Some(derived.clone())).unwrap();
    let mut options = Options::new("/data/metrics");
    options.min_free_bytes = 0;
    let metrics = Tsdb::open(Arc::new(metrics_disk.clone()), Arc::new(clock.clone()), options).unwrap();
    Server { events, derived, metrics, clock: clock.clone() }
}

pub(crate) fn span(service: &str, name: &str, trace: u64, id: u64, parent: u64) -> Span {
    let mut trace_id = [7; 16];
    trace_id[..8].copy_from_slice(&trace.to_le_bytes());
    Span {
        trace_id: TraceId(trace_id),
        span_id: SpanId(id.to_le_bytes()),
        parent_span_id: SpanId(parent.to_le_bytes()),
        name: name.to_owned(),
        kind: 2,
        start: START,
        end: START.plus(Duration::from_millis(3)),
        status: Status::default(),
        resource: Resource { attributes: vec![("service.name".to_owned(), service.into())], ..Resource::default() },
        ..Span::default()
    }
}

impl Server {
    /// Stores spans as one request that arrives now, and waits.
    pub(crate) fn ingest(&self, spans: &[Span]) -> Result<(), IngestError> {
        let request = wire::otlp::encode::traces_request(spans);
        let limits = wire::otlp::Limits::new(self.clock.now());
        let (batch, _) = SpanBatch::decode(&request, &limits).unwrap();
        let (tx, rx) = mpsc::channel();
        self.events.spans().ingest(request, batch, Box::new(move |result| tx.send(result).unwrap()));
        rx.recv().unwrap()
    }

    /// Waits until everything stored was looked at.
    pub(crate) fn settle(&self) {
        while self.derived.stats().queued > 0 {
            std::thread::yield_now();
        }
    }

    /// The next step: time passes, totals are written.
    pub(crate) fn step(&self) {
        self.settle();
        self.clock.advance(STEP);
        self.derived.write(&self.metrics, self.clock.now()).unwrap();
    }

    /// The series of a metric.
    pub(crate) fn series(&self, name: &str) -> Vec<SeriesData> {
        let named = [Matcher::new("__name__", MatchOp::Eq, name)];
        let range = (i64::MIN, i64::MAX);
        self.metrics.select(&AccessScope::ALL, &named, range, ReadLimits::default()).unwrap().collect().unwrap()
    }
}
