//! The sums: what each has, and when it is told.
//!
//! Time is that of the samples, not of a clock, so that replay tells the same. A sum is told at the multiples of its interval:
//! when one of its series has a sample behind that, or any series at all one that is an interval further. A counter adds up
//! increases, with resets, so that a series that comes or goes is no fall; a gauge adds up the newest values.

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::{Rule, Rules};
use crate::chunk::bits::{ByteReader, put_prefixed, put_signed, put_varint};

/// A gauge without a sample for this long has no value any more: PromQL's lookback.
const SILENT_MS: i64 = 300_000;

type Map<V> = HashMap<Box<[u8]>, V, FxBuildHasher>;

/// A sample of a sum.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
    pub(crate) key: Box<[u8]>,
    pub(crate) t: i64,
    pub(crate) v: f64,
}

/// A series that goes into a sum.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Input {
    t: i64,
    v: f64,
}

#[derive(Debug, Clone, PartialEq)]
struct Sum {
    interval_ms: i64,
    counter: bool,
    /// When it is told next.
    due: i64,
    /// When it was told last; `i64::MIN` before that.
    told: i64,
    /// Whether there is something to tell.
    changed: bool,
    /// Of counters.
    total: f64,
    inputs: Map<Input>,
}

/// All sums, by their keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Aggregates {
    rules: Arc<Rules>,
    sums: Map<Sum>,
    newest: i64,
}

/// The first multiple of `interval` that is not before `t`.
fn multiple(t: i64, interval: i64) -> i64 {
    t.saturating_add(interval - 1).div_euclid(interval).saturating_mul(interval)
}

impl Sum {
    fn value(&mut self) -> Option<f64> {
        if self.counter {
            return Some(self.total);
        }
        let oldest = self.due.saturating_sub(SILENT_MS);
        self.inputs.retain(|_, input| input.t > oldest);
        (!self.inputs.is_empty()).then(|| self.inputs.values().map(|input| input.v).sum())
    }

    fn tell(&mut self, key: &[u8], out: &mut Vec<Output>) {
        if std::mem::take(&mut self.changed)
            && let Some(v) = self.value()
        {
            out.push(Output { key: key.into(), t: self.due, v });
        }
        self.told = self.due;
    }

    fn take(&mut self, key: &[u8], now: Input, stale: bool) {
        let known = self.inputs.get_mut(key);
        match known {
            _ if stale && self.counter => return,
            _ if stale => drop(self.inputs.remove(key)),
            Some(known) if now.t <= known.t => return,
            Some(known) => {
                if self.counter {
                    self.total += if now.v < known.v { now.v } else { now.v - known.v };
                }
                *known = now;
            }
            None => drop(self.inputs.insert(key.into(), now)),
        }
        self.changed = true;
    }
}

impl Aggregates {
    /// The same sums under these rules.
    pub(crate) fn under(self, rules: Arc<Rules>) -> Self {
        Self { rules, ..self }
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.rules.clone()
    }

    /// Takes a sample of a series that `rule` adds up; what is to be stored for it, and for others, goes to `out`. An increase
    /// is added as it is.
    pub(crate) fn add(&mut self, rule: &Rule, key: &[u8], (t, v): (i64, f64), increase: bool, out: &mut Vec<Output>) {
        let stale = crate::is_stale(v);
        if !v.is_finite() && !stale {
            return;
        }
        let mut of = Vec::with_capacity(key.len());
        rule.output(key, &mut of);
        let interval_ms = rule.interval_ms;
        if !self.sums.contains_key(&of[..]) {
            let (counter, due) = (increase || rule.is_counter(key), multiple(t, interval_ms));
            let (told, changed, total, inputs) = (i64::MIN, false, 0.0, Map::default());
            let sum = Sum { interval_ms, counter, due, told, changed, total, inputs };
            self.sums.insert(of[..].into(), sum);
        }
        let Some(sum) = self.sums.get_mut(&of[..]) else { return };
        sum.interval_ms = interval_ms;
        if t > sum.due {
            if sum.due > sum.told {
                sum.tell(&of, out);
            }
            sum.due = multiple(t, interval_ms);
        } else if sum.due <= sum.told {
            // It came late: its increase is told with the next ones.
            sum.due = sum.told.saturating_add(interval_ms);
        }
        if increase && !stale {
            sum.total += v;
            sum.changed = true;
        } else {
            sum.take(key, Input { t, v }, stale);
        }
        self.pass(t, out);
    }

    /// Tells the sums that everybody is an interval past.
    fn pass(&mut self, t: i64, out: &mut Vec<Output>) {
        let newest = t.max(self.newest);
        let before = std::mem::replace(&mut self.newest, newest);
        if before.div_euclid(1000) == self.newest.div_euclid(1000) {
            return;
        }
        for (key, sum) in &mut self.sums {
            if sum.due > sum.told && self.newest > sum.due.saturating_add(sum.interval_ms) {
                sum.tell(key, out);
            }
        }
    }

    /// Forgets series that have had no sample since `t`, and sums without series.
    pub(crate) fn forget_before(&mut self, t: i64) {
        self.sums.retain(|_, sum| {
            sum.inputs.retain(|_, input| input.t >= t);
            !sum.inputs.is_empty() || sum.due >= t
        });
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_signed(out, self.newest);
        put_varint(out, self.sums.len() as u64);
        for (key, sum) in sorted(&self.sums) {
            put_prefixed(out, key);
            put_signed(out, sum.interval_ms);
            out.push(u8::from(sum.counter) | u8::from(sum.changed) << 1);
            put_signed(out, sum.due);
            put_signed(out, sum.told);
            out.extend_from_slice(&sum.total.to_bits().to_le_bytes());
            put_varint(out, sum.inputs.len() as u64);
            for (key, input) in sorted(&sum.inputs) {
                put_prefixed(out, key);
                put_signed(out, input.t);
                out.extend_from_slice(&input.v.to_bits().to_le_bytes());
            }
        }
    }

    /// Reads what [`Aggregates::encode`] wrote; the rules are not part of it.
    pub(crate) fn decode(r: &mut ByteReader<'_>) -> Option<Self> {
        let mut all = Self { newest: r.signed()?, ..Self::default() };
        for _ in 0..r.len()? {
            let key: Box<[u8]> = r.prefixed()?.into();
            let interval_ms = r.signed().filter(|ms| *ms > 0)?;
            let flags = r.u8()?;
            let (due, told) = (r.signed()?, r.signed()?);
            let total = f64::from_bits(r.u64()?);
            let mut inputs = Map::default();
            for _ in 0..r.len()? {
                let key: Box<[u8]> = r.prefixed()?.into();
                inputs.insert(key, Input { t: r.signed()?, v: f64::from_bits(r.u64()?) });
            }
            let (counter, changed) = (flags & 1 != 0, flags & 2 != 0);
            all.sums.insert(key, Sum { interval_ms, counter, due, told, changed, total, inputs });
        }
        Some(all)
    }
}

fn sorted<V>(map: &Map<V>) -> Vec<(&[u8], &V)> {
    let mut all: Vec<_> = map.iter().map(|(key, v)| (&**key, v)).collect();
    all.sort_unstable_by_key(|(key, _)| *key);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::{AggregateRule, KeepLabels};
    use crate::{MatchOp, Matcher};

    fn key(pod: &str, name: &str) -> Vec<u8> {
        let mut key = Vec::new();
        assert!(crate::key::write([("__name__", name), ("job", "a"), ("pod", pod)], &mut key));
        key
    }

    struct Fixture {
        all: Aggregates,
        name: &'static str,
        told: Vec<(i64, f64)>,
    }

    impl Fixture {
        fn new(name: &'static str) -> Self {
            let rule = AggregateRule {
                matchers: vec![Matcher::new("job", MatchOp::Eq, "a")],
                keep: KeepLabels::Without(vec!["pod".into()]),
                interval: std::time::Duration::from_secs(60),
                counters: None,
            };
            let rules = Arc::new(Rules::new(&[rule]).unwrap());
            Self { all: Aggregates { rules, ..Aggregates::default() }, name, told: Vec::new() }
        }

        fn add(&mut self, pod: &str, t_s: i64, v: f64) {
            // Through the form on disk, which must hold all of it.
            let mut bytes = Vec::new();
            self.all.encode(&mut bytes);
            let rules = self.all.rules.clone();
            self.all = Aggregates { rules: rules.clone(), ..Aggregates::decode(&mut ByteReader(&bytes)).unwrap() };
            let (key, mut out) = (key(pod, self.name), Vec::new());
            self.all.add(rules.of(&key).unwrap(), &key, (t_s * 1000, v), false, &mut out);
            for o in out {
                assert_eq!(crate::key::decode(&o.key).to_string(), format!("{}{{job=\"a\"}}", self.name));
                self.told.push((o.t / 1000, o.v));
            }
        }
    }

    #[test]
    fn counters_add_up_increases_and_survive_resets_and_newcomers() {
        let mut f = Fixture::new("hits_total");
        for (pod, t, v) in [
            ("x", 10, 100.0),
            ("y", 12, 7.0),
            ("x", 40, 110.0),
            ("y", 42, 8.0),
            // Behind the first minute: 10 and 1 are told.
            ("x", 70, 5.0),
            ("z", 71, 1000.0),
            ("z", 100, 1002.0),
            ("x", 130, 6.0),
        ] {
            f.add(pod, t, v);
        }
        assert_eq!(f.told, [(60, 11.0), (120, 18.0)]);
        // Late, after its minute was told: nothing is lost.
        f.add("y", 118, 9.0);
        f.add("x", 200, 6.0);
        assert_eq!(f.told[2..], [(180, 20.0)]);
    }

    #[test]
    fn gauges_add_up_what_is_newest_and_forget_who_left() {
        let mut f = Fixture::new("queue");
        f.add("x", 10, 3.0);
        f.add("y", 20, 4.0);
        f.add("y", 30, 5.0);
        f.add("x", 61, 1.0);
        assert_eq!(f.told, [(60, 8.0)]);
        f.add("y", 62, f64::from_bits(crate::STALE_NAN));
        f.add("x", 125, 2.0);
        assert_eq!(f.told[1..], [(120, 1.0)]);
        // Silent for more than five minutes.
        f.add("z", 600, 9.0);
        f.add("z", 661, 9.0);
        assert_eq!(f.told.last(), Some(&(600, 9.0)));
    }

    #[test]
    fn sums_are_told_when_others_move_on() {
        let mut f = Fixture::new("queue");
        f.add("x", 10, 3.0);
        let other = {
            let mut key = Vec::new();
            crate::key::write([("__name__", "other"), ("job", "a")], &mut key);
            key
        };
        let (rules, mut out) = (f.all.rules.clone(), Vec::new());
        f.all.add(rules.of(&other).unwrap(), &other, (119_000, 1.0), false, &mut out);
        assert_eq!(out, []);
        f.all.add(rules.of(&other).unwrap(), &other, (121_000, 1.0), false, &mut out);
        let told: Vec<(i64, f64)> = out.iter().map(|o| (o.t, o.v)).collect();
        assert!(told.contains(&(60_000, 3.0)), "{told:?}");
    }

    #[test]
    fn quantiles_stay_alone_and_buckets_keep_their_bound() {
        let f = Fixture::new("x");
        let (mut summary, mut bucket, mut sum) = (Vec::new(), Vec::new(), Vec::new());
        crate::key::write([("__name__", "s"), ("job", "a"), ("quantile", "0.5")], &mut summary);
        assert!(f.all.rules.of(&summary).is_none());
        crate::key::write([("__name__", "s_bucket"), ("job", "a"), ("le", "1"), ("pod", "x")], &mut bucket);
        f.all.rules.of(&bucket).unwrap().output(&bucket, &mut sum);
        assert_eq!(crate::key::decode(&sum).to_string(), "s_bucket{job=\"a\", le=\"1\"}");
    }
}
