//! From matchers to series ids: the algebra over an inverted index.
//!
//! The head and the blocks each have an index of their own ([`LabelIndex`]);
//! what matchers mean is written here once.

use roaring::RoaringBitmap;

use crate::TsdbError;
use crate::matcher::{Compiled, Test};

/// Every value begins with it.
pub(crate) const ANY_PREFIX: &[Vec<u8>] = &[Vec::new()];

/// An inverted index: which series have which value of which label.
pub(crate) trait LabelIndex {
    /// All series.
    fn all(&self) -> RoaringBitmap;

    /// The series whose label `name` has `value` (not empty).
    fn with_value(&self, name: &str, value: &str) -> Result<RoaringBitmap, TsdbError>;

    /// The series whose label `name` has a value (not empty) that begins with one of `prefixes` (sorted, none begins
    /// with another) and that `wanted` accepts.
    fn with_values(
        &self,
        name: &str,
        prefixes: &[Vec<u8>],
        wanted: &mut dyn FnMut(&str) -> bool,
    ) -> Result<RoaringBitmap, TsdbError>;

    /// How many series there are.
    fn series(&self) -> u64;

    /// Calls `each` with every value of the label `name` and how many series have it.
    fn counts(&self, name: &str, each: &mut dyn FnMut(&str, u64)) -> Result<(), TsdbError>;

    /// Calls `each` with every label name.
    fn names(&self, each: &mut dyn FnMut(&str));

    /// Calls `each` with every value of the label `name`.
    fn values(&self, name: &str, each: &mut dyn FnMut(&str)) -> Result<(), TsdbError>;
}

/// The series that satisfy all matchers.
pub(crate) fn select(index: &dyn LabelIndex, matchers: &[Compiled]) -> Result<RoaringBitmap, TsdbError> {
    let mut found: Option<RoaringBitmap> = None;
    for m in matchers.iter().filter(|m| !m.matches_empty()) {
        let ids = with(index, m, false)?;
        let both = match found {
            Some(f) => f & ids,
            None => ids,
        };
        if both.is_empty() {
            return Ok(both);
        }
        found = Some(both);
    }
    // The series without the label satisfy these matchers: take away those whose value does not.
    let mut found = found.unwrap_or_else(|| index.all());
    for m in matchers.iter().filter(|m| m.matches_empty()) {
        if found.is_empty() {
            break;
        }
        found -= with(index, m, true)?;
    }
    Ok(found)
}

/// The series with a non-empty value that satisfies the matcher, or that does not when `inverted`.
fn with(index: &dyn LabelIndex, m: &Compiled, inverted: bool) -> Result<RoaringBitmap, TsdbError> {
    let ids = with_name(index, &m.name, m, inverted)?;
    let Some(or_name) = &m.or_name else { return Ok(ids) };
    let others = with_name(index, or_name, m, inverted)? - index.with_values(&m.name, ANY_PREFIX, &mut |_| true)?;
    Ok(ids | others)
}

/// As [`with`], for the label `name` alone.
fn with_name(index: &dyn LabelIndex, name: &str, m: &Compiled, inverted: bool) -> Result<RoaringBitmap, TsdbError> {
    match &m.test {
        Test::OneOf(values) if m.negated == inverted => {
            let mut ids = RoaringBitmap::new();
            for v in values.iter().filter(|v| !v.is_empty()) {
                ids |= index.with_value(name, v)?;
            }
            Ok(ids)
        }
        Test::Pattern(pattern) if m.negated == inverted && !pattern.prefixes().is_empty() => {
            index.with_values(name, pattern.prefixes(), &mut |v| pattern.matches(v))
        }
        _ => index.with_values(name, ANY_PREFIX, &mut |v| m.matches(v) != inverted),
    }
}
