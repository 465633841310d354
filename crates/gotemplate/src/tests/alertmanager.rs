//! Alertmanager's functions.

use super::*;

#[test]
fn functions_do_what_they_do_in_go() {
    for (source, expected) in [
        ("{{ title \"hello wORLD it's a.b\" }}", "Hello WORLD It's A.b"),
        ("{{ trimSpace \" z \" }}|{{ toLower \"ABC\" }}", "z|abc"),
        ("{{ match \"^fir\" .Status }} {{ match \"x\" .Status }}", "true false"),
        ("{{ reReplaceAll \"a(.)\" \"<$1>\" \"abac\" }}", "<b><c>"),
        ("{{ \"a%20b+c\" | urlUnescape }}", "a b c"),
        ("{{ base64encode \"hi\" }} {{ base64decode \"aGk=\" }}", "aGk= hi"),
        ("{{ append (list 1) 2 3 }}", "[1 2 3]"),
        ("{{ dict \"b\" 1 \"a\" \"x\" }}", "map[a:x b:1]"),
        ("{{ toJson .GroupLabels }}", "{\"alertname\":\"Down\"}"),
        ("{{ (index .Alerts 0).Annotations | toJson }}", "{\"summary\":\"it's \\u003cdown\\u003e \\u0026 out\"}"),
        ("{{ toJson (list 1 1.5 true nil 1e21 (dict \"k\" 0.0000001)) }}", "[1,1.5,true,null,1e+21,{\"k\":1e-7}]"),
        ("{{ toJson (index .Alerts 0).EndsAt }}", "\"0001-01-01T00:00:00Z\""),
        (
            "{{ since (index .Alerts 0).StartsAt }} {{ humanizeDuration (since (index .Alerts 0).StartsAt) }}",
            "1m30s 1m 30s",
        ),
        (
            "{{ humanizeDuration 93784 }} {{ humanizeDuration 0.0015 }} {{ humanizeDuration \"-61\" }} {{ humanizeDuration 0 }}",
            "1d 2h 3m 4s 1.5ms -1m 1s 0s",
        ),
        ("{{ routeLabels \"x\" }}", ""),
    ] {
        assert_eq!(fill(source), expected, "{source}");
    }
    assert!(fill("{{ dict \"a\" }}").contains("odd number"));
    assert!(fill("{{ base64decode \"%\" }}").contains("error calling base64decode"));
}
