//! Other buckets: fewer ones, and bounds in the place of exponential ones.

use std::hash::{BuildHasher as _, RandomState};

use wire::otlp::tree::{Data, ExponentialPoint, HistogramPoint};

use super::on_metric;
use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::editors::Edit;

/// How far a bound may be from the one that is named.
const SAME: f64 = 1e-12;

/// `base` to the power of `index`, of exponential buckets: the upper bound of bucket `index - 1`.
pub(super) fn base_power(scale: i32, index: f64) -> f64 {
    (index * f64::from(-scale).exp2()).exp2()
}

/// Joins buckets: those around a bound, or neighbours until there are few enough.
pub(super) fn merge(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let target = a.number(0)?;
    let limit = match &*a.text_or(1, "remove_explicit_bound")? {
        "remove_explicit_bound" => false,
        "limit_buckets" => true,
        _ => return Err(a.problem(1, "must be \"remove_explicit_bound\" or \"limit_buckets\"")),
    };
    if limit && (target < 1.0 || target.fract() != 0.0) {
        return Err(a.problem(0, "must be a whole number above 0"));
    }
    Ok(on_metric(move |metric, _| {
        let Data::Histogram { points, .. } = &mut metric.data else { return Ok(()) };
        for p in points.iter_mut().filter(|p| p.bucket_counts.len() == p.explicit_bounds.len() + 1) {
            if limit {
                limited(p, target as usize);
            } else if let Some(at) = p.explicit_bounds.iter().position(|b| (b - target).abs() <= SAME) {
                p.explicit_bounds.remove(at);
                let joined = p.bucket_counts.remove(at);
                p.bucket_counts[at] += joined;
            }
        }
        Ok(())
    }))
}

/// Joins as many neighbours into each bucket as makes at most `max` of them.
fn limited(p: &mut HistogramPoint, max: usize) {
    let len = p.bucket_counts.len();
    if len <= max || !p.explicit_bounds.is_sorted() {
        return;
    }
    let group = len.div_ceil(max);
    p.bucket_counts = p.bucket_counts.chunks(group).map(|c| c.iter().sum()).collect();
    let kept = p.bucket_counts.len() - 1;
    p.explicit_bounds = p.explicit_bounds.iter().skip(group - 1).step_by(group).take(kept).copied().collect();
}

#[derive(Clone, Copy)]
enum Spread {
    Upper,
    Midpoint,
    Uniform,
    Random,
}

/// Puts the counts of exponential buckets into those of `explicitBounds`.
pub(super) fn from_exponential(a: &Arguments<'_>) -> Result<Edit, Problem> {
    let spread = match &*a.text(0)? {
        "upper" => Spread::Upper,
        "midpoint" => Spread::Midpoint,
        "uniform" => Spread::Uniform,
        "random" => Spread::Random,
        _ => return Err(a.problem(0, "must be \"upper\", \"midpoint\", \"uniform\" or \"random\"")),
    };
    let bounds = a.numbers(1)?;
    if bounds.is_empty() || !bounds.is_sorted() {
        return Err(a.problem(1, "must have at least one bound, in rising order"));
    }
    Ok(on_metric(move |metric, _| {
        let Data::Exponential { points, temporality } = &mut metric.data else { return Ok(()) };
        let points = std::mem::take(points).into_iter().map(|p| explicit(p, &bounds, spread)).collect();
        metric.data = Data::Histogram { points, temporality: *temporality };
        Ok(())
    }))
}

fn explicit(p: ExponentialPoint, bounds: &[f64], spread: Spread) -> HistogramPoint {
    let mut counts = vec![0u64; bounds.len() + 1];
    if bounds.first() == Some(&0.0) {
        counts[0] += p.zero_count;
    }
    let random = RandomState::new();
    for b in p.positive.iter() {
        for (n, count) in (0..).zip(&b.bucket_counts).filter(|(_, count)| **count > 0) {
            let index = f64::from(b.offset.saturating_add(n));
            let (lower, upper) = (base_power(p.scale, index), base_power(p.scale, index + 1.0));
            let of = |value: f64| bounds.partition_point(|b| *b < value);
            match spread {
                Spread::Upper => counts[of(upper)] += count,
                Spread::Midpoint => counts[of(f64::midpoint(lower, upper))] += count,
                Spread::Uniform => share(&mut counts, bounds, lower, upper, *count, |n, places| n % places),
                Spread::Random => {
                    share(&mut counts, bounds, lower, upper, *count, |n, places| {
                        random.hash_one((index.to_bits(), n)) % places
                    });
                }
            }
        }
    }
    HistogramPoint {
        attributes: p.attributes,
        start_time_unix_nano: p.start_time_unix_nano,
        time_unix_nano: p.time_unix_nano,
        count: p.count,
        sum: p.sum,
        bucket_counts: counts,
        explicit_bounds: bounds.to_vec(),
        exemplars: p.exemplars,
        flags: p.flags,
        min: p.min,
        max: p.max,
    }
}

/// Gives each bound between `lower` and `upper` an equal part, and each of the rest to the place that `pick` says.
fn share(counts: &mut [u64], bounds: &[f64], lower: f64, upper: f64, count: u64, pick: impl Fn(u64, u64) -> u64) {
    let first = bounds.partition_point(|b| *b < lower);
    let end = bounds.partition_point(|b| *b <= upper);
    // Without a bound in it the whole bucket lies below the next one.
    let places = end.saturating_sub(first).max(1) as u64;
    let (each, rest) = (count / places, count % places);
    for n in 0..places {
        counts[first + n as usize] += each;
    }
    for n in 0..rest {
        counts[first + pick(n, places) as usize] += 1;
    }
}
