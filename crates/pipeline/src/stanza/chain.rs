//! Operators one behind the other, and entries on their way through them.

use std::sync::Arc;
use std::time::Instant;

use foundation::UnixNanos;

use super::Entry;
use super::expr::Condition;

/// Works on one entry, and holds nothing.
pub(super) trait Operator: Send + Sync {
    /// Changes the entry.
    ///
    /// # Errors
    /// It cannot; `on_error` says what becomes of the entry.
    fn apply(&self, entry: &mut Entry, now: UnixNanos) -> Result<Verdict, String>;
}

/// Works on entries together.
pub(super) trait Holding: Send {
    /// Takes an entry, and gives those that are complete.
    ///
    /// # Errors
    /// It cannot; `on_error` says what becomes of the entry.
    fn take(&mut self, entry: Entry, out: &mut Vec<Entry>) -> Result<(), Box<(Entry, String)>>;

    /// Gives what waited too long, or everything.
    fn flush(&mut self, now: Instant, everything: bool, out: &mut Vec<Entry>);

    /// Where the first held entry begins.
    fn held_from(&self) -> Option<u64>;
}

/// Where an entry goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// On.
    Next,
    /// Nowhere.
    Drop,
    /// To these operators; the end of the chain is one, too.
    To(Arc<[usize]>),
}

/// What becomes of an entry that an operator cannot work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnError {
    /// It goes on as it is.
    #[default]
    Send,
    /// It goes on as it is, and nobody is told.
    SendQuiet,
    /// It is dropped.
    Drop,
    /// It is dropped, and nobody is told.
    DropQuiet,
}

#[derive(Clone)]
pub(super) enum Step {
    Each(Arc<dyn Operator>),
    /// Makes the operator, with nothing held.
    Holding(Arc<dyn Fn() -> Box<dyn Holding> + Send + Sync>),
}

#[derive(Clone)]
pub(super) struct Place {
    pub id: String,
    pub condition: Option<Condition>,
    pub on_error: OnError,
    pub step: Step,
    /// Where entries go on; beyond the last operator is the end.
    pub outputs: Arc<[usize]>,
}

/// Operators as they are configured.
#[derive(Clone, Default)]
pub(crate) struct Blueprint {
    pub(super) places: Arc<[Place]>,
    /// The one parser of JSON that there is, if that is all.
    pub(super) json: Option<Arc<super::operators::JsonLines>>,
}

impl std::fmt::Debug for Blueprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.places.iter().map(|p| &p.id)).finish()
    }
}

impl Blueprint {
    /// A chain with nothing in it.
    pub(crate) fn chain(&self) -> Chain {
        let holding = self.places.iter().map(|place| match &place.step {
            Step::Each(_) => None,
            Step::Holding(make) => Some(make()),
        });
        Chain { places: self.places.clone(), holding: holding.collect(), way: Vec::new(), errors: Errors::default() }
    }

    /// Whether entries pass as they are.
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The parser of JSON, when it is the only operator and lines can be written without an [`Entry`].
    pub(crate) fn json_lines(&self) -> Option<Arc<super::operators::JsonLines>> {
        self.json.clone()
    }
}

/// What operators could not do.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Errors {
    pub(crate) count: u64,
    /// The last of them.
    pub(crate) message: String,
}

/// The operators of one source.
pub(crate) struct Chain {
    places: Arc<[Place]>,
    holding: Vec<Option<Box<dyn Holding>>>,
    /// Entries, and the operators that are to have them.
    way: Vec<(usize, Entry)>,
    errors: Errors,
}

impl Chain {
    /// Sends an entry through; what comes out goes to `done`.
    pub(crate) fn process(&mut self, entry: Entry, now: UnixNanos, done: &mut Vec<Entry>) {
        self.way.push((0, entry));
        self.run(now, done);
    }

    fn run(&mut self, now: UnixNanos, done: &mut Vec<Entry>) {
        while let Some((at, mut entry)) = self.way.pop() {
            let Some(place) = self.places.get(at) else {
                done.push(entry);
                continue;
            };
            if place.condition.as_ref().is_some_and(|c| !c.holds(&entry)) {
                forward(&mut self.way, &place.outputs, entry);
                continue;
            }
            let (entry, verdict) = match (&place.step, self.holding.get_mut(at)) {
                (Step::Each(operator), _) => {
                    let verdict = operator.apply(&mut entry, now);
                    (entry, verdict)
                }
                (Step::Holding(_), Some(Some(holding))) => {
                    let mut out = Vec::new();
                    let taken = holding.take(entry, &mut out);
                    // The way is a stack: the first comes last.
                    out.into_iter().rev().for_each(|e| forward(&mut self.way, &place.outputs, e));
                    match taken {
                        Ok(()) => continue,
                        Err(failed) => (failed.0, Err(failed.1)),
                    }
                }
                (Step::Holding(_), _) => (entry, Ok(Verdict::Next)),
            };
            match verdict {
                Ok(Verdict::Next) => forward(&mut self.way, &place.outputs, entry),
                Ok(Verdict::To(outputs)) => forward(&mut self.way, &outputs, entry),
                Ok(Verdict::Drop) => {}
                Err(message) => {
                    if matches!(place.on_error, OnError::Send | OnError::Drop) {
                        self.errors.count += 1;
                        self.errors.message = format!("operator `{}`: {message}", place.id);
                    }
                    if matches!(place.on_error, OnError::Send | OnError::SendQuiet) {
                        forward(&mut self.way, &place.outputs, entry);
                    }
                }
            }
        }
    }

    /// Gives what was held too long, or everything.
    pub(crate) fn flush(&mut self, everything: bool, at: Instant, now: UnixNanos, done: &mut Vec<Entry>) {
        for index in 0..self.holding.len() {
            let mut out = Vec::new();
            if let Some(Some(holding)) = self.holding.get_mut(index) {
                holding.flush(at, everything, &mut out);
            }
            let Some(place) = self.places.get(index) else { continue };
            let outputs = place.outputs.clone();
            for entry in out {
                forward(&mut self.way, &outputs, entry);
                self.run(now, done);
            }
        }
    }

    /// Where the first entry begins that is held: what lies before it in the source is done.
    pub(crate) fn held_from(&self) -> Option<u64> {
        self.holding.iter().flatten().filter_map(|h| h.held_from()).min()
    }

    /// What operators could not do since the last call.
    pub(crate) fn take_errors(&mut self) -> Errors {
        std::mem::take(&mut self.errors)
    }
}

fn forward(way: &mut Vec<(usize, Entry)>, outputs: &[usize], entry: Entry) {
    if let Some((first, others)) = outputs.split_first() {
        others.iter().rev().for_each(|o| way.push((*o, entry.clone())));
        way.push((*first, entry));
    }
}
