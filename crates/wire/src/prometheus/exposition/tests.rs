//! The three formats: what Prometheus accepts is accepted, what it refuses is refused, by line and reason.

use super::*;
use crate::protobuf::Writer;

#[derive(Default)]
struct Rows(Vec<String>);

impl ExpositionSink for Rows {
    fn sample(&mut self, s: &SampleRef<'_>) {
        let labels: Vec<String> = s.labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let mut row = format!("{} ", labels.join(","));
        match s.value {
            Value::Float(v) => row += &v.to_string(),
            Value::Histogram(h) => row += &format!("int {:?} {:?}", h.positive_spans, h.positive),
            Value::FloatHistogram(h) => row += &format!("float {:?}", h.positive),
        }
        if let Some(t) = s.t {
            row += &format!(" @{t}");
        }
        if s.start != 0 {
            row += &format!(" since {}", s.start);
        }
        for e in s.exemplars {
            row += &format!(" # {:?} {} @{}", e.labels, e.value, e.t);
        }
        self.0.push(row);
    }

    fn metadata(&mut self, m: &MetadataRef<'_>) {
        self.0.push(format!("{} {:?} {:?} {:?}", m.family, m.kind, m.unit, m.help));
    }
}

fn rows_with(format: Format, body: &[u8], options: &Options) -> Result<Vec<String>, String> {
    let mut rows = Rows::default();
    parse(format, body, options, &mut rows).map_err(|e| e.to_string())?;
    Ok(rows.0)
}

fn rows(format: Format, body: &str) -> Result<Vec<String>, String> {
    rows_with(format, body.as_bytes(), &Options { native: true, ..Options::default() })
}

fn text(body: &str) -> Vec<String> {
    rows(Format::Text, body).unwrap()
}

#[test]
fn the_text_format_is_read_generously() {
    let body = "# HELP go_gc A summary\\nof \\\\ pauses.\n# TYPE go_gc summary\ngo_gc{quantile=\"0\"} 4.9e-05\n\
        go_gc{quantile=\"0.25\",}   7.4e-05\n\n\t go_gc { quantile = \"1\" , a = \"x\\\"y\\n\\\\z\" } 8.3\t1520430000123\n\
        # a comment\n#HELP2 x\n#   \n_metric_starting_with_underscore 1\nwith_colon:x 1e3\r\nnull_byte{a=\"abc\0d\"} 1\n\
        v{} NaN\nv +Inf\nv -Inf\nv Inf\nlast{x=\"\"} -0";
    assert_eq!(
        text(body),
        [
            "go_gc Unknown \"\" \"A summary\\nof \\\\ pauses.\"",
            "go_gc Summary \"\" \"\"",
            "__name__=go_gc,quantile=0.0 0.000049",
            "__name__=go_gc,quantile=0.25 0.000074",
            "__name__=go_gc,quantile=1.0,a=x\"y\n\\z 8.3 @1520430000123",
            "__name__=_metric_starting_with_underscore 1",
            "__name__=with_colon:x 1000",
            "__name__=null_byte,a=abc\0d 1",
            "__name__=v NaN",
            "__name__=v inf",
            "__name__=v -inf",
            "__name__=v inf",
            "__name__=last,x= -0",
        ]
    );
}

#[test]
fn quoted_names_are_names() {
    let body = "# TYPE \"my.metric\" counter\n{\"my.metric\",\"l.1\"=\"a\"} 1\n{\"quoted\"} 2\nplain{\"l 2\"=\"b\"} 3";
    assert_eq!(text(body)[1..], ["__name__=my.metric,l.1=a 1", "__name__=quoted 2", "__name__=plain,l 2=b 3"]);
    assert_eq!(rows(Format::OpenMetrics, "{\"my.metric\",a=\"b\"} 1\n# EOF").unwrap(), ["__name__=my.metric,a=b 1"]);
}

#[test]
fn bounds_have_one_spelling() {
    let body = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n# TYPE g gauge\ng{le=\"1\"} 3";
    let rows = text(body);
    assert_eq!(
        [&rows[1], &rows[2], &rows[4]],
        ["__name__=h_bucket,le=1.0 1", "__name__=h_bucket,le=+Inf 2", "__name__=g,le=1 3"]
    );
}

#[test]
fn wrong_text_names_line_and_reason() {
    for (body, want) in [
        ("a", "expected a number, found the end of the line"),
        ("a 1\nb{} x", "expected a number, found \"x\""),
        ("a{b='c'} 1", "expected a quoted text at \"'c'} 1\""),
        ("a{b=\"\\xff\"} 1", ""),
        ("a{b=\"c\"", "expected `,` or `}` at the end of the line"),
        ("a{b=\"c} 1", "a quoted text does not end"),
        ("a{b=\"c\\", "a quoted text does not end"),
        ("a{b=\"c\" d=\"e\"} 1", "expected `,` or `}` at \"d=\\\"e\\\"} 1\""),
        ("a{=\"c\"} 1", "expected a label name at \"=\\\"c\\\"} 1\""),
        ("a{,} 1", "expected a label name at \",} 1\""),
        ("a{b=\"1\",b=\"2\"} 1", "label `b` occurs twice"),
        ("a{\"b\"} 1", "expected `=` after the label name \"b\""),
        ("{a=\"b\"} 1", "expected a metric name at \"{a=\\\"b\\\"} 1\""),
        ("{a=\"b\",\"up\"} 1", "expected `=` after the label name \"up\""),
        ("{\"\"} 1", "the metric name is empty"),
        ("0a 1", "expected a metric name at \"0a 1\""),
        ("a 1 x", "expected a timestamp in milliseconds, found \"x\""),
        ("a 1 1.5", "expected a timestamp in milliseconds, found \"1.5\""),
        ("a 1 2 3", "unexpected \"3\" behind the sample"),
        ("a 0x1p3", "expected a number, found \"0x1p3\""),
        ("a 1_000", "expected a number, found \"1_000\""),
        ("# TYPE a wrong", "invalid metric type \"wrong\""),
        ("# TYPE", "expected a metric name at the end of the line"),
        ("a{b=\"c\"}1\na{} 1 2 3", "line 2: unexpected"),
    ] {
        match rows(Format::Text, body) {
            Ok(rows) => assert_eq!(want, "", "{body} gave {rows:?}"),
            Err(e) => assert!(!want.is_empty() && e.contains(want), "{body}: {e}"),
        }
    }
    assert_eq!(rows(Format::Text, "a 1\nb x").unwrap_err(), "line 2: expected a number, found \"x\"");
    let broken = rows_with(Format::Text, b"a{b=\"\xff\"} 1", &Options::default()).unwrap_err();
    assert_eq!(broken, "line 1: a quoted text is not valid UTF-8");
}

#[test]
fn openmetrics_has_exemplars_units_and_created_times() {
    let body = "# HELP foo_seconds help \\\"x\\\"\n# TYPE foo_seconds counter\n# UNIT foo_seconds seconds\n\
        foo_seconds_total{a=\"b\"} 17.0 1520879607.789 # {trace_id=\"KOO5S4vxi0o\"} 0.67 1520879607.7\n\
        foo_seconds_created{a=\"b\"} 1520872607.123\n# TYPE h histogram\n\
        h_bucket{le=\"1\",x=\"y\"} 1 # {} 0.5\nh_count{x=\"y\"} 1\nh_created{x=\"y\"} 1520000000\n\
        # TYPE s stateset\ns{s=\"on\"} 1\n# TYPE i info\ni_info{v=\"1\"} 1\n# TYPE gh gaugehistogram\n# EOF\n";
    assert_eq!(
        rows(Format::OpenMetrics, body).unwrap(),
        [
            "foo_seconds Unknown \"\" \"help \\\"x\\\"\"",
            "foo_seconds Counter \"\" \"\"",
            "foo_seconds Unknown \"seconds\" \"\"",
            "__name__=foo_seconds_total,a=b 17 @1520879607789 since 1520872607123 # [(\"trace_id\", \"KOO5S4vxi0o\")] 0.67 @1520879607700",
            "__name__=foo_seconds_created,a=b 1520872607.123",
            "h Histogram \"\" \"\"",
            "__name__=h_bucket,le=1.0,x=y 1 since 1520000000000 # [] 0.5 @0",
            "__name__=h_count,x=y 1 since 1520000000000",
            "__name__=h_created,x=y 1520000000",
            "s StateSet \"\" \"\"",
            "__name__=s,s=on 1",
            "i Info \"\" \"\"",
            "__name__=i_info,v=1 1",
            "gh GaugeHistogram \"\" \"\"",
        ]
    );
    assert_eq!(rows(Format::OpenMetrics, "# EOF").unwrap(), Vec::<String>::new());
}

#[test]
fn openmetrics_is_strict_in_its_syntax() {
    for (body, want) in [
        ("", "line 1: data does not end with # EOF"),
        ("a 1\n", "data does not end with # EOF"),
        ("a 1\n# EOF\na 1\n", "line 3: there is something behind # EOF"),
        ("a 1\n# EOF\n\n", "there is something behind # EOF"),
        ("a 1\n# EOF ", "line 2: there is something behind # EOF"),
        ("\na 1\n# EOF", "line 1: empty lines are not allowed"),
        (" a 1\n# EOF", "expected a metric name"),
        ("a  1\n# EOF", "expected a number"),
        ("a\t1\n# EOF", "expected one blank"),
        ("a 1 \n# EOF", "expected a number"),
        ("a{b=\"c\" } 1\n# EOF", "expected `,` or `}`"),
        ("a{ b=\"c\"} 1\n# EOF", "expected a label name"),
        ("a {b=\"c\"} 1\n# EOF", "expected a number"),
        ("a 1 NaN\n# EOF", "invalid timestamp"),
        ("a 1 +Inf\n# EOF", "invalid timestamp"),
        ("# a comment\n# EOF", "expected HELP, TYPE, UNIT or EOF"),
        ("#TYPE a counter\n# EOF", "expected one blank"),
        ("# TYPE a meow\n# EOF", "invalid metric type"),
        ("# TYPE a\n# EOF", "expected one blank"),
        ("# UNIT a seconds\n# EOF", "unit \"seconds\" is not a suffix of metric \"a\""),
        ("# UNIT seconds seconds\n# EOF", "is not a suffix"),
        ("a 1 1 # {a=\"b\"}\n# EOF", "expected one blank"),
        ("a 1 # {a=\"b\"} x\n# EOF", "expected a number"),
        ("a 1 # a=\"b\" 1\n# EOF", "expected `{`"),
        ("a 1 # {a=\"b\"} 1 2 3\n# EOF", "unexpected"),
        ("a 1#{a=\"b\"} 1\n# EOF", "expected a number"),
        ("a 1 #{a=\"b\"} 1\n# EOF", "expected a timestamp or `# ` and an exemplar"),
    ] {
        let e = rows(Format::OpenMetrics, body).expect_err(body);
        assert!(e.contains(want), "{body:?}: {e}");
    }
    let long = format!("a 1 # {{a=\"{}\"}} 1\n# EOF", "x".repeat(128));
    assert!(rows(Format::OpenMetrics, &long).unwrap_err().contains("more than 128 characters"));
}

fn family(build: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut inner = Writer::new();
    build(&mut inner);
    let mut out = Vec::new();
    let mut n = inner.as_bytes().len();
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out.extend_from_slice(inner.as_bytes());
    out
}

pub(crate) fn protobuf_body() -> Vec<u8> {
    let label = |w: &mut Writer| {
        w.message(1, |w| {
            w.string(1, "job");
            w.string(2, "ü");
        });
    };
    let mut body = family(|w| {
        w.string(1, "requests_total");
        w.string(2, "help");
        w.uint(3, 0);
        w.message(4, |w| {
            label(w);
            w.message(3, |w| {
                w.double(1, 7.0);
                w.message(2, |w| {
                    w.message(1, |w| {
                        w.string(1, "trace_id");
                        w.string(2, "abc");
                    });
                    w.double(2, 1.0);
                });
                w.message(3, |w| w.uint(1, 1_600_000_000));
            });
            w.uint(6, 1234);
        });
    });
    body.extend(family(|w| {
        w.string(1, "latency");
        w.uint(3, 4);
        w.message(4, |w| {
            w.message(7, |w| {
                w.uint(1, 6);
                w.double(2, 4.5);
                for (count, bound) in [(1, 0.5), (4, 1.0)] {
                    w.message(3, |w| {
                        w.uint(1, count);
                        w.double(2, bound);
                    });
                }
                w.sint(5, 3);
                w.double(6, 1e-128);
                w.uint(7, 1);
                w.message(12, |w| {
                    w.sint(1, -1);
                    w.uint(2, 2);
                });
                w.bytes(13, &[4, 2]);
            });
        });
    }));
    body.extend(family(|w| {
        w.string(1, "pauses");
        w.uint(3, 2);
        w.message(4, |w| {
            w.message(4, |w| {
                w.uint(1, 3);
                w.double(2, 0.75);
                w.message(3, |w| {
                    w.double(1, 0.5);
                    w.double(2, 0.25);
                });
            });
        });
    }));
    body
}

#[test]
fn protobuf_has_native_histograms() {
    let body = protobuf_body();
    let read = |native, always_classic| {
        rows_with(Format::Protobuf, &body, &Options { native, always_classic, ..Options::default() }).unwrap()
    };
    let native = "__name__=latency int [BucketSpan { offset: -1, length: 2 }] [2, 3]";
    let classic = [
        "__name__=latency_count 6",
        "__name__=latency_sum 4.5",
        "__name__=latency_bucket,le=0.5 1",
        "__name__=latency_bucket,le=1.0 4",
        "__name__=latency_bucket,le=+Inf 6",
    ];
    let head = [
        "requests_total Counter \"\" \"help\"",
        "__name__=requests_total,job=ü 7 @1234 since 1600000000000 # [(\"trace_id\", \"abc\")] 1 @0",
        "latency Histogram \"\" \"\"",
    ];
    let tail = [
        "pauses Summary \"\" \"\"",
        "__name__=pauses_count 3",
        "__name__=pauses_sum 0.75",
        "__name__=pauses,quantile=0.5 0.25",
    ];
    assert_eq!(read(true, false), [&head[..], &[native], &tail].concat());
    assert_eq!(read(false, false), [&head[..], &classic, &tail].concat());
    assert_eq!(read(true, true), [&head[..], &[native], &classic, &tail].concat());
}

#[test]
fn broken_protobuf_names_the_family() {
    let body = protobuf_body();
    let cut = rows_with(Format::Protobuf, &body[..body.len() - 3], &Options::default()).unwrap_err();
    assert!(cut.starts_with("metric family 2: the message ends inside a value"), "{cut}");
    let unnamed = rows_with(Format::Protobuf, &family(|w| w.uint(3, 1)), &Options::default()).unwrap_err();
    assert_eq!(unnamed, "metric family 0: the metric name is empty or too long");
}

#[test]
fn content_types_name_formats() {
    for (value, want) in [
        ("text/plain; version=0.0.4; charset=utf-8", Some(Format::Text)),
        ("text/plain;version=1.0.0;escaping=allow-utf-8", Some(Format::Text)),
        ("application/openmetrics-text; version=1.0.0", Some(Format::OpenMetrics)),
        (
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
            Some(Format::Protobuf),
        ),
        ("application/vnd.google.protobuf", None),
        ("text/html", None),
        ("", None),
    ] {
        assert_eq!(Format::of_content_type(value), want, "{value}");
    }
}
