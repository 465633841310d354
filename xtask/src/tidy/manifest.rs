//! As much of a `Cargo.toml` as the checks need: the package name, the dependencies, the lints.
//!
//! A line reader, not a TOML parser: our manifests keep one dependency a line (or one table each), and a
//! manifest that does not is reported by the compiler or by the floors check as a dependency it cannot place.

/// A dependency on a package, with the line that asks for it (from 1).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) package: String,
    pub(crate) line: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    /// `[dependencies]` and `[build-dependencies]`, for every target; `[dev-dependencies]` are free.
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) workspace_lints: bool,
}

impl Manifest {
    pub(crate) fn parse(text: &str) -> Self {
        let mut manifest = Self::default();
        let mut section = String::new();
        for (index, raw) in text.lines().enumerate() {
            let line = raw.split('#').next().unwrap_or_default().trim();
            if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = header.trim_matches(['[', ']']).trim().to_owned();
                if let Some(package) = table_dependency(&section) {
                    manifest.dependencies.push(Dependency { package: package.to_owned(), line: index + 1 });
                }
                continue;
            }
            let Some((key, value)) = line.split_once('=') else { continue };
            let (key, value) = (key.trim(), value.trim());
            match section.as_str() {
                "package" if key == "name" => manifest.name = unquote(value).to_owned(),
                "lints" if key == "workspace" && value == "true" => manifest.workspace_lints = true,
                _ if is_dependencies(&section) => {
                    let alias = key.split('.').next().unwrap_or(key);
                    let package = renamed_to(value).unwrap_or_else(|| unquote(alias));
                    manifest.dependencies.push(Dependency { package: package.to_owned(), line: index + 1 });
                }
                _ if table_dependency(&section).is_some() && key == "package" => {
                    if let Some(last) = manifest.dependencies.last_mut() {
                        last.package = unquote(value).to_owned();
                    }
                }
                _ => {}
            }
        }
        manifest
    }
}

/// `dependencies`, `build-dependencies` and `target.<cfg>.dependencies`.
fn is_dependencies(section: &str) -> bool {
    let last = section.rsplit('.').next().unwrap_or(section);
    matches!(last, "dependencies" | "build-dependencies") && (last == section || section.starts_with("target."))
}

/// The `x` of a table `[dependencies.x]`.
fn table_dependency(section: &str) -> Option<&str> {
    let (table, package) = section.rsplit_once('.')?;
    is_dependencies(table).then(|| unquote(package))
}

/// The `x` of an inline table `{ package = "x", .. }`.
fn renamed_to(value: &str) -> Option<&str> {
    let rest = value.strip_prefix('{')?.split("package").nth(1)?.trim_start().strip_prefix('=')?;
    rest.split('"').nth(1)
}

fn unquote(text: &str) -> &str {
    text.trim().trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_spelling_of_a_dependency_and_leaves_dev_dependencies() {
        let manifest = Manifest::parse(
            "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nc = \"1\" # why\nd = { path = \"..\", package = \"dd\" }\n\
             [dependencies.e]\nversion = \"1\"\n[target.'cfg(unix)'.dependencies]\nf = \"1\"\n[build-dependencies]\ng = \"1\"\n\
             [dev-dependencies]\nh = \"1\"\n[dev-dependencies.i]\nversion = \"1\"\n[lints]\nworkspace = true\n",
        );
        let found: Vec<_> = manifest.dependencies.iter().map(|dep| (dep.package.as_str(), dep.line)).collect();
        assert_eq!(manifest.name, "a");
        assert_eq!(found, [("b", 4), ("c", 5), ("dd", 6), ("e", 7), ("f", 10), ("g", 12)]);
        assert!(manifest.workspace_lints);
    }
}
