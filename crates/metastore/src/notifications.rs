//! What was told to whom: the log that keeps messages from being sent twice, and the record of deliveries for people.

use foundation::UnixNanos;
use rusqlite::{Row, params};
use serde_json::Value;

use crate::error::MetaError;
use crate::open::Metastore;
use crate::row::{hashes_of_blob, hashes_to_blob, time};

/// Deliveries that one query returns.
const DELIVERIES_MAX: usize = 1000;

/// A group of alerts and one channel of a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogKey {
    /// Of the group of alerts.
    pub group_key: String,
    /// Name of the receiver.
    pub receiver: String,
    /// `webhook`, `email`, ...
    pub integration: String,
    /// Which of the receiver's channels of this kind, from 0.
    pub position: u32,
}

/// What was told last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// When.
    pub at: UnixNanos,
    /// From when on the entry is forgotten.
    pub expires_at: UnixNanos,
    /// Fingerprints of the alerts that fired.
    pub firing: Vec<u64>,
    /// Fingerprints of those that did not.
    pub resolved: Vec<u64>,
}

/// One message, with all its attempts.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Rises; 0 before it is written.
    pub id: i64,
    /// When it ended.
    pub at: UnixNanos,
    /// Name of the receiver.
    pub receiver: String,
    /// `delivered` or `failed`.
    pub outcome: String,
    /// Of the group of alerts.
    pub group_key: String,
    /// Channel, reason, alerts, attempts.
    pub body: Value,
}

/// Which deliveries are wanted.
#[derive(Debug, Clone, Default)]
pub struct DeliveryQuery {
    /// Only of this receiver.
    pub receiver: Option<String>,
    /// Only with this outcome.
    pub outcome: Option<String>,
    /// Only with this text in the group or in the record: a fingerprint, a target, a reason.
    pub text: Option<String>,
    /// Only not before this time.
    pub from: Option<UnixNanos>,
    /// Only before this time.
    pub to: Option<UnixNanos>,
    /// Only older than this id.
    pub before: Option<i64>,
    /// At most so many; 0 is as many as there may be.
    pub limit: usize,
}

impl Metastore {
    /// What was told last, of everything that is not forgotten at `now`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn notification_log(&self, now: UnixNanos) -> Result<Vec<(LogKey, LogEntry)>, MetaError> {
        self.read(|c| {
            let mut rows = c.prepare_cached("SELECT * FROM notification_log WHERE expires_at > ?")?;
            let one = |row: &Row<'_>| {
                let key = LogKey {
                    group_key: row.get("group_key")?,
                    receiver: row.get("receiver")?,
                    integration: row.get("integration")?,
                    position: row.get("position")?,
                };
                let entry = LogEntry {
                    at: time(row, "at")?,
                    expires_at: time(row, "expires_at")?,
                    firing: hashes_of_blob(&row.get::<_, Vec<u8>>("firing")?),
                    resolved: hashes_of_blob(&row.get::<_, Vec<u8>>("resolved")?),
                };
                Ok((key, entry))
            };
            Ok(rows.query_map([now.0], one)?.collect::<Result<Vec<_>, _>>()?)
        })
    }

    /// Writes what was told, and the record of it; both or none.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn log_notification(
        &self,
        log: Option<(LogKey, LogEntry)>,
        delivery: Option<Delivery>,
    ) -> Result<(), MetaError> {
        self.write(move |t| {
            if let Some((key, entry)) = log {
                t.prepare_cached("INSERT OR REPLACE INTO notification_log VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
                    params![
                        key.group_key,
                        key.receiver,
                        key.integration,
                        key.position,
                        entry.at.0,
                        entry.expires_at.0,
                        hashes_to_blob(&entry.firing),
                        hashes_to_blob(&entry.resolved),
                    ],
                )?;
            }
            if let Some(d) = delivery {
                let sql = "INSERT INTO deliveries (at, receiver, outcome, group_key, body) VALUES (?, ?, ?, ?, ?)";
                let body = d.body.to_string();
                t.prepare_cached(sql)?.execute(params![d.at.0, d.receiver, d.outcome, d.group_key, body])?;
            }
            Ok(())
        })
    }

    /// Deliveries, the newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, MetaError> {
        let limit = if query.limit == 0 { DELIVERIES_MAX } else { query.limit.min(DELIVERIES_MAX) };
        self.read(|c| {
            let sql = "SELECT * FROM deliveries WHERE (?1 IS NULL OR receiver = ?1) AND (?2 IS NULL OR outcome = ?2)
                       AND (?3 IS NULL OR id < ?3) AND (?4 IS NULL OR at >= ?4) AND (?5 IS NULL OR at < ?5)
                       AND (?6 IS NULL OR instr(lower(receiver || ' ' || group_key || ' ' || body), ?6))
                       ORDER BY id DESC LIMIT ?7";
            let mut rows = c.prepare_cached(sql)?;
            let one = |row: &Row<'_>| {
                let delivery = Delivery {
                    id: row.get("id")?,
                    at: time(row, "at")?,
                    receiver: row.get("receiver")?,
                    outcome: row.get("outcome")?,
                    group_key: row.get("group_key")?,
                    body: Value::Null,
                };
                Ok((delivery, row.get::<_, String>("body")?))
            };
            let (from, to) = (query.from.map(|t| t.0), query.to.map(|t| t.0));
            // As SQLite's `lower`, which knows the letters of ASCII only.
            let text = query.text.as_ref().map(|t| t.to_ascii_lowercase());
            let found = rows
                .query_map(params![query.receiver, query.outcome, query.before, from, to, text, limit as i64], one)?
                .collect::<Result<Vec<_>, _>>()?;
            found.into_iter().map(|(d, body)| Ok(Delivery { body: serde_json::from_str(&body)?, ..d })).collect()
        })
    }

    /// Forgets what expired before `now`, and deliveries before `deliveries_from`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn prune_notifications(&self, now: UnixNanos, deliveries_from: UnixNanos) -> Result<usize, MetaError> {
        self.write(move |t| {
            let log = t.prepare_cached("DELETE FROM notification_log WHERE expires_at <= ?")?.execute([now.0])?;
            Ok(log + t.prepare_cached("DELETE FROM deliveries WHERE at < ?")?.execute([deliveries_from.0])?)
        })
    }
}
