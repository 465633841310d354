//! Halves of requests that wait for their other half.

use std::collections::VecDeque;

use eventstore::SpanColumns;
use hashbrown::HashMap;
use model::{SpanId, TraceId};
use rustc_hash::FxBuildHasher;

use crate::arrival::Arrival;
use crate::bytes::{Damaged, Reader, put_u32, put_u64};
use crate::histograms::Exemplar;
use crate::names::OTHER;

/// The client's span: what both halves know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    trace: [u8; 16],
    span: [u8; 8],
}

impl Key {
    pub(super) fn new(traces: &[[u8; 16]], spans: &[[u8; 8]], row: usize) -> Self {
        Self { trace: traces.get(row).copied().unwrap_or_default(), span: spans.get(row).copied().unwrap_or_default() }
    }
}

/// Which side of a request a span saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Side {
    Client = 0,
    Server = 1,
}

/// What one side saw of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Half {
    pub(super) side: Side,
    pub(super) service: u32,
    /// Whom the client says it called.
    pub(super) peer: u32,
    pub(super) messaging: bool,
    pub(super) failed: bool,
    pub(super) nanos: u64,
    /// When the span ended, milliseconds since the epoch.
    pub(super) ended: i64,
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
}

impl Half {
    pub(super) fn of(spans: &SpanColumns, row: usize, at: &Arrival<'_>, side: Side) -> Self {
        let resource = spans.resource_codes().get(row).copied().unwrap_or_default();
        let nanos = spans.durations().get(row).map_or(0, |n| u64::try_from(*n).unwrap_or(0));
        let e = Exemplar::of(spans, row, nanos);
        Self {
            side,
            service: at.services.get(resource as usize).copied().unwrap_or(OTHER),
            peer: OTHER,
            messaging: false,
            failed: spans.statuses().get(row) == Some(&2),
            nanos,
            ended: e.t,
            trace: e.trace_id.0,
            span: e.span_id.0,
        }
    }

    pub(super) fn exemplar(&self) -> Exemplar {
        Exemplar { nanos: self.nanos, t: self.ended, trace_id: TraceId(self.trace), span_id: SpanId(self.span) }
    }
}

/// The halves, and in which order they give up.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    waiting: HashMap<Key, Waiting, FxBuildHasher>,
    /// In order of deadlines, for these rise with time. Those whose half no longer waits are passed over.
    order: VecDeque<Deadline>,
    /// The ticket of the next half.
    next_ticket: u64,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    half: Half,
    ticket: u64,
}

#[derive(Debug, Clone, Copy)]
struct Deadline {
    /// Milliseconds since the epoch.
    at: i64,
    key: Key,
    ticket: u64,
}

impl Pairs {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes out the half that waits for one of `side`.
    pub(super) fn take_other(&mut self, key: &Key, side: Side) -> Option<Half> {
        match self.waiting.entry(*key) {
            hashbrown::hash_map::Entry::Occupied(e) if e.get().half.side != side => Some(e.remove().half),
            _ => None,
        }
    }

    /// Lets a half wait until `deadline`. One of the same side with the same key, a retry of the sender, is replaced.
    pub(super) fn wait(&mut self, key: Key, half: Half, deadline: i64) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting.insert(key, Waiting { half, ticket });
        self.order.push_back(Deadline { at: deadline, key, ticket });
        // Pairs that met leave their place in the order behind: at most as many as halves that wait.
        if self.order.len() > 64 + 2 * self.waiting.len() {
            let waiting = &self.waiting;
            self.order.retain(|d| waiting.get(&d.key).is_some_and(|w| w.ticket == d.ticket));
        }
    }

    /// The next half whose deadline is not after `now`, with that deadline.
    pub(super) fn expired(&mut self, now: i64) -> Option<(Half, i64)> {
        while self.order.front().is_some_and(|d| d.at <= now) {
            let d = self.order.pop_front()?;
            if self.waits(&d).is_some() {
                return self.waiting.remove(&d.key).map(|w| (w.half, d.at));
            }
        }
        None
    }

    fn waits(&self, d: &Deadline) -> Option<&Half> {
        self.waiting.get(&d.key).filter(|w| w.ticket == d.ticket).map(|w| &w.half)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let live: Vec<(&Deadline, &Half)> =
            self.order.iter().filter_map(|d| self.waits(d).map(|half| (d, half))).collect();
        put_u32(out, live.len() as u32);
        for (d, half) in live {
            put_u64(out, d.at as u64);
            out.extend_from_slice(&d.key.trace);
            out.extend_from_slice(&d.key.span);
            out.push(half.side as u8 | u8::from(half.messaging) << 1 | u8::from(half.failed) << 2);
            put_u32(out, half.service);
            put_u32(out, half.peer);
            put_u64(out, half.nanos);
            put_u64(out, half.ended as u64);
            out.extend_from_slice(&half.span);
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut pairs = Self::default();
        for _ in 0..r.count(65)? {
            let deadline = r.i64()?;
            let key = Key { trace: r.array()?, span: r.array()? };
            let flags = r.u8()?;
            let half = Half {
                side: if flags & 1 == 0 { Side::Client } else { Side::Server },
                messaging: flags & 2 != 0,
                failed: flags & 4 != 0,
                service: r.u32()?,
                peer: r.u32()?,
                nanos: r.u64()?,
                ended: r.i64()?,
                trace: key.trace,
                span: r.array()?,
            };
            pairs.wait(key, half, deadline);
        }
        Ok(pairs)
    }
}

#[cfg(test)]
impl Pairs {
    pub(super) fn order_len(&self) -> usize {
        self.order.len()
    }
}
