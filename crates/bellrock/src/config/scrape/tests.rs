//! What Prometheus accepts is accepted and means the same; everything else is named with its place.

use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};

use super::*;
use crate::config::raw::parse;

/// The scraping of a configuration, or its errors.
fn load(yaml: &str) -> Result<Scraping, String> {
    let raw = parse(yaml)?;
    let node = yaml::parse("bellrock.yaml", yaml).unwrap();
    let receiver = node.get("receivers").and_then(|r| r.get("prometheus"));
    let receiver =
        receiver.map_or_else(PrometheusReceiver::default, |node| yaml::read(node, yaml::Manner::Loose).unwrap().0);
    let (mut scraping, mut p) = (Scraping::default(), Problems::default());
    add(&mut scraping, "", raw.global, raw.scrape_configs, Path::new("/etc/bellrock"), &mut p);
    let receiver = receiver.config;
    let setting = "receivers.prometheus.config.";
    add(&mut scraping, setting, receiver.global, receiver.scrape_configs, Path::new("/etc/bellrock"), &mut p);
    if p.0.is_empty() { Ok(scraping) } else { Err(p.0.join("\n")) }
}

fn errors(yaml: &str, expected: Expect) {
    expected.assert_eq(&load(yaml).expect_err("no error"));
}

const FULL: &str = r#"
global:
  scrape_interval: 15s
  external_labels: {region: eu}
  sample_limit: 500
scrape_configs:
  - job_name: node
    scrape_interval: 5s
    metrics_path: /probe
    params: {module: [http_2xx], target: ['a', 'b']}
    basic_auth: {username: me, password_file: secret.txt}
    http_headers: {X-Tenant: {values: [one], secrets: [hidden]}}
    scheme: https
    tls_config: {ca_file: ca.pem, server_name: node}
    body_size_limit: 10MB
    scrape_native_histograms: true
    static_configs:
      - targets: ['localhost:9100', '127.0.0.1:9101']
        labels: {env: prod}
    file_sd_configs:
      - files: ['targets/*.json']
        refresh_interval: 1m
    relabel_configs:
      - source_labels: [__address__]
        regex: '(.*):\d+'
        target_label: host
      - {source_labels: [host], modulus: 4, target_label: shard, action: hashmod}
      - {regex: 'tmp_.*', action: labeldrop}
    metric_relabel_configs:
      - {source_labels: [__name__], regex: 'go_.*', action: drop}
  - job_name: other
"#;

#[test]
fn a_full_configuration_is_what_it_says() {
    let scraping = load(FULL).unwrap();
    let [node, other] = &scraping.pools[..] else { panic!("{scraping:?}") };
    assert_eq!((node.scrape_interval, node.scrape_timeout), (Duration::from_secs(5), Duration::from_secs(5)));
    assert_eq!((other.scrape_interval, other.scrape_timeout), (Duration::from_secs(15), Duration::from_secs(10)));
    assert_eq!((node.limits.body_size_limit, node.limits.sample_limit), (10 << 20, 500));
    assert_eq!(node.scrape_protocols[0], Protocol::PrometheusProto);
    assert_eq!(node.file_sd_configs[0].files, [PathBuf::from("/etc/bellrock/targets/*.json")]);
    let basic = node.http.basic_auth.as_ref().unwrap();
    assert_eq!(basic.password_file.as_deref(), Some(Path::new("/etc/bellrock/secret.txt")));
    assert_eq!(node.http.tls_config.ca_file.as_deref(), Some(Path::new("/etc/bellrock/ca.pem")));
    assert_eq!((node.scheme, other.scheme), (Scheme::Https, Scheme::Http));
    assert_eq!(scraping.external_labels.get("region"), "eu");
}

#[test]
fn what_is_printed_means_the_same() {
    let once = render(&load(FULL).unwrap());
    assert!(!once.contains("hidden") && once.contains("<secret>"));
    // What stands in place of a secret is never taken for one.
    assert!(load(&once).unwrap_err().contains("write the secret itself"));
    let twice = render(&load(&once.replace("<secret>", "hidden")).unwrap());
    assert_eq!(once, twice);
}

#[test]
fn the_receiver_of_a_collector_file_is_scraped_too() {
    let scraping = load(
        "receivers:\n  prometheus:\n    config:\n      scrape_configs:\n        - job_name: 'otel-collector'\n          \
         scrape_interval: 10s\n          static_configs:\n            - targets: ['0.0.0.0:8888']\n        \
         - job_name: 'signoz-metrics'\n          scrape_interval: 60s\n          static_configs:\n            \
         - targets: ['query-service:8080']\n",
    )
    .unwrap();
    let names: Vec<&str> = scraping.pools.iter().map(|p| p.job_name.as_str()).collect();
    assert_eq!(names, ["otel-collector", "signoz-metrics"]);
}

#[test]
fn unknown_names_are_told_with_line_and_likely_name() {
    let error = load("scrape_configs:\n  - job_name: a\n    scrape_intervall: 5s\n").unwrap_err();
    assert!(error.starts_with("bellrock.yaml:3:5: error: scrape_configs[0].scrape_intervall: is not known"), "{error}");
    assert!(error.ends_with("did you mean `scrape_interval`?"), "{error}");
    let error =
        load("scrape_configs:\n  - job_name: a\n    relabel_configs:\n      - {source_label: [a]}\n").unwrap_err();
    assert!(error.contains("bellrock.yaml:4:") && error.ends_with("did you mean `source_labels`?"), "{error}");
}

#[test]
fn what_this_build_has_not_is_refused_with_its_line() {
    for setting in ["native_histogram_bucket_limit: 5", "kubernetes_sd_configs: [{role: pod}]"] {
        let error = load(&format!("scrape_configs:\n  - job_name: a\n    {setting}\n")).unwrap_err();
        assert!(error.contains("bellrock.yaml:3:") && error.contains("this build does not support it yet"), "{error}");
    }
}

#[test]
fn wrong_values_are_told_all_at_once() {
    errors(
        "global: {scrape_interval: 5s, scrape_timeout: 10s}\n\
         scrape_configs:\n\
         - {job_name: a, scheme: gopher}\n\
         - {job_name: a, scrape_protocols: [Text], bearer_token: x, basic_auth: {username: u}}\n\
         - job_name: b\n  relabel_configs:\n  - {action: replce}\n  - {regex: '('}\n  - {action: hashmod, target_label: x}\n  \
         - {action: labeldrop, target_label: x}\n  file_sd_configs: [{files: [targets.txt]}]\n\
         - {job_name: c, scrape_interval: soon, convert_classic_histograms_to_nhcb: true, metric_name_validation_scheme: legacy}\n",
        expect![[r#"
            global.scrape_timeout: is longer than the scrape_interval
            scrape_configs[0].scheme: `gopher` is not a scheme; there are http and https
            scrape_configs[1].bearer_token: at most one of basic_auth, bearer_token may be set
            scrape_configs[1].scrape_protocols: `Text` is not a protocol; there are PrometheusProto, OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0, PrometheusText0.0.4
            scrape_configs[1].job_name: `a` is the name of an earlier job; give each its own
            scrape_configs[2].file_sd_configs[0].files: `targets.txt` must end in .json, .yml or .yaml, with one `*` at most
            scrape_configs[2].relabel_configs[0].action: `replce` is not an action; there are replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase
            scrape_configs[2].relabel_configs[1]: the action replace needs a target_label
            scrape_configs[2].relabel_configs[1].regex: error parsing regexp "(": error: unclosed group
            scrape_configs[2].relabel_configs[2]: the action hashmod needs a modulus above zero
            scrape_configs[2].relabel_configs[3]: the action labeldrop takes a regex and nothing else
            scrape_configs[3].scrape_interval: `soon` is not a duration; write numbers and units, for example `15s`, `1h30m` or `7d`
            scrape_configs[3].convert_classic_histograms_to_nhcb: this build does not convert classic histograms yet
            scrape_configs[3].metric_name_validation_scheme: `legacy` is not supported; leave it out or write `utf8`"#]],
    );
}
