//! Records counted by one field and nothing else: facets and top lists.
//!
//! What blocks have in common (the dictionary of their segment, texts that differ in a number only) is counted in
//! arrays by number. Which text a number stands for is asked at the end, and if there is one array alone, whose texts
//! all differ, only of those that can be listed.

use super::state::State;
use super::{Column, Job};
use crate::query::group::{Groups, NO_GROUP};
use crate::query::names::ByNumber;

/// Counts by the numbers of texts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: ByNumber<u64>,
}

impl Tally {
    /// Counts rows; `None` when the texts of these have no numbers. Else how many rows have no text.
    fn take(&mut self, Groups { codes, names }: &Groups) -> Option<u64> {
        let (counts, numbers) = self.counts.of(names, 0)?;
        if numbers.len() > codes.len() / 2 {
            // Nearly every row has a text of its own.
            let mut with = 0;
            for number in codes.iter().filter_map(|code| numbers.get(*code as usize)) {
                if let Some(n) = counts.get_mut(*number as usize) {
                    *n += 1;
                    with += 1;
                }
            }
            return Some(codes.len() as u64 - with);
        }
        let mut rows = vec![0; numbers.len() + 1];
        histogram(codes, &mut rows);
        let none = rows.pop().unwrap_or_default();
        for (number, rows) in numbers.iter().zip(rows) {
            if let Some(n) = counts.get_mut(*number as usize) {
                *n += u64::from(rows);
            }
        }
        Some(u64::from(none))
    }

    pub(super) fn join(&mut self, other: Self) {
        self.counts.join(other.counts, 0, |mine, theirs| *mine += theirs);
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.counts.heap_bytes()
    }
}

/// Counters of a code; neighbours often have the same one, and would wait for each other.
const LANES: usize = 4;

/// Adds how often each code occurs; what is beyond the last of `counts` counts there.
pub(super) fn histogram(codes: &[u32], counts: &mut [u32]) {
    let Some(last) = counts.len().checked_sub(1) else { return };
    let mut lanes = vec![[0u32; LANES]; counts.len()];
    let (chunks, rest) = codes.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, code) in chunk.iter().enumerate() {
            if let Some(n) = lanes.get_mut((*code as usize).min(last)) {
                n[lane] += 1;
            }
        }
    }
    for code in rest {
        if let Some(n) = lanes.get_mut((*code as usize).min(last)) {
            n[0] += 1;
        }
    }
    counts.iter_mut().zip(lanes).for_each(|(n, lanes)| *n += lanes.iter().sum::<u32>());
}

impl State<'_> {
    /// Counts rows by one field.
    pub(super) fn count_by(&mut self, groups: &Groups) {
        if let Some(none) = self.tally.take(groups) {
            if none > 0 {
                self.count(&[NO_GROUP, NO_GROUP], none);
            }
            return;
        }
        let Groups { codes, names } = groups;
        let mut counts = vec![0; names.len() + 1];
        histogram(codes, &mut counts);
        let none = counts.pop().unwrap_or_default();
        for (code, n) in counts.into_iter().enumerate().filter(|(_, n)| *n > 0) {
            let name = self.names.first_mut().and_then(|known| known.code(&names.get(code as u32)));
            self.count(&[NO_GROUP, name.unwrap_or(NO_GROUP)], u64::from(n));
        }
        if none > 0 {
            self.count(&[NO_GROUP, NO_GROUP], u64::from(none));
        }
    }

    /// Counts `n` records of the group with this key.
    pub(super) fn count(&mut self, key: &[u32], n: u64) {
        let slot = self.slot(key);
        for a in &mut self.accumulators {
            a.resize(self.slots);
            a.add_count(slot as usize, n);
        }
    }

    /// Makes groups of what was counted by numbers, or of what of it can be listed.
    pub(super) fn settle(&mut self) {
        let tally = std::mem::take(&mut self.tally).counts;
        let alone = tally.kinds() == 1 && self.keys.chunks_exact(self.job.key_len()).all(|key| key == [NO_GROUP; 2]);
        let least = if alone { self.job.least_listed(tally.values()) } else { 1 };
        tally.each_text(|n, text| {
            if n >= least {
                let name = self.names.first_mut().and_then(|names| names.code(&text()));
                self.count(&[NO_GROUP, name.unwrap_or(NO_GROUP)], n);
            } else if n > 0 {
                self.unlisted += 1;
            }
        });
    }
}

impl Job<'_> {
    /// The count from which on a group can be among those that are listed, given all counts.
    fn least_listed<'c>(&self, counts: impl Iterator<Item = &'c u64>) -> u64 {
        let by_count = self.asked.order.first().is_some_and(|o| o.descending && matches!(o.column, Column::Measure(_)));
        if !by_count || !self.asked.having.is_empty() {
            return 1;
        }
        let mut counts: Vec<u64> = counts.copied().filter(|n| *n > 0).collect();
        match self.asked.limit.checked_sub(1) {
            Some(last) if last < counts.len() => *counts.select_nth_unstable_by(last, |a, b| b.cmp(a)).1,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_counted() {
        let codes = [0, 1, 1, 2, NO_GROUP, 1, 0, 7, 2];
        let mut counts = [0; 4];
        histogram(&codes, &mut counts);
        assert_eq!(counts, [2, 3, 2, 2]);
    }
}
