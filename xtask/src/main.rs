//! `cargo xtask <task>`: checks of the repository that the compiler does not make.
//!
//! Depends on nothing but the standard library, so that it builds in a second.

mod tidy;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask tidy [FOLDER]\n\n  tidy   checks this repository, or the one in FOLDER: floors, module circles, file headers, sizes, formats, texts (see CONTRIBUTING.md)\n";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let root = std::env::args_os().nth(2).map_or_else(repository_root, PathBuf::from);
    let mut err = std::io::stderr().lock();
    match task.as_deref() {
        Some("tidy") => match tidy::check(&root) {
            Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
            Ok(findings) => {
                for finding in &findings {
                    let _ = writeln!(err, "{finding}");
                }
                let _ = writeln!(err, "tidy: {} found", findings.len());
                ExitCode::FAILURE
            }
            Err(error) => {
                let _ = writeln!(err, "tidy: cannot read the repository: {error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            let _ = err.write_all(USAGE.as_bytes());
            ExitCode::from(2)
        }
    }
}

/// The checkout that cargo runs this in. Asked at run time: checkouts that share build output share this binary too.
fn repository_root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from("."), |manifest| PathBuf::from(manifest).join(".."))
}
