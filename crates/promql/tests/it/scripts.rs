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
    for path in paths {
        let (name, tally) = read_and_run(&path);
        assert!(tally.failed.is_empty() && tally.passed > 0, "{name}:\n{}", tally.failed.join("\n"));
        assert_eq!(tally.refused, 0, "{name}: {:?}", tally.reasons);
    }
}

/// Passed evaluations and wrong answers per script. May only get better: a
/// change that improves a file raises its numbers here.
const RATCHET: &[(&str, usize, usize)] = &[
    ("aggregators.test", 126, 0),
    ("collision.test", 2, 0),
    ("duration_expression.test", 59, 0),
    ("extended_vectors.test", 120, 0),
    ("fill-modifier.test", 46, 0),
    ("functions.test", 334, 0),
    ("histograms.test", 93, 0),
    ("info.test", 52, 0),
    ("literals.test", 25, 0),
    ("native_histograms.test", 3, 0),
    ("operators.test", 142, 0),
    ("trig_functions.test", 19, 0),
];

#[test]
fn prometheus_scripts() {
    let Some(dir) = conformance() else { return };
    let only = std::env::var_os("PROMQL_SCRIPT");
    let mut worse = Vec::new();
    let (mut passed, mut failed, mut refused) = (0, 0, 0);
    report(&format!("{:<28}{:>7}{:>7}{:>8}", "script", "passed", "failed", "refused"));
    for path in scripts(&dir.join("promql")) {
        if only.as_ref().is_some_and(|o| !path.to_string_lossy().contains(&*o.to_string_lossy())) {
            continue;
        }
        let (name, tally) = read_and_run(&path);
        report(&format!("{name:<28}{:>7}{:>7}{:>8}", tally.passed, tally.failed.len(), tally.refused));
        (passed, failed, refused) = (passed + tally.passed, failed + tally.failed.len(), refused + tally.refused);
        let (least, most) = RATCHET.iter().find(|r| r.0 == name).map_or((0, usize::MAX), |r| (r.1, r.2));
        if tally.passed < least || tally.failed.len() > most {
            worse.push(format!(
                "{name}: expected {least} passed and at most {most} failed\n{}",
                tally.failed.join("\n")
            ));
        }
        if only.is_some() {
            report(&format!("{:#?}\n{}", tally.reasons, tally.failed.join("\n")));
        }
    }
    report(&format!("{:<28}{passed:>7}{failed:>7}{refused:>8}", "all"));
    assert!(worse.is_empty(), "{}", worse.join("\n"));
}
