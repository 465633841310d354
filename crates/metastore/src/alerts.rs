//! The alerts that the alert manager holds, so that a restart begins with them.

use foundation::UnixNanos;
use rusqlite::{Row, params};
use serde_json::Value;

use crate::error::MetaError;
use crate::open::Metastore;
use crate::row::{signed, time, unsigned};

/// One alert.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAlert {
    /// Of its labels.
    pub fingerprint: u64,
    /// Name to value.
    pub labels: Value,
    /// Name to value.
    pub annotations: Value,
    /// Since when it fires.
    pub starts_at: UnixNanos,
    /// When it is over.
    pub ends_at: UnixNanos,
    /// When it was sent last.
    pub updated_at: UnixNanos,
    /// Whether the end is ours, because the sender named none.
    pub timeout: bool,
    /// Where the expression can be looked at.
    pub generator_url: String,
}

impl Metastore {
    /// All alerts.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn alerts(&self) -> Result<Vec<StoredAlert>, MetaError> {
        self.read(|c| {
            let mut rows = c.prepare_cached("SELECT * FROM alerts ORDER BY updated_at, fingerprint")?;
            let one = |row: &Row<'_>| {
                let texts = (row.get::<_, String>("labels")?, row.get::<_, String>("annotations")?);
                let alert = StoredAlert {
                    fingerprint: unsigned(row.get("fingerprint")?),
                    labels: Value::Null,
                    annotations: Value::Null,
                    starts_at: time(row, "starts_at")?,
                    ends_at: time(row, "ends_at")?,
                    updated_at: time(row, "updated_at")?,
                    timeout: row.get("timeout")?,
                    generator_url: row.get("generator_url")?,
                };
                Ok((alert, texts))
            };
            let found = rows.query_map([], one)?.collect::<Result<Vec<_>, _>>()?;
            let whole = |(alert, (labels, annotations)): (StoredAlert, (String, String))| {
                let (labels, annotations) = (serde_json::from_str(&labels)?, serde_json::from_str(&annotations)?);
                Ok(StoredAlert { labels, annotations, ..alert })
            };
            found.into_iter().map(whole).collect()
        })
    }

    /// Writes alerts, new or changed, all or none.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_alerts(&self, alerts: Vec<StoredAlert>) -> Result<(), MetaError> {
        self.write(move |t| {
            let mut put = t.prepare_cached("INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?;
            for a in alerts {
                put.execute(params![
                    signed(a.fingerprint),
                    a.labels.to_string(),
                    a.annotations.to_string(),
                    a.starts_at.0,
                    a.ends_at.0,
                    a.updated_at.0,
                    a.timeout,
                    a.generator_url,
                ])?;
            }
            Ok(())
        })
    }

    /// Forgets alerts, unless they were changed after `unchanged_since`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn delete_alerts(&self, fingerprints: Vec<u64>, unchanged_since: UnixNanos) -> Result<(), MetaError> {
        self.write(move |t| {
            let mut delete = t.prepare_cached("DELETE FROM alerts WHERE fingerprint = ? AND updated_at <= ?")?;
            for fingerprint in fingerprints {
                delete.execute([signed(fingerprint), unchanged_since.0])?;
            }
            Ok(())
        })
    }
}
