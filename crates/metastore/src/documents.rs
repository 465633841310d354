//! What people make: a kind, an id and a JSON body, with versions. What the body means is known above.

use foundation::UnixNanos;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde_json::Value;

use crate::error::MetaError;
use crate::open::Metastore;
use crate::row::time;

/// Bytes of a body.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Documents of one kind.
const DOCUMENTS_MAX: usize = 100_000;
/// Versions that are kept of a document, the present one included.
const VERSIONS_MAX: i64 = 100;

/// Where a document comes from, and so where it can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Somebody made it through the API.
    Api,
    /// It stands in a file of the server's configuration.
    File,
}

impl Origin {
    /// `api` or `file`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::File => "file",
        }
    }

    fn of(name: &str) -> Self {
        if name == "file" { Self::File } else { Self::Api }
    }
}

/// One document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// `rule_group`, `dashboard`, `view`, ...
    pub kind: String,
    /// Unique in its kind.
    pub id: String,
    /// From 1; rises with every change, and goes on when a deleted document is made again.
    pub version: u64,
    /// What it says.
    pub body: Value,
    /// Where it can be changed.
    pub origin: Origin,
    /// When it was made.
    pub created: UnixNanos,
    /// When it was changed last.
    pub updated: UnixNanos,
}

/// What a document was.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// From 1.
    pub version: u64,
    /// `None`: it was deleted then.
    pub body: Option<Value>,
    /// When it became so.
    pub at: UnixNanos,
}

/// What [`Documents::sync_files`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Synced {
    /// Ids that are new.
    pub created: Vec<String>,
    /// Ids whose body changed.
    pub changed: Vec<String>,
    /// Ids that are not in the files any more.
    pub deleted: Vec<String>,
}

/// The documents of a store.
#[derive(Clone, Copy)]
pub struct Documents<'a>(&'a Metastore);

impl Metastore {
    /// What people make.
    pub const fn documents(&self) -> Documents<'_> {
        Documents(self)
    }
}

impl Documents<'_> {
    /// One document, if it is there.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn get(&self, kind: &str, id: &str) -> Result<Option<Document>, MetaError> {
        self.0.read(|c| find(c, kind, id))
    }

    /// All documents of a kind, by id.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&self, kind: &str) -> Result<Vec<Document>, MetaError> {
        self.0.read(|c| {
            let mut rows = c.prepare_cached("SELECT * FROM documents WHERE kind = ? ORDER BY id")?;
            let found = rows.query_map([kind], raw)?.collect::<Result<Vec<_>, _>>()?;
            found.into_iter().map(parsed).collect()
        })
    }

    /// Makes a document.
    ///
    /// # Errors
    /// `Exists`, `Limit`; when the file cannot be written.
    pub fn create(&self, kind: &str, id: &str, body: &Value, origin: Origin) -> Result<Document, MetaError> {
        let (kind, id, body, now) = (kind.to_owned(), id.to_owned(), text(body)?, self.0.clock().now());
        self.0.write(move |t| {
            if find(t, &kind, &id)?.is_some() {
                return Err(MetaError::Exists { kind, id });
            }
            check_room(t, &kind)?;
            store(t, &kind, &id, &body, origin, now)
        })
    }

    /// Changes a document that was made through the API. `expected` is the version that the caller has read; with `None` the last one wins.
    ///
    /// # Errors
    /// `NotFound`, `Version`, `FromFile`, `Limit`; when the file cannot be written.
    pub fn update(&self, kind: &str, id: &str, expected: Option<u64>, body: &Value) -> Result<Document, MetaError> {
        let (kind, id, body, now) = (kind.to_owned(), id.to_owned(), text(body)?, self.0.clock().now());
        self.0.write(move |t| {
            changeable(t, &kind, &id, expected)?;
            store(t, &kind, &id, &body, Origin::Api, now)
        })
    }

    /// Makes a document, or changes it whatever its version and origin are.
    ///
    /// # Errors
    /// `Limit`; when the file cannot be written.
    pub fn put(&self, kind: &str, id: &str, body: &Value, origin: Origin) -> Result<Document, MetaError> {
        let (kind, id, body, now) = (kind.to_owned(), id.to_owned(), text(body)?, self.0.clock().now());
        self.0.write(move |t| {
            check_room(t, &kind)?;
            store(t, &kind, &id, &body, origin, now)
        })
    }

    /// Deletes a document that was made through the API; its versions are kept.
    ///
    /// # Errors
    /// `NotFound`, `Version`, `FromFile`; when the file cannot be written.
    pub fn delete(&self, kind: &str, id: &str, expected: Option<u64>) -> Result<(), MetaError> {
        let (kind, id, now) = (kind.to_owned(), id.to_owned(), self.0.clock().now());
        self.0.write(move |t| {
            changeable(t, &kind, &id, expected)?;
            remove(t, &kind, &id, now)
        })
    }

    /// Versions of a document, the newest first; also of one that was deleted.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn history(&self, kind: &str, id: &str) -> Result<Vec<Version>, MetaError> {
        self.0.read(|c| {
            let sql = "SELECT version, body, at FROM document_versions WHERE kind = ? AND id = ? ORDER BY version DESC";
            let mut rows = c.prepare_cached(sql)?;
            let one = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?, time(row, "at")?));
            let found = rows.query_map([kind, id], one)?.collect::<Result<Vec<_>, _>>()?;
            let version = |(version, body, at): (i64, Option<String>, _)| {
                let body = body.map(|b| serde_json::from_str(&b)).transpose()?;
                Ok(Version { version: version.cast_unsigned(), body, at })
            };
            found.into_iter().map(version).collect()
        })
    }

    /// Makes the documents of `kind` that come from files exactly those of `wanted`. What was made through the API stays,
    /// unless a file has the same id.
    ///
    /// # Errors
    /// `Limit`; when the file cannot be written.
    pub fn sync_files(&self, kind: &str, wanted: &[(String, Value)]) -> Result<Synced, MetaError> {
        let wanted = wanted.iter().map(|(id, body)| Ok((id.clone(), text(body)?)));
        let wanted: Vec<(String, String)> = wanted.collect::<Result<_, MetaError>>()?;
        let (kind, now) = (kind.to_owned(), self.0.clock().now());
        self.0.write(move |t| {
            let mut synced = Synced::default();
            let present = {
                let mut rows = t.prepare_cached("SELECT id FROM documents WHERE kind = ? AND origin = 'file'")?;
                rows.query_map([&kind], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?
            };
            for id in present.into_iter().filter(|id| !wanted.iter().any(|(w, _)| w == id)) {
                remove(t, &kind, &id, now)?;
                synced.deleted.push(id);
            }
            for (id, body) in wanted {
                let found = find(t, &kind, &id)?;
                let known = found.is_some();
                let parsed: Value = serde_json::from_str(&body)?;
                if found.is_some_and(|d| d.origin == Origin::File && d.body == parsed) {
                    continue;
                }
                check_room(t, &kind)?;
                store(t, &kind, &id, &body, Origin::File, now)?;
                if known { synced.changed.push(id) } else { synced.created.push(id) }
            }
            Ok(synced)
        })
    }
}

fn text(body: &Value) -> Result<String, MetaError> {
    let text = body.to_string();
    if text.len() > BODY_BYTES_MAX {
        return Err(MetaError::Limit { what: "bytes of a document", max: BODY_BYTES_MAX });
    }
    Ok(text)
}

struct Raw {
    document: Document,
    body: String,
}

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    let document = Document {
        kind: row.get("kind")?,
        id: row.get("id")?,
        version: row.get::<_, i64>("version")?.cast_unsigned(),
        body: Value::Null,
        origin: Origin::of(&row.get::<_, String>("origin")?),
        created: time(row, "created")?,
        updated: time(row, "updated")?,
    };
    Ok(Raw { document, body: row.get("body")? })
}

fn parsed(raw: Raw) -> Result<Document, MetaError> {
    Ok(Document { body: serde_json::from_str(&raw.body)?, ..raw.document })
}

fn find(c: &Connection, kind: &str, id: &str) -> Result<Option<Document>, MetaError> {
    let mut rows = c.prepare_cached("SELECT * FROM documents WHERE kind = ? AND id = ?")?;
    rows.query_row([kind, id], raw).optional()?.map(parsed).transpose()
}

fn changeable(t: &Transaction<'_>, kind: &str, id: &str, expected: Option<u64>) -> Result<(), MetaError> {
    let (kind, id) = (kind.to_owned(), id.to_owned());
    let Some(found) = find(t, &kind, &id)? else { return Err(MetaError::NotFound { kind, id }) };
    if found.origin == Origin::File {
        return Err(MetaError::FromFile { kind, id });
    }
    match expected.filter(|expected| *expected != found.version) {
        Some(expected) => Err(MetaError::Version { kind, id, expected, found: found.version }),
        None => Ok(()),
    }
}

fn check_room(t: &Transaction<'_>, kind: &str) -> Result<(), MetaError> {
    let mut count = t.prepare_cached("SELECT count(*) FROM documents WHERE kind = ?")?;
    let documents: i64 = count.query_row([kind], |row| row.get(0))?;
    if documents.cast_unsigned() >= DOCUMENTS_MAX as u64 {
        return Err(MetaError::Limit { what: "documents of one kind", max: DOCUMENTS_MAX });
    }
    Ok(())
}

fn next_version(t: &Transaction<'_>, kind: &str, id: &str) -> Result<i64, MetaError> {
    let sql = "SELECT coalesce(max(version), 0) FROM document_versions WHERE kind = ? AND id = ?";
    let last: i64 = t.prepare_cached(sql)?.query_row([kind, id], |row| row.get(0))?;
    Ok(last + 1)
}

fn keep_version(
    t: &Transaction<'_>,
    kind: &str,
    id: &str,
    version: i64,
    body: Option<&str>,
    now: UnixNanos,
) -> Result<(), MetaError> {
    t.prepare_cached("INSERT INTO document_versions (kind, id, version, body, at) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![kind, id, version, body, now.0])?;
    t.prepare_cached("DELETE FROM document_versions WHERE kind = ? AND id = ? AND version <= ?")?.execute(params![
        kind,
        id,
        version - VERSIONS_MAX
    ])?;
    Ok(())
}

fn store(
    t: &Transaction<'_>,
    kind: &str,
    id: &str,
    body: &str,
    origin: Origin,
    now: UnixNanos,
) -> Result<Document, MetaError> {
    let version = next_version(t, kind, id)?;
    keep_version(t, kind, id, version, Some(body), now)?;
    t.prepare_cached(
        "INSERT INTO documents (kind, id, version, body, origin, created, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
         ON CONFLICT (kind, id) DO UPDATE SET version = ?3, body = ?4, origin = ?5, updated = ?6",
    )?
    .execute(params![kind, id, version, body, origin.name(), now.0])?;
    find(t, kind, id)?.ok_or_else(|| MetaError::NotFound { kind: kind.to_owned(), id: id.to_owned() })
}

fn remove(t: &Transaction<'_>, kind: &str, id: &str, now: UnixNanos) -> Result<(), MetaError> {
    let version = next_version(t, kind, id)?;
    keep_version(t, kind, id, version, None, now)?;
    t.prepare_cached("DELETE FROM documents WHERE kind = ? AND id = ?")?.execute([kind, id])?;
    Ok(())
}

#[cfg(test)]
mod tests;
