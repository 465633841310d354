//! Reads a block file: what is small stays in memory, entries, lists and chunks are read when asked for.
//!
//! In memory: the texts of labels, which values each label has and where
//! their series are listed, and eight bytes per page of series.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use foundation::disk::{Disk, ReadAt};
use model::labels::{Labels, LabelsBuilder};
use roaring::{MultiOps as _, RoaringBitmap};

use super::page::{PageReader, SERIES_PER_PAGE};
use super::symbols::Symbols;
use super::times::TimesCache;
use super::{FOOTER_LEN, Footer, HEADER_LEN, MAGIC, VERSION, VERSION_1, VERSION_2};
use crate::TsdbError;
use crate::chunk::bits::ByteReader;
use crate::chunk::{self, ChunkStats, FloatColumns, Sample, SeriesSamples};
use crate::exemplar::Exemplar;
use crate::plan::BlockInfo;
use crate::postings::LabelIndex;

/// Entries that lie within this many bytes are read at once.
const READ_BYTES: u64 = 256 << 10;

/// A chunk of a stored series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ChunkRef {
    /// First and last time.
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) offset: u64,
    pub(crate) len: u32,
    /// Since when all floats count that have no start times of their own; 0: not known.
    pub(crate) start: i64,
    /// `None` in files of version 1, for histograms, and where a value is not finite.
    pub(crate) stats: Option<ChunkStats>,
}

/// The entry of a series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredSeries {
    pub(crate) labels: Labels,
    pub(crate) chunks: Vec<ChunkRef>,
    pub(crate) exemplars: Vec<Exemplar>,
}

/// One value of a label and where the ids of its series lie.
struct ValueEntry {
    symbol: u32,
    len: u32,
    offset: u64,
}

/// A label and its values, sorted by text.
struct NameEntry {
    symbol: u32,
    values: Vec<ValueEntry>,
}

/// An open block file.
pub(crate) struct Block {
    pub(crate) id: u64,
    pub(crate) path: PathBuf,
    file: Arc<dyn ReadAt>,
    version: u32,
    footer: Footer,
    /// Offsets of the pages of entries, and where the last one ends. Before version 3 an entry is a page.
    table: Vec<u64>,
    symbols: Symbols,
    /// Sorted by text.
    names: Vec<NameEntry>,
    /// Set when a part could not be read.
    unmergeable: AtomicBool,
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block").field("path", &self.path).field("footer", &self.footer).finish_non_exhaustive()
    }
}

impl Block {
    /// Opens a block and reads its index.
    pub(crate) fn open(disk: &dyn Disk, path: &Path, id: u64) -> Result<Self, TsdbError> {
        let file = disk.open_read(path).map_err(TsdbError::io("open", path))?;
        let damaged = |offset, what| TsdbError::Damaged { path: path.to_owned(), offset, what };
        let end = file.len();
        if end < (HEADER_LEN + FOOTER_LEN) as u64 {
            return Err(damaged(0, "the file is too short for a block"));
        }
        let mut header = [0; HEADER_LEN];
        file.read_exact_at(&mut header, 0).map_err(TsdbError::io("read", path))?;
        let (magic, version) = header.split_at(MAGIC.len());
        let version = ByteReader(version).u32().unwrap_or_default();
        if magic != MAGIC {
            return Err(damaged(0, "the file does not begin as a block does"));
        }
        if !(VERSION_1..=VERSION).contains(&version) {
            return Err(TsdbError::Version { path: path.to_owned(), version, known: VERSION });
        }
        let at = end - FOOTER_LEN as u64;
        let mut footer = [0; FOOTER_LEN];
        file.read_exact_at(&mut footer, at).map_err(TsdbError::io("read", path))?;
        let footer = Footer::decode(&footer, version).map_err(|what| damaged(at, what))?;
        let mut block = Self {
            id,
            path: path.to_owned(),
            file,
            version,
            footer,
            table: vec![],
            symbols: Symbols::default(),
            names: vec![],
            unmergeable: AtomicBool::new(false),
        };
        let Footer { table, symbols, index, .. } = footer;
        let bytes = block.read(table.offset, table.len, "the table of series")?;
        block.table = bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect();
        let pages = (footer.series as usize).div_ceil(block.series_per_page());
        if block.table.len() != pages + 1 || !block.table.is_sorted() {
            return Err(damaged(table.offset, "the table of series has a wrong length"));
        }
        let bytes = block.read(symbols.offset, symbols.len, "the symbols")?;
        block.symbols = Symbols::read(&bytes).ok_or_else(|| damaged(symbols.offset, "the symbols"))?;
        let bytes = block.read(index.offset, index.len, "the label index")?;
        block.names = read_names(&bytes).ok_or_else(|| damaged(index.offset, "the label index"))?;
        Ok(block)
    }

    /// Whether any sample may lie in `[min, max]` (inclusive).
    pub(crate) fn touches(&self, min: i64, max: i64) -> bool {
        self.footer.min_t <= max && self.footer.max_t >= min
    }

    /// Oldest and newest sample, milliseconds.
    pub(crate) fn bounds(&self) -> (i64, i64) {
        (self.footer.min_t, self.footer.max_t)
    }

    pub(crate) fn samples(&self) -> u64 {
        self.footer.samples
    }

    pub(crate) fn series_count(&self) -> u32 {
        self.footer.series
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.file.len()
    }

    /// Bytes of the file behind the chunks.
    pub(crate) fn index_bytes(&self) -> u64 {
        self.file.len() - self.table.first().copied().unwrap_or_default()
    }

    /// How many values a label has.
    pub(crate) fn value_count(&self, name: &str) -> u64 {
        self.values_of(name).len() as u64
    }

    /// The bytes of the file, a stretch at a time.
    pub(crate) fn contents(&self) -> impl Iterator<Item = Result<Vec<u8>, TsdbError>> {
        (0..self.file.len()).step_by(READ_BYTES as usize).map(|offset| {
            let len = (self.file.len() - offset).min(READ_BYTES) as usize;
            self.file.read_vec_at(len, offset).map_err(TsdbError::io("read", &self.path))
        })
    }

    /// What decisions about blocks are made by.
    pub(crate) fn info(&self) -> BlockInfo {
        let (min, max) = self.bounds();
        let (samples, bytes) = (self.samples(), self.bytes());
        BlockInfo { id: self.id, min, max, samples, bytes, mergeable: self.is_mergeable() }
    }

    /// Whether the block may be merged with others.
    pub(crate) fn is_mergeable(&self) -> bool {
        !self.unmergeable.load(Ordering::Relaxed)
    }

    /// Leaves the block out of compaction until the next open: what failed now fails again, and each try would
    /// rewrite all that was read before it.
    pub(crate) fn set_unmergeable(&self) {
        self.unmergeable.store(true, Ordering::Relaxed);
    }

    const fn series_per_page(&self) -> usize {
        if self.version <= VERSION_2 { 1 } else { SERIES_PER_PAGE }
    }

    /// Reads the entries of `ids` in order.
    pub(crate) fn entries(
        &self,
        ids: &RoaringBitmap,
        each: &mut dyn FnMut(StoredSeries) -> Result<(), TsdbError>,
    ) -> Result<(), TsdbError> {
        let per_page = self.series_per_page() as u32;
        let bounds = |page: u32| Some((*self.table.get(page as usize)?, *self.table.get(page as usize + 1)?));
        let mut labels = LabelsBuilder::default();
        let mut ids = ids.iter().peekable();
        while let Some(first) = ids.peek().map(|id| id / per_page) {
            let Some((start, mut end)) = bounds(first) else { break };
            // Pages that lie within reach are read at once.
            let mut wanted: Vec<u32> = Vec::new();
            let near = |id: &u32, end: &mut u64| match bounds(id / per_page) {
                Some((_, next)) if next - start <= READ_BYTES || id / per_page == first => {
                    *end = next;
                    true
                }
                _ => false,
            };
            while let Some(id) = ids.next_if(|id| near(id, &mut end)) {
                wanted.push(id);
            }
            let len = self.checked_len(start, end - start)?;
            let bytes = self.file.read_vec_at(len, start).map_err(TsdbError::io("read", &self.path))?;
            for ids in wanted.chunk_by(|a, b| a / per_page == b / per_page) {
                let Some((from, to)) = ids.first().and_then(|id| bounds(id / per_page)) else { continue };
                let page = bytes.get((from - start) as usize..(to - start) as usize).unwrap_or_default();
                self.page(from, page, ids, &mut labels, each)?;
            }
        }
        Ok(())
    }

    /// Reads the entries of `ids`, which are all of one page.
    fn page(
        &self,
        offset: u64,
        bytes: &[u8],
        ids: &[u32],
        labels: &mut LabelsBuilder,
        each: &mut dyn FnMut(StoredSeries) -> Result<(), TsdbError>,
    ) -> Result<(), TsdbError> {
        const WHAT: &str = "the entry of a series";
        let body = self.checked(offset, bytes, WHAT)?;
        let damaged = || self.damaged(offset, WHAT);
        if self.version <= VERSION_2 {
            return each(self.entry(body, labels).ok_or_else(damaged)?);
        }
        let mut page = PageReader::new(body);
        let mut at = ids.first().map_or(0, |id| id / SERIES_PER_PAGE as u32 * SERIES_PER_PAGE as u32);
        for id in ids {
            while at < *id {
                page.next(false, &self.symbols, labels).ok_or_else(damaged)?;
                at += 1;
            }
            if let Some(series) = page.next(true, &self.symbols, labels).ok_or_else(damaged)? {
                each(series)?;
            }
            at += 1;
        }
        Ok(())
    }

    /// An entry before version 3.
    fn entry(&self, body: &[u8], labels: &mut LabelsBuilder) -> Option<StoredSeries> {
        let mut r = ByteReader(body);
        for _ in 0..r.len()? {
            let mut symbol = || self.symbols.get(u32::try_from(r.varint()?).ok()?);
            labels.push(symbol()?, symbol()?);
        }
        let labels = labels.finish();
        let chunk_count = r.len()?;
        let mut offset = r.varint()?;
        let mut chunks = Vec::new();
        let mut last = 0i64;
        for _ in 0..chunk_count {
            let min = last.wrapping_add(r.signed()?);
            let max = min.checked_add_unsigned(r.varint()?)?;
            let len = u32::try_from(r.varint()?).ok()?;
            let mut stats = None;
            if self.version > VERSION_1 {
                let count = u32::try_from(r.varint()?).ok()?;
                stats = ChunkStats::decode_v2(&mut r, min, max, count)?;
            }
            chunks.push(ChunkRef { min, max, offset, len, start: 0, stats });
            offset = offset.checked_add(u64::from(len) + 4)?;
            last = max;
        }
        let mut exemplars = Vec::new();
        for _ in 0..r.len()? {
            exemplars.push(Exemplar::decode(&mut r)?);
        }
        Some(StoredSeries { labels, chunks, exemplars })
    }

    /// Appends the samples of a chunk.
    pub(crate) fn read_chunk(
        &self,
        c: &ChunkRef,
        times: &mut TimesCache,
        out: &mut SeriesSamples,
    ) -> Result<(), TsdbError> {
        let bytes = self.read(c.offset, u64::from(c.len), "a chunk")?;
        self.decode_chunk(c, &bytes, times, out)
    }

    /// Appends the samples of a chunk of floats; one of histograms is left out.
    pub(crate) fn read_floats(&self, c: &ChunkRef, out: &mut Vec<Sample>) -> Result<(), TsdbError> {
        let bytes = self.read(c.offset, u64::from(c.len), "a chunk")?;
        if !chunk::holds_floats(&bytes) {
            return Ok(());
        }
        let mut times = TimesCache::default();
        chunk::decode(&bytes, self.times_of(&bytes, &mut times)?, out).ok_or_else(|| self.damaged(c.offset, "a chunk"))
    }

    /// Fills `into` with `wanted` bytes from `offset`, or as many of them as there are before the entries, but at least
    /// `needed`.
    pub(crate) fn read_raw(&self, offset: u64, wanted: u64, needed: u64, into: &mut Vec<u8>) -> Result<(), TsdbError> {
        let chunks_end = self.table.first().copied().unwrap_or_default();
        let len = wanted.min(chunks_end.saturating_sub(offset)).max(needed);
        into.clear();
        into.resize(self.checked_len(offset, len)?, 0);
        self.file.read_exact_at(into, offset).map_err(TsdbError::io("read", &self.path))
    }

    /// The bytes before their checksum, if that is right; `what` lies at `offset`.
    pub(crate) fn checked<'b>(&self, offset: u64, bytes: &'b [u8], what: &'static str) -> Result<&'b [u8], TsdbError> {
        match bytes.split_last_chunk::<4>() {
            Some((body, crc)) if crc32c::crc32c(body).to_le_bytes() == *crc => Ok(body),
            _ => Err(self.damaged(offset, what)),
        }
    }

    /// Appends the samples of a chunk whose bytes were read.
    pub(crate) fn decode_chunk(
        &self,
        c: &ChunkRef,
        body: &[u8],
        times: &mut TimesCache,
        out: &mut SeriesSamples,
    ) -> Result<(), TsdbError> {
        let before = out.floats.len();
        chunk::decode_any(body, self.times_of(body, times)?, out).ok_or_else(|| self.damaged(c.offset, "a chunk"))?;
        if !chunk::holds_starts(body) {
            out.starts.set(before..out.floats.len(), c.start);
        }
        Ok(())
    }

    /// As [`Block::decode_chunk`], into columns; `false` for a chunk of histograms.
    pub(crate) fn decode_columns(
        &self,
        c: &ChunkRef,
        body: &[u8],
        times: &mut TimesCache,
        out: &mut FloatColumns,
    ) -> Result<bool, TsdbError> {
        if !chunk::holds_floats(body) {
            return Ok(false);
        }
        let before = out.times.len();
        let shared = self.times_of(body, times)?;
        chunk::decode_columns(body, shared, out).ok_or_else(|| self.damaged(c.offset, "a chunk"))?;
        if !chunk::holds_starts(body) {
            out.starts.set(before..out.times.len(), c.start);
        }
        Ok(true)
    }

    /// The times that a chunk has in common with others; nothing when it has its own.
    fn times_of<'t>(&self, body: &[u8], times: &'t mut TimesCache) -> Result<&'t [i64], TsdbError> {
        const WHAT: &str = "times that chunks share";
        let Some((at, count)) = chunk::times_at(body) else { return Ok(&[]) };
        times.get((self.id, at.offset), || {
            let bytes = self.read(at.offset, u64::from(at.len), WHAT)?;
            chunk::decode_times(&bytes, count).ok_or_else(|| self.damaged(at.offset, WHAT))
        })
    }

    /// Reads bytes and the checksum behind them.
    fn read(&self, offset: u64, len: u64, what: &'static str) -> Result<Vec<u8>, TsdbError> {
        let len = self.checked_len(offset, len.saturating_add(4))?;
        let mut bytes = self.file.read_vec_at(len, offset).map_err(TsdbError::io("read", &self.path))?;
        let len = self.checked(offset, &bytes, what)?.len();
        bytes.truncate(len);
        Ok(bytes)
    }

    /// A length that lies inside the file, so that damage cannot ask for memory that is not there.
    fn checked_len(&self, offset: u64, len: u64) -> Result<usize, TsdbError> {
        match offset.checked_add(len) {
            Some(end) if end <= self.file.len() => Ok(len as usize),
            _ => Err(self.damaged(offset, "a part that would end after the file")),
        }
    }

    /// Says what is damaged; the block is then left out of compaction.
    fn damaged(&self, offset: u64, what: &'static str) -> TsdbError {
        self.set_unmergeable();
        TsdbError::Damaged { path: self.path.clone(), offset, what }
    }

    fn text(&self, symbol: u32) -> &str {
        self.symbols.get(symbol).unwrap_or_default()
    }

    fn values_of(&self, name: &str) -> &[ValueEntry] {
        match self.names.binary_search_by(|n| self.text(n.symbol).cmp(name)) {
            Ok(at) => self.names.get(at).map_or(&[], |n| &n.values),
            Err(_) => &[],
        }
    }

    /// The values of a label that begin with `prefix`: neighbours, for they are sorted.
    fn values_with_prefix(&self, name: &str, prefix: &[u8]) -> &[ValueEntry] {
        let values = self.values_of(name);
        let from = values.partition_point(|v| self.text(v.symbol).as_bytes() < prefix);
        let values = values.get(from..).unwrap_or_default();
        let len = values.partition_point(|v| self.text(v.symbol).as_bytes().starts_with(prefix));
        values.get(..len).unwrap_or_default()
    }

    fn list(&self, v: &ValueEntry) -> Result<RoaringBitmap, TsdbError> {
        let bytes = self.read(v.offset, u64::from(v.len), "a list of series")?;
        RoaringBitmap::deserialize_from(&bytes[..]).map_err(|_| self.damaged(v.offset, "a list of series"))
    }
}

impl LabelIndex for Block {
    fn all(&self) -> RoaringBitmap {
        (0..self.footer.series).collect()
    }

    fn with_value(&self, name: &str, value: &str) -> Result<RoaringBitmap, TsdbError> {
        let values = self.values_of(name);
        match values.binary_search_by(|v| self.text(v.symbol).cmp(value)) {
            Ok(at) => values.get(at).map_or(Ok(RoaringBitmap::new()), |v| self.list(v)),
            Err(_) => Ok(RoaringBitmap::new()),
        }
    }

    fn with_values(
        &self,
        name: &str,
        prefixes: &[Vec<u8>],
        wanted: &mut dyn FnMut(&str) -> bool,
    ) -> Result<RoaringBitmap, TsdbError> {
        let mut lists = Vec::new();
        for v in prefixes.iter().flat_map(|p| self.values_with_prefix(name, p)) {
            if wanted(self.text(v.symbol)) {
                lists.push(self.list(v)?);
            }
        }
        Ok(lists.union())
    }

    fn series(&self) -> u64 {
        u64::from(self.footer.series)
    }

    fn counts(&self, name: &str, each: &mut dyn FnMut(&str, u64)) -> Result<(), TsdbError> {
        for v in self.values_of(name) {
            each(self.text(v.symbol), self.list(v)?.len());
        }
        Ok(())
    }

    fn names(&self, each: &mut dyn FnMut(&str)) {
        self.names.iter().for_each(|n| each(self.text(n.symbol)));
    }

    fn values(&self, name: &str, each: &mut dyn FnMut(&str)) -> Result<(), TsdbError> {
        self.values_of(name).iter().for_each(|v| each(self.text(v.symbol)));
        Ok(())
    }
}

fn read_names(bytes: &[u8]) -> Option<Vec<NameEntry>> {
    let mut r = ByteReader(bytes);
    let mut names = Vec::new();
    for _ in 0..r.len()? {
        let symbol = u32::try_from(r.varint()?).ok()?;
        let count = r.len()?;
        let mut offset = r.varint()?;
        let mut values = Vec::new();
        for _ in 0..count {
            let symbol = u32::try_from(r.varint()?).ok()?;
            let len = u32::try_from(r.varint()?).ok()?;
            values.push(ValueEntry { symbol, len, offset });
            offset = offset.checked_add(u64::from(len) + 4)?;
        }
        names.push(NameEntry { symbol, values });
    }
    Some(names)
}
