//! What Prometheus takes is taken and means the same; everything else is told with its place.

use expect_test::{Expect, expect};

use super::super::{Dialect, write};
use super::*;

fn check(yaml: &str, expected: Expect) {
    let read = read(yaml);
    let lines: Vec<_> = read.findings.iter().map(|f| format!("{f}\n")).collect();
    expected.assert_eq(&lines.concat());
}

const FULL: &str = r#"groups:
  - name: everything
    interval: 30s
    query_offset: 1m
    limit: 10
    labels: {team: shop, tier: "1"}
    rules:
      - record: job:requests:rate5m
        expr: sum by (job) (rate(requests_total[5m]))
        labels: {tier: ""}
      - alert: Errors
        expr: |
          job:errors:rate5m
            / job:requests:rate5m
          > 0.05
        for: 5m
        keep_firing_for: 10m
        labels: {severity: page, job: "{{ $labels.job }}"}
        annotations: {summary: "{{ $value | humanizePercentage }} of {{ $labels.job }}"}
"#;

#[test]
fn a_full_file_is_what_it_says() {
    let file = read(FULL);
    assert_eq!(file.findings, []);
    let [group] = &file.groups[..] else { panic!("{file:?}") };
    assert_eq!((group.interval, group.limit), (Some(Duration::from_secs(30)), 10));
    assert_eq!(group.query_offset, Some(Duration::from_secs(60)));
    let [recorded, alert] = &group.rules[..] else { panic!("{group:?}") };
    let labels = |r: &Rule| r.labels.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(",");
    assert_eq!(labels(recorded), "team=shop,tier=", "the rule takes a label of the group away");
    assert_eq!(labels(alert), "job={{ $labels.job }},severity=page,team=shop,tier=1");
    let a = alert.alerting.as_ref().unwrap();
    assert_eq!((a.hold, a.keep_firing), (Duration::from_secs(300), Duration::from_secs(600)));
    assert_eq!(alert.expression.text(), "job:errors:rate5m / job:requests:rate5m > 0.05");
}

const EXTENDED: &str = r#"groups:
  - name: ours
    rules:
      - alert: Disk
        expr: disk_used_ratio
        for: 5m
        levels:
          - {severity: warning, above: 0.8, recover_below: 0.75}
          - {severity: critical, above: 0.95, for: 1m}
        absent: {after: 10m, severity: warning}
        annotations: {summary: "{{ $labels.severity }}: {{ $value | humanizeBytes }}"}
      - alert: ErrorsInLogs
        source: logs
        window: 10m
        expr: level>=error | stats count() by service | where count > 100
"#;

#[test]
fn what_is_written_is_read_as_the_same() {
    for text in [FULL, EXTENDED] {
        let groups = read(text).groups;
        let written = write(&groups, Dialect::Bellrock);
        let again = read(&written);
        assert!(again.is_usable(), "{:?}\n{written}", again.findings);
        // What the group gave to its rules is theirs now.
        let mut expected = groups;
        expected.iter_mut().for_each(|g| g.labels.clear());
        let trimmed = |groups: &[Group]| write(groups, Dialect::Bellrock);
        assert_eq!(trimmed(&again.groups), trimmed(&expected), "{written}");
    }
}

#[test]
fn for_prometheus_extensions_become_what_it_has() {
    let read = read(EXTENDED);
    assert!(read.is_usable() && !read.suits_prometheus());
    let written = write(&read.groups, Dialect::Prometheus);
    expect![[r#"
        groups:
          - name: ours
            rules:
              - alert: Disk
                expr: |-
                  (disk_used_ratio
                  ) > 0.8
                for: 5m
                labels:
                  severity: warning
                annotations:
                  summary: "{{ $labels.severity }}: {{ $value | humanize1024 }}B"
              - alert: Disk
                expr: |-
                  (disk_used_ratio
                  ) > 0.95
                for: 1m
                labels:
                  severity: critical
                annotations:
                  summary: "{{ $labels.severity }}: {{ $value | humanize1024 }}B"
              # ErrorsInLogs: left out, Prometheus cannot ask logs
    "#]]
    .assert_eq(&written);
    assert!(super::read(&written).suits_prometheus());
}

#[test]
fn extensions_are_told_to_those_who_also_use_prometheus() {
    check(
        EXTENDED,
        expect![[r#"
            7:9: warning: groups[0].rules[0].levels: `levels` is an extension of Bellrock; leave it out of files that Prometheus reads too (Prometheus refuses it)
            10:9: warning: groups[0].rules[0].absent: `absent` is an extension of Bellrock; leave it out of files that Prometheus reads too (Prometheus refuses it)
            11:32: warning: groups[0].rules[0] (Disk).annotations.summary: `humanizeBytes` is not a function of Prometheus; Bellrock has it; for Prometheus write `{{ $value | humanize1024 }}B` (Prometheus refuses it)
            13:9: warning: groups[0].rules[1].source: `source` is an extension of Bellrock; leave it out of files that Prometheus reads too (Prometheus refuses it)
            14:9: warning: groups[0].rules[1].window: `window` is an extension of Bellrock; leave it out of files that Prometheus reads too (Prometheus refuses it)
        "#]],
    );
}

#[test]
fn all_mistakes_are_told_at_once_with_place_and_remedy() {
    check(
        r#"groups:
  - name: a
    intervall: 10s
    limit: many
    rules:
      - alert: A
        expr: sum(
        fro: 5m
      - record: r
        expr: up
        for: 5m
      - alert: B
        record: b
        expr: up
      - expr: up
      - alert: C
        expr: up
        for: soon
        labels: {__name__: x}
        annotations: {summary: "{{ $value | humanise }}"}
      - alert: D
        expr: sum by (job) (up) == 0
        annotations: {summary: "{{ $labels.instance }}"}
      - alert: E
        expr: load
        absent: {after: 5m}
        levels: [{severity: a, above: 1, recover_below: 2}, {severity: a, below: 1}]
      - alert: F
  - name: a
"#,
        expect![[r#"
            3:5: error: groups[0]: unknown field `intervall`; did you mean `interval`?
            4:12: error: groups[0].limit: `many` is not a number; write how many, or 0 for no limit
            7:15: error: groups[0].rules[0] (A).expr: could not parse expression: 1:5: parse error: unexpected end of input; the position counts lines and columns of the expression
            8:9: error: groups[0].rules[0]: unknown field `fro`; did you mean `for`?
            11:14: error: groups[0].rules[1] (r).for: invalid field 'for' in recording rule; remove it, or write `alert:`
            12:9: error: groups[0].rules[2]: only one of 'record' and 'alert' must be set; make two rules of it
            15:9: error: groups[0].rules[3]: one of 'record' or 'alert' must be set; write `alert:` or `record:` with a name
            17:15: info: groups[0].rules[4] (C).expr: has no condition: the alert fires for every series that there is; compare it, as `> 0`
            18:14: error: groups[0].rules[4] (C).for: `soon` is not a duration; write numbers and units, for example `15s`, `1h30m` or `7d`
            19:18: error: groups[0].rules[4] (C).labels.__name__: invalid label name: __name__; use letters, digits and `_`
            20:32: error: groups[0].rules[4] (C).annotations.summary: template summary:1: function "humanise" not defined; correct the template
            23:32: warning: groups[0].rules[5] (D).annotations.summary: the label `instance` is empty: results of the expression have only `job`; keep `instance` in the `by (...)` of the expression
            26:9: warning: groups[0].rules[6].absent: `absent` is an extension of Bellrock; leave it out of files that Prometheus reads too (Prometheus refuses it)
            27:9: warning: groups[0].rules[6].levels: `levels` is an extension of Bellrock; leave it out of files that Prometheus reads too (Prometheus refuses it)
            27:18: error: groups[0].rules[6] (E).levels[0].recover_below: 2 lies beyond the threshold 1: the alert would never hold; a recovery threshold lies on the good side
            27:61: error: groups[0].rules[6] (E).levels[1]: the severity `a` occurs twice; give each level its own
            28:9: error: groups[0].rules[7] (F).expr: field 'expr' must be set in rule; add `expr:`
            29:5: error: groups[1].name: groupname: "a" is repeated in the same file; give each group its own name
        "#]],
    );
}

#[test]
fn what_is_not_yaml_or_no_rule_file() {
    check(
        "groups: [\n",
        expect![[r#"
            1:9: error: this is not YAML: unclosed bracket '['; write the file as YAML
        "#]],
    );
    check(
        "rules: []\n",
        expect![[r#"
            1:1: error: unknown field `rules`; there is groups
        "#]],
    );
    check(
        "",
        expect![[r#"
            1:1: warning: the file has no rules; write `groups:` with a list of groups
        "#]],
    );
}
