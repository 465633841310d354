//! Queries: one file each, over the blocks of memory and segments alike.

pub mod filter;
pub mod request;

pub(crate) mod aggregate;
pub(crate) mod arrived;
mod compile;
pub(crate) mod count;
mod distinct;
pub(crate) mod edges;
mod eval;
mod facts;
pub(crate) mod fields;
pub(crate) mod find_traces;
mod fold;
mod group;
pub(crate) mod latest;
mod materialize;
mod measure;
mod names;
mod nested;
mod numbers;
pub(crate) mod patterns;
mod prune;
pub(crate) mod red;
mod rejected;
mod run;
mod summarised;
mod text;
pub(crate) mod trace;
mod view;
mod weights;

pub use crate::histogram::HistogramBucket;
pub use crate::value_type::ValueType;
pub use aggregate::{Aggregation, Column, GROUPS_MAX, Having, OrderBy, Table, TableRow};
pub use edges::{Edge, PeerKind, ServiceMap};
pub use filter::{AttributeScope, CompareOp, Field, Filter, Operand, Predicate, TextMatch};
pub use find_traces::TraceFilter;
pub use measure::{Cell, Measure};
pub use nested::lookup;
pub use patterns::{Pattern, Patterns, WILDCARD};
pub use rejected::{RejectedSpans, SpanFilter};
pub use request::{
    AttributeOwner, AttributeUsage, Buckets, CancelFlag, CountGroup, Counts, FieldKey, FieldValue, FieldValues,
    GroupBy, Limits, Order, Outcome, Page, ParseRowIdError, Partial, QueryStats, RedBy, RedGroup, Row, RowId, Rows,
    Select, ServiceSpans, TraceSummary, Traces,
};
