//! MeetsMatch, a product that introduces people to each other, played without running it.
//!
//! [`Stack`] turns a seed and a stretch of time into the OTLP requests that
//! the SDKs of the stack would have sent: a browser click goes through nginx
//! and the API to PostgreSQL and Redis, a Telegram update through nginx to the
//! bot, which calls the API. Three things are planted for people to find: `GET
//! /v1/matches/suggestions` is slow (a sequential scan), `POST /v1/messages`
//! fails for about one call in eleven, and every ten minutes Redis forgets its
//! keys for 90 seconds ([`conditions`]).

pub mod cast;
pub mod conditions;
mod gauges;
pub mod instruments;
mod journey;
pub mod registry;
mod timeline;

use std::collections::BTreeMap;
use std::time::Duration;

use foundation::UnixNanos;
use model::Signal;
use wire::protobuf::Writer;

use crate::Request;
use crate::otlp::{self, Scope};
use crate::random::Rng;
use cast::{Actor, scopes};
use conditions::Conditions;
use instruments as m;
use journey::Journey;
use registry::{Registry, labels};
use timeline::{Entry, Happening, Timeline};

/// Traces per second at load 1.
pub const DEFAULT_RATE: f64 = 20.0;
/// How often metrics are exported. SDKs default to 60 s; demos and tests do not wait that long.
pub const METRIC_INTERVAL: Duration = Duration::from_secs(10);
/// Records per request, as `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` defaults to.
const MAX_BATCH: usize = 512;
/// For so long after their last message users count as active.
const ACTIVE_FOR: Duration = Duration::from_secs(300);

/// Records of one signal that wait for the next export, with their scope.
type Batch = Vec<(Scope, Vec<u8>)>;

/// One process of the stack.
#[derive(Debug)]
struct Process {
    actor: Actor,
    resource: Vec<u8>,
    registry: Registry,
    spans: Batch,
    logs: Batch,
}

/// The whole stack at one moment.
#[derive(Debug)]
pub struct Stack {
    /// Of the given seed and the start, so that a restarted demo does not repeat its trace ids.
    seed: u64,
    rate: f64,
    start: UnixNanos,
    now: UnixNanos,
    next_collection: UnixNanos,
    arrivals: Rng,
    next_arrival: UnixNanos,
    journeys: u64,
    timeline: Timeline,
    processes: Vec<Process>,
    users: BTreeMap<u64, UnixNanos>,
}

impl Stack {
    /// The stack that started at `start` with [`DEFAULT_RATE`].
    pub fn new(seed: u64, start: UnixNanos) -> Self {
        Self::with_rate(seed, start, DEFAULT_RATE)
    }

    /// The stack with another rate of traces per second, at least 0.01.
    pub fn with_rate(seed: u64, start: UnixNanos, rate: f64) -> Self {
        let processes = Actor::ALL
            .into_iter()
            .map(|actor| {
                let mut registry = Registry::new(actor.is_browser(), start);
                announce(&mut registry, actor);
                let resource = otlp::resource(&actor.resource(start));
                Process { actor, resource, registry, spans: vec![], logs: vec![] }
            })
            .collect();
        let seed = Rng::new(seed).fork(start.0 as u64).next_u64();
        let mut stack = Self {
            seed,
            rate: rate.max(0.01),
            start,
            now: start,
            next_collection: start.plus(METRIC_INTERVAL),
            arrivals: Rng::new(seed).fork(1),
            next_arrival: start,
            journeys: 0,
            timeline: Timeline::default(),
            processes,
            users: BTreeMap::new(),
        };
        stack.schedule_arrival();
        stack
    }

    /// The time up to which the stack has been played, exclusive.
    pub fn now(&self) -> UnixNanos {
        self.now
    }

    /// Plays up to `until`, exclusive, and returns what the SDKs export for that time, metrics in time order.
    ///
    /// The records do not depend on how the time is cut into ticks, only their distribution over requests does.
    pub fn tick(&mut self, until: UnixNanos) -> Vec<Request> {
        let mut out = Vec::new();
        while self.now < until {
            let to = until.min(self.next_collection);
            self.play(to);
            self.now = to;
            if to == self.next_collection {
                self.collect(&mut out);
                self.next_collection = self.next_collection.plus(METRIC_INTERVAL);
            }
        }
        for process in &mut self.processes {
            export(process, Signal::Traces, &mut out);
            export(process, Signal::Logs, &mut out);
        }
        out
    }

    fn schedule_arrival(&mut self) {
        let load = Conditions::at(self.next_arrival).load;
        let gap_s = self.arrivals.exponential(1.0 / (self.rate * load));
        self.next_arrival = self.next_arrival.plus(Duration::from_nanos((gap_s * 1e9) as u64));
    }

    fn play(&mut self, to: UnixNanos) {
        while self.next_arrival < to {
            let rng = Rng::new(self.seed).fork(2).fork(self.journeys);
            self.journeys += 1;
            Journey::new(rng, self.next_arrival, &mut self.timeline).play(self.next_arrival);
            self.schedule_arrival();
        }
        while let Some(happening) = self.timeline.pop_before(to) {
            self.apply(happening);
        }
    }

    fn apply(&mut self, happening: Happening) {
        let Happening { time, actor, scope, entry, .. } = happening;
        let Some(process) = self.processes.get_mut(actor as usize) else { return };
        match entry {
            Entry::Span(bytes) => process.spans.push((scope, bytes)),
            Entry::Log(bytes) => process.logs.push((scope, bytes)),
            Entry::Add(metric, labels, by) => process.registry.add(scope, metric, labels, by),
            Entry::Record(metric, labels, value, context) => {
                process.registry.record(scope, metric, labels, value, time, context);
            }
            Entry::UserSeen(user) => {
                self.users.insert(user, time);
            }
        }
    }

    fn collect(&mut self, out: &mut Vec<Request>) {
        let now = self.now;
        self.users.retain(|_, seen| seen.plus(ACTIVE_FOR) > now);
        for process in &mut self.processes {
            gauges::observe(
                &mut process.registry,
                process.actor,
                self.seed,
                self.start,
                now,
                self.users.len(),
                self.rate,
            );
            let (scopes, records) = process.registry.collect(now);
            if records == 0 {
                continue;
            }
            let mut w = Writer::new();
            let groups = scopes.iter().map(|(scope, bytes)| (*scope, bytes.as_slice()));
            otlp::resource_group(&mut w, &process.resource, groups);
            let service = process.actor.service();
            out.push(Request { signal: Signal::Metrics, service, records, bytes: w.into_bytes() });
        }
    }
}

/// Series that must exist before anything happens, or else `rate()` of the first error has nothing to start from.
fn announce(registry: &mut Registry, actor: Actor) {
    match actor {
        Actor::ApiOne | Actor::ApiTwo | Actor::Bot => {
            let bot = actor == Actor::Bot;
            let (redis, sql) =
                if bot { (scopes::GO_REDIS, scopes::GO_SQL) } else { (scopes::NODE_REDIS, scopes::NODE_PG) };
            registry.add(redis, &m::REDIS_HITS, labels![], 0.0);
            registry.add(redis, &m::REDIS_MISSES, labels![], 0.0);
            registry.add(sql, &m::DB_ERRORS, labels!["error_type" => "timeout"], 0.0);
            if bot {
                for kind in ["command", "text", "callback_query"] {
                    for status in ["success", "error"] {
                        let labels = labels!["type" => kind, "status" => status];
                        registry.add(scopes::GO_APP, &m::TELEGRAM_MESSAGES, labels, 0.0);
                    }
                }
            }
        }
        Actor::Postgres => {
            registry.add(scopes::POSTGRES_RECEIVER, &m::PG_ROLLBACKS, labels![], 0.0);
        }
        _ => {}
    }
}

/// Moves the waiting records of one signal into requests, grouped by scope in order of first appearance.
fn export(process: &mut Process, signal: Signal, out: &mut Vec<Request>) {
    let batch = match signal {
        Signal::Traces => &mut process.spans,
        Signal::Logs => &mut process.logs,
        Signal::Metrics => return,
    };
    for records in std::mem::take(batch).chunks(MAX_BATCH) {
        let mut groups: Vec<(Scope, Vec<u8>)> = Vec::new();
        for (scope, bytes) in records {
            match groups.iter_mut().find(|(s, _)| s == scope) {
                Some((_, group)) => group.extend_from_slice(bytes),
                None => groups.push((*scope, bytes.clone())),
            }
        }
        let mut w = Writer::new();
        otlp::resource_group(&mut w, &process.resource, groups.iter().map(|(s, b)| (*s, b.as_slice())));
        out.push(Request { signal, service: process.actor.service(), records: records.len(), bytes: w.into_bytes() });
    }
}
