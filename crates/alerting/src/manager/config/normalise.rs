//! What is not as Alertmanager has it, made so: names that people write into `email_configs`, and deprecated matchers.

use yaml::{Findings, Key, Node, Place, Value};

use crate::manager::matchers::{Matcher, Op};
use crate::notification::REFUSED;

/// `subject` and `body` of an email become `headers.Subject` and `html` or `text`. What is given explicitly wins.
pub(super) fn email_aliases(root: &mut Node, findings: &mut Findings) {
    let Some(receivers) = get_mut(root, "receivers") else { return };
    for (at, receiver) in items_mut(receivers).iter_mut().enumerate() {
        let Some(emails) = get_mut(receiver, "email_configs") else { continue };
        for (n, email) in items_mut(emails).iter_mut().enumerate() {
            let path = format!("receivers[{at}].email_configs[{n}]");
            if let Some((key, subject)) = take(email, "subject") {
                alias(&key, &path, "headers: {Subject: ...}", findings);
                set_header(email, "Subject", subject);
            }
            if let Some((key, body)) = take(email, "body") {
                let html = body.as_str().is_some_and(is_html);
                alias(&key, &path, if html { "html" } else { "text" }, findings);
                set_body(email, html, body);
            }
        }
    }
}

fn alias(key: &Key, path: &str, name: &str, findings: &mut Findings) {
    let message = format!("`{}` is not a field of Alertmanager; it is taken as `{name}`", key.text);
    findings.warning(&key.place, path, message, format!("write `{name}`"), Some(REFUSED));
}

/// A tag, or one of Alertmanager's own templates of emails.
fn is_html(body: &str) -> bool {
    let tag =
        |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') && rest.contains('>');
    body.split('<').skip(1).any(tag) || body.contains("{{ template \"email.")
}

fn set_header(email: &mut Node, name: &str, value: Node) {
    if get_mut(email, "headers").is_none() {
        push(email, "headers", value.place.clone(), Value::Mapping(Vec::new()));
    }
    let Some(headers) = get_mut(email, "headers") else { return };
    if headers.is_null() {
        headers.value = Value::Mapping(Vec::new());
    }
    if !headers.entries().iter().any(|(k, _)| k.text.eq_ignore_ascii_case(name)) {
        push(headers, name, value.place, value.value);
    }
}

/// The default HTML part would win over a text in every mail client, so it is taken away.
fn set_body(email: &mut Node, html: bool, body: Node) {
    let place = body.place;
    if html && email.get("html").is_none() {
        push(email, "html", place, body.value);
    } else if !html && email.get("text").is_none() {
        push(email, "text", place.clone(), body.value);
        if email.get("html").is_none() {
            push(email, "html", place, Value::Scalar { text: String::new(), plain: false });
        }
    }
}

/// The tree with `match`, `match_re` and their kin as `matchers`, for those who look at it.
pub(super) fn modern(root: &Node) -> Node {
    let mut root = root.clone();
    if let Some(route) = get_mut(&mut root, "route") {
        modern_route(route);
    }
    if let Some(rules) = get_mut(&mut root, "inhibit_rules") {
        for rule in items_mut(rules) {
            modern_matchers(rule, "source_match", "source_match_re", "source_matchers");
            modern_matchers(rule, "target_match", "target_match_re", "target_matchers");
        }
    }
    root
}

fn modern_route(route: &mut Node) {
    modern_matchers(route, "match", "match_re", "matchers");
    if let Some(routes) = get_mut(route, "routes") {
        items_mut(routes).iter_mut().for_each(modern_route);
    }
}

fn modern_matchers(of: &mut Node, equal: &str, regular: &str, into: &str) {
    let mut made = Vec::new();
    for (field, op) in [(equal, Op::Equal), (regular, Op::Regexp)] {
        let Some((key, old)) = take(of, field) else { continue };
        for (name, value) in old.entries() {
            if let Ok(matcher) = Matcher::new(&*name.text, op, value.as_str().unwrap_or_default()) {
                let value = Value::Scalar { text: matcher.to_string(), plain: false };
                made.push(Node { place: key.place.clone(), value });
            }
        }
    }
    if made.is_empty() {
        return;
    }
    match get_mut(of, into).map(|n| &mut n.value) {
        Some(Value::Sequence(items)) => items.splice(0..0, made).for_each(drop),
        _ => {
            take(of, into);
            push(of, into, Place::default(), Value::Sequence(made));
        }
    }
}

fn get_mut<'a>(node: &'a mut Node, key: &str) -> Option<&'a mut Node> {
    match &mut node.value {
        Value::Mapping(entries) => entries.iter_mut().find(|(k, _)| k.text == key).map(|(_, n)| n),
        _ => None,
    }
}

fn items_mut(node: &mut Node) -> &mut [Node] {
    match &mut node.value {
        Value::Sequence(items) => items,
        _ => &mut [],
    }
}

fn take(node: &mut Node, key: &str) -> Option<(Key, Node)> {
    let Value::Mapping(entries) = &mut node.value else { return None };
    let at = entries.iter().position(|(k, _)| k.text == key)?;
    Some(entries.remove(at))
}

fn push(node: &mut Node, key: &str, place: Place, value: Value) {
    if let Value::Mapping(entries) = &mut node.value {
        entries.push((Key { place: place.clone(), text: key.to_owned() }, Node { place, value }));
    }
}
