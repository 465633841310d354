//! Where buckets end.

/// The upper bound of bucket `index` of positive observations in an exponential schema: `2^(index * 2^-schema)`.
pub(super) fn exponential(index: i32, schema: i32) -> f64 {
    let index = i64::from(index);
    // Other schemas are refused where histograms come in; the clamp keeps the shifts defined.
    let schema = schema.clamp(-9, 30);
    let (whole, part) = if schema <= 0 {
        (index << -schema, 0.0)
    } else {
        let buckets = 1i64 << schema;
        (index.div_euclid(buckets), index.rem_euclid(buckets) as f64 / buckets as f64)
    };
    if whole == 1024 && part == 0.0 {
        // The last bound before infinity is the largest finite number.
        return f64::MAX;
    }
    (whole as f64).exp2() * part.exp2()
}

/// The upper bound of bucket `index` with custom bounds; infinite beyond them.
pub(super) fn custom(index: i32, bounds: &[f64]) -> f64 {
    match usize::try_from(index) {
        Ok(at) => bounds.get(at).copied().unwrap_or(f64::INFINITY),
        Err(_) => f64::NEG_INFINITY,
    }
}

/// The bucket of a coarser schema that holds bucket `index` of a finer one.
pub(super) fn coarser(index: i32, from: i32, to: i32) -> i32 {
    let shift = from.saturating_sub(to).clamp(0, 31);
    (index.wrapping_sub(1) >> shift).wrapping_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_powers() {
        assert_eq!(exponential(0, 0), 1.0);
        assert_eq!(exponential(3, 0), 8.0);
        assert_eq!(exponential(-1, -1), 0.25);
        assert_eq!(exponential(1, 1), std::f64::consts::SQRT_2);
        assert_eq!(exponential(1024, 0), f64::MAX);
        assert_eq!(exponential(1025, 0), f64::INFINITY);
        assert_eq!(exponential(-1074, 0), f64::from_bits(1));
    }

    #[test]
    fn coarser_buckets_hold_finer_ones() {
        for index in -40..40 {
            let (upper, lower) = (exponential(index, 3), exponential(index - 1, 3));
            let into = coarser(index, 3, 1);
            assert!(exponential(into - 1, 1) <= lower && upper <= exponential(into, 1), "{index}");
        }
    }
}
