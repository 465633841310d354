//! No query panics: queries that were changed at random are refused or evaluated, and print and read back alike.

use foundation::text::beginning;
use promql::eval::{Engine, EngineOptions, QueryLimits, QueryRange};
use promql::series::parse_series;

use crate::storage::Storage;

/// What mutations start from and splice together.
const QUERIES: [&str; 20] = [
    "sum by (job) (rate(m_total{job=~\"a.*\"}[5m] offset 1m))",
    "histogram_quantile(0.9, sum by (le) (rate(b_bucket[5m])))",
    "histogram_quantile(0.5, h) + h * 2 - h / 0",
    "h </ 2 > bool 1 or h >/ -1",
    "topk(2, m_total) / on (job) group_left (x) m_total",
    "max_over_time(rate(m_total[1m])[10m:30s] @ end())",
    "increase(m_total[2m] anchored) - delta(h[2m] smoothed)",
    "label_replace(m_total, \"x\", \"$1\", \"job\", \"(.*)\")",
    "quantile_over_time(0.3, m_total[5m]) ^ 2 % 3 atan2 4",
    "count_values(\"v\", h) unless ignoring (v) m_total",
    "limit_ratio(0.5, m_total) and limitk(1, h)",
    "absent_over_time(m_total{job=\"x\"}[5m]) * -time()",
    "avg_over_time(h[5m]) == h",
    "histogram_fraction(0, 1, h) + histogram_stddev(h)",
    "info(m_total) fill (0) + fill_left (1) m_total",
    "sort_by_label_desc({__name__=~\".+_total\"}, \"job\")",
    "stddev by () (h) + avg(h) + group(h)",
    "predict_linear(m_total[10m], 3600) + deriv(m_total[10m])",
    "resets(h[5m]) + changes(h[5m]) + irate(h[5m]) - idelta(h[5m])",
    "start_timestamp(m_total) + timestamp(h) + m_total smoothed",
];

const PIECES: [&str; 24] = [
    "(",
    ")",
    "[5m]",
    "[1m:10s]",
    "{",
    "}",
    ",",
    "\"",
    "by",
    "without",
    "@ 0",
    "offset -1m",
    "1e400",
    "NaN",
    "Inf",
    "-",
    "bool",
    "h",
    "m_total",
    "smoothed",
    "anchored",
    "\u{e9}",
    "\0",
    "</",
];

fn storage() -> Storage {
    let mut storage = Storage::default();
    for line in [
        "m_total{job=\"a\"} 0+1x20 3 stale NaN Inf -Inf 1e308x3",
        "m_total{job=\"b\", x=\"y\"} 5x30",
        "b_bucket{le=\"1\"} 0+1x30",
        "b_bucket{le=\"+Inf\"} 0+2x30",
        "b_bucket{le=\"x\"} 0+2x30",
        "h{job=\"a\"} {{schema:1 count:5 sum:4 z_bucket:1 z_bucket_w:0.01 buckets:[1 2] n_buckets:[1]}}x9 {{count:1}}x5 1 2 stale {{schema:-53 count:3 sum:2 custom_values:[1 2] buckets:[1 1 1]}}x5",
        "h{job=\"b\"} {{schema:-53 count:3 sum:NaN custom_values:[1 3] buckets:[1 1]}}x9 {{schema:-4 count:1e308 sum:1e308 buckets:[1e308] offset:2147483647}}x9",
    ] {
        let (labels, values) = parse_series(line).expect("a valid series");
        storage.load(&labels, &values, None, 30_000);
    }
    storage
}

/// A fixed sequence of numbers, so that a failure comes again.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// A place between characters.
fn place(text: &str, random: &mut Random) -> usize {
    beginning(text, random.below(text.len() + 1)).len()
}

fn mutate(text: &mut String, random: &mut Random) {
    let (a, b) = (place(text, random), place(text, random));
    match random.below(4) {
        0 => text.insert_str(a, PIECES[random.below(PIECES.len())]),
        1 if a.abs_diff(b) < 8 => text.replace_range(a.min(b)..a.max(b), ""),
        2 => {
            let other = QUERIES[random.below(QUERIES.len())];
            let cut = place(other, random);
            text.truncate(a);
            text.push_str(&other[cut..]);
        }
        _ => {
            let other = QUERIES[random.below(QUERIES.len())];
            *text = format!("({text}) {} ({other})", ["+", "/", "or", "==", ">/"][random.below(5)]);
        }
    }
}

#[test]
fn changed_queries_are_refused_or_evaluated() {
    let storage = storage();
    let engine = Engine::new(EngineOptions { max_samples: 100_000, ..EngineOptions::default() });
    let limits = QueryLimits::default();
    let mut random = Random(42);
    let (mut parsed, mut evaluated) = (0, 0);
    for round in 0..4_000 {
        let mut query = QUERIES[round % QUERIES.len()].to_owned();
        for _ in 0..random.below(4) {
            mutate(&mut query, &mut random);
            if query.len() > 400 {
                query.truncate(place(&query, &mut random));
            }
        }
        let Ok(expr) = promql::parse(&query) else { continue };
        parsed += 1;
        let printed = expr.to_string();
        assert_eq!(promql::parse(&printed).as_ref(), Ok(&expr), "{query} prints as {printed}");
        let range = QueryRange { start_ms: 0, end_ms: 900_000, step_ms: 90_000 };
        evaluated += usize::from(engine.instant(&storage, &query, &expr, 400_000, &limits).is_ok());
        evaluated += usize::from(engine.range(&storage, &query, &expr, range, &limits).is_ok());
    }
    assert!(parsed > 500 && evaluated > 500, "{parsed} parsed, {evaluated} evaluated");
}

#[test]
fn changed_series_descriptions_are_refused_or_read() {
    let mut random = Random(7);
    let lines = [
        "m{a=\"b\"} 1+2x3 _x2 stale -1e3 NaN",
        "h {{schema:0 sum:5 count:4 buckets:[1 2 1] offset:-1}}+{{count:1}}x3 {{schema:-53 custom_values:[1 2]}}",
    ];
    for round in 0..4_000 {
        let mut line = lines[round % lines.len()].to_owned();
        for _ in 0..=random.below(3) {
            let at = place(&line, &mut random);
            match random.below(3) {
                0 => line.insert_str(at, ["{{", "}}", "x9", "[", ":", "-", "\u{e9}"][random.below(7)]),
                1 => line.truncate(at),
                _ => line.insert_str(at, &lines[random.below(2)][..8]),
            }
        }
        drop(parse_series(&line));
    }
}
