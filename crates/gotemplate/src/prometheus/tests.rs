//! Templates as they stand in rules, with what Prometheus makes of them (`template/template_test.go`).

use std::sync::Arc;

use model::Labels;

use super::*;

fn scope() -> Scope {
    let query = |q: &str| match q {
        "nothing" => Ok(Vec::new()),
        "wrong{" => Err("1:7: parse error".to_owned()),
        _ => Ok([("b", "x", 11.0), ("a", "y", 21.0)]
            .map(|(instance, job, v)| (Labels::from_pairs([("instance", instance), ("job", job)]), v))
            .to_vec()),
    };
    Scope {
        labels: Labels::from_pairs([("service", "api"), ("instance", "host.example.org:9090")]),
        external_labels: Labels::from_pairs([("region", "eu")]),
        external_url: "http://localhost:8080/base".to_owned(),
        value: ScopeValue::Float(0.0625),
        at_ms: 1_435_065_584_128,
        query: Arc::new(query),
    }
}

#[track_caller]
fn check_all(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let filled = compile("t", text).and_then(|(text, _)| text.fill(&scope()));
        let got = filled.unwrap_or_else(|e| format!("error: {e}"));
        assert_eq!(&got, expected, "{text}");
    }
}

#[test]
fn what_a_rule_says() {
    check_all(&[
        ("plain", "plain"),
        ("High error rate for {{ $labels.service }}", "High error rate for api"),
        ("Error rate is {{ $value | humanizePercentage }}", "Error rate is 6.25%"),
        ("{{ .Labels.service }} {{ .Value }} {{ $value }}", "api 0.0625 0.0625"),
        ("[{{ $labels.nobody }}]{{ if $labels.nobody }}yes{{ else }}no{{ end }}", "[]no"),
        ("{{ $externalLabels.region }} {{ $externalURL }} {{ pathPrefix }}", "eu http://localhost:8080/base /base"),
        ("{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}", "instance=host.example.org:9090;service=api;"),
        ("{{ printf \"%.2f\" $value }}", "0.06"),
        (
            "{{ 1435065584.128 }} {{ print 0.00001 }} {{ 20.0 }} {{ 1000000.0 }} {{ 123456789 }} {{ 123456.5 }} {{ 1234567.5 }} {{ 0.0001 }}",
            "1.435065584128e+09 1e-05 20 1e+06 123456789 123456.5 1.2345675e+06 0.0001",
        ),
        ("{{ with $labels.service }}{{ . }}{{ end }}", "api"),
    ]);
}

#[test]
fn queries_in_templates() {
    check_all(&[
        ("{{ range query \"up\" }}{{ .Labels.instance }}:{{ .Value }} {{ end }}", "b:11 a:21 "),
        ("{{ query \"up\" | first | value }}", "11"),
        ("{{ query \"up\" | sortByLabel \"instance\" | first | label \"job\" }}", "y"),
        ("{{ with query \"nothing\" }}some{{ else }}none{{ end }}", "none"),
        (
            "{{ query \"nothing\" | first }}",
            "error: template t: error calling first: first() called on vector with no elements",
        ),
        ("{{ query \"wrong{\" }}", "error: template t: error calling query: 1:7: parse error"),
    ]);
}

#[test]
fn texts_and_times() {
    check_all(&[
        ("{{ \"aa bb CC\" | title }} {{ \"aB\" | toUpper }} {{ \"aB\" | toLower }}", "Aa Bb CC AB ab"),
        ("{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }}", "host.example.org host:9090"),
        ("{{ stripPort \"[::1]:80\" }} {{ stripDomain \"127.0.0.1:80\" }}", "::1 127.0.0.1:80"),
        ("{{ reReplaceAll \"(.*)\\\\.org.*\" \"$1\" $labels.instance }}", "host.example"),
        ("{{ if match \"^ho\" $labels.instance }}yes{{ end }}", "yes"),
        ("{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"),
        (
            "{{ humanizeTimestamp 0 }} {{ toTime 1435065584.5 }}",
            "1970-01-01 00:00:00 +0000 UTC 2015-06-23 13:19:44.5 +0000 UTC",
        ),
        ("{{ toDuration 3661.5 }} {{ parseDuration \"1h2m10ms\" }} {{ now }}", "1h1m1.5s 3720.01 1.435065584128e+09"),
        ("{{ urlQueryEscape \"a b\" }} {{ tableLink \"up\" }}", "a+b /graph?g0.expr=up&g0.tab=1"),
        (
            "{{ \"0.1234\" | humanize }} {{ 1234567 | humanize }} {{ 1610612736.0 | humanizeBytes }}",
            "123.4m 1.235M 1.5GiB",
        ),
        ("{{ define \"x\" }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template \"x\" (args 1 \"b\") }}", "1-b"),
        (
            "{{ .Nope }}",
            "error: template t: line 1: <.Nope>: can't evaluate field Nope in type struct { Labels map[string]string; \
             ExternalLabels map[string]string; ExternalURL string; Value interface {} }",
        ),
        (
            "{{ \"x\" | humanize }}",
            "error: template t: error calling humanize: strconv.ParseFloat: parsing \"x\": invalid syntax",
        ),
    ]);
}

#[test]
fn what_prometheus_refuses_is_refused_before_it_runs() {
    let refused = |text: &str| compile("summary", text).unwrap_err().to_string();
    assert_eq!(refused("a\n{{ $value | humanise }}"), "template summary:2: function \"humanise\" not defined");
    assert!(refused("{{ $value").starts_with("template summary:"), "{}", refused("{{ $value"));
    assert!(refused("{{ $nobody }}").contains("$nobody"), "{}", refused("{{ $nobody }}"));
    let (_, uses) = compile(
        "d",
        "{{ $value | humanizeBytes }} {{ $labels.a }} {{ .Labels.b }} {{ range query \"x\" }}{{ .Labels.c }}{{ end }}",
    )
    .unwrap();
    assert_eq!(uses, Uses { labels: vec!["a".to_owned(), "b".to_owned()], humanize_bytes: true });
}
