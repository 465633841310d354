//! Both syntaxes, and how matchers are printed.

use super::*;

fn read(text: &str) -> String {
    match parse(text) {
        Ok(Parsed { matchers, warning: None }) => matchers.to_string(),
        Ok(Parsed { matchers, warning: Some(_) }) => format!("classic {matchers}"),
        Err(e) => format!("error: {e}"),
    }
}

#[test]
fn both_syntaxes_are_read() {
    for (text, expected) in [
        ("foo=bar", r#"{foo="bar"}"#),
        (r#"{foo="bar",}"#, r#"{foo="bar"}"#),
        ("{}", "{}"),
        ("foo=~a.*b, x!~\"c\", y!=d", r#"{foo=~"a.*b",x!~"c",y!="d"}"#),
        (r#"foo="b\"c\n\\""#, r#"{foo="b\"c\n\\"}"#),
        ("föö=🙂", r#"{föö="🙂"}"#),
        (r#"{"a b"="c,d"}"#, r#"{"a b"="c,d"}"#),
        ("foo=a b", r#"classic {foo="a b"}"#),
        ("foo=", r#"classic {foo=""}"#),
        ("foo=~a{2}", r#"classic {foo=~"a{2}"}"#),
        (r#"foo="\d""#, r#"classic {foo="\\d"}"#),
        ("foo", "error: bad matcher format: foo"),
        ("=x", "error: bad matcher format: =x"),
        (r#"foo=x"y"#, r#"error: matcher value contains unescaped double quote: x"y"#),
        (r#"foo="x"#, r#"error: matcher value contains unescaped double quote: "x"#),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    assert!(read("foo=~(").starts_with("error: "), "{}", read("foo=~("));
}

#[test]
fn the_utf8_syntax_says_where_it_stops() {
    for (text, expected) in [
        ("foo", "3: end of input: expected an operator such as '=', '!=', '=~' or '!~'"),
        ("foo=", "4: end of input: expected label value"),
        ("{foo=bar", "8: end of input: expected a comma or close brace"),
        ("foo=bar baz", "8: unexpected b: expected a comma"),
        ("{foo=bar} x", "10: unexpected x: expected end of input"),
        ("{,}", "1: unexpected ,: expected label name"),
    ] {
        assert_eq!(utf8::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn a_missing_label_is_an_empty_one() {
    let labels = Labels::from_pairs([("a", "1")]);
    for (text, expected) in
        [("a=1", true), ("a=~\"\"", false), ("b=\"\"", true), ("b!=x", true), ("b=~\"x?\"", true), ("b!~\"x?\"", false)]
    {
        assert_eq!(parse(text).unwrap().matchers.matches(&labels), expected, "{text}");
    }
}

#[test]
fn label_sets_are_printed_as_go_prints_them() {
    let labels = Labels::from_pairs([("b", "x\"y\u{1}é"), ("a", "1"), ("c-d", "2")]);
    assert_eq!(label_set(&labels), "{a=\"1\", b=\"x\\\"y\\x01é\", \"c-d\"=\"2\"}");
}
