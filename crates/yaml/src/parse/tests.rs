//! Trees of texts, and what is no tree.

use super::*;

fn text_at<'n>(node: &'n Node, path: &[&str]) -> Option<&'n str> {
    path.iter().try_fold(node, |node, key| node.get(key)).and_then(Node::as_str)
}

#[test]
fn values_know_their_place() {
    let node = parse("a.yaml", "x:\n  y: [1, two]\n  z: 'three'\n").unwrap();
    assert_eq!(node.place_of("x.y[1]").to_string(), "a.yaml:2:10");
    assert_eq!(node.place_of("x.z").to_string(), "a.yaml:3:3");
    assert_eq!(node.place_of("x.missing.deeper").to_string(), "a.yaml:1:1");
    assert_eq!(text_at(&node, &["x", "z"]), Some("three"));
    assert_eq!(parse("", "x: 1").unwrap().place_of("x").to_string(), "1:1", "a text without a name");
}

#[test]
fn aliases_and_merge_keys_are_filled_in() {
    let text =
        "a: &x {url: u, port: 1}\nb:\n  <<: *x\n  port: 2\nc: *x\nd: {<<: [{port: 3}, *x]}\n&k e: 1\nf: {*k : 5}\n";
    let node = parse("f", text).unwrap();
    for (path, value) in [
        (["b", "url"], "u"),
        (["b", "port"], "2"),
        (["c", "port"], "1"),
        (["d", "port"], "3"),
        (["d", "url"], "u"),
        (["f", "e"], "5"),
    ] {
        assert_eq!(text_at(&node, &path), Some(value), "{path:?}");
    }
}

#[test]
fn nothing_is_nothing_however_it_is_written() {
    for text in ["", "# nothing\n", "~", "null", "---\n"] {
        let node = parse("f", text).unwrap();
        assert!(node.is_null() && node.entries().is_empty(), "{text:?}");
        assert_eq!(node.place.line, 1, "{text:?}");
    }
    let node = parse("f", "{a: , b: ~, c: '', d: 'null'}").unwrap();
    let nulls: Vec<bool> = node.entries().iter().map(|(_, value)| value.is_null()).collect();
    assert_eq!(nulls, [true, true, false, false]);
}

#[test]
fn what_is_wrong_has_its_line() {
    for (text, at, message) in [
        ("a: 1\nb: [1, 2\nc: 3\n", "f:", "this is not YAML"),
        ("a:\n\t- b\n", "f:2:", "this is not YAML"),
        ("a: *x\n", "f:1:", "this is not YAML"),
        ("a: 1\nb: 2\na: 3\n", "f:3:1", "`a` stands here a second time; the first is in line 1"),
        ("a: 1\n---\nb: 2\n", "f:2:1", "a second document begins here"),
        ("a: &x\n  b: *x\n", "f:2:6", "the alias lies inside of what it names"),
        ("a: {<<: 1}\n", "f:1:9", "`<<` takes a mapping"),
        ("[a]: 1\n", "f:1:1", "a key must be a single word"),
    ] {
        let e = parse("f", text).unwrap_err();
        assert!(e.place.to_string().starts_with(at) && e.message.starts_with(message), "{text:?}: {e}");
    }
}

#[test]
fn every_document_is_read_when_there_may_be_several() {
    let all = parse_all("f", "a: 1\n---\nb: 2\n---\n[3]\n").unwrap();
    assert_eq!(all.iter().map(|node| node.place.line).collect::<Vec<_>>(), [1, 3, 5]);
    assert_eq!(parse_all("f", "# nothing\n").unwrap(), []);
    assert_eq!(parse_all("f", "a: 1\n---\na: 1\na: 2\n").unwrap_err().place.line, 4);
}

#[test]
fn small_texts_stay_small() {
    let mut doubled = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let items = vec![format!("*a{}", n - 1); 10].join(", ");
        doubled.push_str(&format!("a{n}: &a{n} [{items}]\n"));
    }
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 1000].join(", "));
    let mut nested = "a0: &a0 [x]\n".to_owned();
    (1..100).for_each(|n| nested.push_str(&format!("a{n}: &a{n} [*a{}]\n", n - 1)));
    let deep = "[".repeat(200) + &"]".repeat(200);
    for (text, message) in [
        (doubled, "more than 1000000 values; do aliases repeat each other?"),
        (long, "more than 64 MiB of texts; do aliases repeat a long one?"),
        (nested, "nested deeper than 64 levels"),
        (deep, "nested deeper than 64 levels"),
    ] {
        assert_eq!(parse("f", &text).unwrap_err().message, message);
    }
}
