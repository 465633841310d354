//! The TypeScript API: one server span per request, what its handler does, and the jobs that it queues.

use foundation::UnixNanos;

use super::endpoints::{CONFLICT_RATE, Endpoint, Work};
use super::{Failure, Journey, Outcome, Reply, SpanId, ms, seconds};
use crate::attrs;
use crate::meetsmatch::cast::{Actor, scopes};
use crate::meetsmatch::instruments as m;
use crate::meetsmatch::registry::labels;
use crate::otlp::{Event, Kind, Link, Severity, Span};

pub(super) const POOL_STACK: &str = "    at Pool.connect (/app/node_modules/pg-pool/index.js:45:11)\n    at withClient (/app/dist/db/client.js:31:29)\n    at async handler (/app/dist/routes/index.js:118:20)\n    at async runMiddleware (/app/dist/http/router.js:64:5)";
const CONFLICT_STACK: &str = "    at Parser.parseErrorMessage (/app/node_modules/pg-protocol/dist/parser.js:285:98)\n    at Socket.<anonymous> (/app/node_modules/pg-protocol/dist/index.js:11:42)\n    at async insertMessage (/app/dist/messages/store.js:52:18)\n    at async sendMessage (/app/dist/routes/messages.js:27:16)";

impl Journey<'_> {
    /// Serves one request that came from `parent` in another process.
    pub(super) fn api(&mut self, at: UnixNanos, parent: SpanId, endpoint: &Endpoint, path: &str) -> Reply {
        let actor = if self.rng.chance(0.5) { Actor::ApiOne } else { Actor::ApiTwo };
        let at = at.plus(self.brief(0.4));
        let span_id = self.new_span();
        let begun = at.plus(self.brief(0.2));
        let (status, outcome) = match endpoint.work {
            Work::Unmatched => (404, Outcome { end: begun, failure: None }),
            Work::Login => self.login(actor, begun, span_id, endpoint),
            _ => {
                let ready = self.authenticate(actor, begun, span_id);
                self.handle(actor, ready, span_id, endpoint)
            }
        };
        let failure = outcome.failure;
        let status = match &failure {
            Some(f) if f.kind == "ConnectionTimeoutError" => 503,
            Some(_) => 500,
            None => status,
        };
        let reply = Reply {
            end: outcome.end.plus(self.brief(0.9)),
            status,
            bytes: if status == 200 { 300 + self.rng.below(6_000) as i64 } else { 62 },
        };
        self.api_span(actor, span_id, parent, endpoint, path, at, reply, failure.as_ref());
        self.served(actor, scopes::NODE_APP, span_id, endpoint.method, endpoint.route, at, reply);
        let labels = labels![
            "http.request.method" => endpoint.method,
            "http.route" => endpoint.route,
            "http.response.status_code" => status,
            "url.scheme" => "http",
        ];
        self.record(
            actor,
            scopes::NODE_HTTP,
            reply.end,
            &m::HTTP_SERVER_DURATION,
            labels,
            seconds(at, reply.end),
            span_id,
        );
        self.request_log(actor, span_id, endpoint, path, at, reply, failure.as_ref());
        reply
    }

    fn api_span(
        &mut self,
        actor: Actor,
        span_id: SpanId,
        parent: SpanId,
        endpoint: &Endpoint,
        path: &str,
        start: UnixNanos,
        reply: Reply,
        failure: Option<&Failure>,
    ) {
        let (url_path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut attributes = attrs![
            "http.request.method" => endpoint.method,
            "http.route" => endpoint.route,
            "http.response.status_code" => reply.status,
            "url.path" => url_path.to_owned(),
            "url.scheme" => "http",
            "server.address" => "api",
            "server.port" => 3000i64,
            "client.address" => "172.20.0.3",
            "network.protocol.version" => "1.1",
            "user.id" => self.user.to_string(),
            "code.function.name" => endpoint.handler,
        ];
        if !query.is_empty() {
            attributes.extend(attrs!["url.query" => query.to_owned()]);
        }
        if let Some(failure) = failure {
            attributes.extend(attrs!["error.type" => failure.kind]);
        }
        self.span(
            actor,
            scopes::NODE_HTTP,
            &Span {
                trace_id: self.trace_id,
                span_id,
                parent: Some(parent),
                remote_parent: true,
                name: format!("{} {}", endpoint.method, endpoint.route).into(),
                kind: Kind::Server,
                start,
                end: reply.end,
                attributes,
                events: failure.map(|f| f.event(reply.end)).into_iter().collect(),
                links: vec![],
                error: failure.map(|f| f.message.clone()),
            },
        );
    }

    fn request_log(
        &mut self,
        actor: Actor,
        span_id: SpanId,
        endpoint: &Endpoint,
        path: &str,
        start: UnixNanos,
        reply: Reply,
        failure: Option<&Failure>,
    ) {
        let took_ms = seconds(start, reply.end) * 1e3;
        let mut attributes = attrs![
            "http.request.method" => endpoint.method,
            "http.route" => endpoint.route,
            "http.response.status_code" => reply.status,
            "url.path" => path.split('?').next().unwrap_or_default().to_owned(),
            "duration_ms" => took_ms,
            "user.id" => self.user.to_string(),
            "logger" => "http",
        ];
        let (severity, body) = if let Some(failure) = failure {
            attributes.extend(failure.attributes());
            (Severity::Error, format!("{} failed: {}", endpoint.handler, failure.message))
        } else if reply.status >= 400 {
            (Severity::Warn, format!("{} {} answered {}", endpoint.method, path, reply.status))
        } else if took_ms > 1_000.0 {
            (Severity::Warn, format!("{} {} was slow: {took_ms:.0} ms", endpoint.method, endpoint.route))
        } else {
            (Severity::Info, format!("{} {} {} in {took_ms:.1} ms", endpoint.method, path, reply.status))
        };
        self.log(actor, scopes::NODE_PINO, reply.end, severity, body, Some(span_id), attributes);
    }

    fn authenticate(&mut self, actor: Actor, at: UnixNanos, parent: SpanId) -> UnixNanos {
        let span_id = self.new_span();
        let asked = at.plus(self.brief(0.1));
        let hit = self.rng.chance(0.97);
        let query = format!("GET session:{}", self.user);
        let end = self.redis(actor, asked, span_id, "GET", query, Some(hit)).plus(self.brief(0.15));
        self.span(
            actor,
            scopes::NODE_EXPRESS,
            &Span {
                trace_id: self.trace_id,
                span_id,
                parent: Some(parent),
                remote_parent: false,
                name: "middleware - authenticate".into(),
                kind: Kind::Internal,
                start: at,
                end,
                attributes: attrs![
                    "express.name" => "authenticate",
                    "express.type" => "middleware",
                    "user.id" => self.user.to_string(),
                ],
                events: vec![],
                links: vec![],
                error: None,
            },
        );
        end
    }

    fn handle(&mut self, actor: Actor, at: UnixNanos, parent: SpanId, endpoint: &Endpoint) -> (i64, Outcome) {
        let statement = &endpoint.statement;
        match endpoint.work {
            Work::Cached => {
                let key = format!("{}:{}", statement.table, self.user);
                let hit = self.cache_hit();
                let looked = self.redis(actor, at, parent, "GET", format!("GET {key}"), Some(hit));
                if hit {
                    return (200, Outcome { end: looked, failure: None });
                }
                let mut outcome = self.query(actor, looked, parent, statement);
                if outcome.failure.is_none() {
                    outcome.end = self.redis(actor, outcome.end, parent, "SETEX", format!("SETEX {key} 60 ?"), None);
                }
                (200, outcome)
            }
            Work::SequentialScan => (200, self.sequential_scan(actor, at, parent, statement)),
            Work::Conflicting if self.rng.chance(CONFLICT_RATE) => {
                let failure = Failure {
                    kind: "DatabaseError",
                    message: "duplicate key value violates unique constraint \"messages_client_id_key\"".to_owned(),
                    stack: CONFLICT_STACK,
                };
                (500, self.failing_query(actor, at, parent, statement, "23505", failure))
            }
            Work::Write if self.rng.chance(0.06) => (422, Outcome { end: at.plus(ms(0.8)), failure: None }),
            Work::Write | Work::WriteAndQueue | Work::Conflicting => {
                let mut outcome = self.query(actor, at, parent, statement);
                if outcome.failure.is_none() {
                    let query = format!("DEL {}:{}", statement.table, self.user);
                    outcome.end = self.redis(actor, outcome.end, parent, "DEL", query, None);
                    if endpoint.work == Work::WriteAndQueue {
                        outcome.end = self.queue_match_job(actor, outcome.end, parent);
                    }
                }
                (if endpoint.method == "POST" { 201 } else { 200 }, outcome)
            }
            Work::Login | Work::Unmatched => (404, Outcome { end: at, failure: None }),
        }
    }

    fn login(&mut self, actor: Actor, at: UnixNanos, parent: SpanId, endpoint: &Endpoint) -> (i64, Outcome) {
        let mut outcome = self.query(actor, at, parent, &endpoint.statement);
        if outcome.failure.is_some() {
            return (503, outcome);
        }
        // Password hashing is slow on purpose.
        outcome.end = outcome.end.plus(self.brief(55.0));
        if self.rng.chance(0.12) {
            return (401, outcome);
        }
        let query = format!("SETEX session:{} 86400 ?", self.user);
        outcome.end = self.redis(actor, outcome.end, parent, "SETEX", query, None);
        (201, outcome)
    }

    /// Sends a job and plays its processing, which happens later, in another process and in its own trace.
    fn queue_match_job(&mut self, actor: Actor, at: UnixNanos, parent: SpanId) -> UnixNanos {
        let span_id = self.new_span();
        let job = self.rng.between(100_000, 999_999).to_string();
        let end = self.redis(actor, at.plus(ms(0.1)), span_id, "XADD", format!("XADD match-jobs * id {job}"), None);
        let end = end.plus(ms(0.1));
        self.span(
            actor,
            scopes::NODE_APP,
            &Span {
                trace_id: self.trace_id,
                span_id,
                parent: Some(parent),
                remote_parent: false,
                name: "send match-jobs".into(),
                kind: Kind::Producer,
                start: at,
                end,
                attributes: messaging("send", &job),
                events: vec![],
                links: vec![],
                error: None,
            },
        );
        let origin = (self.trace_id, span_id);
        let waits = self.brief(self.conditions.between(180.0, 2_500.0));
        let worker = if actor == Actor::ApiOne { Actor::ApiTwo } else { Actor::ApiOne };
        self.process_match_job(worker, end.plus(waits), origin, &job);
        end
    }

    fn process_match_job(&mut self, actor: Actor, at: UnixNanos, origin: ([u8; 16], SpanId), job: &str) {
        let caller = std::mem::replace(&mut self.trace_id, self.rng.trace_id());
        let span_id = self.new_span();
        let scored = at.plus(self.brief(12.0));
        let outcome = self.query(
            actor,
            scored,
            span_id,
            &super::database::Statement {
                operation: "UPDATE",
                table: "matches",
                text: "UPDATE matches SET score = $2, state = $3 WHERE id = $1",
                median_ms: 6.0,
                rows: 2,
            },
        );
        let key = format!("DEL matches:{}", self.user);
        let end = self.redis(actor, outcome.end, span_id, "DEL", key, None).plus(ms(0.3));
        let failure = outcome.failure;
        let mut events = vec![Event {
            time: scored,
            name: "match.scored",
            attributes: attrs!["match.score" => (self.rng.unit() * 1000.0).round() / 1000.0, "match.mutual" => self.rng.chance(0.3)],
        }];
        events.extend(failure.as_ref().map(|f| f.event(end)));
        self.span(
            actor,
            scopes::NODE_APP,
            &Span {
                trace_id: self.trace_id,
                span_id,
                parent: None,
                remote_parent: false,
                name: "process match-jobs".into(),
                kind: Kind::Consumer,
                start: at,
                end,
                attributes: messaging("process", job),
                events,
                links: vec![Link {
                    trace_id: origin.0,
                    span_id: origin.1,
                    attributes: attrs!["messaging.message.id" => job.to_owned()],
                }],
                error: failure.as_ref().map(|f| f.message.clone()),
            },
        );
        let (severity, body) = match &failure {
            Some(f) => (Severity::Error, format!("match job {job} failed: {}", f.message)),
            None => (Severity::Info, format!("match job {job} done")),
        };
        let attributes = attrs!["messaging.message.id" => job.to_owned(), "logger" => "jobs"];
        self.log(actor, scopes::NODE_PINO, end, severity, body, Some(span_id), attributes);
        self.trace_id = caller;
    }
}

fn messaging(operation: &'static str, job: &str) -> crate::otlp::Attributes {
    attrs![
        "messaging.system" => "redis",
        "messaging.destination.name" => "match-jobs",
        "messaging.operation.name" => operation,
        "messaging.operation.type" => operation,
        "messaging.message.id" => job.to_owned(),
    ]
}
