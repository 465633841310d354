//! What the language reads, what it refuses, and that what it writes reads the same.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::ast::{Expr, Form, Key, KeyScope, Node, Op, Piece, Position, Query, Value};
use super::{Problem, parse, print_value};

/// One line per node: what it is, and where it stands.
fn tree(query: &Query) -> String {
    fn key(k: &Key) -> String {
        format!("{:?} {:?}", k.scope, k.name)
    }
    fn form(v: &Value) -> String {
        match &v.form {
            Form::List(items) => format!("List[{}]", items.iter().map(form).collect::<Vec<_>>().join(", ")),
            Form::Pattern(pieces) => {
                let pieces: Vec<_> = pieces
                    .iter()
                    .map(|p| match p {
                        Piece::Star => "*".to_owned(),
                        Piece::Text(t) => format!("{t:?}"),
                    })
                    .collect();
                format!("Pattern({})", pieces.join(" "))
            }
            other => format!("{other:?}"),
        }
    }
    fn walk(e: &Expr, depth: usize, out: &mut String) {
        let at = format!("{}+{}", e.at.offset, e.at.length);
        let (line, children): (String, &[Expr]) = match &e.node {
            Node::And(all) => ("And".into(), all),
            Node::Or(any) => ("Or".into(), any),
            Node::Not(inner) => ("Not".into(), std::slice::from_ref(inner)),
            Node::Has(k) => (format!("Has {}", key(k)), &[]),
            Node::Spans { root, inner } => {
                (if *root { "Root" } else { "Spans" }.into(), inner.as_deref().map_or(&[], std::slice::from_ref))
            }
            Node::Field { key: k, op, value } => (format!("{} {} {}", key(k), op.text(), form(value)), &[]),
            Node::Text(v) => (format!("Text {}", form(v)), &[]),
        };
        out.push_str(&format!("{}{line} @{at}\n", "  ".repeat(depth)));
        children.iter().for_each(|c| walk(c, depth + 1, out));
    }
    let mut out = String::new();
    query.expr.iter().for_each(|e| walk(e, 0, &mut out));
    out
}

fn check(text: &str, expect: Expect) {
    match parse(text) {
        Ok(query) => expect.assert_eq(&tree(&query)),
        Err(e) => expect.assert_eq(&complaint(text, &e)),
    }
}

/// The text, the place underlined, the message and the correction.
fn complaint(text: &str, e: &super::FilterError) -> String {
    let before = text[..e.at.offset].chars().count();
    let under = text[e.at.offset..e.at.end()].chars().count().max(1);
    let mut out = format!("{text}\n{}{}\n{e}\n", " ".repeat(before), "^".repeat(under));
    if let Some(s) = &e.suggestion {
        let fixed = format!("{}{s}{}", &text[..e.at.offset], &text[e.at.end()..]);
        out.push_str(&format!("try: {fixed}\n"));
    }
    out
}

#[test]
fn the_example_of_the_specification() {
    check(
        r#"service:api status:error duration>500ms http.route:"/v1/match" -level:debug "timed out" /re+gex/ has(user.id) AND (a OR b)"#,
        expect![[r#"
            And @0+122
              Auto "service" : Word("api") @0+11
              Auto "status" : Word("error") @12+12
              Auto "duration" > Word("500ms") @25+14
              Auto "http.route" : Quoted("/v1/match") @40+22
              Not @63+12
                Auto "level" : Word("debug") @64+11
              Text Quoted("timed out") @76+11
              Text Regex("re+gex") @88+8
              Has Auto "user.id" @97+12
              Or @114+8
                Text Word("a") @115+1
                Text Word("b") @120+1
        "#]],
    );
}

#[test]
fn precedence_is_not_then_and_then_or() {
    check(
        "a b OR NOT c and d",
        expect![[r#"
        Or @0+18
          And @0+3
            Text Word("a") @0+1
            Text Word("b") @2+1
          And @6+12
            Not @7+5
              Text Word("c") @11+1
            Text Word("d") @17+1
    "#]],
    );
    check(
        "a (b OR c) -(d e)",
        expect![[r#"
        And @0+17
          Text Word("a") @0+1
          Or @2+8
            Text Word("b") @3+1
            Text Word("c") @8+1
          Not @11+6
            And @12+5
              Text Word("d") @13+1
              Text Word("e") @15+1
    "#]],
    );
}

#[test]
fn fields_and_values() {
    check(
        "code:500 code:10..20 code:10.. code:..20 code:-5..5",
        expect![[r#"
        And @0+51
          Auto "code" : Word("500") @0+8
          Auto "code" : Range { low: Some("10"), high: Some("20") } @9+11
          Auto "code" : Range { low: Some("10"), high: None } @21+9
          Auto "code" : Range { low: None, high: Some("20") } @31+9
          Auto "code" : Range { low: Some("-5"), high: Some("5") } @41+10
    "#]],
    );
    check(
        "k:(a, \"b c\", d*, 500..599) k!=(x,y)",
        expect![[r#"
        And @0+35
          Auto "k" : List[Word("a"), Quoted("b c"), Pattern("d" *), Range { low: Some("500"), high: Some("599") }] @0+26
          Auto "k" != List[Word("x"), Word("y")] @27+8
    "#]],
    );
    check(
        "host = web-1 and size >= 10KiB and a.b<1.5s",
        expect![[r#"
        And @0+43
          Auto "host" = Word("web-1") @0+12
          Auto "size" >= Word("10KiB") @17+13
          Auto "a.b" < Word("1.5s") @35+8
    "#]],
    );
    check(
        r#"path:/v1/* url:http://x:80/?q=1 win:C:\temp file:a\*b file:..\/x"#,
        expect![[r#"
        And @0+64
          Auto "path" : Pattern("/v1/" *) @0+10
          Auto "url" : Word("http://x:80/?q=1") @11+20
          Auto "win" : Word("C:\\temp") @32+11
          Auto "file" : Word("a*b") @44+9
          Auto "file" : Word("../x") @54+10
    "#]],
    );
    check(
        r#"p~"^a(b|c)\d+$" q=~x.y r!~/a\/b/"#,
        expect![[r#"
        And @0+32
          Auto "p" ~ Regex("^a(b|c)\\d+$") @0+15
          Auto "q" ~ Regex("x.y") @16+6
          Auto "r" !~ Regex("a/b") @23+9
    "#]],
    );
    check(
        "level:warn..fatal name:warn..fatal level:(debug,warn..)",
        expect![[r#"
        And @0+55
          Auto "level" : Range { low: Some("warn"), high: Some("fatal") } @0+17
          Auto "name" : Word("warn..fatal") @18+16
          Auto "level" : List[Word("debug"), Range { low: Some("warn"), high: None }] @35+20
    "#]],
    );
}

#[test]
fn keys() {
    check(
        r#""weird key":x http."odd one".y:z resource.service.name:x attr.k:x resource."a b">5 "status" = 5 or:x has("a b")"#,
        expect![[r#"
            And @0+111
              Attribute "weird key" : Word("x") @0+13
              Attribute "http.odd one.y" : Word("z") @14+18
              Resource "service.name" : Word("x") @33+23
              Record "k" : Word("x") @57+8
              Resource "a b" > Word("5") @66+16
              Attribute "status" = Word("5") @83+12
              Auto "or" : Word("x") @96+4
              Has Attribute "a b" @101+10
        "#]],
    );
}

#[test]
fn text_terms() {
    check(
        r#"time* user-id foo.bar a,b can't \-x "q\"uo\te" *"#,
        expect![[r#"
        And @0+48
          Text Pattern("time" *) @0+5
          Text Word("user-id") @6+7
          Text Word("foo.bar") @14+7
          Text Word("a,b") @22+3
          Text Word("can't") @26+5
          Text Word("-x") @32+3
          Text Quoted("q\"uo\te") @36+10
          Text Pattern(*) @47+1
    "#]],
    );
    check("  ", expect![[r#""#]]);
    check(
        "naïve:ключ 日本",
        expect![[r#"
        And @0+22
          Auto "naïve" : Word("ключ") @0+15
          Text Word("日本") @16+6
    "#]],
    );
}

#[test]
fn errors_say_where_and_what_was_meant() {
    check(
        r#"service:api "timed out"#,
        expect![[r#"
        service:api "timed out
                    ^^^^^^^^^^
        this quote is not closed
        try: service:api "timed out"
    "#]],
    );
    check(
        "a (b OR c",
        expect![[r#"
        a (b OR c
          ^^^^^^^
        this parenthesis is not closed
        try: a (b OR c)
    "#]],
    );
    check(
        "a) b",
        expect![[r#"
        a) b
         ^
        this parenthesis closes nothing
    "#]],
    );
    check(
        "a ()",
        expect![[r#"
        a ()
          ^^
        there is nothing inside this parenthesis
    "#]],
    );
    check(
        "service: api",
        expect![[r#"
        service: api
        ^^^^^^^^^^^^
        the value of `service` is missing; it stands directly after `:`
        try: service:api
    "#]],
    );
    check(
        "service: AND b",
        expect![[r#"
        service: AND b
        ^^^^^^^^
        the value of `service` is missing; it stands directly after `:`
    "#]],
    );
    check(
        "duration>",
        expect![[r#"
        duration>
        ^^^^^^^^^
        the value of `duration` is missing; it stands directly after `>`
    "#]],
    );
    check(
        ":x",
        expect![[r#"
        :x
        ^
        a field name is missing before `:`
    "#]],
    );
    check(
        "a AND",
        expect![[r#"
        a AND
          ^^^
        `AND` needs a condition after it
    "#]],
    );
    check(
        "OR b",
        expect![[r#"
        OR b
        ^^
        `OR` needs a condition before it
    "#]],
    );
    check(
        "a NOT",
        expect![[r#"
        a NOT
          ^^^
        `NOT` needs a condition after it
    "#]],
    );
    check(
        "a - b",
        expect![[r#"
        a - b
          ^
        `-` needs a condition directly after it
    "#]],
    );
    check(
        "a && b",
        expect![[r#"
        a && b
          ^^
        `&&` is written `AND` here
        try: a AND b
    "#]],
    );
    check(
        "a || b",
        expect![[r#"
        a || b
          ^^
        `||` is written `OR` here
        try: a OR b
    "#]],
    );
    check(
        "!a",
        expect![[r#"
        !a
        ^
        `!` is written `-` here
        try: -a
    "#]],
    );
    check(
        "exists(a)",
        expect![[r#"
        exists(a)
        ^^^^^^
        there is no function `exists`; the one function is `has(key)`
        try: has(a)
    "#]],
    );
    check(
        "foo(bar)",
        expect![[r#"
        foo(bar)
           ^
        `(` cannot stand directly here; put a space before it, or quote the text
        try: foo (bar)
    "#]],
    );
    check(
        "has()",
        expect![[r#"
            has()
            ^^^^^
            there is nothing inside this `has()`
        "#]],
    );
    check(
        "has(a:b)",
        expect![[r#"
        has(a:b)
             ^^
        `has` takes one field name
    "#]],
    );
    check(
        "k:a|b",
        expect![[r#"
        k:a|b
           ^
        `|` begins a stage of an analysis, and this is a filter; alternatives are written `a OR b` or `key:(a, b)`
    "#]],
    );
    check(
        "k:(a b)",
        expect![[r#"
            k:(a b)
                ^
            the values of a list are separated by commas
            try: k:(a, b)
        "#]],
    );
    check(
        "k:(a OR b)",
        expect![[r#"
            k:(a OR b)
                ^^^
            the values of a list are separated by commas
            try: k:(a, b)
        "#]],
    );
    check(
        "k:(a,)",
        expect![[r#"
            k:(a,)
                 ^
            a value is missing in this list
        "#]],
    );
    check(
        "k:()",
        expect![[r#"
        k:()
          ^^
        there is nothing inside this list
    "#]],
    );
    check(
        "k>(a)",
        expect![[r#"
        k>(a)
          ^
        a list cannot stand here; it goes with `:`, `=` and `!=`
    "#]],
    );
    check(
        "k>1..2",
        expect![[r#"
            k>1..2
            ^^^^^^
            a range goes with `:`
            try: k:1..2
        "#]],
    );
    check(
        "/v1/match",
        expect![[r#"
        /v1/match
        ^^^^^^^^^
        this regex is not closed; text that begins with a slash is written in quotes
        try: "/v1/match"
    "#]],
    );
    check(
        "/a(b/",
        expect![[r#"
        /a(b/
        ^^^^^
        bad regex: unclosed group
    "#]],
    );
    check(
        r"k~(a|b)",
        expect![[r#"
            k~(a|b)
              ^^^^^
            a regex with parentheses, quotes or `|` in it is written in quotes
            try: k~"(a|b)"
        "#]],
    );
    check(
        r"k~[a-",
        expect![[r#"
        k~[a-
          ^^^
        bad regex: unclosed character class
    "#]],
    );
    check(
        r"k~(\w{500}){500}",
        expect![[r#"
            k~(\w{500}){500}
              ^^^^^^^^^^^^^^
            a regex with parentheses, quotes or `|` in it is written in quotes
            try: k~"(\\w{500}){500}"
        "#]],
    );
    check(
        r#"k~"(\w{500}){500}""#,
        expect![[r#"
        k~"(\w{500}){500}"
          ^^^^^^^^^^^^^^^^
        bad regex: it takes more than 1048576 bytes of memory when compiled
    "#]],
    );
    check(
        r#"a"b""#,
        expect![[r#"
        a"b"
         ^
        `"` cannot stand directly here; put a space before it, or quote the text
        try: a "b"
    "#]],
    );
    check(
        r#""""#,
        expect![[r#"
        ""
        ^^
        there is nothing inside this phrase
    "#]],
    );
    check(
        "a AND b |",
        expect![[r#"
        a AND b |
                ^
        `|` begins a stage of an analysis, and this is a filter; alternatives are written `a OR b` or `key:(a, b)`
    "#]],
    );
}

#[test]
fn limits_are_said() {
    assert_eq!(parse(&"x".repeat(16 * 1024 + 1)).unwrap_err().problem, Problem::TooLong { length: 16 * 1024 + 1 });
    survives(&"é".repeat(9_000));
    survives(&format!("x{}", "é".repeat(9_000)));
    for deep in ["(".repeat(8000), "-".repeat(8000) + "x", "NOT ".repeat(4000), "-(".repeat(4000)] {
        let problem = parse(&deep).unwrap_err().problem;
        assert!(matches!(problem, Problem::TooDeep), "{problem:?}");
    }
    let fits = format!("{}x{}", "(".repeat(super::error::DEPTH_MAX), ")".repeat(super::error::DEPTH_MAX));
    parse(&fits).unwrap();
    let many = |n| "/a/ ".repeat(n);
    parse(&many(super::error::REGEXES_MAX)).unwrap();
    assert_eq!(parse(&many(super::error::REGEXES_MAX + 1)).unwrap_err().problem, Problem::TooManyRegexes);
    // Depth counts nesting, not how many groups there are.
    parse(&"(a) ".repeat(1000)).unwrap();
}

#[test]
fn printed_values_read_back_as_the_same_text() {
    for text in ["", "a", "a b", "a*", "5", "1.5", "500ms", "a\"b", "/x", "..", "-x", "a,b", "\\", "日本"] {
        let query = parse(&format!("attr.k={}", print_value(text))).unwrap();
        let Some(Expr { node: Node::Field { value, .. }, .. }) = query.expr else { panic!("{text}") };
        assert!(matches!(&value.form, Form::Word(t) | Form::Quoted(t) if t == text), "{text}: {value:?}");
    }
}

/// Any text that a bare word can hold through escapes, with what the lexer looks for made likely.
fn word() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            6 => prop::sample::select(vec!['a', 'b', 'Z', '0', '5', '.', '_', 'é', '日']),
            3 => prop::sample::select("\\\"()|:=<>~!*,-/&{} \n&".chars().collect::<Vec<_>>()),
        ],
        1..8,
    )
    .prop_map(|chars| chars.into_iter().collect::<String>())
}

fn key() -> impl Strategy<Value = Key> {
    (
        prop::sample::select(vec![KeyScope::Auto, KeyScope::Attribute, KeyScope::Resource, KeyScope::Record]),
        prop_oneof![word(), Just("service".to_owned()), Just("not".to_owned()), Just("http.route".to_owned())],
    )
        .prop_map(|(scope, name)| Key { scope, name, at: Position::default() })
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    (prop::collection::vec(word(), 1..3), any::<bool>(), any::<bool>()).prop_map(|(texts, first, last)| {
        let mut out = if first { vec![Piece::Star] } else { vec![] };
        for (i, text) in texts.iter().enumerate() {
            if i > 0 {
                out.push(Piece::Star);
            }
            out.push(Piece::Text(text.clone()));
        }
        // A pattern has a star.
        if last || !out.contains(&Piece::Star) {
            out.push(Piece::Star);
        }
        out
    })
}

fn regex() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "^a/b$", r"\d+\\", "(a|b) c", "x{2,3}\"", r"[^\]]"]).prop_map(str::to_owned)
}

fn range() -> impl Strategy<Value = Form> {
    let bound = || prop::sample::select(vec!["0", "-5", "1.5", "10ms", "2KiB"]).prop_map(str::to_owned);
    prop_oneof![
        (bound(), prop::option::of(bound())).prop_map(|(l, high)| Form::Range { low: Some(l), high }),
        bound().prop_map(|h| Form::Range { low: None, high: Some(h) }),
    ]
}

fn value(form: Form) -> Value {
    Value { form, at: Position::default() }
}

fn field() -> impl Strategy<Value = Node> {
    let exact = || prop_oneof![word().prop_map(Form::Word), any::<String>().prop_map(Form::Quoted)];
    let matched = || prop_oneof![exact(), pieces().prop_map(Form::Pattern), range()];
    let list = |item: BoxedStrategy<Form>| prop::collection::vec(item.prop_map(value), 1..4).prop_map(Form::List);
    let ordered = prop::sample::select(vec![Op::Lt, Op::Le, Op::Gt, Op::Ge, Op::Eq, Op::Ne]);
    prop_oneof![
        (key(), prop_oneof![matched(), list(matched().boxed())]).prop_map(|(k, v)| (k, Op::Match, v)),
        (key(), ordered, exact()),
        (key(), prop::sample::select(vec![Op::Eq, Op::Ne]), list(exact().boxed())),
        (key(), prop::sample::select(vec![Op::Regex, Op::NotRegex]), regex().prop_map(Form::Regex)),
    ]
    .prop_map(|(key, op, form)| Node::Field { key, op, value: value(form) })
}

fn text() -> impl Strategy<Value = Form> {
    prop_oneof![
        word()
            .prop_filter("keywords are not text", |w| {
                !["and", "or", "not"].iter().any(|k| w.eq_ignore_ascii_case(k))
            })
            .prop_map(Form::Word),
        any::<String>().prop_filter("an empty phrase is refused", |s| !s.is_empty()).prop_map(Form::Quoted),
        pieces().prop_map(Form::Pattern),
        regex().prop_map(Form::Regex),
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    let node = |node| Expr { node, at: Position::default() };
    let leaf =
        prop_oneof![field(), text().prop_map(|f| Node::Text(value(f))), key().prop_map(Node::Has),].prop_map(node);
    leaf.prop_recursive(5, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Node::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Node::Or),
            inner.prop_map(|e| Node::Not(Box::new(e))),
        ]
        .prop_map(node)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_the_same(expr in expr()) {
        let query = Query { expr: Some(expr) };
        let text = query.to_string();
        match parse(&text) {
            Ok(again) => prop_assert_eq!(again, query, "{}", text),
            Err(e) => prop_assert!(false, "{}", complaint(&text, &e)),
        }
    }

    #[test]
    fn any_text_is_read_or_refused_in_its_place(text in ".{0,60}") {
        survives(&text);
    }
}

/// Neither panics nor points outside of the text; what is read prints and reads again.
fn survives(text: &str) {
    match parse(text) {
        Ok(query) => {
            let printed = query.to_string();
            // Escapes make text longer, so the limit of length may be passed.
            if printed.len() <= super::error::LENGTH_MAX {
                assert_eq!(parse(&printed).as_ref(), Ok(&query), "{text:?} printed as {printed:?}");
            }
            for signal in [crate::EventSignal::Logs, crate::EventSignal::Traces] {
                if let Err(e) = super::lower(&query, signal) {
                    assert!(text.get(e.at.offset..e.at.end()).is_some(), "{text:?}: {:?} is outside", e.at);
                }
            }
        }
        Err(e) => {
            assert!(text.get(e.at.offset..e.at.end()).is_some(), "{text:?}: {:?} is outside", e.at);
            assert!(!e.to_string().is_empty());
        }
    }
}

#[test]
fn mutated_filters_never_panic() {
    const SEEDS: [&str; 5] = [
        r#"service:api status:error duration>500ms http.route:"/v1/match" -level:debug "timed out" /re+gex/ has(user.id) AND (a OR b)"#,
        r#"k:(a,"b c",d*,5..9) resource."x y"!=z p~"^a(b|c)\d+$" q=~x.y r!~/a\/b/ NOT level:warn..fatal"#,
        r#"level>=warn kind:(server, x) status!=ok trace:4bf9* duration:1s..2s elapsed_ms<5s -severity:17..fatal span_id:"""#,
        r#"naïve:ключ 日本* \-x "q\"uo\te" -(-(a or b) c) x >= 10KiB"#,
        "a..b:..5 5..:x ..",
    ];
    const PARTS: [&str; 26] = [
        "(", ")", "\"", "\\", "/", ":", "..", "*", "-", ",", " ", "|", "~", "!", "=", "<", ">", "AND", "or", "not",
        "has(", "é", "\u{0}", "\u{2028}", "&&", "attr.",
    ];
    // An xorshift generator, so that a failure repeats.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..20_000 {
        let mut chars: Vec<char> = SEEDS[round % SEEDS.len()].chars().collect();
        for _ in 0..=next(6) {
            let at = next(chars.len() + 1);
            match next(4) {
                0 if at < chars.len() => drop(chars.remove(at)),
                1 => {
                    let part = PARTS[next(PARTS.len())];
                    chars.splice(at..at, part.chars());
                }
                2 => chars.truncate(at),
                _ => {
                    let other = next(chars.len() + 1);
                    let (from, to) = (at.min(other), at.max(other));
                    let copy: Vec<char> = chars[from..to].to_vec();
                    chars.splice(at..at, copy);
                }
            }
        }
        survives(&chars.into_iter().collect::<String>());
    }
}

/// The page that specifies the language.
const PAGE: &str = include_str!("../../../../docs/query-language.md");

fn section<'a>(heading: &str) -> &'a str {
    let from = PAGE.split_once(&format!("## {heading}\n")).expect("the heading").1;
    from.split("\n## ").next().unwrap_or(from)
}

#[test]
fn the_examples_of_the_page_are_filters() {
    let mut count = 0;
    for row in section("In one minute").lines().filter(|l| l.starts_with("| `")) {
        let cell = row.split(" | ").next().unwrap_or_default();
        // Every other piece between backticks is outside of them.
        for filter in cell.split('`').skip(1).step_by(2) {
            let query = parse(filter).unwrap_or_else(|e| panic!("{}", complaint(filter, &e)));
            super::lower(&query, crate::EventSignal::Traces).unwrap_or_else(|e| panic!("{}", complaint(filter, &e)));
            count += 1;
        }
    }
    assert!(count > 20, "{count} examples");
}

#[test]
fn the_errors_of_the_page_are_the_errors() {
    /// Where the second column begins.
    const SECOND: usize = 37;
    // Two blocks: filters, and analyses.
    let blocks = section("Errors").split("```").skip(1).step_by(2);
    let lines: Vec<&str> = blocks.flat_map(|b| b.trim_start_matches('\n').lines()).collect();
    for pair in lines.chunks_exact(2) {
        let filter = pair[0][..SECOND].trim_end();
        let message = pair[0][SECOND..].trim();
        let marks = pair[1].get(..SECOND).unwrap_or(pair[1]).trim_end();
        let suggestion = pair[1].get(SECOND..).map(str::trim);
        let error = super::parse_pipe(filter)
            .and_then(|q| super::lower_pipe(&q, crate::EventSignal::Traces))
            .and_then(|_| super::lower_pipe(&super::parse_pipe(filter)?, crate::EventSignal::Logs))
            .expect_err(filter);
        let found = error.to_string();
        let begins = message.split(" ...").next().unwrap_or(message);
        assert!(found.starts_with(begins), "{filter}: {found}");
        let expected_at = (marks.find('^').unwrap_or(0), marks.matches('^').count());
        assert_eq!((error.at.offset, error.at.length), expected_at, "{filter}");
        let found = error.suggestion.as_deref().map(str::trim);
        // A suggestion that is only punctuation and space is shown in quotes.
        assert!(
            found == suggestion || found.map(|f| format!("\"{f} \"")).as_deref() == suggestion,
            "{filter}: {found:?}"
        );
    }
    assert!(lines.len() >= 28);
}

#[test]
fn the_analyses_of_the_page_are_analyses() {
    let rows = |heading| section(heading).lines().filter(|l| l.starts_with("| `"));
    let mut count = 0;
    for row in rows("Analysis") {
        let cell = row.trim_start_matches("| ").split(" | ").next().unwrap_or_default();
        for written in
            cell.split('`').skip(1).step_by(2).filter(|w| !["where", "sort", "sample"].iter().any(|s| w.starts_with(s)))
        {
            let is_function = written.ends_with(')') && !written.contains(' ');
            let is_quantile = written.starts_with("quantile");
            let text = if is_function || is_quantile { format!("| stats {written}") } else { format!("| {written}") };
            let pipe = super::parse_pipe(&text).unwrap_or_else(|e| panic!("{}", complaint(&text, &e)));
            let spans_only = written.contains("_adjusted");
            let signal = if spans_only { crate::EventSignal::Traces } else { crate::EventSignal::Logs };
            super::lower_pipe(&pipe, signal).unwrap_or_else(|e| panic!("{}", complaint(&text, &e)));
            count += 1;
        }
    }
    assert!(count > 18, "{count} examples");
    for row in rows("Traces") {
        let filter = row.split('`').nth(1).unwrap_or_default();
        let query = parse(filter).unwrap_or_else(|e| panic!("{}", complaint(filter, &e)));
        super::lower_traces(&query).unwrap_or_else(|e| panic!("{}", complaint(filter, &e)));
    }
}

#[test]
fn the_functions_of_the_page_are_the_functions() {
    use super::pipe::Function;
    let listed: Vec<&str> =
        section("Analysis").split("| function |").nth(1).expect("the table").split("\n\n").take(1).collect();
    for name in [
        "count",
        "count_distinct",
        "rate",
        "min",
        "max",
        "sum",
        "avg",
        "median",
        "p50",
        "p99",
        "quantile",
        "histogram",
        "count_adjusted",
        "rate_adjusted",
        "sum_adjusted",
    ] {
        assert!(listed[0].contains(&format!("`{name}(")), "{name}");
        assert!(name == "quantile" || Function::named(name).is_some(), "{name}");
    }
}

#[test]
fn the_fields_of_the_page_are_the_fields() {
    for signal in [crate::EventSignal::Logs, crate::EventSignal::Traces] {
        let column = if signal == crate::EventSignal::Logs { 3 } else { 4 };
        let listed: Vec<&str> = section("Fields")
            .lines()
            .filter(|l| l.starts_with("| `") && l.matches('|').count() == 6)
            .filter(|l| l.split('|').nth(column).is_some_and(|c| c.trim() == "yes"))
            .flat_map(|l| l.split('|').skip(1).take(2).map(|c| c.trim().trim_matches('`')).filter(|c| !c.is_empty()))
            .collect();
        let mut known: Vec<&str> =
            super::fields::builtins(signal).iter().flat_map(|b| b.names.iter().copied()).collect();
        let mut listed = listed;
        listed.sort_unstable();
        known.sort_unstable();
        assert_eq!(listed, known, "{signal:?}");
    }
}
