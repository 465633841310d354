//! The trim operators: `h </ 2` keeps the observations below 2, `h >/ 2` those above.
//!
//! A bucket that holds the edge is divided as quantiles divide it. The new sum
//! takes what was kept to be in the middle of where it was kept, unless
//! everything was kept.

use super::buckets::{negative, positive, zero};
use super::fraction::logarithmic;
use super::quantile::one_sided;
use super::{Bucket, Flat, FloatHistogram};

/// Which side of the edge stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// `</`
    Below,
    /// `>/`
    Above,
}

/// What stays of one bucket.
#[derive(Debug, Clone, Copy)]
struct Kept {
    count: f64,
    middle: f64,
}

/// How observations lie in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    Logarithmic,
}

/// The histogram of the observations on one side of `edge`.
pub(crate) fn trim(h: &FloatHistogram, edge: f64, keep: Keep) -> FloatHistogram {
    let scale = if h.has_custom_bounds() { Scale::Linear } else { Scale::Logarithmic };
    let mut out = h.clone();
    let (mut count, mut sum, mut any_removed) = (0.0, 0.0, false);
    let mut cut = |b: Bucket, scale: Scale, slot: &mut f64| {
        if b.count == 0.0 {
            return;
        }
        let kept = cut_bucket(b, edge, keep, scale);
        any_removed |= kept.count != b.count;
        count += kept.count;
        if kept.count != 0.0 {
            sum += kept.count * kept.middle;
        }
        *slot = kept.count;
    };
    for (b, slot) in positive(h).zip(&mut out.positive) {
        cut(b, scale, slot);
    }
    for (b, slot) in negative(h).zip(&mut out.negative) {
        cut(b, scale, slot);
    }
    if !h.has_custom_bounds() {
        let mut b = zero(h);
        one_sided(&mut b, h);
        cut(b, Scale::Linear, &mut out.zero_count);
    }
    if any_removed {
        (out.count, out.sum) = (count, sum);
    }
    Flat::<f64>::new(&out).into_histogram()
}

fn cut_bucket(mut b: Bucket, edge: f64, keep: Keep, scale: Scale) -> Kept {
    const NOTHING: Kept = Kept { count: 0.0, middle: 0.0 };
    let whole = |middle: f64| Kept { count: b.count, middle };
    let everything = edge == if keep == Keep::Below { f64::INFINITY } else { f64::NEG_INFINITY };
    // Infinite buckets exist with custom bounds only. They cannot be divided.
    match (b.lower == f64::NEG_INFINITY, b.upper == f64::INFINITY) {
        (true, true) if everything => return whole(0.0),
        (true, true) => return NOTHING,
        // A lowest bucket that ends above zero begins at zero.
        (true, false) if b.upper > 0.0 => {
            if keep == Keep::Above && edge < 0.0 && !everything {
                return NOTHING;
            }
            b.lower = 0.0;
        }
        (true, false) => match keep {
            Keep::Below if edge > f64::NEG_INFINITY => return whole(edge.min(b.upper)),
            Keep::Above if everything => return whole(b.upper),
            _ => return NOTHING,
        },
        (false, true) => match keep {
            Keep::Above if edge < f64::INFINITY => return whole(edge.max(b.lower)),
            Keep::Below if everything => return whole(b.lower),
            _ => return NOTHING,
        },
        (false, false) => {}
    }
    let below = share_below(&b, edge, scale);
    match keep {
        Keep::Below => Kept { count: below, middle: middle(b.lower, edge.min(b.upper), scale) },
        Keep::Above => Kept { count: b.count - below, middle: middle(edge.max(b.lower), b.upper, scale) },
    }
}

/// How many observations of a finite bucket lie below the edge.
fn share_below(b: &Bucket, edge: f64, scale: Scale) -> f64 {
    if edge <= b.lower {
        return 0.0;
    }
    if edge >= b.upper {
        return b.count;
    }
    b.count
        * match scale {
            Scale::Linear => (edge - b.lower) / (b.upper - b.lower),
            Scale::Logarithmic => logarithmic(b, edge),
        }
}

/// The middle of a stretch on one side of zero, or on a linear scale anywhere.
fn middle(lower: f64, upper: f64, scale: Scale) -> f64 {
    match scale {
        Scale::Linear => f64::midpoint(lower, upper),
        Scale::Logarithmic => (lower.abs() * upper.abs()).sqrt().copysign(upper),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::parse;

    fn check(h: &str, edge: f64, keep: Keep, want: &str) {
        let got = trim(&parse(h).expect("valid"), edge, keep);
        assert_eq!(got, crate::histogram::compact(&parse(want).expect("valid")), "{h} {keep:?} {edge}");
    }

    #[test]
    fn edges_between_and_inside_of_buckets() {
        let h = "{{schema:-53 sum:30 count:8 custom_values:[2 4] buckets:[2 4 2]}}";
        check(h, 4.0, Keep::Below, "{{schema:-53 sum:14 count:6 custom_values:[2 4] buckets:[2 4]}}");
        check(h, 3.0, Keep::Above, "{{schema:-53 sum:15 count:4 custom_values:[2 4] buckets:[0 2 2]}}");
        check(h, f64::INFINITY, Keep::Below, h);
        check(h, f64::NEG_INFINITY, Keep::Below, "{{schema:-53 custom_values:[2 4]}}");
        check(
            "{{count:4 sum:9 z_bucket:4 z_bucket_w:1}}",
            0.5,
            Keep::Below,
            "{{count:3 sum:-0.75 z_bucket:3 z_bucket_w:1}}",
        );
    }

    #[test]
    fn both_sides_together_are_the_whole() {
        let h = parse("{{schema:1 count:16 sum:3 z_bucket:2 z_bucket_w:0.01 buckets:[1 2 4] n_buckets:[3 4]}}")
            .expect("valid");
        for edge in [-5.0, -1.2, -0.9, -0.005, 0.0, 0.3, 1.0, 1.3, 9.0] {
            let (below, above) = (trim(&h, edge, Keep::Below), trim(&h, edge, Keep::Above));
            assert!((below.count + above.count - h.count).abs() < 1e-9, "{edge}");
        }
    }
}
