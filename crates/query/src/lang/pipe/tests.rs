//! What analyses are read as, what is refused, and that what is written reads the same.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{By, Call, ColumnName, Function, Pipe, RowCondition, SortColumn, Stage, StageKind, lower_pipe, parse_pipe};
use crate::EventSignal;
use crate::lang::ast::{Key, KeyScope, Op, Position};
use crate::lang::parse;

/// The normal form, or the complaint with its place and correction.
fn check(text: &str, expect: Expect) {
    let read = parse_pipe(text).and_then(|p| lower_pipe(&p, EventSignal::Traces).map(|_| p));
    expect.assert_eq(&match read {
        Ok(pipe) => format!("{pipe}\n"),
        Err(e) => {
            let under = "^".repeat(text[e.at.offset..e.at.end()].chars().count().max(1));
            let place = " ".repeat(text[..e.at.offset].chars().count());
            let tried = e.suggestion.as_ref();
            let tried = tried.map(|s| format!("try: {}{s}{}\n", &text[..e.at.offset], &text[e.at.end()..]));
            format!("{text}\n{place}{under}\n{e}\n{}", tried.unwrap_or_default())
        }
    });
}

#[test]
fn stages_have_one_spelling() {
    check(
        "service:api|stats count(),p95( duration ) by service , http.route|sort -count|limit 20",
        expect![[r#"
            service:api | stats count(), p95(duration) by service, http.route | sort -count | limit 20
        "#]],
    );
    check(
        "| STATS count(user.id) AS users, quantile(duration, 0.999), median(duration) BY bucket(90s), resource.host.name",
        expect![[r#"
            | stats count(user.id) as "users", p99.9(duration), p50(duration) by bucket(90s), resource.host.name
        "#]],
    );
    check(
        "status:error | top 5 by service, \"odd, key\"",
        expect![[r#"
            status:error | stats count() by service, "odd, key" | sort -count | limit 5
        "#]],
    );
    check(
        "| stats count_adjusted(), rate_adjusted(), sum_adjusted(duration) by service | sort -count_adjusted",
        expect![[r#"
            | stats count_adjusted(), rate_adjusted(), sum_adjusted(duration) by service | sort -count_adjusted
        "#]],
    );
    let logs = parse_pipe("| stats count_adjusted()").and_then(|p| lower_pipe(&p, EventSignal::Logs));
    assert!(logs.unwrap_err().to_string().contains("spans only"));
    check(
        "timeseries | timeseries rate() by service",
        expect![[r#"
            timeseries | stats rate() by bucket(), service
        "#]],
    );
    check(
        "a | sample 10 | stats avg(duration), count() by name | where avg(duration) > 500ms AND count>=3 | sort name desc, -avg(duration)",
        expect![[r#"
            a | sample 10 | stats avg(duration), count() by name | where avg(duration)>500ms and count>=3 | sort -name, -avg(duration)
        "#]],
    );
    check(
        "| fields service, attr.status | sort -time | limit 5",
        expect![[r#"
        | fields service, attr.status | sort -time | limit 5
    "#]],
    );
    check(
        "(a OR b) | patterns | limit 3",
        expect![[r#"
        a OR b | patterns | limit 3
    "#]],
    );
}

#[test]
fn errors_say_where_and_what_was_meant() {
    check(
        "a |",
        expect![[r#"
        a |
           ^
        a stage is missing after `|`: `stats`, `timeseries`, `top`, `where`, `sort`, `limit`, `fields`, `patterns`, `sample`
    "#]],
    );
    check(
        "a | stat count()",
        expect![[r#"
        a | stat count()
            ^^^^
        `stat` is not a stage; there are `stats`, `timeseries`, `top`, `where`, `sort`, `limit`, `fields`, `patterns`, `sample`
        try: a | stats count()
    "#]],
    );
    check(
        "a | stats cuont()",
        expect![[r#"
        a | stats cuont()
                  ^^^^^
        `cuont` is not a function; there are count, count_distinct, rate, min, max, sum, avg, median, p50 to p99, quantile, histogram, count_adjusted, rate_adjusted and sum_adjusted
        try: a | stats count()
    "#]],
    );
    check(
        "a | stats p95()",
        expect![[r#"
        a | stats p95()
                  ^^^^^
        `p95` takes a field
    "#]],
    );
    check(
        "a | stats quantile(duration)",
        expect![[r#"
        a | stats quantile(duration)
                  ^^^^^^^^^^^^^^^^^^
        `quantile` takes a field and a number from 0 to 1
    "#]],
    );
    check(
        "a | stats count",
        expect![[r#"
        a | stats count
                       ^
        `(` and a field is expected here
        try: a | stats count()
    "#]],
    );
    check(
        "a | stats count() | sort -p95",
        expect![[r#"
        a | stats count() | sort -p95
                                  ^^^
        `p95` is not a column of the result
    "#]],
    );
    check(
        "a | stats p95(duration) | sort -p95",
        expect![[r#"
        a | stats p95(duration) | sort -p95
                                        ^^^
        `p95` is not a column of the result
        try: a | stats p95(duration) | sort -p95(duration)
    "#]],
    );
    check(
        "a | limit 5 | sort -time",
        expect![[r#"
        a | limit 5 | sort -time
                      ^^^^^^^^^^
        `sort` stands before `limit`, and once
    "#]],
    );
    check(
        "a | where count > 5",
        expect![[r#"
        a | where count > 5
            ^^^^^^^^^^^^^^^
        `where` goes with `stats`; records are chosen by the filter before the first `|`
    "#]],
    );
    check(
        "a | stats count(), count()",
        expect![[r#"
        a | stats count(), count()
                           ^^^^^^^
        there are two columns `count`; name one with `as`
    "#]],
    );
    check(
        "a | stats count() by bucket(5)",
        expect![[r#"
        a | stats count() by bucket(5)
                                    ^
        `5` is not a duration; write a number and a unit, for example `500ms` or `1.5s`
    "#]],
    );
    check(
        "a | stats count() nonsense",
        expect![[r#"
        a | stats count() nonsense
                          ^
        `|`, `,` or the end is expected here
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
        "{name:a} | stats count()",
        expect![[r#"
        {name:a} | stats count()
        ^^^^^^^^
        braces find whole traces; here spans are searched, text with a brace is written in quotes
    "#]],
    );
    // A place that takes a filter only says so.
    let error = parse("a | stats count()").unwrap_err();
    assert!(error.to_string().starts_with("`|` begins a stage of an analysis"), "{error}");
}

fn key() -> impl Strategy<Value = Key> {
    let name =
        prop::sample::select(vec!["service", "http.route", "user id", "a,b", "p95", "x|y", "and", "bucket", "-q"]);
    let scope = prop::sample::select(vec![KeyScope::Auto, KeyScope::Attribute, KeyScope::Resource, KeyScope::Record]);
    (scope, name).prop_map(|(scope, name)| Key { scope, name: name.to_owned(), at: Position::default() })
}

fn call() -> impl Strategy<Value = Call> {
    let functions = prop_oneof![
        prop::sample::select(vec![Function::CountDistinct, Function::Min, Function::Sum, Function::Histogram]),
        (0u32..1000).prop_map(|p| Function::Percentile(f64::from(p) / 10.0)),
    ];
    let of_field = (functions, key()).prop_map(|(f, k)| (f, Some(k)));
    let of_rows = prop::sample::select(vec![(Function::Count, None), (Function::Rate, None)]);
    let name = prop::option::of(prop::sample::select(vec!["n".to_owned(), "my name".to_owned(), "a\"b".to_owned()]));
    (prop_oneof![of_field, of_rows], name).prop_map(|((function, key), name)| Call {
        function,
        key,
        name,
        at: Position::default(),
    })
}

fn pipe() -> impl Strategy<Value = Pipe> {
    let by = prop_oneof![key().prop_map(By::Key), prop::option::of(1i64..10_000_000_000_000).prop_map(By::Bucket),];
    let column = || {
        prop_oneof![
            call().prop_map(|c| super::printer::column_name(c.function, c.key.as_ref())),
            prop::sample::select(vec!["n".to_owned(), "my name".to_owned(), "-x".to_owned(), "desc".to_owned()]),
        ]
        .prop_map(|name| ColumnName { name, at: Position::default() })
    };
    let condition = (column(), prop::sample::select(vec![Op::Lt, Op::Ge, Op::Ne, Op::Eq]), 0..100_i32)
        .prop_map(|(column, op, n)| RowCondition { column, op, value: n.to_string() });
    let sort = (column(), any::<bool>()).prop_map(|(column, descending)| SortColumn { column, descending });
    (
        prop::option::of(1u32..100),
        prop::collection::vec(call(), 1..4),
        prop::collection::vec(by, 0..4),
        prop::collection::vec(condition, 0..3),
        prop::collection::vec(sort, 0..3),
        prop::option::of(1usize..10_000),
        prop::sample::select(vec!["", "a", "a OR b", "k:\"x|y\" -(c d)"]),
    )
        .prop_map(|(sample, measures, by, conditions, sort, limit, filter)| {
            let mut kinds = Vec::new();
            kinds.extend(sample.map(StageKind::Sample));
            kinds.push(StageKind::Stats { measures, by });
            kinds.extend((!conditions.is_empty()).then_some(StageKind::Where(conditions)));
            kinds.extend((!sort.is_empty()).then_some(StageKind::Sort(sort)));
            kinds.extend(limit.map(StageKind::Limit));
            let stages = kinds.into_iter().map(|kind| Stage { kind, at: Position::default() });
            Pipe { filter: parse(filter).unwrap(), stages: stages.collect() }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_the_same(pipe in pipe()) {
        let text = pipe.to_string();
        let read = parse_pipe(&text).map_err(|e| TestCaseError::fail(format!("{text}: {e} at {:?}", e.at)))?;
        prop_assert_eq!(&read, &pipe, "{}", text);
        prop_assert_eq!(read.to_string(), text);
    }

    #[test]
    fn any_text_is_read_or_refused_in_its_place(text in "[a-c(){}|,:\" *-]{0,20}\\|? ?(stats|sort|where|top)?[a-z(),|<> 0-9]{0,20}") {
        if let Err(e) = parse_pipe(&text) {
            prop_assert!(text.is_char_boundary(e.at.offset) && text.is_char_boundary(e.at.end()), "{}: {:?}", text, e);
        }
    }
}

#[test]
fn filters_with_braces_are_conditions_on_traces() {
    use crate::lang::lower_traces;
    use eventstore::query::TraceFilter;
    let shape = |text: &str| {
        fn shape(f: &TraceFilter) -> String {
            match f {
                TraceFilter::Span(_) => "span".to_owned(),
                TraceFilter::And(all) => format!("({})", all.iter().map(shape).collect::<Vec<_>>().join(" & ")),
                TraceFilter::Or(any) => format!("({})", any.iter().map(shape).collect::<Vec<_>>().join(" | ")),
                TraceFilter::Not(inner) => format!("!{}", shape(inner)),
            }
        }
        let query = parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(parse(&query.to_string()).unwrap(), query, "{query}");
        shape(&lower_traces(&query).unwrap())
    };
    assert_eq!(shape("service:api status:error"), "span");
    assert_eq!(shape("{service:api} {status:error}"), "(span & span)");
    assert_eq!(shape("root{service:api} status:error name:b"), "(span & span)");
    assert_eq!(shape("root{} OR -{status:error duration>1s}"), "(span | !span)");
    assert_eq!(shape("{name:/users/{id}} {k:a\\}b}"), "(span & span)");
    assert_eq!(shape("name:/users/{id}"), "span");
    for (text, problem) in [
        ("{a {b}}", "braces stand for a span and cannot stand in braces"),
        ("{a", "this brace is not closed"),
        ("root{a OR}", "`OR` needs a condition after it"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.starts_with(problem), "{text}: {error}");
    }
}
