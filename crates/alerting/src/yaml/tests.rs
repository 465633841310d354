//! Trees of texts, and types read from them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;
use crate::finding::Findings;

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Channel {
    url: String,
    port: Option<u16>,
    send_resolved: bool,
    headers: BTreeMap<String, String>,
    inner: Option<Box<Channel>>,
}

fn read(text: &str) -> (Result<Channel, YamlError>, Vec<String>) {
    let mut findings = Findings::default();
    let read = Node::parse(text).unwrap().read("c", &mut findings);
    (read, findings.iter().map(ToString::to_string).collect())
}

#[test]
fn fills_types_and_keeps_texts_as_they_are_written() {
    let (read, findings) =
        read("url: 0123\nport: 25\nsend_resolved: yes\nheaders: {a: 1.50, b: \"x\"}\ninner:\n  url: null\n");
    let channel = read.unwrap();
    assert_eq!((channel.url.as_str(), channel.port, channel.send_resolved), ("0123", Some(25), true));
    assert_eq!(channel.headers["a"], "1.50");
    assert_eq!(channel.inner.unwrap().url, "");
    assert_eq!(findings, Vec::<String>::new());
}

#[test]
fn every_unknown_field_is_noted_with_its_place_and_the_nearest_name() {
    let (read, findings) = read("ulr: a\nport: 1\ninner:\n  send_resolvd: true\n  zzz: 1\n");
    assert_eq!(read.unwrap().port, Some(1));
    assert_eq!(
        findings,
        [
            "1:1: c: unknown field `ulr` (did you mean `url`?)",
            "4:3: c.inner: unknown field `send_resolvd` (did you mean `send_resolved`?)",
            "5:3: c.inner: unknown field `zzz` (there are url, port, send_resolved, headers, inner)",
        ]
    );
}

#[test]
fn a_wrong_type_is_where_it_is() {
    let (read, _) = read("url: a\ninner:\n  port: many\n");
    assert_eq!(read.unwrap_err().to_string(), "3:9: port: `many` is not a number that fits here");
    let (read, _) = self::read("headers: [a]\n");
    assert_eq!(read.unwrap_err().to_string(), "1:10: headers: a mapping was expected");
}

#[test]
fn aliases_and_merged_keys_are_filled_in() {
    let text = "a: &x {url: u, port: 1}\nb:\n  <<: *x\n  port: 2\nc: *x\n";
    let node = Node::parse(text).unwrap();
    let text_of = |path: [&str; 2]| node.get(path[0]).and_then(|n| n.get(path[1])).and_then(Node::as_str);
    assert_eq!(text_of(["b", "url"]), Some("u"));
    assert_eq!(text_of(["b", "port"]), Some("2"));
    assert_eq!(text_of(["c", "port"]), Some("1"));
}

#[test]
fn what_is_not_yaml_is_an_error_with_its_place() {
    for (text, line) in
        [("a: [1\nb: 2\n", 2), ("a: 1\na: 2\n", 2), ("a: *x\n", 1), ("a: 1\n---\nb: 1\n", 2), ("a:\n\t- b\n", 2)]
    {
        let e = Node::parse(text).unwrap_err();
        assert_eq!(e.place.line, line, "{text:?}: {e}");
    }
    assert!(Node::parse("").unwrap().is_null());
    assert!(Node::parse("# nothing\n").unwrap().is_null());
}

#[test]
fn aliases_cannot_make_a_small_text_large() {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for n in 1..9 {
        let of = format!("*a{}", n - 1);
        text += &format!("a{n}: &a{n} [{}]\n", [of.as_str(); 10].join(","));
    }
    assert!(Node::parse(&text).unwrap_err().message.contains("more than"));
    let deep = "[".repeat(200) + &"]".repeat(200);
    assert!(Node::parse(&deep).is_err());
}
