//! Quantiles and fractions of classic buckets, as arithmetic.
//!
//! Counts are cumulative. Real ones do not always rise with the bound, because
//! scrapes are not atomic and rates round; they are repaired first.

/// Differences of counts up to this part of the count are rounding errors.
const TOLERANCE: f64 = 1e-12;

/// One bucket: everything up to and including its bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    pub(super) upper: f64,
    pub(super) count: f64,
}

/// Counts that had to be raised so that they never fall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Forced {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) difference: f64,
}

/// Sorts, joins buckets of the same bound, repairs counts. False when there is no `+Inf` bucket.
fn prepare(buckets: &mut Vec<Bucket>) -> (bool, Option<Forced>) {
    buckets.sort_by(|a, b| a.upper.total_cmp(&b.upper));
    if buckets.last().is_none_or(|b| b.upper != f64::INFINITY) {
        return (false, None);
    }
    buckets.dedup_by(|next, kept| {
        let same = next.upper == kept.upper;
        if same {
            kept.count += next.count;
        }
        same
    });
    let mut forced: Option<Forced> = None;
    let mut highest = buckets.first().map_or(0.0, |b| b.count);
    for b in buckets.iter_mut().skip(1) {
        let difference = b.count - highest;
        if difference == 0.0 {
            continue;
        }
        if difference.abs() / b.count <= TOLERANCE && b.count > 0.0 {
            b.count = highest;
        } else if difference < 0.0 {
            let f = forced.get_or_insert(Forced { from: b.upper, to: b.upper, difference: 0.0 });
            f.to = b.upper;
            f.difference = f.difference.max(-difference);
            b.count = highest;
        } else {
            highest = b.count;
        }
    }
    (true, forced)
}

/// The value below which the part `q` of the observations lies, and what had to be repaired.
pub(super) fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Forced>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    let (complete, forced) = prepare(buckets);
    let (Some(last), true) = (buckets.last().copied(), complete && buckets.len() >= 2) else {
        return (f64::NAN, None);
    };
    if last.count == 0.0 || last.count.is_nan() {
        return (f64::NAN, None);
    }
    let mut rank = q * last.count;
    let highest = buckets.len() - 1;
    let at = buckets[..highest].partition_point(|b| b.count < rank);
    if at == highest {
        return (buckets[highest - 1].upper, forced);
    }
    let b = buckets[at];
    if at == 0 && b.upper <= 0.0 {
        return (b.upper, forced);
    }
    let (mut start, mut count) = (0.0, b.count);
    if let Some(before) = at.checked_sub(1).and_then(|i| buckets.get(i)) {
        start = before.upper;
        count -= before.count;
        rank -= before.count;
    }
    (start + (b.upper - start) * (rank / count), forced)
}

/// The part of the observations between two bounds.
pub(super) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    let (complete, _) = prepare(buckets);
    let Some(total) = buckets.last().map(|b| b.count).filter(|c| *c != 0.0 && !c.is_nan()) else {
        return f64::NAN;
    };
    if !complete || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, buckets) - rank_of(lower, buckets)) / total
}

/// How many observations are at or below a value, interpolated inside its bucket.
fn rank_of(value: f64, buckets: &[Bucket]) -> f64 {
    let mut start = if buckets.first().is_some_and(|b| b.upper > 0.0) { 0.0 } else { f64::NEG_INFINITY };
    let mut below = 0.0;
    for b in buckets {
        if value < b.upper {
            if value <= start {
                return below;
            }
            // A bucket without an end cannot be divided: none of it counts.
            if start == f64::NEG_INFINITY {
                return b.count;
            }
            if b.upper == f64::INFINITY {
                return below;
            }
            return below + (b.count - below) * (value - start) / (b.upper - start);
        }
        (start, below) = (b.upper, b.count);
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(of: &[(f64, f64)]) -> Vec<Bucket> {
        of.iter().map(|(upper, count)| Bucket { upper: *upper, count: *count }).collect()
    }

    #[test]
    fn interpolates_and_repairs() {
        let inf = f64::INFINITY;
        assert_eq!(quantile(0.5, &mut buckets(&[(1.0, 10.0), (2.0, 20.0), (inf, 20.0)])).0, 1.0);
        assert_eq!(quantile(0.75, &mut buckets(&[(1.0, 10.0), (2.0, 20.0), (inf, 20.0)])).0, 1.5);
        assert!(quantile(0.5, &mut buckets(&[(1.0, 10.0)])).0.is_nan());
        let (_, forced) = quantile(0.5, &mut buckets(&[(1.0, 10.0), (2.0, 8.0), (inf, 20.0)]));
        assert_eq!(forced, Some(Forced { from: 2.0, to: 2.0, difference: 2.0 }));
        let (_, forced) = quantile(0.5, &mut buckets(&[(1.0, 10.0), (2.0, 10.0 - 1e-12), (inf, 20.0)]));
        assert_eq!(forced, None);
    }

    #[test]
    fn fractions() {
        let inf = f64::INFINITY;
        let mut b = buckets(&[(1.0, 10.0), (2.0, 20.0), (inf, 20.0)]);
        assert_eq!(fraction(0.0, 1.5, &mut b), 0.75);
        assert_eq!(fraction(-inf, inf, &mut b), 1.0);
    }
}
