//! Our own sections: every error with its line, and what is printed is read as the same.

use expect_test::{Expect, expect};
use yaml::Findings;
use yaml::parse;

use super::*;

fn read(yaml: &str) -> Result<Loaded, String> {
    let node = parse("bellrock.yaml", yaml).map_err(|e| e.to_string())?;
    let mut findings = Findings::default();
    let args = ServeArgs { log: "info".to_owned(), ..ServeArgs::default() };
    load::read(&args, node, true, &mut findings).ok_or_else(|| findings.to_string())
}

fn check(yaml: &str, expected: Expect) {
    let result = read(yaml).map(|loaded| loaded.yaml);
    expected.assert_eq(&result.unwrap_or_else(|e| e));
}

#[test]
fn what_is_printed_is_a_valid_configuration_with_the_same_meaning() {
    let defaults = read("{}").unwrap();
    let again = read(&defaults.yaml).unwrap();
    assert_eq!(again.yaml, defaults.yaml);
    assert_eq!(format!("{:?}", again.config), format!("{:?}", defaults.config));
    assert!(defaults.yaml.contains("endpoint: '127.0.0.1:4317'"), "{}", defaults.yaml);
}

#[test]
fn a_file_of_another_kind_is_known() {
    check(
        "groups: []\n",
        expect![
            "bellrock.yaml:1:1: error: groups: this is a file of rules, and no configuration; name it in `rule_files`, or look at it with `bellrock rules check`"
        ],
    );
    check(
        "global: {smtp_from: a@b}\nroute: {receiver: x}\n",
        expect![
            "bellrock.yaml:2:1: error: route: this is a file for Alertmanager, and no configuration; name it in `alerting_file`, or look at it with `bellrock check-config`"
        ],
    );
}

#[test]
fn a_misspelt_setting_names_the_line_and_the_right_word() {
    check(
        "listen: 127.0.0.1\nserver:\n  apj: 8080\nrecievers: {}\n",
        expect![[r#"
            bellrock.yaml:3:3: error: server.apj: is not known; did you mean `api`?
            bellrock.yaml:4:1: error: recievers: is not known; did you mean `receivers`?"#]],
    );
}

#[test]
fn all_problems_are_reported_at_once() {
    check(
        "storage: {retention: soon}\nserver: {api: 'here', ui: '3301', health: '127.0.0.1:3301'}\nmemory: {requests: much}\n",
        expect![[r#"
            bellrock.yaml:1:11: error: storage.retention: `soon` is not a duration; write numbers and units, for example `15s`, `1h30m` or `7d`
            bellrock.yaml:2:10: error: server.api: `here` is not an address; write `127.0.0.1:4318`, `0.0.0.0:4318` or only the port
            bellrock.yaml:2:35: error: server.health: is 127.0.0.1:3301, and so is server.ui; give each its own port
            bellrock.yaml:3:10: error: memory.requests: `much` is not a byte size; write a number and a unit, for example `64MiB` or `10GB`"#]],
    );
}

#[test]
fn receivers_and_our_own_ports_do_not_meet() {
    check(
        "receivers:\n  otlp:\n    protocols:\n      http:\n        endpoint: 127.0.0.1:8080\n",
        expect![[
            r#"bellrock.yaml:5:9: error: receivers.otlp.protocols.http.endpoint: is 127.0.0.1:8080, and so is server.api; give each its own port"#
        ]],
    );
}

#[test]
fn addresses() {
    let host = IpAddr::from([0, 0, 0, 0]);
    assert_eq!(parse_address("4318", host).unwrap(), SocketAddr::new(host, 4318));
    assert_eq!(parse_address(":4318", host).unwrap(), SocketAddr::new(host, 4318));
    assert_eq!(parse_address("localhost:1", host).unwrap(), "127.0.0.1:1".parse().unwrap());
    assert!(parse_address("example.org:1", host).is_err());
}
