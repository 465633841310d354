//! What a series may be to be stored; each limit refuses the one series, histogram or exemplar that exceeds it.

/// Bounds on what requests and scrapes may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Labels of one series, the metric name included.
    pub max_labels: usize,
    /// Bytes of a label's name or of a metric's name.
    pub max_name_bytes: usize,
    /// Bytes of a label's value.
    pub max_value_bytes: usize,
    /// Buckets of one sign of a native histogram, and its spans, and its custom bounds.
    pub max_buckets: usize,
    /// Symbols of a request of remote write 2.0. Each costs 16 bytes of memory beside the request.
    pub max_symbols: usize,
}

/// Characters of all names and values of an exemplar's labels (OpenMetrics 1.0, "Exemplars").
pub(crate) const EXEMPLAR_CHARS_MAX: usize = 128;

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_labels: 256,
            max_name_bytes: 1024,
            max_value_bytes: 16 << 10,
            max_buckets: 16_384,
            max_symbols: 1 << 20,
        }
    }
}
