//! Pages of series entries: each entry is told by how it differs from the one before.
//!
//! Neighbours in label order share most labels, their chunks lie one after another and reach over the same time, so that an
//! entry takes a few bytes. A page begins anew, so that any series is found by reading one page.
//! Format: `docs/formats/tsdb.md`, "Series entry".

use model::labels::LabelsBuilder;

use super::reader::{ChunkRef, StoredSeries};
use super::symbols::Symbols;
use crate::chunk::ChunkStats;
use crate::chunk::bits::{ByteReader, put_signed, put_varint};
use crate::exemplar::Exemplar;

/// Series of one page: more of them share more, fewer are read for one that is wanted.
pub(super) const SERIES_PER_PAGE: usize = 32;

/// A chunk as its entry tells it.
pub(super) struct ChunkEntry<'a> {
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) len: usize,
    pub(super) count: usize,
    /// Since when its floats count; `None`: it says so itself.
    pub(super) start: Option<i64>,
    pub(super) stats: Option<&'a ChunkStats>,
}

/// What the next entry is told by.
#[derive(Debug, Default)]
struct Before {
    /// Symbols of names and values.
    labels: Vec<(u32, u32)>,
    /// Where the chunks ended.
    chunks_end: u64,
    /// When the first chunk began.
    min: i64,
    /// How long each chunk was.
    spans: Vec<i64>,
    /// Samples of the last chunk.
    count: i64,
    /// Since when the floats of the last chunk count.
    start: i64,
}

/// In the first byte of the statistics: another start time than before follows.
const NEW_START: u8 = 0x80;

impl Before {
    fn span(&self, at: usize) -> i64 {
        self.spans.get(at).or(self.spans.last()).copied().unwrap_or_default()
    }

    fn set_span(&mut self, at: usize, span: i64) {
        match self.spans.get_mut(at) {
            Some(known) => *known = span,
            None => self.spans.push(span),
        }
    }
}

/// Writes the entries of one page after another.
#[derive(Debug, Default)]
pub(super) struct PageWriter {
    before: Before,
    series: usize,
}

impl PageWriter {
    /// Whether the next entry begins a page.
    pub(super) fn is_fresh(&self) -> bool {
        self.series == 0
    }

    /// Appends an entry; `true` when it fills the page.
    pub(super) fn put(
        &mut self,
        labels: &[(u32, u32)],
        offset: u64,
        chunks: &[ChunkEntry<'_>],
        exemplars: &[&Exemplar],
        out: &mut Vec<u8>,
    ) -> bool {
        let before = &mut self.before;
        let shared = labels.iter().zip(&before.labels).take_while(|(a, b)| a == b).count();
        put_varint(out, shared as u64);
        put_varint(out, (labels.len() - shared) as u64);
        for (name, value) in labels.iter().skip(shared) {
            put_varint(out, u64::from(*name));
            put_varint(out, u64::from(*value));
        }
        before.labels.clear();
        before.labels.extend_from_slice(labels);
        put_varint(out, chunks.len() as u64);
        put_signed(out, offset.wrapping_sub(before.chunks_end) as i64);
        let (mut end, mut last) = (offset, before.min);
        for (at, chunk) in chunks.iter().enumerate() {
            put_signed(out, chunk.min.wrapping_sub(last));
            let span = chunk.max.wrapping_sub(chunk.min);
            put_signed(out, span.wrapping_sub(before.span(at)));
            before.set_span(at, span);
            put_varint(out, chunk.len as u64);
            put_signed(out, chunk.count as i64 - before.count);
            before.count = chunk.count as i64;
            let statistics = out.len();
            ChunkStats::encode(chunk.stats, out);
            if let Some(start) = chunk.start.filter(|start| *start != before.start)
                && let Some(head) = out.get_mut(statistics)
            {
                *head |= NEW_START;
                put_signed(out, start.wrapping_sub(before.start));
                before.start = start;
            }
            if at == 0 {
                before.min = chunk.min;
            }
            last = chunk.max;
            end += chunk.len as u64 + 4;
        }
        before.chunks_end = end;
        put_varint(out, exemplars.len() as u64);
        exemplars.iter().for_each(|e| e.encode(out));
        self.series += 1;
        let full = self.series == SERIES_PER_PAGE;
        if full {
            *self = Self::default();
        }
        full
    }
}

/// Reads the entries of one page in order.
pub(super) struct PageReader<'a> {
    r: ByteReader<'a>,
    before: Before,
}

impl<'a> PageReader<'a> {
    /// `body` is a page without its checksum.
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { r: ByteReader(body), before: Before::default() }
    }

    /// The next entry, or `Some(None)` for one that is passed over; the outer `None` is damage.
    pub(super) fn next(
        &mut self,
        wanted: bool,
        symbols: &Symbols,
        labels: &mut LabelsBuilder,
    ) -> Option<Option<StoredSeries>> {
        let (r, before) = (&mut self.r, &mut self.before);
        let shared = r.len().filter(|n| *n <= before.labels.len())?;
        before.labels.truncate(shared);
        for _ in 0..r.len()? {
            let mut symbol = || u32::try_from(r.varint()?).ok();
            before.labels.push((symbol()?, symbol()?));
        }
        let chunk_count = r.len()?;
        let mut offset = before.chunks_end.wrapping_add_signed(r.signed()?);
        let mut last = before.min;
        let mut chunks = Vec::with_capacity(if wanted { chunk_count.min(64) } else { 0 });
        for at in 0..chunk_count {
            let min = last.wrapping_add(r.signed()?);
            let span = before.span(at).wrapping_add(r.signed()?);
            // As long as time itself it does not fit a signed number.
            let max = min.checked_add_unsigned(span as u64)?;
            before.set_span(at, span);
            let len = u32::try_from(r.varint()?).ok()?;
            before.count = before.count.checked_add(r.signed()?)?;
            let has_new_start = r.0.first()? & NEW_START != 0;
            let stats = ChunkStats::decode(r, min, max, u32::try_from(before.count).ok()?)?;
            if has_new_start {
                before.start = before.start.wrapping_add(r.signed()?);
            }
            if wanted {
                chunks.push(ChunkRef { min, max, offset, len, start: before.start, stats });
            }
            if at == 0 {
                before.min = min;
            }
            offset = offset.checked_add(u64::from(len) + 4)?;
            last = max;
        }
        before.chunks_end = offset;
        let mut exemplars = Vec::new();
        for _ in 0..r.len()? {
            let exemplar = Exemplar::decode(r)?;
            if wanted {
                exemplars.push(exemplar);
            }
        }
        if !wanted {
            return Some(None);
        }
        for (name, value) in &before.labels {
            labels.push(symbols.get(*name)?, symbols.get(*value)?);
        }
        Some(Some(StoredSeries { labels: labels.finish(), chunks, exemplars }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chunk::Sample;
    use crate::chunk::bits::put_prefixed;

    /// Ten texts, `s0` to `s9`.
    fn symbols() -> Symbols {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, 10);
        (0..10).for_each(|n| put_prefixed(&mut bytes, format!("s{n}").as_bytes()));
        Symbols::read(&bytes).expect("symbols")
    }

    #[derive(Debug, Clone)]
    struct Entry {
        labels: Vec<(u32, u32)>,
        gap: u64,
        start: i64,
        /// Distance to the chunk before, how long it is, bytes, and a value per sample.
        chunks: Vec<(i64, i64, usize, Vec<i32>)>,
    }

    fn entry() -> impl Strategy<Value = Entry> {
        let labels =
            prop::collection::vec(0u32..10, 1..5).prop_map(|values| (0..).zip(values).collect::<Vec<(u32, u32)>>());
        let values = prop::collection::vec(-50i32..50, 1..20);
        let chunks = prop::collection::vec((0i64..90_000, 0i64..7_200_000, 1usize..5000, values), 0..5);
        let start = prop_oneof![2 => Just(0i64), 2 => Just(1_600_000_000_000), 1 => any::<i64>()];
        (labels, 0u64..100, start, chunks).prop_map(|(labels, gap, start, chunks)| Entry { labels, gap, start, chunks })
    }

    #[test]
    fn a_chunk_may_reach_over_all_of_time() {
        let mut page = Vec::new();
        let chunk = |min, max| ChunkEntry { min, max, len: 9, count: 2, start: Some(min), stats: None };
        for chunk in [chunk(i64::MIN, i64::MAX), chunk(-5, i64::MAX - 5), chunk(7, 8)] {
            PageWriter::default().put(&[(0, 1)], 12, &[chunk], &[], &mut page);
        }
        let (symbols, mut labels, mut rest) = (symbols(), LabelsBuilder::default(), &page[..]);
        for bounds in [(i64::MIN, i64::MAX), (-5, i64::MAX - 5), (7, 8)] {
            let mut reader = PageReader::new(rest);
            let series = reader.next(true, &symbols, &mut labels).expect("own page").expect("wanted");
            assert_eq!(series.chunks.iter().map(|c| (c.min, c.max)).collect::<Vec<_>>(), [bounds]);
            assert_eq!(series.chunks[0].start, bounds.0);
            rest = reader.r.0;
        }
    }

    proptest! {
        #[test]
        fn pages_come_back(entries in prop::collection::vec(entry(), 1..80), wanted in prop::collection::vec(any::<bool>(), 80)) {
            let symbols = symbols();
            let (mut writer, mut pages, mut page, mut expected) = (PageWriter::default(), Vec::new(), Vec::new(), Vec::new());
            let mut offset = 12;
            for e in &entries {
                offset += e.gap;
                let (mut refs, mut at, mut t) = (Vec::new(), offset, 1_700_000_000_000);
                for (step, span, len, values) in &e.chunks {
                    let min = t + step;
                    let samples: Vec<Sample> = (0..).zip(values).map(|(i, v)| {
                        let last = i + 1 == values.len() as i64;
                        Sample { t: if i > 0 && last { min + span } else { min + i }, v: f64::from(*v) / 4.0 }
                    }).collect();
                    let max = samples.last().map_or(min, |s| s.t);
                    let stats = ChunkStats::of(&samples);
                    refs.push((ChunkRef { min, max, offset: at, len: *len as u32, start: e.start, stats }, values.len()));
                    at += *len as u64 + 4;
                    t = max + 1;
                }
                let told: Vec<ChunkEntry<'_>> = refs.iter().map(|(c, count)| ChunkEntry {
                    min: c.min, max: c.max, len: c.len as usize, count: *count, start: Some(c.start), stats: c.stats.as_ref(),
                }).collect();
                if writer.put(&e.labels, offset, &told, &[], &mut page) {
                    pages.push(std::mem::take(&mut page));
                }
                offset = at;
                expected.push(refs.into_iter().map(|(c, _)| c).collect::<Vec<_>>());
            }
            pages.push(page);
            let mut labels = LabelsBuilder::default();
            for ((page, entries), expected) in pages.iter().zip(entries.chunks(SERIES_PER_PAGE)).zip(expected.chunks(SERIES_PER_PAGE)) {
                let mut reader = PageReader::new(page);
                for ((e, chunks), wanted) in entries.iter().zip(expected).zip(&wanted) {
                    let read = reader.next(*wanted, &symbols, &mut labels).expect("own page");
                    prop_assert_eq!(read.is_some(), *wanted);
                    if let Some(series) = read {
                        prop_assert_eq!(&series.chunks, chunks);
                        prop_assert_eq!(series.labels.len(), e.labels.len());
                    }
                }
            }
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let (symbols, mut labels) = (symbols(), LabelsBuilder::default());
            let mut reader = PageReader::new(&bytes);
            for _ in 0..SERIES_PER_PAGE {
                if reader.next(true, &symbols, &mut labels).is_none() {
                    break;
                }
            }
        }
    }
}
