//! Remote write 2.0: `io.prometheus.write.v2.Request`, texts as references into a table of symbols.
//!
//! Symbols come before the series that use them in every encoder there is, but protobuf does not promise it: the
//! table is collected in a walk of its own.

use super::samples::sample;
use super::v1::metric_type;
use super::{Decoded, Scratch, Series, Version};
use crate::prometheus::fault::{DecodeError, Refusal};
use crate::prometheus::labels::SeriesKey;
use crate::prometheus::limits::Limits;
use crate::prometheus::sink::{ExemplarRef, MetadataRef, MetricType, SampleSink, SeriesSink, Stamp};
use crate::protobuf::{Key, Malformed, Reader};

const SYMBOLS: Key = Key::delimited(4);
const TIMESERIES: Key = Key::delimited(5);

const LABELS: Key = Key::delimited(1);
const LABEL: Key = Key::varint(1);
const SAMPLES: Key = Key::delimited(2);
const HISTOGRAMS: Key = Key::delimited(3);
const EXEMPLARS: Key = Key::delimited(4);
const METADATA: Key = Key::delimited(5);
const CREATED: Key = Key::varint(6);
const SERIES_KNOWN: u32 = 0b111_1110;

/// The table; symbols that are not UTF-8 are kept as `None` and refuse the series that use them.
#[derive(Default)]
struct Symbols<'a>(Vec<Option<&'a str>>);

impl<'a> Symbols<'a> {
    #[inline]
    fn get(&self, index: u64) -> Result<&'a str, Refusal> {
        match self.0.get(usize::try_from(index).unwrap_or(usize::MAX)) {
            Some(Some(symbol)) => Ok(symbol),
            Some(None) => Err(Refusal::NotUtf8("a symbol")),
            None => Err(Refusal::NoSuchSymbol { index, symbols: self.0.len() }),
        }
    }
}

pub(super) fn decode(request: &[u8], limits: &Limits, sink: &mut impl SeriesSink) -> Result<Decoded, DecodeError> {
    let symbols = read_symbols(request, limits)?;
    let mut decoded = Decoded::default();
    let mut scratch = Scratch::default();
    let mut r = Reader::new(request);
    let mut n = 0;
    let outside = |source| DecodeError::Malformed { source, timeseries: None };
    while let Some(key) = r.key().map_err(outside)? {
        if key == TIMESERIES {
            let message = r.message().map_err(outside)?;
            let within = |source| DecodeError::Malformed { source, timeseries: Some(n) };
            series(message, n, limits, &symbols, &mut scratch, &mut decoded, sink).map_err(within)?;
            n += 1;
        } else {
            r.skip(key).map_err(outside)?;
        }
    }
    Ok(decoded)
}

fn read_symbols<'a>(request: &'a [u8], limits: &Limits) -> Result<Symbols<'a>, DecodeError> {
    let outside = |source| DecodeError::Malformed { source, timeseries: None };
    let mut symbols = Symbols::default();
    let mut r = Reader::new(request);
    while let Some(key) = r.key().map_err(outside)? {
        match key {
            SYMBOLS => {
                if symbols.0.len() >= limits.max_symbols {
                    return Err(DecodeError::Symbols { limit: limits.max_symbols });
                }
                symbols.0.push(simdutf8::basic::from_utf8(r.delimited().map_err(outside)?).ok());
            }
            // The series of 1.0; 2.0 reserves its fields so that this can be told.
            other if other.field() < 4 => {
                let (expected, found) = (Version::V2.message(), Version::V1.message());
                return Err(DecodeError::OtherVersion { expected, found });
            }
            TIMESERIES => r.skip(key).map_err(outside)?,
            other => r.skip_unknown(other, 0b11_0000).map_err(outside)?,
        }
    }
    Ok(symbols)
}

fn series<'a>(
    message: Reader<'a>,
    n: usize,
    limits: &Limits,
    symbols: &Symbols<'a>,
    scratch: &mut Scratch<'a>,
    decoded: &mut Decoded,
    sink: &mut impl SeriesSink,
) -> Result<(), Malformed> {
    let Scratch { key, exemplar_labels, histogram } = scratch;
    let labels = read_labels(message, limits, symbols, key)?;
    // `created_timestamp` of the first drafts holds for all samples of the series.
    let created = labels.as_ref().copied().unwrap_or(0);
    let since = |at: Stamp| Stamp { start: if at.start == 0 { created } else { at.start }, ..at };
    let writer = labels.and_then(|_| key.finish(limits, true)).map(|key| sink.series(key));
    let mut series = Series::new(n, decoded, writer);
    let (mut about, refused) = (None, series.writer.is_none());
    let mut r = message;
    while let Some(key) = r.key()? {
        match key {
            SAMPLES => {
                let (at, value) = sample(r.message()?)?;
                series.sample(since(at), value);
            }
            LABELS => drop(r.delimited()?),
            HISTOGRAMS => {
                histogram.read(r.message()?, limits)?;
                histogram.at = since(histogram.at);
                series.histogram(histogram, limits);
            }
            EXEMPLARS => exemplar(r.message()?, limits, symbols, exemplar_labels, &mut series)?,
            METADATA => about = Some(metadata(r.message()?, symbols)?),
            LABEL | CREATED => drop(r.uint()?),
            other => r.skip_unknown(other, SERIES_KNOWN)?,
        }
    }
    drop(series);
    if let Some(m) = about.filter(|m| !refused && *m != (MetricType::Unknown, "", "")) {
        sink.metadata(&MetadataRef { family: super::family(key.metric_name(), m.0), kind: m.0, help: m.1, unit: m.2 });
    }
    Ok(())
}

/// Collects the labels; answers the series' created timestamp.
fn read_labels<'a>(
    message: Reader<'a>,
    limits: &Limits,
    symbols: &Symbols<'a>,
    key: &mut SeriesKey<'a>,
) -> Result<Result<i64, Refusal>, Malformed> {
    key.clear();
    let (mut r, mut created) = (message, 0);
    let (mut result, mut name) = (Ok(()), None);
    let mut take = |reference, key: &mut SeriesKey<'a>| -> Result<(), Refusal> {
        let symbol = symbols.get(reference)?;
        match name.take() {
            None => name = Some(symbol),
            Some(name) => key.push(str::as_bytes(name), symbol.as_bytes(), limits)?,
        }
        Ok(())
    };
    while let Some(k) = r.key()? {
        match k {
            LABELS => {
                let mut packed = r.message()?;
                while !packed.is_empty() {
                    let reference = packed.uint()?;
                    if result.is_ok() {
                        result = take(reference, key);
                    }
                }
            }
            LABEL => {
                let reference = r.uint()?;
                if result.is_ok() {
                    result = take(reference, key);
                }
            }
            CREATED => created = r.uint()? as i64,
            other => r.skip(other)?,
        }
    }
    if result.is_ok() && name.is_some() {
        result = Err(Refusal::OddReferences);
    }
    Ok(result.map(|()| created))
}

fn exemplar<'a>(
    mut r: Reader<'a>,
    limits: &Limits,
    symbols: &Symbols<'a>,
    labels: &mut Vec<(&'a str, &'a str)>,
    series: &mut Series<'_, impl SampleSink>,
) -> Result<(), Malformed> {
    labels.clear();
    let (mut value, mut t, mut usable, mut name) = (0.0, 0, true, None);
    let mut take = |reference| match (symbols.get(reference), name.take()) {
        (Ok(symbol), None) => name = Some(symbol),
        (Ok(symbol), Some(name)) if labels.len() < limits.max_labels => labels.push((name, symbol)),
        _ => usable = false,
    };
    while let Some(key) = r.key()? {
        match key {
            LABELS => {
                let mut packed = r.message()?;
                while !packed.is_empty() {
                    take(packed.uint()?);
                }
            }
            LABEL => take(r.uint()?),
            EXEMPLAR_VALUE => value = r.double()?,
            EXEMPLAR_TIMESTAMP => t = r.uint()? as i64,
            other => r.skip_unknown(other, 0b1110)?,
        }
    }
    series.exemplar((usable && name.is_none()).then_some(ExemplarRef { labels, value, t }).as_ref());
    Ok(())
}

const EXEMPLAR_VALUE: Key = Key::fixed64(2);
const EXEMPLAR_TIMESTAMP: Key = Key::varint(3);

/// Type, help and unit. Metadata is a courtesy: a reference that leads nowhere costs the text, not the samples.
fn metadata<'a>(mut r: Reader<'a>, symbols: &Symbols<'a>) -> Result<(MetricType, &'a str, &'a str), Malformed> {
    let (mut kind, mut help, mut unit) = (0, 0, 0);
    while let Some(key) = r.key()? {
        match key {
            METADATA_TYPE => kind = r.uint()?,
            METADATA_HELP => help = r.uint()?,
            METADATA_UNIT => unit = r.uint()?,
            other => r.skip_unknown(other, 0b11010)?,
        }
    }
    let text = |reference| symbols.get(reference).unwrap_or_default();
    Ok((metric_type(kind), text(help), text(unit)))
}

const METADATA_TYPE: Key = Key::varint(1);
const METADATA_HELP: Key = Key::varint(3);
const METADATA_UNIT: Key = Key::varint(4);
