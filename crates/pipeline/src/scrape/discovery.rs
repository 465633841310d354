//! Finds targets: those that are written down, and those in files.
//!
//! Source: prometheus.io, `static_config` and `file_sd_config`. Files are JSON or YAML lists of `{targets, labels}`; one that cannot be
//! read any more keeps the targets it had.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;
use yaml::Findings;

use super::config::{Group, ScrapeConfig};

/// An address with its labels.
pub(super) type Discovered = (String, Vec<(String, String)>);

/// A file of targets is at most this large.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Files that were read, and what was in them.
#[derive(Default)]
pub(super) struct Files(HashMap<PathBuf, Read>);

struct Read {
    stamp: Option<(SystemTime, u64)>,
    groups: Vec<Group>,
}

impl Files {
    /// All targets of a pool as of now.
    pub(super) fn discover(&mut self, config: &ScrapeConfig) -> Vec<Discovered> {
        let mut found = Vec::new();
        config.static_configs.iter().for_each(|g| addresses(g, None, &mut found));
        for pattern in config.file_sd_configs.iter().flat_map(|sd| &sd.files) {
            for path in matching(pattern) {
                self.groups(&path).iter().for_each(|g| addresses(g, Some(&path), &mut found));
            }
        }
        found
    }

    fn groups(&mut self, path: &Path) -> &[Group] {
        let read = self.0.entry(path.to_owned()).or_insert(Read { stamp: None, groups: Vec::new() });
        let stamp = std::fs::metadata(path).and_then(|m| Ok((m.modified()?, m.len())));
        match stamp {
            Ok(stamp) if read.stamp == Some(stamp) => {}
            Ok(stamp) => {
                match read_groups(path, stamp.1) {
                    Ok(groups) => read.groups = groups,
                    Err(why) => {
                        tracing::warn!(file = %path.display(), "targets cannot be read, the ones before stay: {why}")
                    }
                }
                read.stamp = Some(stamp);
            }
            // The file is gone: so are its targets.
            Err(_) => (read.stamp, read.groups) = (None, Vec::new()),
        }
        &read.groups
    }
}

fn addresses(group: &Group, path: Option<&Path>, found: &mut Vec<Discovered>) {
    for target in &group.targets {
        let mut labels = group.labels.clone();
        labels.extend(path.map(|p| ("__meta_filepath".to_owned(), p.display().to_string())));
        found.push((target.clone(), labels));
    }
}

/// The files of a pattern, whose last part may have one `*`.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let name = pattern.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let Some((before, after)) = name.split_once('*') else { return vec![pattern.to_owned()] };
    let dir = pattern.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let matches = |n: &str| n.len() >= before.len() + after.len() && n.starts_with(before) && n.ends_with(after);
    let mut found: Vec<PathBuf> =
        entries.flatten().filter(|e| e.file_name().to_str().is_some_and(matches)).map(|e| e.path()).collect();
    found.sort_unstable();
    found
}

#[derive(Deserialize)]
struct RawGroup {
    #[serde(default)]
    targets: Vec<String>,
    #[serde(default)]
    labels: HashMap<String, String>,
}

fn read_groups(path: &Path, len: u64) -> Result<Vec<Group>, String> {
    if len > FILE_BYTES_MAX {
        return Err(format!("it has {len} bytes, more than {FILE_BYTES_MAX}"));
    }
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    // JSON is YAML.
    let node = yaml::parse("", &text).map_err(|e| e.to_string())?;
    let mut findings = Findings::default();
    let groups: Option<Vec<RawGroup>> = node.read("", &mut findings);
    let groups = groups.filter(|_| !findings.has_errors()).ok_or_else(|| findings.to_string())?;
    let group = |g: RawGroup| {
        let mut labels: Vec<_> = g.labels.into_iter().collect();
        labels.sort_unstable();
        Group { targets: g.targets, labels }
    };
    Ok(groups.into_iter().map(group).collect())
}

#[cfg(test)]
mod tests {
    use foundation::disk::{RealDisk, write_atomic};

    use super::*;

    #[test]
    fn files_are_yaml_or_json_and_what_is_wrong_with_them_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("targets.json");
        let read = |text: &str| {
            write_atomic(&RealDisk, &path, text.as_bytes()).unwrap();
            read_groups(&path, text.len() as u64)
        };
        let groups = read("[{\"targets\": [\"a:1\"], \"labels\": {\"b\": \"2\", \"a\": \"1\"}}]").unwrap();
        assert_eq!(groups, read("- targets: ['a:1']\n  labels: {a: 1, b: 2}\n").unwrap());
        assert_eq!(groups[0].labels, [("a", "1"), ("b", "2")].map(|(name, value)| (name.to_owned(), value.to_owned())));
        for (text, expected) in [
            ("- target: [a]\n", "1:3: error: [0]: unknown field `target`; did you mean `targets`?"),
            ("- targets: a:1\n", "1:12: error: [0].targets: a list is expected here, not `a:1`"),
            ("- targets: [\n", "1:12: this is not YAML: "),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.starts_with(expected), "{text:?}: {said}");
        }
    }
}
