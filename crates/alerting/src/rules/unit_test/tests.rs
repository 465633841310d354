//! The same test files before our runner and, where it is installed, before promtool.

use std::path::PathBuf;
use std::process::Command;

use super::*;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/unit")
}

/// What promtool says of a test file; nothing when it is not installed.
fn promtool(path: &Path) -> Option<bool> {
    let output = Command::new("promtool").args(["test", "rules"]).arg(path).output().ok()?;
    Some(output.status.success())
}

#[test]
fn verdicts_are_those_of_promtool() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(data()).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| !f.ends_with("rules.yaml"));
    files.sort();
    assert_eq!(files.len(), 10);
    let mut compared = 0;
    for file in &files {
        let verdict = run(file);
        let expected = file.ends_with("passing.yaml");
        assert_eq!(verdict.failures.is_empty(), expected, "{}: {:#?}", file.display(), verdict.failures);
        if let Some(theirs) = promtool(file) {
            assert_eq!(theirs, expected, "promtool and we do not agree on {}", file.display());
            compared += 1;
        }
    }
    if compared == 0 {
        eprintln!("promtool is not installed: verdicts were not compared");
    }
}

#[test]
fn failures_say_what_was_expected_and_what_came() {
    let failures = |n: usize| run(&data().join(format!("failing-{n}.yaml"))).failures.join("\n");
    assert!(failures(1).contains("exp: after 2\n    got: after 1"), "{}", failures(1));
    assert!(failures(2).contains("alertname: Busy, time: 10m, \n    exp:["), "{}", failures(2));
    assert!(failures(7).contains("unknown field `alertnam`; did you mean `alertname`?"), "{}", failures(7));
    assert!(failures(8).contains("invalid repetition"), "{}", failures(8));
    assert!(failures(9).contains("cannot be read"), "{}", failures(9));
    assert_eq!(run(&data().join("passing.yaml")).passed, 2);
}
