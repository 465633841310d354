//! Remote write: what is written comes back, what is wrong is named, and nothing panics (see also `crate::fuzz`).

use model::Histogram;
use model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA};
use proptest::prelude::*;

use super::encode::{V1, V2};
use super::remote_write::{Decoded, Version, decode};
use super::*;
use crate::protobuf::Writer;

/// A sink of rows.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Rows(pub(crate) Vec<String>);

impl SeriesSink for Rows {
    type Series<'s> = &'s mut Self;
    fn series(&mut self, key: &[u8]) -> &mut Self {
        self.0.push(shown_key(key));
        self
    }
    fn metadata(&mut self, m: &MetadataRef<'_>) {
        self.0.push(format!("{m:?}"));
    }
}

impl SampleSink for &mut Rows {
    fn sample(&mut self, at: Stamp, value: f64) {
        self.0.push(format!("{value} @{} since {}", at.t, at.start));
    }
    fn histogram(&mut self, at: Stamp, h: &Histogram<u64>) {
        self.0.push(format!("int {h:?} @{} since {}", at.t, at.start));
    }
    fn float_histogram(&mut self, at: Stamp, h: &Histogram<f64>) {
        self.0.push(format!("float {h:?} @{} since {}", at.t, at.start));
    }
    fn exemplar(&mut self, e: &ExemplarRef<'_>) {
        self.0.push(format!("exemplar {e:?}"));
    }
}

/// A key as `name=value` pairs; panics when it is not one.
fn shown_key(key: &[u8]) -> String {
    let mut r = crate::protobuf::Reader::new(key);
    let mut out = Vec::new();
    while !r.is_empty() {
        let text = |r: &mut crate::protobuf::Reader<'_>| String::from_utf8(r.delimited().unwrap().to_vec()).unwrap();
        let name = text(&mut r);
        out.push(format!("{name}={}", text(&mut r)));
    }
    out.join(",")
}

fn rows(version: Version, request: &[u8]) -> (Vec<String>, Decoded) {
    let mut sink = Rows::default();
    let decoded = decode(version, request, &Limits::default(), &mut sink).unwrap();
    (sink.0, decoded)
}

const UP: [(&str, &str); 2] = [("__name__", "up"), ("job", "api")];

/// One series in both versions.
fn both<'a>(labels: &[(&'a str, &'a str)], t: i64, v: f64) -> [(Version, Vec<u8>); 2] {
    let (mut v1, mut v2) = (V1::new(), V2::new());
    v1.series(labels.iter().copied(), |s| s.sample(t, v));
    v2.series(labels.iter().copied(), |s| s.sample(Stamp { t, start: 0 }, v));
    [(Version::V1, v1.into_bytes()), (Version::V2, v2.into_bytes())]
}

fn refusal(labels: &[(&str, &str)]) -> String {
    let [a, b] = both(labels, 1, 2.0).map(|(version, request)| {
        let (rows, decoded) = rows(version, &request);
        assert_eq!((rows.len(), decoded.samples, decoded.refused_samples), (0, 0, 1));
        decoded.first_error.unwrap()
    });
    assert_eq!(a, b);
    a
}

#[test]
fn labels_arrive_sorted_and_without_empty_values() {
    for (version, request) in both(&[("job", "api"), ("empty", ""), ("__name__", "up"), ("ü", "日本")], -5, -0.0) {
        let (rows, decoded) = rows(version, &request);
        assert_eq!(rows, ["__name__=up,job=api,ü=日本", "-0 @-5 since 0"]);
        assert_eq!((decoded.samples, decoded.first_error), (1, None));
    }
}

#[test]
fn long_texts_are_not_taken_for_broken_ones() {
    let long = "é".repeat(300);
    for (version, request) in both(&[("__name__", "up"), ("l", &long)], 1, 1.0) {
        assert_eq!(rows(version, &request).0[0], format!("__name__=up,l={long}"));
    }
}

#[test]
fn wrong_series_are_named() {
    assert_eq!(refusal(&[("job", "api")]), "timeseries[0]: the series has no metric name (label `__name__`)");
    assert_eq!(refusal(&[]), "timeseries[0]: the series has no metric name (label `__name__`)");
    assert_eq!(
        refusal(&[("__name__", ""), ("a", "b")]),
        "timeseries[0]: the series has no metric name (label `__name__`)"
    );
    assert_eq!(refusal(&[("__name__", "up"), ("", "x")]), "timeseries[0]: a label has no name");
    let twice = [("__name__", "up"), ("a", "1"), ("a", "2")];
    assert_eq!(refusal(&twice), "timeseries[0]: label `a` occurs twice in one series");
    let long = "x".repeat(1025);
    assert!(refusal(&[("__name__", "up"), (&long, "x")]).contains("has 1025 bytes, more than the limit of 1024"));
    assert!(refusal(&[("__name__", &long)]).contains("has 1025 bytes"));
    let names: Vec<String> = (0..300).map(|n| format!("l{n:03}")).collect();
    let many: Vec<_> = [("__name__", "up")].into_iter().chain(names.iter().map(|n| (n.as_str(), "x"))).collect();
    assert_eq!(refusal(&many), "timeseries[0]: the series has more than 256 labels");
}

#[test]
fn one_wrong_series_does_not_cost_the_others() {
    let mut v2 = V2::new();
    v2.series([("job", "x")], |s| s.sample(Stamp::default(), 1.0));
    v2.series(UP, |s| s.sample(Stamp { t: 7, start: 3 }, 1.0));
    let (rows, decoded) = rows(Version::V2, &v2.into_bytes());
    assert_eq!(rows, ["__name__=up,job=api", "1 @7 since 3"]);
    assert_eq!((decoded.samples, decoded.refused_samples), (1, 1));
}

/// Label messages by hand, for spellings that no encoder writes.
fn v1_with_labels(labels: &[&[u8]], between: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.message(1, |w| {
        for label in labels {
            w.bytes(1, label);
            w.raw(between);
        }
        w.message(2, |w| w.double(1, 1.0));
    });
    w.into_bytes()
}

#[test]
fn text_that_only_its_surroundings_complete_is_refused() {
    let name: &[u8] = b"\x0a\x08__name__\x12\x02up";
    // The value "\xc3", then an unknown field whose key "\xa0\x01" would complete it.
    let cases: [(&[u8], &[u8]); 3] = [
        (b"\x0a\x01a\x12\x01\xc3\xa0\x01\x01", b""),
        // The key of the next label is spelled with two bytes.
        (b"\x0a\x01a\x12\x01\xc3", b"\x92\x00\x00"),
        (b"\x12\x01\xc3\x8a\x00\x01a", b""),
    ];
    for (label, between) in cases {
        let mut sink = Rows::default();
        let request = v1_with_labels(&[name, label], between);
        let decoded = decode(Version::V1, &request, &Limits::default(), &mut sink);
        match decoded {
            Ok(d) => assert!(d.first_error.unwrap().contains("not valid UTF-8")),
            Err(e) => panic!("{e}"),
        }
        assert!(sink.0.is_empty());
    }
}

#[test]
fn labels_after_samples_count() {
    let mut w = Writer::new();
    w.message(1, |w| {
        w.message(2, |w| w.double(1, 1.0));
        w.bytes(1, b"\x0a\x08__name__\x12\x02up");
    });
    assert_eq!(rows(Version::V1, w.as_bytes()).0, ["__name__=up", "1 @0 since 0"]);
}

#[test]
fn the_other_version_is_recognised() {
    let [(_, v1), (_, v2)] = both(&UP, 1, 1.0);
    let message = |version, request: &[u8]| {
        decode(version, request, &Limits::default(), &mut Rows::default()).unwrap_err().to_string()
    };
    assert!(message(Version::V1, &v2).starts_with("the message is a io.prometheus.write.v2.Request"));
    assert!(message(Version::V2, &v1).starts_with("the message is a prometheus.WriteRequest"));
    assert_eq!(
        message(Version::V1, b"\x0a\x02\x0a\x05"),
        "the message ends inside a value (5 more bytes expected) at byte 4 in timeseries[0]"
    );
}

#[test]
fn references_must_lead_somewhere() {
    let request = |refs: &[u8]| {
        let mut w = Writer::new();
        ["", "__name__", "up"].iter().for_each(|s| w.string(4, s));
        w.message(5, |w| {
            w.bytes(1, refs);
            w.message(2, |w| w.double(1, 1.0));
        });
        rows(Version::V2, w.as_bytes()).1.first_error
    };
    assert_eq!(request(&[1, 2]), None);
    assert_eq!(request(&[1, 3]).unwrap(), "timeseries[0]: the reference 3 lies outside of the 3 symbols");
    assert_eq!(request(&[1, 2, 1]).unwrap(), "timeseries[0]: labels_refs has an odd number of entries");
}

fn a_histogram() -> Histogram<u64> {
    Histogram {
        schema: 3,
        zero_threshold: 1e-10,
        zero_count: 1,
        count: 27,
        sum: 1.5,
        positive_spans: vec![BucketSpan { offset: -2, length: 3 }, BucketSpan { offset: 2, length: 2 }],
        positive: vec![1, 3, 4, 7, 8],
        negative_spans: vec![BucketSpan { offset: 0, length: 2 }],
        negative: vec![1, 2],
        ..Histogram::default()
    }
}

#[test]
fn histograms_come_back() {
    let int = a_histogram();
    let float = Histogram::<f64>::from(&int);
    let custom = Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        count: 3,
        positive_spans: vec![BucketSpan { offset: 0, length: 2 }],
        positive: vec![1, 2],
        custom_bounds: vec![0.5, 1.0],
        ..Histogram::default()
    };
    let at = Stamp { t: 9, start: 4 };
    let (mut v1, mut v2) = (V1::new(), V2::new());
    v1.series(UP, |s| {
        s.histogram(9, &int);
        s.histogram(9, &float);
        s.histogram(9, &custom);
    });
    v2.series(UP, |s| {
        s.histogram(at, &int);
        s.histogram(at, &float);
        s.histogram(at, &custom);
    });
    for (version, request, since) in [(Version::V1, v1.into_bytes(), 0), (Version::V2, v2.into_bytes(), 4)] {
        let (rows, decoded) = rows(version, &request);
        let at = format!("@9 since {since}");
        assert_eq!(
            rows[1..],
            [format!("int {int:?} {at}"), format!("float {float:?} {at}"), format!("int {custom:?} {at}")]
        );
        assert_eq!((decoded.histograms, decoded.first_error), (3, None));
    }
}

fn histogram_fault(change: impl FnOnce(&mut Histogram<u64>)) -> String {
    let mut h = a_histogram();
    change(&mut h);
    let mut v2 = V2::new();
    v2.series(UP, |s| s.histogram(Stamp::default(), &h));
    let decoded = rows(Version::V2, &v2.into_bytes()).1;
    assert_eq!((decoded.histograms, decoded.refused_histograms), (0, 1));
    decoded.first_error.unwrap().replace("timeseries[0]: native histogram: ", "")
}

#[test]
fn histograms_that_contradict_themselves_are_refused() {
    assert_eq!(histogram_fault(|h| h.count = 99), "the buckets have 27 observations, but the count is 99");
    assert!(histogram_fault(|h| h.schema = 9).starts_with("the schema 9 is not known"));
    assert!(
        histogram_fault(|h| h.positive.truncate(4)).starts_with("the positive spans have 5 buckets, but there are 4")
    );
    assert!(histogram_fault(|h| h.positive_spans[1].offset = -1).ends_with("span 1 has a negative offset"));
    assert!(histogram_fault(|h| h.custom_bounds = vec![1.0]).starts_with("custom bounds need"));
    assert!(histogram_fault(|h| h.schema = CUSTOM_BUCKETS_SCHEMA).starts_with("custom buckets exclude"));
    assert!(histogram_fault(|h| h.positive_spans[0].offset = i32::MAX - 1).contains("32 bits"));
    let custom = |bounds: Vec<f64>, length| {
        let positive = vec![1; length as usize];
        histogram_fault(|h| {
            *h = Histogram {
                schema: CUSTOM_BUCKETS_SCHEMA,
                count: u64::from(length),
                positive_spans: vec![BucketSpan { offset: 0, length }],
                positive,
                custom_bounds: bounds,
                ..Histogram::default()
            }
        })
    };
    assert!(custom(vec![1.0, 1.0], 1).contains("not rising finite"));
    assert!(custom(vec![1.0, f64::INFINITY], 1).contains("not rising finite"));
    assert_eq!(custom(vec![1.0], 3), "the spans reach bucket 3, but 1 bounds make 2 buckets");
}

#[test]
fn nan_observations_are_in_no_bucket() {
    let mut v2 = V2::new();
    v2.series(UP, |s| s.histogram(Stamp::default(), &Histogram { count: 30, sum: f64::NAN, ..a_histogram() }));
    assert_eq!(rows(Version::V2, &v2.into_bytes()).1.histograms, 1);
}

#[test]
fn exemplars_and_metadata_come_back() {
    let labels = [("trace_id", "abc")];
    let exemplar = ExemplarRef { labels: &labels, value: 0.25, t: 5 };
    let (mut v1, mut v2) = (V1::new(), V2::new());
    v1.series(UP, |s| s.exemplar(&exemplar));
    let metadata = MetadataRef { family: "http", kind: MetricType::Histogram, unit: "seconds", help: "what\nit is" };
    v1.metadata(&metadata);
    v2.series([("__name__", "http_bucket")], |s| {
        s.exemplar(&exemplar);
        s.metadata(metadata.kind, metadata.help, metadata.unit);
    });
    for (version, request) in [(Version::V1, v1.into_bytes()), (Version::V2, v2.into_bytes())] {
        let (rows, decoded) = rows(version, &request);
        assert_eq!(rows[1..], [format!("exemplar {exemplar:?}"), format!("{metadata:?}")]);
        assert_eq!(decoded.exemplars, 1);
    }
}

#[test]
fn long_exemplars_are_left_out() {
    let text = "ü".repeat(121);
    let labels = [("trace_id", text.as_str())];
    for (n, len) in [(1, 120), (0, 121)] {
        let mut v2 = V2::new();
        let labels = [("trace_id", &labels[0].1[..2 * len])];
        v2.series(UP, |s| s.exemplar(&ExemplarRef { labels: &labels, value: 1.0, t: 1 }));
        let decoded = rows(Version::V2, &v2.into_bytes()).1;
        assert_eq!((decoded.exemplars, decoded.refused_exemplars, decoded.first_error.is_none()), (n, 1 - n, n == 1));
    }
}

proptest! {
    /// Both versions and the model agree for any labels.
    #[test]
    fn both_versions_say_the_same(
        labels in proptest::collection::vec(("[a-zé]{0,3}", "[a-z日]{0,3}"), 0..6),
        named in any::<bool>(),
        t in any::<i64>(),
        bits in any::<u64>(),
    ) {
        let mut labels: Vec<(&str, &str)> = labels.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        if named {
            labels.insert(labels.len() / 2, ("__name__", "up"));
        }
        let value = f64::from_bits(bits);
        let [a, b] = both(&labels, t, value).map(|(version, request)| rows(version, &request));
        prop_assert_eq!(&a, &b);
        let mut names: Vec<_> = labels.iter().map(|l| l.0).collect();
        names.sort_unstable();
        let valid = named && names.windows(2).all(|w| w[0] != w[1]) && !names.contains(&"");
        prop_assert_eq!(a.1.samples == 1, valid);
        if valid {
            let mut kept: Vec<String> = labels.iter().filter(|l| !l.1.is_empty()).map(|(n, v)| format!("{n}={v}")).collect();
            kept.sort_unstable_by(|x, y| x.split('=').next().cmp(&y.split('=').next()));
            prop_assert_eq!(&a.0[0], &kept.join(","));
        }
    }
}
