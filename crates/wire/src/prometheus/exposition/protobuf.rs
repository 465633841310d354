//! The protobuf format: delimited `io.prometheus.client.MetricFamily` messages, the only one with native histograms.
//!
//! A histogram with native buckets becomes one native histogram, and its classic series only when asked for.

use std::borrow::Cow;

use super::float::canonical;
use super::{ExpositionError, ExpositionSink, LabelRef, Options, SampleRef, Value};
use crate::prometheus::histogram::{self, Counts};
use crate::prometheus::sink::{ExemplarRef, MetadataRef, MetricType};
use crate::protobuf::{Key, Malformed, Reader};

pub(super) fn parse(body: &[u8], options: &Options, sink: &mut impl ExpositionSink) -> Result<(), ExpositionError> {
    let mut r = Reader::new(body);
    let mut n = 0;
    while !r.is_empty() {
        let wrong = |what: String| ExpositionError::Family { family: n, what };
        let message = r.message().map_err(|e| wrong(e.to_string()))?;
        family(message, options, sink).map_err(|fault| wrong(fault.0))?;
        n += 1;
    }
    Ok(())
}

struct Fault(String);

impl From<Malformed> for Fault {
    fn from(e: Malformed) -> Self {
        Self(e.to_string())
    }
}

impl From<&str> for Fault {
    fn from(what: &str) -> Self {
        Self(what.to_owned())
    }
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|_| "a text is not valid UTF-8".into())
}

#[derive(Default)]
struct Family<'a> {
    name: &'a str,
    help: &'a str,
    unit: &'a str,
    kind: u64,
}

fn family(message: Reader<'_>, options: &Options, sink: &mut impl ExpositionSink) -> Result<(), Fault> {
    let mut f = Family::default();
    let mut r = message;
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => f.name = text(r.delimited()?)?,
            (2, 2) => f.help = text(r.delimited()?)?,
            (3, 0) => f.kind = r.uint()?,
            (5, 2) => f.unit = text(r.delimited()?)?,
            _ => r.skip(key)?,
        }
    }
    if f.name.is_empty() || f.name.len() > options.limits.max_name_bytes {
        return Err("the metric name is empty or too long".into());
    }
    let kind = match f.kind {
        0 => MetricType::Counter,
        1 => MetricType::Gauge,
        2 => MetricType::Summary,
        4 => MetricType::Histogram,
        5 => MetricType::GaugeHistogram,
        _ => MetricType::Unknown,
    };
    sink.metadata(&MetadataRef { family: f.name, kind, unit: f.unit, help: f.help });
    let mut r = message;
    while let Some(key) = r.key()? {
        match key {
            METRIC => metric(r.message()?, &f, options, sink)?,
            _ => r.skip(key)?,
        }
    }
    Ok(())
}

const METRIC: Key = Key::delimited(4);

/// Pushes the series of one metric.
struct Out<'a, 's, S> {
    name: &'a str,
    labels: Vec<LabelRef<'a>>,
    raw: Vec<u8>,
    t: Option<i64>,
    sink: &'s mut S,
}

impl<'a, S: ExpositionSink> Out<'a, '_, S> {
    fn push(
        &mut self,
        suffix: &str,
        extra: Option<(&'static str, f64)>,
        start: i64,
        value: Value<'_>,
        exemplars: &[ExemplarRef<'_>],
    ) {
        let name = match suffix {
            "" => Cow::Borrowed(self.name),
            _ => Cow::Owned(format!("{}{suffix}", self.name)),
        };
        if let Some(first) = self.labels.first_mut() {
            first.1 = name;
        }
        let own = self.labels.len();
        self.labels.extend(extra.map(|(name, v)| (Cow::Borrowed(name), Cow::Owned(canonical(v)))));
        self.raw.clear();
        for (name, value) in &self.labels {
            for part in [name, value] {
                self.raw.extend_from_slice(part.as_bytes());
                self.raw.push(0xff);
            }
        }
        self.sink.sample(&SampleRef { raw: &self.raw, labels: &self.labels, t: self.t, start, value, exemplars });
        self.labels.truncate(own);
    }

    fn float(&mut self, suffix: &str, start: i64, value: f64) {
        self.push(suffix, None, start, Value::Float(value), &[]);
    }
}

fn metric<'a>(
    message: Reader<'a>,
    f: &Family<'a>,
    options: &Options,
    sink: &mut impl ExpositionSink,
) -> Result<(), Fault> {
    let labels = vec![(Cow::Borrowed("__name__"), Cow::Borrowed(f.name))];
    let mut out = Out { name: f.name, labels, raw: Vec::new(), t: None, sink };
    let mut r = message;
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => {
                let (name, value) = label(r.message()?)?;
                let limits = &options.limits;
                if out.labels.iter().any(|(n, _)| n == name) || name.is_empty() {
                    return Err(Fault(format!("label {name:?} occurs twice or has no name")));
                }
                if out.labels.len() >= limits.max_labels
                    || name.len() > limits.max_name_bytes
                    || value.len() > limits.max_value_bytes
                {
                    return Err(Fault(format!(
                        "label {:?} exceeds the limits on labels",
                        name.get(..32).unwrap_or(name)
                    )));
                }
                out.labels.push((Cow::Borrowed(name), Cow::Borrowed(value)));
            }
            (6, 0) => out.t = Some(r.uint()? as i64),
            _ => r.skip(key)?,
        }
    }
    let mut r = message;
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (2 | 5, 2) => out.float("", 0, only_value(r.message()?)?),
            (3, 2) => counter(r.message()?, &mut out)?,
            (4, 2) => summary(r.message()?, &mut out)?,
            (7, 2) => histogram_metric(r.message()?, f.kind == 5, options, &mut out)?,
            _ => r.skip(key)?,
        }
    }
    Ok(())
}

fn label(mut r: Reader<'_>) -> Result<(&str, &str), Fault> {
    let (mut name, mut value) = ("", "");
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => name = text(r.delimited()?)?,
            (2, 2) => value = text(r.delimited()?)?,
            _ => r.skip(key)?,
        }
    }
    Ok((name, value))
}

fn only_value(mut r: Reader<'_>) -> Result<f64, Fault> {
    let mut value = 0.0;
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 1) => value = r.double()?,
            _ => r.skip(key)?,
        }
    }
    Ok(value)
}

/// `google.protobuf.Timestamp` in milliseconds.
fn timestamp(mut r: Reader<'_>) -> Result<i64, Fault> {
    let mut ms = 0i64;
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 0) => ms = ms.saturating_add((r.uint()? as i64).saturating_mul(1000)),
            (2, 0) => ms = ms.saturating_add(r.uint()? as i64 / 1_000_000),
            _ => r.skip(key)?,
        }
    }
    Ok(ms)
}

struct Exemplar<'a> {
    labels: Vec<(&'a str, &'a str)>,
    value: f64,
    t: i64,
}

impl Exemplar<'_> {
    fn borrowed(&self) -> ExemplarRef<'_> {
        ExemplarRef { labels: &self.labels, value: self.value, t: self.t }
    }
}

fn exemplar<'a>(mut r: Reader<'a>, limits: usize) -> Result<Exemplar<'a>, Fault> {
    let mut e = Exemplar { labels: Vec::new(), value: 0.0, t: 0 };
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) if e.labels.len() >= limits => return Err("an exemplar has too many labels".into()),
            (1, 2) => e.labels.push(label(r.message()?)?),
            (2, 1) => e.value = r.double()?,
            (3, 2) => e.t = timestamp(r.message()?)?,
            _ => r.skip(key)?,
        }
    }
    Ok(e)
}

/// Labels of an exemplar; its characters are limited by those who store it.
const EXEMPLAR_LABELS_MAX: usize = 64;

fn counter<S: ExpositionSink>(mut r: Reader<'_>, out: &mut Out<'_, '_, S>) -> Result<(), Fault> {
    let (mut value, mut start, mut example) = (0.0, 0, None);
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 1) => value = r.double()?,
            (2, 2) => example = Some(exemplar(r.message()?, EXEMPLAR_LABELS_MAX)?),
            (3, 2) => start = timestamp(r.message()?)?,
            _ => r.skip(key)?,
        }
    }
    let exemplars: Option<ExemplarRef<'_>> = example.as_ref().map(Exemplar::borrowed);
    out.push("", None, start, Value::Float(value), exemplars.as_slice());
    Ok(())
}

fn summary<S: ExpositionSink>(message: Reader<'_>, out: &mut Out<'_, '_, S>) -> Result<(), Fault> {
    let (mut count, mut sum, mut start) = (0.0, 0.0, 0);
    let mut r = message;
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 0) => count = r.uint()? as f64,
            (2, 1) => sum = r.double()?,
            (4, 2) => start = timestamp(r.message()?)?,
            _ => r.skip(key)?,
        }
    }
    out.float("_count", start, count);
    out.float("_sum", start, sum);
    let mut r = message;
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (3, 2) => {
                let (mut quantile, mut value) = (0.0, 0.0);
                let mut q = r.message()?;
                while let Some(key) = q.key()? {
                    match (key.field(), key.wire_type()) {
                        (1, 1) => quantile = q.double()?,
                        (2, 1) => value = q.double()?,
                        _ => q.skip(key)?,
                    }
                }
                out.push("", Some(("quantile", quantile)), start, Value::Float(value), &[]);
            }
            _ => r.skip(key)?,
        }
    }
    Ok(())
}

/// The classic part of a histogram; its buckets are read when they are pushed.
#[derive(Default)]
struct Classic {
    count: f64,
    sum: f64,
    start: i64,
}

fn histogram_metric<S: ExpositionSink>(
    message: Reader<'_>,
    gauge: bool,
    options: &Options,
    out: &mut Out<'_, '_, S>,
) -> Result<(), Fault> {
    let mut raw = histogram::Raw::default();
    let mut classic = Classic::default();
    let native = native_part(message, gauge, options, &mut raw, &mut classic)? && options.native;
    if native {
        let exemplars = exemplars_of(message)?;
        let borrowed: Vec<ExemplarRef<'_>> = exemplars.iter().map(Exemplar::borrowed).collect();
        match raw.finish(&options.limits).map_err(|fault| Fault(fault.to_string()))? {
            Counts::Whole(h) => out.push("", None, classic.start, Value::Histogram(h), &borrowed),
            Counts::Float(h) => out.push("", None, classic.start, Value::FloatHistogram(h), &borrowed),
        }
    }
    if native && !options.always_classic {
        return Ok(());
    }
    classic_series(message, &classic, out)
}

/// Reads the native buckets into `raw`; says whether there are any.
fn native_part(
    message: Reader<'_>,
    gauge: bool,
    options: &Options,
    raw: &mut histogram::Raw,
    classic: &mut Classic,
) -> Result<bool, Fault> {
    let max = options.limits.max_buckets;
    let (mut native, mut zero) = (false, false);
    let mut r = message;
    let mut parts = histogram::Parts::new(raw, max);
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 0) => {
                let count = r.uint()?;
                classic.count = count as f64;
                parts.count(count);
            }
            (4, 1) => {
                let count = r.double()?;
                // A float count of 0 is what a histogram of whole counts leaves out.
                if count > 0.0 {
                    classic.count = count;
                    parts.count_float(count);
                }
            }
            (2, 1) => {
                classic.sum = r.double()?;
                parts.sum(classic.sum);
            }
            (5, 0) => parts.schema(r.sint()? as i32),
            (6, 1) => {
                let threshold = r.double()?;
                zero |= threshold > 0.0;
                parts.zero_threshold(threshold);
            }
            (7, 0) => {
                let count = r.uint()?;
                zero |= count > 0;
                parts.zero_count(count);
            }
            (8, 1) => {
                let count = r.double()?;
                zero |= count > 0.0;
                parts.zero_count_float(count);
            }
            (9, 2) => native |= parts.span(r.message()?, false)?,
            (12, 2) => native |= parts.span(r.message()?, true)?,
            (10, 2) => parts.deltas(r.message()?, false)?,
            (13, 2) => parts.deltas(r.message()?, true)?,
            (10 | 13, 0) => parts.delta(&mut r, key.field() == 13)?,
            (11, 2) => parts.floats(r.message()?, false)?,
            (14, 2) => parts.floats(r.message()?, true)?,
            (11 | 14, 1) => parts.one_float(r.double()?, key.field() == 14),
            (15, 2) => classic.start = timestamp(r.message()?)?,
            _ => r.skip(key)?,
        }
    }
    if gauge {
        parts.gauge();
    }
    Ok(native || zero)
}

fn exemplars_of(message: Reader<'_>) -> Result<Vec<Exemplar<'_>>, Fault> {
    let mut found = Vec::new();
    let mut r = message;
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (16, 2) if found.len() < EXEMPLARS_MAX => found.push(exemplar(r.message()?, EXEMPLAR_LABELS_MAX)?),
            _ => r.skip(key)?,
        }
    }
    Ok(found)
}

/// Exemplars of one native histogram; client libraries keep 10.
const EXEMPLARS_MAX: usize = 64;

fn classic_series<S: ExpositionSink>(
    message: Reader<'_>,
    classic: &Classic,
    out: &mut Out<'_, '_, S>,
) -> Result<(), Fault> {
    out.float("_count", classic.start, classic.count);
    out.float("_sum", classic.start, classic.sum);
    let (mut infinite, mut buckets) = (false, 0);
    let mut r = message;
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (3, 2) => {
                let (mut count, mut bound, mut example) = (0.0, 0.0, None);
                let mut b = r.message()?;
                while let Some(key) = b.key()? {
                    match (key.field(), key.wire_type()) {
                        (1, 0) => count = b.uint()? as f64,
                        (4, 1) => {
                            let float = b.double()?;
                            if float > 0.0 {
                                count = float;
                            }
                        }
                        (2, 1) => bound = b.double()?,
                        (3, 2) => example = Some(exemplar(b.message()?, EXEMPLAR_LABELS_MAX)?),
                        _ => b.skip(key)?,
                    }
                }
                infinite |= bound == f64::INFINITY;
                buckets += 1;
                let exemplars = example.as_ref().map(Exemplar::borrowed);
                out.push("_bucket", Some(("le", bound)), classic.start, Value::Float(count), exemplars.as_slice());
            }
            _ => r.skip(key)?,
        }
    }
    // The infinite bucket may be left out of the message, not out of the series.
    if !infinite && buckets > 0 {
        out.push("_bucket", Some(("le", f64::INFINITY)), classic.start, Value::Float(classic.count), &[]);
    }
    Ok(())
}
