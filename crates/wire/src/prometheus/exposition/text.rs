//! The text format, 0.0.4 and 1.0.0 (which only adds quoted names).
//!
//! Timestamps are milliseconds. The last line may lack its end.

use super::float::normalise;
use super::lex::{Cursor, Spacing, Wrong, float, shown, unescape};
use super::{ExpositionError, ExpositionSink, LabelRef, Options, SampleRef, Value};
use crate::prometheus::sink::{MetadataRef, MetricType};

pub(super) fn parse(body: &[u8], options: &Options, sink: &mut impl ExpositionSink) -> Result<(), ExpositionError> {
    let mut labels = Vec::new();
    let mut kind = MetricType::Unknown;
    for (n, line) in body.split(|b| *b == b'\n').enumerate() {
        read_line(line, options, &mut kind, &mut labels, sink)
            .map_err(|what| ExpositionError::Line { line: n + 1, what })?;
    }
    Ok(())
}

fn read_line<'a>(
    line: &'a [u8],
    options: &Options,
    kind: &mut MetricType,
    labels: &mut Vec<LabelRef<'a>>,
    sink: &mut impl ExpositionSink,
) -> Result<(), Wrong> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut c = Cursor::new(line);
    c.blanks();
    if c.is_empty() {
        return Ok(());
    }
    if c.eat(b'#') {
        return comment(c, kind, sink);
    }
    let raw = c.series(Spacing::Free, &options.limits, labels)?;
    normalise(*kind, labels);
    c.blanks();
    let value = float(c.word())?;
    c.blanks();
    let t = match c.word() {
        b"" => None,
        word => Some(timestamp(word)?),
    };
    c.blanks();
    if !c.is_empty() {
        return Err(format!("unexpected {} behind the sample", shown(c.rest())));
    }
    sink.sample(&SampleRef { raw, labels, t, start: 0, value: Value::Float(value), exemplars: &[] });
    Ok(())
}

fn timestamp(word: &[u8]) -> Result<i64, Wrong> {
    let parsed = std::str::from_utf8(word).ok().and_then(|t| t.parse().ok());
    parsed.ok_or_else(|| format!("expected a timestamp in milliseconds, found {}", shown(word)))
}

/// `# HELP name text`, `# TYPE name type`; everything else is for people.
fn comment(mut c: Cursor<'_>, kind: &mut MetricType, sink: &mut impl ExpositionSink) -> Result<(), Wrong> {
    c.blanks();
    let keyword = c.word();
    if !matches!(keyword, b"HELP" | b"TYPE") {
        return Ok(());
    }
    c.blanks();
    let family = c.metric_name()?;
    if !c.is_empty() && !c.blanks() {
        return Err(format!("expected a blank behind the metric name, found {}", shown(c.rest())));
    }
    let mut metadata = MetadataRef { family: &family, kind: MetricType::Unknown, unit: "", help: "" };
    if keyword == b"TYPE" {
        metadata.kind = match c.word() {
            b"counter" => MetricType::Counter,
            b"gauge" => MetricType::Gauge,
            b"histogram" => MetricType::Histogram,
            b"summary" => MetricType::Summary,
            b"untyped" | b"unknown" => MetricType::Unknown,
            other => return Err(format!("invalid metric type {}", shown(other))),
        };
        *kind = metadata.kind;
        sink.metadata(&metadata);
    } else {
        let help = std::str::from_utf8(c.rest()).map_err(|_| "the help text is not valid UTF-8".to_owned())?;
        let help = unescape(help, false);
        metadata.help = &help;
        sink.metadata(&metadata);
    }
    Ok(())
}
