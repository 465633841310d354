//! Queries: one file each, over the blocks of memory and segments alike.

pub mod filter;
pub mod request;

mod compile;
pub(crate) mod count;
mod eval;
pub(crate) mod fields;
pub(crate) mod find_traces;
mod group;
mod histogram;
pub(crate) mod latest;
mod materialize;
pub(crate) mod red;
mod run;
mod text;
pub(crate) mod trace;
mod view;

pub use crate::value_type::ValueType;
pub use filter::{AttributeScope, CompareOp, Field, Filter, Operand, Predicate, TextMatch};
pub use request::{
    AttributeOwner, Buckets, CancelFlag, CountGroup, Counts, FieldKey, FieldValue, GroupBy, Limits, Order, Outcome,
    Page, ParseRowIdError, Partial, QueryStats, RedBy, RedGroup, Row, RowId, Rows, Select, ServiceSpans, TraceSummary,
    Traces,
};
