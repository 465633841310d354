//! Files -> one document: read, expanded, merged in the order they are named; the later wins.
//!
//! A file is named by its path, or as the Collector does: `file:path`, `env:NAME` (a variable that holds YAML),
//! `yaml:processors::batch::timeout: 2s` (`::` stands for a level). Mappings are merged, lists and values replaced.

use yaml::{Findings, Node, Place, Value};

use super::expand::{Extent, Lookup, expand};

/// The sections that the Collector has; what they hold is expanded as it does.
pub const COLLECTOR_SECTIONS: [&str; 6] =
    ["receivers", "processors", "exporters", "connectors", "extensions", "service"];

/// Reads `sources` into one document. Problems are in `findings`; what could be read is there.
pub fn load(sources: &[String], lookup: &dyn Lookup, findings: &mut Findings) -> Node {
    let mut document: Option<Node> = None;
    for source in sources {
        if let Some(mut node) = parse(source, lookup, findings) {
            expand_sections(&mut node, lookup, findings);
            match &mut document {
                None => document = Some(node),
                Some(document) => merge(document, node),
            }
        }
    }
    let nowhere = Place { file: sources.first().map_or("", String::as_str).into(), line: 1, column: 1 };
    document.unwrap_or_else(|| Node::empty_map(nowhere))
}

fn parse(source: &str, lookup: &dyn Lookup, findings: &mut Findings) -> Option<Node> {
    let nowhere = Place { file: source.into(), line: 1, column: 1 };
    let (name, text) = if let Some(variable) = source.strip_prefix("env:") {
        (source, lookup.env(variable).ok_or_else(|| "the environment variable is not set".to_owned()))
    } else if let Some(text) = source.strip_prefix("yaml:") {
        ("yaml:", Ok(levels(text)))
    } else {
        let path = source.strip_prefix("file:").unwrap_or(source);
        (path, lookup.file(path))
    };
    let text =
        text.map_err(|e| findings.error(&nowhere, "config", format!("cannot read the configuration: {e}"), "")).ok()?;
    match yaml::parse(name, &text) {
        Ok(node) if matches!(node.value, Value::Mapping(_)) => Some(node),
        Ok(node) if node.is_null() => Some(Node::empty_map(node.place)),
        Ok(node) => {
            let message = format!("a configuration is a mapping, as `receivers: ...`, not {}", node.what());
            findings.error(&node.place, "config", message, "");
            None
        }
        Err(e) => {
            findings.error(&e.place, "config", e.message, "");
            None
        }
    }
}

/// `a::b: c` as YAML with its levels.
fn levels(text: &str) -> String {
    let (path, value) = text.split_once(": ").unwrap_or((text.trim_end_matches(':'), ""));
    let parts: Vec<&str> = path.split("::").collect();
    let mut out = String::new();
    for (depth, part) in parts.iter().enumerate() {
        out.push_str(&format!("{}{part}:", "  ".repeat(depth)));
        out.push(if depth + 1 == parts.len() { ' ' } else { '\n' });
    }
    out + value + "\n"
}

fn expand_sections(node: &mut Node, lookup: &dyn Lookup, findings: &mut Findings) {
    if let Value::Mapping(entries) = &mut node.value {
        for (key, value) in entries {
            let collector = COLLECTOR_SECTIONS.contains(&key.text.as_str());
            let extent = if collector { Extent::Collector } else { Extent::Schemes };
            expand(value, &key.text, extent, lookup, findings);
        }
    }
}

/// Lays `over` on top of `base`.
fn merge(base: &mut Node, over: Node) {
    match (&mut base.value, over) {
        (Value::Mapping(entries), Node { value: Value::Mapping(more), .. }) => {
            for (key, value) in more {
                match entries.iter_mut().find(|(k, _)| k.text == key.text) {
                    Some((_, old)) => merge(old, value),
                    None => entries.push((key, value)),
                }
            }
        }
        // A mapping stays when nothing is laid over it: `otlp:` in a second file takes nothing away.
        (Value::Mapping(_), Node { value: Value::Null, .. }) => {}
        (_, over) => *base = over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Files;

    impl Lookup for Files {
        fn env(&self, name: &str) -> Option<String> {
            (name == "EXTRA").then(|| "processors: {batch: {timeout: 3s}}".to_owned())
        }

        fn file(&self, path: &str) -> Result<String, String> {
            match path {
                "a" => Ok("receivers:\n  otlp: {x: 1}\nprocessors:\n  batch: {size: 1, list: [1, 2]}\n".to_owned()),
                "b" => Ok("receivers:\n  otlp:\nprocessors:\n  batch: {size: 2, list: [3]}\n".to_owned()),
                "list" => Ok("- a\n".to_owned()),
                _ => Err("No such file or directory".to_owned()),
            }
        }
    }

    #[test]
    fn later_files_win() {
        let sources = ["a", "file:b", "env:EXTRA", "yaml:processors::batch::timeout: 4s"].map(str::to_owned);
        let mut findings = Findings::default();
        let node = load(&sources, &Files, &mut findings);
        assert!(findings.is_empty(), "{findings}");
        let batch = node.get("processors").and_then(|p| p.get("batch")).unwrap();
        assert_eq!(batch.get("size").and_then(Node::as_str), Some("2"));
        assert_eq!(batch.get("size").unwrap().place.file.as_ref(), "b", "a value knows the file it comes from");
        assert_eq!(batch.get("list").unwrap().items().len(), 1);
        assert_eq!(batch.get("timeout").and_then(Node::as_str), Some("4s"));
        assert!(node.get("receivers").and_then(|r| r.get("otlp")).and_then(|o| o.get("x")).is_some());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (source, expected) in [
            ("gone", "gone:1:1: error: config: cannot read the configuration: No such file or directory"),
            ("env:NO", "env:NO:1:1: error: config: cannot read the configuration: the environment variable is not set"),
            ("list", "list:1:1: error: config: a configuration is a mapping, as `receivers: ...`, not a list"),
        ] {
            let mut findings = Findings::default();
            load(&[source.to_owned()], &Files, &mut findings);
            assert_eq!(findings.to_string(), expected);
        }
    }
}
