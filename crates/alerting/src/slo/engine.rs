//! Counts minutes, keeps rings, answers what is left, and writes it down.
//!
//! A tick counts the minutes that are complete since the last one, and the last few again, since some records come late.
//! The first tick of an objective counts its whole window from what the engines still have.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use foundation::disk::{SharedDisk, write_atomic};
use foundation::{Clock, ErrorKind, UnixNanos};
use model::Labels;
use parking_lot::Mutex;
use promql::eval::Point;
use thiserror::Error;

use super::budget::{self, Status, minute_of, start_of};
use super::burn::{Dropped, Tier, tiers};
use super::indicator::{self, Counts};
use super::ring::{Count, Ring};
use super::ring_file;
use super::series;
use super::source::Source;
use super::spec::{EmptySlice, Method, Slo};
use crate::rules::doors::Written;
use crate::rules::{QueryError, RuleAppender};

/// Records that come later than this after their minute are not counted.
const RECOUNT_MINUTES: i64 = 5;
/// Budgets of one objective.
const GROUPS_MAX: usize = 200;
/// A longer window than the ring's needs its first minute's neighbour.
const SPARE_MINUTES: u64 = 24 * 60;
/// How often rings are written to the disk.
const SAVE_EVERY: Duration = Duration::from_secs(600);
/// Values that one breakdown names.
const SPENT_MAX: usize = 20;

/// How the engine is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where rings are kept.
    pub dir: PathBuf,
}

/// Why something about an objective cannot be answered.
#[derive(Debug, Error)]
pub enum SloError {
    /// There is none of that name.
    #[error("there is no objective `{0}`")]
    Unknown(String),
    /// It counts nothing yet.
    #[error("`{0}` does not say what is counted; confirm a proposal first")]
    Unconfirmed(String),
    /// The engines did not answer.
    #[error(transparent)]
    Source(#[from] QueryError),
}

impl SloError {
    /// For status codes.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown(_) => ErrorKind::NotFound,
            Self::Unconfirmed(_) => ErrorKind::InvalidInput,
            Self::Source(e) => e.kind,
        }
    }
}

/// One objective and all that is known of it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What is promised.
    pub slo: Arc<Slo>,
    /// One for each group, sorted by labels; one without labels when there are no groups.
    pub groups: Vec<GroupStatus>,
    /// The pairs of windows that watch it.
    pub tiers: Vec<Tier>,
    /// The pairs that cannot.
    pub dropped: Vec<Dropped>,
    /// What should be known of the figures.
    pub warnings: Vec<String>,
    /// Why the last count failed.
    pub error: Option<String>,
}

/// The budget of one group.
#[derive(Debug, Clone)]
pub struct GroupStatus {
    /// Of the group.
    pub labels: Labels,
    /// At the last count.
    pub status: Status,
}

/// Who spent a budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Spent {
    /// Of the attribute; empty for records without it.
    pub value: String,
    /// Bad events.
    pub bad: f64,
    /// All events.
    pub total: f64,
    /// The part of all bad events, from 0 to 1.
    pub share: f64,
}

/// The objectives of the server.
pub struct Engine {
    source: Arc<dyn Source>,
    appender: Arc<dyn RuleAppender>,
    clock: Arc<dyn Clock>,
    disk: SharedDisk,
    options: Options,
    /// Held while counting, so that two ticks never count the same minutes.
    ticking: Mutex<()>,
    /// Each is held for look-ups and updates only, never while an engine is asked.
    running: Mutex<BTreeMap<String, Arc<Mutex<Running>>>>,
}

/// An objective that is counted.
#[derive(Debug)]
struct Running {
    slo: Arc<Slo>,
    definition: u64,
    /// Of events, whatever the method.
    minutes: BTreeMap<Labels, Ring>,
    /// Of units of the budget, when they are slices of time.
    slices: BTreeMap<Labels, Ring>,
    /// The first minute of which anything is known.
    known_from: i64,
    /// The first minute that was never counted; none before the first count.
    next: Option<i64>,
    groups_left_out: usize,
    warning: Option<String>,
    error: Option<String>,
    saved_at: UnixNanos,
}

impl Running {
    fn new(slo: Arc<Slo>, now: UnixNanos) -> Self {
        Self {
            definition: definition(&slo),
            slo,
            minutes: BTreeMap::new(),
            slices: BTreeMap::new(),
            known_from: i64::MAX,
            next: None,
            groups_left_out: 0,
            warning: None,
            error: None,
            saved_at: now,
        }
    }

    /// Units of the budget.
    fn units(&self) -> &BTreeMap<Labels, Ring> {
        match self.slo.method {
            Method::Events => &self.minutes,
            Method::TimeSlices { .. } => &self.slices,
        }
    }
}

impl Engine {
    /// Starts without objectives.
    pub fn new(
        source: Arc<dyn Source>,
        appender: Arc<dyn RuleAppender>,
        clock: Arc<dyn Clock>,
        disk: SharedDisk,
        options: Options,
    ) -> Self {
        let running = Mutex::new(BTreeMap::new());
        Self { source, appender, clock, disk, options, ticking: Mutex::new(()), running }
    }

    /// What is asked.
    pub(super) fn source(&self) -> &dyn Source {
        &*self.source
    }

    pub(super) fn now(&self) -> UnixNanos {
        self.clock.now()
    }

    /// What an objective would say, counted from history and not kept.
    ///
    /// # Errors
    /// It counts nothing, or the engines do not answer.
    pub fn preview(&self, slo: Slo) -> Result<Entry, SloError> {
        let mut one = Running::new(Arc::new(slo), self.clock.now());
        let slo = one.slo.clone();
        let Some(indicator) = &slo.indicator else { return Err(SloError::Unconfirmed(slo.id.clone())) };
        let end = minute_of(self.clock.now());
        let from = end - minutes_max(&slo) as i64;
        let counted = indicator::count(&*self.source, indicator, &slo.group_by, from, end)?;
        one.warning = counted.warning;
        merge(&mut one, counted.counts, from, end);
        slice(&mut one, from);
        Ok(entry(&one))
    }

    /// Puts these objectives in place of those before. What is counted the same way goes on; the rest begins anew,
    /// from its file or from history.
    ///
    /// # Errors
    /// The folder of the rings cannot be made or read; the objectives are the new ones all the same.
    pub fn apply(&self, slos: Vec<Slo>) -> io::Result<()> {
        let _alone = self.ticking.lock();
        self.source.objectives(&slos);
        let mut before = std::mem::take(&mut *self.running.lock());
        let mut result = self.disk.create_dir_all(&self.options.dir);
        let mut running = BTreeMap::new();
        for slo in slos {
            let (definition, slo) = (definition(&slo), Arc::new(slo));
            let one = match before.remove(&slo.id).filter(|b| b.lock().definition == definition) {
                Some(old) => {
                    old.lock().slo = slo.clone();
                    old
                }
                None => {
                    let (fresh, read) = self.load(slo.clone());
                    result = result.and(read);
                    Arc::new(Mutex::new(fresh))
                }
            };
            running.insert(slo.id.clone(), one);
        }
        *self.running.lock() = running;
        result
    }

    /// What the file of an objective still holds.
    fn load(&self, slo: Arc<Slo>) -> (Running, io::Result<()>) {
        let mut fresh = Running::new(slo, self.clock.now());
        let path = self.path(&fresh.slo.id);
        let bytes = match self.disk.read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return (fresh, Ok(())),
            Err(e) => return (fresh, Err(e)),
        };
        match ring_file::decode(&bytes, minutes_max(&fresh.slo)) {
            Ok(saved) if saved.definition == fresh.definition => {
                fresh.next = saved.rings.values().map(Ring::end).max();
                fresh.known_from = saved.known_from;
                fresh.minutes = saved.rings;
                slice(&mut fresh, i64::MIN);
            }
            // Counted in another way: history is counted again.
            Ok(_) => {}
            Err(e) => {
                let aside = path.with_extension("ring.damaged");
                tracing::warn!(slo = fresh.slo.id, error = %e, "minutes are counted again from history");
                return (fresh, self.disk.rename(&path, &aside));
            }
        }
        (fresh, Ok(()))
    }

    /// Counts what is complete, writes the series of every budget, and saves rings from time to time.
    pub fn tick(&self) {
        let _alone = self.ticking.lock();
        let now = self.clock.now();
        let end = minute_of(now);
        for one in self.all() {
            self.count(&one, end);
            let saved_at = one.lock().saved_at;
            if now.0 - saved_at.0 >= SAVE_EVERY.as_nanos() as i64 {
                self.save(&one);
            }
        }
    }

    fn all(&self) -> Vec<Arc<Mutex<Running>>> {
        self.running.lock().values().cloned().collect()
    }

    fn count(&self, one: &Mutex<Running>, end: i64) {
        let (slo, next, failed) = {
            let one = one.lock();
            (one.slo.clone(), one.next, one.error.is_some())
        };
        let Some(indicator) = slo.indicator.as_ref().filter(|_| next.is_none_or(|n| n < end)) else { return };
        let oldest = end - minutes_max(&slo) as i64;
        let from = next.map_or(oldest, |next| (next - RECOUNT_MINUTES).max(oldest));
        let counted = indicator::count(&*self.source, indicator, &slo.group_by, from, end);
        let mut one = one.lock();
        match counted {
            Ok(counted) => {
                one.error = None;
                one.warning = counted.warning;
                merge(&mut one, counted.counts, from, end);
                one.next = Some(end);
                slice(&mut one, from);
                if let Err(e) = self.appender.append(samples(&one, start_of(end)), false) {
                    one.error = Some(format!("its series cannot be written: {e}"));
                }
            }
            Err(e) => {
                if !failed {
                    tracing::warn!(slo = slo.id, error = %e, "an objective cannot be counted");
                }
                one.error = Some(e.message);
            }
        }
    }

    fn save(&self, one: &Mutex<Running>) {
        let mut one = one.lock();
        if one.next.is_none() {
            return;
        }
        let bytes = ring_file::encode(one.definition, one.known_from, &one.minutes);
        match write_atomic(&*self.disk, &self.path(&one.slo.id), &bytes) {
            Ok(()) => one.saved_at = self.clock.now(),
            Err(e) => tracing::warn!(slo = one.slo.id, error = %e, "the minutes of an objective could not be saved"),
        }
    }

    /// Saves every ring; for the end.
    pub fn save_all(&self) {
        let _alone = self.ticking.lock();
        self.all().iter().for_each(|one| self.save(one));
    }

    fn path(&self, id: &str) -> PathBuf {
        Path::new(&self.options.dir).join(format!("{id}.ring"))
    }

    fn find(&self, id: &str) -> Result<Arc<Mutex<Running>>, SloError> {
        self.running.lock().get(id).cloned().ok_or_else(|| SloError::Unknown(id.to_owned()))
    }

    /// Every objective, sorted by id.
    pub fn entries(&self) -> Vec<Entry> {
        self.all().iter().map(|one| entry(&one.lock())).collect()
    }

    /// One objective.
    pub fn entry(&self, id: &str) -> Option<Entry> {
        self.find(id).ok().map(|one| entry(&one.lock()))
    }

    /// What was left of the budget of `group` at the end of each step: times and parts of the budget.
    ///
    /// # Errors
    /// There is no such objective.
    pub fn history(
        &self,
        id: &str,
        group: &Labels,
        (start, end): (UnixNanos, UnixNanos),
        step: Duration,
    ) -> Result<Vec<(UnixNanos, f64)>, SloError> {
        let one = self.find(id)?;
        let one = one.lock();
        let Some(ring) = one.units().get(group) else { return Ok(Vec::new()) };
        let step = (step.as_secs() / 60).max(1) as i64;
        let (from, to) = (minute_of(start).max(ring.first() + 1), minute_of(end).min(ring.end()));
        let remaining = |minute: i64| {
            let (since, _) = budget::window_ending(&one.slo, minute);
            let count = ring.count(minute_of(since), minute);
            (start_of(minute), 1.0 - budget::spent(count, one.slo.budget()))
        };
        Ok((from..=to).step_by(step as usize).map(remaining).collect())
    }

    /// Who spent the budget of the current window, by an attribute: the values with the most bad events.
    ///
    /// # Errors
    /// There is no such objective, it counts nothing, or the engines do not answer.
    pub fn spent_by(&self, id: &str, attribute: &str) -> Result<Vec<Spent>, SloError> {
        let slo = self.find(id)?.lock().slo.clone();
        let indicator = slo.indicator.as_ref().ok_or_else(|| SloError::Unconfirmed(id.to_owned()))?;
        let now = self.clock.now();
        let (since, _) = slo.window.at(now);
        let spent = indicator::spent_by(&*self.source, indicator, attribute, (minute_of(since), minute_of(now)))?;
        let all: f64 = spent.iter().map(|(_, c)| c.bad()).sum();
        let share = |bad: f64| if all > 0.0 { bad / all } else { 0.0 };
        let spent = spent.into_iter().take(SPENT_MAX).map(|(value, c)| Spent {
            value,
            bad: c.bad(),
            total: c.total,
            share: share(c.bad()),
        });
        Ok(spent.collect())
    }
}

/// The samples of every group.
fn samples(one: &Running, at: UnixNanos) -> Vec<Written> {
    let (tiers, _) = tiers(one.slo.window.period(), one.slo.objective);
    let windows = series::windows(&one.slo, &tiers);
    let of = |(labels, ring): (&Labels, &Ring)| {
        series::samples(&one.slo, labels, &budget::status(&one.slo, ring, one.known_from, &windows))
    };
    let written = |(labels, value)| Written { labels, at, value: Point::Float(value) };
    one.units().iter().flat_map(of).map(written).collect()
}

fn entry(one: &Running) -> Entry {
    let (tiers, dropped) = tiers(one.slo.window.period(), one.slo.objective);
    let windows = series::windows(&one.slo, &tiers);
    let status = |(labels, ring): (&Labels, &Ring)| GroupStatus {
        labels: labels.clone(),
        status: budget::status(&one.slo, ring, one.known_from, &windows),
    };
    let mut warnings: Vec<String> = one.warning.iter().cloned().collect();
    if one.groups_left_out > 0 {
        warnings.push(format!(
            "{} more groups are not counted: an objective has up to {GROUPS_MAX}; group by fewer labels",
            one.groups_left_out
        ));
    }
    Entry {
        slo: one.slo.clone(),
        groups: one.units().iter().map(status).collect(),
        tiers,
        dropped,
        warnings,
        error: one.error.clone(),
    }
}

/// The whole window of any date, and what a slice may reach back.
fn minutes_max(slo: &Slo) -> usize {
    (slo.window.length_max().as_secs() / 60 + SPARE_MINUTES) as usize
}

/// FNV-64a of what is counted and how.
fn definition(slo: &Slo) -> u64 {
    let indicator = slo.indicator.as_ref().map(super::print::indicator);
    let text = format!("{indicator:?} {:?}", slo.group_by);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// Puts the counts of `from..end` into the rings.
fn merge(one: &mut Running, counts: Counts, from: i64, end: i64) {
    let first_event = |minutes: &[Count]| minutes.iter().position(|c| c.total > 0.0);
    if let Some(first) = counts.values().filter_map(|m| first_event(m)).min() {
        one.known_from = one.known_from.min(from + first as i64);
    }
    // From now on, silence is known too.
    one.known_from = one.known_from.min(end);
    one.groups_left_out = 0;
    let minutes_max = minutes_max(&one.slo);
    for (labels, counts) in counts {
        if !one.minutes.contains_key(&labels) {
            if one.minutes.len() >= GROUPS_MAX {
                one.groups_left_out += 1;
                continue;
            }
            let skip = first_event(&counts).map_or(counts.len(), |n| n);
            if skip == counts.len() {
                continue;
            }
            one.minutes.insert(labels.clone(), Ring::new(from, minutes_max));
        }
        if let Some(ring) = one.minutes.get_mut(&labels) {
            ring.set_from(from, counts);
        }
    }
    if one.slo.group_by.is_empty() && one.minutes.is_empty() {
        one.minutes.insert(Labels::default(), Ring::new(from, minutes_max));
    }
    // Groups that had nothing this time.
    for ring in one.minutes.values_mut().filter(|r| r.end() < end) {
        ring.set_from(end, []);
    }
}

/// Makes slices of the minutes from `from` on, when the budget is one of slices.
fn slice(one: &mut Running, from: i64) {
    let Method::TimeSlices { slice, target, empty } = one.slo.method else { return };
    let len = (slice.as_secs() / 60) as i64;
    for (labels, ring) in &one.minutes {
        let begin = from.max(ring.first()).div_euclid(len) * len;
        let begin = if begin < ring.first() { begin + len } else { begin };
        let of_slices = one.slices.entry(labels.clone()).or_insert_with(|| Ring::new(begin, minutes_max(&one.slo)));
        let mut at = begin;
        while at + len <= ring.end() {
            let count = ring.count(at, at + len);
            let unit = match (count.total > 0.0, empty) {
                (true, _) => Some(count.good / count.total >= target),
                (false, EmptySlice::Good) => (at >= one.known_from).then_some(true),
                (false, EmptySlice::Excluded) => None,
            };
            let unit = unit.map_or(Count::default(), |good| Count { good: f64::from(u8::from(good)), total: 1.0 });
            of_slices.set_from(at + len - 1, [unit]);
            at += len;
        }
        of_slices.set_from(ring.end().max(of_slices.end()), []);
    }
}
