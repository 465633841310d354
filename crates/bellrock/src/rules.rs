//! `bellrock rules check` and `bellrock rules test`: what is printed of rule files and of their tests.

use std::fmt::Write as _;
use std::path::PathBuf;

use alerting::rules::book::read_file;
use alerting::rules::unit_test;

/// What there is to say of rule files, and whether all of them can be used.
pub(crate) fn check(files: &[PathBuf]) -> (String, bool) {
    let (mut out, mut passed) = (String::new(), true);
    for file in files {
        let read = read_file(file);
        let _ = writeln!(out, "Checking {}", file.display());
        let name = file.display().to_string().into();
        for f in &read.findings {
            let _ = writeln!(out, "  {}", f.of(&name));
        }
        let count: usize = read.groups.iter().map(|g| g.rules.len()).sum();
        if read.is_usable() {
            let _ = writeln!(out, "  SUCCESS: {count} rules found");
        } else {
            passed = false;
            let _ = writeln!(out, "  FAILED: the file is not used");
        }
        let verdict = if read.suits_prometheus() { "accepts" } else { "refuses" };
        let _ = writeln!(out, "  Prometheus {verdict} the file\n");
    }
    (out, passed)
}

/// What came of unit tests, and whether all passed.
pub(crate) fn test(files: &[PathBuf]) -> (String, bool) {
    let (mut out, mut passed) = (String::new(), true);
    for file in files {
        let verdict = unit_test::run(file);
        let _ = writeln!(out, "Unit Testing:  {}", file.display());
        if verdict.failures.is_empty() {
            let _ = writeln!(out, "  SUCCESS: {} tests\n", verdict.passed);
            continue;
        }
        passed = false;
        let _ = writeln!(out, "  FAILED:");
        for failure in &verdict.failures {
            let _ = writeln!(out, "    {}", failure.replace('\n', "\n    "));
        }
        out.push('\n');
    }
    (out, passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_says_what_prometheus_would_say() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            foundation::disk::write_atomic(&foundation::disk::RealDisk, &path, text.as_bytes()).unwrap();
            path
        };
        let good = file("a.yaml", "groups: [{name: a, rules: [{record: r, expr: up}]}]");
        let ours = file("b.yaml", "groups: [{name: a, rules: [{alert: A, source: logs, expr: '| stats count()'}]}]");
        let bad = file("c.yaml", "groups: [{name: a, rules: [{record: r}]}]");
        let (text, passed) = check(&[good, ours]);
        assert!(passed && text.contains("SUCCESS: 1 rules found\n  Prometheus accepts the file"), "{text}");
        assert!(text.contains("Prometheus refuses the file"), "{text}");
        let (text, passed) = check(&[bad]);
        assert!(!passed && text.contains("field 'expr' must be set in rule"), "{text}");
    }
}
