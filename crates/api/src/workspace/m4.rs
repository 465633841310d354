//! Fewer points that draw the same line.
//!
//! M4 (Jugel et al., "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014): of the points that fall into one
//! column of pixels, the first, the last, the smallest and the largest are enough.

/// Indices of the points to keep, in order: at most four for each of `columns` equal parts of `times`.
///
/// `times` are ascending; a value that is no number is kept only as a first or last point.
pub(super) fn keep(times: &[i64], values: &[f64], columns: usize) -> Vec<usize> {
    let (Some(&start), Some(&end)) = (times.first(), times.last()) else { return Vec::new() };
    let columns = columns.max(1);
    let width = end.saturating_sub(start).max(1) as i128;
    let column = |t: i64| ((t.saturating_sub(start)) as i128 * columns as i128 / width).min(columns as i128 - 1);
    let mut kept = Vec::new();
    let mut from = 0;
    while from < times.len() {
        let of = column(times[from]);
        let to = from + times[from..].iter().take_while(|t| column(**t) == of).count();
        let part = from..to;
        let by_value = |a: &usize, b: &usize| values[*a].total_cmp(&values[*b]);
        let numbers = || part.clone().filter(|i| !values[*i].is_nan());
        let mut four = [Some(from), numbers().min_by(by_value), numbers().max_by(by_value), Some(to - 1)];
        four.sort_unstable();
        for i in four.into_iter().flatten() {
            if kept.last() != Some(&i) {
                kept.push(i);
            }
        }
        from = to;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_last_smallest_and_largest_of_each_column() {
        let times: Vec<i64> = (0..1_000).collect();
        let mut values: Vec<f64> = times.iter().map(|t| (*t % 7) as f64).collect();
        values[123] = 99.0;
        values[457] = -99.0;
        values[600] = f64::NAN;
        let kept = keep(&times, &values, 10);
        assert!(kept.len() <= 40 && kept.windows(2).all(|w| w[0] < w[1]));
        assert!([0, 123, 457, 999].iter().all(|i| kept.contains(i)));
        // Every column has the extremes that it had.
        for part in 0..10 {
            let of = |i: &usize| *i * 10 / 1_000 == part && !values[*i].is_nan();
            let max = |it: &mut dyn Iterator<Item = usize>| it.filter(of).map(|i| values[i]).fold(f64::MIN, f64::max);
            assert_eq!(max(&mut kept.iter().copied()), max(&mut (0..1_000)), "{part}");
        }
    }

    #[test]
    fn little_is_kept_whole() {
        assert_eq!(keep(&[], &[], 5), Vec::<usize>::new());
        assert_eq!(keep(&[7], &[1.0], 5), [0]);
        assert_eq!(keep(&[1, 2], &[1.0, 2.0], 1), [0, 1]);
        assert_eq!(keep(&[i64::MIN, i64::MAX], &[1.0, 2.0], 3), [0, 1]);
    }
}
