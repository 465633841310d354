//! A segment file: blocks of one day, and a footer with what finds them.
//!
//! Dictionaries of the columns (`dictionary`) and summaries of the rows (`summary`) lie between blocks and footer.
//! The footer holds the block directory, the directory of dictionaries, and the trace index: for each trace
//! fingerprint the blocks that may have spans (or logs) of the trace. Last come the attribute catalogue, the kinds
//! of rows of each block, and where the summaries lie. It is
//! read when the segment is opened; blocks are read when queries ask for
//! them. Format: `docs/formats/segment.md`.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use foundation::disk::{ReadAt, SharedDisk};
use model::{TimeRange, UnixNanos};

use crate::block::{self, Block, BlockError};
use crate::catalogue::Catalogue;
use crate::column::bytes::{Reader, put_varint};
use crate::column::{Damaged, ints};
use crate::dictionary::{Builder, Cache, Dictionaries};
use crate::kinds;
use crate::manifest::SegmentInfo;
use crate::partition::Day;
use crate::schema::Schema;
use crate::summary::{Counts, Durations, Made, Place as Table, SlicePlace, Summaries};

/// Its last byte is the version.
const MAGIC: [u8; 8] = *b"BellEvt\x03";
const END_MAGIC: [u8; 8] = *b"\x03tvElleB";
const MAGIC_2: [u8; 8] = *b"BellEvt\x02";
const END_MAGIC_2: [u8; 8] = *b"\x02tvElleB";
const MAGIC_1: [u8; 8] = *b"BellEvt\x01";
const END_MAGIC_1: [u8; 8] = *b"\x01tvElleB";
/// Parts of a footer that may be missing, as bits.
const CATALOGUE: u8 = 1;
/// Of earlier builds.
const SERVICES: u8 = 2;
const KINDS: u8 = 16;
/// Footer length, footer checksum, magic.
const TRAILER_BYTES: usize = 16;
/// Bytes of a file that are not synced yet, at most.
const SYNC_BYTES: u64 = 8 << 20;
/// Guards what is allocated from a footer: a segment of 16 million blocks.
const BLOCKS_MAX: usize = 1 << 24;

/// An open segment.
pub(crate) struct Segment {
    pub(crate) info: SegmentInfo,
    /// By time of the first row.
    pub(crate) blocks: Vec<Arc<Block>>,
    traces: TraceIndex,
    /// What its blocks share.
    pub(crate) dictionaries: Arc<Dictionaries>,
    /// Segments of earlier versions have none, nor some others: see `catalogue`.
    pub(crate) catalogue: Option<Catalogue>,
    file: Arc<dyn ReadAt>,
    /// What is known of its rows as a whole, where that is worth it.
    pub(crate) summaries: Summaries,
    left_alone: AtomicBool,
}

/// Sorted trace fingerprints and, beside each, a block that has it.
#[derive(Debug, Default, PartialEq, Eq)]
struct TraceIndex {
    fingerprints: Vec<u32>,
    blocks: Vec<u32>,
}

impl TraceIndex {
    fn build(blocks: &[Arc<Block>]) -> Result<Self, BlockError> {
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for (i, b) in blocks.iter().enumerate() {
            pairs.extend(block::trace_fingerprints(b)?.into_iter().map(|f| (f, i as u32)));
        }
        pairs.sort_unstable();
        Ok(Self { fingerprints: pairs.iter().map(|p| p.0).collect(), blocks: pairs.iter().map(|p| p.1).collect() })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.fingerprints.len() as u64);
        let of = |v: &[u32]| v.iter().map(|x| i64::from(*x)).collect::<Vec<_>>();
        ints::encode(&of(&self.fingerprints), out);
        ints::encode(&of(&self.blocks), out);
    }

    fn decode(r: &mut Reader<'_>, blocks: usize) -> Result<Self, Damaged> {
        let n = r.count(blocks.saturating_mul(block::ROWS_MAX))?;
        let bad = || Damaged("trace index");
        let of = |v: Vec<i64>| v.into_iter().map(u32::try_from).collect::<Result<Vec<_>, _>>().map_err(|_| bad());
        let index = Self { fingerprints: of(ints::decode(r, n)?)?, blocks: of(ints::decode(r, n)?)? };
        let inside = index.blocks.iter().all(|b| (*b as usize) < blocks);
        if inside && index.fingerprints.is_sorted() { Ok(index) } else { Err(bad()) }
    }

    fn find(&self, fingerprint: u32) -> impl Iterator<Item = usize> + '_ {
        let from = self.fingerprints.partition_point(|f| *f < fingerprint);
        let same = self.fingerprints[from..].iter().take_while(move |f| **f == fingerprint).count();
        self.blocks[from..from + same].iter().map(|b| *b as usize)
    }
}

/// What becomes of blocks: a file in the folder of a half of the store.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) schema: Schema,
    pub(crate) id: u64,
    pub(crate) day: Day,
}

/// Writes blocks (of one day) as a segment file and makes it lasting; the folder's name too.
///
/// `written` is told the bytes after each block, and may wait, or give the file up. What the disk has to take is synced bit by
/// bit: the log's syncs, which senders wait for, would else stand behind all of it.
pub(crate) fn write(
    disk: &SharedDisk,
    place: Place<'_>,
    blocks: &[Arc<Block>],
    catalogue: Option<&Catalogue>,
    written: &mut dyn FnMut(u64) -> io::Result<()>,
) -> io::Result<SegmentInfo> {
    let Place { dir, schema, id, day } = place;
    let bad = |e: BlockError| match e {
        BlockError::Io(e) => e,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    };
    let mut blocks = blocks.to_vec();
    blocks.sort_by_key(|b| b.meta.min_time);
    let mut info = SegmentInfo {
        id,
        day,
        rows: blocks.iter().map(|b| b.rows() as u64).sum(),
        min_time: blocks.iter().map(|b| b.meta.min_time).min().unwrap_or_default(),
        max_time: blocks.iter().map(|b| b.meta.max_time).max().unwrap_or_default(),
        bytes: 0,
    };
    let path = info.path(dir);
    let folder = path.parent().unwrap_or(dir);
    disk.create_dir_all(folder)?;
    let mut file = disk.create(&path)?;
    file.write_all(&MAGIC)?;
    let mut at = MAGIC.len() as u64;
    let mut footer = vec![schema as u8];
    put_varint(&mut footer, blocks.len() as u64);
    let mut dictionaries = Builder::default();
    let mut synced = 0;
    for b in &blocks {
        let bytes = block::share::share(b, &mut dictionaries).map_err(bad)?;
        file.write_all(&bytes)?;
        put_varint(&mut footer, at);
        put_varint(&mut footer, bytes.len() as u64);
        block::put_meta(&b.meta, &mut footer);
        at += bytes.len() as u64;
        if at - synced >= SYNC_BYTES {
            file.sync_data()?;
            synced = at;
        }
        written(bytes.len() as u64)?;
    }
    TraceIndex::build(&blocks).map_err(bad)?.encode(&mut footer);
    let (bytes, directory) = dictionaries.encode(at);
    file.write_all(&bytes)?;
    at += bytes.len() as u64;
    footer.extend_from_slice(&directory);
    // Nobody can be misled by an index that is not there: a table that does not read back is found by whoever reads it.
    let Made { summaries, bytes, kinds } = Summaries::of_blocks(schema, &blocks, at);
    file.write_all(&bytes)?;
    at += bytes.len() as u64;
    let part = |there: bool, bit: u8| if there { bit } else { 0 };
    footer.push(part(catalogue.is_some(), CATALOGUE) | part(kinds.is_some(), KINDS) | summaries.parts());
    if let Some(catalogue) = catalogue {
        catalogue.encode(&mut footer);
    }
    if let Some(kinds) = kinds {
        footer.extend_from_slice(&kinds);
    }
    summaries.encode(&mut footer);
    file.write_all(&footer)?;
    let mut trailer = Vec::with_capacity(TRAILER_BYTES);
    trailer.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    trailer.extend_from_slice(&crc32c::crc32c(&footer).to_le_bytes());
    trailer.extend_from_slice(&END_MAGIC);
    file.write_all(&trailer)?;
    file.sync_data()?;
    disk.sync_dir(folder)?;
    disk.sync_dir(dir)?;
    info.bytes = at + footer.len() as u64 + TRAILER_BYTES as u64;
    Ok(info)
}

impl Segment {
    /// Opens a segment and reads its footer.
    pub(crate) fn open(
        disk: &SharedDisk,
        dir: &Path,
        schema: Schema,
        info: SegmentInfo,
        cache: &Arc<Cache>,
    ) -> Result<Self, BlockError> {
        let file = disk.open_read(&info.path(dir))?;
        let mut magic = [0; MAGIC.len()];
        file.read_exact_at(&mut magic, 0)?;
        let end = file.len().checked_sub(TRAILER_BYTES as u64).ok_or(Damaged("segment length"))?;
        let mut trailer = [0; TRAILER_BYTES];
        file.read_exact_at(&mut trailer, end)?;
        let mut r = Reader(&trailer);
        let (len, crc) = (u64::from(r.u32()?), r.u32()?);
        let known = matches!((magic, r.array()?), (MAGIC, END_MAGIC) | (MAGIC_2, END_MAGIC_2) | (MAGIC_1, END_MAGIC_1));
        if !known || file.len() != info.bytes {
            return Err(Damaged("segment frame").into());
        }
        let footer_at = end.checked_sub(len).ok_or(Damaged("segment footer"))?;
        let footer = file.read_vec_at(len as usize, footer_at)?;
        if crc32c::crc32c(&footer) != crc {
            return Err(BlockError::Checksum("a segment footer"));
        }
        let mut r = Reader(&footer);
        if Schema::from_u8(r.u8()?) != Some(schema) {
            return Err(Damaged("segment schema").into());
        }
        let n = r.count(BLOCKS_MAX.min(footer.len()))?;
        let mut directory = Vec::with_capacity(n);
        for _ in 0..n {
            let (at, len) = (r.varint()?, r.varint()?);
            if at.checked_add(len).is_none_or(|end| end > footer_at) {
                return Err(Damaged("block directory").into());
            }
            let meta = block::read_meta(&mut r)?;
            directory.push((at, len, meta));
        }
        let traces = TraceIndex::decode(&mut r, n)?;
        let dictionaries = Arc::new(Dictionaries::open(&mut r, file.clone(), footer_at, cache.clone())?);
        let parts = match magic {
            MAGIC => r.u8()?,
            _ if r.0.is_empty() => 0,
            _ => CATALOGUE,
        };
        let catalogue = if parts & CATALOGUE != 0 { Some(Catalogue::decode(&mut r)?) } else { None };
        let kinds = match parts {
            _ if parts & KINDS != 0 => Some(kinds::Index::decode(&mut r, schema, n)?),
            _ if parts & SERVICES != 0 => Some(kinds::Index::decode_services(&mut r, n)?),
            _ => None,
        };
        let summaries = Summaries::decode(&mut r, parts, footer_at)?;
        let mut kinds = kinds.map(kinds::Index::into_kinds);
        let block = |(at, len, meta)| {
            let of_block = kinds.as_mut().and_then(Iterator::next);
            let block = Block::in_file(file.clone(), at, len, meta, dictionaries.clone());
            Arc::new(block.with_kinds(of_block))
        };
        let blocks = directory.into_iter().map(block).collect();
        Ok(Self { info, blocks, traces, dictionaries, catalogue, file, summaries, left_alone: AtomicBool::new(false) })
    }

    /// How many rows it has by minute, service and severity or status; `None` when that is not kept, or cannot be read.
    pub(crate) fn counts(&self) -> Option<Counts> {
        self.summary(self.summaries.counts.as_ref()?, Counts::decode)
    }

    /// The tables of durations whose spans all lie in `range`.
    pub(crate) fn durations(&self, range: TimeRange) -> &[SlicePlace] {
        self.summaries.durations(range, self.info.min_time, self.info.max_time)
    }

    /// These tables, with the times at which they begin; `None` when one cannot be read.
    pub(crate) fn read_durations(&self, range: TimeRange) -> Option<Vec<(UnixNanos, Durations)>> {
        let read = |slice: &SlicePlace| Some((slice.begin, self.summary(&slice.place, Durations::decode)?));
        self.durations(range).iter().map(read).collect()
    }

    /// A table that cannot be read is reported once: its blocks know the same.
    fn summary<T>(&self, place: &Table, decode: impl FnOnce(&mut Reader<'_>) -> Result<T, Damaged>) -> Option<T> {
        let read = place.read(&*self.file, decode);
        if let Err(error) = &read
            && place.mark_unreadable()
        {
            tracing::error!(segment = self.info.id, day = %self.info.day, %error, "a summary cannot be read; queries read blocks instead");
        }
        read.ok()
    }

    /// Whether a merge can read all that it has to read of it.
    pub(crate) fn reads_back(&self) -> Result<(), BlockError> {
        for block in &self.blocks {
            block::share::share(block, &mut Builder::default())?;
            block::trace_fingerprints(block)?;
        }
        Ok(())
    }

    /// Leaves it out of merges from now on.
    pub(crate) fn leave_alone(&self) {
        self.left_alone.store(true, Ordering::Relaxed);
    }

    /// See [`Segment::leave_alone`].
    pub(crate) fn is_left_alone(&self) -> bool {
        self.left_alone.load(Ordering::Relaxed)
    }

    /// Whether all its rows do.
    pub(crate) fn lies_in(&self, range: TimeRange) -> bool {
        range.contains(self.info.min_time) && range.contains(self.info.max_time)
    }

    /// The blocks that may have rows of a trace.
    pub(crate) fn trace_blocks(&self, trace: &[u8; 16]) -> impl Iterator<Item = &Arc<Block>> {
        self.traces.find(block::trace_fingerprint(trace)).filter_map(|i| self.blocks.get(i))
    }
}
