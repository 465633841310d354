//! Two distributions of a number: how far they are apart, where, and a picture of both.

use eventstore::query::HistogramBucket;

use super::NumberHistogram;

/// Buckets of the picture.
const BUCKETS_MAX: usize = 24;

/// What two histograms of the engine say of each other.
pub(super) struct Distance {
    /// The picture.
    pub histogram: NumberHistogram,
    /// Where the distribution functions are furthest apart: numbers from here on are on the far side.
    pub cut: f64,
    /// Whether the selection has the larger numbers.
    pub larger: bool,
    /// Numbers at or above the cut on each side.
    pub above: [u64; 2],
    /// All numbers of each side.
    pub total: [u64; 2],
}

/// `None` when a side has no number.
pub(super) fn distance(selection: &[HistogramBucket], baseline: &[HistogramBucket]) -> Option<Distance> {
    // (low, high, selection, baseline), by low: both sides have the same grid.
    let mut grid: Vec<(f64, f64, [u64; 2])> = Vec::new();
    for (side, buckets) in [selection, baseline].into_iter().enumerate() {
        for b in buckets {
            let mut counts = [0, 0];
            if let Some(c) = counts.get_mut(side) {
                *c = b.count;
            }
            grid.push((b.low.min(b.high), b.low.max(b.high), counts));
        }
    }
    grid.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total = grid.iter().fold([0, 0], |[a, b], (_, _, [x, y])| [a + x, b + y]);
    let [of_selection, of_baseline] = total;
    if of_selection == 0 || of_baseline == 0 {
        return None;
    }
    let share = |[a, b]: [u64; 2]| [a as f64 / of_selection as f64, b as f64 / of_baseline as f64];
    let (mut below, mut ks, mut cut, mut larger, mut above) = ([0_u64, 0], 0.0, f64::NEG_INFINITY, true, total);
    let mut rest = grid.as_slice();
    let mut before = f64::NEG_INFINITY;
    while let Some((low, _, _)) = rest.first().copied() {
        let [a, b] = share(below);
        if (a - b).abs() > ks {
            (ks, cut, larger) = ((a - b).abs(), rounded(before, low), a < b);
            above = [of_selection - below[0], of_baseline - below[1]];
        }
        let same = rest.iter().take_while(|(l, _, _)| *l == low).count().max(1);
        let (now, later) = rest.split_at(same);
        for (_, high, [x, y]) in now {
            before = *high;
            below = [below[0] + x, below[1] + y];
        }
        rest = later;
    }
    let histogram = NumberHistogram { ks, ..picture(&grid, total) };
    Some(Distance { histogram, cut, larger, above, total })
}

/// The roundest number from `low` to `high`, between which there are no records.
fn rounded(low: f64, high: f64) -> f64 {
    if high <= 0.0 || !low.is_finite() || low >= high {
        return high;
    }
    let magnitude = high.log10().floor() as i32;
    let steps = (magnitude - 16..=magnitude).rev().map(|exponent| 10_f64.powi(exponent));
    let round = |step: f64| (low / step).ceil() * step + 0.0;
    steps.map(round).find(|n| (low..=high).contains(n)).unwrap_or(high)
}

/// Few buckets: those of the engine are cut into runs of about equal weight of both sides together.
fn picture(grid: &[(f64, f64, [u64; 2])], [n, m]: [u64; 2]) -> NumberHistogram {
    let weight = |[a, b]: &[u64; 2]| *a as f64 / n as f64 + *b as f64 / m as f64;
    let (mut bounds, mut selection, mut baseline) = (Vec::new(), Vec::<f64>::new(), Vec::<f64>::new());
    let (mut done, mut last_high, mut last_low) = (0.0, 0.0, f64::NAN);
    for (low, high, counts) in grid {
        let bucket = (done / 2.0 * BUCKETS_MAX as f64) as usize;
        if (bounds.is_empty() || bucket >= bounds.len()) && *low != last_low {
            bounds.push(*low);
            selection.push(0.0);
            baseline.push(0.0);
        }
        if let (Some(a), Some(b)) = (selection.last_mut(), baseline.last_mut()) {
            *a += counts[0] as f64 / n as f64;
            *b += counts[1] as f64 / m as f64;
        }
        (last_high, last_low) = (*high, *low);
        done += weight(counts);
    }
    bounds.push(last_high);
    NumberHistogram { bounds, selection, baseline, ks: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(of: &[(u32, u64)]) -> Vec<HistogramBucket> {
        let bucket = |(low, count): &(u32, u64)| HistogramBucket {
            low: f64::from(*low),
            high: f64::from(*low + 1),
            count: *count,
        };
        of.iter().map(bucket).collect()
    }

    #[test]
    fn distance_is_where_the_distributions_part() {
        let d = distance(&buckets(&[(1, 1), (8, 9)]), &buckets(&[(1, 8), (4, 1), (8, 1)])).unwrap();
        assert!((d.histogram.ks - 0.8).abs() < 1e-12);
        assert_eq!((d.cut, d.larger, d.above, d.total), (5.0, true, [9, 1], [10, 10]));
        assert_eq!(d.histogram.bounds.len(), d.histogram.selection.len() + 1);
        assert!((d.histogram.selection.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((d.histogram.baseline.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let same = buckets(&[(1, 3), (2, 5)]);
        assert_eq!(distance(&same, &same).unwrap().histogram.ks, 0.0);
        assert!(distance(&same, &[]).is_none());
    }

    #[test]
    fn bounds_are_round_where_there_is_room() {
        assert_eq!(rounded(46.2, 889.0), 100.0);
        assert_eq!(rounded(520.0, 889.0), 600.0);
        assert_eq!(rounded(0.0, 3.5), 0.0);
        assert_eq!(rounded(871.0, 889.0), 880.0);
        assert_eq!(rounded(889.0, 889.0), 889.0);
        assert_eq!(rounded(-5.0, -2.0), -2.0);
    }

    #[test]
    fn pictures_are_small() {
        let many: Vec<(u32, u64)> = (0..500).map(|i| (i, 1 + u64::from(i % 7))).collect();
        let d = distance(&buckets(&many), &buckets(&many[100..])).unwrap();
        assert!(d.histogram.selection.len() <= BUCKETS_MAX + 1, "{}", d.histogram.selection.len());
        assert!(d.histogram.bounds.windows(2).all(|w| w[0] < w[1]));
    }
}
