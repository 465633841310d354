//! What concerns the server and its databases as a whole.

use foundation::UnixNanos;
use tokio_postgres::{Client, Error};
use wire::otlp::tree::Attributes;

use super::queries;
use crate::receivers::measures::Measures;

/// Resources by database.
pub(super) type Own<'a> = dyn Fn(Option<&str>) -> Attributes + Send + Sync + 'a;

pub(super) async fn measure(client: &Client, version: i32, m: &mut Measures<'_>) -> Result<(), Error> {
    let row = client.query_one(queries::SERVER, &[]).await?;
    m.since(UnixNanos((row.try_get::<_, f64>(3)? * 1e9) as i64));
    m.gauge("postgresql.connection.max", "{connections}", row.try_get::<_, i64>(0)?, &[]);
    m.level("postgresql.database.count", "{databases}", row.try_get::<_, i64>(1)?, &[]);
    m.gauge("postgresql.in_recovery", "", row.try_get::<_, bool>(2)?, &[]);
    if let Some(age) = row.try_get::<_, Option<f64>>(4)? {
        m.gauge("postgresql.wal.age", "s", age as i64, &[]);
    }
    activity(client, m).await?;
    let row = client.query_one(queries::background_writer(version), &[]).await?;
    let int = |at| row.try_get::<_, Option<i64>>(at);
    for (at, kind) in [(0, "requested"), (1, "scheduled")] {
        m.counter("postgresql.bgwriter.checkpoint.count", "{checkpoints}", int(at)?.unwrap_or(0), &[("type", kind)]);
    }
    for (at, kind) in [(2, "write"), (3, "sync")] {
        m.counter("postgresql.bgwriter.duration", "ms", row.try_get::<_, f64>(at)?, &[("type", kind)]);
    }
    for (at, source) in [(4, "checkpoints"), (5, "bgwriter"), (6, "backend"), (7, "backend_fsync")] {
        if let Some(n) = int(at)? {
            m.counter("postgresql.bgwriter.buffers.writes", "{buffers}", n, &[("source", source)]);
        }
    }
    m.counter("postgresql.bgwriter.buffers.allocated", "{buffers}", int(8)?.unwrap_or(0), &[]);
    m.counter("postgresql.bgwriter.maxwritten", "1", int(9)?.unwrap_or(0), &[]);
    for row in client.query(queries::LOCKS, &[]).await? {
        let (relation, mode, kind): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let granted = if row.try_get::<_, bool>(3)? { "true" } else { "false" };
        let attributes = [("relation", &*relation), ("mode", &mode), ("lock_type", &kind), ("granted", granted)];
        m.gauge("postgresql.database.locks", "{lock}", row.try_get::<_, i64>(4)?, &attributes);
    }
    for row in client.query(queries::REPLICATION, &[]).await? {
        let (replica, application): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let attributes = [("replication_client", &*replica), ("application", &application)];
        if let Some(bytes) = row.try_get::<_, Option<f64>>(2)? {
            m.gauge("postgresql.replication.data_delay", "By", bytes as i64, &attributes);
        }
        for (at, operation) in [(3, "write"), (4, "flush"), (5, "replay")] {
            if let Some(seconds) = row.try_get::<_, Option<f64>>(at)? {
                let [client, application] = attributes;
                m.gauge("postgresql.wal.delay", "s", seconds, &[("operation", operation), client, application]);
            }
        }
    }
    Ok(())
}

/// Connections by state, and what they wait for.
async fn activity(client: &Client, m: &mut Measures<'_>) -> Result<(), Error> {
    let (mut active, mut idle, mut oldest, mut oldest_idle, mut waiting) = (0i64, 0i64, 0f64, 0f64, 0i64);
    for row in client.query(queries::ACTIVITY, &[]).await? {
        let (state, wait): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (count, age): (i64, f64) = (row.try_get(2)?, row.try_get(3)?);
        m.level("postgresql.connections", "{connections}", count, &[("state", &state), ("wait_event_type", &wait)]);
        match state.as_str() {
            "active" => active += count,
            "idle" => idle += count,
            _ => {}
        }
        if state.starts_with("idle in transaction") {
            oldest_idle = oldest_idle.max(age);
        }
        if wait == "Lock" {
            waiting += count;
        }
        oldest = oldest.max(age);
    }
    m.gauge("postgresql.transaction.oldest.age", "s", oldest, &[]);
    m.gauge("postgresql.transaction.oldest_idle.age", "s", oldest_idle, &[]);
    m.gauge("postgresql.connections.waiting_for_lock", "{connections}", waiting, &[]);
    // The names that the user's alerts and dashboards have.
    m.gauge("db_connections_active", "", active, &[]);
    m.gauge("db_connections_idle", "", idle, &[]);
    Ok(())
}

/// What concerns each database; the names of those that one can connect to.
pub(super) async fn databases(
    client: &Client,
    takes: &(dyn Fn(&str) -> bool + Sync),
    own: &Own<'_>,
    m: &mut Measures<'_>,
) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for row in client.query(queries::DATABASES, &[]).await? {
        let name: String = row.try_get(0)?;
        if !takes(&name) {
            continue;
        }
        m.resource_of(own(Some(&name)));
        let counters = [
            ("postgresql.commits", "{transaction}", 1),
            ("postgresql.rollbacks", "{transaction}", 2),
            ("postgresql.deadlocks", "{deadlock}", 3),
            ("postgresql.temp_files", "{temp_file}", 4),
            ("postgresql.temp.io", "By", 5),
            ("postgresql.tup_updated", "{tup_updated}", 6),
            ("postgresql.tup_returned", "{tup_returned}", 7),
            ("postgresql.tup_fetched", "{tup_fetched}", 8),
            ("postgresql.tup_inserted", "{tup_inserted}", 9),
            ("postgresql.tup_deleted", "{tup_deleted}", 10),
            ("postgresql.blks_hit", "{blks_hit}", 11),
            ("postgresql.blks_read", "{blks_read}", 12),
            ("postgresql.query.conflicts", "{conflict}", 13),
        ];
        for (metric, unit, at) in counters {
            m.counter(metric, unit, row.try_get::<_, i64>(at)?, &[]);
        }
        if let Some(bytes) = row.try_get::<_, Option<i64>>(14)? {
            m.level("postgresql.db_size", "By", bytes, &[]);
        }
        m.level("postgresql.backends", "1", row.try_get::<_, i64>(15)?, &[]);
        if row.try_get::<_, bool>(16)? {
            names.push(name);
        }
    }
    Ok(names)
}
