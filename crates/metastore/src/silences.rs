//! Silences by id; what they mean is in the body.

use foundation::UnixNanos;
use rusqlite::{Row, params};
use serde_json::Value;

use crate::error::MetaError;
use crate::open::Metastore;
use crate::row::time;

/// One silence.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSilence {
    /// Unique.
    pub id: String,
    /// From when on, inclusive.
    pub starts_at: UnixNanos,
    /// Until when, exclusive.
    pub ends_at: UnixNanos,
    /// When it was changed last.
    pub updated_at: UnixNanos,
    /// What it says.
    pub body: Value,
}

impl Metastore {
    /// All silences.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn silences(&self) -> Result<Vec<StoredSilence>, MetaError> {
        self.read(|c| {
            let mut rows = c.prepare_cached("SELECT * FROM silences ORDER BY id")?;
            let one = |row: &Row<'_>| {
                let silence = StoredSilence {
                    id: row.get("id")?,
                    starts_at: time(row, "starts_at")?,
                    ends_at: time(row, "ends_at")?,
                    updated_at: time(row, "updated_at")?,
                    body: Value::Null,
                };
                Ok((silence, row.get::<_, String>("body")?))
            };
            let found = rows.query_map([], one)?.collect::<Result<Vec<_>, _>>()?;
            found.into_iter().map(|(s, body)| Ok(StoredSilence { body: serde_json::from_str(&body)?, ..s })).collect()
        })
    }

    /// Writes silences, new or changed, all or none.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_silences(&self, silences: Vec<StoredSilence>) -> Result<(), MetaError> {
        self.write(move |t| {
            let sql = "INSERT INTO silences (id, starts_at, ends_at, updated_at, body) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT (id) DO UPDATE SET starts_at = ?2, ends_at = ?3, updated_at = ?4, body = ?5";
            let mut put = t.prepare_cached(sql)?;
            for s in silences {
                put.execute(params![s.id, s.starts_at.0, s.ends_at.0, s.updated_at.0, s.body.to_string()])?;
            }
            Ok(())
        })
    }

    /// Removes silences that ended before `time`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn prune_silences(&self, time: UnixNanos) -> Result<usize, MetaError> {
        self.write(move |t| Ok(t.prepare_cached("DELETE FROM silences WHERE ends_at < ?")?.execute([time.0])?))
    }
}
