//! The line of one query: its series as JSON, whole or cut.

use std::fmt::Write as _;
use std::time::Instant;

use model::Labels;
use promql::eval::{Output, Point, QueryRange, Series, Value};
use serde_json::{Value as Json, json};

use super::cut::{Cut, Grid};
use super::packed;
use super::pieces::Pieces;
use super::{Encoding, One};

/// Columns that a series keeps however many series share the points of an answer.
const COLUMNS_MIN: usize = 50;
/// Pieces are cut to a multiple of this, so that columns can be joined when the number of series is known.
pub(super) const COLUMNS_JOINED: usize = 32;

pub(super) struct Line<'a> {
    pub one: &'a One,
    pub range: QueryRange,
    pub steps: usize,
    pub begin: Instant,
}

impl Line<'_> {
    pub(super) fn whole(&self, output: Output) -> String {
        let mut out = self.head();
        let warnings: Vec<String> = output.warnings.into_iter().chain(output.infos).collect();
        let (mut total, mut decimated, mut columns) = (1, None, None);
        match output.value {
            Value::Scalar(sample) => {
                out.push_str("\"type\":\"scalar\",\"series\":[");
                vector(&mut out, &Labels::default(), self.range.end_ms, sample.value);
            }
            Value::String(text) => {
                let _ = write!(out, "\"type\":\"string\",\"text\":{},\"series\":[", Json::from(text.as_str()));
            }
            Value::Vector(mut samples) => {
                total = samples.len();
                samples.truncate(self.series_max());
                out.push_str("\"type\":\"vector\",\"series\":[");
                for (i, s) in samples.iter().enumerate() {
                    comma(&mut out, i);
                    let value = match &s.value {
                        Point::Float(v) => *v,
                        // A histogram has no one number; its count is what lists show.
                        Point::Histogram(h) => h.count,
                    };
                    vector(&mut out, &s.labels, s.t_ms, value);
                }
            }
            Value::Matrix(series) => {
                total = series.len();
                let top =
                    |s: &Series| s.samples.iter().map(|p| p.value).filter(|v| !v.is_nan()).fold(f64::MIN, f64::max);
                let series = largest(series, self.series_max(), top);
                out.push_str("\"type\":\"matrix\",\"series\":[");
                let points = self.points(series.len());
                if self.steps > points {
                    let grid = Grid { steps: self.steps, columns: (points / 4).max(1) };
                    let cut: Vec<(Labels, Cut)> = series.into_iter().map(|s| self.cut(s, grid)).collect();
                    decimated = Some(self.series_cut(&mut out, &cut));
                    columns = Some(grid.columns);
                } else {
                    for (i, s) in series.iter().enumerate() {
                        comma(&mut out, i);
                        self.series_whole(&mut out, s);
                    }
                }
            }
        }
        self.tail(out, total, output.samples_loaded, decimated, columns, warnings)
    }

    pub(super) fn pieces(&self, pieces: Pieces, grid: Grid) -> String {
        let mut out = self.head();
        let total = pieces.series.len();
        let mut series = largest(pieces.series, self.series_max(), |(_, cut)| cut.max());
        let points = self.points(series.len());
        let mut columns = grid.columns;
        while columns * 4 > points && columns.is_multiple_of(2) && columns > COLUMNS_MIN {
            columns /= 2;
        }
        for (_, cut) in &mut series {
            cut.coarser(grid.columns / columns);
        }
        out.push_str("\"type\":\"matrix\",\"series\":[");
        let decimated = self.series_cut(&mut out, &series);
        self.tail(out, total, pieces.samples, Some(decimated), Some(columns), pieces.warnings)
    }

    fn head(&self) -> String {
        format!("{{\"id\":{},\"ok\":true,", Json::from(self.one.id.as_str()))
    }

    /// Ends the list of series, and the line.
    fn tail(
        &self,
        mut out: String,
        total: usize,
        samples: usize,
        decimated: Option<(u64, u64)>,
        columns: Option<usize>,
        warnings: Vec<String>,
    ) -> String {
        let decimated = decimated.map(|(from, to)| json!({"from": from, "to": to}));
        let _ = writeln!(
            out,
            "],\"start_unix_milli\":{},\"step_milli\":{},\"steps\":{},\"columns\":{},\"total_series\":{total},\"samples\":{samples},\"decimated\":{},\"elapsed_ms\":{:.1},\"warnings\":{},\"partial\":null}}",
            self.range.start_ms,
            self.range.step_ms,
            self.steps,
            Json::from(columns),
            Json::from(decimated),
            self.begin.elapsed().as_secs_f64() * 1e3,
            Json::from(warnings),
        );
        out
    }

    fn series_max(&self) -> usize {
        self.one.max_series.unwrap_or(usize::MAX)
    }

    /// Points that each of so many series may have.
    fn points(&self, series: usize) -> usize {
        let shared = self.one.max_total_points.map_or(usize::MAX, |all| (all / series.max(1)).max(4 * COLUMNS_MIN));
        self.one.max_points.unwrap_or(usize::MAX).min(shared)
    }

    fn step(&self, t_ms: i64) -> usize {
        ((t_ms - self.range.start_ms) / self.range.step_ms.max(1)) as usize
    }

    fn cut(&self, s: Series, grid: Grid) -> (Labels, Cut) {
        let mut cut = Cut::new(grid);
        for p in &s.samples {
            cut.add(self.step(p.t_ms), p.value);
        }
        (s.labels, cut)
    }

    /// Writes the series and returns how many values there were, and how many are written.
    fn series_cut(&self, out: &mut String, series: &[(Labels, Cut)]) -> (u64, u64) {
        let (mut from, mut to) = (0, 0);
        for (i, (of, cut)) in series.iter().enumerate() {
            comma(out, i);
            labels(out, of);
            match self.one.encoding {
                Encoding::Json => {
                    out.push_str(",\"values\":[");
                    list(out, cut.values());
                    out.push(']');
                }
                Encoding::Packed => {
                    out.push_str(",\"data\":\"");
                    let base = packed::near(out, cut.values());
                    out.push_str("\",\"base\":");
                    number(out, base);
                }
            }
            let _ = write!(out, ",\"count\":{},\"mean\":{}}}", cut.count(), Json::from(cut.mean()));
            from += cut.count();
            to += cut.values().filter(|v| !v.is_nan()).count() as u64;
        }
        (from, to)
    }

    /// A value per step; what has none is `null` or NaN.
    fn series_whole(&self, out: &mut String, s: &Series) {
        let mut values = vec![f64::NAN; self.steps];
        for p in &s.samples {
            if let Some(value) = values.get_mut(self.step(p.t_ms)) {
                *value = p.value;
            }
        }
        labels(out, &s.labels);
        match self.one.encoding {
            Encoding::Json => {
                out.push_str(",\"values\":[");
                list(out, values.into_iter());
                out.push_str("]}");
            }
            Encoding::Packed => {
                out.push_str(",\"data\":\"");
                packed::exact(out, values.into_iter());
                out.push_str("\"}");
            }
        }
    }
}

/// Those with the largest maxima, in the order in which they came.
fn largest<T>(series: Vec<T>, max: usize, top: impl Fn(&T) -> f64) -> Vec<T> {
    if series.len() <= max {
        return series;
    }
    let mut order: Vec<(usize, f64)> = series.iter().map(top).enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut kept: Vec<usize> = order.into_iter().take(max).map(|(i, _)| i).collect();
    kept.sort_unstable();
    let chosen = series.into_iter().enumerate().filter(|(i, _)| kept.binary_search(i).is_ok());
    chosen.map(|(_, s)| s).collect()
}

fn vector(out: &mut String, of: &Labels, at_ms: i64, value: f64) {
    labels(out, of);
    let _ = write!(out, ",\"start_unix_milli\":{at_ms},\"values\":[");
    number(out, value);
    out.push_str("]}");
}

fn labels(out: &mut String, labels: &Labels) {
    out.push_str("{\"labels\":{");
    for (i, (name, value)) in labels.iter().enumerate() {
        comma(out, i);
        let _ = write!(out, "{}:{}", Json::from(name), Json::from(value));
    }
    out.push('}');
}

fn list(out: &mut String, values: impl Iterator<Item = f64>) {
    for (i, v) in values.enumerate() {
        comma(out, i);
        if v.is_nan() {
            out.push_str("null");
        } else {
            number(out, v);
        }
    }
}

fn comma(out: &mut String, before: usize) {
    if before > 0 {
        out.push(',');
    }
}

fn number(out: &mut String, v: f64) {
    if v.is_finite() {
        out.push_str(zmij::Buffer::new().format_finite(v));
    } else if v.is_nan() {
        out.push_str("\"NaN\"");
    } else {
        out.push_str(if v > 0.0 { "\"+Inf\"" } else { "\"-Inf\"" });
    }
}

#[cfg(test)]
mod tests {
    use promql::eval::Sample;
    use serde_json::Value as Json;

    use super::super::Kind;
    use super::*;

    fn one(encoding: Encoding, max_points: Option<usize>, max_total_points: Option<usize>) -> One {
        One {
            id: "a".into(),
            kind: Kind::Range,
            query: "x".into(),
            start_unix_milli: None,
            end_unix_milli: None,
            step_milli: None,
            time_unix_milli: None,
            max_series: Some(2),
            max_points,
            max_total_points,
            encoding,
        }
    }

    /// Three series over a thousand steps; the second has no value at the second step.
    fn output() -> Output {
        let series = |name: &str, scale: f64| Series {
            labels: Labels::from_pairs([("name", name)]),
            samples: (0..1_000)
                .filter(|i| name != "b" || *i != 1)
                .map(|i| Sample { t_ms: 5_000 + i * 1_000, value: scale * (i % 10) as f64 })
                .collect(),
            histograms: Vec::new(),
        };
        Output {
            value: Value::Matrix(vec![series("a", 1.0), series("b", 3.0), series("c", 2.0)]),
            warnings: Vec::new(),
            infos: Vec::new(),
            samples_loaded: 2_999,
            samples_per_step: None,
            samples_largest_series: 1_000,
            peak_memory_bytes: 0,
        }
    }

    fn answer(one: &One) -> Json {
        let range = QueryRange { start_ms: 5_000, end_ms: 1_004_000, step_ms: 1_000 };
        let line = Line { one, range, steps: 1_000, begin: Instant::now() }.whole(output());
        serde_json::from_str(&line).expect("one line of JSON")
    }

    #[test]
    fn the_largest_series_are_answered_step_by_step() {
        let got = answer(&one(Encoding::Json, None, None));
        assert_eq!((&got["total_series"], &got["steps"], &got["columns"]), (&json!(3), &json!(1_000), &Json::Null));
        assert_eq!(got["series"][0]["labels"], json!({"name": "b"}));
        assert_eq!(
            got["series"][0]["values"].as_array().map(|v| &v[..3]),
            Some(&[json!(0.0), Json::Null, json!(6.0)][..])
        );
        let packed = answer(&one(Encoding::Packed, None, None));
        assert_eq!(packed["series"][1]["data"].as_str().map(str::len), Some(1_000 * 8 * 4 / 3 + 2));
    }

    #[test]
    fn points_are_shared_by_the_series() {
        let got = answer(&one(Encoding::Json, Some(400), None));
        assert_eq!((&got["columns"], &got["decimated"]), (&json!(100), &json!({"from": 1_999, "to": 800})));
        assert_eq!(got["series"][1]["values"].as_array().map(Vec::len), Some(400));
        assert_eq!((&got["series"][1]["count"], &got["series"][1]["mean"]), (&json!(1_000), &json!(9.0)));
        // Fifty columns are kept, however little there is for all.
        assert_eq!(answer(&one(Encoding::Packed, Some(400), Some(10)))["columns"], json!(50));
        assert_eq!(answer(&one(Encoding::Packed, Some(400), Some(600)))["columns"], json!(75));
    }
}
