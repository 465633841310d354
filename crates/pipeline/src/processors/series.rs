//! State by series, for processors that have to remember the point before.

use std::hash::{Hash, Hasher};

use foundation::UnixNanos;
use rustc_hash::{FxHashMap, FxHasher};
use wire::otlp::tree::{Attributes, Resource, Scope, Value};

/// Who a point belongs to: resource, scope, metric, attributes. 128 bits, so that two series do not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SeriesKey(u64, u64);

impl SeriesKey {
    /// Of a point. `kind` tells metrics of the same name and another kind apart.
    pub(crate) fn of(resource: &Resource, scope: &Scope, metric: &str, kind: u8, attributes: &Attributes) -> Self {
        let half = |seed: u64| {
            let mut h = FxHasher::default();
            seed.hash(&mut h);
            unordered(&resource.attributes, &mut h);
            scope.name.hash(&mut h);
            scope.version.hash(&mut h);
            metric.hash(&mut h);
            kind.hash(&mut h);
            unordered(attributes, &mut h);
            h.finish()
        };
        Self(half(0x9e37_79b9_7f4a_7c15), half(0xc2b2_ae3d_27d4_eb4f))
    }
}

/// The order of attributes does not matter.
fn unordered(a: &Attributes, out: &mut FxHasher) {
    let start = out.finish();
    let sum = a.iter().fold(0u64, |sum, (k, v)| {
        let mut h = FxHasher::default();
        start.hash(&mut h);
        k.hash(&mut h);
        hash_value(v, &mut h);
        sum.wrapping_add(h.finish())
    });
    (a.len(), sum).hash(out);
}

fn hash_value(v: &Value, h: &mut FxHasher) {
    match v {
        Value::Str(s) => (1u8, s.as_str()).hash(h),
        Value::Int(i) => (2u8, i).hash(h),
        Value::Bool(b) => (3u8, b).hash(h),
        Value::Double(d) => (4u8, d.to_bits()).hash(h),
        other => (5u8, other.to_text().as_str()).hash(h),
    }
}

/// State of at most so many series; one that was not touched for a while is forgotten.
#[derive(Debug)]
pub(super) struct SeriesMap<T> {
    map: FxHashMap<SeriesKey, (i64, T)>,
    max: usize,
    /// Nanoseconds; zero: nothing is forgotten.
    stale: i64,
    swept: i64,
    /// Points of series that there was no room for.
    pub(super) refused: u64,
}

impl<T> SeriesMap<T> {
    pub(super) fn new(max: usize, stale: std::time::Duration) -> Self {
        let stale = i64::try_from(stale.as_nanos()).unwrap_or(i64::MAX);
        Self { map: FxHashMap::default(), max, stale, swept: 0, refused: 0 }
    }

    /// The state of a series, made by `new` when there is none; `None` when there is no room.
    pub(super) fn entry(&mut self, key: SeriesKey, now: UnixNanos, new: impl FnOnce() -> T) -> Option<(&mut T, bool)> {
        self.sweep(now.0);
        let known = self.map.contains_key(&key);
        if !known && self.map.len() >= self.max {
            if self.refused == 0 {
                tracing::warn!(
                    max = self.max,
                    "no more series are remembered: points of new ones are dropped; raise `max_streams`"
                );
            }
            self.refused += 1;
            return None;
        }
        let (touched, state) = self.map.entry(key).or_insert_with(|| (now.0, new()));
        *touched = now.0;
        Some((state, !known))
    }

    /// Forgets what was not touched, at most eight times in the time after which it is stale.
    fn sweep(&mut self, now: i64) {
        if self.stale == 0 || now.saturating_sub(self.swept) < self.stale / 8 {
            return;
        }
        self.swept = now;
        self.map.retain(|_, (touched, _)| now.saturating_sub(*touched) <= self.stale);
    }

    /// All states.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::attributes;
    use super::*;

    #[test]
    fn keys_do_not_depend_on_the_order_and_old_series_are_forgotten() {
        let key = |a: Attributes| SeriesKey::of(&Resource::default(), &Scope::default(), "m", 0, &a);
        let ab = key(attributes([("a", 1.into()), ("b", "x".into())]));
        assert_eq!(ab, key(attributes([("b", "x".into()), ("a", 1.into())])));
        assert_ne!(ab, key(attributes([("a", "x".into()), ("b", 1.into())])));
        let mut map = SeriesMap::new(2, Duration::from_secs(8));
        let at = UnixNanos::from_secs;
        assert_eq!(map.entry(ab, at(1), || 1).map(|(_, new)| new), Some(true));
        assert_eq!(map.entry(ab, at(2), || 1).map(|(_, new)| new), Some(false));
        assert!(map.entry(key(attributes([("c", 1.into())])), at(2), || 1).is_some());
        let third = key(attributes([("d", 1.into())]));
        assert!(map.entry(third, at(3), || 1).is_none());
        assert!(map.entry(third, at(12), || 1).is_some());
        assert_eq!(map.len(), 1);
    }
}
