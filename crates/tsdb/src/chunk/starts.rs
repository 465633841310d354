//! Since when the floats of a stretch count: start times in runs beside the samples.
//!
//! Nearly every series has one start time for days, or none, so that all of a stretch is one run. Places are those of the samples
//! beside which they stand; samples behind the last run have no known start time (0), as have all when there is no run.
//! Format: `docs/formats/tsdb.md`, "Chunk".

use std::ops::Range;

use super::bits::{ByteReader, put_signed, put_varint};

/// Start times of floats, in milliseconds; 0: not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StartTimes {
    /// Neighbours differ, and the last one is known.
    runs: Vec<Run>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// The place behind its last sample.
    end: usize,
    start: i64,
}

impl StartTimes {
    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// That of the sample at a place.
    pub fn at(&self, place: usize) -> i64 {
        self.runs.get(self.runs.partition_point(|r| r.end <= place)).map_or(0, |r| r.start)
    }

    /// Those of all samples, one after another, and 0 for ever behind them.
    pub fn iter(&self) -> impl Iterator<Item = i64> {
        let mut from = 0;
        let run = move |r: &Run| std::iter::repeat_n(r.start, r.end - std::mem::replace(&mut from, r.end));
        self.runs.iter().flat_map(run).chain(std::iter::repeat(0))
    }

    /// The one that all of the first `count` samples have.
    pub fn of_all(&self, count: usize) -> Option<i64> {
        match self.runs.first() {
            None => Some(0),
            Some(r) => (r.end >= count).then_some(r.start),
        }
    }

    /// Says when the samples at `places` began to count; nothing was said of them or later ones so far.
    pub(crate) fn set(&mut self, places: Range<usize>, start: i64) {
        if start == 0 || places.is_empty() {
            return;
        }
        if self.runs.is_empty() {
            // Mostly the only one, in every series of the head.
            self.runs.reserve_exact(1);
        }
        if self.len() < places.start {
            self.runs.push(Run { end: places.start, start: 0 });
        }
        match self.runs.last_mut() {
            Some(last) if last.start == start => last.end = places.end,
            _ => self.runs.push(Run { end: places.end, start }),
        }
    }

    /// Says of the samples from `before` on what `starts` says, whose places begin there.
    pub(crate) fn put(&mut self, before: usize, starts: &Self) {
        starts.each_run(|run, start| self.set(before + run.start..before + run.end, start));
    }

    /// Calls `each` with the places and the start time of every run.
    pub(crate) fn each_run(&self, mut each: impl FnMut(Range<usize>, i64)) {
        let mut from = 0;
        self.runs.iter().for_each(|r| each(std::mem::replace(&mut from, r.end)..r.end, r.start));
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
    }

    /// Forgets those of the samples from a place on.
    pub(crate) fn truncate(&mut self, len: usize) {
        let kept = self.runs.partition_point(|r| r.end < len);
        self.runs.truncate(kept + 1);
        if let Some(last) = self.runs.last_mut() {
            last.end = last.end.min(len);
        }
        while self.runs.pop_if(|r| r.start == 0 || r.end == 0).is_some() {}
    }

    /// Forgets those of the first `n` samples, which are gone.
    pub(crate) fn skip(&mut self, n: usize) {
        self.runs.retain_mut(|r| {
            r.end = r.end.saturating_sub(n);
            r.end > 0
        });
    }

    /// Those of some neighbours.
    pub(crate) fn slice(&self, places: Range<usize>) -> Self {
        let mut out = self.clone();
        out.truncate(places.end);
        out.skip(places.start);
        out
    }

    /// Memory outside of the struct.
    pub(crate) fn bytes(&self) -> usize {
        self.runs.capacity() * size_of::<Run>()
    }

    fn len(&self) -> usize {
        self.runs.last().map_or(0, |r| r.end)
    }

    /// Appends those of `count` samples, the first of which is at `first_t`.
    pub(super) fn encode(&self, count: usize, first_t: i64, out: &mut Vec<u8>) {
        let mut from = 0;
        let mut put = |start: i64, end: usize| {
            put_signed(out, first_t.wrapping_sub(start));
            put_varint(out, if end == count { 0 } else { (end - from) as u64 });
            from = end;
        };
        self.runs.iter().for_each(|r| put(r.start, r.end.min(count)));
        if self.len() < count {
            put(0, count);
        }
    }

    /// Reads those of `count` samples, the first of which is at `first_t`, and calls `each` with every run.
    pub(super) fn decode(
        r: &mut ByteReader<'_>,
        count: usize,
        first_t: i64,
        mut each: impl FnMut(Range<usize>, i64),
    ) -> Option<()> {
        let mut from = 0;
        while from < count {
            let start = first_t.wrapping_sub(r.signed()?);
            let end = match r.len()? {
                0 => count,
                len => from.checked_add(len).filter(|end| *end < count)?,
            };
            each(from..end, start);
            from = end;
        }
        Some(())
    }
}

impl FromIterator<i64> for StartTimes {
    fn from_iter<I: IntoIterator<Item = i64>>(starts: I) -> Self {
        let mut out = Self::default();
        starts.into_iter().enumerate().for_each(|(at, start)| out.set(at..at + 1, start));
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn starts() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(prop_oneof![Just(0i64), 1i64..4, any::<i64>()], 0..40)
    }

    proptest! {
        #[test]
        fn runs_are_what_a_list_is(all in starts(), cut in any::<prop::sample::Index>(), end in any::<prop::sample::Index>()) {
            let runs: StartTimes = all.iter().copied().collect();
            let list = |runs: &StartTimes, n: usize| runs.iter().take(n).collect::<Vec<_>>();
            prop_assert_eq!(list(&runs, all.len()), &all[..]);
            all.iter().enumerate().for_each(|(at, start)| assert_eq!(runs.at(at), *start));
            prop_assert_eq!(runs.is_empty(), all.iter().all(|s| *s == 0));
            let (from, to) = (cut.index(all.len() + 1), end.index(all.len() + 1));
            let (from, to) = (from.min(to), from.max(to));
            let part = runs.slice(from..to);
            prop_assert_eq!(&part, &all[from..to].iter().copied().collect::<StartTimes>());
            let same = all[from..to].iter().all(|s| *s == all[from..to][0]);
            prop_assert_eq!(part.of_all(to - from).is_some(), same);
        }

        #[test]
        fn what_was_written_is_read(all in starts(), first_t in any::<i64>()) {
            let runs: StartTimes = all.iter().copied().collect();
            let mut bytes = Vec::new();
            runs.encode(all.len(), first_t, &mut bytes);
            let mut back = StartTimes::default();
            StartTimes::decode(&mut ByteReader(&bytes), all.len(), first_t, |places, start| back.set(places, start)).unwrap();
            prop_assert_eq!(back, runs);
        }
    }
}
