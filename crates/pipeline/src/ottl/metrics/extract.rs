//! Metrics made of parts of another: counts, sums, quantiles.

use wire::otlp::tree::{
    Attributes, Buckets, Data, ExponentialPoint, HistogramPoint, Metric, Number, NumberPoint, SummaryPoint, Temporality,
};

use super::buckets::base_power;
use super::{kind, on_metric, temporality};
use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::editors::Edit;
use crate::ottl::eval::EvalError;

fn point(attributes: &Attributes, start: u64, time: u64, value: Number) -> NumberPoint {
    NumberPoint {
        attributes: attributes.clone(),
        start_time_unix_nano: start,
        time_unix_nano: time,
        value: Some(value),
        ..NumberPoint::default()
    }
}

/// The values of each point of a histogram or summary.
fn points(
    data: &Data,
    of_histogram: impl Fn(&HistogramPoint) -> Option<Number>,
    of_exponential: impl Fn(&ExponentialPoint) -> Option<Number>,
    of_summary: impl Fn(&SummaryPoint) -> Option<Number>,
) -> Result<Vec<NumberPoint>, EvalError> {
    macro_rules! all {
        ($points:expr, $value:expr) => {
            $points
                .iter()
                .filter_map(|p| $value(p).map(|v| point(&p.attributes, p.start_time_unix_nano, p.time_unix_nano, v)))
                .collect()
        };
    }
    Ok(match data {
        Data::Histogram { points, .. } => all!(points, of_histogram),
        Data::Exponential { points, .. } => all!(points, of_exponential),
        Data::Summary(points) => all!(points, of_summary),
        other => {
            let message = format!("a histogram, exponential histogram or summary is wanted, not {}", kind(other));
            return Err(EvalError::new(message));
        }
    })
}

/// Adds a metric named after `of`, unless it has no points.
fn add(made: &mut Vec<Metric>, of: &Metric, suffix: &str, unit: &str, data: Data) {
    if data.is_empty() {
        return;
    }
    let (name, description) = (format!("{}{suffix}", of.name).into(), of.description.clone());
    made.push(Metric { name, description, unit: unit.into(), data, ..Metric::default() });
}

fn number(n: u64) -> Number {
    Number::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

fn counts(data: &Data) -> Result<Vec<NumberPoint>, EvalError> {
    points(data, |p| Some(number(p.count)), |p| Some(number(p.count)), |p| Some(number(p.count)))
}

fn sums(data: &Data) -> Result<Vec<NumberPoint>, EvalError> {
    points(data, |p| p.sum.map(Number::Double), |p| p.sum.map(Number::Double), |p| Some(Number::Double(p.sum)))
}

pub(super) fn count(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (monotonic, suffix) = (a.flag(0, false)?, a.text_or(1, "_count")?);
    Ok(on_metric(move |metric, made| {
        let temporality = metric.data.temporality().unwrap_or(Temporality::CUMULATIVE);
        let data = Data::Sum { points: counts(&metric.data)?, temporality, monotonic };
        add(made, metric, &suffix, "", data);
        Ok(())
    }))
}

pub(super) fn sum(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (monotonic, suffix) = (a.flag(0, false)?, a.text_or(1, "_sum")?);
    Ok(on_metric(move |metric, made| {
        let temporality = metric.data.temporality().unwrap_or(Temporality::CUMULATIVE);
        let data = Data::Sum { points: sums(&metric.data)?, temporality, monotonic };
        add(made, metric, &suffix, &metric.unit, data);
        Ok(())
    }))
}

pub(super) fn summary_count(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (temporality, monotonic, suffix) = (temporality(a, 0)?, a.flag(1, false)?, a.text_or(2, "_count")?);
    Ok(on_metric(move |metric, made| {
        if matches!(metric.data, Data::Summary(_)) {
            let data = Data::Sum { points: counts(&metric.data)?, temporality, monotonic };
            add(made, metric, &suffix, "", data);
        }
        Ok(())
    }))
}

pub(super) fn summary_sum(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (temporality, monotonic, suffix) = (temporality(a, 0)?, a.flag(1, false)?, a.text_or(2, "_sum")?);
    Ok(on_metric(move |metric, made| {
        if matches!(metric.data, Data::Summary(_)) {
            let data = Data::Sum { points: sums(&metric.data)?, temporality, monotonic };
            add(made, metric, &suffix, &metric.unit, data);
        }
        Ok(())
    }))
}

pub(super) fn summary_quantiles(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let (key, suffix) = (a.text_or(0, "quantile")?, a.text_or(1, ".quantiles")?);
    Ok(on_metric(move |metric, made| {
        let Data::Summary(points) = &metric.data else { return Ok(()) };
        let mut out = Vec::new();
        for p in points {
            for q in &p.quantile_values {
                let mut of = point(&p.attributes, p.start_time_unix_nano, p.time_unix_nano, Number::Double(q.value));
                of.attributes.set(&key, quantile_text(q.quantile));
                out.push(of);
            }
        }
        add(made, metric, &suffix, &metric.unit, Data::Gauge(out));
        Ok(())
    }))
}

/// Two digits at least, as the Collector writes them: `0.50`.
fn quantile_text(q: f64) -> String {
    let text = q.to_string();
    if text.len() < 4 && text != "0" && text != "1" { text + "0" } else { text }
}

pub(super) fn percentile(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let percentile = a.number(0)?;
    if !(percentile > 0.0 && percentile < 100.0) {
        return Err(a.problem(0, "must be above 0 and below 100"));
    }
    let suffix = a.text_or(1, &format!("_p{percentile}"))?;
    let share = percentile / 100.0;
    Ok(on_metric(move |metric, made| {
        if matches!(metric.data, Data::Summary(_)) {
            return Err(EvalError::new("a histogram or exponential histogram is wanted, not a summary"));
        }
        let points = points(
            &metric.data,
            |p| of_histogram(p, share).map(Number::Double),
            |p| of_exponential(p, share).map(Number::Double),
            |_| None,
        )?;
        add(made, metric, &suffix, &metric.unit, Data::Gauge(points));
        Ok(())
    }))
}

/// Linear within the bucket.
fn of_histogram(p: &HistogramPoint, share: f64) -> Option<f64> {
    let total: u64 = p.bucket_counts.iter().sum();
    if total == 0 || p.bucket_counts.len() != p.explicit_bounds.len() + 1 {
        return None;
    }
    let (rank, mut below) = (share * total as f64, 0.0);
    for (n, count) in p.bucket_counts.iter().enumerate() {
        let with = below + *count as f64;
        if with < rank || *count == 0 {
            below = with;
            continue;
        }
        let lower = match n.checked_sub(1) {
            Some(before) => p.explicit_bounds[before],
            None => {
                let upper = p.explicit_bounds.first().copied();
                p.min.unwrap_or_else(|| upper.filter(|upper| *upper < 0.0).unwrap_or(0.0))
            }
        };
        let upper = p.explicit_bounds.get(n).copied().or(p.max).unwrap_or(lower);
        return Some(lower + (upper - lower) * ((rank - below) / *count as f64));
    }
    None
}

/// Logarithmic within the bucket.
fn of_exponential(p: &ExponentialPoint, share: f64) -> Option<f64> {
    let of = |sign: f64, b: &Option<Buckets>| -> Vec<(f64, i32, u64)> {
        let buckets = b.iter().flat_map(|b| (0..).zip(&b.bucket_counts).map(|(n, c)| (b.offset.saturating_add(n), *c)));
        buckets.map(|(index, count)| (sign, index, count)).collect()
    };
    // From the least value to the greatest: each bucket with its sign and index.
    let all = of(-1.0, &p.negative).into_iter().rev().chain([(0.0, 0, p.zero_count)]).chain(of(1.0, &p.positive));
    let buckets: Vec<(f64, i32, u64)> = all.filter(|(_, _, count)| *count > 0).collect();
    let total: u64 = buckets.iter().map(|(_, _, count)| count).sum();
    let (rank, mut below) = (share * total as f64, 0.0);
    for (sign, index, count) in buckets {
        let with = below + count as f64;
        if with < rank {
            below = with;
            continue;
        }
        let part = (rank - below) / count as f64;
        // Of negative values the least is the farthest from zero.
        let part = if sign < 0.0 { 1.0 - part } else { part };
        return Some(if sign == 0.0 { 0.0 } else { sign * base_power(p.scale, f64::from(index) + part) });
    }
    None
}
