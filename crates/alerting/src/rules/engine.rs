//! The engine: all groups, when each is due, and what is seen of them from outside.
//!
//! [`Engine::run_due`] evaluates what is due on the caller's thread; [`Engine::start`] does so on threads of its own. A group
//! is evaluated by one thread at a time. Groups are replaced as a whole by [`Engine::replace`]; what did not change goes on undisturbed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use foundation::shutdown::Shutdown;
use foundation::{Clock, UnixNanos};
use model::{Labels, STALE_NAN_BITS};
use parking_lot::{Mutex, RwLock};
use promql::eval::Point;
use rustc_hash::{FxHashMap, FxHashSet};

use super::doors::Written;
use super::group::{GroupRun, Surroundings};
use super::jump::ClockWatch;
use super::schedule::{Due, Schedule};
use super::spec::Group;
use super::view::{self, GroupView};

/// How long a thread waits at most before it looks at the clock again: a clock that jumps is noticed, and so is a new group.
const LOOK: Duration = Duration::from_millis(250);
/// How long somebody who looks at a group waits while it is evaluated, before he gets what was seen last.
const VIEW_WAIT: Duration = Duration::from_millis(100);

/// The two clocks of the engine.
#[derive(Clone)]
pub struct Times {
    /// The time of day.
    pub wall: Arc<dyn Clock>,
    /// A clock that nobody sets; from any origin.
    pub steady: Arc<dyn Clock>,
}

/// A group and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The file, or what stands for it.
    pub file: String,
    /// The group.
    pub group: Group,
}

/// Evaluates groups of rules.
pub struct Engine {
    surroundings: Surroundings,
    times: Times,
    /// In the order of their files.
    groups: RwLock<Vec<Arc<Scheduled>>>,
    /// Those that nobody evaluates now, by their next time; some may be over. A thread takes this lock alone or after that of `groups`,
    /// and that of a `schedule` after it: so no group waits for a time from before a jump of the clock.
    waiting: Mutex<Waiting>,
    watch: Mutex<ClockWatch>,
    /// Series of groups that are gone, and when they end.
    retired: Mutex<Vec<(UnixNanos, Vec<Labels>)>>,
    /// Whether groups were given already: only the first ones go on from before a restart.
    given: AtomicBool,
    /// The longest that an evaluation began after its time, nanoseconds, since it was last asked for.
    lag_ns: AtomicU64,
}

struct Scheduled {
    /// No two of a process have the same.
    id: u64,
    file: String,
    name: String,
    interval: Duration,
    schedule: Mutex<Schedule>,
    /// Replaced or removed.
    over: AtomicBool,
    run: Mutex<GroupRun>,
    seen: Mutex<Arc<GroupView>>,
}

/// By the next time of each, and its id.
#[derive(Default)]
struct Waiting(BTreeMap<(UnixNanos, u64), Arc<Scheduled>>);

impl Waiting {
    fn put(&mut self, group: Arc<Scheduled>) {
        let next = group.schedule.lock().next();
        self.0.insert((next, group.id), group);
    }

    /// Their times have changed.
    fn put_anew(&mut self) {
        for group in std::mem::take(&mut self.0).into_values() {
            self.put(group);
        }
    }
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl Scheduled {
    fn new(file: String, run: GroupRun, interval: Duration, now: UnixNanos) -> Self {
        let seen = Arc::new(view::group(&file, interval, &run));
        let name = run.spec.name.clone();
        Self {
            schedule: Mutex::new(Schedule::new(&file, &name, interval, now)),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            file,
            name,
            interval,
            over: AtomicBool::new(false),
            run: Mutex::new(run),
            seen: Mutex::new(seen),
        }
    }

    fn view(&self) -> Arc<GroupView> {
        let mut seen = self.seen.lock();
        if let Some(run) = self.run.try_lock_for(VIEW_WAIT) {
            *seen = Arc::new(view::group(&self.file, self.interval, &run));
        }
        seen.clone()
    }
}

impl Engine {
    /// An engine without groups.
    pub fn new(surroundings: Surroundings, times: Times) -> Self {
        Self {
            surroundings,
            times,
            groups: RwLock::default(),
            waiting: Mutex::default(),
            watch: Mutex::new(ClockWatch::new()),
            retired: Mutex::default(),
            given: AtomicBool::new(false),
            lag_ns: AtomicU64::new(0),
        }
    }

    /// What the engine was made with.
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// These groups from now on. A group that is as before goes on; one that changed keeps the alerts of rules with the same name and labels.
    /// No two have the same file and name.
    pub fn replace(&self, groups: Vec<Placed>) {
        let now = self.times.wall.now();
        let first = !self.given.swap(true, Ordering::SeqCst);
        let options = &self.surroundings.options;
        let mut current = self.groups.write();
        let mut old: FxHashMap<(String, String), Arc<Scheduled>> = FxHashMap::default();
        for group in std::mem::take(&mut *current) {
            old.insert((group.file.clone(), group.name.clone()), group);
        }
        for placed in groups {
            let before = old.remove(&(placed.file.clone(), placed.group.name.clone()));
            if let Some(same) = before.as_ref().filter(|b| b.run.lock().spec == placed.group) {
                current.push(same.clone());
                continue;
            }
            let mut run = GroupRun::new(placed.group, first);
            if let Some(before) = before {
                before.over.store(true, Ordering::SeqCst);
                // Waits for an evaluation that is under way.
                let was = std::mem::replace(&mut *before.run.lock(), GroupRun::new(run.spec.clone(), false));
                run.take_over(was);
            }
            let interval = run.interval(options);
            let new = Arc::new(Scheduled::new(placed.file, run, interval, now));
            self.wait(new.clone());
            current.push(new);
        }
        for gone in old.into_values() {
            gone.over.store(true, Ordering::SeqCst);
            // A group that was only renamed writes the same series within two intervals.
            let series: Vec<Labels> = gone.run.lock().series().cloned().collect();
            self.retired.lock().push((now.plus(2 * gone.interval), series));
        }
    }

    /// Evaluates what is due now, on this thread; answers with how many evaluations there were.
    pub fn run_due(&self) -> usize {
        let mut count = 0;
        while let Some((group, due)) = self.take() {
            self.evaluate(group, due);
            count += 1;
        }
        count
    }

    /// When the next group is due.
    pub fn next_due(&self) -> Option<UnixNanos> {
        self.waiting.lock().0.first_key_value().map(|((next, _), _)| *next)
    }

    /// From now on somebody may evaluate it again.
    fn wait(&self, group: Arc<Scheduled>) {
        self.waiting.lock().put(group);
    }

    /// A group whose time has come, the longest waiting first. Nobody else takes it until it was evaluated.
    fn take(&self) -> Option<(Arc<Scheduled>, Due)> {
        let now = self.look_at_clock();
        self.end_retired(now);
        loop {
            let mut waiting = self.waiting.lock();
            let first = waiting.0.first_entry().filter(|first| first.key().0 <= now)?;
            let group = first.remove();
            drop(waiting);
            if group.over.load(Ordering::SeqCst) {
                continue;
            }
            let due = group.schedule.lock().take(now);
            match due {
                Some(due) => return Some((group, due)),
                // The clock was set meanwhile.
                None => self.wait(group),
            }
        }
    }

    fn evaluate(&self, group: Arc<Scheduled>, due: Due) {
        let lag = self.times.wall.now().0.saturating_sub(due.at.0);
        self.lag_ns.fetch_max(u64::try_from(lag).unwrap_or(0), Ordering::Relaxed);
        let unsettled = self.watch.lock().unsettled_since(due.at);
        let mut run = group.run.lock();
        if !group.over.load(Ordering::SeqCst) {
            run.counts.missed += due.missed;
            run.evaluate(due.at, unsettled, &self.surroundings);
        }
        drop(run);
        self.wait(group);
    }

    /// The time of day; when it jumped, all groups are told.
    fn look_at_clock(&self) -> UnixNanos {
        let (now, steady) = (self.times.wall.now(), self.times.steady.now());
        let mut watch = self.watch.lock();
        let Some(jump) = watch.observe(now, steady) else { return now };
        tracing::warn!(
            seconds = jump / 1_000_000_000,
            "the clock jumped: until the data has caught up no alert begins to fire and none ends"
        );
        for group in self.groups.read().iter() {
            group.schedule.lock().realign(now);
            group.run.lock().shift(jump, now);
        }
        self.waiting.lock().put_anew();
        now
    }

    /// Ends the series of groups that are gone, unless another group writes them now.
    fn end_retired(&self, now: UnixNanos) {
        let mut retired = self.retired.lock();
        if retired.iter().all(|(due, _)| *due > now) {
            return;
        }
        let (ended, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut *retired).into_iter().partition(|(due, _)| *due <= now);
        *retired = waiting;
        drop(retired);
        let groups = self.groups.read();
        let written: FxHashSet<Labels> =
            groups.iter().flat_map(|g| g.run.lock().series().cloned().collect::<Vec<_>>()).collect();
        let ended = ended.into_iter().flat_map(|(_, series)| series).filter(|labels| !written.contains(labels));
        let stale = |labels| Written { labels, at: now, value: Point::Float(f64::from_bits(STALE_NAN_BITS)) };
        let samples: Vec<Written> = ended.map(stale).collect();
        if !samples.is_empty()
            && let Err(e) = self.surroundings.appender.append(samples, false)
        {
            tracing::warn!(error = e, "series of rules that are gone could not be ended");
        }
    }

    /// Evaluates on threads of its own until `shutdown`; they are to be joined.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(self: &Arc<Self>, threads: usize, shutdown: &Shutdown) -> std::io::Result<Vec<JoinHandle<()>>> {
        let spawn = |n: usize| {
            let (engine, shutdown) = (self.clone(), shutdown.clone());
            std::thread::Builder::new().name(format!("rules-{n}")).spawn(move || engine.work(&shutdown))
        };
        (0..threads.max(1)).map(spawn).collect()
    }

    fn work(&self, shutdown: &Shutdown) {
        while !shutdown.is_set() {
            if let Some((group, due)) = self.take() {
                self.evaluate(group, due);
                continue;
            }
            let until = self.next_due().map_or(i64::MAX, |next| next.0.saturating_sub(self.times.wall.now().0));
            let until = Duration::from_nanos(u64::try_from(until).unwrap_or(0));
            shutdown.wait_timeout(until.clamp(Duration::from_millis(1), LOOK));
        }
    }

    /// All groups, in the order of their files.
    pub fn groups(&self) -> Vec<Arc<GroupView>> {
        let groups = self.groups.read().clone();
        groups.iter().map(|g| g.view()).collect()
    }

    /// How the engine fares.
    pub fn health(&self) -> Health {
        let now = self.times.wall.now();
        let waiting = self.next_due().map_or(0, |next| now.0.saturating_sub(next.0));
        let late = self.lag_ns.swap(0, Ordering::Relaxed).max(u64::try_from(waiting).unwrap_or(0));
        let watch = self.watch.lock();
        Health {
            lag: Duration::from_nanos(late),
            clock_jumps: watch.jumps(),
            unsettled: watch.unsettled_since(now).is_some(),
        }
    }
}

/// How the engine fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// The most that an evaluation began after its time, since this was last asked for.
    pub lag: Duration,
    /// Jumps of the clock that were noticed.
    pub clock_jumps: u64,
    /// Whether no alert begins or ends because of one.
    pub unsettled: bool,
}

#[cfg(test)]
mod compliance_tests;
#[cfg(test)]
mod design_tests;
#[cfg(test)]
pub(super) mod tests;
