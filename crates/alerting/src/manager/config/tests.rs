//! Configurations: what is refused, what is changed, what is shown.

use std::path::Path;

use model::Labels;

use super::*;
use crate::manager::tests::{Desk, Recording};

fn read(text: &str) -> Loaded {
    let source = Source { base: Path::new(""), external_url: "http://am", section: false };
    load(text, source, &Recording(std::sync::Arc::<Desk>::default()))
}

fn said(text: &str) -> Vec<String> {
    read(text).findings.iter().map(ToString::to_string).collect()
}

const RECEIVERS: &str = "receivers: [{name: a, webhook_configs: [{url: 'http://x'}]}]\n";

#[test]
fn every_mistake_is_said_at_once_with_its_place() {
    let text = "
global: {resolve_timeout: 5x}
route:
  receivr: a
  group_by: [b, '...', b]
  group_interval: 0s
  continue: true
  matchers: [x=y]
  routes:
  - receiver: aa
    mute_time_intervals: [nights]
    matchers: ['x=~(']
receivers:
- name: a
  webhok_configs: []
- name: a
inhibit_rules:
- source_matcher: [a=b]
time_intervals:
- name: night
  time_intervals: [{weekdays: [funday]}]
inhibit_rule: []
";
    let said = said(text);
    for expected in [
        "2:27: error: global.resolve_timeout: not a valid duration string: \"5x\"",
        "4:3: error: route: unknown field `receivr`; did you mean `receiver`?",
        "3:1: error: route: root route must specify a default receiver",
        "5:13: error: route: duplicated label \"b\" in group_by",
        "5:13: error: route: cannot have wildcard group_by (`...`) and other labels at the same time",
        "6:19: error: route: group_interval cannot be zero",
        "7:13: error: route: cannot have continue in root route",
        "8:13: error: route: root route must not have any matchers",
        "10:15: error: route.routes[0]: undefined receiver \"aa\" used in route; did you mean `a`?",
        "11:26: error: route.routes[0]: undefined time interval \"nights\" used in route; did you mean `night`?",
        "15:3: error: receivers[0]: unknown field `webhok_configs`; did you mean `webhook_configs`?",
        "16:3: error: receivers[1]: notification config name \"a\" is not unique",
        "18:3: error: inhibit_rules[0]: unknown field `source_matcher`; did you mean `source_matchers`?",
        "21:31: error: time_intervals[0].time_intervals[0].weekdays: funday is not a valid weekday",
        "22:1: error: unknown field `inhibit_rule`; did you mean `inhibit_rules`?",
    ] {
        let place_free = |s: &str| s.splitn(3, ' ').nth(2).map(str::to_owned).unwrap_or_default();
        assert!(
            said.iter().any(|s| s == expected || (expected.contains("3:1:") && place_free(s) == place_free(expected))),
            "{expected}\n{said:#?}"
        );
    }
    assert!(said.iter().any(|s| s.starts_with("12:16: error: route.routes[0].matchers: ")), "{said:#?}");
    assert!(!read(text).valid_in_alertmanager);
    assert_eq!(
        super::load(
            "route: [",
            Source { base: Path::new(""), external_url: "", section: false },
            &Recording(Default::default())
        )
        .findings
        .len(),
        1
    );
}

#[test]
fn a_plain_file_is_valid_in_both() {
    let loaded = read(&format!("route: {{receiver: a}}\n{RECEIVERS}"));
    assert_eq!(loaded.findings, []);
    assert!(loaded.valid_in_alertmanager && loaded.config.is_some());
    assert!(said(RECEIVERS)[0].ends_with("route: no routes provided; write a `route` with a `receiver`"));
}

#[test]
fn names_that_people_write_into_emails_are_mapped() {
    let text = "
route: {receiver: a}
receivers:
- name: a
  email_configs:
  - {to: x@y, subject: 'S', body: 'plain < text'}
  - {to: x@y, body: '<b>x</b>'}
  - {to: x@y, subject: 'S', headers: {subject: 'mine'}, body: b, text: t}
";
    let loaded = read(text);
    assert!(!loaded.valid_in_alertmanager);
    assert_eq!(loaded.findings.len(), 5);
    assert_eq!(
        loaded.findings[0].to_string(),
        "6:15: warning: receivers[0].email_configs[0]: `subject` is not a field of Alertmanager; it is taken as `headers: \
         {Subject: ...}`; write `headers: {Subject: ...}` (Alertmanager refuses it)"
    );
    let shown = loaded.config.unwrap().normalised;
    let expected = "
  - to: \"x@y\"
    headers:
      Subject: S
    text: \"plain < text\"
    html: \"\"
  - to: \"x@y\"
    html: \"<b>x</b>\"
  - to: \"x@y\"
    headers:
      subject: mine
    text: t
";
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn the_normalised_file_is_modern_and_without_secrets() {
    let text = "
global: {smtp_auth_password: hunter2, slack_api_url: 'https://hooks.slack.com/T/B/hunter2', resolve_timeout: 1m}
route:
  receiver: a
  routes: [{match: {severity: critical}, match_re: {b: 'c|d'}, receiver: a}]
receivers:
- name: a
  webhook_configs:
  - url: 'http://user:hunter2@x/hook'
    http_config: {basic_auth: {username: u, password: hunter2}, proxy_url: 'http://p:hunter2@proxy', authorization: {credentials: hunter2}}
  pagerduty_configs: [{routing_key: hunter2, service_key_file: /run/key}]
  slack_configs: [{channel: '#x', api_url: 'https://hunter2'}]
inhibit_rules: [{source_match: {a: b}, target_match: {c: d}, equal: [e]}]
";
    let loaded = read(text);
    let shown = loaded.config.unwrap().normalised;
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("matchers:\n    - \"severity=\\\"critical\\\"\"\n    - \"b=~\\\"c|d\\\"\"\n"), "{shown}");
    assert!(shown.contains("source_matchers:\n  - \"a=\\\"b\\\"\"\n"), "{shown}");
    assert!(
        shown.contains("proxy_url: \"http://p:xxxxx@proxy\"") && shown.contains("service_key_file: \"/run/key\""),
        "{shown}"
    );
    assert!(shown.contains("- url: \"http://x/<secret>\""), "{shown}");
    let again = read(&shown);
    assert_eq!(again.errors().next(), None, "it can be read again");
    assert_eq!(again.config.unwrap().normalised, shown);
}

#[test]
fn an_inhibition_that_never_matches_is_said() {
    let rule = |text: &str| format!("route: {{receiver: a}}\n{RECEIVERS}inhibit_rules:\n- {text}\n");
    let impossible =
        said(&rule("{source_match: {severity: critical}, target_match: {severity: warning}, equal: [severity]}"));
    assert!(
        impossible
            .iter()
            .any(|s| s
                .contains("can never match: `equal` has `severity`, which is `critical` in the source and `warning`")),
        "{impossible:?}"
    );
    let text =
        rule("{source_match: {severity: critical}, target_match: {severity: warning}, equal: [alertname, service]}");
    assert!(
        said(&text)
            .iter()
            .any(|s| s.starts_with("4:3: warning: inhibit_rules[0]: acts only between alerts of one and the same name"))
    );
    let rules = read(&text).config.unwrap().inhibit_rules;
    let alert = |name, severity| Labels::from_pairs([("alertname", name), ("severity", severity)]);
    let never = check_inhibitions(&rules, &[alert("A", "critical"), alert("B", "warning")]);
    assert!(never[0].message.starts_with("can never match: no two of the 2 alert rules fit"), "{never:?}");
    assert_eq!(check_inhibitions(&rules, &[alert("A", "critical"), alert("A", "warning")]), []);
    assert_eq!(check_inhibitions(&rules, &[alert("A", "critical"), alert("A", "")]), [], "its severity is not fixed");
}

#[test]
fn a_channel_that_is_not_filled_in_is_disabled() {
    let text = "
route: {receiver: a}
receivers:
- name: a
  slack_configs: [{api_url: 'YOUR_SLACK_WEBHOOK_URL', channel: x}, {api_url: 'https://hooks.slack.com/a'}]
  wechat_configs: [{to_user: x}]
";
    let loaded = read(text);
    let said: Vec<_> = loaded.findings.iter().map(ToString::to_string).collect();
    assert!(
        said[0].starts_with(
            "5:29: warning: receivers[0].slack_configs[0]: api_url is not filled in yet; this channel is disabled"
        ),
        "{said:?}"
    );
    let config = loaded.config.unwrap();
    let usable: Vec<_> = config.receivers[0].slots.iter().map(|s| (s.name(), s.channel.is_ok())).collect();
    assert_eq!(
        usable,
        [("slack[0]".to_owned(), false), ("slack[1]".to_owned(), true), ("wechat[0]".to_owned(), false)]
    );
    assert!(!loaded.valid_in_alertmanager);
}
