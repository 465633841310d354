//! Remote write 1.0: `prometheus.WriteRequest`, labels as texts.

use super::samples::sample;
use super::{Decoded, Scratch, Series, Version};
use crate::prometheus::fault::{DecodeError, Refusal};
use crate::prometheus::labels::SeriesKey;
use crate::prometheus::limits::Limits;
use crate::prometheus::sink::{ExemplarRef, MetadataRef, MetricType, SampleSink, SeriesSink};
use crate::protobuf::{Key, Malformed, Reader};

const TIMESERIES: Key = Key::delimited(1);
const METADATA: Key = Key::delimited(3);

const LABELS: Key = Key::delimited(1);
const SAMPLES: Key = Key::delimited(2);
const EXEMPLARS: Key = Key::delimited(3);
const HISTOGRAMS: Key = Key::delimited(4);
const SERIES_KNOWN: u32 = 0b11110;

pub(super) fn decode(request: &[u8], limits: &Limits, sink: &mut impl SeriesSink) -> Result<Decoded, DecodeError> {
    let mut decoded = Decoded::default();
    let mut scratch = Scratch::default();
    let mut r = Reader::new(request);
    let mut n = 0;
    let outside = |source| DecodeError::Malformed { source, timeseries: None };
    while let Some(key) = r.key().map_err(outside)? {
        match key {
            TIMESERIES => {
                let message = r.message().map_err(outside)?;
                let within = |source| DecodeError::Malformed { source, timeseries: Some(n) };
                series(message, n, limits, &mut scratch, &mut decoded, sink).map_err(within)?;
                n += 1;
            }
            METADATA => metadata(r.message().map_err(outside)?, sink).map_err(outside)?,
            // The symbols and series of 2.0.
            other if n == 0 && matches!(other.field(), 4 | 5) => {
                let (expected, found) = (Version::V1.message(), Version::V2.message());
                return Err(DecodeError::OtherVersion { expected, found });
            }
            other => r.skip_unknown(other, 0b1010).map_err(outside)?,
        }
    }
    Ok(decoded)
}

fn series<'a>(
    message: Reader<'a>,
    n: usize,
    limits: &Limits,
    scratch: &mut Scratch<'a>,
    decoded: &mut Decoded,
    sink: &mut impl SeriesSink,
) -> Result<(), Malformed> {
    let Scratch { key, exemplar_labels, histogram } = scratch;
    let labels = read_labels(message, limits, key)?;
    let writer = labels.and_then(|utf8| key.finish(limits, utf8)).map(|key| sink.series(key));
    let mut series = Series::new(n, decoded, writer);
    let mut r = message;
    while let Some(key) = r.key()? {
        match key {
            SAMPLES => {
                let (at, value) = sample(r.message()?)?;
                series.sample(at, value);
            }
            LABELS => drop(r.delimited()?),
            HISTOGRAMS => {
                histogram.read(r.message()?, limits)?;
                series.histogram(histogram, limits);
            }
            EXEMPLARS => exemplar(r.message()?, limits, exemplar_labels, &mut series)?,
            other => r.skip_unknown(other, SERIES_KNOWN)?,
        }
    }
    Ok(())
}

/// Collects the labels. Says whether all of them are known to be UTF-8.
///
/// One check of the stretch that they lie in is enough where every text begins after an ASCII byte (the last one of its
/// length always is) and ends before one (the key that follows, unless it is spelled longer than it must be).
fn read_labels<'a>(
    message: Reader<'a>,
    limits: &Limits,
    key: &mut SeriesKey<'a>,
) -> Result<Result<bool, Refusal>, Malformed> {
    key.clear();
    let mut r = message;
    let stretch = r.rest();
    // `parted`: something else came, so labels behind it are outside of the stretch.
    let (mut end, mut parted, mut plain) = (0, false, true);
    let mut result = Ok(());
    loop {
        let short_key = key_is_ascii(&r);
        let Some(k) = r.key()? else { break };
        if k == LABELS {
            let label = label(r.message()?)?;
            plain &= short_key && label.plain && !parted;
            if result.is_ok() {
                result = key.push(label.name, label.value, limits);
            }
            end = stretch.len() - r.rest().len();
        } else {
            plain &= short_key || parted;
            parted = true;
            r.skip(k)?;
        }
    }
    let utf8 = plain && simdutf8::basic::from_utf8(stretch.get(..end).unwrap_or_default()).is_ok();
    Ok(result.map(|()| utf8))
}

#[inline]
fn key_is_ascii(r: &Reader<'_>) -> bool {
    r.rest().first().is_none_or(u8::is_ascii)
}

struct Label<'a> {
    name: &'a [u8],
    value: &'a [u8],
    /// Every key is an ASCII byte.
    plain: bool,
}

#[inline]
fn label<'a>(mut r: Reader<'a>) -> Result<Label<'a>, Malformed> {
    let mut label = Label { name: b"", value: b"", plain: true };
    loop {
        label.plain &= key_is_ascii(&r);
        let Some(key) = r.key()? else { return Ok(label) };
        match key {
            NAME => label.name = r.delimited()?,
            VALUE => label.value = r.delimited()?,
            other => r.skip_unknown(other, 0b110)?,
        }
    }
}

const NAME: Key = Key::delimited(1);
const VALUE: Key = Key::delimited(2);

fn exemplar<'a>(
    mut r: Reader<'a>,
    limits: &Limits,
    labels: &mut Vec<(&'a str, &'a str)>,
    series: &mut Series<'_, impl SampleSink>,
) -> Result<(), Malformed> {
    labels.clear();
    let (mut value, mut t, mut usable) = (0.0, 0, true);
    while let Some(key) = r.key()? {
        match key {
            EXEMPLAR_LABELS => {
                let label = label(r.message()?)?;
                match (std::str::from_utf8(label.name), std::str::from_utf8(label.value)) {
                    (Ok(name), Ok(text)) if labels.len() < limits.max_labels => labels.push((name, text)),
                    _ => usable = false,
                }
            }
            EXEMPLAR_VALUE => value = r.double()?,
            EXEMPLAR_TIMESTAMP => t = r.uint()? as i64,
            other => r.skip_unknown(other, 0b1110)?,
        }
    }
    series.exemplar(usable.then_some(ExemplarRef { labels, value, t }).as_ref());
    Ok(())
}

const EXEMPLAR_LABELS: Key = Key::delimited(1);
const EXEMPLAR_VALUE: Key = Key::fixed64(2);
const EXEMPLAR_TIMESTAMP: Key = Key::varint(3);

fn metadata(mut r: Reader<'_>, sink: &mut impl SeriesSink) -> Result<(), Malformed> {
    let (mut kind, mut texts) = (0, [&b""[..]; 3]);
    while let Some(key) = r.key()? {
        match key {
            METADATA_TYPE => kind = r.uint()?,
            METADATA_FAMILY => texts[0] = r.delimited()?,
            METADATA_HELP => texts[1] = r.delimited()?,
            METADATA_UNIT => texts[2] = r.delimited()?,
            other => r.skip_unknown(other, 0b110110)?,
        }
    }
    // Metadata is a courtesy: what is not text is left out, the samples stay.
    if let [Ok(family), Ok(help), Ok(unit)] = texts.map(std::str::from_utf8)
        && !family.is_empty()
    {
        sink.metadata(&MetadataRef { family, kind: metric_type(kind), unit, help });
    }
    Ok(())
}

const METADATA_TYPE: Key = Key::varint(1);
const METADATA_FAMILY: Key = Key::delimited(2);
const METADATA_HELP: Key = Key::delimited(4);
const METADATA_UNIT: Key = Key::delimited(5);

/// `prometheus.MetricMetadata.MetricType`; the numbers of 2.0 are the same.
pub(super) fn metric_type(n: u64) -> MetricType {
    match n {
        1 => MetricType::Counter,
        2 => MetricType::Gauge,
        3 => MetricType::Histogram,
        4 => MetricType::GaugeHistogram,
        5 => MetricType::Summary,
        6 => MetricType::Info,
        7 => MetricType::StateSet,
        _ => MetricType::Unknown,
    }
}
