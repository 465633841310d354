//! What can be set, with defaults and reasons.

use std::path::PathBuf;
use std::time::Duration;

use crate::aggregate::AggregateRule;
use crate::matcher::Matcher;

/// What a start after a crash has to replay, at most: some 30 million samples of known series at about 2 bytes each, a
/// few seconds. It also ends a log that only grows by samples that are refused.
const LOG_BYTES_MAX: u64 = 64 << 20;

/// How the engine is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder; made if it is not there. Holds `wal/`, the blocks and the manifest.
    pub dir: PathBuf,
    /// Series in memory, at most; samples of further series are refused. A series costs about 1 KiB.
    pub max_series: usize,
    /// What else is asked of a series that is new in memory. What was taken before a limit was lowered stays.
    pub series_limits: SeriesLimits,
    /// New series that satisfy all matchers of one of these are dropped silently; [`Ingested::dropped`](crate::Ingested::dropped)
    /// counts their samples.
    pub drop_series: Vec<Vec<Matcher>>,
    /// When there are any: new series that satisfy all matchers of none of these are dropped.
    pub keep_series: Vec<Vec<Matcher>>,
    /// Series that are new in memory and match one of these are not stored; their sums are.
    pub aggregate: Vec<AggregateRule>,
    /// How much older than the newest sample a sample may be. Prometheus: `out_of_order_time_window`.
    pub out_of_order_window: Duration,
    /// How far ahead of the clock a sample may be: a sender with a wrong clock must not move the window.
    pub future_tolerance: Duration,
    /// The head is flushed to a block when its newest sample passes a multiple of this, counted from 1970, unless it began
    /// less than half as long before.
    pub block_span: Duration,
    /// The head is flushed when it takes this many bytes of memory. Samples are refused as unavailable while it and
    /// those on their way to blocks take more than twice as much.
    pub head_bytes_max: usize,
    /// The head is flushed when the log has grown by this many bytes since the last flush, what was replayed included.
    pub log_bytes_max: u64,
    /// How long samples are kept: older ones are refused, and no block reaches over much of it. The owner takes
    /// blocks away ([`Tsdb::remove_blocks`](crate::Tsdb::remove_blocks)). `None` keeps all.
    pub retention: Option<Duration>,
    /// A delta stream that is silent this long is forgotten; when it comes back it counts from 0 as a reset counter does.
    pub delta_idle: Duration,
    /// Exemplars kept per series; the oldest goes first.
    pub exemplars_per_series: usize,
    /// Exemplars kept in memory over all series; beyond it new ones are dropped.
    pub max_exemplars: usize,
    /// Where request bytes wait for the disk; see [`wal::Options::max_pending_bytes`].
    pub wal_pending_bytes: usize,
    /// Bytes of disk that stay free; see [`wal::Options::min_free_bytes`].
    pub min_free_bytes: u64,
    /// How OTLP becomes series.
    pub otlp: OtlpOptions,
}

impl Options {
    /// The defaults for an engine in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let wal = wal::Options::new("");
        Self {
            dir: dir.into(),
            max_series: 1_000_000,
            series_limits: SeriesLimits::default(),
            drop_series: Vec::new(),
            keep_series: Vec::new(),
            aggregate: Vec::new(),
            out_of_order_window: Duration::from_secs(3600),
            future_tolerance: Duration::from_secs(600),
            block_span: Duration::from_secs(2 * 3600),
            head_bytes_max: 512 << 20,
            log_bytes_max: LOG_BYTES_MAX,
            retention: Some(Duration::from_secs(15 * 86_400)),
            delta_idle: Duration::from_secs(86_400),
            exemplars_per_series: 10,
            max_exemplars: 100_000,
            wal_pending_bytes: wal.max_pending_bytes,
            min_free_bytes: wal.min_free_bytes,
            otlp: OtlpOptions::default(),
        }
    }
}

/// Limits on the series in memory by what they are; `None`: there is none. A sample of a series beyond them is refused by name.
#[derive(Debug, Clone, Default)]
pub struct SeriesLimits {
    /// Series of one metric name. Batches that arrive together may pass it by what they bring.
    pub series_per_metric: Option<usize>,
    /// Series of one `job`, likewise.
    pub series_per_job: Option<usize>,
    /// Labels of a series, its name included. Prometheus: `label_limit`.
    pub labels: Option<usize>,
    /// Bytes of a label name. Prometheus: `label_name_length_limit`.
    pub label_name_bytes: Option<usize>,
    /// Bytes of a label value. Prometheus: `label_value_length_limit`.
    pub label_value_bytes: Option<usize>,
}

/// How OTLP becomes series.
#[derive(Debug, Clone, Default)]
pub struct OtlpOptions {
    /// Adds `otel_scope_name`, `otel_scope_version` and `otel_scope_schema_url` to every series. Off by default, as in Prometheus: few queries
    /// want them and they multiply label bytes.
    pub scope_labels: bool,
    /// Resource attributes that become labels of every series of the resource, besides `service.name`
    /// (always promoted to `service` and `service_name`). The others are on `target_info`.
    pub promote_resource_attributes: Vec<String>,
    /// Histograms with explicit bounds become native ones with custom buckets instead of `_bucket`, `_sum` and `_count`
    /// series. Prometheus: `convert_histograms_to_nhcb`. Off by default: dashboards ask for `_bucket`.
    pub custom_buckets: bool,
}

/// What one query may use.
#[derive(Debug, Clone)]
pub struct ReadLimits {
    /// Series that may match.
    pub max_series: u64,
    /// Samples that may be decoded, over all series of the selection. Prometheus' default is 50 million.
    pub max_samples: u64,
    /// When the query stops.
    pub deadline: Option<std::time::Instant>,
    /// Set from outside to stop the query.
    pub cancel: Option<std::sync::Arc<std::sync::atomic::AtomicBool>>,
    /// Told what is left out because it is damaged; without it the query fails on damage.
    pub partial: Option<crate::Partial>,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { max_series: 1_000_000, max_samples: 50_000_000, deadline: None, cancel: None, partial: None }
    }
}
