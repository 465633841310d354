//! Silences: while one is active, alerts that fit its matchers are not told.
//!
//! Semantics of Alertmanager's `silence` package: what changes the scope of a silence ends it and makes another.

use std::sync::Arc;

use foundation::UnixNanos;
use metastore::StoredSilence;
use model::Labels;
use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use thiserror::Error;

use super::matchers::{Matcher, MatcherError, Matchers, Op};

/// More than anybody looks through.
pub const SILENCES_MAX: usize = 10_000;

/// Where a silence is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SilenceState {
    /// It acts.
    Active,
    /// It will.
    Pending,
    /// It did.
    Expired,
}

impl SilenceState {
    /// `active`, `pending` or `expired`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

/// One silence.
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    /// A UUID; empty for one that is to be made.
    pub id: String,
    /// Which alerts; at least one does not match the empty text.
    pub matchers: Matchers,
    /// From when on, inclusive.
    pub starts_at: UnixNanos,
    /// Until when, exclusive.
    pub ends_at: UnixNanos,
    /// When it was changed last.
    pub updated_at: UnixNanos,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
}

/// Why a silence is not taken.
#[derive(Debug, Error)]
pub enum SilenceError {
    /// It can never be one.
    #[error("{0}")]
    Invalid(String),
    /// Nothing has the id.
    #[error("silence {0} not found")]
    NotFound(String),
    /// It cannot be ended again.
    #[error("silence {0} already expired")]
    Expired(String),
    /// There are as many as there may be.
    #[error("there are {SILENCES_MAX} silences already; expired ones are removed after five days")]
    TooMany,
    /// It could not be written.
    #[error(transparent)]
    Store(#[from] metastore::MetaError),
}

impl SilenceError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> foundation::ErrorKind {
        match self {
            Self::Invalid(_) | Self::Expired(_) => foundation::ErrorKind::InvalidInput,
            Self::NotFound(_) => foundation::ErrorKind::NotFound,
            Self::TooMany => foundation::ErrorKind::TooLarge,
            Self::Store(e) => e.kind(),
        }
    }
}

impl From<MatcherError> for SilenceError {
    fn from(e: MatcherError) -> Self {
        Self::Invalid(e.to_string())
    }
}

impl Silence {
    /// Where it is in its life.
    pub fn state(&self, now: UnixNanos) -> SilenceState {
        if now < self.starts_at {
            SilenceState::Pending
        } else if now < self.ends_at {
            SilenceState::Active
        } else {
            SilenceState::Expired
        }
    }

    fn check(&self, now: UnixNanos) -> Result<(), SilenceError> {
        let refuse = |why: &str| Err(SilenceError::Invalid(why.to_owned()));
        if self.matchers.0.is_empty() {
            return refuse("silence invalid: at least one matcher required");
        }
        if self.matchers.0.iter().all(|m| m.matches_value("")) {
            return refuse("silence invalid: at least one matcher must not match the empty string");
        }
        if self.matchers.0.iter().any(|m| m.name.is_empty()) {
            return refuse("silence invalid: invalid label name \"\"");
        }
        if self.starts_at >= self.ends_at {
            return refuse("Failed to create silence: start time must be before end time");
        }
        if self.ends_at < now {
            return refuse("Failed to create silence: end time can't be in the past");
        }
        Ok(())
    }

    /// Whether the present silence may become `other` without being another one.
    fn can_become(&self, other: &Self, now: UnixNanos) -> bool {
        let seconds = |t: UnixNanos| t.0.div_euclid(1_000_000_000);
        self.matchers == other.matchers
            && match self.state(now) {
                SilenceState::Active => seconds(self.starts_at) == seconds(other.starts_at) && other.ends_at >= now,
                SilenceState::Pending => other.starts_at >= now,
                SilenceState::Expired => false,
            }
    }

    fn stored(&self) -> StoredSilence {
        let matcher = |m: &Matcher| json!({"name": m.name, "op": m.op.symbol(), "value": m.value});
        let body = json!({
            "matchers": self.matchers.0.iter().map(matcher).collect::<Vec<_>>(),
            "created_by": self.created_by,
            "comment": self.comment,
        });
        let Self { id, starts_at, ends_at, updated_at, .. } = self.clone();
        StoredSilence { id, starts_at, ends_at, updated_at, body }
    }

    fn of_stored(stored: StoredSilence) -> Result<Self, SilenceError> {
        let text = |v: &Value, key: &str| v[key].as_str().unwrap_or_default().to_owned();
        let matcher = |m: &Value| {
            let symbol = text(m, "op");
            let ops = [Op::Equal, Op::NotEqual, Op::Regexp, Op::NotRegexp];
            let op = ops.into_iter().find(|op| op.symbol() == symbol).unwrap_or(Op::Equal);
            Matcher::new(text(m, "name"), op, text(m, "value"))
        };
        let matchers = stored.body["matchers"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(Self {
            matchers: Matchers(matchers.iter().map(matcher).collect::<Result<_, _>>()?),
            created_by: text(&stored.body, "created_by"),
            comment: text(&stored.body, "comment"),
            id: stored.id,
            starts_at: stored.starts_at,
            ends_at: stored.ends_at,
            updated_at: stored.updated_at,
        })
    }
}

/// What a change does: silences to be written, the last of them the one that was asked for.
pub(super) struct Change {
    pub id: String,
    silences: Vec<Silence>,
}

impl Change {
    pub(super) fn stored(&self) -> Vec<StoredSilence> {
        self.silences.iter().map(Silence::stored).collect()
    }
}

/// All silences, found by what they look for.
#[derive(Clone, Default)]
pub(super) struct Silences {
    by_id: FxHashMap<String, Arc<Silence>>,
    /// Those with a condition `name="value"`, under the name and the value of one of them; ids.
    by_pair: FxHashMap<String, FxHashMap<String, Vec<String>>>,
    /// The others.
    rest: Vec<String>,
}

impl Silences {
    pub(super) fn restore(stored: Vec<StoredSilence>) -> Self {
        let mut silences = Self::default();
        for one in stored {
            let id = one.id.clone();
            match Silence::of_stored(one) {
                Ok(silence) => silences.insert(silence),
                Err(e) => tracing::warn!(silence = id, error = %e, "a silence cannot be read and is left out"),
            }
        }
        silences
    }

    pub(super) fn get(&self, id: &str) -> Option<&Silence> {
        self.by_id.get(id).map(|s| &**s)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Silence> {
        self.by_id.values().map(|s| &**s)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// What `wanted` comes to; `new_id` is used when it becomes another silence.
    pub(super) fn plan(&self, mut wanted: Silence, new_id: String, now: UnixNanos) -> Result<Change, SilenceError> {
        wanted.check(now)?;
        wanted.updated_at = now;
        let mut silences = Vec::new();
        if !wanted.id.is_empty() {
            let previous = self.get(&wanted.id).ok_or_else(|| SilenceError::NotFound(wanted.id.clone()))?;
            if previous.can_become(&wanted, now) {
                let id = wanted.id.clone();
                return Ok(Change { id, silences: vec![wanted] });
            }
            if previous.state(now) != SilenceState::Expired {
                silences.push(ended(previous, now));
            }
        }
        if self.by_id.len() >= SILENCES_MAX {
            return Err(SilenceError::TooMany);
        }
        wanted.id.clone_from(&new_id);
        wanted.starts_at = wanted.starts_at.max(now);
        silences.push(wanted);
        Ok(Change { id: new_id, silences })
    }

    /// What ending a silence comes to.
    pub(super) fn plan_expiry(&self, id: &str, now: UnixNanos) -> Result<Change, SilenceError> {
        let silence = self.get(id).ok_or_else(|| SilenceError::NotFound(id.to_owned()))?;
        if silence.state(now) == SilenceState::Expired {
            return Err(SilenceError::Expired(id.to_owned()));
        }
        Ok(Change { id: id.to_owned(), silences: vec![ended(silence, now)] })
    }

    pub(super) fn apply(&mut self, change: Change) {
        change.silences.into_iter().for_each(|s| self.insert(s));
    }

    fn insert(&mut self, silence: Silence) {
        let id = silence.id.clone();
        let silence = Arc::new(silence);
        if self.by_id.insert(id.clone(), silence.clone()).is_some_and(|old| old.matchers == silence.matchers) {
            return;
        }
        let pair = silence.matchers.0.iter().find(|m| m.op == Op::Equal && !m.value.is_empty());
        match pair {
            Some(m) => self.by_pair.entry(m.name.clone()).or_default().entry(m.value.clone()).or_default().push(id),
            None => self.rest.push(id),
        }
    }

    /// Forgets what ended before `time`.
    pub(super) fn prune(&mut self, time: UnixNanos) {
        self.by_id.retain(|_, s| s.ends_at >= time);
        let by_id = &self.by_id;
        self.by_pair.retain(|_, of| {
            of.retain(|_, ids| {
                ids.retain(|id| by_id.contains_key(id));
                !ids.is_empty()
            });
            !of.is_empty()
        });
        self.rest.retain(|id| by_id.contains_key(id));
    }

    /// The active silences that fit, by id.
    pub(super) fn silencing(&self, labels: &Labels, now: UnixNanos) -> Vec<String> {
        if self.by_id.is_empty() {
            return Vec::new();
        }
        let pairs = labels.iter().filter_map(|(n, v)| self.by_pair.get(n)?.get(v)).flatten();
        let fits = |id: &&String| {
            self.get(id).is_some_and(|s| s.state(now) == SilenceState::Active && s.matchers.matches(labels))
        };
        let mut found: Vec<String> = pairs.chain(&self.rest).filter(fits).cloned().collect();
        found.sort_unstable();
        found
    }
}

fn ended(silence: &Silence, now: UnixNanos) -> Silence {
    Silence { starts_at: silence.starts_at.min(now), ends_at: now, updated_at: now, ..silence.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::matchers::parse;

    fn silence(id: &str, matchers: &str, from: i64, to: i64) -> Silence {
        Silence {
            id: id.to_owned(),
            matchers: parse(matchers).unwrap().matchers,
            starts_at: UnixNanos::from_secs(from),
            ends_at: UnixNanos::from_secs(to),
            updated_at: UnixNanos(0),
            created_by: "me".to_owned(),
            comment: "why".to_owned(),
        }
    }

    fn at(secs: i64) -> UnixNanos {
        UnixNanos::from_secs(secs)
    }

    #[test]
    fn it_acts_between_its_times_on_what_fits() {
        let mut silences = Silences::default();
        for (id, text) in [("a", "alertname=A"), ("b", "job=~\"x.*\""), ("c", "alertname=A,job!=y")] {
            let change = silences.plan(silence("", text, 10, 20), id.to_owned(), at(10)).unwrap();
            silences.apply(change);
        }
        let labels = Labels::from_pairs([("alertname", "A"), ("job", "xy")]);
        assert_eq!(silences.silencing(&labels, at(19)), ["a", "b", "c"]);
        assert_eq!(silences.silencing(&labels, at(20)), Vec::<String>::new());
        assert_eq!(silences.silencing(&Labels::from_pairs([("alertname", "A"), ("job", "y")]), at(19)), ["a"]);
        silences.prune(at(21));
        assert_eq!(silences.all().count() + silences.rest.len() + silences.by_pair.len(), 0);
    }

    #[test]
    fn a_change_of_scope_makes_another_silence() {
        let mut silences = Silences::default();
        silences.apply(silences.plan(silence("", "a=b", 5, 20), "1".to_owned(), at(10)).unwrap());
        assert_eq!(silences.get("1").unwrap().starts_at, at(10), "it cannot begin in the past");
        let longer = silences.plan(silence("1", "a=b", 10, 30), "2".to_owned(), at(12)).unwrap();
        assert_eq!(longer.id, "1");
        silences.apply(longer);
        let other = silences.plan(silence("1", "a=c", 10, 30), "3".to_owned(), at(13)).unwrap();
        assert_eq!(other.id, "3");
        silences.apply(other);
        assert_eq!(silences.get("1").unwrap().state(at(13)), SilenceState::Expired);
        assert_eq!(silences.get("3").unwrap().state(at(13)), SilenceState::Active);
        let unknown = silences.plan(silence("9", "a=c", 10, 30), "4".to_owned(), at(13));
        assert_eq!(unknown.err().unwrap().to_string(), "silence 9 not found");
        silences.apply(silences.plan_expiry("3", at(14)).unwrap());
        assert_eq!(silences.plan_expiry("3", at(15)).err().unwrap().to_string(), "silence 3 already expired");
    }

    #[test]
    fn what_matches_everything_or_nothing_is_refused() {
        let silences = Silences::default();
        for (wanted, why) in [
            (silence("", "{}", 1, 2), "silence invalid: at least one matcher required"),
            (
                silence("", "a=~\".*\",b=\"\"", 1, 2),
                "silence invalid: at least one matcher must not match the empty string",
            ),
            (silence("", "a=b", 2, 2), "Failed to create silence: start time must be before end time"),
            (silence("", "a=b", -5, -2), "Failed to create silence: end time can't be in the past"),
        ] {
            assert_eq!(silences.plan(wanted, "x".to_owned(), at(0)).err().unwrap().to_string(), why);
        }
    }

    #[test]
    fn silences_come_back_as_they_were_stored() {
        let one = silence("x", "a=\"b c\",d!~\"e|f\"", 1, 2);
        assert_eq!(Silence::of_stored(one.stored()).unwrap(), one);
    }
}
