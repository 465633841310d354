//! The inverted index of the head: label name -> value -> series, growing with each new series.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use roaring::RoaringBitmap;
use rustc_hash::FxBuildHasher;

use crate::TsdbError;
use crate::key;
use crate::postings::LabelIndex;

/// Ids are given in rising order, so that the lists stay sorted.
type Values = HashMap<Box<str>, Vec<u32>, FxBuildHasher>;

#[derive(Debug, Default)]
pub(crate) struct HeadIndex {
    names: BTreeMap<Box<str>, Values>,
    series: u32,
}

impl HeadIndex {
    /// Enters a series; returns the bytes that the entry takes, roughly.
    pub(crate) fn insert(&mut self, id: u32, series_key: &[u8]) -> usize {
        self.series = self.series.max(id + 1);
        let mut bytes = 0;
        for (name, value) in key::iter(series_key) {
            if !self.names.contains_key(name) {
                self.names.insert(name.into(), Values::default());
            }
            let Some(values) = self.names.get_mut(name) else { continue };
            bytes += 4;
            match values.get_mut(value) {
                Some(ids) => ids.push(id),
                None => {
                    bytes += value.len() + 64;
                    values.insert(value.into(), vec![id]);
                }
            }
        }
        bytes
    }
}

impl LabelIndex for HeadIndex {
    fn all(&self) -> RoaringBitmap {
        (0..self.series).collect()
    }

    fn with_value(&self, name: &str, value: &str) -> Result<RoaringBitmap, TsdbError> {
        let ids = self.names.get(name).and_then(|v| v.get(value));
        Ok(ids.map(|ids| ids.iter().copied().collect()).unwrap_or_default())
    }

    fn with_values(&self, name: &str, wanted: &mut dyn FnMut(&str) -> bool) -> Result<RoaringBitmap, TsdbError> {
        let mut found = RoaringBitmap::new();
        for (value, ids) in self.names.get(name).into_iter().flatten() {
            if wanted(value) {
                found.extend(ids.iter().copied());
            }
        }
        Ok(found)
    }

    fn names(&self, each: &mut dyn FnMut(&str)) {
        self.names.keys().for_each(|n| each(n));
    }

    fn values(&self, name: &str, each: &mut dyn FnMut(&str)) -> Result<(), TsdbError> {
        self.names.get(name).into_iter().flatten().for_each(|(v, _)| each(v));
        Ok(())
    }
}
