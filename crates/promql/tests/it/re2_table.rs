//! Matchers behave as in Go: every cell of the table that Go made.

use crate::{conformance, report};

#[test]
fn every_cell_agrees_with_go() {
    let Some(dir) = conformance() else { return };
    let read = |name: &str| std::fs::read_to_string(dir.join("re2").join(name)).expect("the table is readable");
    let mut texts: Vec<String> = read("texts.txt").lines().map(str::to_owned).collect();
    texts.push("a\nb".to_owned());
    texts.push(String::new());
    let (mut total, mut wrong) = (0, Vec::new());
    for line in read("go.tsv").lines() {
        let (pattern, want) = line.rsplit_once('\t').expect("two columns");
        total += 1;
        let got = match re2::compile_anchored(pattern) {
            Ok(regex) => texts.iter().map(|t| if regex.is_match(t) { '1' } else { '0' }).collect(),
            Err(_) => "ERR".to_owned(),
        };
        if got != want {
            wrong.push(format!("{pattern}\n  go   {want}\n  here {got}"));
        }
    }
    report(&format!("regular expressions: {} of {total} agree", total - wrong.len()));
    assert!(total > 100 && wrong.is_empty(), "{}", wrong.join("\n"));
}
