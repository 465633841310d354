//! The payload of a record of a batch: series, columns of samples, exemplars, metadata.
//!
//! A series comes with its key once per log generation and is named by a
//! number from then on. Format: `docs/formats/tsdb.md`, "Log records".

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::columns;
use crate::batch::{Batch, BatchSample, BatchValue, Found, Mode, Rules};
use crate::catalog::{Metadata, MetricInfo, MetricType};
use crate::chunk::bits::{ByteReader, put_prefixed, put_signed, put_varint, unzigzag, zigzag};
use crate::exemplar::Exemplar;
use crate::histogram;

/// Ids of series by the numbers that records of one generation gave them.
pub(crate) type Names = HashMap<u32, u32, FxBuildHasher>;

// How a series is named.
const BY_NUMBER: u64 = 0;
const NEW_NUMBER: u64 = 1;
const BY_KEY: u64 = 2;

// Which columns there are.
const WITH_SERIES: u8 = 1;
const WITH_STARTS: u8 = 2;
const WITH_HISTOGRAMS: u8 = 4;
const WITH_POINTS: u8 = 8;
const ALL_COLUMNS: u8 = 15;

pub(super) fn encode(batch: &Batch, out: &mut Vec<u8>) {
    put_series(batch, out);
    put_samples(batch, out);
    put_varint(out, batch.exemplars.len() as u64);
    for (series, e) in &batch.exemplars {
        put_varint(out, u64::from(*series));
        e.encode(out);
    }
    put_varint(out, batch.metrics.len() as u64);
    for m in &batch.metrics {
        put_prefixed(out, m.name.as_bytes());
        put_prefixed(out, m.original.as_deref().unwrap_or_default().as_bytes());
        out.push(m.metadata.kind.code());
        put_prefixed(out, m.metadata.unit.as_bytes());
        put_prefixed(out, m.metadata.help.as_bytes());
    }
}

fn put_series(batch: &Batch, out: &mut Vec<u8>) {
    put_varint(out, batch.buf.series.len() as u64);
    let mut last = 0;
    for (at, series) in batch.buf.series.iter().enumerate() {
        let found = batch.found.get(at).copied().unwrap_or_default();
        let how = match found.log_name {
            Some(name) => {
                let name = i64::from(name);
                let step = zigzag(name - last);
                last = name;
                step << 2 | if found.named_here { NEW_NUMBER } else { BY_NUMBER }
            }
            None => BY_KEY,
        };
        put_varint(out, how);
        if how & 3 != BY_NUMBER {
            put_prefixed(out, batch.buf.key_of(series));
        }
    }
}

fn put_samples(batch: &Batch, out: &mut Vec<u8>) {
    let samples = &batch.buf.samples;
    let all_series = samples.len() == batch.buf.series.len() && (0..).zip(samples).all(|(at, s)| s.series == at);
    let single = |s: &BatchSample| s.mode == Mode::Set;
    let columns = [
        (WITH_SERIES, !all_series),
        (WITH_STARTS, samples.iter().any(|s| s.start_t != 0)),
        (WITH_HISTOGRAMS, !batch.buf.histograms.is_empty()),
        (WITH_POINTS, !samples.iter().all(single) || samples.windows(2).any(|pair| pair[0].point == pair[1].point)),
    ];
    let columns = columns.iter().filter(|(_, there)| *there).fold(0, |all, (column, _)| all | column);
    put_varint(out, samples.len() as u64);
    out.push(columns);
    if columns & WITH_SERIES != 0 {
        let mut last = 0;
        for s in samples {
            put_signed(out, i64::from(s.series) - last);
            last = i64::from(s.series);
        }
    }
    columns::put_runs(samples.iter().map(|s| s.t), out);
    if columns & WITH_STARTS != 0 {
        columns::put_runs(samples.iter().map(|s| s.start_t), out);
    }
    if columns & WITH_POINTS != 0 {
        columns::put_runs(samples.iter().map(|s| i64::from(s.point)), out);
        columns::put_runs(samples.iter().map(|s| i64::from(s.mode.code())), out);
    }
    if columns & WITH_HISTOGRAMS != 0 {
        columns::put_runs(samples.iter().map(|s| i64::from(matches!(s.value, BatchValue::Histogram(_)))), out);
    }
    let float = |s: &BatchSample| match s.value {
        BatchValue::Float(v) => Some(v),
        BatchValue::Histogram(_) => None,
    };
    columns::put_floats(samples.iter().filter_map(float), out);
    let histograms = samples.iter().filter_map(|s| match s.value {
        BatchValue::Histogram(at) => batch.buf.histograms.get(at as usize),
        BatchValue::Float(_) => None,
    });
    histograms.for_each(|h| histogram::encode(h, out));
}

/// Reads a batch. Series that come by number get their id from `names`; those that it does not know have no key and no
/// id: the record that named them was lost.
pub(super) fn decode(mut r: ByteReader<'_>, rules: Rules, names: &Names) -> Option<Batch> {
    let mut batch = Batch::new(rules);
    take_series(&mut r, &mut batch, names)?;
    take_samples(&mut r, &mut batch)?;
    for _ in 0..r.len()? {
        let series = u32::try_from(r.varint()?).ok()?;
        batch.exemplars.push((series, Exemplar::decode(&mut r)?));
    }
    for _ in 0..r.len()? {
        let name = r.text()?.to_owned();
        let original = Some(r.text()?.to_owned()).filter(|o| !o.is_empty());
        let kind = MetricType::from_code(r.u8()?)?;
        let metadata = Metadata { kind, unit: r.text()?.to_owned(), help: r.text()?.to_owned() };
        batch.metrics.push(MetricInfo { name, original, metadata });
    }
    Some(batch)
}

fn take_series(r: &mut ByteReader<'_>, batch: &mut Batch, names: &Names) -> Option<()> {
    let mut last = 0i64;
    for _ in 0..r.len()? {
        let how = r.varint()?;
        let mut found = Found::default();
        if how & 3 != BY_KEY {
            last = last.checked_add(unzigzag(how >> 2))?;
            let name = u32::try_from(last).ok()?;
            found.log_name = Some(name);
            found.named_here = how & 3 == NEW_NUMBER;
            found.id = names.get(&name).copied().filter(|_| !found.named_here);
        }
        match how & 3 {
            BY_NUMBER => batch.buf.push_nameless(),
            NEW_NUMBER | BY_KEY => {
                let start = batch.buf.keys.len();
                batch.buf.keys.extend_from_slice(r.prefixed()?);
                batch.buf.push_series(start).ok()?;
            }
            _ => return None,
        }
        batch.found.push(found);
    }
    Some(())
}

fn take_samples(r: &mut ByteReader<'_>, batch: &mut Batch) -> Option<()> {
    let count = r.len()?;
    let columns = r.u8().filter(|columns| columns & !ALL_COLUMNS == 0)?;
    let series_count = batch.buf.series.len();
    // Every sample is in some column: a count that the bytes do not keep takes no memory.
    if count > r.0.len().saturating_mul(2) || (columns & WITH_SERIES == 0 && count != series_count) {
        return (count == 0 && series_count == 0).then_some(());
    }
    let none = BatchSample { series: 0, point: 0, mode: Mode::Set, t: 0, start_t: 0, value: BatchValue::Float(0.0) };
    let mut samples = vec![none; count];
    let mut last = 0i64;
    for (at, s) in (0u32..).zip(&mut samples) {
        s.point = at;
        s.series = at;
        if columns & WITH_SERIES != 0 {
            last = last.checked_add(r.signed()?)?;
            s.series = u32::try_from(last).ok().filter(|at| (*at as usize) < series_count)?;
        }
    }
    columns::take_runs(r, count, |at, t| samples[at].t = t)?;
    if columns & WITH_STARTS != 0 {
        columns::take_runs(r, count, |at, t| samples[at].start_t = t)?;
    }
    if columns & WITH_POINTS != 0 {
        columns::take_runs(r, count, |at, point| samples[at].point = point as u32)?;
        let mut known = true;
        columns::take_runs(r, count, |at, code| match Mode::from_code(code) {
            Some(mode) => samples[at].mode = mode,
            None => known = false,
        })?;
        known.then_some(())?;
    }
    let mut floats = count;
    if columns & WITH_HISTOGRAMS != 0 {
        let mut next = 0u32;
        columns::take_runs(r, count, |at, kind| {
            if kind != 0 {
                samples[at].value = BatchValue::Histogram(next);
                next += 1;
            }
        })?;
        floats -= next as usize;
    }
    let mut place = samples.iter_mut().filter_map(|s| match &mut s.value {
        BatchValue::Float(v) => Some(v),
        BatchValue::Histogram(_) => None,
    });
    columns::take_floats(r, floats, |v| {
        if let Some(place) = place.next() {
            *place = v;
        }
    })?;
    for _ in floats..count {
        batch.buf.histograms.push(histogram::decode(r).filter(|h| h.is_well_formed())?);
    }
    batch.buf.samples = samples;
    Some(())
}
