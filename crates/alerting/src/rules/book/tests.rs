//! Files and documents come and go; what is wrong changes nothing.

use foundation::clock::ManualClock;
use foundation::disk::{RealDisk, write_atomic};

use super::*;
use crate::rules::engine::tests::Stage;
use crate::rules::group::Options;

const USER: &str = include_str!("../../../tests/data/alert-rules.yaml");

fn book(dir: &Path) -> Rulebook {
    let store = Metastore::open(dir, Arc::new(ManualClock::default())).unwrap();
    Rulebook::new(Stage::new(Options::default()).engine, store)
}

fn names(book: &Rulebook) -> Vec<String> {
    book.engine()
        .groups()
        .iter()
        .map(|g| format!("{} of {}", g.group.name, g.file.rsplit('/').next().unwrap_or("")))
        .collect()
}

#[test]
fn the_file_of_the_design_is_taken_as_it_is_with_two_findings() {
    let dir = tempfile::tempdir().unwrap();
    let imported = book(dir.path()).import(USER).unwrap();
    assert_eq!(imported.groups.iter().map(|g| g.rules.len()).sum::<usize>(), 10);
    let findings: Vec<_> =
        imported.findings.iter().map(|f| (f.place.line, f.refused_elsewhere(), f.message.as_str())).collect();
    let message = "`humanizeBytes` is not a function of Prometheus; Bellrock has it";
    assert_eq!(findings, [(59, true, message), (83, true, message)]);
    // What was made is there after a restart.
    let again = book(dir.path());
    again.reload(&[]).unwrap();
    assert_eq!(names(&again), ["meetsmatch.rules of api"]);
}

#[test]
fn files_are_found_by_patterns_and_a_reload_with_an_error_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| write_atomic(&RealDisk, &dir.path().join(name), text.as_bytes()).unwrap();
    let group = |name: &str| format!("groups: [{{name: {name}, rules: [{{record: r, expr: up}}]}}]");
    put("b.rules.yaml", &group("b"));
    put("a.rules.yaml", &group("a"));
    put("other.txt", "no rules");
    let (book, patterns) = (book(dir.path()), [dir.path().join("*.rules.yaml")]);
    book.reload(&patterns).unwrap();
    book.import(&group("c")).unwrap();
    assert_eq!(names(&book), ["a of a.rules.yaml", "b of b.rules.yaml", "c of api"]);
    put("b.rules.yaml", "groups: [{name: b, rules: [{record: r, expr: 'sum('}]}]");
    let error = book.reload(&patterns).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("b.rules.yaml:1:"), "{error}");
    assert_eq!(names(&book).len(), 3);
    std::fs::remove_file(dir.path().join("b.rules.yaml")).unwrap();
    book.reload(&patterns).unwrap();
    assert_eq!(names(&book), ["a of a.rules.yaml", "c of api"]);
}

#[test]
fn what_comes_from_a_file_is_changed_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let text = b"groups: [{name: a, rules: [{record: r, expr: up}]}]";
    write_atomic(&RealDisk, &dir.path().join("a.yaml"), text).unwrap();
    let book = book(dir.path());
    book.reload(&[dir.path().join("a.yaml")]).unwrap();
    assert_eq!(book.remove("a").unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(book.remove("x").unwrap_err().kind(), ErrorKind::NotFound);
    // The API may make a group of the same name; an export tells them apart.
    book.import("groups: [{name: a, rules: [{record: s, expr: up}]}]").unwrap();
    let read = file::read(&book.export(Dialect::Prometheus));
    assert_eq!(read.groups.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), ["a", "a (2)"]);
    book.remove("a").unwrap();
    assert_eq!(names(&book), ["a of a.yaml"]);
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let error = book(dir.path()).reload(&[dir.path().join("none.yaml")]).unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
}

#[test]
fn patterns() {
    for (pattern, name, expected) in [
        ("*.yaml", "a.yaml", true),
        ("*.yaml", "a.yml", false),
        ("a?.y*l", "ab.yml", true),
        ("*", ".hidden", false),
        ("*-*", "a-b-c", true),
    ] {
        assert_eq!(is_match(pattern, name), expected, "{pattern} {name}");
    }
}

/// As in Prometheus, a file that two patterns name is read once, and a reload leaves nothing behind that goes on.
#[test]
fn a_file_of_two_patterns_is_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.rules.yaml");
    write_atomic(&RealDisk, &path, b"groups: [{name: a, interval: 15s, rules: [{record: r, expr: up}]}]").unwrap();
    let store = Metastore::open(dir.path(), Arc::new(ManualClock::default())).unwrap();
    let stage = Stage::new(Options::default());
    let book = Rulebook::new(stage.engine.clone(), store);
    for _ in 0..3 {
        let findings = book.reload(&[dir.path().join("*.rules.yaml"), path.clone()]).unwrap();
        assert_eq!(findings.len(), 1);
    }
    assert_eq!(names(&book), ["a of a.rules.yaml"]);
    stage.wall.advance(std::time::Duration::from_secs(15));
    assert_eq!(book.engine().run_due(), 1);
}
