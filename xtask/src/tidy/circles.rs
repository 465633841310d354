//! The top-level modules of a crate do not import each other in circles.
//!
//! An import is any path `crate::<module>` or enough `super::` to reach the crate root, in code outside tests.
//! A name that the crate root re-exports (`pub use a::Thing`) counts as its module.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::repository::Repository;
use super::rust_source::{code_only, line_of};

/// Where a module uses another: the first place only.
type Uses<'a> = BTreeMap<String, BTreeMap<String, (&'a str, usize)>>;

pub(crate) fn check(repository: &Repository) -> Vec<Finding> {
    let mut roots: Vec<String> =
        repository.crate_folders().into_iter().map(|folder| format!("crates/{folder}/src/")).collect();
    roots.push("xtask/src/".to_owned());
    roots.iter().filter_map(|root| circle_in(repository, root)).collect()
}

fn circle_in(repository: &Repository, root: &str) -> Option<Finding> {
    let sources: Vec<(&str, Vec<&str>, String)> = repository
        .files()
        .filter_map(|(path, text)| {
            let inside = path.strip_prefix(root)?.strip_suffix(".rs")?;
            let mut modules: Vec<&str> = inside.split('/').collect();
            if modules.last() == Some(&"mod") {
                modules.pop();
            }
            // `src/bin` holds other crates; test files may use anything.
            let skip = modules.first() == Some(&"bin") || modules.contains(&"tests");
            (!skip).then(|| (path, modules, code_only(text)))
        })
        .collect();
    let is_root = |modules: &[&str]| matches!(modules, ["lib"] | ["main"]);
    let known: BTreeSet<&str> = sources
        .iter()
        .filter(|(_, modules, _)| !is_root(modules))
        .filter_map(|(_, modules, _)| modules.first().copied())
        .collect();
    let reexports = sources
        .iter()
        .filter(|(_, modules, _)| is_root(modules))
        .flat_map(|(_, _, code)| reexported(code, &known))
        .collect::<BTreeMap<_, _>>();

    let mut uses: Uses<'_> = BTreeMap::new();
    for (path, modules, code) in sources.iter().filter(|(_, modules, _)| !is_root(modules)) {
        let Some(from) = modules.first() else { continue };
        let to_root = "super::".repeat(modules.len());
        for (offset, name) in names_after(code, "crate::").into_iter().chain(names_after(code, &to_root)) {
            let target = if known.contains(name.as_str()) { Some(&name) } else { reexports.get(&name) };
            if let Some(target) = target.filter(|target| target.as_str() != *from) {
                uses.entry((*from).to_owned())
                    .or_default()
                    .entry(target.clone())
                    .or_insert((*path, line_of(code, offset)));
            }
        }
    }
    let circle = shortest_circle(&uses)?;
    let mut steps = Vec::new();
    for (from, to) in circle.iter().zip(circle.iter().cycle().skip(1)) {
        let (path, line) = uses.get(from)?.get(to)?;
        steps.push((*path, *line, format!("`{from}` uses `{to}` at {path}:{line}")));
    }
    let (path, line, _) = steps.first()?;
    let told: Vec<_> = steps.iter().map(|(_, _, step)| step.as_str()).collect();
    Some(Finding::new(
        path,
        *line,
        format!("modules import each other in a circle: {}", told.join(", ")),
        "move what both need into a module of its own, or pass it in as an argument",
    ))
}

/// Names that follow `prefix`, with brace groups opened: `crate::{a::x, b}` gives `a` and `b`.
fn names_after(code: &str, prefix: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices(prefix) {
        let before = code[..start].chars().next_back();
        // `xcrate::`, `super::super::` of a deeper level and `$crate::` of macros are other paths.
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[start + prefix.len()..];
        if let Some(group) = rest.trim_start().strip_prefix('{') {
            found.extend(group_names(group).into_iter().map(|name| (start, name)));
        } else if let Some(name) = first_name(rest) {
            found.push((start, name));
        }
    }
    found
}

/// First names of the members of a use group, given the text after its opening brace.
fn group_names(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0usize;
    let mut member = String::new();
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.extend(first_name(member.trim()));
                member.clear();
            }
            c => member.push(c),
        }
    }
    names.extend(first_name(member.trim()));
    names
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.trim_start_matches("r#").chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// `pub use a::{X, Y}` in the crate root: names to the module they come from.
fn reexported(code: &str, known: &BTreeSet<&str>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("use ") {
        let Some(statement) = code[start + 4..].split(';').next() else { continue };
        let path = statement.trim().trim_start_matches("crate::").trim_start_matches("self::");
        let Some((module, rest)) = path.split_once("::") else { continue };
        if !known.contains(module) {
            continue;
        }
        let members = rest.trim_start_matches(|c: char| c != '{');
        let names: Vec<String> = if let Some(group) = members.strip_prefix('{') {
            group.trim_end_matches('}').split(',').filter_map(exported_name).collect()
        } else {
            exported_name(rest).into_iter().collect()
        };
        found.extend(names.into_iter().map(|name| (name, module.to_owned())));
    }
    found
}

/// `b::X` exports `X`, `X as Y` exports `Y`.
fn exported_name(member: &str) -> Option<String> {
    let name = member.rsplit(" as ").next()?.trim().rsplit("::").next()?.trim();
    (!name.is_empty() && name != "*").then(|| name.to_owned())
}

fn shortest_circle(uses: &Uses<'_>) -> Option<Vec<String>> {
    uses.keys().filter_map(|start| circle_through(uses, start)).min_by_key(Vec::len)
}

/// Breadth first from `start` back to `start`.
fn circle_through(uses: &Uses<'_>, start: &str) -> Option<Vec<String>> {
    let mut paths = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while !paths.is_empty() {
        let mut longer = Vec::new();
        for path in paths {
            let targets = path.last().and_then(|last| uses.get(last)).into_iter().flat_map(BTreeMap::keys);
            for target in targets {
                if target == start {
                    return Some(path);
                }
                if seen.insert(target.clone()) {
                    longer.push(path.iter().cloned().chain([target.clone()]).collect());
                }
            }
        }
        paths = longer;
    }
    None
}
