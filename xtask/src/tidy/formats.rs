//! Everything written to disk has a page in `docs/formats`.
//!
//! A file that defines a format constant (a name with `MAGIC` or `FORMAT_VERSION`) names its page, or its parent
//! module does; every page that is named exists, and every page is named by the code that writes it.

use std::collections::BTreeSet;

use super::Finding;
use super::repository::Repository;
use super::rust_source::{code_only, line_of};

const PAGES: &str = "docs/formats/";

pub(crate) fn check(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut named = BTreeSet::new();
    for (path, text) in repository.files().filter(|(path, _)| path.starts_with("crates/") && path.ends_with(".rs")) {
        let pages = pages_in(text);
        for (offset, page) in &pages {
            if repository.get(page).is_none() {
                findings.push(Finding::new(
                    path,
                    line_of(text, *offset),
                    format!("names {page}, which is not there"),
                    "write the page: fields, widths, checksums, versions",
                ));
            }
        }
        if let Some((line, constant)) =
            format_constant(text).filter(|_| pages.is_empty() && !parent_names_page(repository, path))
        {
            findings.push(Finding::new(
                path,
                line,
                format!("`{constant}` belongs to a format, and the file names no page in {PAGES}"),
                format!("describe the format in {PAGES}<name>.md and name that page in the file's `//!`"),
            ));
        }
        named.extend(pages.into_iter().map(|(_, page)| page));
    }
    for (path, _) in repository.files().filter(|(path, _)| path.starts_with(PAGES) && path.ends_with(".md")) {
        if !named.contains(path) && path != "docs/formats/README.md" {
            findings.push(Finding::new(
                path,
                1,
                "no source file names this page",
                "name it in the `//!` of the file that writes the format, or delete it",
            ));
        }
    }
    findings
}

/// Whether `block.rs` or `block/mod.rs` names a page, for `block/header.rs`: one page describes them together.
fn parent_names_page(repository: &Repository, path: &str) -> bool {
    let Some((folder, _)) = path.rsplit_once('/') else { return false };
    [format!("{folder}.rs"), format!("{folder}/mod.rs")]
        .iter()
        .filter_map(|parent| repository.get(parent))
        .any(|text| !pages_in(text).is_empty())
}

/// Every `docs/formats/<page>.md` in a text, with its offset.
fn pages_in(text: &str) -> Vec<(usize, String)> {
    text.match_indices(PAGES)
        .filter_map(|(offset, _)| {
            let rest = &text[offset..];
            let end = rest.find(".md")? + ".md".len();
            let page = rest.get(..end)?;
            let plain = page.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte));
            plain.then(|| (offset, page.to_owned()))
        })
        .collect()
}

fn format_constant(text: &str) -> Option<(usize, String)> {
    let code = code_only(text);
    code.match_indices("const ").find_map(|(offset, keyword)| {
        let name: String =
            code[offset + keyword.len()..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        (name.contains("MAGIC") || name.contains("FORMAT_VERSION")).then(|| (line_of(&code, offset), name))
    })
}
