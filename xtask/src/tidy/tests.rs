//! Each rule on a small repository that breaks it, and all of them on this one.

use super::*;

const ROOT: [(&str, &str); 2] = [("rustfmt.toml", ""), ("clippy.toml", "")];

fn found(files: &[(&str, &str)]) -> Vec<String> {
    let all: Vec<_> = ROOT.iter().chain(files).copied().collect();
    check_all(&Repository::from_files(&all))
        .into_iter()
        .map(|f| format!("{}:{}: {}", f.path, f.line, f.problem))
        .collect()
}

fn manifest(name: &str, dependencies: &str) -> String {
    format!("[package]\nname = \"{name}\"\n[dependencies]\n{dependencies}\n[lints]\nworkspace = true\n")
}

#[test]
fn this_repository_is_tidy() {
    let root = crate::repository_root();
    let findings = check(&root).expect("the repository can be read");
    let told: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "\n{}\n", told.join("\n"));
}

#[test]
fn dependencies_go_down_only() {
    let (wal, model, api) =
        (manifest("wal", "model.workspace = true"), manifest("model", ""), manifest("api", "wal.workspace = true"));
    let files =
        [("crates/wal/Cargo.toml", &*wal), ("crates/model/Cargo.toml", &*model), ("crates/api/Cargo.toml", &*api)];
    assert_eq!(
        found(&files),
        ["crates/wal/Cargo.toml:4: `wal` (floor 1) depends on `model` (floor 1); dependencies go down only"]
    );
}

#[test]
fn a_crate_needs_a_floor_and_the_lints() {
    let named = manifest("sundial", "");
    let findings = check_all(&Repository::from_files(&[ROOT[0], ROOT[1], ("crates/sundial/Cargo.toml", &named)]));
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].problem, "crate `sundial` has no floor");
    assert!(findings[0].remedy.contains("xtask/src/tidy/floors.rs"), "{}", findings[0].remedy);

    let bare = [("crates/model/Cargo.toml", "[package]\nname = \"model\"\n")];
    assert_eq!(found(&bare), ["crates/model/Cargo.toml:1: the workspace's lints are not switched on"]);
}

#[test]
fn crates_beside_the_floors_use_a_few_and_are_used_by_the_binary_only() {
    let (loadgen, tsdb) = (manifest("loadgen", "tsdb.workspace = true"), manifest("tsdb", "loadgen.workspace = true"));
    let bellrock = manifest("bellrock", "loadgen.workspace = true");
    let files = [
        ("crates/bellrock/Cargo.toml", &*bellrock),
        ("crates/loadgen/Cargo.toml", &*loadgen),
        ("crates/tsdb/Cargo.toml", &*tsdb),
    ];
    assert_eq!(
        found(&files),
        [
            "crates/loadgen/Cargo.toml:4: `loadgen` stands beside the floors and may use only wire, model, foundation, not `tsdb`",
            "crates/tsdb/Cargo.toml:4: `tsdb` (floor 3) depends on `loadgen`, which stands beside the floors",
        ]
    );
}

fn in_model(files: &[(&str, &str)]) -> Vec<String> {
    let manifest = manifest("model", "");
    let mut all = vec![("crates/model/Cargo.toml", manifest.as_str())];
    all.extend_from_slice(files);
    found(&all)
}

#[test]
fn module_circles_are_told_step_by_step() {
    let told = in_model(&[
        ("crates/model/src/lib.rs", "//! Root.\npub mod a;\nmod b;\nmod c;\npub use c::Thing;\n"),
        ("crates/model/src/a.rs", "//! A.\nuse crate::{b::X, other};\n"),
        (
            "crates/model/src/b.rs",
            "//! B.\n// crate::a\nuse crate::Thing;\n#[cfg(test)]\nmod tests { use crate::a; }\n",
        ),
        ("crates/model/src/c/deep.rs", "//! C.\nuse super::super::a;\n"),
    ]);
    assert_eq!(
        told,
        ["crates/model/src/a.rs:2: modules import each other in a circle: `a` uses `b` at crates/model/src/a.rs:2, \
          `b` uses `c` at crates/model/src/b.rs:3, `c` uses `a` at crates/model/src/c/deep.rs:2"]
    );
}

#[test]
fn modules_without_a_circle_pass() {
    let told = in_model(&[
        ("crates/model/src/lib.rs", "//! Root.\nuse crate::a::X;\n"),
        ("crates/model/src/a.rs", "//! A.\nuse crate::b;\nuse super::b as again;\nuse crate::a::inner;\n"),
        ("crates/model/src/b.rs", "//! B.\nuse crate::c;\n"),
        ("crates/model/src/c.rs", "//! C.\nlet s = \"crate::a\";\n"),
    ]);
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn files_say_what_they_are_and_fit_in_a_head() {
    let long = format!("//! Long.\n{}", "fn f() {}\n".repeat(900));
    let tested = format!("//! Long by its tests.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(900));
    assert_eq!(
        found(&[
            ("xtask/src/bare.rs", "fn main() {}\n"),
            ("xtask/src/long.rs", &long),
            ("xtask/src/tested.rs", &tested),
            ("crates/x/tests/long.rs", &long),
        ]),
        [
            "xtask/src/bare.rs:1: the file does not start with `//!`",
            "xtask/src/long.rs:901: 901 lines without tests, the limit is 900",
        ]
    );
}

#[test]
fn the_root_configuration_is_needed() {
    let told: Vec<_> = check_all(&Repository::from_files(&[])).into_iter().map(|finding| finding.path).collect();
    assert_eq!(told, ["clippy.toml", "rustfmt.toml"]);
}

#[test]
fn unfinished_work_and_foreign_places_are_refused() {
    let lines = [
        concat!("// TO", "DO: later"),
        concat!("unimpl", "emented!()"),
        concat!("a place", "holder"),
        concat!("see /ro", "ot/notes"),
        concat!("cd /wo", "rk"),
        concat!("https://registry.npmjs", ".org/x"),
    ];
    let text = format!("//! Words.\n{}\n", lines.join("\n"));
    let told = found(&[("xtask/src/words.rs", &text)]);
    let places: Vec<_> = told.iter().map(|line| line.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(places, (2..=7).map(|line| format!("xtask/src/words.rs:{line}")).collect::<Vec<_>>(), "{told:#?}");
}

#[test]
fn harmless_texts_pass() {
    let lines = [
        concat!("mktemp bellrock.XX", "XXXX"),
        "src/work/item, http://localhost/root, /workers, ./home/x, /rootless",
        concat!("/ho", "me/user is a path in recorded telemetry // tidy-allow: sample data"),
        concat!("<input place", "holder=\"Search\">"),
    ];
    let mut files: Vec<(&str, &str)> = lines[..3].iter().map(|line| ("notes.md", *line)).collect();
    files.push(("ui/src/search.tsx", lines[3]));
    for file in files {
        assert_eq!(found(&[file]), Vec::<String>::new());
    }
    assert_eq!(found(&[("Cargo.lock", concat!("registry+https://github.com/rust-lang/crates", ".io-index"))]), [""; 0]);
}

#[test]
fn a_format_has_its_page_and_a_page_its_format() {
    let source = "//! Log.\npub const LOG_MAGIC: [u8; 4] = *b\"BRKL\";\n";
    let told = found(&[("crates/wal/src/format.rs", source), ("docs/formats/lost.md", "")]);
    assert_eq!(
        told,
        [
            "crates/wal/src/format.rs:2: `LOG_MAGIC` belongs to a format, and the file names no page in docs/formats/",
            "docs/formats/lost.md:1: no source file names this page",
        ]
    );
    let named = "//! Log, docs/formats/wal.md.\npub const LOG_MAGIC: [u8; 4] = *b\"BRKL\";\n";
    assert_eq!(
        found(&[("crates/wal/src/format.rs", named)]),
        ["crates/wal/src/format.rs:1: names docs/formats/wal.md, which is not there"]
    );
    assert_eq!(found(&[("crates/wal/src/format.rs", named), ("docs/formats/wal.md", "")]), [""; 0]);
    let child = ("crates/wal/src/format/header.rs", source);
    assert_eq!(found(&[("crates/wal/src/format.rs", named), child, ("docs/formats/wal.md", "")]), [""; 0]);
}

#[test]
fn decisions_are_numbered_once() {
    let told = found(&[
        ("docs/adr/0001-own-log.md", ""),
        ("docs/adr/0001-other.md", ""),
        ("docs/adr/2-short.md", ""),
        ("docs/adr/0003-Title.md", ""),
    ]);
    assert_eq!(
        told,
        [
            "docs/adr/0001-own-log.md:1: docs/adr/0001-other.md has the same number",
            "docs/adr/0003-Title.md:1: not a name of a decision",
            "docs/adr/2-short.md:1: not a name of a decision",
        ]
    );
}
