//! Settings of single components that are wrong, each with the line where it stands.

use expect_test::expect;

use super::findings::check;

/// Pipelines in which all `processors` stand.
fn with_processors(processors: &str) -> String {
    let names: Vec<&str> = processors
        .lines()
        .filter_map(|l| l.strip_prefix("  ").filter(|l| !l.starts_with(' '))?.split(':').next())
        .collect();
    let names = names.join(", ");
    format!(
        "receivers: {{otlp: {{protocols: {{grpc: }}}}}}\nprocessors:\n{processors}exporters: {{debug: }}\nservice:\n  pipelines:\n    \
         traces: {{receivers: [otlp], processors: [{names}], exporters: [debug]}}\n"
    )
}

#[test]
fn attributes_selections_and_samplers() {
    let processors = r#"  attributes/1: {actions: [{key: a, action: put, value: 1}]}
  attributes/2: {actions: [{key: a, action: convert, converted_type: text}]}
  attributes/3: {actions: [{action: delete, pattern: '('}]}
  attributes/4:
    include:
      match_type: regexp
      attributes: [{key: a, value: '('}]
    actions: [{key: a, action: delete}]
  resource: {attributes: [{action: delete}]}
  groupbytrace: {wait_duration: 1m}
  probabilistic_sampler: {sampling_precision: 15}
  tail_sampling/1: {policies: [{name: a, type: always_sample}, {name: a, type: always_sample}]}
  tail_sampling/2: {policies: [{name: a, type: probabilistic, probabilistic: {sampling_percentage: 101}}]}
  tail_sampling/3:
    policies:
    - name: a
      type: string_attribute
      string_attribute: {key: x, enabled_regex_matching: true, values: [good, '(']}
"#;
    check(
        &with_processors(processors),
        expect![[r#"
            otel.yaml:3:37: error: processors.attributes/1.actions[0].action: `put` is no action; there are insert, update, upsert, delete, hash, extract, convert
            otel.yaml:4:54: error: processors.attributes/2.actions[0].converted_type: `text` is no type; write `string`, `int` or `double`
            otel.yaml:5:45: error: processors.attributes/3.actions[0].pattern: it is not a pattern: regex parse error: ( error: unclosed group
            otel.yaml:9:29: error: processors.attributes/4.include.attributes[0].value: it is not a pattern: regex parse error: ( error: unclosed group
            otel.yaml:11:27: error: processors.resource.attributes[0]: `key` is missing; name the attribute to delete
            otel.yaml:12:18: warning: processors.groupbytrace.wait_duration: requests are acknowledged when their traces have gone on, and senders give up after about 10s; write at most 5s
            otel.yaml:13:27: error: processors.probabilistic_sampler.sampling_precision: it must be from 1 to 14
            otel.yaml:14:65: error: processors.tail_sampling/1.policies[1].name: every policy needs a name of its own
            otel.yaml:15:79: error: processors.tail_sampling/2.policies[0].probabilistic.sampling_percentage: it must be from 0 to 100
            otel.yaml:20:79: error: processors.tail_sampling/3.policies[0].string_attribute.values[1]: it is not a pattern: regex parse error: ( error: unclosed group"#]],
    );
}

#[test]
fn statements_and_conditions() {
    let processors = r#"  transform:
    metric_statements:
    - context: metric
      statements:
      - convert_exponential_histogram_to_histogram("upper", 5)
      - convert_exponential_histogram_to_histogram("upper", ["a"])
      - aggregate_on_attributes("avg", [])
    - context: span
      statements: ['set(name, "x")']
    - context: datapoint
      statements: []
    log_statements:
    - context: log
      statements:
      - set("x", 1)
      - set(body, Sort([1], "up"))
      - set(body, Format("%y", [1]))
      - set(body, ExtractGrokPatterns(body, "%{A:a}", true, ["A"]))
      - set(body, IsInCIDR(body, ["10.0.0.0/33"]))
      - set(body, ParseCSV(body, "a", delimiter="ab"))
      - set(body, ParseCSV(body, "a", mode="free"))
      - set(body, ParseInt(body, 1))
      - set(body, Decode(body, "utf-99"))
      - set(body, Base64Encode(body, "base32"))
      - set(body, ConvertCase(body, "title"))
      - set(body, Time(body, "%Y", "Mars/Base"))
      - append(attributes["a"])
      - merge_maps(attributes, body, "replace")
      - replace_all_patterns(attributes, "both", "a", "b")
      - replace_pattern(body, "(", "b")
      - limit(attributes, 1, ["a", "b"])
      - truncate_all(attributes, 1, true, "long")
      - flatten(attributes, depth=-1)
      - ToKeyValueString(body, "=", "=")
      - set(body, ToKeyValueString(body, "=", "="))
      - set(body, ParseCLF(body, "common"))
    trace_statements:
    - set_semconv_span_name("1.36.0") where span.kind == 2
    - set(span.name, body)
    - set(spanevent.name, spanlink.trace_state)
  filter: {traces: {spanlink: ['nope == 1']}}
"#;
    check(
        &with_processors(processors),
        expect![[r#"
            otel.yaml:7:9: error: processors.transform.metric_statements[0].statements[0]: `explicitBounds` of `convert_exponential_histogram_to_histogram` must be a list of numbers (column 53 of `convert_exponential_histogram_to_histogram("upper", 5)`)
            otel.yaml:8:9: error: processors.transform.metric_statements[0].statements[1]: `explicitBounds` of `convert_exponential_histogram_to_histogram` must be a list of numbers (column 53 of `convert_exponential_histogram_to_histogram("upper", ["a"])`)
            otel.yaml:9:9: error: processors.transform.metric_statements[0].statements[2]: `function` of `aggregate_on_attributes` must be "sum", "max", "min", "mean", "median" or "count" (column 25 of `aggregate_on_attributes("avg", [])`)
            otel.yaml:10:7: error: processors.transform.metric_statements[1].context: `span` is no context here; there is resource, scope, metric, datapoint, exemplar
            otel.yaml:12:7: error: processors.transform.metric_statements[2]: no statements; list at least one under `statements`
            otel.yaml:17:9: error: processors.transform.log_statements[0].statements[0]: `target` of `set` must be a path (column 5 of `set("x", 1)`)
            otel.yaml:18:9: error: processors.transform.log_statements[0].statements[1]: `order` of `Sort` must be "asc" or "desc" (column 21 of `set(body, Sort([1], "up"))`)
            otel.yaml:19:9: error: processors.transform.log_statements[0].statements[2]: `format` of `Format` has a verb that is none of %s %v %d %q %f %x %t %% (column 18 of `set(body, Format("%y", [1]))`)
            otel.yaml:20:9: error: processors.transform.log_statements[0].statements[3]: `patternDefinitions` of `ExtractGrokPatterns` must be definitions such as "NAME=pattern" (column 53 of `set(body, ExtractGrokPatterns(body, "%{A:a}", true, ["A"]))`)
            otel.yaml:21:9: error: processors.transform.log_statements[0].statements[4]: `networks` of `IsInCIDR` has a fault: `10.0.0.0/33` is no network such as 10.0.0.0/8 (column 26 of `set(body, IsInCIDR(body, ["10.0.0.0/33"]))`)
            otel.yaml:22:9: error: processors.transform.log_statements[0].statements[5]: `delimiter` of `ParseCSV` must be one character (column 41 of `set(body, ParseCSV(body, "a", delimiter="ab"))`)
            otel.yaml:23:9: error: processors.transform.log_statements[0].statements[6]: `mode` of `ParseCSV` must be "strict", "lazyQuotes" or "ignoreQuotes" (column 36 of `set(body, ParseCSV(body, "a", mode="free"))`)
            otel.yaml:24:9: error: processors.transform.log_statements[0].statements[7]: `base` of `ParseInt` must be 0 or 2 to 36 (column 26 of `set(body, ParseInt(body, 1))`)
            otel.yaml:25:9: error: processors.transform.log_statements[0].statements[8]: `encoding` of `Decode` must be an encoding such as "utf-16le", or one of "base64", "base64-raw", "base64-url", "base64-raw-url" (column 24 of `set(body, Decode(body, "utf-99"))`)
            otel.yaml:26:9: error: processors.transform.log_statements[0].statements[9]: `variant` of `Base64Encode` must be one of "base64", "base64-raw", "base64-url", "base64-raw-url" (column 30 of `set(body, Base64Encode(body, "base32"))`)
            otel.yaml:27:9: error: processors.transform.log_statements[0].statements[10]: `toCase` of `ConvertCase` must be "lower", "upper", "snake" or "camel" (column 29 of `set(body, ConvertCase(body, "title"))`)
            otel.yaml:28:9: error: processors.transform.log_statements[0].statements[11]: `location` of `Time` is no time zone: failed to find time zone `Mars/Base` in time zone database (column 28 of `set(body, Time(body, "%Y", "Mars/Base"))`)
            otel.yaml:29:9: error: processors.transform.log_statements[0].statements[12]: `value` of `append` or `values` must be given, one of both (column 1 of `append(attributes["a"])`)
            otel.yaml:30:9: error: processors.transform.log_statements[0].statements[13]: `strategy` of `merge_maps` must be "insert", "update" or "upsert" (column 30 of `merge_maps(attributes, body, "replace")`)
            otel.yaml:31:9: error: processors.transform.log_statements[0].statements[14]: `mode` of `replace_all_patterns` must be "key" or "value" (column 34 of `replace_all_patterns(attributes, "both", "a", "b")`)
            otel.yaml:32:9: error: processors.transform.log_statements[0].statements[15]: `regex` of `replace_pattern` is not a pattern: unclosed group (column 23 of `replace_pattern(body, "(", "b")`)
            otel.yaml:33:9: error: processors.transform.log_statements[0].statements[16]: `priority_keys` of `limit` must not be more than `limit` (column 22 of `limit(attributes, 1, ["a", "b"])`)
            otel.yaml:34:9: error: processors.transform.log_statements[0].statements[17]: `truncation_marker` of `truncate_all` must not be longer than `limit` (column 35 of `truncate_all(attributes, 1, true, "long")`)
            otel.yaml:35:9: error: processors.transform.log_statements[0].statements[18]: `depth` of `flatten` must not be negative (column 27 of `flatten(attributes, depth=-1)`)
            otel.yaml:36:9: error: processors.transform.log_statements[0].statements[19]: `ToKeyValueString` has a value and changes nothing; write `set(..., ToKeyValueString(...))` (column 1 of `ToKeyValueString(body, "=", "=")`)
            otel.yaml:37:9: error: processors.transform.log_statements[0].statements[20]: `delimiter` of `ToKeyValueString` must not be empty, nor the same as `pair_delimiter` (column 34 of `set(body, ToKeyValueString(body, "=", "="))`)
            otel.yaml:38:9: error: processors.transform.log_statements[0].statements[21]: `format` of `ParseCLF` must be "clf" or "combined" (column 26 of `set(body, ParseCLF(body, "common"))`)
            otel.yaml:40:7: error: processors.transform.trace_statements[0]: `semconvVersion` of `set_semconv_span_name` must be a version of the conventions from "1.37.0" to "1.43.0" (column 23 of `set_semconv_span_name("1.36.0") where span.kind == 2`)
            otel.yaml:41:7: error: processors.transform.trace_statements[1]: it is not said what `body` is of; write one of resource, scope, span, spanevent, spanlink before it (column 16 of `set(span.name, body)`)
            otel.yaml:42:7: error: processors.transform.trace_statements[2]: a spanevent is not in reach in the context `spanlink` (column 5 of `set(spanevent.name, spanlink.trace_state)`)
            otel.yaml:43:32: error: processors.filter.traces.spanlink[0]: `nope` is not a path of a spanlink; there is trace_id, trace_id.string, span_id, span_id.string, trace_state, attributes, dropped_attributes_count, flags, cache (column 1 of `nope == 1`)"#]],
    );
}

#[test]
fn connectors_receivers_and_signals() {
    check(
        r#"receivers:
  otlp: {protocols: {grpc: }}
  syslog: {}
  nginx: {endpoint: 'not a url'}
  redis: {endpoint: 'localhost:6379'}
processors:
  cumulativetodelta: {include: {match_type: regexp, metrics: ['(']}}
connectors:
  count/1: {metrics: {n: {attributes: [{key: a}]}}}
  spanmetrics/1: {aggregation_temporality: both}
  spanmetrics/2: {dimensions: [{default: x}]}
  spanmetrics/3: {dimensions: [{glob: '['}]}
  spanmetrics/4: {histogram: {exponential: {max_size: 1}}}
  spanmetrics/5: {events: {enabled: true}}
  servicegraph: {exponential_histogram_max_size: 20000}
exporters: {debug: }
service:
  pipelines:
    traces: {receivers: [otlp, redis], exporters: [count/1, spanmetrics/1, spanmetrics/2, spanmetrics/3, spanmetrics/4, spanmetrics/5, servicegraph]}
    metrics: {receivers: [nginx, count/1, spanmetrics/1, spanmetrics/2, spanmetrics/3, spanmetrics/4, spanmetrics/5, servicegraph], processors: [cumulativetodelta], exporters: [debug]}
    logs: {receivers: [syslog], exporters: [debug]}
"#,
        expect![[r#"
            otel.yaml:3:11: error: receivers.syslog: listens nowhere; write `tcp: {listen_address: 0.0.0.0:54526}` or `udp`
            otel.yaml:3:11: warning: receivers.syslog.protocol: is not set, messages of both formats are taken; write `protocol: rfc3164` or `rfc5424` to take only one (the Collector refuses it)
            otel.yaml:4:11: error: receivers.nginx.endpoint: `not a url` is not a URL: relative URL without a base
            otel.yaml:7:53: error: processors.cumulativetodelta.include.metrics: it is not a pattern: regex parse error: ( error: unclosed group
            otel.yaml:9:27: error: connectors.count/1.metrics.n.attributes: metrics have no attributes; count their `datapoints`
            otel.yaml:10:19: error: connectors.spanmetrics/1.aggregation_temporality: write AGGREGATION_TEMPORALITY_CUMULATIVE or AGGREGATION_TEMPORALITY_DELTA
            otel.yaml:11:32: error: connectors.spanmetrics/2.dimensions[0]: it has no `name`
            otel.yaml:12:33: error: connectors.spanmetrics/3.dimensions[0].glob: `[`: Pattern syntax error near position 0: invalid range pattern
            otel.yaml:13:45: error: connectors.spanmetrics/4.histogram.exponential.max_size: it must lie between 2 and 16384
            otel.yaml:14:19: error: connectors.spanmetrics/5.events.dimensions: events are counted by their attributes; list at least one, for example `- name: exception.type`
            otel.yaml:15:18: error: connectors.servicegraph.exponential_histogram_max_size: it must lie between 2 and 16384
            otel.yaml:19:32: error: service.pipelines.traces.receivers: the receiver `redis` does metrics and logs only, not traces"#]],
    );
}
