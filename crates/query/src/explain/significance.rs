//! Whether chance explains a difference.

/// Two-sided test of two proportions, pooled: how likely a difference such as that of `a` of `n` and `b` of `m` is when both
/// sides are alike. 1 when a side is empty.
pub(super) fn two_proportions(a: f64, n: f64, b: f64, m: f64) -> f64 {
    if n <= 0.0 || m <= 0.0 {
        return 1.0;
    }
    let pooled = ((a + b) / (n + m)).clamp(0.0, 1.0);
    let variance = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m);
    if variance <= 0.0 {
        return 1.0;
    }
    let z = (a / n - b / m).abs() / variance.sqrt();
    libm::erfc(z / std::f64::consts::SQRT_2)
}

/// How likely two samples of `n` and `m` numbers from one distribution are `distance` apart (Kolmogorov's series with the
/// correction of Stephens).
pub(super) fn kolmogorov_smirnov(distance: f64, n: f64, m: f64) -> f64 {
    if n <= 0.0 || m <= 0.0 || distance <= 0.0 {
        return 1.0;
    }
    let root = (n * m / (n + m)).sqrt();
    let lambda = (root + 0.12 + 0.11 / root) * distance;
    // Below this the series does not converge, and the probability is 1 to twelve digits.
    if lambda < 0.2 {
        return 1.0;
    }
    let term = |k: u32| {
        let k = f64::from(k);
        let sign = if k % 2.0 == 1.0 { 2.0 } else { -2.0 };
        sign * (-2.0 * k * k * lambda * lambda).exp()
    };
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_probabilities() {
        // 45 of 100 against 30 of 100: z = 2.19089, p = 0.028460.
        assert!((two_proportions(45.0, 100.0, 30.0, 100.0) - 0.028_460).abs() < 1e-5);
        assert_eq!(two_proportions(5.0, 10.0, 50.0, 100.0), 1.0);
        assert_eq!(two_proportions(0.0, 0.0, 5.0, 10.0), 1.0);
        assert_eq!(two_proportions(10.0, 10.0, 20.0, 20.0), 1.0);
        assert!(two_proportions(300.0, 312.0, 900.0, 98_000.0) < 1e-200);
        // The 5 % point of Kolmogorov's distribution is 1.3581.
        let n = 2.0e6_f64;
        let distance = 1.3581 / (n * n / (n + n)).sqrt();
        assert!((kolmogorov_smirnov(distance, n, n) - 0.05).abs() < 2e-4);
        assert_eq!(kolmogorov_smirnov(0.001, 10.0, 10.0), 1.0);
    }
}
