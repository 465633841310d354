//! What is asked, by version. Every column has a type that is read without asking for the server's.

use tokio_postgres::{Client, Error};

/// `server_version_num`: 150004 is 15.4.
pub(super) async fn version(client: &Client) -> Result<i32, Error> {
    client.query_one("SELECT current_setting('server_version_num')::int4", &[]).await?.try_get(0)
}

pub(super) const DATABASES: &str = "
    SELECT d.datname::text, s.xact_commit, s.xact_rollback, s.deadlocks, s.temp_files, s.temp_bytes, s.tup_updated,
           s.tup_returned, s.tup_fetched, s.tup_inserted, s.tup_deleted, s.blks_hit, s.blks_read, s.conflicts,
           CASE WHEN has_database_privilege(d.datname, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
                THEN pg_database_size(d.oid) END,
           (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid),
           d.datallowconn
    FROM pg_database d JOIN pg_stat_database s ON s.datid = d.oid
    WHERE NOT d.datistemplate ORDER BY d.datname";

pub(super) const ACTIVITY: &str = "
    SELECT coalesce(state, 'unknown')::text, coalesce(wait_event_type, 'none')::text, count(*),
           coalesce(max(extract(epoch FROM now() - xact_start)), 0)::float8
    FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1, 2";

pub(super) const SERVER: &str = "
    SELECT current_setting('max_connections')::int8, (SELECT count(*) FROM pg_database WHERE NOT datistemplate),
           pg_is_in_recovery(), extract(epoch FROM pg_postmaster_start_time())::float8,
           (SELECT extract(epoch FROM now() - last_archived_time)::float8 FROM pg_stat_archiver)";

pub(super) const LOCKS: &str = "
    SELECT coalesce(c.relname, '')::text, l.mode::text, l.locktype::text, l.granted, count(*)
    FROM pg_locks l LEFT JOIN pg_class c ON l.relation = c.oid AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    WHERE l.pid <> pg_backend_pid() GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC LIMIT 1000";

pub(super) const REPLICATION: &str = "
    SELECT coalesce(client_addr::text, 'unix'), coalesce(application_name, '')::text,
           pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, replay_lsn)::float8,
           extract(epoch FROM write_lag)::float8, extract(epoch FROM flush_lag)::float8, extract(epoch FROM replay_lag)::float8
    FROM pg_stat_replication";

/// Checkpoints requested, timed, milliseconds of writing and syncing; buffers by checkpoints, by the background writer, by back ends
/// (directly and with an fsync), allocated; how often the background writer stopped at its limit.
pub(super) fn background_writer(version: i32) -> &'static str {
    if version >= 170_000 {
        "SELECT c.num_requested, c.num_timed, c.write_time::float8, c.sync_time::float8, c.buffers_written,
                b.buffers_clean, NULL::int8, NULL::int8, b.buffers_alloc, b.maxwritten_clean
         FROM pg_stat_checkpointer c, pg_stat_bgwriter b"
    } else {
        "SELECT checkpoints_req, checkpoints_timed, checkpoint_write_time::float8, checkpoint_sync_time::float8, buffers_checkpoint,
                buffers_clean, buffers_backend, buffers_backend_fsync, buffers_alloc, maxwritten_clean
         FROM pg_stat_bgwriter"
    }
}

/// A table that somebody rewrites is left out: asking for its size would wait.
pub(super) const TABLES: &str = "
    SELECT t.schemaname::text, t.relname::text, t.n_live_tup, t.n_dead_tup, t.n_tup_ins, t.n_tup_upd, t.n_tup_del, t.n_tup_hot_upd,
           t.seq_scan, t.vacuum_count + t.autovacuum_count, pg_total_relation_size(t.relid),
           coalesce(io.heap_blks_read, 0), coalesce(io.heap_blks_hit, 0), coalesce(io.idx_blks_read, 0), coalesce(io.idx_blks_hit, 0),
           coalesce(io.toast_blks_read, 0), coalesce(io.toast_blks_hit, 0), coalesce(io.tidx_blks_read, 0), coalesce(io.tidx_blks_hit, 0)
    FROM pg_stat_user_tables t LEFT JOIN pg_statio_user_tables io USING (relid)
    WHERE NOT EXISTS (SELECT 1 FROM pg_locks l WHERE l.relation = t.relid AND l.mode = 'AccessExclusiveLock' AND l.granted)
    ORDER BY t.n_live_tup DESC LIMIT 1000";

pub(super) const INDEXES: &str = "
    SELECT schemaname::text, relname::text, indexrelname::text, idx_scan, pg_relation_size(indexrelid)
    FROM pg_stat_user_indexes i
    WHERE NOT EXISTS (SELECT 1 FROM pg_locks l WHERE l.relation IN (i.relid, i.indexrelid) AND l.mode = 'AccessExclusiveLock' AND l.granted)
    ORDER BY idx_scan DESC LIMIT 1000";

/// `query_id` is known from 14 on.
pub(super) fn samples(version: i32) -> String {
    let query_id = if version >= 140_000 { "query_id" } else { "NULL::int8" };
    format!(
        "SELECT coalesce(datname, '')::text, coalesce(usename, '')::text, coalesce(client_addr::text, ''), coalesce(client_port, -1),
                coalesce(application_name, '')::text, pid, coalesce(state, '')::text, coalesce(wait_event_type, '')::text,
                coalesce(wait_event, '')::text, {query_id}, coalesce(extract(epoch FROM now() - query_start), 0)::float8, left(query, 4096)
         FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND coalesce(state, 'idle') <> 'idle'
         ORDER BY query_start LIMIT $1"
    )
}

/// The version of `pg_stat_statements` in this database, and the schema that it lies in, quoted.
pub(super) const STATEMENTS_EXTENSION: &str = "
    SELECT e.extversion::text, quote_ident(n.nspname)
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'";

/// The first version of the extension that tells plans from executions: that of PostgreSQL 13.
pub(super) const STATEMENTS_MIN: (u32, u32) = (1, 8);

/// `1.10` is (1, 10): more than 1.9.
pub(super) fn extension_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The columns are those of the extension, which stays as it was when a server is upgraded until somebody updates it. From 1.11 on
/// (PostgreSQL 17) times of reads and writes are named by where the blocks are. From 1.9 on statements called by others have rows of
/// their own; they are added up.
pub(super) fn statements((major, minor): (u32, u32), schema: &str) -> String {
    let io = if (major, minor) >= (1, 11) {
        "s.shared_blk_read_time + s.shared_blk_write_time"
    } else {
        "s.blk_read_time + s.blk_write_time"
    };
    format!(
        "SELECT coalesce(s.queryid, 0), d.datname::text, coalesce(r.rolname, '')::text, sum(s.calls)::int8, sum(s.rows)::int8,
                sum(s.total_exec_time), sum(s.total_plan_time), sum(s.shared_blks_hit)::int8, sum(s.shared_blks_read)::int8,
                sum(s.shared_blks_dirtied)::int8, sum(s.shared_blks_written)::int8, sum(s.temp_blks_read)::int8,
                sum(s.temp_blks_written)::int8, sum({io})::float8, left(min(s.query), 4096)
         FROM {schema}.pg_stat_statements s JOIN pg_database d ON s.dbid = d.oid LEFT JOIN pg_roles r ON r.oid = s.userid
         WHERE s.query <> '<insufficient privilege>' GROUP BY 1, 2, 3 ORDER BY 6 DESC LIMIT $1"
    )
}

#[cfg(test)]
mod tests;
