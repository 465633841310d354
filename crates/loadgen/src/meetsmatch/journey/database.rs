//! Queries to PostgreSQL: client spans, pool errors, and the server's own log of slow statements.

use foundation::UnixNanos;

use super::{Failure, Journey, Outcome, SpanId, ms, seconds};
use crate::attrs;
use crate::meetsmatch::cast::{Actor, scopes};
use crate::meetsmatch::instruments as m;
use crate::meetsmatch::registry::labels;
use crate::otlp::{Event, Kind, Severity, Span};

/// A statement of the application.
pub(super) struct Statement {
    /// The SQL verb.
    pub(super) operation: &'static str,
    /// The table.
    pub(super) table: &'static str,
    /// The text, with placeholders.
    pub(super) text: &'static str,
    /// Median time in milliseconds.
    pub(super) median_ms: f64,
    /// Most rows that it returns or changes.
    pub(super) rows: u64,
}

/// From here on PostgreSQL logs a statement (`log_min_duration_statement`).
const SLOW_MS: f64 = 500.0;

impl Journey<'_> {
    /// One statement over the pool.
    pub(super) fn query(&mut self, actor: Actor, at: UnixNanos, parent: SpanId, statement: &Statement) -> Outcome {
        let pool_empty = self.conditions.between(0.0002, 0.06);
        if self.rng.chance(pool_empty) {
            return self.pool_timeout(actor, at, parent);
        }
        let end = at.plus(self.takes(statement.median_ms));
        let rows = 1 + self.rng.below(statement.rows) as i64;
        self.query_span(actor, at, end, parent, statement, rows, None);
        Outcome { end, failure: None }
    }

    /// The query without an index: reads a whole table, which takes most of a second or more.
    pub(super) fn sequential_scan(
        &mut self,
        actor: Actor,
        at: UnixNanos,
        parent: SpanId,
        statement: &Statement,
    ) -> Outcome {
        let end = at.plus(self.takes(statement.median_ms));
        let rows = 1 + self.rng.below(statement.rows) as i64;
        let span_id = self.query_span(actor, at, end, parent, statement, rows, None);
        self.count(
            Actor::Postgres,
            scopes::POSTGRES_RECEIVER,
            end,
            &m::PG_SEQ_SCANS,
            labels!["table" => statement.table],
            1.0,
        );
        let took_ms = seconds(at, end) * 1e3;
        self.log(
            actor,
            scopes::NODE_PINO,
            end,
            Severity::Warn,
            format!("slow query on {}: {took_ms:.0} ms, Seq Scan, no index on (city, last_active_at)", statement.table),
            Some(span_id),
            attrs![
                "db.collection.name" => statement.table,
                "db.query.duration_ms" => took_ms,
                "db.query.plan" => "Seq Scan on profiles  (cost=0.00..48211.00 rows=412884 width=96)",
                "logger" => "db",
            ],
        );
        Outcome { end, failure: None }
    }

    /// A statement that the server refuses.
    pub(super) fn failing_query(
        &mut self,
        actor: Actor,
        at: UnixNanos,
        parent: SpanId,
        statement: &Statement,
        sql_state: &'static str,
        failure: Failure,
    ) -> Outcome {
        let end = at.plus(self.takes(statement.median_ms * 2.0));
        self.query_span(actor, at, end, parent, statement, 0, Some((sql_state, &failure)));
        self.count(Actor::Postgres, scopes::POSTGRES_RECEIVER, end, &m::PG_ROLLBACKS, labels![], 1.0);
        let pid = 90 + self.rng.below(60) as i64;
        self.log(
            Actor::Postgres,
            scopes::POSTGRES_RECEIVER,
            end,
            Severity::Error,
            format!("ERROR:  {}", failure.message),
            None,
            attrs![
                "db.response.status_code" => sql_state,
                "db.namespace" => "meetsmatch",
                "db.user" => "meetsmatch",
                "process.pid" => pid,
                "db.query.text" => statement.text,
            ],
        );
        Outcome { end, failure: Some(failure) }
    }

    fn pool_timeout(&mut self, actor: Actor, at: UnixNanos, parent: SpanId) -> Outcome {
        let (scope, kind, message, stack) = if actor == Actor::Bot {
            (
                scopes::GO_SQL,
                "*net.OpError",
                "context deadline exceeded waiting for a connection",
                super::telegram::STACK,
            )
        } else {
            (
                scopes::NODE_PG,
                "ConnectionTimeoutError",
                "timeout exceeded when trying to connect",
                super::api::POOL_STACK,
            )
        };
        let end = at.plus(ms(1_500.0 + self.rng.unit() * 600.0));
        let failure = Failure { kind, message: message.to_owned(), stack };
        let span_id = self.new_span();
        self.span(
            actor,
            scope,
            &Span {
                trace_id: self.trace_id,
                span_id,
                parent: Some(parent),
                remote_parent: false,
                name: "pg-pool.connect".into(),
                kind: Kind::Client,
                start: at,
                end,
                attributes: attrs![
                    "db.system.name" => "postgresql",
                    "db.namespace" => "meetsmatch",
                    "server.address" => "postgres",
                    "server.port" => 5432i64,
                    "db.client.connection.pool.name" => "main",
                    "error.type" => kind,
                ],
                events: vec![failure.event(end)],
                links: vec![],
                error: Some(failure.message.clone()),
            },
        );
        self.count(actor, scope, end, &m::DB_ERRORS, labels!["error_type" => "timeout"], 1.0);
        Outcome { end, failure: Some(failure) }
    }

    fn query_span(
        &mut self,
        actor: Actor,
        start: UnixNanos,
        end: UnixNanos,
        parent: SpanId,
        statement: &Statement,
        rows: i64,
        refused: Option<(&'static str, &Failure)>,
    ) -> SpanId {
        let scope = if actor == Actor::Bot { scopes::GO_SQL } else { scopes::NODE_PG };
        let span_id = self.new_span();
        let mut attributes = attrs![
            "db.system.name" => "postgresql",
            "db.namespace" => "meetsmatch",
            "db.operation.name" => statement.operation,
            "db.collection.name" => statement.table,
            "db.query.summary" => format!("{} {}", statement.operation, statement.table),
            "db.query.text" => statement.text,
            "db.response.returned_rows" => rows,
            "server.address" => "postgres",
            "server.port" => 5432i64,
            "network.peer.address" => "172.20.0.5",
        ];
        let mut events = vec![];
        if let Some((state, failure)) = refused {
            attributes.extend(attrs!["db.response.status_code" => state, "error.type" => failure.kind]);
            events.push(failure.event(end));
        } else if statement.operation == "SELECT" && rows > 1 {
            events.push(Event {
                time: end,
                name: "rows.fetched",
                attributes: attrs!["db.response.returned_rows" => rows],
            });
        }
        self.span(
            actor,
            scope,
            &Span {
                trace_id: self.trace_id,
                span_id,
                parent: Some(parent),
                remote_parent: false,
                name: format!("{} {}", statement.operation, statement.table).into(),
                kind: Kind::Client,
                start,
                end,
                attributes,
                events,
                links: vec![],
                error: refused.map(|(_, f)| f.message.clone()),
            },
        );
        let status = if refused.is_some() { "error" } else { "success" };
        let labels = labels!["operation" => statement.operation, "status" => status];
        self.count(actor, scope, end, &m::DB_QUERIES, labels.clone(), 1.0);
        self.record(actor, scope, end, &m::DB_DURATION, labels, seconds(start, end), span_id);
        self.server_side(start, end, statement, rows, refused.is_none());
        span_id
    }

    fn server_side(&mut self, start: UnixNanos, end: UnixNanos, statement: &Statement, rows: i64, committed: bool) {
        let scope = scopes::POSTGRES_RECEIVER;
        if committed {
            self.count(Actor::Postgres, scope, end, &m::PG_COMMITS, labels![], 1.0);
            let change = match statement.operation {
                "INSERT" => Some("ins"),
                "UPDATE" => Some("upd"),
                "DELETE" => Some("del"),
                _ => None,
            };
            if let Some(change) = change {
                let labels = labels!["operation" => change, "table" => statement.table];
                self.count(Actor::Postgres, scope, end, &m::PG_OPERATIONS, labels, rows as f64);
            }
        }
        let took_ms = seconds(start, end) * 1e3;
        if took_ms >= SLOW_MS {
            let pid = 90 + self.rng.below(60) as i64;
            self.log(
                Actor::Postgres,
                scope,
                end,
                Severity::Info,
                format!("LOG:  duration: {took_ms:.3} ms  execute <unnamed>: {}", statement.text),
                None,
                attrs![
                    "db.namespace" => "meetsmatch",
                    "db.user" => "meetsmatch",
                    "process.pid" => pid,
                    "duration_ms" => took_ms,
                ],
            );
        }
    }
}
