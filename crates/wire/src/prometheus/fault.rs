//! What can be wrong with a request, and with one series of it.

use foundation::ErrorKind;
use thiserror::Error;

use crate::protobuf::Malformed;

/// A request that is not protobuf of the expected schema; nothing of it may be kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Broken bytes.
    #[error("{source}{}", timeseries.map_or(String::new(), |n| format!(" in timeseries[{n}]")))]
    Malformed {
        /// What is wrong, and the byte where it was found.
        #[source]
        source: Malformed,
        /// In which series, if in one.
        timeseries: Option<usize>,
    },
    /// A request of the other version of the protocol.
    #[error("the message is a {found}, but the content type says {expected}")]
    OtherVersion {
        /// What the content type says.
        expected: &'static str,
        /// What the fields say.
        found: &'static str,
    },
    /// Too many symbols.
    #[error("the request has more than {limit} symbols; send smaller requests")]
    Symbols {
        /// How many are allowed.
        limit: usize,
    },
}

impl DecodeError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// Why a series, sample or histogram, well-formed as a message, is not stored.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Refusal {
    /// Every series has a name.
    #[error("the series has no metric name (label `__name__`)")]
    NoName,
    /// A label without a name.
    #[error("a label has no name")]
    EmptyLabelName,
    /// Names of one series differ.
    #[error("label `{0}` occurs twice in one series")]
    RepeatedLabel(String),
    /// Texts are UTF-8.
    #[error("{0} is not valid UTF-8")]
    NotUtf8(&'static str),
    /// More labels than [`Limits::max_labels`](super::Limits::max_labels).
    #[error("the series has more than {limit} labels")]
    TooManyLabels {
        /// How many are allowed.
        limit: usize,
    },
    /// A text longer than the limits allow.
    #[error("the {what} `{start}...` has {bytes} bytes, more than the limit of {limit}")]
    TooLong {
        /// `label name` or `value of label`.
        what: &'static str,
        /// How it begins.
        start: String,
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Names and values alternate.
    #[error("labels_refs has an odd number of entries")]
    OddReferences,
    /// A reference that leads nowhere.
    #[error("the reference {index} lies outside of the {symbols} symbols")]
    NoSuchSymbol {
        /// The reference.
        index: u64,
        /// How many symbols there are.
        symbols: usize,
    },
    /// A histogram that contradicts itself.
    #[error("native histogram: {0}")]
    Histogram(#[from] HistogramFault),
    /// An exemplar with long labels.
    #[error("the labels of the exemplar have more than {} characters", super::limits::EXEMPLAR_CHARS_MAX)]
    ExemplarTooLong,
    /// An exemplar with labels that are not text.
    #[error("the labels of the exemplar are not UTF-8, too many, or references that lead nowhere")]
    ExemplarLabels,
}

/// How a native histogram contradicts itself; the rules are those of Prometheus.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum HistogramFault {
    /// Not a schema that is known.
    #[error("the schema {0} is not known; there are -4 to 8 and -53 (custom buckets)")]
    Schema(i32),
    /// Whole and float counts in one histogram.
    #[error("whole counts and float counts are mixed")]
    MixedCounts,
    /// Spans and counts do not fit.
    #[error("the {sign} spans have {spans} buckets, but there are {counts} counts")]
    SpanMismatch {
        /// `positive` or `negative`.
        sign: &'static str,
        /// Buckets of the spans.
        spans: u64,
        /// Counts.
        counts: usize,
    },
    /// Spans go forward.
    #[error("the {0} span {1} has a negative offset")]
    SpanOffset(&'static str, usize),
    /// Bucket indexes are 32 bits.
    #[error("the {0} spans lead out of the indexes of 32 bits")]
    SpanOverflow(&'static str),
    /// Counts are not negative.
    #[error("the {0} bucket {1} has a negative or missing count")]
    NegativeCount(&'static str, usize),
    /// The count is the sum of the buckets.
    #[error("the buckets have {buckets} observations, but the count is {count}")]
    CountMismatch {
        /// Observations in the buckets.
        buckets: u64,
        /// What the histogram says.
        count: u64,
    },
    /// Custom buckets have neither a zero bucket nor negative ones.
    #[error("custom buckets exclude a zero bucket and negative buckets")]
    CustomWithZeroOrNegative,
    /// Bounds belong to custom buckets.
    #[error("custom bounds need the schema -53")]
    BoundsWithoutSchema,
    /// Bounds rise and are finite.
    #[error("the custom bounds are not rising finite numbers")]
    Bounds,
    /// Spans of custom buckets stay within the bounds.
    #[error("the spans reach bucket {reach}, but {bounds} bounds make {} buckets", bounds + 1)]
    BeyondBounds {
        /// The last bucket of the spans.
        reach: u64,
        /// How many bounds there are.
        bounds: usize,
    },
    /// More than [`Limits::max_buckets`](super::Limits::max_buckets).
    #[error("more than {limit} buckets, spans or bounds")]
    TooManyBuckets {
        /// How many are allowed.
        limit: usize,
    },
}
