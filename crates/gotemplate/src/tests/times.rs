//! Times, durations, layouts.

use super::*;

#[test]
fn times_have_gos_methods_and_layouts() {
    for (source, expected) in [
        ("{{ (index .Alerts 0).StartsAt }}", "2024-03-01 12:00:00 +0000 UTC"),
        (
            "{{ (index .Alerts 0).StartsAt.Format \"Mon Monday Jan January 1 01 2 _2 02 002 06 2006\" }}",
            "Fri Friday Mar March 3 03 1  1 01 061 24 2024",
        ),
        (
            "{{ (index .Alerts 0).StartsAt.Format \"3:04PM 03 15 4 5 05.000 05.999 Z07:00 -0700 MST\" }}",
            "12:00PM 12 12 0 0 00.000 00 Z +0000 UTC",
        ),
        (
            "{{ (index .Alerts 0).StartsAt | tz \"Europe/Berlin\" | date \"2006-01-02T15:04:05Z07:00 MST\" }}",
            "2024-03-01T13:00:00+01:00 CET",
        ),
        ("{{ (tz \"America/New_York\" (index .Alerts 0).StartsAt).Hour }}", "7"),
        ("{{ ((index .Alerts 1).EndsAt.Sub (index .Alerts 1).StartsAt).Hours }}", "1.0341666666666667"),
        ("{{ (index .Alerts 1).EndsAt.Sub (index .Alerts 1).StartsAt }}", "1h2m3s"),
        ("{{ ((index .Alerts 0).StartsAt.AddDate 0 1 2).Format \"Jan 2\" }}", "Apr 3"),
        (
            "{{ (index .Alerts 0).EndsAt.IsZero }} {{ (index .Alerts 0).StartsAt.Unix }} {{ (index .Alerts 0).StartsAt.Weekday }}",
            "true 1709294400 Friday",
        ),
        ("{{ (index .Alerts 0).StartsAt.Before now }} {{ now.Unix }}", "true 1709294490"),
        (
            "{{ (toDate \"2006-01-02 15:04 -0700\" \"2024-05-06 07:08 +0200\").Format \"2006-01-02T15:04:05Z07:00\" }}",
            "2024-05-06T07:08:00+02:00",
        ),
        ("{{ (toDate \"Jan 2, 2006 at 3:04pm\" \"Feb 3, 2013 at 7:54pm\").Unix }}", "1359921240"),
        ("{{ (toDate \"2006-01-02\" \"never\").IsZero }}", "true"),
        ("{{ printf \"%v %s %d\" (since now) (since now) (since now) }}", "0s 0s 0"),
        ("{{ if gt (since (index .Alerts 0).StartsAt) 60000000000 }}long{{ end }}", "long"),
    ] {
        assert_eq!(fill(source), expected, "{source}");
    }
    assert!(fill("{{ mustToDate \"2006\" \"x\" }}").contains("cannot parse \"x\""));
    assert!(fill("{{ tz \"Moon/Sea\" now }}").contains("unknown time zone Moon/Sea"));
}

#[test]
fn durations_print_as_in_go() {
    for (ns, expected) in [
        (0, "0s"),
        (1, "1ns"),
        (1_100, "1.1\u{b5}s"),
        (2_200_000, "2.2ms"),
        (3_300_000_000, "3.3s"),
        (245_000_000_000, "4m5s"),
        (18_367_001_000_000, "5h6m7.001s"),
        (-1_500_000_000, "-1.5s"),
    ] {
        assert_eq!(crate::time::duration_text(ns), expected);
    }
}
