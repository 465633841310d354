//! A configuration as one JSON object that a form can change, and the way back: a secret leaves as `<secret>`, and where that text
//! comes back the stored one is put in its place.
//!
//! Receivers are found by their names, everything else by its place. A receiver that was renamed is the one that stood in its place,
//! when its old name is gone.

use serde_json::{Map, Value as Json};
use yaml::{Finding, Findings, Node, Value};

use super::normalise;
use super::print::{SECRET, is_secret, without_password};

/// The tree without secrets; what is null is left out.
pub(super) fn document(root: &Node) -> Json {
    shown(root, "", "")
}

fn shown(node: &Node, key: &str, parent: &str) -> Json {
    match &node.value {
        Value::Mapping(entries) => {
            let of = entries.iter().filter(|(_, value)| !value.is_null());
            of.map(|(name, value)| (name.text.clone(), shown(value, &name.text, key))).collect::<Map<_, _>>().into()
        }
        Value::Sequence(items) => items.iter().map(|item| shown_item(item, key, parent)).collect(),
        Value::Scalar { text, plain } => {
            let hidden = hides(key, parent) || *without_password(text) != **text;
            if hidden && !text.is_empty() { SECRET.into() } else { scalar(text, *plain) }
        }
        Value::Null => Json::Null,
    }
}

/// An item of a list has the key of the list.
fn shown_item(item: &Node, key: &str, parent: &str) -> Json {
    match &item.value {
        Value::Scalar { .. } | Value::Null => shown(item, key, parent),
        _ => shown(item, key, ""),
    }
}

/// URLs of receivers are as good as passwords.
fn hides(key: &str, parent: &str) -> bool {
    is_secret(key, parent) || (key == "url" && parent.ends_with("_configs"))
}

fn scalar(text: &str, plain: bool) -> Json {
    if plain {
        match text {
            "true" => return true.into(),
            "false" => return false.into(),
            _ => {}
        }
        // Only what comes back letter by letter.
        if let Some(n) = text.parse::<i64>().ok().filter(|n| n.to_string() == text) {
            return n.into();
        }
    }
    text.into()
}

/// The text of a configuration with the secrets of `stored` where it says `<secret>`; a text without any comes back as it is.
///
/// # Errors
/// A place where nothing is stored, or a text that is not YAML.
pub fn with_secrets(text: &str, stored: &str) -> Result<String, Vec<Finding>> {
    if !text.contains(SECRET) {
        return Ok(text.to_owned());
    }
    let mut findings = Findings::default();
    let mut root = yaml::parse("", text).map_err(|e| {
        let mut findings = Findings::default();
        findings.error(&e.place, "", e.message, "");
        findings.into_sorted()
    })?;
    // What does not parse holds no secret that could be found.
    let old = yaml::parse("", stored).ok().map(|mut old| {
        normalise::email_aliases(&mut old, &mut Findings::default());
        normalise::modern(&old)
    });
    let found = fill(&mut root, old.as_ref(), "", &mut findings);
    if findings.has_errors() {
        return Err(findings.into_sorted());
    }
    if found == 0 {
        return Ok(text.to_owned());
    }
    let mut out = String::new();
    write(&root, 0, &mut out);
    out.push('\n');
    Ok(out)
}

/// Puts secrets in; how many there were.
fn fill(node: &mut Node, old: Option<&Node>, path: &str, findings: &mut Findings) -> usize {
    let place = node.place.clone();
    match &mut node.value {
        Value::Scalar { text, .. } if text == SECRET => {
            match old.and_then(Node::as_str).filter(|secret| *secret != SECRET) {
                Some(secret) => secret.clone_into(text),
                None => {
                    findings.error(&place, path, "no secret is stored here", "write the secret itself");
                }
            }
            1
        }
        Value::Scalar { .. } | Value::Null => 0,
        Value::Mapping(entries) => {
            let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let each = entries
                .iter_mut()
                .map(|(key, value)| fill(value, old.and_then(|old| old.get(&key.text)), &below(&key.text), findings));
            each.sum()
        }
        Value::Sequence(items) => {
            let names: Vec<Option<String>> = items.iter().map(|item| name(item).map(str::to_owned)).collect();
            let of = old.map(Node::items).unwrap_or_default();
            let by_name = path == "receivers";
            let each = items.iter_mut().enumerate().map(|(at, item)| {
                let old = if by_name { receiver(of, &names, at) } else { of.get(at) };
                fill(item, old, &format!("{path}[{at}]"), findings)
            });
            each.sum()
        }
    }
}

fn name(receiver: &Node) -> Option<&str> {
    receiver.get("name").and_then(Node::as_str)
}

/// The old one of a receiver: of its name, or the one in its place whose name is gone.
fn receiver<'a>(old: &'a [Node], names: &[Option<String>], at: usize) -> Option<&'a Node> {
    let wanted = names.get(at)?.as_deref();
    let same = old.iter().find(|each| wanted.is_some() && name(each) == wanted);
    same.or_else(|| {
        let there = old.get(at)?;
        let gone = !names.iter().any(|each| each.as_deref() == name(there));
        gone.then_some(there)
    })
}

/// Writes the tree as JSON, which is YAML: the order of keys stays.
fn write(node: &Node, indent: usize, out: &mut String) {
    let line = |out: &mut String, indent: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
    };
    let mut list = |open: char, close: char, n: usize, each: &mut dyn FnMut(usize, &mut String)| {
        out.push(open);
        for at in 0..n {
            line(out, indent + 2);
            each(at, out);
            if at + 1 < n {
                out.push(',');
            }
        }
        if n > 0 {
            line(out, indent);
        }
        out.push(close);
    };
    match &node.value {
        Value::Mapping(entries) => list('{', '}', entries.len(), &mut |at, out| {
            if let Some((key, value)) = entries.get(at) {
                out.push_str(&Json::from(&*key.text).to_string());
                out.push_str(": ");
                write(value, indent + 2, out);
            }
        }),
        Value::Sequence(items) => list('[', ']', items.len(), &mut |at, out| {
            if let Some(item) = items.get(at) {
                write(item, indent + 2, out);
            }
        }),
        Value::Null => out.push_str("null"),
        Value::Scalar { text, plain } => out.push_str(&scalar(text, *plain).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = "\
global: {smtp_auth_password: mail-pass, resolve_timeout: 5m}
route: {receiver: chat, routes: [{match: {team: db}, receiver: hook}]}
receivers:
- name: chat
  slack_configs:
  - {api_url: https://hooks.example/T/B/x, channel: '#ops', send_resolved: true, title: null}
- name: hook
  webhook_configs:
  - {url: http://one.example/a, max_alerts: 5}
  - {url: 'http://u:pw@two.example/b', http_config: {basic_auth: {username: u, password: deep}}}
";

    fn stored() -> Json {
        document(&normalise::modern(&yaml::parse("", STORED).unwrap()))
    }

    #[test]
    fn a_document_has_no_secret_in_it() {
        let shown = stored();
        let text = shown.to_string();
        for secret in ["mail-pass", "T/B/x", "one.example", "pw", "deep"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert_eq!(shown["global"]["smtp_auth_password"], SECRET);
        assert_eq!(
            shown["receivers"][0]["slack_configs"][0],
            serde_json::json!({
                "api_url": SECRET, "channel": "#ops", "send_resolved": true
            })
        );
        assert_eq!(shown["receivers"][1]["webhook_configs"][0]["max_alerts"], 5);
        assert_eq!(shown["route"]["routes"][0]["matchers"][0], "team=\"db\"");
    }

    #[test]
    fn what_comes_back_gets_its_secrets() {
        let mut changed = stored();
        changed["receivers"][0]["slack_configs"][0]["channel"] = "#other".into();
        // Another order, and a new name in the same place.
        let hook = changed["receivers"][1].take();
        let chat = changed["receivers"][0].take();
        changed["receivers"] = serde_json::json!([hook, chat]);
        let back = yaml::parse("", &with_secrets(&changed.to_string(), STORED).unwrap()).unwrap();
        let at = |path: &[&str]| {
            let found = path.iter().try_fold(&back, |node, step| match step.parse::<usize>() {
                Ok(at) => node.items().get(at),
                Err(_) => node.get(step),
            });
            found.and_then(Node::as_str).unwrap_or_default().to_owned()
        };
        assert_eq!(at(&["global", "smtp_auth_password"]), "mail-pass");
        assert_eq!(at(&["receivers", "1", "slack_configs", "0", "api_url"]), "https://hooks.example/T/B/x");
        assert_eq!(at(&["receivers", "1", "slack_configs", "0", "channel"]), "#other");
        assert_eq!(at(&["receivers", "0", "webhook_configs", "1", "url"]), "http://u:pw@two.example/b");
        let deep = ["receivers", "0", "webhook_configs", "1", "http_config", "basic_auth", "password"];
        assert_eq!(at(&deep), "deep");
    }

    #[test]
    fn a_new_name_keeps_the_secrets_of_its_place_and_a_new_receiver_has_none() {
        let mut changed = stored();
        changed["receivers"][0]["name"] = "talk".into();
        assert!(with_secrets(&changed.to_string(), STORED).unwrap().contains("T/B/x"));
        let new = serde_json::json!({"name": "new", "slack_configs": [{"api_url": SECRET}]});
        changed["receivers"].as_array_mut().unwrap().push(new);
        let findings = with_secrets(&changed.to_string(), STORED).unwrap_err();
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].path, "receivers[2].slack_configs[0].api_url");
        assert!(findings[0].message.contains("no secret is stored here"));
        assert_eq!(with_secrets("route: {}\n# a comment", STORED).unwrap(), "route: {}\n# a comment");
    }
}
