//! Syntax, types, limits, errors.

use super::*;
use crate::value::text;
use crate::{Error, Functions};

#[test]
fn names_mean_methods_then_fields_then_keys() {
    for (source, expected) in [
        ("{{ .Status }} {{ .Receiver | toUpper }}", "firing TEAM X&Y"),
        ("{{ len .Alerts.Firing }} {{ (index .Alerts 1).Labels.instance }}", "1 b"),
        ("{{ .CommonLabels.SortedPairs.Values | join \" \" }}", "Down page"),
        ("{{ .CommonLabels.Remove .GroupLabels.Names }}", "map[severity:page]"),
        ("{{ (.CommonLabels.Remove (stringSlice \"alertname\")).Names.Join \",\" }}", "severity"),
        (
            "{{ .CommonLabels.SortedPairs }}|{{ .CommonLabels.SortedPairs.String }}",
            "[{alertname Down} {severity page}]|alertname=Down, severity=page",
        ),
        ("{{ .CommonLabels.nope }}|{{ index .CommonLabels \"nope\" }}|{{ (dict \"a\" 1).b }}", "||<no value>"),
        ("{{ with $x := .CommonLabels }}{{ $x.severity }}{{ $.Status }}{{ end }}", "pagefiring"),
        ("{{ range $i, $a := .Alerts }}{{ $i }}{{ $a.Labels.instance }}{{ end }}", "0a1b"),
        ("{{ $x := 1 }}{{ range .Alerts }}{{ $x = .Status }}{{ end }}{{ $x }}", "resolved"),
        (
            "{{ printf \"%s %v %d %.1f %q\" .Status .CommonLabels (len .Alerts) 1.25 .Status }}",
            "firing map[alertname:Down severity:page] 2 1.2 \"firing\"",
        ),
        ("{{ if and (eq .Status \"firing\") (gt (len .Alerts) 1) }}y{{ end }}", "y"),
        ("{{ (stringSlice \"a\" \"b\").Join \"-\" }} {{ list 1 2 | len }}", "a-b 2"),
        ("{{ define \"x\" }}[{{ .Status }}]{{ end }}{{ template \"x\" . }}", "[firing]"),
        ("{{ 1e21 }} {{ 1e20 }} {{ 0.00001 }} {{ 2.50 }}", "1e+21 1e+20 1e-05 2.5"),
    ] {
        assert_eq!(fill(source), expected, "{source}");
    }
}

#[test]
fn errors_name_line_and_cause() {
    for (source, part) in [
        ("a\n{{ .Nope }}", "line 2: <.Nope>: can't evaluate field Nope in type *template.Data"),
        ("{{ .Alerts.Nope }}", "can't evaluate field Nope in type []template.Alert"),
        ("\n\n{{ nofunc 1 }}", "t:3: function \"nofunc\" not defined"),
        ("{{ .Status.X }}", "can't evaluate field X in type string"),
        ("{{ if }}", "t:1: empty command"),
        ("{{ template \"gone\" . }}", "template \"gone\" not defined"),
        ("{{ .Status \"x\" }}", "Status has arguments but cannot be invoked as function"),
        ("{{ (dict \"a\" 1).b.c }}", "nil pointer evaluating interface {}.c"),
        ("{{ toUpper 1 }}", "toUpper: expected string, got int"),
        ("{{ reReplaceAll \"(\" \"\" \"\" }}", "error parsing regexp"),
        ("{{ range .}}x{{ end }}", "range can't iterate over a *template.Data"),
        ("{{ len (index .Alerts 0) }}", "len of type template.Alert"),
        ("{{ $x }}", "undefined variable"),
    ] {
        let got = fill(source);
        assert!(got.starts_with("ERR") && got.contains(part), "{source}: {got}");
    }
}

#[test]
fn endless_templates_are_stopped() {
    assert!(fill("{{ range 10000000 }}{{ end }}").contains("range iteration budget exhausted"));
    assert!(
        fill("{{ define \"x\" }}{{ template \"x\" . }}{{ end }}{{ template \"x\" . }}").contains("recursion limit")
    );
    let long = "x".repeat(1000);
    assert!(fill(&format!("{{{{ range 5000 }}}}{long}{{{{ end }}}}")).contains("larger than 4194304 bytes"));
}

#[test]
fn html_is_escaped_for_its_place() {
    let html = |source: &str| library().compile("t", source, Mode::Html).unwrap().fill(&data().value()).unwrap();
    assert_eq!(html("<b>{{ .CommonAnnotations.summary }}</b>"), "<b>it&#39;s &lt;down&gt; &amp; out</b>");
    assert_eq!(html("{{ .CommonAnnotations.summary | safeHtml }}"), "it's <down> & out");
    assert_eq!(
        html("<a href=\"{{ .ExternalURL }}/?q={{ .Receiver }}\">"),
        "<a href=\"http://bellrock:9093/?q=team%20x%26y\">"
    );
    assert_eq!(html("<a href=\"{{ \"javascript:alert(1)\" }}\">"), "<a href=\"#ZgotmplZ\">");
    assert_eq!(html("<i>{{ (index .Alerts 0).StartsAt }}</i>"), "<i>2024-03-01 12:00:00 &#43;0000 UTC</i>");
    let broken = library().compile("t", "<a href='{{ .Status }}", Mode::Html).unwrap().fill(&data().value());
    assert!(broken.unwrap_err().to_string().contains("non-text context"));
}

#[test]
fn later_definitions_replace_earlier_ones_and_empty_ones_do_not() {
    let mut library = library();
    library.add("a", "{{ define \"x\" }}one{{ end }}").unwrap();
    library.add("b", "{{ define \"x\" }}two{{ end }}").unwrap();
    library.add("c", "{{ define \"x\" }} {{ end }}{{ define \"empty\" }}{{ end }}").unwrap();
    let fill = |source: &str| library.compile("t", source, Mode::Text).unwrap().fill(&data().value()).unwrap();
    assert_eq!(fill("{{ template \"x\" }}{{ template \"empty\" }}"), "two");
    assert!(library.has("empty") && library.names().count() == 2);
    let error = library.clone().add("d", "{{ define \"x\" }}1{{ end }}{{ define \"x\" }}2{{ end }}").unwrap_err();
    assert!(matches!(error, Error::Parse { .. }), "{error}");
}

#[test]
fn functions_can_come_with_the_filling() {
    let later = library().compile_with("t", "{{ answer }} {{ routeLabels \"x\" }}", Mode::Text, &["answer"]).unwrap();
    let functions = Functions::default().with("answer", |_| Ok(text("42"))).with("routeLabels", |_| Ok(text("r")));
    assert_eq!(later.fill_with(&data().value(), functions).unwrap(), "42 r");
    assert!(later.fill(&data().value()).is_err());
}
