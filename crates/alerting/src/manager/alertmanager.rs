//! The alert manager as others see it: what it is sent, asked and told to do.

use std::sync::Arc;
use std::time::Duration;

use foundation::{Clock, UnixNanos};
use metastore::{Delivery, DeliveryQuery, LogEntry, LogKey, MetaError, Metastore, Origin};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use tokio::sync::Notify;
use yaml::Findings;

use super::acknowledge::{self, Acknowledgement};
use super::active::{ActiveAlert, ActiveAlerts, PostedAlert};
use super::condition::{ChannelCondition, Conditions, OnTheWay};
use super::config::Config;
use super::flush::{self, Draft, Send};
use super::groups::{GroupId, Groups};
use super::log::NotificationLog;
use super::maintenance::Window;
use super::present::Present;
use super::silences::{Silence, SilenceError, Silences};
use super::state::{State, Stats};
use crate::alert::Fingerprint;
use crate::timeline::{Happened, Timeline};

/// Alerts that are held at once.
const ALERTS_MAX: usize = 200_000;
/// Groups that are taken at once; the first of them are on their way before the last is looked at.
const FLUSHES_MAX: usize = 64;
/// Records of deliveries that say after a start in what condition channels were.
const RECORDS_READ: usize = 1000;
/// Alerts that are put into memory under one lock: some milliseconds.
const INSERTED_MAX: usize = 1000;
/// After a restart senders get so long to say that an alert still fires, before it is taken as ended. Our own rules cannot say
/// sooner that one ended: series come one after another, and one that has not come yet is no end. (With Prometheus it is four
/// minutes from the last time that it was sent.)
const RESTART_GRACE: Duration = Duration::from_secs(120);
/// How long ended silences are kept.
const SILENCES_KEPT: Duration = Duration::from_secs(120 * 3600);
/// The kind of document that maintenance windows are.
const WINDOW_KIND: &str = "maintenance_window";

/// What does not stand in the file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where the alert manager is reached, without a slash at the end.
    pub external_url: String,
}

/// The alert manager; clones share it.
#[derive(Clone)]
pub struct Alertmanager(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    store: Metastore,
    timeline: Timeline,
    options: Options,
    state: Mutex<State>,
    /// Held while alerts are merged and stored, so that two updates of one alert do not pass each other.
    ingest: Mutex<()>,
    /// Something may be due earlier than was thought.
    wake: Notify,
    conditions: Conditions,
}

/// What became of alerts that were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Posted {
    /// How many were stored.
    pub accepted: usize,
    /// Why the others were not, in their order.
    pub refused: Vec<String>,
}

impl Alertmanager {
    /// With everything that was stored. Nothing is sent before [`Alertmanager::run`].
    ///
    /// # Errors
    /// When the metadata cannot be read.
    pub fn open(
        config: Config,
        store: Metastore,
        timeline: Timeline,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Self, MetaError> {
        let now = clock.now();
        let mut stored = store.alerts()?;
        for alert in stored.iter_mut().filter(|a| a.ends_at > a.updated_at) {
            alert.ends_at = alert.ends_at.max(now.plus(RESTART_GRACE));
        }
        let alerts = ActiveAlerts::restore(stored);
        let acknowledgements = store.documents().list(acknowledge::KIND)?.into_iter();
        let acknowledgements = acknowledgements
            .filter_map(|d| Some((Fingerprint::parse(&d.id)?, Acknowledgement::of_body(&d.body))))
            .collect();
        let windows = store.documents().list(WINDOW_KIND)?;
        let windows = windows.into_iter().filter_map(|d| Some((d.id, read_window(&d.body).ok()?))).collect();
        let present = Present {
            config: Arc::new(config),
            alerts: Arc::new(alerts),
            inhibitor: Arc::default(),
            silences: Arc::new(Silences::restore(store.silences()?)),
            windows: Arc::new(windows),
            acknowledgements: Arc::new(acknowledgements),
        };
        let mut state = State {
            present,
            groups: Groups::default(),
            log: NotificationLog::restore(store.notification_log(now)?),
            stats: Stats::default(),
        };
        state.regroup(now);
        let (state, ingest, wake) = (Mutex::new(state), Mutex::new(()), Notify::new());
        let newest = DeliveryQuery { limit: RECORDS_READ, ..DeliveryQuery::default() };
        let conditions = Conditions::restore(store.deliveries(&newest)?);
        Ok(Self(Arc::new(Inner { clock, store, timeline, options, state, ingest, wake, conditions })))
    }

    /// Takes another configuration; groups go on where they are.
    pub fn reload(&self, config: Config) {
        let mut state = self.0.state.lock();
        state.present.config = Arc::new(config);
        state.regroup(self.now());
        drop(state);
        self.0.wake.notify_one();
    }

    /// The configuration that is used.
    pub fn config(&self) -> Arc<Config> {
        self.0.state.lock().present.config.clone()
    }

    /// Takes alerts that fire or ended. When this returns they are stored; those that are refused do not keep the others out.
    /// Waits for the disk.
    ///
    /// # Errors
    /// When they cannot be stored: none is taken.
    pub fn post(&self, alerts: Vec<PostedAlert>) -> Result<Posted, MetaError> {
        let _one_at_a_time = self.0.ingest.lock();
        let now = self.now();
        let mut posted = Posted::default();
        let mut merged: Vec<ActiveAlert> = Vec::with_capacity(alerts.len());
        {
            // Alerts change only here, under the lock of `ingest`.
            let present = self.present();
            let timeout = present.config.resolve_timeout;
            let mut held = present.alerts.len();
            let mut at_of: FxHashMap<Fingerprint, usize> = FxHashMap::default();
            for alert in alerts {
                let alert = match ActiveAlert::of_posted(alert, now, timeout) {
                    Ok(alert) => alert,
                    Err(why) => {
                        posted.refused.push(why);
                        continue;
                    }
                };
                let fingerprint = alert.alert.fingerprint();
                if present.alerts.get(fingerprint).is_none() && !at_of.contains_key(&fingerprint) {
                    if held >= ALERTS_MAX {
                        posted
                            .refused
                            .push(format!("more than {ALERTS_MAX} alerts: {} is not taken", alert.alert.labels));
                        continue;
                    }
                    held += 1;
                }
                let alert = present.alerts.merged(alert, now);
                let at = *at_of.entry(fingerprint).or_insert(merged.len());
                match merged.get_mut(at) {
                    Some(same) => *same = alert,
                    None => merged.push(alert),
                }
            }
        }
        posted.accepted = merged.len();
        if !merged.is_empty() {
            self.0.store.put_alerts(merged.iter().map(ActiveAlert::stored).collect())?;
        }
        {
            let mut state = self.0.state.lock();
            state.stats.received += posted.accepted as u64;
            state.stats.refused += posted.refused.len() as u64;
        }
        let mut merged = merged.into_iter().peekable();
        while merged.peek().is_some() {
            let mut state = self.0.state.lock();
            for alert in merged.by_ref().take(INSERTED_MAX) {
                self.insert(&mut state, alert, now);
            }
        }
        self.0.wake.notify_one();
        Ok(posted)
    }

    fn insert(&self, state: &mut State, alert: ActiveAlert, now: UnixNanos) {
        let fingerprint = alert.alert.fingerprint();
        let was_firing = state.present.alerts.get(fingerprint).map(|a| !a.alert.is_resolved(now));
        let is_firing = !alert.alert.is_resolved(now);
        let starts_at = alert.alert.starts_at;
        match (was_firing, is_firing) {
            (None | Some(false), true) => {
                let body = json!({"starts_at": time(starts_at), "ends_at": time(alert.alert.ends_at), "labels": alert.alert.labels.to_string()});
                self.0.timeline.record(fingerprint, now, Happened::Received, body);
            }
            (Some(true), false) => {
                let body = json!({"ended_at": time(alert.alert.ends_at), "by": "the sender"});
                self.0.timeline.record(fingerprint, now, Happened::Resolved, body);
            }
            _ => {}
        }
        for route in state.insert(alert, now) {
            let body = json!({"receiver": route.receiver, "route": route.key});
            self.0.timeline.record(fingerprint, now, Happened::Grouped, body);
        }
    }

    /// Makes a silence, or changes one. Returns the id that it has now. Waits for the disk.
    ///
    /// # Errors
    /// What can never be one; an id that there is not; when it cannot be stored.
    pub fn set_silence(&self, silence: Silence) -> Result<String, SilenceError> {
        let _one_at_a_time = self.0.ingest.lock();
        let new_id = self.0.store.new_id()?;
        let change = self.present().silences.plan(silence, new_id, self.now())?;
        self.0.store.put_silences(change.stored())?;
        let id = change.id.clone();
        Arc::make_mut(&mut self.0.state.lock().present.silences).apply(change);
        Ok(id)
    }

    /// Ends a silence. Waits for the disk.
    ///
    /// # Errors
    /// An id that there is not, or that ended; when it cannot be stored.
    pub fn expire_silence(&self, id: &str) -> Result<(), SilenceError> {
        let _one_at_a_time = self.0.ingest.lock();
        let change = self.present().silences.plan_expiry(id, self.now())?;
        self.0.store.put_silences(change.stored())?;
        Arc::make_mut(&mut self.0.state.lock().present.silences).apply(change);
        Ok(())
    }

    /// One silence.
    pub fn silence(&self, id: &str) -> Option<Silence> {
        self.present().silences.get(id).cloned()
    }

    /// All silences, in no order.
    pub fn silences(&self) -> Vec<Silence> {
        self.present().silences.all().cloned().collect()
    }

    /// Somebody takes care of an alert; `None` takes it back. Waits for the disk. False when there is no such alert.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn acknowledge(&self, fingerprint: Fingerprint, by: Option<Acknowledgement>) -> Result<bool, MetaError> {
        let _one_at_a_time = self.0.ingest.lock();
        let now = self.now();
        if self.present().alerts.get(fingerprint).is_none_or(|a| a.alert.is_resolved(now)) {
            return Ok(false);
        }
        let id = fingerprint.to_string();
        match &by {
            Some(by) => {
                self.0.store.documents().put(acknowledge::KIND, &id, &by.body(), Origin::Api)?;
                let body = json!({"by": by.by, "comment": by.comment, "until": by.until.map(time)});
                self.0.timeline.record(fingerprint, now, Happened::Acknowledged, body);
                Arc::make_mut(&mut self.0.state.lock().present.acknowledgements).insert(fingerprint, by.clone());
            }
            None => self.unacknowledge(fingerprint, "somebody took it back")?,
        }
        Ok(true)
    }

    fn unacknowledge(&self, fingerprint: Fingerprint, why: &str) -> Result<(), MetaError> {
        if Arc::make_mut(&mut self.0.state.lock().present.acknowledgements).remove(&fingerprint).is_none() {
            return Ok(());
        }
        self.0.timeline.record(fingerprint, self.now(), Happened::Unacknowledged, json!({"why": why}));
        match self.0.store.documents().delete(acknowledge::KIND, &fingerprint.to_string(), None) {
            Ok(()) | Err(MetaError::NotFound { .. }) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Makes a maintenance window, or changes the one of that name. Waits for the disk.
    ///
    /// # Errors
    /// What is wrong with it, line by line; when it cannot be stored.
    pub fn set_window(&self, body: &Value) -> Result<Window, SilenceError> {
        let window = read_window(body).map_err(|why| SilenceError::Invalid(why.join("; ")))?;
        if self.config().maintenance.iter().any(|w| w.name == window.name) {
            return Err(SilenceError::Invalid(format!(
                "maintenance window `{}` comes from a file; change it there",
                window.name
            )));
        }
        self.0.store.documents().put(WINDOW_KIND, &window.name, &window.shown, Origin::Api)?;
        Arc::make_mut(&mut self.0.state.lock().present.windows).insert(window.name.clone(), window.clone());
        Ok(window)
    }

    /// Removes a maintenance window that was made through the API. Waits for the disk.
    ///
    /// # Errors
    /// A name that there is not; when it cannot be stored.
    pub fn delete_window(&self, name: &str) -> Result<(), MetaError> {
        self.0.store.documents().delete(WINDOW_KIND, name, None)?;
        Arc::make_mut(&mut self.0.state.lock().present.windows).remove(name);
        Ok(())
    }

    /// All maintenance windows, with whether they come from a file and whether they are open.
    pub fn windows(&self) -> Vec<(Window, Origin, bool)> {
        let now = self.now();
        let present = self.present();
        let files = present.config.maintenance.iter().map(|w| (w.clone(), Origin::File, w.contains(now)));
        let own = present.windows.values().map(|w| (w.clone(), Origin::Api, w.contains(now)));
        let mut all: Vec<_> = files.chain(own).collect();
        all.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        all
    }

    /// Figures for the server's own metrics.
    pub fn stats(&self) -> Stats {
        Stats { timeline_lost: self.0.timeline.lost(), ..self.0.state.lock().stats() }
    }

    /// When the next group is due.
    pub(super) fn next_due(&self) -> Option<UnixNanos> {
        self.0.state.lock().groups.next_due()
    }

    /// What is due is taken and has to be sent.
    pub(super) fn take_due(&self) -> Vec<Send> {
        let now = self.now();
        let (present, drafts) = {
            let mut state = self.0.state.lock();
            let due = state.groups.take_due(now, FLUSHES_MAX);
            let drafts: Vec<Draft> = due.iter().filter_map(|id| flush::draft(&mut state, id, None, now)).collect();
            (state.present.clone(), drafts)
        };
        drafts.into_iter().flat_map(|draft| self.prepare(draft, &present, now)).collect()
    }

    fn prepare(&self, draft: Draft, present: &Present, now: UnixNanos) -> Vec<Send> {
        let flush = draft.flush(present, &self.0.options.external_url, now);
        let left = flush.conclude(&mut self.0.state.lock(), &self.0.timeline, now);
        self.record_left(&left, now);
        flush.sends
    }

    /// A channel of a group was told, or not; `told` ended and it knows that. Returns what it has to be told at once.
    pub(super) fn finished(&self, id: &GroupId, channel: &str, told: &[Arc<ActiveAlert>]) -> Option<Send> {
        let now = self.now();
        let (present, left, draft) = {
            let mut state = self.0.state.lock();
            let route = state.groups.get(id).map(|g| g.route.clone());
            let usable = route.map(|route| state.present.config.usable(&route.receiver)).unwrap_or_default();
            let finished = state.groups.finish(id, channel, told, &usable);
            let draft = if finished.again { flush::draft(&mut state, id, Some(channel), now) } else { None };
            (state.present.clone(), finished.left, draft)
        };
        self.record_left(&left, now);
        self.0.wake.notify_one();
        draft.and_then(|draft| self.prepare(draft, &present, now).pop())
    }

    fn record_left(&self, left: &[Arc<ActiveAlert>], now: UnixNanos) {
        for alert in left.iter().filter(|a| a.alert.ends_at > a.updated_at) {
            let body = json!({"ended_at": time(alert.alert.ends_at), "by": "time: the sender did not repeat it"});
            self.0.timeline.record(alert.alert.fingerprint(), now, Happened::Resolved, body);
        }
    }

    pub(super) fn conditions(&self) -> &Conditions {
        &self.0.conditions
    }

    /// In what condition a channel (`webhook[0]`) of a receiver is.
    pub fn condition(&self, receiver: &str, channel: &str) -> ChannelCondition {
        self.0.conditions.of(receiver, channel)
    }

    /// Messages that are being delivered, the longest first.
    pub fn on_the_way(&self) -> Vec<OnTheWay> {
        self.0.conditions.on_the_way()
    }

    pub(super) fn told(&self, key: LogKey, entry: LogEntry) {
        self.0.state.lock().log.insert(key, entry);
    }

    pub(super) async fn persist(&self, log: Option<(LogKey, LogEntry)>, record: Option<Delivery>) {
        let store = self.0.store.clone();
        let written = tokio::task::spawn_blocking(move || store.log_notification(log, record)).await;
        if let Ok(Err(e)) = written {
            tracing::error!(error = %e, "the notification log cannot be written: after a restart messages may be sent again");
        }
    }

    /// Forgets what nobody needs any more. Waits for the disk.
    pub(super) fn clean(&self) {
        let now = self.now();
        let (ended, unacknowledged) = {
            let mut state = self.0.state.lock();
            state.log.prune(now);
            if state.present.silences.all().any(|s| s.ends_at < now.minus(SILENCES_KEPT)) {
                Arc::make_mut(&mut state.present.silences).prune(now.minus(SILENCES_KEPT));
            }
            let ended = state.forget_ended(now);
            let over = |(f, a): (&Fingerprint, &Acknowledgement)| {
                (!a.holds(now) || state.present.alerts.get(*f).is_none_or(|alert| alert.alert.is_resolved(now)))
                    .then_some(*f)
            };
            let unacknowledged: Vec<Fingerprint> = state.present.acknowledgements.iter().filter_map(over).collect();
            (ended, unacknowledged)
        };
        let store = &self.0.store;
        let written = (|| {
            if !ended.is_empty() {
                store.delete_alerts(ended.into_iter().map(|f| f.0).collect(), now)?;
            }
            for fingerprint in unacknowledged {
                self.unacknowledge(fingerprint, "the alert ended, or its time is over")?;
            }
            store.prune_silences(now.minus(SILENCES_KEPT))?;
            store.prune_notifications(now, now.minus(crate::timeline::KEPT))?;
            store.prune_timeline(now.minus(crate::timeline::KEPT))
        })();
        if let Err(e) = written {
            tracing::warn!(error = %e, "old alerts and silences could not be removed; tried again");
        }
    }

    /// The clock was set by so many nanoseconds: what counts time since something happened goes on as if it had not been.
    pub(super) fn shift(&self, by_ns: i64) {
        let mut state = self.0.state.lock();
        let before = UnixNanos(self.now().0.saturating_sub(by_ns));
        Arc::make_mut(&mut state.present.alerts).shift(before, by_ns);
        state.log.shift(by_ns);
        state.groups.shift(by_ns);
        let now = self.now();
        // Groups hold alerts of their own.
        state.regroup(now);
    }

    pub(super) fn count(&self, with: impl FnOnce(&mut Stats)) {
        with(&mut self.0.state.lock().stats);
    }

    /// What holds now; looked at without the lock.
    pub(super) fn present(&self) -> Present {
        self.0.state.lock().present.clone()
    }

    pub(super) fn with_state<T>(&self, with: impl FnOnce(&State, UnixNanos) -> T) -> T {
        with(&self.0.state.lock(), self.now())
    }

    pub(super) async fn woken(&self) {
        self.0.wake.notified().await;
    }

    /// The time.
    pub fn now(&self) -> UnixNanos {
        self.0.clock.now()
    }

    /// Where things are recorded.
    pub fn timeline(&self) -> &Timeline {
        &self.0.timeline
    }

    /// What is stored.
    pub fn store(&self) -> &Metastore {
        &self.0.store
    }

    /// Where the alert manager is reached.
    pub fn external_url(&self) -> &str {
        &self.0.options.external_url
    }
}

fn read_window(body: &Value) -> Result<Window, Vec<String>> {
    let said = |findings: &Findings| findings.iter().map(ToString::to_string).collect::<Vec<_>>();
    let node = yaml::parse("", &body.to_string()).map_err(|e| vec![e.to_string()])?;
    let mut findings = Findings::default();
    Window::read(&node, "", &mut findings).ok_or_else(|| said(&findings))
}

/// A time as people read it.
pub(super) fn time(at: UnixNanos) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(at.0)).map_or_else(|_| at.0.to_string(), |t| t.to_string())
}
