//! Writes a block file in one pass: chunks as they come, then pages of entries, symbols, index, footer.
//!
//! Series must come in label order, so that the ids of a metric are
//! neighbours and the lists of ids are short runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use foundation::disk::{Disk, DiskFile};
use hashbrown::HashMap;
use model::Labels;
use roaring::RoaringBitmap;
use rustc_hash::FxBuildHasher;

use super::page::{ChunkEntry, PageWriter};
use super::times::TimesWriter;
use super::{Footer, MAGIC, Section, VERSION, chunk_samples};
use crate::TsdbError;
use crate::chunk::bits::{put_prefixed, put_varint};
use crate::chunk::{self, ChunkStats, Effort, SeriesSamples, StartTimes};
use crate::exemplar::Exemplar;

/// Bytes gathered before they are written.
const GATHER_BYTES: usize = 1 << 20;

/// A chunk that is to be written, its first and last time.
struct NewChunk {
    min: i64,
    max: i64,
    count: usize,
    /// Since when all its floats count; `None` when they differ, and for histograms.
    start: Option<i64>,
    stats: Option<ChunkStats>,
    bytes: Vec<u8>,
}

impl NewChunk {
    fn entry(&self) -> ChunkEntry<'_> {
        let Self { min, max, count, start, .. } = *self;
        ChunkEntry { min, max, len: self.bytes.len(), count, start, stats: self.stats.as_ref() }
    }
}

pub(crate) struct BlockWriter {
    path: PathBuf,
    effort: Effort,
    file: Box<dyn DiskFile>,
    gather: Vec<u8>,
    /// Bytes written and gathered.
    at: u64,
    symbols: HashMap<Box<str>, u32, FxBuildHasher>,
    /// Entries of the series, one after another.
    entries: Vec<u8>,
    /// Where in `entries` each page begins.
    pages: Vec<usize>,
    page: PageWriter,
    times: TimesWriter,
    series: u32,
    /// The symbols of the labels of one series.
    labels: Vec<(u32, u32)>,
    /// Name -> value -> series.
    postings: BTreeMap<Box<str>, BTreeMap<Box<str>, Vec<u32>>>,
    footer: Footer,
}

impl BlockWriter {
    /// Begins the file; what is there is gone.
    pub(crate) fn create(disk: &dyn Disk, path: &Path, effort: Effort) -> Result<Self, TsdbError> {
        let file = disk.create(path).map_err(TsdbError::io("make", path))?;
        let mut gather = MAGIC.to_vec();
        gather.extend_from_slice(&VERSION.to_le_bytes());
        Ok(Self {
            path: path.to_owned(),
            effort,
            file,
            at: gather.len() as u64,
            gather,
            symbols: HashMap::default(),
            entries: Vec::new(),
            pages: Vec::new(),
            page: PageWriter::default(),
            times: TimesWriter::default(),
            series: 0,
            labels: Vec::new(),
            postings: BTreeMap::new(),
            footer: Footer { min_t: i64::MAX, max_t: i64::MIN, ..Footer::default() },
        })
    }

    /// Adds the next series in label order. Times must rise strictly; a series without samples is left out.
    pub(crate) fn add(
        &mut self,
        labels: &Labels,
        samples: &SeriesSamples,
        exemplars: &[&Exemplar],
    ) -> Result<(), TsdbError> {
        let Some((first, last)) = samples.bounds() else { return Ok(()) };
        self.footer.min_t = self.footer.min_t.min(first);
        self.footer.max_t = self.footer.max_t.max(last);
        self.footer.samples += samples.len() as u64;
        let id = self.series;
        self.series += 1;
        self.list(id, labels);
        let mut new_times = Vec::new();
        let chunks = self.cut(samples, &mut new_times)?;
        // Before the chunks, which follow each other.
        self.write(&new_times)?;
        let offset = self.at;
        for chunk in &chunks {
            self.write_checked(&chunk.bytes)?;
        }
        if self.page.is_fresh() {
            self.pages.push(self.entries.len());
        }
        let told: Vec<ChunkEntry<'_>> = chunks.iter().map(NewChunk::entry).collect();
        if self.page.put(&self.labels, offset, &told, exemplars, &mut self.entries) {
            self.end_page();
        }
        Ok(())
    }

    /// Puts the checksum behind the page that was begun last.
    fn end_page(&mut self) {
        let start = self.pages.last().copied().unwrap_or_default();
        let crc = crc32c::crc32c(self.entries.get(start..).unwrap_or_default());
        self.entries.extend_from_slice(&crc.to_le_bytes());
    }

    /// The chunks of a series: those of floats, then those of histograms. Times that are to be written before them, because they
    /// are not of these chunks alone, are appended to `new_times`.
    fn cut(&mut self, samples: &SeriesSamples, new_times: &mut Vec<u8>) -> Result<Vec<NewChunk>, TsdbError> {
        let mut chunks = Vec::new();
        let Self { times, at, .. } = self;
        let mut share = |bytes: &[u8]| times.share(bytes, *at, new_times);
        let chunk_samples = chunk_samples(self.effort);
        for (at, floats) in samples.floats.chunks(chunk_samples).enumerate() {
            if let (Some(first), Some(last)) = (floats.first(), floats.last()) {
                let count = floats.len();
                let from = at * chunk_samples;
                let mut starts = samples.starts.slice(from..from + count);
                let mut stats = ChunkStats::of(floats);
                // What counts since later than itself is a matter for who reads the samples.
                let start = starts.of_all(count).filter(|start| *start == 0 || *start <= first.t);
                match (start, &mut stats) {
                    (Some(_), _) => starts = StartTimes::default(),
                    // A counter may have begun anew without a fall.
                    (None, Some(stats)) => stats.counter = None,
                    (None, None) => {}
                }
                let bytes = chunk::encode_sharing(floats, &starts, self.effort, &mut share);
                chunks.push(NewChunk { min: first.t, max: last.t, count, start, stats, bytes });
            }
        }
        let mut rest = &samples.histograms[..];
        while let Some(first) = rest.first() {
            let len = chunk::histogram::shared_len(rest, chunk_samples).max(1);
            let (samples, after) = rest.split_at(len.min(rest.len()));
            let what = "a histogram whose buckets do not fit its spans";
            let bytes = chunk::histogram::encode_sharing(samples, &mut share).ok_or_else(|| TsdbError::Damaged {
                path: self.path.clone(),
                offset: *at,
                what,
            })?;
            let (max, count) = (samples.last().map_or(first.t, |s| s.t), samples.len());
            chunks.push(NewChunk { min: first.t, max, count, start: None, stats: None, bytes });
            rest = after;
        }
        Ok(chunks)
    }

    /// Numbers the labels of a series, and lists it under each of them.
    fn list(&mut self, id: u32, labels: &Labels) {
        self.labels.clear();
        for (name, value) in labels.iter() {
            let symbols = (self.symbol(name), self.symbol(value));
            self.labels.push(symbols);
            if !self.postings.contains_key(name) {
                self.postings.insert(name.into(), BTreeMap::new());
            }
            let Some(values) = self.postings.get_mut(name) else { continue };
            match values.get_mut(value) {
                Some(ids) => ids.push(id),
                None => drop(values.insert(value.into(), vec![id])),
            }
        }
    }

    fn symbol(&mut self, text: &str) -> u32 {
        let next = self.symbols.len() as u32;
        match self.symbols.get(text) {
            Some(id) => *id,
            None => *self.symbols.entry(text.into()).or_insert(next),
        }
    }

    /// Writes the rest and syncs the file. Its name lasts only once its folder is synced.
    pub(crate) fn finish(mut self) -> Result<(), TsdbError> {
        if !self.page.is_fresh() {
            self.end_page();
        }
        let base = self.at;
        let entries = std::mem::take(&mut self.entries);
        let mut table = Vec::with_capacity((self.pages.len() + 1) * 8);
        for start in self.pages.iter().chain([&entries.len()]) {
            table.extend_from_slice(&(base + *start as u64).to_le_bytes());
        }
        self.write(&entries)?;
        self.footer.series = self.series;
        self.footer.table = self.section(&table)?;

        let mut texts: Vec<(&u32, &str)> = self.symbols.iter().map(|(text, id)| (id, &**text)).collect();
        texts.sort_unstable();
        let mut symbols = Vec::new();
        put_varint(&mut symbols, texts.len() as u64);
        texts.iter().for_each(|(_, text)| put_prefixed(&mut symbols, text.as_bytes()));
        self.footer.symbols = self.section(&symbols)?;

        let index = self.write_postings()?;
        self.footer.index = self.section(&index)?;
        let footer = self.footer.encode();
        self.write(&footer)?;
        self.flush()?;
        self.file.sync_data().map_err(TsdbError::io("sync", &self.path))
    }

    /// Writes the lists of series ids; returns the index of where they lie.
    fn write_postings(&mut self) -> Result<Vec<u8>, TsdbError> {
        let mut index = Vec::new();
        let postings = std::mem::take(&mut self.postings);
        put_varint(&mut index, postings.len() as u64);
        for (name, values) in postings {
            put_varint(&mut index, u64::from(self.symbol(&name)));
            put_varint(&mut index, values.len() as u64);
            put_varint(&mut index, self.at);
            for (value, ids) in values {
                let mut ids: RoaringBitmap = ids.into_iter().collect();
                ids.optimize();
                let mut bytes = Vec::with_capacity(ids.serialized_size());
                ids.serialize_into(&mut bytes).map_err(TsdbError::io("encode a list of", &self.path))?;
                put_varint(&mut index, u64::from(self.symbol(&value)));
                put_varint(&mut index, bytes.len() as u64);
                self.write_checked(&bytes)?;
            }
        }
        Ok(index)
    }

    fn section(&mut self, bytes: &[u8]) -> Result<Section, TsdbError> {
        let section = Section { offset: self.at, len: bytes.len() as u64 };
        self.write_checked(bytes)?;
        Ok(section)
    }

    fn write_checked(&mut self, bytes: &[u8]) -> Result<(), TsdbError> {
        self.write(bytes)?;
        self.write(&crc32c::crc32c(bytes).to_le_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TsdbError> {
        self.at += bytes.len() as u64;
        self.gather.extend_from_slice(bytes);
        if self.gather.len() >= GATHER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), TsdbError> {
        self.file.write_all(&self.gather).map_err(TsdbError::io("write", &self.path))?;
        self.gather.clear();
        Ok(())
    }
}
