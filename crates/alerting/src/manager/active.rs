//! The alerts that there are, and how what is sent becomes one of them.
//!
//! Semantics of Alertmanager's API and `types.Alert.Merge`: a missing end is in `resolve_timeout`, overlapping updates
//! are one alert with the earliest start.

use std::sync::Arc;
use std::time::Duration;

use foundation::UnixNanos;
use metastore::StoredAlert;
use model::Labels;
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use crate::alert::{Alert, Fingerprint};

/// An alert as it is sent: times may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostedAlert {
    /// Which alert.
    pub labels: Labels,
    /// What is said of it.
    pub annotations: Labels,
    /// Since when it fires.
    pub starts_at: Option<UnixNanos>,
    /// When it is over.
    pub ends_at: Option<UnixNanos>,
    /// Where the expression can be looked at.
    pub generator_url: String,
}

impl From<&Alert> for PostedAlert {
    fn from(alert: &Alert) -> Self {
        Self {
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            starts_at: Some(alert.starts_at),
            ends_at: Some(alert.ends_at),
            generator_url: alert.generator_url.clone(),
        }
    }
}

/// An alert that the alert manager holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveAlert {
    /// What it is.
    pub alert: Alert,
    /// When it was sent last.
    pub updated_at: UnixNanos,
    /// Whether the end is ours, because the sender named none.
    pub timeout: bool,
}

impl ActiveAlert {
    /// Fills in the times that are missing.
    ///
    /// # Errors
    /// No label; an end before the start. In Alertmanager's words.
    pub(super) fn of_posted(posted: PostedAlert, now: UnixNanos, resolve_timeout: Duration) -> Result<Self, String> {
        let starts_at = posted.starts_at.or(posted.ends_at).unwrap_or(now);
        let (ends_at, timeout) = match posted.ends_at {
            Some(ends_at) => (ends_at, false),
            None => (now.plus(resolve_timeout), true),
        };
        if posted.labels.is_empty() {
            return Err("at least one label pair required".to_owned());
        }
        if ends_at < starts_at {
            return Err("start time must be before end time".to_owned());
        }
        let PostedAlert { labels, annotations, generator_url, .. } = posted;
        Ok(Self { alert: Alert { labels, annotations, starts_at, ends_at, generator_url }, updated_at: now, timeout })
    }

    /// This alert as it is after `older` was there before it.
    fn after(mut self, older: &Self, now: UnixNanos) -> Self {
        let (new, old) = (&self.alert, &older.alert);
        let overlap = (new.ends_at > old.starts_at && new.ends_at < old.ends_at)
            || (new.starts_at > old.starts_at && new.starts_at < old.ends_at)
            || new.starts_at == old.starts_at;
        if !overlap {
            return self;
        }
        let later_end = old.ends_at > new.ends_at;
        let keeps_end = if new.is_resolved(now) { old.is_resolved(now) } else { !older.timeout };
        if later_end && keeps_end {
            self.alert.ends_at = older.alert.ends_at;
        }
        self.alert.starts_at = self.alert.starts_at.min(older.alert.starts_at);
        self
    }

    pub(super) fn stored(&self) -> StoredAlert {
        let object = |labels: &Labels| {
            Value::Object(labels.iter().map(|(k, v)| (k.to_owned(), Value::from(v))).collect::<Map<_, _>>())
        };
        StoredAlert {
            fingerprint: self.alert.fingerprint().0,
            labels: object(&self.alert.labels),
            annotations: object(&self.alert.annotations),
            starts_at: self.alert.starts_at,
            ends_at: self.alert.ends_at,
            updated_at: self.updated_at,
            timeout: self.timeout,
            generator_url: self.alert.generator_url.clone(),
        }
    }

    fn of_stored(stored: StoredAlert) -> Self {
        let labels = |value: &Value| {
            let pairs = value.as_object().into_iter().flatten();
            Labels::from_pairs(pairs.map(|(k, v)| (k.as_str(), v.as_str().unwrap_or_default())))
        };
        Self {
            alert: Alert {
                labels: labels(&stored.labels),
                annotations: labels(&stored.annotations),
                starts_at: stored.starts_at,
                ends_at: stored.ends_at,
                generator_url: stored.generator_url,
            },
            updated_at: stored.updated_at,
            timeout: stored.timeout,
        }
    }
}

/// All alerts by fingerprint; those that ended too, until everybody was told.
#[derive(Clone, Default)]
pub(super) struct ActiveAlerts(FxHashMap<Fingerprint, Arc<ActiveAlert>>);

impl ActiveAlerts {
    pub(super) fn restore(stored: Vec<StoredAlert>) -> Self {
        let alerts = stored.into_iter().map(ActiveAlert::of_stored);
        Self(alerts.map(|a| (a.alert.fingerprint(), Arc::new(a))).collect())
    }

    pub(super) fn get(&self, fingerprint: Fingerprint) -> Option<&Arc<ActiveAlert>> {
        self.0.get(&fingerprint)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Fingerprint, &Arc<ActiveAlert>)> {
        self.0.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What `new` is after what is there.
    pub(super) fn merged(&self, new: ActiveAlert, now: UnixNanos) -> ActiveAlert {
        match self.get(new.alert.fingerprint()) {
            Some(older) => new.after(older, now),
            None => new,
        }
    }

    /// Returns the one that was there.
    pub(super) fn insert(&mut self, fingerprint: Fingerprint, alert: Arc<ActiveAlert>) -> Option<Arc<ActiveAlert>> {
        self.0.insert(fingerprint, alert)
    }

    pub(super) fn remove(&mut self, fingerprint: Fingerprint) -> Option<Arc<ActiveAlert>> {
        self.0.remove(&fingerprint)
    }

    /// Moves the times of alerts that fire at `before`, because the clock was set.
    pub(super) fn shift(&mut self, before: UnixNanos, by_ns: i64) {
        for alert in self.0.values_mut().filter(|a| !a.alert.is_resolved(before)) {
            let alert = Arc::make_mut(alert);
            alert.alert.ends_at = UnixNanos(alert.alert.ends_at.0.saturating_add(by_ns));
            alert.updated_at = UnixNanos(alert.updated_at.0.saturating_add(by_ns));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> UnixNanos {
        UnixNanos::from_secs(secs)
    }

    fn posted(starts: Option<i64>, ends: Option<i64>, now: i64) -> Result<ActiveAlert, String> {
        let labels = Labels::from_pairs([("alertname", "A")]);
        let posted = PostedAlert { labels, starts_at: starts.map(at), ends_at: ends.map(at), ..Default::default() };
        ActiveAlert::of_posted(posted, at(now), Duration::from_secs(300))
    }

    #[test]
    fn missing_times_are_filled_in() {
        let times = |a: ActiveAlert| (a.alert.starts_at, a.alert.ends_at, a.timeout);
        assert_eq!(times(posted(None, None, 10).unwrap()), (at(10), at(310), true));
        assert_eq!(times(posted(None, Some(5), 10).unwrap()), (at(5), at(5), false));
        assert_eq!(times(posted(Some(1), None, 10).unwrap()), (at(1), at(310), true));
        assert_eq!(posted(Some(9), Some(5), 10).unwrap_err(), "start time must be before end time");
        let none = ActiveAlert::of_posted(PostedAlert::default(), at(1), Duration::ZERO);
        assert_eq!(none.unwrap_err(), "at least one label pair required");
    }

    #[test]
    fn overlapping_updates_are_one_alert() {
        let merge = |old: ActiveAlert, new: ActiveAlert, now: i64| {
            let merged = new.after(&old, at(now)).alert;
            (merged.starts_at, merged.ends_at)
        };
        let fires = |s, e| posted(Some(s), Some(e), 10).unwrap();
        assert_eq!(merge(fires(5, 100), fires(8, 120), 10), (at(5), at(120)), "the earliest start");
        assert_eq!(merge(fires(5, 100), fires(5, 10), 10), (at(5), at(10)), "resolved now");
        assert_eq!(merge(fires(5, 9), fires(20, 100), 20), (at(20), at(100)), "it ended before: it is new");
        assert_eq!(merge(fires(5, 100), posted(None, None, 10).unwrap(), 10), (at(5), at(310)));
        let timed_out = posted(Some(5), None, 10).unwrap();
        assert_eq!(merge(timed_out, fires(8, 50), 12), (at(5), at(50)), "an end that was ours gives way");
    }

    #[test]
    fn alerts_come_back_as_they_were_stored() {
        let mut alert = posted(Some(1), None, 10).unwrap();
        alert.alert.annotations = Labels::from_pairs([("summary", "ü \"x\"")]);
        assert_eq!(ActiveAlert::of_stored(alert.stored()), alert);
    }
}
