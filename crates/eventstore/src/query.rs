//! Queries: one file each, over the blocks of memory and segments alike.

pub mod filter;
pub mod request;

pub use filter::{AttributeScope, CompareOp, Field, Filter, Operand, Predicate, TextMatch};
pub use request::{
    AttributeOwner, Buckets, CancelFlag, CountGroup, Counts, FieldKey, FieldValue, GroupBy, Limits, Order, Outcome,
    Page, ParseRowIdError, Partial, QueryStats, RedBy, RedGroup, Row, RowId, Rows, Select, ServiceSpans, TraceSummary,
    Traces, ValueType,
};
