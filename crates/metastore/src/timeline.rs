//! What happened to each alert, by its fingerprint.

use foundation::UnixNanos;
use rusqlite::{Row, params};
use serde_json::Value;

use crate::error::MetaError;
use crate::open::Metastore;
use crate::row::{signed, time, unsigned};

/// Rows that one transaction removes, so that writers do not wait for a large one.
const PRUNE_ROWS: i64 = 20_000;

/// One thing that happened to an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineEvent {
    /// Which alert.
    pub fingerprint: u64,
    /// When.
    pub at: UnixNanos,
    /// `evaluated`, `fired`, `grouped`, `silenced`, `delivered`, ...
    pub kind: String,
    /// What.
    pub body: Value,
}

impl Metastore {
    /// Adds events, all or none.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add_to_timeline(&self, events: Vec<TimelineEvent>) -> Result<(), MetaError> {
        self.write(move |t| {
            let mut add = t.prepare_cached("INSERT INTO timeline (fingerprint, at, kind, body) VALUES (?, ?, ?, ?)")?;
            for e in events {
                add.execute(params![signed(e.fingerprint), e.at.0, e.kind, e.body.to_string()])?;
            }
            Ok(())
        })
    }

    /// The last `limit` events of an alert, in the order in which they happened.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn timeline(&self, fingerprint: u64, limit: usize) -> Result<Vec<TimelineEvent>, MetaError> {
        self.read(|c| {
            let sql = "SELECT * FROM timeline WHERE fingerprint = ? ORDER BY at DESC, id DESC LIMIT ?";
            let mut rows = c.prepare_cached(sql)?;
            let one = |row: &Row<'_>| {
                let event = TimelineEvent {
                    fingerprint: unsigned(row.get("fingerprint")?),
                    at: time(row, "at")?,
                    kind: row.get("kind")?,
                    body: Value::Null,
                };
                Ok((event, row.get::<_, String>("body")?))
            };
            let found = rows.query_map([signed(fingerprint), limit as i64], one)?.collect::<Result<Vec<_>, _>>()?;
            let whole =
                |(e, body): (TimelineEvent, String)| Ok(TimelineEvent { body: serde_json::from_str(&body)?, ..e });
            found.into_iter().rev().map(whole).collect()
        })
    }

    /// Removes events before `time`, in pieces.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn prune_timeline(&self, time: UnixNanos) -> Result<usize, MetaError> {
        let mut removed = 0;
        loop {
            let piece = self.write(move |t| {
                let sql = "DELETE FROM timeline WHERE id IN (SELECT id FROM timeline WHERE at < ? LIMIT ?)";
                Ok(t.prepare_cached(sql)?.execute([time.0, PRUNE_ROWS])?)
            })?;
            removed += piece;
            if (piece as i64) < PRUNE_ROWS {
                return Ok(removed);
            }
        }
    }
}
