//! The project's own scripts, and Prometheus's where they are present.

use std::path::Path;

use crate::script::{Tally, run};
use crate::{conformance, report};

fn read_and_run(path: &Path) -> (String, Tally) {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let text = std::fs::read_to_string(path).expect("a script is readable");
    (name, run(&text))
}

fn scripts(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).expect("the folder is readable");
    let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "test"));
    paths.sort();
    paths
}

#[test]
fn own_scripts_pass() {
    let paths = scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/scripts"));
    assert!(!paths.is_empty());
    let mut failed = Vec::new();
    for path in paths {
        let (name, tally) = read_and_run(&path);
        failed.extend(tally.failed.iter().map(|f| format!("{name}: {f}")));
        assert!(tally.passed > 0, "{name} has no evaluations");
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Evaluations that pass per script, with nothing wrong. May only get better.
const RATCHET: &[(&str, usize)] = &[
    ("aggregators.test", 160),
    ("collision.test", 2),
    ("duration_expression.test", 59),
    ("extended_vectors.test", 169),
    ("fill-modifier.test", 46),
    ("functions.test", 431),
    ("histograms.test", 185),
    ("info.test", 53),
    ("literals.test", 25),
    ("native_histograms.test", 522),
    ("operators.test", 214),
    ("trig_functions.test", 19),
];

#[test]
fn prometheus_scripts() {
    let Some(dir) = conformance() else { return };
    let only = std::env::var_os("PROMQL_SCRIPT");
    let mut worse = Vec::new();
    let (mut passed, mut failed) = (0, 0);
    report(&format!("{:<28}{:>7}{:>7}", "script", "passed", "failed"));
    for path in scripts(&dir.join("promql")) {
        if only.as_ref().is_some_and(|o| !path.to_string_lossy().contains(&*o.to_string_lossy())) {
            continue;
        }
        let (name, tally) = read_and_run(&path);
        report(&format!("{name:<28}{:>7}{:>7}", tally.passed, tally.failed.len()));
        (passed, failed) = (passed + tally.passed, failed + tally.failed.len());
        let least = RATCHET.iter().find(|r| r.0 == name).map_or(0, |r| r.1);
        if tally.passed < least || !tally.failed.is_empty() {
            worse.push(format!("{name}: expected {least} passed and none failed\n{}", tally.failed.join("\n")));
        }
        if only.is_some() {
            report(&tally.failed.join("\n"));
        }
    }
    report(&format!("{:<28}{passed:>7}{failed:>7}", "all"));
    assert!(worse.is_empty(), "{}", worse.join("\n"));
}
