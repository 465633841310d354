//! The traces about which nothing is decided yet, and the decisions of those before.
//!
//! Spans are kept as they are encoded, resources and scopes once for all traces of a request. A decision is remembered,
//! so that spans that come later follow it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use wire::otlp::sampling::{Sampling, is_rejected, rejected};
use wire::otlp::tree::{OfResource, OfScope, Record, Resource, Scope, Shape, Span, Text, Traces};
use wire::protobuf::{Backward, Reader};

use super::log::Held;
use super::policy::{Facts, Policies, Said, Verdict};

pub(super) type Id = [u8; 16];

/// Bounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) decision_wait: Duration,
    /// Zero: the root makes no difference.
    pub(super) wait_after_root: Duration,
    pub(super) traces: usize,
    pub(super) bytes: usize,
    /// Of one trace; zero is no limit.
    pub(super) trace_bytes: usize,
    pub(super) sampled_cache: usize,
    pub(super) dropped_cache: usize,
    /// What is rejected is passed on too, marked, to be counted by the engines.
    pub(super) marks: bool,
}

/// What happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) sampled: u64,
    pub(super) dropped: u64,
    /// Decided before their time, for want of room.
    pub(super) early: u64,
    /// Spans that came after the decision and followed it.
    pub(super) late: u64,
}

/// What was decided about a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// With a threshold, it stands for others that are not.
    Kept(Option<u64>),
    Rejected,
}

/// What spans of a request have in common.
#[derive(Debug)]
struct Head {
    resource: Resource,
    resource_url: Text,
    scope: Scope,
    scope_url: Text,
}

#[derive(Debug)]
struct Part {
    head: Arc<Head>,
    /// The request in the log.
    number: u64,
    /// `Span` messages as fields 2.
    spans: Box<[u8]>,
}

#[derive(Debug)]
struct Live {
    facts: Facts,
    parts: Vec<Part>,
    /// By generation once.
    held: Vec<Held>,
    bytes: usize,
}

/// A trace, or late spans of one, to be passed on.
#[derive(Debug)]
pub(super) struct Decided {
    parts: Vec<Part>,
    pub(super) id: Id,
    pub(super) decision: Decision,
    pub(super) spans: usize,
    pub(super) bytes: usize,
    /// Its hold on the log, given back when it is dropped.
    _held: Vec<Held>,
}

impl Decided {
    /// The requests that it came with.
    pub(super) fn requests(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.parts.iter().map(|p| p.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// Its spans, each saying how many it stands for where that is known, or that it was rejected.
    pub(super) fn traces(&self) -> Traces {
        let mut out = Traces::default();
        for part in &self.parts {
            let (mut records, mut shape) = (Vec::new(), Shape::default());
            let mut r = Reader::new(&part.spans);
            // These bytes were written here.
            while let Ok(Some(_)) = r.key()
                && let Ok(message) = r.message()
                && let Ok(span) = Span::decode(message, &mut shape)
            {
                records.push(span);
            }
            for span in &mut records {
                match self.decision {
                    Decision::Rejected => span.trace_state = rejected(&span.trace_state),
                    Decision::Kept(Some(threshold)) => {
                        let before = Sampling::of_state(&span.trace_state);
                        let threshold = Some(threshold.max(before.threshold.unwrap_or(0)));
                        span.trace_state = Sampling { threshold, ..before }.into_state(&span.trace_state);
                    }
                    Decision::Kept(None) => {}
                }
            }
            let head = &part.head;
            let scope = OfScope { scope: head.scope.clone(), records, schema_url: head.scope_url.clone() };
            let (resource, schema_url) = (head.resource.clone(), head.resource_url.clone());
            out.resources.push(OfResource { resource, scopes: vec![scope], schema_url });
        }
        out
    }
}

/// Decisions, the oldest forgotten first.
#[derive(Debug)]
struct Remembered {
    decisions: FxHashMap<Id, Option<u64>>,
    order: VecDeque<Id>,
    max: usize,
}

impl Remembered {
    fn new(max: usize) -> Self {
        Self { decisions: FxHashMap::default(), order: VecDeque::new(), max: max.max(1) }
    }

    fn insert(&mut self, id: Id, threshold: Option<u64>) {
        if self.decisions.insert(id, threshold).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.decisions.remove(&oldest);
        }
    }
}

/// See the module.
pub(super) struct Pool {
    policies: Policies,
    limits: Limits,
    live: FxHashMap<Id, Live>,
    /// When a trace is decided, in nanoseconds since 1970; the oldest first.
    order: VecDeque<(i64, Id)>,
    /// As `order`, for those whose root has come.
    rooted: VecDeque<(i64, Id)>,
    bytes: usize,
    sampled: Remembered,
    dropped: Remembered,
    scratch: Backward,
    pub(super) counts: Counts,
}

impl Pool {
    pub(super) fn new(policies: Policies, limits: Limits) -> Self {
        Self {
            policies,
            limits,
            live: FxHashMap::default(),
            order: VecDeque::new(),
            rooted: VecDeque::new(),
            bytes: 0,
            sampled: Remembered::new(limits.sampled_cache),
            dropped: Remembered::new(limits.dropped_cache),
            scratch: Backward::with_capacity(64 << 10),
            counts: Counts::default(),
        }
    }

    /// Takes up a decision of an earlier instance.
    pub(super) fn remember(&mut self, id: Id, decision: Decision) {
        match decision {
            Decision::Kept(threshold) => self.sampled.insert(id, threshold),
            Decision::Rejected => self.dropped.insert(id, None),
        }
    }

    /// What the policies have said so far.
    pub(super) fn said(&self) -> &[Said] {
        &self.policies.said
    }

    /// Traces that wait.
    pub(super) fn waiting(&self) -> usize {
        self.live.len()
    }

    /// Takes spans; returns what is to be passed on at once: late ones, and traces that had to make room.
    pub(super) fn add(&mut self, now: i64, traces: Traces, held: &Held) -> Vec<Decided> {
        let mut out = Vec::new();
        for OfResource { mut resource, scopes, schema_url: resource_url } in traces.resources {
            for OfScope { mut scope, mut records, schema_url } in scopes {
                // Spans of a trace become neighbours; their order stays.
                records.sort_by(|a, b| a.trace_id.as_bytes().cmp(b.trace_id.as_bytes()));
                // Shared by the traces of the scope, and made when the first of them needs it.
                let mut head: Option<Arc<Head>> = None;
                for spans in records.chunk_by_mut(|a, b| a.trace_id == b.trace_id && marked(a) == marked(b)) {
                    let Some(id) = spans.first().and_then(|s| s.trace_id.valid().copied()) else {
                        // A span without a trace belongs to no decision: who stores it refuses it.
                        continue;
                    };
                    let late = self.decided(&id, spans);
                    if late == Some(Decision::Rejected) && !self.limits.marks {
                        continue;
                    }
                    let head = head.get_or_insert_with(|| {
                        let (resource, scope) = (resource.clone(), scope.clone());
                        Arc::new(Head {
                            resource,
                            resource_url: resource_url.clone(),
                            scope,
                            scope_url: schema_url.clone(),
                        })
                    });
                    let part =
                        Part { head: head.clone(), number: held.number(), spans: encoded(&mut self.scratch, spans) };
                    if let Some(decision) = late {
                        let (bytes, _held) = (part.spans.len(), vec![held.clone()]);
                        out.push(Decided { parts: vec![part], id, decision, spans: spans.len(), bytes, _held });
                        continue;
                    }
                    self.hold(now, id, &mut resource, &mut scope, spans, part, held);
                    if self.limits.trace_bytes > 0
                        && self.live.get(&id).is_some_and(|l| l.bytes > self.limits.trace_bytes)
                    {
                        self.counts.early += 1;
                        out.extend(self.decide(now, id));
                    }
                }
            }
        }
        while self.live.len() > self.limits.traces || self.bytes > self.limits.bytes {
            let Some((_, id)) = self.order.pop_front() else { break };
            if self.live.contains_key(&id) {
                self.counts.early += 1;
                out.extend(self.decide(now, id));
            }
        }
        out
    }

    /// What has been decided about spans already: by a sampler in front of this one, or about their trace before they came.
    fn decided(&mut self, id: &Id, spans: &[Span]) -> Option<Decision> {
        if spans.first().is_some_and(marked) {
            return Some(Decision::Rejected);
        }
        let decision = if self.dropped.decisions.contains_key(id) {
            Decision::Rejected
        } else {
            Decision::Kept(*self.sampled.decisions.get(id)?)
        };
        self.counts.late += spans.len() as u64;
        Some(decision)
    }

    fn hold(
        &mut self,
        now: i64,
        id: Id,
        resource: &mut Resource,
        scope: &mut Scope,
        spans: &mut [Span],
        part: Part,
        held: &Held,
    ) {
        let after = |wait: Duration| now.saturating_add(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX));
        let due = after(self.limits.decision_wait);
        let order = &mut self.order;
        let live = self.live.entry(id).or_insert_with(|| {
            order.push_back((due, id));
            Live { facts: Facts::default(), parts: Vec::with_capacity(1), held: Vec::with_capacity(1), bytes: 0 }
        });
        let bytes = part.spans.len() + size_of::<Part>();
        live.bytes += bytes;
        self.bytes += bytes;
        live.parts.push(part);
        if live.held.iter().all(|h| h.generation() != held.generation()) {
            live.held.push(held.clone());
        }
        for span in spans {
            if self.limits.wait_after_root > Duration::ZERO && span.is_root() {
                self.rooted.push_back((after(self.limits.wait_after_root), id));
            }
            self.policies.observe(&mut live.facts, resource, scope, span, now);
        }
    }

    /// Decides about those whose time has come.
    pub(super) fn tick(&mut self, now: i64) -> Vec<Decided> {
        let mut out = Vec::new();
        while let Some((due, id)) = self.order.front().copied()
            && due <= now
        {
            self.order.pop_front();
            out.extend(self.decide(now, id));
        }
        while let Some((due, id)) = self.rooted.front().copied()
            && due <= now
        {
            self.rooted.pop_front();
            out.extend(self.decide(now, id));
        }
        out
    }

    /// Decides about all that wait.
    pub(super) fn decide_all(&mut self, now: i64) -> Vec<Decided> {
        let order = std::mem::take(&mut self.order);
        self.rooted.clear();
        order.into_iter().filter_map(|(_, id)| self.decide(now, id)).collect()
    }

    fn decide(&mut self, now: i64, id: Id) -> Option<Decided> {
        let live = self.live.remove(&id)?;
        self.bytes -= live.bytes;
        let mut facts = live.facts;
        facts.bytes = live.bytes as u64;
        let decision = match self.policies.decide(&id, &facts, now) {
            Verdict::Sampled { threshold } => Decision::Kept(threshold),
            Verdict::NotSampled => Decision::Rejected,
        };
        self.remember(id, decision);
        let counted = if decision == Decision::Rejected { &mut self.counts.dropped } else { &mut self.counts.sampled };
        *counted += 1;
        if decision == Decision::Rejected && !self.limits.marks {
            return None;
        }
        let (spans, bytes) = (facts.spans as usize, live.bytes);
        Some(Decided { parts: live.parts, id, decision, spans, bytes, _held: live.held })
    }
}

/// Whether a sampler in front of this one has rejected it.
fn marked(span: &Span) -> bool {
    is_rejected(&span.trace_state)
}

fn encoded(scratch: &mut Backward, spans: &[Span]) -> Box<[u8]> {
    scratch.clear();
    for span in spans.iter().rev() {
        let end = scratch.mark();
        span.encode(scratch);
        scratch.message(2, end);
    }
    scratch.as_bytes().into()
}
