//! Points of metrics, of every kind.

use wire::otlp::tree::{Buckets, Number, Value};

use super::span::small;
use super::{fields, lists, read_only, time};
use crate::ottl::context::Point;
use crate::ottl::eval::EvalError;
use crate::ottl::path::{count, double, int, mismatch, nanos};
use crate::ottl::value::Val;

fields! {
    /// What points have; `nil` for kinds that do not have it.
    PointField {
        Attributes = "attributes",
        StartTimeUnixNano = "start_time_unix_nano",
        TimeUnixNano = "time_unix_nano",
        StartTime = "start_time",
        Time = "time",
        ValueDouble = "value_double",
        ValueInt = "value_int",
        Flags = "flags",
        Count = "count",
        Sum = "sum",
        Min = "min",
        Max = "max",
        BucketCounts = "bucket_counts",
        ExplicitBounds = "explicit_bounds",
        Scale = "scale",
        ZeroCount = "zero_count",
        PositiveOffset = "positive.offset",
        PositiveBucketCounts = "positive.bucket_counts",
        NegativeOffset = "negative.offset",
        NegativeBucketCounts = "negative.bucket_counts",
        ZeroThreshold = "zero_threshold",
        QuantileValues = "quantile_values",
        Exemplars = "exemplars",
    }
}

fn list<T: Copy, V: Into<Value>>(items: &[T], f: impl Fn(T) -> V) -> Val {
    Val::Plain(Value::Array(items.iter().map(|i| f(*i).into()).collect()))
}

fn counts(counts: &[u64]) -> Val {
    list(counts, |n| i64::try_from(n).unwrap_or(i64::MAX))
}

fn optional(v: Option<f64>) -> Val {
    v.map_or(Val::NIL, Val::from)
}

/// Picks a field that several kinds of points have.
macro_rules! of {
    ($point:expr, $p:ident => $value:expr, $($kind:ident)|+) => {
        match $point {
            $(Point::$kind($p) => $value,)+
            #[allow(unreachable_patterns, reason = "some fields belong to all kinds")]
            _ => Val::NIL,
        }
    };
}

/// Sets a field that several kinds of points have.
macro_rules! put {
    ($point:expr, $p:ident => $place:expr, $value:expr, $($kind:ident)|+) => {
        match $point {
            $(Point::$kind($p) => $place = $value,)+
            #[allow(unreachable_patterns, reason = "some fields belong to all kinds")]
            _ => return Err(EvalError::new("this kind of point does not have it")),
        }
    };
}

impl PointField {
    pub(in crate::ottl) fn get(self, point: &Point<'_>) -> Val {
        let signed = |b: &Option<Buckets>, offset: bool| match b {
            None => Val::NIL,
            Some(b) if offset => b.offset.into(),
            Some(b) => counts(&b.bucket_counts),
        };
        match self {
            Self::Attributes => point.attributes().clone().into(),
            Self::StartTimeUnixNano => {
                of!(point, p => p.start_time_unix_nano.into(), Number | Histogram | Exponential | Summary)
            }
            Self::TimeUnixNano => of!(point, p => p.time_unix_nano.into(), Number | Histogram | Exponential | Summary),
            Self::StartTime => {
                of!(point, p => time(p.start_time_unix_nano), Number | Histogram | Exponential | Summary)
            }
            Self::Time => of!(point, p => time(p.time_unix_nano), Number | Histogram | Exponential | Summary),
            Self::Flags => of!(point, p => p.flags.into(), Number | Histogram | Exponential | Summary),
            Self::ValueDouble => match point {
                Point::Number(p) => match p.value {
                    Some(Number::Double(d)) => d.into(),
                    _ => Val::NIL,
                },
                _ => Val::NIL,
            },
            Self::ValueInt => match point {
                Point::Number(p) => match p.value {
                    Some(Number::Int(i)) => i.into(),
                    _ => Val::NIL,
                },
                _ => Val::NIL,
            },
            Self::Count => of!(point, p => p.count.into(), Histogram | Exponential | Summary),
            Self::Sum => match point {
                Point::Summary(p) => p.sum.into(),
                _ => of!(point, p => optional(p.sum), Histogram | Exponential),
            },
            Self::Min => of!(point, p => optional(p.min), Histogram | Exponential),
            Self::Max => of!(point, p => optional(p.max), Histogram | Exponential),
            Self::BucketCounts => of!(point, p => counts(&p.bucket_counts), Histogram),
            Self::ExplicitBounds => of!(point, p => list(&p.explicit_bounds, |b| b), Histogram),
            Self::Scale => of!(point, p => p.scale.into(), Exponential),
            Self::ZeroCount => of!(point, p => p.zero_count.into(), Exponential),
            Self::PositiveOffset => of!(point, p => signed(&p.positive, true), Exponential),
            Self::PositiveBucketCounts => of!(point, p => signed(&p.positive, false), Exponential),
            Self::NegativeOffset => of!(point, p => signed(&p.negative, true), Exponential),
            Self::NegativeBucketCounts => of!(point, p => signed(&p.negative, false), Exponential),
            Self::ZeroThreshold => of!(point, p => p.zero_threshold.into(), Exponential),
            Self::Exemplars => lists::exemplars(point.exemplars()),
            Self::QuantileValues => of!(point, p => list(&p.quantile_values, |q| q.value), Summary),
        }
    }

    pub(in crate::ottl) fn set(self, point: &mut Point<'_>, v: Val) -> Result<(), EvalError> {
        match self {
            Self::Attributes => return Err(mismatch("a map", &v)),
            Self::StartTimeUnixNano | Self::StartTime => {
                put!(point, p => p.start_time_unix_nano, nanos(&v)?, Number | Histogram | Exponential | Summary);
            }
            Self::TimeUnixNano | Self::Time => {
                put!(point, p => p.time_unix_nano, nanos(&v)?, Number | Histogram | Exponential | Summary);
            }
            Self::Flags => put!(point, p => p.flags, count(&v)?, Number | Histogram | Exponential | Summary),
            Self::ValueDouble => put!(point, p => p.value, Some(Number::Double(double(&v)?)), Number),
            Self::ValueInt => put!(point, p => p.value, Some(Number::Int(int(&v)?)), Number),
            Self::Count => put!(point, p => p.count, unsigned(&v)?, Histogram | Exponential | Summary),
            Self::Sum => match point {
                Point::Summary(p) => p.sum = double(&v)?,
                _ => put!(point, p => p.sum, Some(double(&v)?), Histogram | Exponential),
            },
            Self::Min => put!(point, p => p.min, Some(double(&v)?), Histogram | Exponential),
            Self::Max => put!(point, p => p.max, Some(double(&v)?), Histogram | Exponential),
            Self::BucketCounts => put!(point, p => p.bucket_counts, list_of(&v, unsigned)?, Histogram),
            Self::ExplicitBounds => put!(point, p => p.explicit_bounds, list_of(&v, double)?, Histogram),
            Self::Scale => put!(point, p => p.scale, small(&v)?, Exponential),
            Self::ZeroCount => put!(point, p => p.zero_count, unsigned(&v)?, Exponential),
            Self::PositiveOffset => {
                put!(point, p => p.positive.get_or_insert_default().offset, small(&v)?, Exponential)
            }
            Self::NegativeOffset => {
                put!(point, p => p.negative.get_or_insert_default().offset, small(&v)?, Exponential)
            }
            Self::PositiveBucketCounts => {
                put!(point, p => p.positive.get_or_insert_default().bucket_counts, list_of(&v, unsigned)?, Exponential);
            }
            Self::NegativeBucketCounts => {
                put!(point, p => p.negative.get_or_insert_default().bucket_counts, list_of(&v, unsigned)?, Exponential);
            }
            Self::ZeroThreshold => put!(point, p => p.zero_threshold, double(&v)?, Exponential),
            Self::Exemplars => {
                let exemplars = lists::exemplars_of(&v)?;
                match point.exemplars_mut() {
                    Some(own) => *own = exemplars,
                    None => return Err(EvalError::new("this kind of point does not have it")),
                }
            }
            Self::QuantileValues => return Err(read_only("quantile_values")),
        }
        Ok(())
    }
}

fn unsigned(v: &Val) -> Result<u64, EvalError> {
    let i = int(v)?;
    u64::try_from(i).map_err(|_| EvalError::new(format!("{i} is not a count")))
}

fn list_of<T>(v: &Val, f: impl Fn(&Val) -> Result<T, EvalError>) -> Result<Vec<T>, EvalError> {
    match v {
        Val::Plain(Value::Array(items)) => items.iter().map(|i| f(&Val::Plain(i.clone()))).collect(),
        _ => Err(mismatch("a list", v)),
    }
}
