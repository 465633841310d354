//! The newest exemplars of each series of the head.
//!
//! SDKs repeat an exemplar in every export until it is replaced, so equal
//! ones are kept once.

use std::collections::VecDeque;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::exemplar::Exemplar;

#[derive(Debug, Default)]
pub(crate) struct Exemplars {
    by_series: HashMap<u32, VecDeque<Exemplar>, FxBuildHasher>,
    count: usize,
    /// Memory, estimated.
    pub(crate) bytes: usize,
}

/// Memory of one exemplar, its texts included.
fn bytes_of(e: &Exemplar) -> usize {
    let texts = e.attributes.iter().map(|(k, v)| size_of::<(String, String)>() + k.len() + v.len());
    size_of::<Exemplar>() + texts.sum::<usize>()
}

impl Exemplars {
    /// Keeps `e`; drops the oldest of its series beyond `per_series`, or `e` itself beyond `max` over all. Returns
    /// whether it is there now.
    pub(crate) fn push(&mut self, id: u32, e: &Exemplar, per_series: usize, max: usize) -> bool {
        if per_series == 0 {
            return false;
        }
        let full = self.count >= max;
        if full && !self.by_series.contains_key(&id) {
            return false;
        }
        let ring = self.by_series.entry(id).or_default();
        if ring.contains(e) {
            return true;
        }
        if ring.len() >= per_series || full {
            let oldest = ring.pop_front();
            self.count -= 1;
            self.bytes -= oldest.as_ref().map_or(0, bytes_of);
        }
        self.bytes += bytes_of(e);
        ring.push_back(e.clone());
        self.count += 1;
        true
    }

    /// The exemplars of a series, in the order they came.
    pub(crate) fn of(&self, id: u32) -> impl Iterator<Item = &Exemplar> {
        self.by_series.get(&id).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use model::{SpanId, TraceId};

    use super::*;

    #[test]
    fn the_newest_of_each_series_are_kept_once() {
        let exemplar =
            |t| Exemplar { t, value: 1.0, trace_id: TraceId::ZERO, span_id: SpanId::ZERO, attributes: vec![] };
        let mut x = Exemplars::default();
        for t in [1, 2, 2, 3] {
            x.push(7, &exemplar(t), 2, 3);
        }
        assert_eq!(x.of(7).map(|e| e.t).collect::<Vec<_>>(), [2, 3]);
        x.push(8, &exemplar(1), 2, 3);
        x.push(9, &exemplar(1), 2, 3);
        x.push(8, &exemplar(2), 2, 3);
        assert_eq!(x.of(8).map(|e| e.t).collect::<Vec<_>>(), [2]);
        assert_eq!(x.of(9).count(), 0);
        assert_eq!(x.bytes, 3 * size_of::<Exemplar>(), "what was dropped is not counted");
    }
}
