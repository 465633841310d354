//! Sums that lose nothing small: Neumaier's variant of Kahan summation.
//!
//! A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation
//! endlicher Summen", 1974. Infinite sums drop the correction, as Prometheus does.

/// A running sum with its correction.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    pub(crate) sum: f64,
    pub(crate) correction: f64,
}

impl Sum {
    /// Adds one value.
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        let total = self.sum + value;
        let swap = self.sum.abs() < value.abs();
        let (large, small) = if swap { (value, self.sum) } else { (self.sum, value) };
        let correction = self.correction + ((large - total) + small);
        self.correction = if total.is_infinite() { 0.0 } else { correction };
        self.sum = total;
    }

    /// Adds another running sum.
    pub(crate) fn join(&mut self, other: Sum) {
        self.add(other.sum);
        self.correction += other.correction;
    }

    /// The sum.
    #[inline]
    pub(crate) fn total(self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.correction }
    }
}

/// A running mean: a plain sum as long as that does not overflow, then incremental.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mean {
    sum: Sum,
    count: f64,
    incremental: bool,
}

impl Mean {
    /// Adds one value.
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.sum.sum = value;
            return;
        }
        if !self.incremental {
            let mut next = self.sum;
            next.add(value);
            if !next.sum.is_infinite() {
                self.sum = next;
                return;
            }
            self.incremental = true;
            self.sum.sum /= self.count - 1.0;
            self.sum.correction /= self.count - 1.0;
        }
        let kept = (self.count - 1.0) / self.count;
        self.sum.sum *= kept;
        self.sum.correction *= kept;
        self.sum.add(value / self.count);
    }

    /// Adds the values of another running mean.
    pub(crate) fn join(&mut self, other: Mean) {
        let count = self.count + other.count;
        let mut sum = self.sum;
        sum.join(other.sum);
        if !self.incremental && !other.incremental && !sum.sum.is_infinite() {
            (self.sum, self.count) = (sum, count);
            return;
        }
        let (mean, part) = (other.mean(), other.count / count);
        let sum = self.mean() * (self.count / count);
        *self = Mean { sum: Sum { sum, correction: 0.0 }, count, incremental: true };
        self.sum.add(mean * part);
    }

    /// The mean; NaN of nothing.
    pub(crate) fn mean(self) -> f64 {
        if self.incremental {
            self.sum.sum + self.sum.correction
        } else {
            self.sum.sum / self.count + self.sum.correction / self.count
        }
    }
}

/// A running variance (Welford's method).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Variance {
    count: f64,
    mean: Sum,
    squares: Sum,
}

impl Variance {
    /// Adds one value.
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - (self.mean.sum + self.mean.correction);
        self.mean.add(delta / self.count);
        self.squares.add(delta * (value - (self.mean.sum + self.mean.correction)));
    }

    /// Adds the values of another running variance (Chan, Golub and LeVeque 1979).
    pub(crate) fn join(&mut self, other: Variance) {
        let count = self.count + other.count;
        let delta = other.mean.total() - self.mean.total();
        self.mean.add(delta * other.count / count);
        self.squares.join(other.squares);
        self.squares.add(delta * delta * self.count * other.count / count);
        self.count = count;
    }

    /// The population variance.
    pub(crate) fn variance(self) -> f64 {
        (self.squares.sum + self.squares.correction) / self.count
    }
}

/// The quantile of the values, which get sorted; NaN sorts first.
pub(crate) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_unstable_by(|a, b| nan_first(*a, *b));
    let last = values.len() - 1;
    let rank = q * last as f64;
    let lower = (rank.floor() as usize).min(last);
    let upper = (lower + 1).min(last);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

/// Ascending, NaN before everything.
pub(crate) fn nan_first(a: f64, b: f64) -> std::cmp::Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal),
        (a, b) => b.cmp(&a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_survive() {
        let mut sum = Sum::default();
        for v in [5e16, 1.0, -5e16, 2.0, 1e100, -1e100] {
            sum.add(v);
        }
        assert_eq!(sum.total(), 3.0);
    }

    #[test]
    fn a_mean_does_not_overflow() {
        let mut mean = Mean::default();
        for _ in 0..3 {
            mean.add(f64::MAX);
        }
        assert!((mean.mean() / f64::MAX - 1.0).abs() < 1e-12);
    }

    #[test]
    fn parts_join_to_the_whole() {
        let values: Vec<f64> = (0..20).map(|i| f64::from(i * i % 7) - 2.5).collect();
        for cut in [1, 7, 19] {
            let (mut means, mut variances) = ([Mean::default(); 3], [Variance::default(); 3]);
            for (i, v) in values.iter().enumerate() {
                for part in [0, 1 + usize::from(i >= cut)] {
                    means[part].add(*v);
                    variances[part].add(*v);
                }
            }
            let (mut mean, mut variance) = (means[1], variances[1]);
            mean.join(means[2]);
            variance.join(variances[2]);
            assert!((mean.mean() - means[0].mean()).abs() < 1e-12);
            assert!((variance.variance() - variances[0].variance()).abs() < 1e-12);
        }
        let (mut a, mut b) = (Mean::default(), Mean::default());
        a.add(f64::MAX);
        b.add(f64::MAX);
        a.join(b);
        assert!((a.mean() / f64::MAX - 1.0).abs() < 1e-12);
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(0.5, &mut [3.0, 1.0]), 2.0);
        assert_eq!(quantile(1.1, &mut [3.0]), f64::INFINITY);
        assert!(quantile(0.5, &mut []).is_nan());
    }
}
