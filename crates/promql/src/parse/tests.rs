//! Parser tests beside the conformance suite.

use super::*;
use proptest::prelude::*;

fn check_round_trip(text: &str) {
    let tree = parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let printed = tree.to_string();
    let again = parse(&printed).unwrap_or_else(|e| panic!("{text} -> {printed}: {e}"));
    assert_eq!(tree, again, "{text} -> {printed}");
}

#[test]
fn printed_reads_back() {
    for text in [
        "-1^2 + -(foo) * +bar",
        "foo offset -5m @ 12.345",
        "sum without () (x) / on (a, \"b.c\") group_left (d) y",
        "foo + fill (0) bool_metric",
        "a + ignoring (x) fill_left (1) fill_right (NaN) b",
        "foo[5m] anchored @ end() offset (1m + step() * 2)",
        "max_over_time((a or b)[1h:5m] offset max_of(1m, range()))",
        "{\"a.b\", job=~\"x.*\", \"é\"!=\"y\\n\"}",
        "topk by (inf_) (5m, x > bool 2) ^ 2 ^ y",
        "a >/ 1 </ 2",
        "count_values('v', x)",
        "1e300 - 1e-300 + Inf",
    ] {
        check_round_trip(text);
    }
}

#[test]
fn positions_cover_the_text() {
    let tree = parse(" rate(foo[5m] offset 1m) + bar").expect("valid");
    assert_eq!((tree.span.start, tree.span.end), (1, 30));
    let crate::ast::ExprKind::Binary(b) = &tree.kind else { panic!("not a binary") };
    assert_eq!((b.op_span.start, b.op_span.end), (25, 26));
    let crate::ast::ExprKind::Call(c) = &b.lhs.kind else { panic!("not a call") };
    assert_eq!((c.args[0].span.start, c.args[0].span.end), (6, 23));
}

#[test]
fn mistakes_say_where_and_what() {
    let cases = [
        ("sum(rat(foo[5m]))", "1:5: parse error: unknown function with name \"rat\", did you mean `rate`?"),
        ("rate(foo)", "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector"),
        ("foo +\n  bar{", "2:7: parse error: unexpected end of input in label matching, expected identifier or \"}\""),
        ("1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
        ("Rate(foo[5m])", "1:1: parse error: unknown function with name \"Rate\", did you mean `rate`?"),
    ];
    for (text, want) in cases {
        assert_eq!(parse(text).expect_err(text).to_string(), want);
    }
}

#[test]
fn nesting_is_limited() {
    for (open, close) in [("(", ")"), ("-", ""), ("sum(", ")")] {
        let text = format!("{}x{}", open.repeat(5000), close.repeat(5000));
        assert!(parse(&text).is_err());
    }
    let chain = vec!["1"; 5000].join("+");
    assert!(parse(&chain).is_err());
    assert!(parse(&vec!["1"; 100].join("+")).is_ok());
}

fn duration() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (1u32..5000).prop_map(|n| format!("{n}s")),
        (1u32..90).prop_map(|n| format!("{n}m{n}s")),
        Just("step()".to_owned()),
        Just("7.5".to_owned()),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), "[-+*/%^]", inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            inner.clone().prop_map(|a| format!("(-{a})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("min_of({a},{b})")),
        ]
    })
}

fn vector() -> impl Strategy<Value = String> {
    let selector = prop_oneof![
        Just("foo".to_owned()),
        Just("{\"a.b\",x!=\"\\t\"}".to_owned()),
        Just("foo{a=~\"b|c.*\",}".to_owned()),
        Just("sum".to_owned()),
        duration().prop_map(|d| format!("foo offset ({d})")),
        any::<i32>().prop_map(|t| format!("foo @ {}.5", t)),
    ];
    selector.prop_recursive(4, 24, 3, |inner| {
        let op = prop_oneof![
            Just("+"),
            Just("*"),
            Just("^"),
            Just("atan2"),
            Just("== bool"),
            Just("<"),
            Just("and on(a)"),
            Just("unless"),
            Just("/ on (a) group_left (b)"),
            Just("- fill(2)"),
            Just(">/")
        ];
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            inner.clone().prop_map(|a| format!("-{a}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("topk without (x, \"y z\") (3, {a})")),
            (inner.clone(), duration()).prop_map(|(a, d)| format!("rate(({a})[{d}:])")),
            duration().prop_map(|d| format!("rate(foo[{d}] smoothed @ start())")),
            inner.prop_map(|a| format!("clamp({a}, -5m, 0x1F)")),
        ]
    })
}

proptest! {
    #[test]
    fn any_tree_reads_back(text in vector()) {
        // Some generated texts are refused (a literal duration that is not positive).
        if let Ok(tree) = parse(&text) {
            let printed = tree.to_string();
            let again = parse(&printed);
            prop_assert_eq!(again.as_ref().ok(), Some(&tree), "{} -> {}", text, printed);
        }
    }

    #[test]
    fn any_text_gives_an_answer(text in "[-+*/%^(){}\\[\\]a-c0-9\"'`\\\\@:=!~<>, é]{0,40}") {
        let _ = parse(&text);
    }
}
