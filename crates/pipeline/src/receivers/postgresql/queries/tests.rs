//! What is asked of a server has only columns that servers of its version have, as their documentation lists them.

use super::*;

/// Columns that came and went between PostgreSQL 13 and 18: the view, the column, the first version that has it, the first that has not.
const COLUMNS: &[(&str, &str, i32, i32)] = &[
    ("pg_stat_bgwriter", "checkpoints_timed", 13, 17),
    ("pg_stat_bgwriter", "checkpoints_req", 13, 17),
    ("pg_stat_bgwriter", "checkpoint_write_time", 13, 17),
    ("pg_stat_bgwriter", "checkpoint_sync_time", 13, 17),
    ("pg_stat_bgwriter", "buffers_checkpoint", 13, 17),
    ("pg_stat_bgwriter", "buffers_backend", 13, 17),
    ("pg_stat_bgwriter", "buffers_backend_fsync", 13, 17),
    ("pg_stat_checkpointer", "num_timed", 17, 99),
    ("pg_stat_checkpointer", "num_requested", 17, 99),
    ("pg_stat_checkpointer", "write_time", 17, 99),
    ("pg_stat_checkpointer", "sync_time", 17, 99),
    ("pg_stat_checkpointer", "buffers_written", 17, 99),
    ("pg_stat_checkpointer", "num_done", 18, 99),
    ("pg_stat_checkpointer", "slru_written", 18, 99),
    ("pg_stat_checkpointer", "pg_stat_checkpointer", 17, 99),
    ("pg_stat_activity", "query_id", 14, 99),
    ("pg_stat_database", "session_time", 14, 99),
    ("pg_stat_database", "parallel_workers_launched", 18, 99),
    ("pg_stat_all_tables", "last_seq_scan", 16, 99),
    ("pg_stat_all_tables", "n_ins_since_vacuum", 13, 99),
    ("pg_stat_all_tables", "total_vacuum_time", 18, 99),
    ("pg_stat_all_indexes", "last_idx_scan", 16, 99),
    ("pg_locks", "waitstart", 14, 99),
    ("pg_stat_wal", "wal_records", 14, 99),
];

/// The same of `pg_stat_statements`, by the second number of its version: 1.8 comes with 13, 1.9 with 14, 1.10 with 15 and 16, 1.11 with
/// 17, 1.12 with 18.
const OF_STATEMENTS: &[(&str, u32, u32)] = &[
    ("total_time", 0, 8),
    ("total_exec_time", 8, 99),
    ("total_plan_time", 8, 99),
    ("plans", 8, 99),
    ("toplevel", 9, 99),
    ("temp_blk_read_time", 10, 99),
    ("jit_functions", 10, 99),
    ("blk_read_time", 0, 11),
    ("blk_write_time", 0, 11),
    ("shared_blk_read_time", 11, 99),
    ("shared_blk_write_time", 11, 99),
    ("local_blk_read_time", 11, 99),
    ("stats_since", 11, 99),
    ("wal_buffers_full", 12, 99),
];

fn words(sql: &str) -> Vec<&str> {
    sql.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect()
}

#[test]
fn a_server_is_asked_for_what_its_version_has() {
    for version in 13..=18 {
        let number = version * 10_000 + 4;
        let all = [
            DATABASES,
            ACTIVITY,
            SERVER,
            LOCKS,
            REPLICATION,
            background_writer(number),
            TABLES,
            INDEXES,
            &samples(number),
            STATEMENTS_EXTENSION,
        ]
        .join("\n");
        let asked = words(&all);
        for (view, column, from, to) in COLUMNS {
            let has = (*from..*to).contains(&version);
            assert!(has || !asked.contains(column), "PostgreSQL {version} has no {view}.{column}");
        }
        // What there is of the checkpoints is asked for, under either name.
        let checkpoints = if version >= 17 { "num_requested" } else { "checkpoints_req" };
        assert!(asked.contains(&checkpoints), "{version}");
        assert_eq!(asked.contains(&"query_id"), version >= 14);
    }
}

#[test]
fn an_extension_is_asked_for_what_its_version_has() {
    for minor in STATEMENTS_MIN.1..=12 {
        let sql = statements((1, minor), "public");
        let asked = words(&sql);
        for (column, from, to) in OF_STATEMENTS {
            let has = (*from..*to).contains(&minor);
            assert!(has || !asked.contains(column), "pg_stat_statements 1.{minor} has no {column}");
        }
        let time = if minor >= 11 { "shared_blk_read_time" } else { "blk_read_time" };
        assert!(asked.contains(&time), "1.{minor}");
    }
    assert!(statements((1, 10), "\"my schema\"").contains("FROM \"my schema\".pg_stat_statements s"));
    assert_eq!([extension_version("1.10"), extension_version("1.9")], [Some((1, 10)), Some((1, 9))]);
    assert!(extension_version("1.10") > extension_version("1.9"));
}
