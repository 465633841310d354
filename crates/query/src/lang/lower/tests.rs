//! What each form means for each signal.

use expect_test::{Expect, expect};

use super::super::parse;
use super::*;

/// One line per condition, nested conditions indented.
fn show(f: &Filter, depth: usize, out: &mut String) {
    fn name(f: &Field) -> String {
        match f {
            Field::Attribute { scope, key } => format!("{scope:?}[{key}]"),
            other => format!("{other:?}"),
        }
    }
    let pad = "  ".repeat(depth);
    let line = match f {
        Filter::Is(p) => match p {
            Predicate::Compare { field, op, value } => format!("{} {op:?} {value:?}", name(field)),
            Predicate::In { field, values } => format!("{} In {values:?}", name(field)),
            Predicate::Exists { field } => format!("{} Exists", name(field)),
            Predicate::Prefix { field, text } => format!("{} Prefix {text:?}", name(field)),
            Predicate::Contains { field, text, ignore_case } => {
                format!("{} Contains {text:?} ignore_case={ignore_case}", name(field))
            }
            Predicate::Regex { field, pattern } => format!("{} Regex {pattern}", name(field)),
            Predicate::Text { text, mode } => format!("{mode:?} {text:?}"),
        },
        Filter::All => "All".into(),
        Filter::And(_) => "And".into(),
        Filter::Or(_) => "Or".into(),
        Filter::Not(_) => "Not".into(),
    };
    out.push_str(&format!("{pad}{line}\n"));
    match f {
        Filter::And(all) | Filter::Or(all) => all.iter().for_each(|f| show(f, depth + 1, out)),
        Filter::Not(inner) => show(inner, depth + 1, out),
        Filter::All | Filter::Is(_) => {}
    }
}

fn check_as(signal: EventSignal, text: &str, expect: Expect) {
    let out = match lower(&parse(text).unwrap(), signal) {
        Ok(filter) => {
            let mut out = String::new();
            show(&filter, 0, &mut out);
            out
        }
        Err(e) => {
            let place = &text[e.at.offset..e.at.end()];
            let try_ = e.suggestion.as_deref().map_or(String::new(), |s| format!(" (try {s})"));
            format!("at `{place}`: {e}{try_}\n")
        }
    };
    expect.assert_eq(&out);
}

fn logs(text: &str, expect: Expect) {
    check_as(EventSignal::Logs, text, expect);
}

fn traces(text: &str, expect: Expect) {
    check_as(EventSignal::Traces, text, expect);
}

#[test]
fn names_mean_what_the_signal_has() {
    traces(
        "service:api status:error kind:server name:a operation:b trace:4bf92f3577b34da6a3ce929d0e0e4736",
        expect![[r#"
            And
              Service Eq Str("api")
              Status Eq Int(2)
              Kind Eq Int(2)
              Name Eq Str("a")
              Name Eq Str("b")
              TraceId Eq Str("4bf92f3577b34da6a3ce929d0e0e4736")
        "#]],
    );
    logs(
        "service:api status:error kind:server name:a duration>5 body=x",
        expect![[r#"
        And
          Service Eq Str("api")
          Any[status] Eq Str("error")
          Any[kind] Eq Str("server")
          Any[name] Eq Str("a")
          Any[duration] Gt Int(5)
          Body Eq Str("x")
    "#]],
    );
    traces(
        "\"status\":error attr.name:x resource.service.name:y level:error",
        expect![[r#"
        And
          Any[status] Eq Str("error")
          Record[name] Eq Str("x")
          Resource[service.name] Eq Str("y")
          Any[level] Eq Str("error")
    "#]],
    );
}

#[test]
fn levels() {
    logs(
        "level:error",
        expect![[r#"
        And
          Severity Ge Int(17)
          Severity Le Int(20)
    "#]],
    );
    logs(
        "level>=warn",
        expect![[r#"
        Severity Ge Int(13)
    "#]],
    );
    logs(
        "level>warn",
        expect![[r#"
        Severity Ge Int(17)
    "#]],
    );
    logs(
        "level<warn",
        expect![[r#"
        Severity Le Int(12)
    "#]],
    );
    logs(
        "level<=WARNING",
        expect![[r#"
        Severity Le Int(16)
    "#]],
    );
    logs(
        "-level:debug",
        expect![[r#"
        Not
          And
            Severity Ge Int(5)
            Severity Le Int(8)
    "#]],
    );
    logs(
        "level!=info",
        expect![[r#"
        Not
          And
            Severity Ge Int(9)
            Severity Le Int(12)
    "#]],
    );
    logs(
        "level:(warn, fatal)",
        expect![[r#"
        Or
          And
            Severity Ge Int(13)
            Severity Le Int(16)
          Severity Ge Int(21)
    "#]],
    );
    logs(
        "level:warn..error",
        expect![[r#"
        And
          Severity Ge Int(13)
          Severity Le Int(20)
    "#]],
    );
    logs(
        "level:unspecified",
        expect![[r#"
        Not
          Severity Exists
    "#]],
    );
    logs(
        "level<=unspecified level>unspecified level>=unspecified level<unspecified",
        expect![[r#"
        And
          Not
            Severity Exists
          Severity Ge Int(1)
          All
          Or
    "#]],
    );
    logs(
        "level:17 level:*",
        expect![[r#"
        And
          Severity Eq Int(17)
          Severity Exists
    "#]],
    );
    logs(
        "level:eror",
        expect![[r#"
        at `eror`: `eror` is not a level; it is one of trace, debug, info, warn, error, fatal, unspecified or a number from 0 to 24 (try error)
    "#]],
    );
    logs(
        "level:err*",
        expect![[r#"
        at `err*`: `level` does not take a pattern; use level names with `:` and comparisons, or `severity_text~`
    "#]],
    );
    logs(
        "level~err",
        expect![[r#"
        at `level~err`: `~` does not work with `level`; use level names with `:` and comparisons, or `severity_text~`
    "#]],
    );
}

#[test]
fn kinds_statuses_and_durations() {
    traces(
        "kind:(client, consumer) status!=ok duration:500ms duration:1s..1.5s",
        expect![[r#"
        And
          Or
            Kind Eq Int(3)
            Kind Eq Int(5)
          Not
            Status Eq Int(1)
          Duration Eq Int(500000000)
          And
            Duration Ge Int(1000000000)
            Duration Le Int(1500000000)
    "#]],
    );
    traces(
        "duration>=1h30m duration:..0",
        expect![[r#"
        And
          Duration Ge Int(5400000000000)
          Duration Le Int(0)
    "#]],
    );
    traces(
        "status:500",
        expect![[r#"
        at `500`: `500` is not a span status; it is one of ok, error, unset
    "#]],
    );
    traces(
        "status:eror",
        expect![[r#"
        at `eror`: `eror` is not a span status; it is one of ok, error, unset (try error)
    "#]],
    );
    traces(
        "kind:severs",
        expect![[r#"
        at `severs`: `severs` is not a span kind; it is one of internal, server, client, producer, consumer, unspecified (try server)
    "#]],
    );
    traces(
        "status>ok",
        expect![[r#"
        at `status>ok`: `>` does not work with `status`; use `:` or `!=`
    "#]],
    );
    traces(
        "duration>500",
        expect![[r#"
        at `500`: `500` is not a duration; write a number and a unit, for example `500ms` or `1.5s` (try 500ms)
    "#]],
    );
    traces(
        "duration:10..20",
        expect![[r#"
        at `10..20`: `10` is not a duration; write a number and a unit, for example `500ms` or `1.5s`
    "#]],
    );
    traces(
        "duration>slow",
        expect![[r#"
        at `slow`: `slow` is not a duration; write a number and a unit, for example `500ms` or `1.5s`
    "#]],
    );
    traces(
        "duration~5",
        expect![[r#"
        at `duration~5`: `~` does not work with `duration`; use a comparison or a range, for example `duration>500ms` or `duration:1s..2s`
    "#]],
    );
}

#[test]
fn ids() {
    traces(
        "span_id:00F067AA0BA902B7 trace_id:4BF9* parent_span_id:\"\" has(parent_span_id)",
        expect![[r#"
        And
          SpanId Eq Str("00f067aa0ba902b7")
          TraceId Prefix "4bf9"
          Not
            ParentSpanId Exists
          ParentSpanId Exists
    "#]],
    );
    traces(
        "trace_id:(4bf92f3577b34da6a3ce929d0e0e4736, \"\")",
        expect![[r#"
        Or
          TraceId Eq Str("4bf92f3577b34da6a3ce929d0e0e4736")
          Not
            TraceId Exists
    "#]],
    );
    traces(
        "trace_id:a3ce929d0e0e4736",
        expect![[r#"
        at `a3ce929d0e0e4736`: `a3ce929d0e0e4736` is not a trace_id: that is 32 hex digits, or fewer and a `*` (try 0000000000000000a3ce929d0e0e4736)
    "#]],
    );
    traces(
        "trace_id:xyz",
        expect![[r#"
        at `xyz`: `xyz` is not a trace_id: that is 32 hex digits, or fewer and a `*`
    "#]],
    );
    traces(
        "span_id!=xyz",
        expect![[r#"
        at `xyz`: `xyz` is not a span_id: that is 16 hex digits, or fewer and a `*`
    "#]],
    );
    traces(
        "trace_id>4bf92f3577b34da6a3ce929d0e0e4736",
        expect![[r#"
        at `trace_id>4bf92f3577b34da6a3ce929d0e0e4736`: `>` does not work with `trace_id`; use `:` with an id, or with its beginning and a `*`
    "#]],
    );
    traces(
        "trace_id:*4bf9",
        expect![[r#"
        at `*4bf9`: `trace_id` does not take this pattern; use the beginning of the id and a `*`
    "#]],
    );
}

#[test]
fn attribute_values() {
    logs(
        "code:500 ratio:1.5 ok:true zip:007 v:1.50 t:500ms q:\"500\" n!=5",
        expect![[r#"
        And
          Any[code] Eq Int(500)
          Any[ratio] Eq Double(1.5)
          Any[ok] Eq Bool(true)
          Any[zip] Eq Str("007")
          Any[v] Eq Str("1.50")
          Any[t] Eq Str("500ms")
          Any[q] Eq Str("500")
          Any[n] Ne Int(5)
    "#]],
    );
    logs(
        "size>10KiB elapsed_ms>1.5s elapsed_ms:0.5ms.. queue.seconds<=500ms v>abc",
        expect![[r#"
        And
          Any[size] Gt Int(10240)
          Any[elapsed_ms] Gt Int(1500)
          Any[elapsed_ms] Ge Double(0.5)
          Any[queue.seconds] Le Double(0.5)
          Any[v] Gt Str("abc")
    "#]],
    );
    logs(
        "elapsed>500ms",
        expect![[r#"
        at `500ms`: the unit of `elapsed` is not known; compare it with a plain number
    "#]],
    );
    logs(
        "duration>500ms",
        expect![[r#"
        at `500ms`: `duration` is a field of spans, and the unit of an attribute of that name is not known; look at spans, or compare it with a plain number
    "#]],
    );
    logs(
        "code:(200, \"x\") code!=(200,300) code:(404, 500..599, a*)",
        expect![[r#"
        And
          Any[code] In [Int(200), Str("x")]
          Not
            Any[code] In [Int(200), Int(300)]
          Or
            Any[code] Eq Int(404)
            And
              Any[code] Ge Int(500)
              Any[code] Le Int(599)
            Any[code] Prefix "a"
    "#]],
    );
    logs(
        "k:val* k:*val k:*val* k:a*b*c k=a* k:*",
        expect![[r#"
        And
          Any[k] Prefix "val"
          Any[k] Regex (?s)^.*val$
          Any[k] Contains "val" ignore_case=false
          Any[k] Regex (?s)^a.*b.*c$
          Any[k] Eq Str("a*")
          Any[k] Exists
    "#]],
    );
    logs(
        "k~\"^a|b$\" k!~b",
        expect![[r#"
        And
          Any[k] Regex ^a|b$
          Not
            Any[k] Regex b
    "#]],
    );
    logs(
        "-k!=5",
        expect![[r#"
        Not
          Any[k] Ne Int(5)
    "#]],
    );
}

#[test]
fn text() {
    logs(
        "timeout user-id \"timed out\" time* *ime* GET*/v1 /a+b/ *",
        expect![[r#"
        And
          Token "timeout"
          Phrase "user-id"
          Phrase "timed out"
          Body Regex (?i)\btime\S*
          Substring "ime"
          Body Regex (?i)\bGET\S*/v1\b
          Body Regex a+b
          All
    "#]],
    );
    traces(
        "timeout time* /a+b/",
        expect![[r#"
        And
          Token "timeout"
          Or
            Name Regex (?i)\btime\S*
            StatusMessage Regex (?i)\btime\S*
          Or
            Name Regex a+b
            StatusMessage Regex a+b
    "#]],
    );
    logs(
        "body:timeout body:\"timed out\" body:(a, b*) body=\"all of it\" body~x",
        expect![[r#"
        And
          Token "timeout"
          Phrase "timed out"
          Or
            Token "a"
            Body Regex (?i)\bb\S*
          Body Eq Str("all of it")
          Body Regex x
    "#]],
    );
    logs(
        "body:1..2",
        expect![[r#"
        at `1..2`: `body` does not take a range; use a word, a phrase or a regex
    "#]],
    );
    logs(
        "",
        expect![[r#"
        All
    "#]],
    );
}

#[test]
fn the_deepest_filter_is_not_too_deep_for_the_engine() {
    fn depth(f: &Filter) -> usize {
        1 + match f {
            Filter::And(all) | Filter::Or(all) => all.iter().map(depth).max().unwrap_or(0),
            Filter::Not(inner) => depth(inner),
            Filter::All | Filter::Is(_) => 0,
        }
    }
    let levels = super::super::error::DEPTH_MAX;
    let text = format!("{}level!=(warn,info){}", "x OR y (".repeat(levels), ")".repeat(levels));
    let filter = lower(&parse(&text).unwrap(), EventSignal::Logs).unwrap();
    assert!((40..=64).contains(&depth(&filter)), "{}", depth(&filter));
}
