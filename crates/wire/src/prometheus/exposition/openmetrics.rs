//! OpenMetrics 1.0: strict lines, exemplars, units, created timestamps, and `# EOF` at the end.
//!
//! Timestamps are seconds. A `_created` series is a series like any other, as in Prometheus, and also says since when the
//! samples of its metric count; since it stands behind them, all are collected in a walk before, if there is any.

use std::collections::HashMap;

use super::float::normalise;
use super::lex::{Cursor, Spacing, Wrong, float, shown, unescape};
use super::{ExpositionError, ExpositionSink, LabelRef, Options, SampleRef, Value};
use crate::prometheus::limits::EXEMPLAR_CHARS_MAX;
use crate::prometheus::sink::{ExemplarRef, MetadataRef, MetricType};

pub(super) fn parse(body: &[u8], options: &Options, sink: &mut impl ExpositionSink) -> Result<(), ExpositionError> {
    let created = Created::collect(body, options);
    let mut scratch = Scratch::default();
    let mut lines = (1..).zip(body.split(|b| *b == b'\n'));
    while let Some((line, text)) = lines.next() {
        let wrong = |what| ExpositionError::Line { line, what };
        if text == b"# EOF" {
            // One line end may follow.
            return match lines.next() {
                None => Ok(()),
                Some((_, b"")) if lines.next().is_none() => Ok(()),
                Some((line, _)) => {
                    Err(ExpositionError::Line { line, what: "there is something behind # EOF".to_owned() })
                }
            };
        }
        if text.is_empty() && lines.clone().next().is_none() {
            break;
        }
        read_line(text, options, &created, &mut scratch, sink).map_err(wrong)?;
    }
    let line = body.iter().filter(|b| **b == b'\n').count() + 1;
    Err(ExpositionError::Line { line, what: "data does not end with # EOF".to_owned() })
}

#[derive(Default)]
struct Scratch<'a> {
    labels: Vec<LabelRef<'a>>,
    exemplar: Vec<LabelRef<'a>>,
    /// The type that was declared last.
    kind: MetricType,
}

fn read_line<'a>(
    line: &'a [u8],
    options: &Options,
    created: &Created,
    scratch: &mut Scratch<'a>,
    sink: &mut impl ExpositionSink,
) -> Result<(), Wrong> {
    let mut c = Cursor::new(line);
    if c.is_empty() {
        return Err("empty lines are not allowed".to_owned());
    }
    if c.eat(b'#') {
        return declaration(c, &mut scratch.kind, sink);
    }
    let Scratch { labels, exemplar, kind } = scratch;
    let raw = c.series(Spacing::Single, &options.limits, labels)?;
    normalise(*kind, labels);
    one_blank(&mut c)?;
    let value = float(c.word())?;
    let mut t = None;
    let mut example = None;
    if c.eat(b' ') {
        if c.rest().first() != Some(&b'#') {
            t = Some(seconds(c.word())?);
            if !c.is_empty() {
                one_blank(&mut c)?;
            }
        }
        if !c.is_empty() {
            example = Some(read_exemplar(&mut c, options, exemplar)?);
        }
    }
    if !c.is_empty() {
        return Err(format!("unexpected {} behind the sample", shown(c.rest())));
    }
    let start = created.of(labels);
    let borrowed: Vec<(&str, &str)> = exemplar.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect();
    let exemplars = example.map(|(value, t)| ExemplarRef { labels: &borrowed, value, t });
    sink.sample(&SampleRef { raw, labels, t, start, value: Value::Float(value), exemplars: exemplars.as_slice() });
    exemplar.clear();
    Ok(())
}

/// `# {a="b"} value [timestamp]`: value and milliseconds.
fn read_exemplar<'a>(
    c: &mut Cursor<'a>,
    options: &Options,
    labels: &mut Vec<LabelRef<'a>>,
) -> Result<(f64, i64), Wrong> {
    labels.clear();
    if !c.eat(b'#') || !c.eat(b' ') {
        return Err(format!("expected a timestamp or `# ` and an exemplar, found {}", shown(c.rest())));
    }
    c.labels(Spacing::Single, &options.limits, labels, false)?;
    let chars: usize = labels.iter().map(|(n, v)| n.chars().count() + v.chars().count()).sum();
    if chars > EXEMPLAR_CHARS_MAX {
        return Err(format!("the labels of the exemplar have more than {EXEMPLAR_CHARS_MAX} characters"));
    }
    one_blank(c)?;
    let value = float(c.word())?;
    let t = if c.eat(b' ') { seconds(c.word())? } else { 0 };
    Ok((value, t))
}

fn one_blank(c: &mut Cursor<'_>) -> Result<(), Wrong> {
    if c.eat(b' ') { Ok(()) } else { Err(format!("expected one blank, found {}", shown(c.rest()))) }
}

/// Seconds as milliseconds.
fn seconds(word: &[u8]) -> Result<i64, Wrong> {
    let seconds = float(word)?;
    if !seconds.is_finite() || seconds.abs() > 9e15 {
        return Err(format!("invalid timestamp {}", shown(word)));
    }
    Ok((seconds * 1e3).round() as i64)
}

/// `# HELP`, `# TYPE`, `# UNIT`; nothing else begins with `#`.
fn declaration(mut c: Cursor<'_>, kind: &mut MetricType, sink: &mut impl ExpositionSink) -> Result<(), Wrong> {
    one_blank(&mut c)?;
    let keyword = c.word();
    if keyword == b"EOF" {
        return Err("there is something behind # EOF".to_owned());
    }
    if !matches!(keyword, b"HELP" | b"TYPE" | b"UNIT") {
        return Err(format!("expected HELP, TYPE, UNIT or EOF, found {}", shown(keyword)));
    }
    one_blank(&mut c)?;
    let family = c.metric_name()?;
    one_blank(&mut c)?;
    let text = std::str::from_utf8(c.rest()).map_err(|_| "the text is not valid UTF-8".to_owned())?;
    let mut metadata = MetadataRef { family: &family, kind: MetricType::Unknown, unit: "", help: "" };
    let help;
    match keyword {
        b"TYPE" => {
            *kind = metric_type(text)?;
            metadata.kind = *kind;
        }
        b"UNIT" => {
            let suffix = family.strip_suffix(text).is_some_and(|f| f.ends_with('_') && f.len() > 1);
            if !text.is_empty() && !suffix {
                return Err(format!("unit {text:?} is not a suffix of metric {family:?}"));
            }
            metadata.unit = text;
        }
        _ => {
            help = unescape(text, true);
            metadata.help = &help;
        }
    }
    sink.metadata(&metadata);
    Ok(())
}

fn metric_type(text: &str) -> Result<MetricType, Wrong> {
    Ok(match text {
        "counter" => MetricType::Counter,
        "gauge" => MetricType::Gauge,
        "histogram" => MetricType::Histogram,
        "gaugehistogram" => MetricType::GaugeHistogram,
        "summary" => MetricType::Summary,
        "info" => MetricType::Info,
        "stateset" => MetricType::StateSet,
        "unknown" => MetricType::Unknown,
        other => return Err(format!("invalid metric type {other:?}")),
    })
}

/// Since when metrics count: by family and labels without `le` and `quantile`.
#[derive(Default)]
struct Created(HashMap<Vec<u8>, i64>);

/// The series that have a `_created` beside them.
const COUNTING: [&str; 4] = ["_total", "_bucket", "_count", "_sum"];

impl Created {
    fn collect(body: &[u8], options: &Options) -> Self {
        let mut found = Self::default();
        let mut labels = Vec::new();
        for line in body.split(|b| *b == b'\n') {
            // Cheap for bodies without any: most lines of most bodies are looked at once.
            if line.first() == Some(&b'#') || !line.windows(8).any(|w| w == b"_created") {
                continue;
            }
            let mut c = Cursor::new(line);
            let series = c.series(Spacing::Single, &options.limits, &mut labels);
            let value = c.eat(b' ').then(|| seconds(c.word()).ok()).flatten();
            let family = labels.first().and_then(|(_, name)| name.strip_suffix("_created"));
            if let (Ok(_), Some(t), Some(family)) = (series, value, family) {
                found.0.insert(key(family, labels.get(1..).unwrap_or_default()), t);
            }
        }
        found
    }

    /// 0 when it is not said.
    fn of(&self, labels: &[LabelRef<'_>]) -> i64 {
        let Some(((_, name), others)) = labels.split_first().filter(|_| !self.0.is_empty()) else { return 0 };
        let family = COUNTING.iter().find_map(|s| name.strip_suffix(s));
        // The `quantile` series of a summary have no suffix.
        let family = family.or_else(|| others.iter().any(|(n, _)| n == "quantile").then_some(name.as_ref()));
        family.and_then(|family| self.0.get(&key(family, others)).copied()).unwrap_or(0)
    }
}

fn key(family: &str, labels: &[LabelRef<'_>]) -> Vec<u8> {
    let mut others: Vec<_> = labels.iter().filter(|(n, _)| !matches!(n.as_ref(), "le" | "quantile")).collect();
    others.sort_unstable();
    let mut out = family.as_bytes().to_vec();
    for (name, value) in others {
        out.push(0xff);
        out.extend_from_slice(name.as_bytes());
        out.push(0xff);
        out.extend_from_slice(value.as_bytes());
    }
    out
}
