//! Integration tests: the parser and evaluator against the conformance data
//! where it exists, and the project's own scripts everywhere.

mod limits;
mod nhcb;
mod parse_cases;
mod re2_table;
mod robustness;
mod script;
mod scripts;
mod storage;

use std::path::PathBuf;

/// The conformance folder: `BELLROCK_CONFORMANCE`, or beside the repository.
fn conformance() -> Option<PathBuf> {
    let dir = std::env::var_os("BELLROCK_CONFORMANCE").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance")),
        PathBuf::from,
    );
    if dir.is_dir() {
        return Some(dir);
    }
    report("conformance data is absent (set BELLROCK_CONFORMANCE): this test ran nothing");
    None
}

/// Prints a line of the test's report.
#[expect(clippy::print_stdout, reason = "the report of a test goes to its output")]
fn report(line: &str) {
    println!("{line}");
}
