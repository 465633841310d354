//! Every input of Prometheus's own parser test must be accepted or refused alike.

use crate::{conformance, report};

#[test]
fn accepts_and_refuses_the_same() {
    let Some(dir) = conformance() else { return };
    let cases = std::fs::read_to_string(dir.join("promql-parse/cases.jsonl")).expect("cases are readable");
    let (mut total, mut wrong) = (0, Vec::new());
    for line in cases.lines().filter(|l| !l.trim().is_empty()) {
        let case: serde_json::Value = serde_json::from_str(line).expect("a case is JSON");
        let (input, must_fail) = (case["in"].as_str().unwrap_or(""), case["fail"].as_bool().unwrap_or(false));
        total += 1;
        match promql::parse(input) {
            Ok(_) if must_fail => wrong.push(format!("accepted: {input}")),
            Err(e) if !must_fail => wrong.push(format!("refused: {input}: {e}")),
            _ => {}
        }
    }
    report(&format!("parser cases: {} of {total} agree", total - wrong.len()));
    assert!(total > 300 && wrong.is_empty(), "{}", wrong.join("\n"));
}
