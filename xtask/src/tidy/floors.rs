//! Crates stand on numbered floors and depend only downward (ARCHITECTURE.md, "Floors").

use std::collections::BTreeMap;

use super::Finding;
use super::manifest::Manifest;
use super::repository::Repository;

/// Every crate of the workspace that others may use has its floor here. Peers never depend on each other.
const FLOORS: [(&str, u8); 19] = [
    ("foundation", 0),
    ("model", 1),
    ("re2", 1),
    ("wal", 1),
    ("net", 1),
    ("yaml", 1),
    ("wire", 2),
    ("promql", 2),
    ("gotemplate", 2),
    ("tsdb", 3),
    ("eventstore", 3),
    ("metastore", 3),
    ("query", 4),
    ("pipeline", 4),
    ("derived", 4),
    ("storage", 4),
    ("alerting", 4),
    ("api", 6),
    ("bellrock", 7),
];

/// Tools beside the floors, and the crates that each may use.
const BESIDE: [(&str, &[&str]); 1] = [("loadgen", &["wire", "model", "foundation"])];

/// The binary wires everything, so it alone may hold a crate that stands beside the floors.
const TOP: u8 = 7;

const TABLE: &str = "xtask/src/tidy/floors.rs";

pub(crate) fn check(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    let manifests: BTreeMap<&str, (String, Manifest)> = repository
        .crate_folders()
        .into_iter()
        .filter_map(|folder| {
            let path = format!("crates/{folder}/Cargo.toml");
            let manifest = Manifest::parse(repository.get(&path)?);
            Some((folder, (path, manifest)))
        })
        .collect();
    for (folder, (path, manifest)) in &manifests {
        if manifest.name != *folder {
            findings.push(Finding::new(
                path,
                1,
                format!("package `{}` lives in the folder `{folder}`", manifest.name),
                "give folder and package one name",
            ));
        }
        if !manifest.workspace_lints {
            findings.push(Finding::new(
                path,
                1,
                "the workspace's lints are not switched on",
                "add `[lints]` with `workspace = true`",
            ));
        }
        findings.extend(misplaced(path, manifest, &manifests));
    }
    findings
}

fn misplaced(path: &str, manifest: &Manifest, all: &BTreeMap<&str, (String, Manifest)>) -> Vec<Finding> {
    let name = manifest.name.as_str();
    let ours = manifest.dependencies.iter().filter(|dep| all.contains_key(dep.package.as_str()));
    if let Some((_, allowed)) = BESIDE.iter().find(|(beside, _)| *beside == name) {
        return ours
            .filter(|dep| !allowed.contains(&dep.package.as_str()))
            .map(|dep| {
                Finding::new(
                    path,
                    dep.line,
                    format!(
                        "`{name}` stands beside the floors and may use only {}, not `{}`",
                        allowed.join(", "),
                        dep.package
                    ),
                    format!("drop the dependency, or widen the list in {TABLE} and say why in the commit"),
                )
            })
            .collect();
    }
    let Some(floor) = floor_of(name) else {
        return vec![Finding::new(
            path,
            1,
            format!("crate `{name}` has no floor"),
            format!("add it to FLOORS in {TABLE} and to the floor table in ARCHITECTURE.md"),
        )];
    };
    ours.filter_map(|dep| {
        let below = floor_of(&dep.package);
        match below {
            Some(below) if below < floor => None,
            Some(below) => Some(Finding::new(
                path,
                dep.line,
                format!(
                    "`{name}` (floor {floor}) depends on `{}` (floor {below}); dependencies go down only",
                    dep.package
                ),
                "let the lower crate define the small trait or function it needs, and meet in a higher crate",
            )),
            // Beside the floors: only the top may hold it. A crate in no table has its own finding.
            None if floor < TOP && BESIDE.iter().any(|(beside, _)| *beside == dep.package) => Some(Finding::new(
                path,
                dep.line,
                format!("`{name}` (floor {floor}) depends on `{}`, which stands beside the floors", dep.package),
                "make it a dev-dependency, or wire it in the binary",
            )),
            None => None,
        }
    })
    .collect()
}

fn floor_of(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(known, _)| *known == name).map(|(_, floor)| *floor)
}
