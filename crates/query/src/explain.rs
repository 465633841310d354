//! Which attributes tell a selection of records from its baseline.
//!
//! Each attribute is counted on both sides by the aggregation of the engine, so values are exact up to a budget of
//! rows and from a sample of blocks beyond it. Ranked by the largest difference of two shares, behind a test that chance
//! would have to pass as often as there were comparisons.

mod attributes;
mod compare;
mod numbers;
mod sentence;
mod sides;
mod significance;

use eventstore::EventStore;
use eventstore::query::Outcome;
use model::TimeRange;

use crate::EventSignal;
use crate::fields::FieldScope;
use crate::lang;
use crate::read::{ReadError, Request, bounded};
use attributes::candidates;
use sides::Cost;

/// Most attributes that are listed.
pub const LIMIT_MAX: usize = 200;
/// Most attributes that are compared: the most frequent ones.
pub const ATTRIBUTES_MAX: usize = 150;
/// Fewer records than these on either side of a difference prove nothing.
pub const SUPPORT_MIN: u64 = 20;
/// Values listed of an attribute.
pub const VALUES_MAX: usize = 8;

/// What to explain, and against what. The filter and range of the [`Request`] bound both sides.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// What is selected.
    pub selection: Part,
    /// What it is compared with.
    pub baseline: Baseline,
}

/// A part of what the request gives.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// A further filter; the empty text takes everything.
    pub filter: String,
    /// A narrower stretch of time; `None` is that of the request.
    pub range: Option<TimeRange>,
}

/// What a selection is compared with.
#[derive(Debug, Clone, Default)]
pub enum Baseline {
    /// What the request gives besides the selection.
    #[default]
    Rest,
    /// The selection, over the same length of time just before it.
    Previous,
    /// Something else.
    Custom(Part),
}

/// A number for each side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pair<T> {
    /// Of the selection.
    pub selection: T,
    /// Of the baseline.
    pub baseline: T,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Records on each side, all of them counted.
    pub count: Pair<u64>,
    /// How many of them were looked at, when that was a sample.
    pub looked_at: Option<u64>,
    /// The most telling difference in words.
    pub sentence: String,
    /// Significant ones first, by score.
    pub attributes: Vec<AttributeDifference>,
    /// Attributes that were not compared: there are too many, or no time was left.
    pub left_out: usize,
}

/// Why an attribute stands below others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demotion {
    /// Nearly every record has a value of its own.
    Id,
    /// Many values, none of them frequent.
    HighCardinality,
}

/// How an attribute differs.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeDifference {
    /// As a filter names it.
    pub key: String,
    /// Whose it is.
    pub scope: FieldScope,
    /// 0 to 1: the largest difference of shares, less when few records carry it; for numbers the distance of
    /// Kolmogorov and Smirnov.
    pub score: f64,
    /// Whether chance does not explain it, and it is not demoted.
    pub significant: bool,
    /// Of the best difference, times the number of comparisons (Bonferroni).
    pub p_value: f64,
    /// The share of records that have the attribute.
    pub coverage: Pair<f64>,
    /// How many values there are, on the side that has more.
    pub distinct: u64,
    /// Why it stands below others.
    pub demoted: Option<Demotion>,
    /// At most [`VALUES_MAX`], the largest difference first.
    pub values: Vec<ValueDifference>,
    /// Records with a value that is not listed.
    pub other: Pair<u64>,
    /// For numbers with many values.
    pub histogram: Option<NumberHistogram>,
}

/// How often a value occurs.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueDifference {
    /// As a filter spells it; for numbers the bound.
    pub value: String,
    /// Records that have it.
    pub count: Pair<u64>,
    /// The filter that selects it.
    pub term: String,
}

/// The distribution of a number.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberHistogram {
    /// One more than buckets.
    pub bounds: Vec<f64>,
    /// Shares of the records that have the number.
    pub selection: Vec<f64>,
    /// The same.
    pub baseline: Vec<f64>,
    /// The largest distance of the two distribution functions.
    pub ks: f64,
}

/// Compares; `limit` attributes are listed. What the selection is filtered by is left out: that it differs is no news.
///
/// # Errors
/// A wrong filter, or a `limit` above [`LIMIT_MAX`].
pub fn explain(
    store: &EventStore,
    signal: EventSignal,
    request: &Request,
    question: &Question,
    limit: usize,
) -> Result<Outcome<Explanation>, ReadError> {
    let limit = bounded("limit", limit, LIMIT_MAX)?;
    let mut cost = Cost::default();
    let [selection, baseline] = sides::sides(store, signal, request, question, &mut cost)?;
    let selected_by = lang::fields_in(&lang::parse(&question.selection.filter)?, signal);
    let (fields, mut left_out) = candidates(store, signal, request, [&selection, &baseline], &selected_by, &mut cost)?;
    let mut found = Vec::new();
    if selection.count > 0 && baseline.count > 0 {
        let profiles = [selection.profile(&fields, &mut cost)?, baseline.profile(&fields, &mut cost)?];
        let [of_selection, of_baseline] = &profiles;
        let sizes = compare::Sizes::new([&selection, &baseline], [of_selection, of_baseline]);
        for (at, field) in fields.iter().enumerate() {
            if cost.exhausted() {
                left_out += fields.len() - at;
                break;
            }
            let (Some(a), Some(b)) = (of_selection.fields.get(at), of_baseline.fields.get(at)) else { continue };
            if a.present == 0 && b.present == 0 {
                continue;
            }
            found.push(compare::attribute(field, [&selection, &baseline], [a, b], &sizes, &mut cost)?);
        }
    }
    let attributes = compare::rank(found);
    let looked_at = (selection.sampled() || baseline.sampled()).then_some(cost.looked_at);
    let explanation = Explanation {
        count: Pair { selection: selection.count, baseline: baseline.count },
        looked_at,
        sentence: sentence::sentence(&attributes, selection.count, baseline.count),
        attributes: attributes.into_iter().take(limit).map(|a| a.difference).collect(),
        left_out,
    };
    let Cost { partial, stats, .. } = cost;
    Ok(Outcome { value: explanation, partial, stats })
}
