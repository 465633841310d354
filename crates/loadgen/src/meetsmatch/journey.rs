//! One user action on its way through the stack: the pen with which its spans, logs and metrics are written.
//!
//! The steps are functions that take the time at which they begin and return
//! the time at which they end, so that a parent's duration is the sum of what
//! its children did. The steps themselves are in the modules below.

mod api;
mod browser;
mod database;
mod endpoints;
mod nginx;
mod redis;
mod telegram;

use std::time::Duration;

use foundation::UnixNanos;
use wire::protobuf::Writer;

use super::cast::Actor;
use super::conditions::Conditions;
use super::instruments as m;
use super::registry::{Instrument, Labels, labels};
use super::timeline::{Entry, Timeline};
use crate::attrs;
use crate::otlp::{self, Attributes, Event, Scope, Severity, Span};
use crate::random::Rng;

pub(super) type SpanId = [u8; 8];
pub(super) type TraceId = [u8; 16];

/// An exception that an instrumentation recorded.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// `exception.type` and `error.type`.
    pub(super) kind: &'static str,
    /// `exception.message`.
    pub(super) message: String,
    /// `exception.stacktrace`.
    pub(super) stack: &'static str,
}

impl Failure {
    fn attributes(&self) -> Attributes {
        attrs![
            "exception.type" => self.kind,
            "exception.message" => self.message.clone(),
            "exception.stacktrace" => format!("{}: {}\n{}", self.kind, self.message, self.stack),
        ]
    }

    fn event(&self, time: UnixNanos) -> Event {
        Event { time, name: "exception", attributes: self.attributes() }
    }
}

/// How a step ended.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) end: UnixNanos,
    pub(super) failure: Option<Failure>,
}

/// How an HTTP request ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply {
    pub(super) end: UnixNanos,
    pub(super) status: i64,
    pub(super) bytes: i64,
}

/// One action: the user, the trace and the conditions when it began.
pub(super) struct Journey<'a> {
    pub(super) rng: Rng,
    pub(super) conditions: Conditions,
    pub(super) user: u64,
    pub(super) trace_id: TraceId,
    out: &'a mut Timeline,
    scratch: Writer,
}

/// Milliseconds as a duration.
pub(super) fn ms(ms: f64) -> Duration {
    Duration::from_nanos((ms.max(0.0) * 1e6) as u64)
}

pub(super) fn seconds(start: UnixNanos, end: UnixNanos) -> f64 {
    (end.0 - start.0) as f64 / 1e9
}

impl<'a> Journey<'a> {
    /// The action with this random stream, at this time.
    pub(super) fn new(mut rng: Rng, at: UnixNanos, out: &'a mut Timeline) -> Self {
        // Few users are on most of the time: the square skews towards low numbers.
        let user = 1_000 + (rng.unit().powi(2) * 4_000.0) as u64;
        let trace_id = rng.trace_id();
        Self { rng, conditions: Conditions::at(at), user, trace_id, out, scratch: Writer::new() }
    }

    /// Plays the action from `at` on.
    pub(super) fn play(mut self, at: UnixNanos) {
        match self.rng.below(100) {
            0..=6 => self.page_load(at),
            7..=34 => self.telegram_update(at),
            _ => self.web_action(at),
        }
    }

    pub(super) fn new_span(&mut self) -> SpanId {
        self.rng.span_id()
    }

    /// A time in milliseconds around `median`, made longer by an incident.
    pub(super) fn takes(&mut self, median: f64) -> Duration {
        let median = median * self.conditions.between(1.0, 2.2);
        ms(self.rng.lognormal(median, 0.45))
    }

    /// A time that incidents do not touch: network, client and CPU work.
    pub(super) fn brief(&mut self, median: f64) -> Duration {
        ms(self.rng.lognormal(median, 0.35))
    }

    pub(super) fn span(&mut self, actor: Actor, scope: Scope, span: &Span) {
        self.scratch.clear();
        otlp::span(&mut self.scratch, span);
        self.out.push(span.end, actor, scope, Entry::Span(self.scratch.as_bytes().to_vec()));
    }

    pub(super) fn log(
        &mut self,
        actor: Actor,
        scope: Scope,
        time: UnixNanos,
        severity: Severity,
        body: String,
        span: Option<SpanId>,
        attributes: Attributes,
    ) {
        self.scratch.clear();
        let context = span.map(|s| (self.trace_id, s));
        otlp::log(&mut self.scratch, &otlp::Log { time, severity, body, attributes, context });
        self.out.push(time, actor, scope, Entry::Log(self.scratch.as_bytes().to_vec()));
    }

    pub(super) fn count(
        &mut self,
        actor: Actor,
        scope: Scope,
        time: UnixNanos,
        metric: &'static Instrument,
        labels: Labels,
        by: f64,
    ) {
        self.out.push(time, actor, scope, Entry::Add(metric, labels, by));
    }

    pub(super) fn record(
        &mut self,
        actor: Actor,
        scope: Scope,
        time: UnixNanos,
        metric: &'static Instrument,
        labels: Labels,
        value: f64,
        span: SpanId,
    ) {
        self.out.push(time, actor, scope, Entry::Record(metric, labels, value, Some((self.trace_id, span))));
    }

    pub(super) fn user_seen(&mut self, actor: Actor, scope: Scope, time: UnixNanos) {
        self.out.push(time, actor, scope, Entry::UserSeen(self.user));
    }

    /// The metrics of one served HTTP request, as every service of the stack counts them.
    pub(super) fn served(
        &mut self,
        actor: Actor,
        scope: Scope,
        span: SpanId,
        method: &'static str,
        route: &'static str,
        start: UnixNanos,
        reply: Reply,
    ) {
        let labels = labels![
            "method" => method,
            "route" => route,
            "status" => reply.status.to_string(),
            "status_code" => reply.status,
        ];
        let active = labels!["method" => method];
        self.count(actor, scope, start, &m::HTTP_ACTIVE, active.clone(), 1.0);
        self.count(actor, scope, reply.end, &m::HTTP_ACTIVE, active, -1.0);
        self.count(actor, scope, reply.end, &m::HTTP_REQUESTS, labels.clone(), 1.0);
        self.record(actor, scope, reply.end, &m::HTTP_DURATION, labels, seconds(start, reply.end), span);
    }
}
