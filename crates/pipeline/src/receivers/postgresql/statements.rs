//! Statements as log records: those that cost most since the last look, and those that run now.

use std::collections::HashMap;
use std::time::Duration;

use foundation::UnixNanos;
use model::Signal;
use tokio_postgres::{Client, Error};
use wire::otlp::tree::{Attributes, Id, LogRecord, Logs, OfResource, OfScope, Resource, Scope, Text, Value};

use super::queries;
use super::server::Own;
use crate::telemetry::Telemetry;

/// Statements that are remembered; when there are more, all are forgotten and counted anew.
const SEEN_MAX: usize = 50_000;

/// One row of `pg_stat_statements`.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    key: (i64, String, String),
    calls: i64,
    rows: i64,
    exec_ms: f64,
    plan_ms: f64,
    io_ms: f64,
    blocks: [i64; 6],
    text: String,
}

const BLOCKS: [&str; 6] = [
    "postgresql.shared_blks_hit",
    "postgresql.shared_blks_read",
    "postgresql.shared_blks_dirtied",
    "postgresql.shared_blks_written",
    "postgresql.temp_blks_read",
    "postgresql.temp_blks_written",
];

/// Reads the statements; none where the extension is not installed, or is older than what PostgreSQL 13 has.
pub(super) async fn read(client: &Client, limit: i64) -> Result<Vec<Statement>, Error> {
    let Some(extension) = client.query_opt(queries::STATEMENTS_EXTENSION, &[]).await? else { return Ok(Vec::new()) };
    let (version, schema): (String, String) = (extension.try_get(0)?, extension.try_get(1)?);
    let Some(known) = queries::extension_version(&version).filter(|v| *v >= queries::STATEMENTS_MIN) else {
        tracing::debug!(version, "write ALTER EXTENSION pg_stat_statements UPDATE: its statements cannot be read");
        return Ok(Vec::new());
    };
    let rows = client.query(&queries::statements(known, &schema), &[&limit]).await?;
    let statement = |row: &tokio_postgres::Row| {
        let mut blocks = [0; 6];
        for (n, slot) in blocks.iter_mut().enumerate() {
            *slot = row.try_get(7 + n)?;
        }
        Ok(Statement {
            key: (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?),
            calls: row.try_get(3)?,
            rows: row.try_get(4)?,
            exec_ms: row.try_get(5)?,
            plan_ms: row.try_get(6)?,
            blocks,
            io_ms: row.try_get(13)?,
            text: row.try_get(14)?,
        })
    };
    rows.iter().map(statement).collect()
}

/// What the statements had cost at the last look.
#[derive(Default)]
pub(super) struct Seen {
    last: Option<UnixNanos>,
    statements: HashMap<(i64, String, String), Statement>,
}

impl Seen {
    pub(super) fn due(&self, now: UnixNanos, every: Duration) -> bool {
        self.last.is_none_or(|last| now >= last.plus(every))
    }

    /// The statements that cost most since the last look. The first look has nothing to compare with.
    pub(super) fn top(&mut self, rows: Vec<Statement>, n: usize, now: UnixNanos, own: &Own<'_>) -> Option<Telemetry> {
        let first = self.last.replace(now).is_none();
        if self.statements.len() > SEEN_MAX {
            self.statements.clear();
        }
        let mut changed = Vec::new();
        for row in rows {
            let before = self.statements.insert(row.key.clone(), row.clone());
            if first {
                continue;
            }
            // Fewer calls than before: the server's counts began anew.
            let before = before.filter(|b| b.calls <= row.calls);
            let mut delta = row;
            if let Some(b) = before {
                delta.calls -= b.calls;
                delta.rows -= b.rows;
                delta.exec_ms -= b.exec_ms;
                delta.plan_ms -= b.plan_ms;
                delta.io_ms -= b.io_ms;
                delta.blocks.iter_mut().zip(b.blocks).for_each(|(d, b)| *d -= b);
            }
            if delta.calls > 0 {
                changed.push(delta);
            }
        }
        changed.sort_by(|a, b| b.exec_ms.total_cmp(&a.exec_ms));
        changed.truncate(n);
        request(changed.into_iter().map(|s| s.record(now)).collect(), own)
    }
}

impl Statement {
    fn record(self, now: UnixNanos) -> LogRecord {
        let (id, database, role) = self.key;
        let mut attributes: Attributes = [
            ("db.system.name", Value::from("postgresql")),
            ("db.namespace", Value::from(database)),
            ("db.query.text", Value::from(self.text)),
            ("postgresql.queryid", Value::from(id.to_string())),
            ("postgresql.rolname", Value::from(role)),
            ("postgresql.calls", Value::Int(self.calls)),
            ("postgresql.rows", Value::Int(self.rows)),
            ("postgresql.total_exec_time", Value::Double(self.exec_ms)),
            ("postgresql.total_plan_time", Value::Double(self.plan_ms)),
            ("postgresql.blk_io_time", Value::Double(self.io_ms)),
        ]
        .into_iter()
        .collect();
        BLOCKS.iter().zip(self.blocks).for_each(|(name, n)| attributes.push(name, n));
        let body = format!("{} calls took {:.1} ms", self.calls, self.exec_ms);
        event("db.server.top_query", now, body, attributes)
    }
}

fn event(name: &str, now: UnixNanos, body: String, attributes: Attributes) -> LogRecord {
    let nanos = u64::try_from(now.0).unwrap_or(0);
    LogRecord {
        time_unix_nano: nanos,
        observed_time_unix_nano: nanos,
        severity_number: 9,
        severity_text: Text::new("INFO"),
        body: Value::from(body),
        event_name: Text::new(name),
        attributes,
        ..LogRecord::default()
    }
}

fn request(records: Vec<LogRecord>, own: &Own<'_>) -> Option<Telemetry> {
    if records.is_empty() {
        return None;
    }
    let scope = Scope { name: Text::new("bellrock/postgresql"), ..Scope::default() };
    let scopes = vec![OfScope { scope, records, ..OfScope::default() }];
    let resource = Resource { attributes: own(None), ..Resource::default() };
    let tree = Logs { resources: vec![OfResource { resource, scopes, ..OfResource::default() }] };
    Some(Telemetry::new(Signal::Logs, tree.encode()))
}

/// What runs now. A connection whose application is called as a `traceparent` shows the trace that it works for.
pub(super) async fn samples(
    client: &Client,
    version: i32,
    limit: i64,
    now: UnixNanos,
    own: &Own<'_>,
) -> Result<Option<Telemetry>, Error> {
    let mut records = Vec::new();
    for row in client.query(&queries::samples(version), &[&limit]).await? {
        let text = |at: usize| row.try_get::<_, String>(at);
        let application = text(4)?;
        let mut attributes = Attributes::new();
        attributes.push("db.system.name", "postgresql");
        for (at, name) in [
            (0, "db.namespace"),
            (1, "user.name"),
            (2, "network.peer.address"),
            (4, "postgresql.application_name"),
            (6, "postgresql.state"),
            (7, "postgresql.wait_event_type"),
            (8, "postgresql.wait_event"),
            (11, "db.query.text"),
        ] {
            let value = text(at)?;
            if !value.is_empty() {
                attributes.push(name, value);
            }
        }
        attributes.push("network.peer.port", i64::from(row.try_get::<_, i32>(3)?));
        attributes.push("postgresql.pid", i64::from(row.try_get::<_, i32>(5)?));
        if let Some(id) = row.try_get::<_, Option<i64>>(9)? {
            attributes.push("postgresql.query_id", id.to_string());
        }
        let seconds: f64 = row.try_get(10)?;
        attributes.push("postgresql.total_exec_time", seconds * 1000.0);
        let body = format!("{} for {seconds:.3} s", text(6)?);
        let mut record = event("db.server.query_sample", now, body, attributes);
        if let Some((trace, span)) = traceparent(&application) {
            (record.trace_id, record.span_id) = (trace, span);
        }
        records.push(record);
    }
    Ok(request(records, own))
}

/// `00-<trace>-<span>-01` (W3C Trace Context).
fn traceparent(text: &str) -> Option<(Id<16>, Id<8>)> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version != "00" || flags.len() != 2 {
        return None;
    }
    let (trace, span) = (Id::<16>::from_hex(trace)?, Id::<8>::from_hex(span)?);
    (trace.valid().is_some() && span.valid().is_some()).then_some((trace, span))
}
