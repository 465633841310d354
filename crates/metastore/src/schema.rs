//! The tables, as numbered migrations; `PRAGMA user_version` says which were made. Described in `docs/formats/meta.md`.
//!
//! A migration that was released is never changed; what is new is appended.

use rusqlite::Connection;

/// `PRAGMA application_id`: "BLRK".
pub(crate) const MAGIC: i32 = 0x424c_524b;

const MIGRATIONS: [&str; 2] = [
    "CREATE TABLE documents (
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        body TEXT NOT NULL,
        origin TEXT NOT NULL CHECK (origin IN ('api', 'file')),
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;
    CREATE TABLE document_versions (
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        body TEXT,
        at INTEGER NOT NULL,
        PRIMARY KEY (kind, id, version)
    ) WITHOUT ROWID;",
    "CREATE TABLE silences (
        id TEXT PRIMARY KEY,
        starts_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE alerts (
        fingerprint INTEGER PRIMARY KEY,
        labels TEXT NOT NULL,
        annotations TEXT NOT NULL,
        starts_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        timeout INTEGER NOT NULL,
        generator_url TEXT NOT NULL
    );
    CREATE TABLE notification_log (
        group_key TEXT NOT NULL,
        receiver TEXT NOT NULL,
        integration TEXT NOT NULL,
        position INTEGER NOT NULL,
        at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        firing BLOB NOT NULL,
        resolved BLOB NOT NULL,
        PRIMARY KEY (group_key, receiver, integration, position)
    ) WITHOUT ROWID;
    CREATE INDEX notification_log_expires ON notification_log (expires_at);
    CREATE TABLE deliveries (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        receiver TEXT NOT NULL,
        outcome TEXT NOT NULL,
        group_key TEXT NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX deliveries_at ON deliveries (at);
    CREATE TABLE timeline (
        id INTEGER PRIMARY KEY,
        fingerprint INTEGER NOT NULL,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX timeline_fingerprint ON timeline (fingerprint, at);
    CREATE INDEX timeline_at ON timeline (at);",
];

/// The last migration of this build.
pub(crate) const LATEST: i64 = MIGRATIONS.len() as i64;

/// How many migrations the file has seen.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Makes the migrations that are missing, each in a transaction of its own.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let begin = version(connection)?;
    for (number, sql) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > begin) {
        let step = connection.transaction()?;
        step.execute_batch(sql)?;
        step.pragma_update(None, "user_version", number)?;
        step.pragma_update(None, "application_id", MAGIC)?;
        step.commit()?;
    }
    Ok(())
}
