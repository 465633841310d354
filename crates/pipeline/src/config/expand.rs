//! `${env:X}`, `${env:X:-default}`, `${X}`, `${file:path}`, `${yaml:text}`, `$$`, as in the Collector.
//!
//! A value that is nothing but a reference becomes what it refers to, read as YAML; in the middle of a text the text is put
//! in. `${1}` and `$1` stay: relabelling needs them. Source: OpenTelemetry, "Environment variables in the configuration".

use yaml::{Findings, Node, Place, Value};

use super::Collector;

/// References inside of what references refer to.
const DEPTH_MAX: usize = 8;

/// Where references lead. A test has its own.
pub trait Lookup {
    /// An environment variable.
    fn env(&self, name: &str) -> Option<String>;

    /// A file's text.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn file(&self, path: &str) -> Result<String, String>;
}

/// How much is expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Everything that the Collector expands.
    Collector,
    /// Only references with a scheme; `$$` and `${X}` stay as they are. For sections whose language is another.
    Schemes,
}

/// Expands everything below `node`, which stands at `path`.
pub fn expand(node: &mut Node, path: &str, extent: Extent, lookup: &dyn Lookup, findings: &mut Findings) {
    let expansion = Expansion { extent, lookup };
    expansion.node(node, path, 0, findings);
}

struct Expansion<'a> {
    extent: Extent,
    lookup: &'a dyn Lookup,
}

impl Expansion<'_> {
    fn node(&self, node: &mut Node, path: &str, depth: usize, findings: &mut Findings) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match &mut node.value {
            Value::Null => {}
            Value::Sequence(items) => {
                for (n, item) in items.iter_mut().enumerate() {
                    self.node(item, &format!("{path}[{n}]"), depth, findings);
                }
            }
            Value::Mapping(entries) => {
                for (key, value) in entries {
                    self.node(value, &below(&key.text), depth, findings);
                }
            }
            Value::Scalar { text, plain } if text.contains('$') => {
                let at = At { place: &node.place, path };
                match whole(text).filter(|_| *plain) {
                    Some(reference) if self.takes(reference) => {
                        let Some(found) = self.resolve(reference, &at, depth, findings) else { return };
                        node.value = value_of(&at, &found, findings);
                        if depth < DEPTH_MAX {
                            self.node(node, path, depth + 1, findings);
                        }
                    }
                    _ => {
                        let expanded = self.text(text, &at, depth, findings);
                        *text = expanded;
                    }
                }
            }
            Value::Scalar { .. } => {}
        }
    }

    /// Whether `${reference}` is one, and not something that stays.
    fn takes(&self, reference: &str) -> bool {
        match reference.split_once(':') {
            Some((scheme, _)) if is_name(scheme) => true,
            _ => self.extent == Extent::Collector && is_name(reference),
        }
    }

    fn text(&self, text: &str, at: &At<'_>, depth: usize, findings: &mut Findings) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            out.push_str(&rest[..dollar]);
            rest = &rest[dollar..];
            if self.extent == Extent::Collector && rest.starts_with("$$") {
                out.push('$');
                rest = &rest[2..];
                continue;
            }
            match reference(rest).filter(|(inside, _)| self.takes(inside)) {
                Some((inside, after)) => {
                    let found = self.resolve(inside, at, depth, findings).unwrap_or_default();
                    let again = depth < DEPTH_MAX && found.contains("${");
                    out.push_str(&if again { self.text(&found, at, depth + 1, findings) } else { found });
                    rest = after;
                }
                None => {
                    out.push('$');
                    rest = &rest[1..];
                }
            }
        }
        out.push_str(rest);
        out
    }

    /// What `${inside}` refers to; `None` after saying why not.
    fn resolve(&self, inside: &str, at: &At<'_>, depth: usize, findings: &mut Findings) -> Option<String> {
        let (scheme, what) = inside.split_once(':').filter(|(s, _)| is_name(s)).unwrap_or(("env", inside));
        match scheme {
            "env" => {
                let (name, default) = what.split_once(":-").map_or((what, None), |(name, d)| (name, Some(d)));
                if !is_name(name) {
                    findings.error(
                        at.place,
                        at.path,
                        format!("`{name}` is not the name of an environment variable"),
                        "",
                    );
                    return None;
                }
                match (self.lookup.env(name).filter(|v| default.is_none() || !v.is_empty()), default) {
                    (Some(value), _) => Some(value),
                    (None, Some(default)) => Some(self.text(default, at, depth + 1, findings)),
                    (None, None) => {
                        let message =
                            format!("the environment variable {name} is not set, nothing is put in its place");
                        let fix = format!("set it, or write a default as `${{env:{name}:-value}}`");
                        findings.warning(at.place, at.path, message, fix, Some(Collector::Accepts.into()));
                        Some(String::new())
                    }
                }
            }
            "file" => self
                .lookup
                .file(what)
                .map(|text| text.trim_end().to_owned())
                .map_err(|e| findings.error(at.place, at.path, format!("cannot read the file `{what}`: {e}"), ""))
                .ok(),
            "yaml" => Some(what.to_owned()),
            other => {
                let message = format!("`${{{other}:...}}` is not known; there is env, file and yaml");
                findings.error(at.place, at.path, message, "");
                None
            }
        }
    }
}

/// Where a reference stands.
struct At<'a> {
    place: &'a Place,
    path: &'a str,
}

/// What was found, as the file would have had it in that place.
fn value_of(at: &At<'_>, found: &str, findings: &mut Findings) -> Value {
    // Only mappings and lists need the YAML reader; a word may look like anything.
    if found.contains([':', '[', '{', '\n']) && !found.contains("${") {
        match yaml::parse(&at.place.file, found) {
            Ok(node) if matches!(node.value, Value::Mapping(_) | Value::Sequence(_)) && !node_is_url(found) => {
                return moved(node, at.place).value;
            }
            Ok(_) => {}
            Err(_) if found.contains('\n') => {}
            Err(e) => {
                findings.warning(at.place, at.path, format!("is read as a text: {}", e.message), "", None);
            }
        }
    }
    match found {
        "" | "~" | "null" => Value::Null,
        _ => Value::Scalar { text: found.to_owned(), plain: true },
    }
}

/// `0.0.0.0:4317` and `http://x` hold colons and are texts all the same.
fn node_is_url(found: &str) -> bool {
    !found.contains('\n') && !found.contains(": ") && !found.starts_with(['[', '{']) && !found.ends_with(':')
}

/// Everything that was put in stands where the reference stood.
fn moved(mut node: Node, place: &Place) -> Node {
    node.place = place.clone();
    node.value = match node.value {
        Value::Sequence(items) => Value::Sequence(items.into_iter().map(|n| moved(n, place)).collect()),
        Value::Mapping(entries) => Value::Mapping(
            entries
                .into_iter()
                .map(|(mut key, value)| {
                    key.place = place.clone();
                    (key, moved(value, place))
                })
                .collect(),
        ),
        other => other,
    };
    node
}

/// The inside when `text` is one reference and nothing else.
fn whole(text: &str) -> Option<&str> {
    reference(text.trim()).filter(|(_, after)| after.is_empty()).map(|(inside, _)| inside)
}

/// The inside of the reference that `text` begins with, and what follows it. Braces may nest.
fn reference(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix("${")?;
    let mut depth = 1;
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&inside[..at], &inside[at + 1..]));
        }
    }
    None
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Lookup for Fixed {
        fn env(&self, name: &str) -> Option<String> {
            let known =
                [("HOST", "10.0.0.1:4317"), ("N", "5"), ("LIST", "[a, b]"), ("OUTER", "${env:N}"), ("EMPTY", "")];
            known.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        }

        fn file(&self, path: &str) -> Result<String, String> {
            match path {
                "token" => Ok("secret\n".to_owned()),
                _ => Err("no such file".to_owned()),
            }
        }
    }

    fn expanded(text: &str, extent: Extent) -> (Node, Findings) {
        let mut node = yaml::parse("f", text).unwrap();
        let mut findings = Findings::default();
        expand(&mut node, "", extent, &Fixed, &mut findings);
        (node, findings)
    }

    #[test]
    fn references_become_what_they_refer_to() {
        let text = "a: ${env:HOST}\nb: ${N}\nc: '${N}'\nd: x-${env:N}-${file:token}\ne: ${env:LIST}\nf: ${env:NO:-7}\n\
                    g: ${env:EMPTY:-${env:N}}\nh: $$5 ${1} $1\ni: ${env:OUTER}\n";
        let (node, findings) = expanded(text, Extent::Collector);
        assert!(findings.is_empty(), "{findings}");
        let of = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
        let all: Vec<String> = ["a", "b", "c", "d", "f", "g", "h", "i"].map(of).into();
        assert_eq!(all, ["10.0.0.1:4317", "5", "5", "x-5-secret", "7", "5", "$5 ${1} $1", "5"]);
        assert_eq!(node.get("e").unwrap().items().len(), 2);
        assert_eq!(
            node.get("c").unwrap().value,
            Value::Scalar { text: "5".into(), plain: false },
            "quoted stays a text"
        );
    }

    #[test]
    fn other_languages_keep_their_dollars() {
        let (node, findings) = expanded("a: $$x ${X} ${env:N}\n", Extent::Schemes);
        assert!(findings.is_empty());
        assert_eq!(node.get("a").and_then(Node::as_str), Some("$$x ${X} 5"));
    }

    #[test]
    fn what_leads_nowhere_is_said_with_its_line() {
        let (_, findings) = expanded("a: 1\nb: ${env:NO}\nc: ${file:gone}\nd: ${s3:x}\n", Extent::Collector);
        assert_eq!(
            findings.to_string(),
            "f:2:4: warning: b: the environment variable NO is not set, nothing is put in its place; set it, or write a \
             default as `${env:NO:-value}` (the Collector accepts it as it is)\n\
             f:3:4: error: c: cannot read the file `gone`: no such file\n\
             f:4:4: error: d: `${s3:...}` is not known; there is env, file and yaml"
        );
    }
}
