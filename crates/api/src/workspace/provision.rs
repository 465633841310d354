//! Dashboards of files, and those that are shipped; what is looked for in the text of a dashboard.

use std::path::{Path, PathBuf};

use metastore::{MetaError, Metastore};
use serde_json::Value;

use super::dashboards::{KIND, body_of, slug};

/// The largest text.
const DOCUMENT_BYTES_MAX: usize = 4 << 20;
/// Files of all folders together.
const FILES_MAX: usize = 2_000;

include!(concat!(env!("OUT_DIR"), "/dashboards.rs"));

/// The dashboards that are built in: uid and text.
pub(super) fn shipped() -> &'static [(&'static str, &'static str)] {
    SHIPPED
}

/// What lists show of a dashboard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub title: String,
    pub tags: Vec<String>,
    /// Those within rows too.
    pub panels: usize,
    pub uid: Option<String>,
}

/// Looks into the text of a dashboard: `{"dashboard": {..}}`, or what is in it alone.
pub(super) fn look(text: &str) -> Result<Seen, String> {
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(format!("a dashboard has {DOCUMENT_BYTES_MAX} bytes at most, this one has {}", text.len()));
    }
    let root: Value = serde_json::from_str(text).map_err(|e| format!("it is no JSON: {e}"))?;
    let dashboard = root.get("dashboard").unwrap_or(&root);
    let Some(panels) = dashboard.get("panels").and_then(Value::as_array) else {
        return Err("it is no dashboard: there is no list `panels`, neither in it nor in its `dashboard`".to_owned());
    };
    let nested = |p: &Value| p.get("panels").and_then(Value::as_array).map_or(0, Vec::len);
    let rows = |p: &&Value| p.get("type").and_then(Value::as_str) == Some("row");
    let text = |key: &str| dashboard.get(key).and_then(Value::as_str).unwrap_or_default();
    let tags = dashboard.get("tags").and_then(Value::as_array).into_iter().flatten();
    Ok(Seen {
        title: text("title").to_owned(),
        tags: tags.filter_map(|t| t.as_str().map(str::to_owned)).collect(),
        panels: panels.len() - panels.iter().filter(rows).count() + panels.iter().map(nested).sum::<usize>(),
        uid: Some(text("uid").to_owned()).filter(|uid| !uid.is_empty()),
    })
}

/// Whether a text can name a dashboard.
pub(super) fn is_uid(uid: &str) -> bool {
    (1..=40).contains(&uid.len()) && uid.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Makes the dashboards of files exactly those of these folders: `*.json`, and those of one level of folders below, whose name is
/// that of the folder in lists. A file that cannot be used stays in the list, with the reason.
///
/// # Errors
/// The metadata cannot be written.
pub fn provision(store: &Metastore, folders: &[PathBuf]) -> Result<(), MetaError> {
    let mut wanted: Vec<(String, Value)> = Vec::new();
    for (path, folder) in folders.iter().flat_map(|f| files(f)).take(FILES_MAX) {
        let file = path.display().to_string();
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::read_to_string(&path);
        let looked = text.as_ref().map_err(|e| format!("it cannot be read: {e}")).and_then(|t| look(t));
        let uid = looked.as_ref().ok().and_then(|s| s.uid.clone()).filter(|uid| is_uid(uid));
        let uid = uid.unwrap_or_else(|| slug(&stem).chars().take(40).collect());
        let mut body = match &looked {
            Ok(seen) => body_of(text.as_deref().unwrap_or_default(), seen, &folder, ""),
            Err(problem) => {
                tracing::warn!(file, problem, "a dashboard cannot be used");
                let mut body = body_of("", &Seen { title: stem, ..Seen::default() }, &folder, "");
                body["problem"] = problem.clone().into();
                body
            }
        };
        body["file"] = file.clone().into();
        match wanted.iter().find(|(id, _)| *id == uid) {
            Some((_, other)) => {
                tracing::warn!(file, other = %other["file"], uid, "two files have a dashboard of one uid; the first is used")
            }
            None => wanted.push((uid, body)),
        }
    }
    let synced = store.documents().sync_files(KIND, &wanted)?;
    if synced != metastore::Synced::default() {
        tracing::info!(created = ?synced.created, changed = ?synced.changed, deleted = ?synced.deleted, "dashboards of files");
    }
    Ok(())
}

/// The files of a folder and of the folders in it, with the name of the latter, in order.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for path in entries(folder) {
        if path.is_dir() {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            found.extend(entries(&path).into_iter().filter(|p| is_json(p)).map(|p| (p, name.clone())));
        } else if is_json(&path) {
            found.push((path, String::new()));
        }
    }
    found
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "json") && path.is_file()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
            paths.sort();
            paths
        }
        Err(e) => {
            tracing::warn!(folder = %folder.display(), error = %e, "a folder of dashboards cannot be read");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_lists_show() {
        let design = r#"{"dashboard": {"title": "Application", "panels": [{"title": "a"}, {"title": "b"}]}}"#;
        let seen = look(design).unwrap();
        assert_eq!((seen.title.as_str(), seen.panels, seen.uid), ("Application", 2, None));
        let grafana = r#"{"uid": "x-1", "title": "Node", "tags": ["os"], "panels": [{"type": "row", "panels": [{}, {}]}, {"type": "graph"}]}"#;
        let seen = look(grafana).unwrap();
        assert_eq!((seen.panels, seen.tags, seen.uid), (3, vec!["os".to_owned()], Some("x-1".to_owned())));
        assert!(look("{\n \"panels\": 1}").unwrap_err().contains("no list `panels`"));
        assert!(look("{\n oops}").unwrap_err().contains("line 2 column 2"));
        assert!(is_uid("a-B_9") && !is_uid("") && !is_uid("a b") && !is_uid(&"x".repeat(41)));
    }

    #[test]
    fn every_shipped_dashboard_is_one() {
        for (uid, text) in shipped() {
            assert!(is_uid(uid), "{uid}");
            look(text).unwrap_or_else(|e| panic!("{uid}: {e}"));
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the files of somebody else")]
    fn files_of_folders_are_read_only_documents() {
        let dir = tempfile::tempdir().unwrap();
        let store = Metastore::open(dir.path(), std::sync::Arc::new(foundation::clock::SystemClock)).unwrap();
        let folder = dir.path().join("dashboards");
        std::fs::create_dir_all(folder.join("team")).unwrap();
        std::fs::write(folder.join("one.json"), r#"{"title": "One",  "panels": []}"#).unwrap();
        std::fs::write(folder.join("team/two.json"), "oops").unwrap();
        provision(&store, std::slice::from_ref(&folder)).unwrap();
        let all = store.documents().list(KIND).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].body["document"], r#"{"title": "One",  "panels": []}"#, "byte by byte");
        assert_eq!((&all[1].body["folder"], all[1].body["problem"].is_string()), (&json!("team"), true));
        std::fs::remove_file(folder.join("one.json")).unwrap();
        provision(&store, std::slice::from_ref(&folder)).unwrap();
        assert_eq!(store.documents().list(KIND).unwrap().len(), 1);
    }
}
