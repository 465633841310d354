//! The value of a query as JSON, written piece by piece.

use std::vec::IntoIter;

use promql::eval::{HistogramSample, InstantSample, Point, Sample, Series, Value};

use super::respond::{ENVELOPE, Notes};
use super::stream::Pieces;
use super::{histogram, json};

/// Samples of one piece: a series of a range selector may have millions.
const SAMPLES_PER_PIECE: usize = 1024;

/// Histograms of one piece; each has up to some hundred buckets.
const HISTOGRAMS_PER_PIECE: usize = 16;

/// `{"resultType": .., "result": .., "stats": ..}` in its envelope.
pub(super) struct Answer {
    rest: Rest,
    /// The statistics as JSON, when they were asked for.
    stats: Option<Vec<u8>>,
    notes: Notes,
}

enum Rest {
    /// Nothing is written yet.
    Unopened(Value, i64),
    Vector(IntoIter<InstantSample>, Separator),
    Matrix(IntoIter<Series>, Separator),
    /// In the middle of the floats of a series.
    Floats(IntoIter<Sample>, Vec<HistogramSample>, IntoIter<Series>),
    /// In the middle of the histograms of a series.
    Histograms(IntoIter<HistogramSample>, IntoIter<Series>),
    /// All but the end is written.
    Written,
}

/// Whether a comma comes before the next element.
#[derive(Default)]
struct Separator(bool);

impl Separator {
    fn write(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.0, true) {
            out.push(b',');
        }
    }
}

impl Answer {
    /// `at_ms` is the time of the query, which a text value has no other place for.
    pub(super) fn new(value: Value, at_ms: i64, stats: Option<Vec<u8>>, notes: Notes) -> Self {
        Self { rest: Rest::Unopened(value, at_ms), stats, notes }
    }

    fn close(&self, out: &mut Vec<u8>) {
        if let Some(stats) = &self.stats {
            out.extend(b",\"stats\":");
            out.extend_from_slice(stats);
        }
        out.push(b'}');
        self.notes.close(out);
    }
}

impl Pieces for Answer {
    fn write(&mut self, out: &mut Vec<u8>) -> bool {
        self.rest = match std::mem::replace(&mut self.rest, Rest::Written) {
            Rest::Unopened(value, at_ms) => open(out, value, at_ms),
            Rest::Vector(mut samples, mut separator) => match samples.next() {
                Some(sample) => {
                    separator.write(out);
                    element(out, &sample);
                    Rest::Vector(samples, separator)
                }
                None => end(out),
            },
            Rest::Matrix(mut series, mut separator) => match series.next() {
                Some(Series { labels, samples, histograms }) => {
                    separator.write(out);
                    out.extend(b"{\"metric\":");
                    json::labels(out, &labels);
                    if samples.is_empty() {
                        all_histograms(out, histograms, series)
                    } else {
                        out.extend(b",\"values\":[");
                        some_floats(out, samples.into_iter(), histograms, series)
                    }
                }
                None => end(out),
            },
            Rest::Floats(samples, histograms, series) => {
                out.push(b',');
                some_floats(out, samples, histograms, series)
            }
            Rest::Histograms(histograms, series) => {
                out.push(b',');
                some_histograms(out, histograms, series)
            }
            Rest::Written => {
                self.close(out);
                return false;
            }
        };
        true
    }
}

/// Writes all of a value that has no elements, and how the others begin.
fn open(out: &mut Vec<u8>, value: Value, at_ms: i64) -> Rest {
    out.extend(ENVELOPE);
    out.extend(b"{\"resultType\":");
    match value {
        Value::Scalar(sample) => {
            out.extend(b"\"scalar\",\"result\":[");
            json::short_seconds(out, sample.t_ms);
            out.extend(b",\"");
            json::plain(out, sample.value);
            out.extend(b"\"]");
            Rest::Written
        }
        Value::String(text) => {
            out.extend(b"\"string\",\"result\":[");
            json::short_seconds(out, at_ms);
            out.push(b',');
            json::text(out, &text);
            out.push(b']');
            Rest::Written
        }
        Value::Vector(samples) => {
            out.extend(b"\"vector\",\"result\":[");
            Rest::Vector(samples.into_iter(), Separator::default())
        }
        Value::Matrix(series) => {
            out.extend(b"\"matrix\",\"result\":[");
            Rest::Matrix(series.into_iter(), Separator::default())
        }
    }
}

fn end(out: &mut Vec<u8>) -> Rest {
    out.push(b']');
    Rest::Written
}

fn element(out: &mut Vec<u8>, sample: &InstantSample) {
    out.extend(b"{\"metric\":");
    json::labels(out, &sample.labels);
    match &sample.value {
        Point::Float(value) => {
            out.extend(b",\"value\":");
            json::point(out, sample.t_ms, *value);
        }
        Point::Histogram(h) => {
            out.extend(b",\"histogram\":");
            histogram::point(out, sample.t_ms, h);
        }
    }
    out.push(b'}');
}

/// Writes floats of a series that has at least one left, and what follows the last.
fn some_floats(
    out: &mut Vec<u8>,
    mut samples: IntoIter<Sample>,
    histograms: Vec<HistogramSample>,
    series: IntoIter<Series>,
) -> Rest {
    let mut separator = Separator::default();
    for sample in samples.by_ref().take(SAMPLES_PER_PIECE) {
        separator.write(out);
        json::point(out, sample.t_ms, sample.value);
    }
    if samples.len() > 0 {
        return Rest::Floats(samples, histograms, series);
    }
    out.push(b']');
    all_histograms(out, histograms, series)
}

/// Begins the histograms of a series, or ends the series when it has none.
fn all_histograms(out: &mut Vec<u8>, histograms: Vec<HistogramSample>, series: IntoIter<Series>) -> Rest {
    if histograms.is_empty() {
        out.push(b'}');
        return Rest::Matrix(series, Separator(true));
    }
    out.extend(b",\"histograms\":[");
    some_histograms(out, histograms.into_iter(), series)
}

/// Writes histograms of a series that has at least one left, and the series' end after the last.
fn some_histograms(out: &mut Vec<u8>, mut histograms: IntoIter<HistogramSample>, series: IntoIter<Series>) -> Rest {
    let mut separator = Separator::default();
    for sample in histograms.by_ref().take(HISTOGRAMS_PER_PIECE) {
        separator.write(out);
        histogram::point(out, sample.t_ms, &sample.histogram);
    }
    if histograms.len() > 0 {
        return Rest::Histograms(histograms, series);
    }
    out.extend(b"]}");
    Rest::Matrix(series, Separator(true))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::Labels;
    use serde_json::json;

    use super::*;

    fn text(value: Value, stats: Option<&str>, notes: Notes) -> String {
        let mut answer = Answer::new(value, 1_500, stats.map(|s| s.as_bytes().to_vec()), notes);
        let mut out = Vec::new();
        while answer.write(&mut out) {}
        String::from_utf8(out).unwrap()
    }

    fn series(name: &str, samples: usize) -> Series {
        let samples = (0..samples).map(|i| Sample { t_ms: i as i64 * 500, value: i as f64 / 4.0 }).collect();
        let labels = Labels::from_pairs([("__name__", name), ("path", "a\"b\\c")]);
        Series { labels, samples, histograms: Vec::new() }
    }

    #[test]
    fn values_as_prometheus_writes_them() {
        let scalar = Value::Scalar(Sample { t_ms: 1_500, value: 1e21 });
        assert_eq!(
            text(scalar, None, Notes::default()),
            r#"{"status":"success","data":{"resultType":"scalar","result":[1.5,"1000000000000000000000"]}}"#
        );
        let string = Value::String("a\"b".to_owned());
        assert_eq!(
            text(string, Some("{}"), Notes::default()),
            r#"{"status":"success","data":{"resultType":"string","result":[1.5,"a\"b"],"stats":{}}}"#
        );
        let labels = Labels::from_pairs([("a", "b")]);
        let vector = Value::Vector(vec![InstantSample { labels, t_ms: 1_000, value: Point::Float(1e21) }]);
        let notes = Notes { warnings: vec!["w".into()], infos: vec!["i".into(), "j".into()] };
        assert_eq!(
            text(vector, None, notes),
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"1e+21"]}]},"warnings":["w"],"infos":["i","j"]}"#
        );
        assert_eq!(
            text(Value::Matrix(vec![]), None, Notes::default()),
            r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#
        );
    }

    #[test]
    fn long_series_are_cut_into_pieces_and_whole_in_the_end() {
        let counts = [1, SAMPLES_PER_PIECE, SAMPLES_PER_PIECE + 1, 3 * SAMPLES_PER_PIECE, 7];
        let all: Vec<Series> = counts.iter().map(|n| series("up", *n)).collect();
        let parsed: serde_json::Value =
            serde_json::from_str(&text(Value::Matrix(all.clone()), None, Notes::default())).unwrap();
        let expected: Vec<_> = all
            .iter()
            .map(|s| {
                let values: Vec<_> =
                    s.samples.iter().map(|p| json!([p.t_ms as f64 / 1e3, p.value.to_string()])).collect();
                json!({"metric": {"__name__": "up", "path": "a\"b\\c"}, "values": values})
            })
            .collect();
        let normal: serde_json::Value = serde_json::from_str(&parsed.to_string().replace(".0,", ",")).unwrap();
        let expected: serde_json::Value =
            serde_json::from_str(&json!(expected).to_string().replace(".0,", ",")).unwrap();
        assert_eq!(normal["data"]["result"], expected);
        assert_eq!(parsed["status"], "success");
    }

    #[test]
    fn histograms_stand_beside_floats() {
        let h = Arc::new(promql::histogram::parse("{{count:4 sum:5 buckets:[1 2 0 1]}}").unwrap());
        let labels = Labels::from_pairs([("a", "b")]);
        let vector = vec![InstantSample { labels: labels.clone(), t_ms: 1_000, value: Point::Histogram(h.clone()) }];
        let written = r#"{"count":"4","sum":"5","buckets":[[0,"0.5","1","1"],[0,"1","2","2"],[0,"4","8","1"]]}"#;
        let answer = text(Value::Vector(vector), None, Notes::default());
        assert!(answer.contains(&format!(r#"[{{"metric":{{"a":"b"}},"histogram":[1,{written}]}}]"#)), "{answer}");
        let histograms = |n: i64| (0..n).map(|i| HistogramSample { t_ms: i * 1000, start_ms: 0, histogram: h.clone() });
        let samples = vec![Sample { t_ms: 9_000, value: 1.0 }];
        let matrix = [
            Series { labels: labels.clone(), samples: Vec::new(), histograms: histograms(40).collect() },
            Series { labels, samples, histograms: histograms(1).collect() },
        ];
        let answer = text(Value::Matrix(matrix.to_vec()), None, Notes::default());
        let parsed: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let result = &parsed["data"]["result"];
        assert_eq!((result[0]["histograms"].as_array().unwrap().len(), result[0].get("values")), (40, None));
        assert_eq!((&result[1]["values"], &result[1]["histograms"][0][0]), (&json!([[9, "1"]]), &json!(0)));
    }

    #[test]
    fn of_many_notes_ten_are_told() {
        let notes = Notes { warnings: (0..12).map(|i| format!("w{i}")).collect(), infos: Vec::new() };
        let parsed: serde_json::Value = serde_json::from_str(&text(Value::Matrix(vec![]), None, notes)).unwrap();
        let warnings = parsed["warnings"].as_array().unwrap();
        assert_eq!((warnings.len(), warnings[10].as_str()), (11, Some("2 more warning annotations omitted")));
    }
}
