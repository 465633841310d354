//! Documents: versions, origins, files.

use std::sync::Arc;
use std::time::Duration;

use foundation::clock::ManualClock;
use serde_json::json;

use super::*;

fn store() -> (tempfile::TempDir, Metastore, ManualClock) {
    let dir = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(UnixNanos::from_secs(100));
    let store = Metastore::open(dir.path(), Arc::new(clock.clone())).unwrap();
    (dir, store, clock)
}

#[test]
fn a_document_is_made_changed_and_deleted() {
    let (_dir, store, clock) = store();
    let documents = store.documents();
    let made = documents.create("view", "a", &json!({"q": 1}), Origin::Api).unwrap();
    assert_eq!((made.version, made.created, made.origin), (1, UnixNanos::from_secs(100), Origin::Api));
    assert!(matches!(documents.create("view", "a", &json!(0), Origin::Api), Err(MetaError::Exists { .. })));
    clock.advance(Duration::from_secs(1));
    let changed = documents.update("view", "a", Some(1), &json!({"q": 2})).unwrap();
    assert_eq!((changed.version, changed.created, changed.updated), (2, made.created, UnixNanos::from_secs(101)));
    let stale = documents.update("view", "a", Some(1), &json!(0)).unwrap_err();
    assert_eq!(stale.to_string(), "view `a` is at version 2, not 1: somebody changed it; read it again");
    documents.delete("view", "a", Some(2)).unwrap();
    assert_eq!(documents.get("view", "a").unwrap(), None);
    assert!(matches!(documents.delete("view", "a", None), Err(MetaError::NotFound { .. })));
    let bodies: Vec<_> = documents.history("view", "a").unwrap().into_iter().map(|v| (v.version, v.body)).collect();
    assert_eq!(bodies, [(3, None), (2, Some(json!({"q": 2}))), (1, Some(json!({"q": 1})))]);
    assert_eq!(documents.create("view", "a", &json!(3), Origin::Api).unwrap().version, 4, "numbers are not used again");
}

#[test]
fn files_own_what_they_brought() {
    let (_dir, store, _) = store();
    let documents = store.documents();
    documents.create("rules", "mine", &json!(1), Origin::Api).unwrap();
    let files = |of: &[(&str, i32)]| of.iter().map(|(id, n)| ((*id).to_owned(), json!(n))).collect::<Vec<_>>();
    let synced = documents.sync_files("rules", &files(&[("a", 1), ("b", 1)])).unwrap();
    assert_eq!(synced.created, ["a", "b"]);
    let refused = documents.update("rules", "a", None, &json!(2)).unwrap_err();
    assert_eq!(refused.to_string(), "rules `a` comes from a file; change it there");
    let synced = documents.sync_files("rules", &files(&[("a", 1), ("c", 1)])).unwrap();
    assert_eq!((synced.created, synced.changed, synced.deleted), (vec!["c".to_owned()], vec![], vec!["b".to_owned()]));
    let left: Vec<_> = documents.list("rules").unwrap().into_iter().map(|d| (d.id, d.version)).collect();
    assert_eq!(left, [("a".to_owned(), 1), ("c".to_owned(), 1), ("mine".to_owned(), 1)]);
}

#[test]
fn only_the_last_versions_are_kept() {
    let (_dir, store, _) = store();
    for n in 0..(VERSIONS_MAX + 5) {
        store.documents().put("view", "a", &json!(n), Origin::Api).unwrap();
    }
    let history = store.documents().history("view", "a").unwrap();
    assert_eq!(history.len() as i64, VERSIONS_MAX);
    assert_eq!(history[0].body, Some(json!(VERSIONS_MAX + 4)));
}

#[test]
fn many_write_at_once_and_the_failure_of_one_is_its_own() {
    let (_dir, store, _) = store();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let store = store.clone();
            scope.spawn(move || {
                for n in 0..20 {
                    let id = format!("{thread}-{n}");
                    store.documents().create("view", &id, &json!(n), Origin::Api).unwrap();
                    store.documents().create("view", &id, &json!(0), Origin::Api).unwrap_err();
                }
            });
        }
    });
    assert_eq!(store.documents().list("view").unwrap().len(), 160);
}
