//! One attribute on both sides: its values, its score, and whether chance explains the difference.

use std::collections::HashMap;

use super::attributes::Candidate;
use super::numbers::{self, Distance};
use super::sides::{Cost, FieldProfile, Profile, Side};
use super::significance::{kolmogorov_smirnov, two_proportions};
use super::{AttributeDifference, Demotion, Pair, SUPPORT_MIN, VALUES_MAX, ValueDifference};
use crate::lang::fields::Values;
use crate::lang::print_value;
use crate::read::ReadError;

/// A difference is significant when chance makes one as large less often than this, among all that were compared.
const P_MAX: f64 = 0.01;
/// Numbers with more values than this are compared by their distribution.
const NUMBER_VALUES_MIN: u64 = 20;
/// Values of each side that are compared.
const VALUES_COMPARED: usize = 200;
/// More values than this are many, unless one of them tells the sides apart by [`TELLING`].
const MANY_VALUES: u64 = 100;
const TELLING: f64 = 0.1;
/// An id has a value of its own in so large a share of the records.
const ID_SHARE: f64 = 0.5;

/// How many records the sides have.
pub(super) struct Sizes {
    /// All of them.
    count: [u64; 2],
    /// What counts are scaled to.
    total: [u64; 2],
    /// Those that were looked at.
    seen: [f64; 2],
    /// How many differences are tested.
    comparisons: f64,
}

impl Sizes {
    pub(super) fn new([a, b]: [&Side<'_>; 2], [of_a, of_b]: [&Profile; 2]) -> Self {
        let values = of_a.fields.iter().zip(&of_b.fields).map(|(x, y)| {
            let distinct = x.distinct.max(y.distinct);
            distinct.min(VALUES_COMPARED as u64) + u64::from(distinct > 0)
        });
        Self {
            count: [a.count, b.count],
            total: [of_a.total, of_b.total],
            seen: [of_a.seen as f64, of_b.seen as f64],
            comparisons: values.sum::<u64>().max(1) as f64,
        }
    }

    fn share(&self, counts: [u64; 2]) -> [f64; 2] {
        let share = |n: u64, of: u64| if of == 0 { 0.0 } else { (n as f64 / of as f64).min(1.0) };
        [share(counts[0], self.total[0]), share(counts[1], self.total[1])]
    }

    /// Counts of a sample stand for this many records.
    fn records(&self, counts: [u64; 2]) -> Pair<u64> {
        let [a, b] = self.share(counts);
        let of = |share: f64, n: u64, counted: u64, total: u64| {
            if total == n { counted } else { (share * n as f64).round() as u64 }
        };
        Pair {
            selection: of(a, self.count[0], counts[0], self.total[0]),
            baseline: of(b, self.count[1], counts[1], self.total[1]),
        }
    }

    fn test(&self, [a, b]: [f64; 2]) -> Tested {
        let [n, m] = self.seen;
        let support = a * n + b * m;
        Tested {
            score: (a - b).abs() * support / (support + SUPPORT_MIN as f64),
            p_value: (two_proportions(a * n, n, b * m, m) * self.comparisons).min(1.0),
            support: support.round() as u64,
        }
    }
}

struct Tested {
    score: f64,
    p_value: f64,
    support: u64,
}

/// A difference, and what a sentence says of it.
pub(super) struct Compared {
    pub difference: AttributeDifference,
    /// Whether having the attribute at all tells more than any of its values.
    pub by_coverage: bool,
}

/// Compares one attribute.
pub(super) fn attribute(
    field: &Candidate,
    sides: [&Side<'_>; 2],
    [a, b]: [&FieldProfile; 2],
    sizes: &Sizes,
    cost: &mut Cost,
) -> Result<Compared, ReadError> {
    let coverage = sizes.share([a.present, b.present]);
    let distinct = a.distinct.max(b.distinct);
    let mut out = AttributeDifference {
        key: field.key.clone(),
        scope: field.scope,
        score: 0.0,
        significant: false,
        p_value: 1.0,
        coverage: Pair { selection: coverage[0], baseline: coverage[1] },
        distinct,
        demoted: None,
        values: Vec::new(),
        other: Pair::default(),
        histogram: None,
    };
    let mut best = sizes.test(coverage);
    let mut by_coverage = true;
    let apart =
        if field.number && distinct > NUMBER_VALUES_MIN { numbers::distance(&a.histogram, &b.histogram) } else { None };
    if let Some(apart) = apart {
        let tested = number(&mut out, field, apart, sizes);
        if tested.score >= best.score {
            (best, by_coverage) = (tested, false);
        }
    } else if is_id(a) && is_id(b) && distinct > SUPPORT_MIN {
        out.demoted = Some(Demotion::Id);
        out.other = sizes.records([a.present, b.present]);
    } else {
        let tested = values(&mut out, field, sides, [a, b], sizes, cost)?;
        if let Some(tested) = tested.filter(|t| t.score >= best.score) {
            (best, by_coverage) = (tested, false);
        }
        if distinct > MANY_VALUES && best.score < TELLING {
            out.demoted = Some(Demotion::HighCardinality);
        }
    }
    out.score = best.score;
    out.p_value = best.p_value;
    let enough = sizes.seen.iter().all(|seen| *seen > 0.0) && best.support >= SUPPORT_MIN;
    let selected_enough = sizes.seen.first().is_some_and(|n| *n >= SUPPORT_MIN as f64);
    out.significant = out.demoted.is_none() && enough && selected_enough && best.p_value < P_MAX;
    Ok(Compared { difference: out, by_coverage })
}

/// Whether about every record has a value of its own; a side without the attribute does not speak against it.
fn is_id(of: &FieldProfile) -> bool {
    of.distinct as f64 >= of.present as f64 * ID_SHARE
}

/// By the values that occur; the test of the largest difference.
fn values(
    out: &mut AttributeDifference,
    field: &Candidate,
    sides: [&Side<'_>; 2],
    [a, b]: [&FieldProfile; 2],
    sizes: &Sizes,
    cost: &mut Cost,
) -> Result<Option<Tested>, ReadError> {
    let found = [sides[0].values(field, cost)?, sides[1].values(field, cost)?];
    let mut names: Vec<String> =
        found.iter().flat_map(|side| side.counts.iter().take(VALUES_COMPARED)).map(|(name, _)| name.clone()).collect();
    names.sort();
    names.dedup();
    let [of_selection, of_baseline] = found;
    let mut counts = Vec::with_capacity(2);
    for (side, found) in sides.into_iter().zip([of_selection, of_baseline]) {
        let cut = found.cut;
        let mut known: HashMap<String, u64> = found.counts.into_iter().collect();
        let unknown: Vec<String> = names.iter().filter(|n| cut && !known.contains_key(*n)).cloned().collect();
        if !unknown.is_empty() {
            known.extend(side.values_of(field, &unknown, cost)?);
        }
        counts.push(known);
    }
    let of = |side: usize, name: &str| counts.get(side).and_then(|c| c.get(name)).copied().unwrap_or(0);
    let mut compared: Vec<([u64; 2], f64, String)> = names
        .into_iter()
        .map(|name| {
            let counts = [of(0, &name), of(1, &name)];
            let [x, y] = sizes.share(counts);
            (counts, x - y, name)
        })
        .collect();
    // Of two that differ alike, the one that the selection has is the better word for it.
    compared.sort_by(|x, y| (y.1.abs().total_cmp(&x.1.abs())).then(y.1.total_cmp(&x.1)).then_with(|| x.2.cmp(&y.2)));
    let tested = compared.first().map(|(counts, _, _)| sizes.test(sizes.share(*counts)));
    compared.truncate(VALUES_MAX);
    let listed = compared.iter().fold([0, 0], |[x, y], (counts, _, _)| [x + counts[0], y + counts[1]]);
    out.other = sizes.records([a.present.saturating_sub(listed[0]), b.present.saturating_sub(listed[1])]);
    out.values = compared
        .into_iter()
        .map(|(counts, _, value)| ValueDifference {
            term: format!("{}:{}", field.key, print_value(&value)),
            count: sizes.records(counts),
            value,
        })
        .collect();
    Ok(tested)
}

/// By the distribution of the numbers: the value that is listed is the bound at which they are furthest apart.
fn number(out: &mut AttributeDifference, field: &Candidate, apart: Distance, sizes: &Sizes) -> Tested {
    let [n, m] = apart.total.map(|n| n as f64);
    let scale = |at: usize| match (sizes.seen.get(at), sizes.total.get(at)) {
        (Some(seen), Some(total)) if *total > 0 => seen / *total as f64,
        _ => 0.0,
    };
    let (n, m) = (n * scale(0), m * scale(1));
    let ks = apart.histogram.ks;
    let support = n + m;
    let side = |above: u64, total: u64| if apart.larger { above } else { total.saturating_sub(above) };
    let counts = [side(apart.above[0], apart.total[0]), side(apart.above[1], apart.total[1])];
    let share = sizes.share(counts);
    let (op, sign) = if apart.larger { (">=", "≥") } else { ("<", "<") };
    let bound = if field.values == Values::Duration { nanos(apart.cut) } else { format!("{}", apart.cut) };
    if ks > 0.0 {
        out.values = vec![ValueDifference {
            value: format!("{sign} {bound}"),
            count: sizes.records(counts),
            term: format!("{}{op}{bound}", field.key),
        }];
    }
    let others = [apart.total[0].saturating_sub(counts[0]), apart.total[1].saturating_sub(counts[1])];
    out.other = sizes.records(others);
    out.histogram = Some(apart.histogram);
    Tested {
        // A number that few records have tells little, however far apart it is.
        score: (share[0] - share[1]).abs() * support / (support + SUPPORT_MIN as f64),
        p_value: (kolmogorov_smirnov(ks, n, m) * sizes.comparisons).min(1.0),
        support: support.round() as u64,
    }
}

/// A duration as a filter writes it, to the nanosecond.
fn nanos(n: f64) -> String {
    let n = n.max(0.0) as u64;
    match n {
        n if n.is_multiple_of(1_000_000_000) => format!("{}s", n / 1_000_000_000),
        n if n.is_multiple_of(1_000_000) => format!("{}ms", n / 1_000_000),
        n if n.is_multiple_of(1_000) => format!("{}us", n / 1_000),
        n => format!("{n}ns"),
    }
}

/// Significant ones first, by score; what is demoted comes last.
pub(super) fn rank(mut all: Vec<Compared>) -> Vec<Compared> {
    all.sort_by(|a, b| {
        let (a, b) = (&a.difference, &b.difference);
        (b.significant.cmp(&a.significant))
            .then(a.demoted.is_some().cmp(&b.demoted.is_some()))
            .then(b.score.total_cmp(&a.score))
            .then_with(|| a.key.cmp(&b.key))
    });
    all
}
