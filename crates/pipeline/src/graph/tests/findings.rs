//! What is said of configurations: every error and warning of the graph with its line.

use expect_test::{Expect, expect};
use yaml::Findings;
use yaml::parse;

use super::super::{complete, plan};
use crate::component::Surroundings;

/// Everything that is said of `yaml`.
fn said(yaml: &str) -> String {
    let mut document = parse("otel.yaml", yaml).unwrap();
    complete(&mut document);
    let mut findings = Findings::default();
    let planned = plan(&document, &Surroundings::default(), &mut findings);
    assert_eq!(planned.is_none(), findings.has_errors(), "there is a plan unless something is wrong");
    // What there is grows; what is said of it is the same.
    let list = regex::Regex::new(r"(?i)(there is no connector `[^`]+`; there is )[a-z_, ]+").unwrap();
    list.replace_all(&findings.to_string(), "${1}...").into_owned()
}

pub(super) fn check(yaml: &str, expected: Expect) {
    expected.assert_eq(&said(yaml));
}

#[test]
fn a_right_file_has_nothing_said_of_it() {
    check(
        "receivers:\n  otlp:\n    protocols:\n      grpc:\n      http: {endpoint: '0.0.0.0:4318'}\nexporters:\n  debug:\n\
         service:\n  pipelines:\n    traces: {receivers: [otlp], exporters: [debug, bellrock]}\n",
        expect![""],
    );
    check("", expect![""]);
}

#[test]
fn types_that_there_are_not() {
    let said = said(
        "receivers:\n  otpl: {}\n  kafka/one: {}\nprocessors:\n  quantum: {}\nexporters:\n  loki: {}\nextensions:\n  \
         healthcheck:\nservice:\n  extensions: [oidc, healthcheck]\n  pipelines:\n    traces: {receivers: [otpl], exporters: [bellrock]}\n",
    );
    // What there is grows; what is said of it is the same.
    let list = regex::Regex::new(r"(?i)(there is )[a-z_, ]*(\n|$)").unwrap();
    let said = list.replace_all(&said, "${1}...$2");
    expect![[r#"
            otel.yaml:2:3: error: receivers.otpl: there is no receiver `otpl`, did you mean `otlp`? There is ...
            otel.yaml:3:3: error: receivers.kafka/one: the receiver `kafka` is not in this build: queues and clouds come later; until then run a Collector there that exports `otlp` to this server; there is ...
            otel.yaml:5:3: error: processors.quantum: there is no processor `quantum`; there is ...
            otel.yaml:7:3: error: exporters.loki: the exporter `loki` is not in this build: logs are stored and searched here: use `bellrock`; Loki itself takes `otlphttp` at /otlp; there is ...
            otel.yaml:11:16: error: extensions.oidc: the extension `oidc` is not in this build: use `basicauth` or `bearertokenauth`; there is ..."#]]
    .assert_eq(&said);
}

#[test]
fn references_that_lead_nowhere() {
    check(
        "receivers:\n  otlp:\n    protocols: {grpc: {}}\nexporters:\n  debug/two: {}\nservice:\n  pipelines:\n    traces:\n      \
         receivers: [oltp, 'otlp/', otlp, otlp]\n      processors: [batsch]\n      exporters: [debug]\n    metric: {}\n    \
         profiles: {}\n    logs:\n      receivers: [otlp]\n      exportes: [debug/two]\n",
        expect![[r#"
            otel.yaml:5:3: warning: exporters.debug/two: no pipeline uses it, so it does not run; name it in a pipeline, or remove it (the Collector says nothing of it)
            otel.yaml:9:19: error: service.pipelines.traces.receivers: `oltp` is not declared in `receivers`, did you mean `otlp`?
            otel.yaml:9:25: error: service.pipelines.traces.receivers: `otlp/` ends with a slash; write a name behind it, or leave it out
            otel.yaml:9:40: error: service.pipelines.traces.receivers: names `otlp` twice; keep one
            otel.yaml:10:20: error: service.pipelines.traces.processors: `batsch` is not declared: there is no section `processors`
            otel.yaml:11:19: error: service.pipelines.traces.exporters: `debug` is not declared in `exporters`, did you mean `debug/two`?
            otel.yaml:12:5: error: service.pipelines.metric: `metric` is not a pipeline; write traces, metrics or logs, or as `traces/name`
            otel.yaml:13:5: error: service.pipelines.profiles: profiles are not taken; there are traces, metrics and logs
            otel.yaml:14:5: error: service.pipelines.logs: has no exporters; name at least one, or remove the pipeline
            otel.yaml:16:7: warning: service.pipelines.logs.exportes: is not known and is ignored; did you mean `exporters`? (the Collector refuses it)"#]],
    );
}

#[test]
fn settings_that_are_wrong() {
    check(
        "receivers:\n  otlp:\n    protocols:\n      grpc:\n        endpoint: example.org:4317\n        max_recv_msg_size_mib: many\n  otlp/2:\n    \
         protocols:\n      http:\n        endpiont: '4318'\n        max_request_body_size: 0\n  otlp/3:\n  otlp/4:\n    protocols: {grpc: {endpoint: '1'}, http: {endpoint: '1'}}\n\
         exporters:\n  debug: {verbosity: loud}\nservice:\n  pipelines:\n    traces: {receivers: [otlp, otlp/2, otlp/3, otlp/4], exporters: [debug]}\n",
        expect![[r#"
            otel.yaml:6:32: error: receivers.otlp.protocols.grpc.max_recv_msg_size_mib: a whole number, not negative, is expected here, not `many`
            otel.yaml:10:9: warning: receivers.otlp/2.protocols.http.endpiont: is not known and is ignored; did you mean `endpoint`? (the Collector refuses it)
            otel.yaml:11:9: error: receivers.otlp/2.protocols.http.max_request_body_size: must be greater than zero
            otel.yaml:12:9: warning: receivers.otlp/3.protocols: names no protocol, both are served; write `protocols: {grpc: {}, http: {}}` (the Collector refuses it)
            otel.yaml:14:47: error: receivers.otlp/4.protocols.http.endpoint: 127.0.0.1:1 is that of grpc too; give each its own port
            otel.yaml:16:22: error: exporters.debug.verbosity: `loud` is not known; there is basic, normal, detailed"#]],
    );
}

#[test]
fn old_names_and_other_stores_are_mapped() {
    check(
        "exporters:\n  logging: {loglevel: debug}\n  clickhouse:\n    endpoint: tcp://clickhouse:9000\n    ttl: 72h\n    \
         metrics_table_name: m\n    tracestable: x\n  clickhouse/bad: {ttl: 72}\n  jaeger: {endpoint: 'jaeger:14250'}\n  \
         signozclickhousemetrics: {dsn: x}\nreceivers:\n  otlp: {protocols: {grpc: {}}}\nservice:\n  pipelines:\n    traces:\n      \
         receivers: [otlp]\n      exporters: [logging, clickhouse, clickhouse/bad, jaeger]\n    metrics:\n      receivers: [otlp]\n      \
         exporters: [signozclickhousemetrics]\n",
        expect![[r#"
            otel.yaml:2:12: warning: exporters.logging: is called `debug` now; rename it (the Collector refuses it)
            otel.yaml:2:13: warning: exporters.logging.loglevel: is called `verbosity` now; write `verbosity: basic`, `normal` or `detailed` (the Collector refuses it)
            otel.yaml:4:5: warning: exporters.clickhouse: stores in Bellrock's own engines; endpoint, database and tables are not used; write `bellrock` among the exporters of the pipelines (the Collector accepts it as it is)
            otel.yaml:5:5: warning: exporters.clickhouse.ttl: is not used: how long telemetry is kept is a setting of the store; write `storage: {retention: 72h}` (the Collector accepts it as it is)
            otel.yaml:6:5: warning: exporters.clickhouse.metrics_table_name: is not used, and has been replaced by `metrics_tables`; leave it out (the Collector accepts it as deprecated)
            otel.yaml:7:5: warning: exporters.clickhouse.tracestable: is not known and is ignored; did you mean `traces_table_name`? (the Collector refuses it)
            otel.yaml:8:19: warning: exporters.clickhouse/bad: stores in Bellrock's own engines; endpoint, database and tables are not used; write `bellrock` among the exporters of the pipelines (the Collector accepts it as it is)
            otel.yaml:8:20: error: exporters.clickhouse/bad.ttl: `72` has no unit, and would be read as nanoseconds; write `72s` or `72h`
            otel.yaml:9:11: warning: exporters.jaeger: stores in Bellrock's own engines, which answer Jaeger's queries; write `bellrock`, or `otlp` to a Jaeger that is to have the traces too (the Collector refuses it)
            otel.yaml:10:28: warning: exporters.signozclickhousemetrics: is an exporter of SigNoz; it stores in Bellrock's own engines; write `bellrock` among the exporters of the pipelines (the Collector refuses it)"#]],
    );
}

#[test]
fn what_is_declared_and_not_used() {
    check(
        "receivers:\n  otlp: {protocols: {grpc: {}}}\n  otlp/spare: {protocols: {grpc: {endpoint: '14317'}}}\nexporters:\n  debug:\n\
         extensions:\n  zpages:\nservice:\n  extensions: [health_check]\n  pipelines:\n    traces: {receivers: [otlp], exporters: [bellrock]}\n",
        expect![[r#"
            otel.yaml:3:3: warning: receivers.otlp/spare: no pipeline uses it, so it does not run; name it in a pipeline, or remove it (the Collector says nothing of it)
            otel.yaml:5:3: warning: exporters.debug: no pipeline uses it, so it does not run; name it in a pipeline, or remove it (the Collector says nothing of it)
            otel.yaml:7:3: warning: extensions.zpages: is not named in `service.extensions`, so it does not run; name it there, or remove it (the Collector says nothing of it)
            otel.yaml:9:16: warning: service.extensions: `health_check` is not declared in `extensions`, its defaults are used; write `health_check:` in a section `extensions` (the Collector refuses it)"#]],
    );
}

#[test]
fn extensions_are_checked() {
    check(
        "extensions:\n  basicauth: {}\n  basicauth/2: {htpasswd: {inline: 'a:$2y$10$x'}}\n  bearertokenauth: {}\n  file_storage: {fsync: false}\n  \
         health_check: {path: x}\n  zpages: {endpoint: here}\nservice:\n  \
         extensions: [basicauth, basicauth/2, bearertokenauth, file_storage, health_check, zpages]\n",
        expect![[r#"
            otel.yaml:2:14: error: extensions.basicauth: needs either `htpasswd` (who may send) or `client_auth` (who we are)
            otel.yaml:3:28: error: extensions.basicauth/2.htpasswd.inline: the password of `a` is hashed, which is not supported; write it in plain and keep it in the environment, as `a:${env:PASSWORD}`, or use bearertokenauth
            otel.yaml:4:20: error: extensions.bearertokenauth.token: is missing; write `token: ${env:TOKEN}`, `tokens` or `filename`
            otel.yaml:5:18: warning: extensions.file_storage.fsync: what was acknowledged is always synced; leave it out (the Collector keeps it in the page cache)
            otel.yaml:6:18: error: extensions.health_check.path: `x` does not begin with a slash
            otel.yaml:7:12: error: extensions.zpages.endpoint: `here` is not an address; write `127.0.0.1:4318`, `0.0.0.0:4318` or only the port"#]],
    );
}

#[test]
fn connectors_are_wired_on_both_sides_and_lead_nowhere_back() {
    check(
        "receivers:\n  otlp: {protocols: {grpc: {}}}\nconnectors:\n  forward:\n  forward/in:\n  forward/out:\n  forward/mix:\n  forward/no:\n  otlp:\n\
         service:\n  pipelines:\n    traces: {receivers: [otlp, forward], exporters: [forward/out, forward]}\n    \
         traces/2: {receivers: [forward/in], exporters: [forward/mix]}\n    logs: {receivers: [forward/mix], exporters: [bellrock]}\n",
        expect![[r#"
            otel.yaml:5:3: error: connectors.forward/in: no pipeline has it among its `exporters`; add it to one
            otel.yaml:5:3: warning: connectors.forward/in: no pipeline uses it, so it does not run; name it in a pipeline, or remove it (the Collector says nothing of it)
            otel.yaml:6:3: error: connectors.forward/out: no pipeline has it among its `receivers`; add it to one
            otel.yaml:7:3: error: connectors.forward/mix: makes nothing of traces for the pipelines that receive from it; it can traces -> traces, metrics -> metrics, logs -> logs
            otel.yaml:8:3: warning: connectors.forward/no: no pipeline uses it, so it does not run; name it in a pipeline, or remove it (the Collector says nothing of it)
            otel.yaml:9:3: error: connectors.otlp: is the id of a declared receiver too; give one of them a name, as `otlp/two`
            otel.yaml:9:3: error: connectors.otlp: there is no connector `otlp`; there is ...
            otel.yaml:12:5: error: service.pipelines.traces: connectors lead from this pipeline back into it; take one of them out"#]],
    );
}

#[test]
fn a_receiver_and_an_exporter_may_have_one_name() {
    check(
        "receivers:\n  otlp: {protocols: {grpc: {}}}\nexporters:\n  otlp: {endpoint: 'gateway:4317', tls: {insecure: true}}\nservice:\n  pipelines:\n    \
         logs: {receivers: [otlp], exporters: [otlp]}\n",
        expect![""],
    );
}

#[test]
fn exporters_over_the_network_are_checked() {
    check(
        "receivers:\n  otlp: {protocols: {grpc: {}}}\nexporters:\n  otlp: {}\n  otlp/path: {endpoint: 'http://x:1/v1'}\n  otlp/tls: {endpoint: 'x:1', tls: {cert_file: a}}\n  \
         otlphttp: {endpoint: 'x:4318'}\n  otlphttp/queue:\n    endpoint: http://x:4318\n    sending_queue: {queue_size: 0, num_consumers: 5}\n  \
         otlphttp/retry:\n    endpoint: http://x:4318\n    retry_on_failure: {max_elapsed_time: 300s}\n    sending_queue: {sizer: items, batch: {}}\n    \
         compresion: gzip\n  otlphttp/json: {endpoint: 'http://x:4318', encoding: yaml}\n  otlphttp/zip: {endpoint: 'http://x', compression: lzma}\nservice:\n  \
         pipelines:\n    logs: {receivers: [otlp], exporters: [otlp, otlp/path, otlp/tls, otlphttp, otlphttp/queue, otlphttp/retry, otlphttp/json, otlphttp/zip]}\n",
        expect![[r#"
            otel.yaml:4:9: error: exporters.otlp.endpoint: is missing; write `endpoint: host:4317`
            otel.yaml:5:15: error: exporters.otlp/path.endpoint: `http://x:1/v1` has a path, which gRPC has no use for; write `host:4317`
            otel.yaml:6:31: error: exporters.otlp/tls.tls.key_file: is missing: the certificate needs its key
            otel.yaml:7:14: error: exporters.otlphttp.endpoint: `x:4318` is not a URL; write `http://host:port` or `https://host`
            otel.yaml:10:21: error: exporters.otlphttp/queue.sending_queue.queue_size: must be greater than zero
            otel.yaml:13:24: warning: exporters.otlphttp/retry.retry_on_failure.max_elapsed_time: drops requests that were acknowledged when a back end is down for longer; leave it out, or write 0 (the Collector accepts it as it is)
            otel.yaml:15:5: warning: exporters.otlphttp/retry.compresion: is not known and is ignored; did you mean `compression`? (the Collector refuses it)
            otel.yaml:16:56: error: exporters.otlphttp/json.encoding: `yaml` is not known; there is proto, json
            otel.yaml:17:53: error: exporters.otlphttp/zip.compression: `lzma` is not known; there is none, gzip, zstd"#]],
    );
}

#[test]
fn certificates_that_are_not_there_yet_are_told() {
    let exporter =
        |name: &str| format!("  {name}:\n    endpoint: https://h:1\n    tls: {{ca_file: /nowhere/ca.pem}}\n");
    let yaml = format!(
        "receivers:\n  redis:\n    endpoint: h:6379\n    tls: {{ca_file: /nowhere/ca.pem}}\nexporters:\n{}{}{}\
         service:\n  pipelines:\n    metrics: {{receivers: [redis], exporters: [otlp, otlphttp, prometheusremotewrite]}}\n",
        exporter("otlp"),
        exporter("otlphttp"),
        exporter("prometheusremotewrite"),
    );
    check(
        &yaml,
        expect![[r#"
        otel.yaml:4:11: warning: receivers.redis.tls.ca_file: /nowhere/ca.pem cannot be read: No such file or directory (os error 2); put it there, or correct the path: connections fail until then (the Collector refuses it)
        otel.yaml:8:11: warning: exporters.otlp.tls.ca_file: /nowhere/ca.pem cannot be read: No such file or directory (os error 2); put it there, or correct the path: connections fail until then (the Collector refuses it)
        otel.yaml:11:11: warning: exporters.otlphttp.tls.ca_file: /nowhere/ca.pem cannot be read: No such file or directory (os error 2); put it there, or correct the path: connections fail until then (the Collector refuses it)
        otel.yaml:14:11: warning: exporters.prometheusremotewrite.tls.ca_file: /nowhere/ca.pem cannot be read: No such file or directory (os error 2); put it there, or correct the path: connections fail until then (the Collector refuses it)"#]],
    );
    // Nobody reads it where nothing is encrypted.
    check(&yaml.replace("{ca_file", "{insecure: true, ca_file"), expect![[""]]);
}

#[test]
fn every_processor_and_connector_in_one_file() {
    let yaml = r#"
receivers:
  otlp: {protocols: {grpc: {}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 4000, spike_limit_mib: 800}
  batch: {timeout: 1s, send_batch_size: 1024}
  resource: {attributes: [{key: environment, value: production, action: upsert}]}
  attributes: {actions: [{key: password, action: delete}]}
  filter: {error_mode: ignore, traces: {span: ['IsMatch(name, "^/health")']}}
  transform: {trace_statements: ['set(span.attributes["x"], 1)']}
  redaction: {allow_all_keys: true, detectors: [email, card, token, ip]}
  probabilistic_sampler: {sampling_percentage: 10}
  tail_sampling: {policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]}
  groupbyattrs: {keys: [host.name]}
  groupbytrace: {wait_duration: 1s}
  resourcedetection: {detectors: [env, system]}
  cumulativetodelta:
  deltatocumulative:
  alias:
connectors:
  spanmetrics:
  servicegraph:
  count:
  forward:
  routing: {default_pipelines: [logs/rest], table: [{condition: 'attributes["a"] == "b"', pipelines: [logs/rest]}]}
exporters:
  debug:
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [memory_limiter, resource, attributes, filter, transform, redaction, groupbyattrs, resourcedetection, batch]
      exporters: [bellrock, forward, spanmetrics, servicegraph, count]
    traces/sampled: {receivers: [forward], processors: [groupbytrace, probabilistic_sampler, tail_sampling], exporters: [debug]}
    metrics:
      receivers: [otlp, spanmetrics, servicegraph, count]
      processors: [cumulativetodelta, deltatocumulative, alias, batch]
      exporters: [bellrock]
    logs: {receivers: [otlp], exporters: [routing]}
    logs/rest: {receivers: [routing], exporters: [bellrock]}
"#;
    check(yaml, expect![""]);
}
