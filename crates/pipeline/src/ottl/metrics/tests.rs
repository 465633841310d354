//! Statements on metrics, as text in and text out.

use wire::otlp::tree::{
    Attributes, Buckets, Data, ExponentialPoint, HistogramPoint, Metric, Number, NumberPoint, Quantile, Resource,
    Scope, SummaryPoint, Temporality, Text,
};

use crate::ottl::{Context, Item, Scene, Schema, Statement};

fn metric(data: Data) -> Metric {
    Metric { name: "m".into(), unit: "s".into(), data, ..Metric::default() }
}

/// Runs a statement on a metric; returns it with those that it made.
fn run(statement: &str, mut metric: Metric) -> Result<Vec<Metric>, String> {
    let (mut resource, mut scope, mut cache) = (Resource::default(), Scope::default(), Attributes::new());
    let (mut of_resource, mut of_scope, mut made) = (Text::default(), Text::default(), vec![]);
    let statement = Statement::parse(statement, Context::Metric).map_err(|e| e.to_string())?;
    let mut scene = Scene {
        resource: &mut resource,
        scope: &mut scope,
        schema: Schema { resource: &mut of_resource, scope: &mut of_scope },
        item: Item::Metric(&mut metric),
        cache: &mut cache,
        made: &mut made,
        now: 0,
    };
    statement.run(&mut scene).map_err(|e| e.to_string())?;
    made.insert(0, metric);
    Ok(made)
}

/// `m{a=x}=1`, by kind.
fn told(statement: &str, metric: Metric) -> String {
    let metrics = match run(statement, metric) {
        Ok(metrics) => metrics,
        Err(e) => return e,
    };
    let labels = |a: &Attributes| a.iter().map(|(k, v)| format!("{k}={}", v.to_text())).collect::<Vec<_>>().join(",");
    let numbers = |points: &[NumberPoint]| -> String {
        let shown = |p: &NumberPoint| match p.value {
            Some(Number::Int(i)) => format!("{{{}}}{i}", labels(&p.attributes)),
            Some(Number::Double(d)) => format!("{{{}}}{d:?}", labels(&p.attributes)),
            None => "none".to_owned(),
        };
        points.iter().map(shown).collect::<Vec<_>>().join(" ")
    };
    let one = |m: &Metric| {
        let head = format!("{}[{}]", m.name, m.unit);
        match &m.data {
            Data::Gauge(points) => format!("gauge {head} {}", numbers(points)),
            Data::Sum { points, temporality, monotonic } => {
                format!("sum{}{} {head} {}", temporality.0, if *monotonic { "+" } else { "" }, numbers(points))
            }
            Data::Histogram { points, .. } => {
                let shown = |p: &HistogramPoint| {
                    format!("{{{}}}{:?} {:?} {:?}", labels(&p.attributes), p.explicit_bounds, p.bucket_counts, p.sum)
                };
                format!("histogram {head} {}", points.iter().map(shown).collect::<Vec<_>>().join(" "))
            }
            Data::Exponential { points, .. } => format!("exponential {head} {}", points.len()),
            Data::Summary(points) => {
                let values: Vec<_> = points.iter().flat_map(|p| &p.quantile_values).map(|q| q.value).collect();
                format!("summary {head} {values:?}")
            }
            Data::None => head,
        }
    };
    metrics.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn numbers(values: &[(&str, i64)]) -> Vec<NumberPoint> {
    let point = |(host, value): &(&str, i64)| NumberPoint {
        attributes: [("host", *host), ("cpu", "0")].into_iter().collect(),
        value: Some(Number::Int(*value)),
        time_unix_nano: 9,
        ..NumberPoint::default()
    };
    values.iter().map(point).collect()
}

fn gauge(values: &[(&str, i64)]) -> Metric {
    metric(Data::Gauge(numbers(values)))
}

fn histogram() -> Metric {
    let point = HistogramPoint {
        count: 10,
        sum: Some(20.0),
        explicit_bounds: vec![1.0, 2.0, 4.0],
        bucket_counts: vec![2, 4, 3, 1],
        max: Some(8.0),
        ..HistogramPoint::default()
    };
    metric(Data::Histogram { points: vec![point], temporality: Temporality::DELTA })
}

fn exponential() -> Metric {
    // Scale 0: buckets end at 2, 4 and 8.
    let point = ExponentialPoint {
        count: 10,
        sum: Some(30.0),
        zero_count: 1,
        positive: Some(Buckets { offset: 0, bucket_counts: vec![3, 4, 2] }),
        ..ExponentialPoint::default()
    };
    metric(Data::Exponential { points: vec![point], temporality: Temporality::CUMULATIVE })
}

fn summary() -> Metric {
    let quantile_values = vec![Quantile { quantile: 0.5, value: 3.0 }, Quantile { quantile: 0.99, value: 8.0 }];
    metric(Data::Summary(vec![SummaryPoint { count: 7, sum: 21.0, quantile_values, ..SummaryPoint::default() }]))
}

#[test]
fn kinds_units_and_copies() {
    let one = || gauge(&[("a", 4)]);
    for (statement, metric, expected) in [
        ("convert_gauge_to_sum(\"delta\", true)", one(), "sum1+ m[s] {host=a,cpu=0}4"),
        ("convert_sum_to_gauge()", one(), "gauge m[s] {host=a,cpu=0}4"),
        ("scale_metric(2.5, \"ms\")", one(), "gauge m[ms] {host=a,cpu=0}10"),
        ("scale_metric(10)", histogram(), "histogram m[s] {}[10.0, 20.0, 40.0] [2, 4, 3, 1] Some(200.0)"),
        ("scale_metric(2)", summary(), "summary m[s] [6.0, 16.0]"),
        ("scale_metric(2)", exponential(), "an exponential histogram is not scaled"),
        (
            "copy_metric(name=Concat([metric.name, \"x\"], \"_\"), unit=\"ms\")",
            one(),
            "gauge m[s] {host=a,cpu=0}4; gauge m_x[ms] {host=a,cpu=0}4",
        ),
    ] {
        assert_eq!(told(statement, metric), expected, "{statement}");
    }
    let sum = metric(Data::Sum { points: numbers(&[("a", 1)]), temporality: Temporality::DELTA, monotonic: true });
    assert_eq!(told("convert_sum_to_gauge()", sum), "gauge m[s] {host=a,cpu=0}1");
}

#[test]
fn parts_become_metrics_of_their_own() {
    let kept = "histogram m[s] {}[1.0, 2.0, 4.0] [2, 4, 3, 1] Some(20.0); ";
    for (statement, metric, expected) in [
        ("extract_count_metric(true)", histogram(), format!("{kept}sum1+ m_count[] {{}}10")),
        ("extract_sum_metric(false, \".sum\")", histogram(), format!("{kept}sum1 m.sum[s] {{}}20.0")),
        ("extract_count_metric(true)", summary(), "summary m[s] [3.0, 8.0]; sum2+ m_count[] {}7".to_owned()),
        ("extract_percentile_metric(50)", histogram(), format!("{kept}gauge m_p50[s] {{}}1.75")),
        // Of the last bucket the greatest value is known.
        ("extract_percentile_metric(95, \"_x\")", histogram(), format!("{kept}gauge m_x[s] {{}}6.0")),
        // Rank 6 is in the middle of the bucket from 2 to 4, on a logarithmic scale.
        (
            "extract_percentile_metric(60)",
            exponential(),
            format!("exponential m[s] 1; gauge m_p60[s] {{}}{:?}", 2f64.powf(1.5)),
        ),
        (
            "convert_summary_quantile_val_to_gauge()",
            summary(),
            "summary m[s] [3.0, 8.0]; gauge m.quantiles[s] {quantile=0.50}3.0 {quantile=0.99}8.0".to_owned(),
        ),
        (
            "convert_summary_sum_val_to_sum(\"cumulative\", true)",
            summary(),
            "summary m[s] [3.0, 8.0]; sum2+ m_sum[s] {}21.0".to_owned(),
        ),
        ("convert_summary_count_val_to_sum(\"delta\", true, \".n\")", summary(), {
            "summary m[s] [3.0, 8.0]; sum1+ m.n[] {}7".to_owned()
        }),
        ("extract_count_metric(true)", gauge(&[]), {
            "a histogram, exponential histogram or summary is wanted, not a gauge".to_owned()
        }),
    ] {
        assert_eq!(told(statement, metric), expected, "{statement}");
    }
}

#[test]
fn points_become_one() {
    let three = || gauge(&[("a", 1), ("b", 2), ("b", 6)]);
    for (statement, expected) in [
        ("aggregate_on_attributes(\"sum\", [\"cpu\"])", "gauge m[s] {cpu=0}9"),
        ("aggregate_on_attributes(\"sum\", [])", "gauge m[s] {}9"),
        ("aggregate_on_attributes(\"mean\", [])", "gauge m[s] {}3"),
        ("aggregate_on_attributes(\"median\")", "gauge m[s] {host=a,cpu=0}1 {host=b,cpu=0}4"),
        ("aggregate_on_attributes(\"max\", [\"host\"])", "gauge m[s] {host=a}1 {host=b}6"),
        ("aggregate_on_attributes(\"count\", [])", "gauge m[s] {}3"),
        ("aggregate_on_attribute_value(\"min\", \"host\", [\"a\", \"b\"], \"all\")", "gauge m[s] {host=all,cpu=0}1"),
    ] {
        assert_eq!(told(statement, three()), expected, "{statement}");
    }
    let mut two = histogram();
    let Data::Histogram { points, .. } = &mut two.data else { panic!() };
    points.push(points[0].clone());
    points[1].attributes.set("host", "b");
    let expected = "histogram m[s] {}[1.0, 2.0, 4.0] [4, 8, 6, 2] Some(40.0)";
    assert_eq!(told("aggregate_on_attributes(\"sum\", [])", two.clone()), expected);
    assert_eq!(told("aggregate_on_attributes(\"max\", [])", two), "histograms have only the function \"sum\"");
}

#[test]
fn buckets_are_joined_and_made_of_exponential_ones() {
    for (statement, metric, expected) in [
        ("merge_histogram_buckets(2)", histogram(), "histogram m[s] {}[1.0, 4.0] [2, 7, 1] Some(20.0)"),
        ("merge_histogram_buckets(3)", histogram(), "histogram m[s] {}[1.0, 2.0, 4.0] [2, 4, 3, 1] Some(20.0)"),
        (
            "merge_histogram_buckets(2, method=\"limit_buckets\")",
            histogram(),
            "histogram m[s] {}[2.0] [6, 4] Some(20.0)",
        ),
        ("merge_histogram_buckets(3, \"limit_buckets\")", histogram(), "histogram m[s] {}[2.0] [6, 4] Some(20.0)"),
        (
            "convert_exponential_histogram_to_histogram(\"upper\", [0.0, 4.0, 6.0])",
            exponential(),
            "histogram m[s] {}[0.0, 4.0, 6.0] [1, 7, 0, 2] Some(30.0)",
        ),
        (
            "convert_exponential_histogram_to_histogram(\"midpoint\", [2.0, 6.0])",
            exponential(),
            "histogram m[s] {}[2.0, 6.0] [3, 6, 0] Some(30.0)",
        ),
        (
            "convert_exponential_histogram_to_histogram(\"uniform\", [1.0, 1.5, 3.0, 8.0])",
            exponential(),
            "histogram m[s] {}[1.0, 1.5, 3.0, 8.0] [2, 1, 4, 2, 0] Some(30.0)",
        ),
    ] {
        assert_eq!(told(statement, metric), expected, "{statement}");
    }
    let metrics =
        run("convert_exponential_histogram_to_histogram(\"random\", [1.0, 1.5, 3.0])", exponential()).unwrap();
    let Data::Histogram { points, .. } = &metrics[0].data else { panic!() };
    assert_eq!(points[0].bucket_counts.iter().sum::<u64>(), 9);
}

#[test]
fn mistakes_are_told() {
    for (statement, message) in [
        ("extract_percentile_metric(100)", "above 0 and below 100"),
        ("convert_gauge_to_sum(\"x\", true)", "\"cumulative\" or \"delta\""),
        ("aggregate_on_attributes(\"avg\", [])", "\"mean\""),
        ("merge_histogram_buckets(1.5, \"limit_buckets\")", "a whole number"),
        ("convert_exponential_histogram_to_histogram(\"upper\", [])", "at least one bound"),
        ("copy_metric(desc=\"x\")", "has no parameter `desc`; there is name, description, unit"),
    ] {
        let e = run(statement, gauge(&[])).unwrap_err();
        assert!(e.contains(message), "{statement}: {e}");
    }
    let e = Statement::parse("convert_sum_to_gauge()", Context::DataPoint).unwrap_err();
    assert!(e.message.contains("works in the context `metric`, not in `datapoint`"), "{e}");
}
