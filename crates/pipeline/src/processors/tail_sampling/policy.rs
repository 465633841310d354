//! Policies: what of a trace makes it worth keeping.
//!
//! What a policy asks of single spans is a [`Question`], answered as spans come and remembered as one bit ([`Facts`]); the rest is
//! decided from the facts. Source of names and precedence: opentelemetry-collector-contrib, `tailsamplingprocessor`.

use regex::Regex;
use wire::otlp::tree::{Attributes, Resource, Scope, Span, Text, Value};

use crate::ottl::{Conditions, Item, Scene, Schema};
use wire::otlp::sampling::{MAX, randomness_of};

/// Bits of [`Facts`].
pub(super) const QUESTIONS_MAX: usize = 64;

/// What is known about a trace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// Which questions were answered with yes by a span.
    yes: u64,
    start_min: u64,
    end_max: u64,
    pub(super) spans: u64,
    pub(super) bytes: u64,
}

impl Default for Facts {
    fn default() -> Self {
        Self { yes: 0, start_min: u64::MAX, end_max: 0, spans: 0, bytes: 0 }
    }
}

/// What is asked of each span.
#[derive(Debug)]
pub(super) enum Question {
    Status(Vec<i32>),
    Numeric { key: String, min: i64, max: i64 },
    Text { key: String, values: Vec<String>, patterns: Vec<Regex> },
    Boolean { key: String, value: bool },
    TraceState { key: String, values: Vec<String> },
    Flagged,
    Ottl { spans: Conditions, events: Conditions },
}

/// A policy; of lists in it the parts are in their order.
#[derive(Debug)]
pub(super) enum Policy {
    Always,
    Latency { min_ms: u64, max_ms: u64 },
    Probabilistic { threshold: u64, salt: String },
    Answered { question: usize, invert: bool },
    SpanCount { min: u64, max: u64 },
    SpanRate(Window),
    ByteRate(Window),
    And(Vec<Policy>),
    Not(Box<Policy>),
    Drop(Vec<Policy>),
    Composite { total: Window, parts: Vec<(Policy, Window)> },
}

/// How much is let through in a second.
#[derive(Debug)]
pub(super) struct Window {
    per_second: u64,
    second: i64,
    used: u64,
}

impl Window {
    pub(super) const fn new(per_second: u64) -> Self {
        Self { per_second, second: i64::MIN, used: 0 }
    }

    fn has_room(&mut self, now: i64, n: u64) -> bool {
        let second = now.div_euclid(1_000_000_000);
        if second != self.second {
            (self.second, self.used) = (second, 0);
        }
        self.used + n <= self.per_second
    }

    fn take(&mut self, now: i64, n: u64) -> bool {
        let room = self.has_room(now, n);
        if room {
            self.used += n;
        }
        room
    }
}

/// What one policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vote {
    Sampled,
    NotSampled,
    InvertSampled,
    InvertNotSampled,
    Dropped,
}

impl Vote {
    const fn of(yes: bool) -> Self {
        if yes { Self::Sampled } else { Self::NotSampled }
    }

    const fn is_yes(self) -> bool {
        matches!(self, Self::Sampled | Self::InvertSampled)
    }
}

/// What is decided about a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is kept. With a threshold, it stands for others that are not.
    Sampled {
        threshold: Option<u64>,
    },
    NotSampled,
}

/// How often a policy has said what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) policy: String,
    pub(super) sampled: u64,
    pub(super) not_sampled: u64,
}

/// All policies.
#[derive(Debug, Default)]
pub(super) struct Policies {
    pub(super) questions: Vec<Question>,
    pub(super) policies: Vec<Policy>,
    /// What each has said so far: its name, yes, no.
    pub(super) said: Vec<Said>,
    /// Policies behind the first one that says yes are not asked.
    pub(super) first_match: bool,
}

impl Policies {
    /// Looks at a span of the trace.
    pub(super) fn observe(&self, f: &mut Facts, resource: &mut Resource, scope: &mut Scope, span: &mut Span, now: i64) {
        f.spans += 1;
        f.start_min = f.start_min.min(span.start_time_unix_nano);
        f.end_max = f.end_max.max(span.end_time_unix_nano);
        for (n, question) in self.questions.iter().enumerate() {
            if f.yes >> n & 1 == 0 && question.answer(resource, scope, span, now) {
                f.yes |= 1 << n;
            }
        }
    }

    /// Decides. Dropping wins, then what an inverted policy forbids, then what any asks for.
    pub(super) fn decide(&mut self, id: &[u8; 16], facts: &Facts, now: i64) -> Verdict {
        let (mut sampled, mut inverted, mut forbidden) = (false, false, false);
        // Set as long as nothing but chance has spoken for the trace.
        let mut threshold: Option<u64> = None;
        let mut by_merit = false;
        let mut said = self.said.iter_mut();
        for policy in &mut self.policies {
            let vote = policy.vote(id, facts, now);
            if let Some(said) = said.next() {
                *if vote.is_yes() { &mut said.sampled } else { &mut said.not_sampled } += 1;
            }
            match vote {
                Vote::Dropped => return Verdict::NotSampled,
                Vote::InvertNotSampled => forbidden = true,
                Vote::NotSampled => continue,
                vote => {
                    sampled |= vote == Vote::Sampled;
                    inverted |= vote == Vote::InvertSampled;
                    match policy.threshold() {
                        Some(t) => threshold = Some(threshold.map_or(t, |before| before.min(t))),
                        None => by_merit = true,
                    }
                    if self.first_match {
                        break;
                    }
                }
            }
        }
        if forbidden || !(sampled || inverted) {
            return Verdict::NotSampled;
        }
        Verdict::Sampled { threshold: threshold.filter(|_| !by_merit) }
    }
}

impl Policy {
    /// The threshold, if it is chance that keeps.
    fn threshold(&self) -> Option<u64> {
        match self {
            Self::Probabilistic { threshold, .. } => Some(*threshold),
            // Everything else in it is a condition that the trace meets with or without chance.
            Self::And(parts) => parts.iter().filter_map(Self::threshold).max(),
            _ => None,
        }
    }

    fn vote(&mut self, id: &[u8; 16], f: &Facts, now: i64) -> Vote {
        match self {
            Self::Always => Vote::Sampled,
            Self::Latency { min_ms, max_ms } => {
                let ms = f.end_max.saturating_sub(f.start_min) / 1_000_000;
                Vote::of(ms >= *min_ms && (*max_ms == 0 || ms <= *max_ms))
            }
            Self::Probabilistic { threshold, salt } => Vote::of(*threshold < MAX && randomness(id, salt) >= *threshold),
            Self::Answered { question, invert } => match (f.yes >> *question & 1 == 1, *invert) {
                (yes, false) => Vote::of(yes),
                (true, true) => Vote::InvertNotSampled,
                (false, true) => Vote::InvertSampled,
            },
            Self::SpanCount { min, max } => Vote::of(f.spans >= *min && (*max == 0 || f.spans <= *max)),
            Self::SpanRate(window) => Vote::of(window.take(now, f.spans)),
            Self::ByteRate(window) => Vote::of(window.take(now, f.bytes)),
            Self::And(parts) => Vote::of(parts.iter_mut().all(|p| p.vote(id, f, now).is_yes())),
            Self::Not(part) => Vote::of(!part.vote(id, f, now).is_yes()),
            Self::Drop(parts) => {
                if parts.iter_mut().all(|p| p.vote(id, f, now).is_yes()) {
                    Vote::Dropped
                } else {
                    Vote::NotSampled
                }
            }
            Self::Composite { total, parts } => {
                for (part, share) in parts {
                    if part.vote(id, f, now).is_yes() && total.has_room(now, f.spans) && share.take(now, f.spans) {
                        total.take(now, f.spans);
                        return Vote::Sampled;
                    }
                }
                Vote::NotSampled
            }
        }
    }
}

/// With a salt the share is another one than that of samplers without; so two stages do not take the same traces.
fn randomness(id: &[u8; 16], salt: &str) -> u64 {
    if salt.is_empty() {
        return randomness_of(&(*id).into()).unwrap_or(0);
    }
    crate::processors::probabilistic_sampler::wide_hash(&[salt.as_bytes(), id].concat())
}

impl Question {
    fn answer(&self, resource: &mut Resource, scope: &mut Scope, span: &mut Span, now: i64) -> bool {
        let any = |key: &str, test: &dyn Fn(&Value) -> bool| {
            resource.attributes.get(key).is_some_and(test) || span.attributes.get(key).is_some_and(test)
        };
        match self {
            Self::Status(codes) => codes.contains(&span.status.code),
            Self::Numeric { key, min, max } => any(key, &|v| match v {
                Value::Int(i) => (*min..=*max).contains(i),
                Value::Double(d) => *d >= *min as f64 && *d <= *max as f64,
                _ => false,
            }),
            Self::Text { key, values, patterns } => any(key, &|v| {
                v.as_str().is_some_and(|s| values.iter().any(|w| w == s) || patterns.iter().any(|p| p.is_match(s)))
            }),
            Self::Boolean { key, value } => any(key, &|v| *v == Value::Bool(*value)),
            Self::TraceState { key, values } => {
                let mut members = span.trace_state.split(',').filter_map(|m| m.trim().split_once('='));
                members.any(|(k, v)| k == key && values.iter().any(|w| w == v))
            }
            Self::Flagged => span.flags & 1 == 1,
            Self::Ottl { spans, events } => ottl(spans, events, resource, scope, span, now),
        }
    }
}

/// A condition that fails does not hold.
fn ottl(
    spans: &Conditions,
    events: &Conditions,
    resource: &mut Resource,
    scope: &mut Scope,
    span: &mut Span,
    now: i64,
) -> bool {
    let (mut cache, mut made) = (Attributes::new(), Vec::new());
    // The schemas of what waits for a decision are not kept beside its spans.
    let (mut of_resource, mut of_scope) = (Text::default(), Text::default());
    let mut holds = |conditions: &Conditions, item: Item<'_>| {
        let scene = Scene {
            resource,
            scope,
            schema: Schema { resource: &mut of_resource, scope: &mut of_scope },
            item,
            cache: &mut cache,
            made: &mut made,
            now,
        };
        conditions.hold(&scene).unwrap_or(false)
    };
    if !spans.is_empty() && holds(spans, Item::Span(span)) {
        return true;
    }
    if events.is_empty() {
        return false;
    }
    let mut all = std::mem::take(&mut span.events);
    let found = all.iter_mut().enumerate().any(|(index, event)| holds(events, Item::Event { span, event, index }));
    span.events = all;
    found
}
