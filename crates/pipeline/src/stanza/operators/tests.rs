//! Operators as configurations write them, on entries.

use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use foundation::UnixNanos;

use super::*;
use crate::stanza::Entry;

const NOW: UnixNanos = UnixNanos(1_700_100_000_000_000_000);

fn run(operators: serde_json::Value, lines: &[&str]) -> (Vec<Entry>, crate::stanza::Chain) {
    let blueprint = build(operators.as_array().unwrap()).unwrap();
    let (mut chain, mut done) = (blueprint.chain(), Vec::new());
    for (n, line) in lines.iter().enumerate() {
        let mut entry = Entry { begins_at: n as u64, ..Entry::default() };
        entry.record.body = (*line).into();
        entry.record.attributes.push("log.file.path", "/var/log/pods/shop_web-1_abc/nginx/3.log");
        chain.process(entry, NOW, &mut done);
    }
    (done, chain)
}

fn check(operators: serde_json::Value, lines: &[&str], expected: Expect) {
    let (mut done, mut chain) = run(operators, lines);
    chain.flush(true, Instant::now(), NOW, &mut done);
    let mut text = String::new();
    for e in &done {
        let r = &e.record;
        let attributes: Vec<_> = r
            .attributes
            .iter()
            .filter(|(k, _)| *k != "log.file.path")
            .map(|(k, v)| format!("{k}={}", v.to_json()))
            .collect();
        let resource: Vec<_> = e.resource.iter().map(|(k, v)| format!("{k}={}", v.to_json())).collect();
        text += &format!(
            "{} | {} | {}{} t={} {}{} {}\n",
            r.body.to_json(),
            attributes.join(" "),
            r.severity_number,
            r.severity_text,
            r.time_unix_nano,
            r.trace_id.to_hex(),
            resource.join(" "),
            e.scope_name
        );
    }
    let errors = chain.take_errors();
    if errors.count > 0 {
        text += &format!("errors: {} {}\n", errors.count, errors.message);
    }
    expected.assert_eq(&text);
}

#[test]
fn json_with_time_severity_and_trace() {
    let operators = serde_json::json!([{
        "type": "json_parser",
        "timestamp": {"parse_from": "attributes.time", "layout_type": "strptime", "layout": "%Y-%m-%dT%H:%M:%S%j"},
        "severity": {"parse_from": "attributes.status", "mapping": {"error": "5xx", "warn": "4xx", "info": ["2xx", "3xx"]}},
        "trace": {"trace_id": {"parse_from": "attributes.trace_id"}, "span_id": {"parse_from": "attributes.span_id"}}
    }]);
    check(
        operators,
        &[
            r#"{"time":"2023-11-14T22:13:20+00:00","status":503,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","n":{"a":1}}"#,
            "no json",
        ],
        expect![[r#"
            "{\"time\":\"2023-11-14T22:13:20+00:00\",\"status\":503,\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"n\":{\"a\":1}}" | time="2023-11-14T22:13:20+00:00" status=503 trace_id="4bf92f3577b34da6a3ce929d0e0e4736" n={"a":1} | 17503 t=1700000000000000000 4bf92f3577b34da6a3ce929d0e0e4736 
            "no json" |  | 0 t=0  
            errors: 1 operator `json_parser`: no JSON: expected ident at line 1 column 2
        "#]],
    );
}

#[test]
fn a_regular_expression_and_what_follows() {
    let operators = serde_json::json!([
        {"type": "regex_parser", "regex": "^(?P<time>\\S+ \\S+) (?P<level>\\w+) \\[(?P<logger>[^\\]]+)\\] (?P<text>.*)$"},
        {"type": "time_parser", "parse_from": "attributes.time", "layout": "%Y-%m-%d %H:%M:%S"},
        {"type": "severity_parser", "parse_from": "attributes.level", "overwrite_text": true},
        {"type": "scope_name_parser", "parse_from": "attributes.logger"},
        {"type": "move", "from": "attributes.text", "to": "body"},
        {"type": "copy", "from": "attributes.level", "to": "resource.level"},
        {"type": "remove", "field": "attributes.time"},
        {"type": "add", "field": "attributes[\"a.b\"].c", "value": 7}
    ]);
    check(
        operators,
        &["2023-11-14 22:13:20 warning [db.pool] slow"],
        expect![[r#"
            "slow" | level="warning" logger="db.pool" a.b={"c":7} | 13WARN t=1700000000000000000 level="warning" db.pool
        "#]],
    );
}

#[test]
fn routes_filters_and_conditions() {
    let operators = serde_json::json!([
        {"type": "filter", "expr": "body contains 'health'"},
        {"type": "router", "default": "last", "routes": [
            {"output": "kv", "expr": "body startsWith 'k='"},
            {"output": "end", "expr": "body matches '^raw'", "attributes": {"kind": "raw"}}]},
        {"type": "key_value_parser", "id": "kv", "output": "last"},
        {"type": "add", "id": "last", "field": "attributes.seen", "value": true, "if": "attributes.k != nil"}
    ]);
    check(
        operators,
        &["GET /health", "k=1 b=\"two words\"", "raw x", "other"],
        expect![[r#"
            "k=1 b=\"two words\"" | k="1" b="two words" seen=true | 0 t=0  
            "raw x" | kind="raw" | 0 t=0  
            "other" |  | 0 t=0  
        "#]],
    );
}

#[test]
fn entries_that_belong_together() {
    let operators = serde_json::json!([
        {"type": "recombine", "combine_field": "body", "is_first_entry": "body matches '^\\\\S'", "force_flush_period": "1h"}]);
    let (done, mut chain) = run(operators.clone(), &["panic: x", "  at a", "  at b", "next", "  at c"]);
    assert_eq!(done.iter().map(|e| e.record.body.as_str().unwrap()).collect::<Vec<_>>(), ["panic: x\n  at a\n  at b"]);
    assert_eq!(chain.held_from(), Some(3), "what is held has to be read again");
    let mut done = Vec::new();
    chain.flush(false, Instant::now(), NOW, &mut done);
    assert!(done.is_empty());
    chain.flush(false, Instant::now() + Duration::from_secs(7200), NOW, &mut done);
    assert_eq!((done[0].record.body.as_str(), done[0].begins_at, chain.held_from()), (Some("next\n  at c"), 3, None));
    check(
        serde_json::json!([{"type": "recombine", "combine_field": "body", "combine_with": "",
            "is_last_entry": "not (body endsWith '\\\\')", "max_batch_size": 3}]),
        &["a\\", "b", "c\\", "d\\", "e\\", "f"],
        expect![[r#"
            "a\\b" |  | 0 t=0  
            "c\\d\\e\\" |  | 0 t=0  
            "f" |  | 0 t=0  
        "#]],
    );
}

#[test]
fn containers() {
    check(
        serde_json::json!([{"type": "container"}]),
        &[
            "2023-11-14T22:13:20.5Z stdout P first ",
            "2023-11-14T22:13:20.6Z stderr F other",
            "2023-11-14T22:13:20.7Z stdout F half",
            r#"{"log":"docker\n","stream":"stdout","time":"2023-11-14T22:13:20Z"}"#,
            "neither",
        ],
        expect![[r#"
            "other" | log.iostream="stderr" logtag="F" | 0 t=1700000000600000000 k8s.namespace.name="shop" k8s.pod.name="web-1" k8s.pod.uid="abc" k8s.container.name="nginx" k8s.container.restart_count="3" 
            "first half" | log.iostream="stdout" logtag="P" | 0 t=1700000000500000000 k8s.namespace.name="shop" k8s.pod.name="web-1" k8s.pod.uid="abc" k8s.container.name="nginx" k8s.container.restart_count="3" 
            "docker" | log.iostream="stdout" | 0 t=1700000000000000000 k8s.namespace.name="shop" k8s.pod.name="web-1" k8s.pod.uid="abc" k8s.container.name="nginx" k8s.container.restart_count="3" 
            "neither" |  | 0 t=0  
            errors: 1 operator `container`: not a line of CRI-O or containerd: `time stream tag text` is expected
        "#]],
    );
}

#[test]
fn syslog_flatten_and_retain() {
    check(
        serde_json::json!([{"type": "syslog_parser", "protocol": "rfc3164"}, {"type": "retain", "fields": ["attributes.appname"]}]),
        &["<34>Nov 14 22:13:20 web su: x"],
        expect![[r#"
            "<34>Nov 14 22:13:20 web su: x" | appname="su" | 18crit t=1700000000000000000  
        "#]],
    );
    check(
        serde_json::json!([{"type": "json_parser"}, {"type": "flatten", "field": "attributes.a"}]),
        &[r#"{"a":{"b":1,"c":{"d":2}}}"#],
        expect![[r#"
            "{\"a\":{\"b\":1,\"c\":{\"d\":2}}}" | b=1 c={"d":2} | 0 t=0  
        "#]],
    );
}

/// The attributes that operators make of each line, and what they could not do.
fn made(operators: serde_json::Value, lines: &[&str]) -> (Vec<String>, String) {
    let (done, mut chain) = run(operators, lines);
    let of = |e: &Entry| {
        let own = e.record.attributes.iter().filter(|(k, _)| *k != "log.file.path");
        own.map(|(k, v)| format!("{k}={}", v.to_json())).collect::<Vec<_>>().join(" ")
    };
    (done.iter().map(of).collect(), chain.take_errors().message)
}

#[test]
fn separated_values() {
    let csv = |more: serde_json::Value| {
        let mut own = serde_json::json!({"type": "csv_parser", "header": "id,name,note"});
        own.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::json!([own])
    };
    let lines = [r#"1,"a, b","say ""x""""#, "2,,", r#"3,a"b,c"#, "4,5", r#"6,"open,x"#];
    let (done, _) = made(csv(serde_json::json!({})), &lines);
    assert_eq!(done, [r#"id="1" name="a, b" note="say \"x\"""#, r#"id="2" name="" note="""#, "", "", ""]);
    let (done, _) = made(csv(serde_json::json!({"lazy_quotes": true})), &[r#"3,a"b,c"#, r#"3,"a"b",c"#]);
    assert_eq!(done, [r#"id="3" name="a\"b" note="c""#; 2]);
    let (done, _) =
        made(csv(serde_json::json!({"ignore_quotes": true, "delimiter": ";", "header_delimiter": ","})), &["\"1;2;3"]);
    assert_eq!(done, [r#"id="\"1" name="2" note="3""#]);
    let (_, errors) = made(csv(serde_json::json!({})), &["4,5"]);
    assert!(errors.contains("the line has 2 values, the header 3"), "{errors}");
}

#[test]
fn uris_and_arrays() {
    let uri = || serde_json::json!([{"type": "uri_parser"}]);
    let (done, errors) = made(uri(), &["https://joe@shop.example:8443/a/b?x=1&y=a+b&x=2#top", "/cart?id=7", "no uri"]);
    assert_eq!(
        done,
        [
            r#"scheme="https" user="joe" host="shop.example" port="8443" path="/a/b" fragment="top" query={"x":["1","2"],"y":["a b"]}"#,
            r#"path="/cart" query={"id":["7"]}"#,
            ""
        ]
    );
    assert!(errors.contains("no URI"), "{errors}");
    let named = serde_json::json!([{"type": "json_array_parser", "header": "a,b"}]);
    let (done, errors) = made(named, &[r#"[1, {"x": null}]"#, "[1]"]);
    assert_eq!(done, [r#"a=1 b={"x":null}"#, ""]);
    assert!(errors.contains("the array has 1 values, the header 2"), "{errors}");
    let keyed = serde_json::json!([
        {"type": "json_array_parser", "parse_to": "attributes.list"},
        {"type": "assign_keys", "field": "attributes.list", "keys": ["one", "two"]}
    ]);
    assert_eq!(made(keyed, &["[true, 2]"]).0, [r#"list={"one":true,"two":2}"#]);
}

#[test]
fn quotes_and_colours_go() {
    let operators = serde_json::json!([
        {"type": "copy", "from": "body", "to": "attributes.a"},
        {"type": "unquote", "field": "attributes.a", "if": "attributes.a != nil", "on_error": "send_quiet"},
    ]);
    let lines = [r#""a\tb""#, "`raw \\n`", "'x'", "plain", "\u{e9}\u{e9}", "\""];
    let (done, _) = made(operators, &lines);
    let want = [r#"a="a\tb""#, r#"a="raw \\n""#, r#"a="x""#, r#"a="plain""#, "a=\"\u{e9}\u{e9}\"", r#"a="\"""#];
    assert_eq!(done, want);
    let operators = serde_json::json!([
        {"type": "copy", "from": "body", "to": "attributes.a"},
        {"type": "regex_replace", "id": "colours", "field": "attributes.a", "regex_name": "ansi_control_sequences"},
        {"type": "regex_replace", "id": "digits", "field": "attributes.a", "regex": "(\\d+)", "replace_with": "<$1>"},
    ]);
    assert_eq!(made(operators, &["\u{1b}[31merror\u{1b}[0m 42"]).0, [r#"a="error <42>""#]);
}

#[test]
fn mistakes_are_told() {
    for (operators, want) in [
        (serde_json::json!([{"type": "csv_parser"}]), "exactly one of `header` and `header_attribute`"),
        (
            serde_json::json!([{"type": "csv_parser", "header": "a", "lazy_quotes": true, "ignore_quotes": true}]),
            "cannot be used together",
        ),
        (serde_json::json!([{"type": "json_array_parser"}]), "write `parse_to: body`, or a `header`"),
        (serde_json::json!([{"type": "uri_parser", "headr": "a"}]), "unknown field `headr`"),
        (serde_json::json!([{"type": "regex_replace", "field": "body"}]), "regex: is missing"),
        (
            serde_json::json!([{"type": "regex_replace", "field": "body", "regex_name": "x"}]),
            "regex_name: `x` is not known",
        ),
        (serde_json::json!([{"type": "assign_keys", "field": "body"}]), "missing field `keys`"),
        (serde_json::json!([{"type": "unquote", "fild": "body"}]), "unknown field `fild`"),
        (serde_json::json!([{"type": "jsn_parser"}]), "there is no operator `jsn_parser`, did you mean `json_parser`?"),
        (serde_json::json!([{"type": "json_parser", "parse_form": "body"}]), "unknown field `parse_form`"),
        (serde_json::json!([{"type": "move", "from": "bdoy", "to": "body"}]), "`bdoy` is not a field"),
        (serde_json::json!([{"type": "regex_parser", "regex": "x"}]), "no named group"),
        (serde_json::json!([{"type": "noop", "output": "nowhere"}]), "no operator with the id `nowhere`"),
        (
            serde_json::json!([{"type": "noop", "id": "a"}, {"type": "noop", "output": "a"}]),
            "stands before this operator",
        ),
        (serde_json::json!([{"type": "noop"}, {"type": "noop"}]), "several operators are called `noop`"),
        (
            serde_json::json!([{"type": "time_parser", "parse_from": "body", "layout": "%Q"}]),
            "layout: `%Q` is not known",
        ),
        (serde_json::json!([{"type": "noop", "if": "body =="}]), "the condition ends too early"),
        (serde_json::json!([{"type": "recombine", "combine_field": "body"}]), "exactly one of"),
    ] {
        let e = build(operators.as_array().unwrap()).unwrap_err();
        assert!(e.iter().any(|(_, m)| m.contains(want)), "{operators}: {e:?}");
    }
}

#[test]
fn lines_of_json_without_entries_mean_the_same() {
    use wire::otlp::tree::{LogRecord, Record as _, Shape};
    let operators = serde_json::json!([{
        "type": "json_parser",
        "timestamp": {"parse_from": "attributes.ts", "layout_type": "epoch", "layout": "s.ms"},
        "severity": {"parse_from": "attributes.level"}
    }]);
    let line = r#"{"ts":1700000000.5,"level":"error","a":[1,{"b":null}]}"#;
    let (done, _) = run(operators.clone(), &[line]);
    let fast = build(operators.as_array().unwrap()).unwrap().json_lines().unwrap();
    let mut w = wire::protobuf::Writer::new();
    fast.write(line, NOW, &mut w).unwrap();
    let mut record = LogRecord::decode(wire::protobuf::Reader::new(w.as_bytes()), &mut Shape::default()).unwrap();
    let mut want = done[0].record.clone();
    want.attributes.remove("log.file.path");
    record.body = want.body.clone();
    assert_eq!(record, want);
    assert!(fast.write("[]", NOW, &mut w).is_err());
}

#[test]
fn any_line_is_survived() {
    let samples = [
        r#"{"time":"2023-11-14T22:13:20.5Z","level":"warn","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","m":{"a":[1,2]}}"#,
        "2023-11-14T22:13:20.123456789Z stdout F a line of a container",
        "<165>1 2023-10-11T22:14:15.003Z host app 1 ID47 [x@1 a=\"b\"] text",
        "a=1 b=\"two words\" c",
    ];
    let any = |bytes: &[u8]| {
        let line = String::from_utf8_lossy(bytes);
        for operators in [
            serde_json::json!([{"type": "json_parser", "on_error": "send"}, {"type": "flatten", "field": "attributes.m", "on_error": "send"}]),
            serde_json::json!([{"type": "container", "on_error": "send"}]),
            serde_json::json!([{"type": "syslog_parser", "protocol": "rfc5424", "on_error": "send"}]),
            serde_json::json!([{"type": "key_value_parser", "on_error": "send"}]),
        ] {
            let (mut done, mut chain) = run(operators, &[&line]);
            chain.flush(true, Instant::now(), NOW, &mut done);
            assert_eq!(done.len(), 1, "a line that is not understood goes on as it is");
        }
    };
    wire::mutation::run(any, &samples.map(|s| s.as_bytes().to_vec()), 2000);
}
