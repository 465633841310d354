//! Rejected spans that match filters, by minute: what objectives count beside the spans that are stored.
//!
//! Minutes are those of arrival: a span of a tail sampler counts when its trace is decided. They are kept for some hours, until
//! the objectives have them in their own rings. Which filters there are is set from outside; everything else is a function of the
//! log: a filter is exact from the minute after the last rejected span that came before it.

use std::collections::BTreeMap;

use eventstore::SpanColumns;
use eventstore::query::{Field, Filter, RejectedSpans, SpanFilter};

use crate::bytes::{Damaged, Reader, put_bytes, put_u32, put_u64};

const MINUTE_MS: i64 = 60_000;
/// Minutes that are kept: more than objectives ever count again after a crash or while they cannot be counted.
const MINUTES_KEPT: i64 = 180;
/// Groups of all filters and minutes together; guards the memory.
const GROUPS_MAX: usize = 200_000;
/// A group whose values are longer is not counted: it is no label.
const GROUP_BYTES_MAX: usize = 4_096;
/// Of a filter of which nothing is known before the next batch.
const UNKNOWN: i64 = i64::MAX;
/// No span was rejected ever.
const NEVER: i64 = i64::MIN;

/// What is counted of the spans that samplers reject.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanCount {
    /// Which spans.
    pub filter: Filter,
    /// Each combination of their values is counted apart.
    pub group_by: Vec<Field>,
}

impl SpanCount {
    /// By what it is known again in a checkpoint.
    fn signature(&self) -> String {
        format!("{:?} {:?}", self.filter, self.group_by)
    }
}

/// The values of a group, one for each field.
pub type GroupValues = Vec<Option<String>>;

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The first minute since the epoch from which on the counts are exact.
    pub exact_from: i64,
    /// Minute, group, and how many spans.
    pub counts: Vec<(i64, GroupValues, u64)>,
}

#[derive(Debug)]
struct Running {
    signature: String,
    group_by: Vec<Field>,
    filter: SpanFilter,
    exact_from: i64,
    minutes: BTreeMap<i64, BTreeMap<GroupValues, u64>>,
}

#[derive(Debug)]
pub(crate) struct Rejected {
    running: Vec<Running>,
    /// Arrival of the newest rejected span.
    last_ms: i64,
    /// The checkpoint was lost: what was rejected before the next batch is not known.
    lost: bool,
    /// In all filters and minutes.
    groups: usize,
    /// Spans beyond the limits.
    pub(crate) overflowed: u64,
}

impl Rejected {
    pub(crate) fn new(wanted: &[SpanCount]) -> Self {
        let mut new = Self { running: Vec::new(), last_ms: NEVER, lost: false, groups: 0, overflowed: 0 };
        new.set(wanted);
        new
    }

    /// Counts these from now on; those that were counted before go on.
    pub(crate) fn set(&mut self, wanted: &[SpanCount]) {
        let mut before = std::mem::take(&mut self.running);
        for count in wanted {
            let signature = count.signature();
            if self.running.iter().any(|r| r.signature == signature) {
                continue;
            }
            if let Some(place) = before.iter().position(|r| r.signature == signature) {
                self.running.push(before.swap_remove(place));
                continue;
            }
            match SpanFilter::new(&count.filter) {
                Ok(filter) => self.running.push(Running {
                    signature,
                    group_by: count.group_by.clone(),
                    filter,
                    exact_from: self.exact_from(),
                    minutes: BTreeMap::new(),
                }),
                Err(error) => tracing::warn!(%error, "rejected spans are not counted for an objective"),
            }
        }
        self.count_groups();
    }

    fn exact_from(&self) -> i64 {
        match self.last_ms {
            _ if self.lost => UNKNOWN,
            NEVER => NEVER,
            ms => ms.div_euclid(MINUTE_MS) + 1,
        }
    }

    fn count_groups(&mut self) {
        self.groups = self.running.iter().flat_map(|r| r.minutes.values()).map(BTreeMap::len).sum();
    }

    /// Nothing is known of what was rejected before the next batch.
    pub(crate) fn lose(&mut self) {
        self.lost = true;
        self.running.iter_mut().for_each(|r| r.exact_from = UNKNOWN);
    }

    pub(crate) fn apply(&mut self, spans: &SpanColumns, now_ms: i64) {
        let minute = now_ms.div_euclid(MINUTE_MS);
        if self.lost {
            self.lost = false;
            self.last_ms = now_ms;
            self.running.iter_mut().filter(|r| r.exact_from == UNKNOWN).for_each(|r| r.exact_from = minute + 1);
        }
        if spans.rejected().is_empty() {
            return;
        }
        self.last_ms = now_ms;
        if self.running.is_empty() {
            return;
        }
        self.forget(minute - MINUTES_KEPT);
        let rejected = RejectedSpans::of(spans);
        for r in &mut self.running {
            let places = r.filter.matching(&rejected);
            let columns: Vec<Vec<Option<String>>> =
                r.group_by.iter().map(|field| rejected.texts(field, &places)).collect();
            let counts = r.minutes.entry(minute).or_default();
            for i in 0..places.len() {
                let group: GroupValues = columns.iter().map(|c| c.get(i).cloned().flatten()).collect();
                if let Some(count) = counts.get_mut(&group) {
                    *count += 1;
                } else if self.groups < GROUPS_MAX
                    && group.iter().flatten().map(String::len).sum::<usize>() <= GROUP_BYTES_MAX
                {
                    self.groups += 1;
                    counts.insert(group, 1);
                } else {
                    self.overflowed += 1;
                }
            }
        }
    }

    /// Forgets the minutes before one.
    fn forget(&mut self, before: i64) {
        let mut forgot = false;
        for r in &mut self.running {
            let kept = r.minutes.split_off(&before);
            let old = std::mem::replace(&mut r.minutes, kept);
            if let Some(newest) = old.keys().next_back() {
                r.exact_from = r.exact_from.max(newest + 1);
                forgot = true;
            }
        }
        if forgot {
            self.count_groups();
        }
    }

    /// What was counted in the minutes `from..to`; `None` when it is not counted, or nothing was rejected ever.
    pub(crate) fn counted(&self, of: &SpanCount, (from, to): (i64, i64)) -> Option<Counted> {
        let signature = of.signature();
        let r = self.running.iter().find(|r| r.signature == signature && (self.last_ms != NEVER || self.lost))?;
        let minutes = r.minutes.iter().filter(|(minute, _)| (from..to).contains(minute));
        let counts = minutes.flat_map(|(minute, groups)| groups.iter().map(|(g, n)| (*minute, g.clone(), *n)));
        Some(Counted { exact_from: r.exact_from, counts: counts.collect() })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.last_ms as u64);
        out.push(u8::from(self.lost));
        put_u64(out, self.overflowed);
        put_u32(out, self.running.len() as u32);
        for r in &self.running {
            put_bytes(out, r.signature.as_bytes());
            put_u64(out, r.exact_from as u64);
            put_u32(out, r.minutes.len() as u32);
            for (minute, groups) in &r.minutes {
                put_u64(out, *minute as u64);
                put_u32(out, groups.len() as u32);
                for (group, count) in groups {
                    put_u32(out, group.len() as u32);
                    for value in group {
                        out.push(u8::from(value.is_some()));
                        put_bytes(out, value.as_deref().unwrap_or_default().as_bytes());
                    }
                    put_u64(out, *count);
                }
            }
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>, wanted: &[SpanCount]) -> Result<Self, Damaged> {
        let mut rejected = Self::new(&[]);
        rejected.last_ms = r.i64()?;
        rejected.lost = r.u8()? != 0;
        rejected.overflowed = r.u64()?;
        rejected.set(wanted);
        for _ in 0..r.count(16)? {
            let (signature, exact_from) = (r.text()?, r.i64()?);
            let mut minutes = BTreeMap::new();
            for _ in 0..r.count(12)? {
                let minute = r.i64()?;
                let mut groups = BTreeMap::new();
                for _ in 0..r.count(12)? {
                    let group = (0..r.count(5)?).map(|_| value(r)).collect::<Result<GroupValues, Damaged>>()?;
                    groups.insert(group, r.u64()?);
                }
                minutes.insert(minute, groups);
            }
            // What is not wanted any more is passed over.
            if let Some(running) = rejected.running.iter_mut().find(|r| r.signature == signature) {
                (running.exact_from, running.minutes) = (exact_from, minutes);
            }
        }
        rejected.count_groups();
        Ok(rejected)
    }

    /// Of a checkpoint that knows nothing of rejected spans: some may have been rejected up to `now_ms`.
    pub(crate) fn unsaid(wanted: &[SpanCount], now_ms: i64) -> Self {
        let mut rejected = Self::new(&[]);
        if now_ms > 0 {
            rejected.last_ms = now_ms;
        }
        rejected.set(wanted);
        rejected
    }
}

fn value(r: &mut Reader<'_>) -> Result<Option<String>, Damaged> {
    let there = r.u8()? != 0;
    let text = r.text()?;
    Ok(there.then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use model::UnixNanos;

    use super::*;
    use crate::sent::{Sent, columns_at};

    fn by_name(service: &str) -> SpanCount {
        SpanCount { filter: Filter::eq(Field::Service, service), group_by: vec![Field::Name] }
    }

    fn apply(r: &mut Rejected, minute: i64, spans: &[Sent]) {
        let now = minute * MINUTE_MS + 1_000;
        r.apply(&columns_at(spans, UnixNanos::from_millis(now)), now);
    }

    fn counts(r: &Rejected, of: &SpanCount) -> Vec<(i64, Option<String>, u64)> {
        let counted = r.counted(of, (0, i64::MAX)).map(|c| c.counts).unwrap_or_default();
        counted.into_iter().map(|(minute, mut group, n)| (minute, group.remove(0), n)).collect()
    }

    fn exact_from(r: &Rejected, of: &SpanCount) -> Option<i64> {
        r.counted(of, (0, 0)).map(|c| c.exact_from)
    }

    #[test]
    fn rejected_spans_are_counted_in_the_minute_of_their_arrival() {
        let (api, web) = (by_name("api"), by_name("web"));
        let mut r = Rejected::new(std::slice::from_ref(&api));
        let kept = Sent::default();
        let (a, b) = (kept.clone().rejected(), Sent { name: "b", ..Sent::default() }.rejected());
        let other = Sent { service: "other", ..a.clone() };
        apply(&mut r, 10, std::slice::from_ref(&kept));
        assert_eq!(r.counted(&api, (0, 99)), None, "nothing was rejected: what is stored says all");
        apply(&mut r, 11, &[a.clone(), kept, other, a.clone(), b]);
        let op = |n| Some(String::from(n));
        assert_eq!(counts(&r, &api), [(11, op("b"), 1), (11, op("op"), 2)]);
        assert_eq!(exact_from(&r, &api), Some(i64::MIN));
        // Another filter knows nothing of minute 11.
        r.set(&[web.clone(), api.clone(), api.clone()]);
        assert_eq!((exact_from(&r, &web), exact_from(&r, &api), r.running.len()), (Some(12), Some(i64::MIN), 2));
        apply(&mut r, 12, std::slice::from_ref(&a));

        let mut bytes = Vec::new();
        r.encode(&mut bytes);
        let back = Rejected::decode(&mut Reader(&bytes), &[api.clone(), web.clone()]).unwrap();
        assert_eq!((back.counted(&api, (0, 99)), back.groups), (r.counted(&api, (0, 99)), 3));
        assert_eq!(exact_from(&back, &web), Some(12));
        let changed = Rejected::decode(&mut Reader(&bytes), &[by_name("ap")]).unwrap();
        assert_eq!((exact_from(&changed, &by_name("ap")), changed.groups), (Some(13), 0));

        // Minutes go; from then on they are not said to be known.
        apply(&mut r, 12 + MINUTES_KEPT, std::slice::from_ref(&a));
        assert_eq!(counts(&r, &api), [(12, op("op"), 1), (12 + MINUTES_KEPT, op("op"), 1)]);
        assert_eq!((exact_from(&r, &api), r.groups), (Some(12), 2));
    }

    #[test]
    fn what_was_lost_is_not_said_to_be_known() {
        let api = by_name("api");
        let mut r = Rejected::new(std::slice::from_ref(&api));
        r.lose();
        assert_eq!(exact_from(&r, &api), Some(UNKNOWN));
        apply(&mut r, 10, &[Sent::default()]);
        assert_eq!(exact_from(&r, &api), Some(11));
        let old = Rejected::unsaid(std::slice::from_ref(&api), 10 * MINUTE_MS);
        assert_eq!(exact_from(&old, &api), Some(11));
    }

    #[test]
    fn beyond_the_limit_spans_are_said_to_be_left_out() {
        let api = by_name("api");
        let mut r = Rejected::new(std::slice::from_ref(&api));
        let long: &'static str = Box::leak("x".repeat(GROUP_BYTES_MAX + 1).into_boxed_str());
        apply(&mut r, 1, &[Sent { name: long, ..Sent::default() }.rejected(), Sent::default().rejected()]);
        assert_eq!((counts(&r, &api).len(), r.overflowed), (1, 1));
        r.groups = GROUPS_MAX;
        apply(&mut r, 1, &[Sent { name: "new", ..Sent::default() }.rejected(), Sent::default().rejected()]);
        assert_eq!((counts(&r, &api), r.overflowed), (vec![(1, Some("op".to_owned()), 2)], 2));
    }
}
