//! A block: up to 8,192 rows of one day, sorted by time, as encoded columns.
//!
//! A block is immutable and self-contained: it lies in memory or in a segment
//! file, and is read the same way. The header says what there is (row count,
//! time bounds, counts, columns with their keys); columns are read and checked
//! one by one, when a query asks for them. Format: `docs/formats/segment.md`.

pub(crate) mod encode;
mod gather;
mod header;
mod overflow;
pub(crate) mod share;
mod token_filter;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use foundation::disk::ReadAt;
use model::UnixNanos;
use thiserror::Error;

use header::PREFIX_BYTES;
pub(crate) use header::{Entry, Header, put_meta, read_meta};
pub(crate) use token_filter::TokenFilter;

use crate::column::binary::{self, Binary, Dictionary};
use crate::column::bytes::Reader;
use crate::column::ids::{self, Ids};
use crate::column::presence::{self, Presence};
use crate::column::template::{NumberedTexts, Templates};
use crate::column::{Damaged, doubles, ints};
use crate::dictionary::{Dictionaries, DictionaryError};
use crate::resources::{OriginCache, ResourceInfo, ScopeInfo};
use crate::schema::{self, COUNTED_VALUES, PARENT_ID, RESOURCES, SCOPES, SPAN_ID, TRACE_ID};
use crate::sketch::Sketch;
use crate::value_type::ValueType;

/// Rows of a block. Larger blocks compress little better and make the newest-N queries decode more.
pub(crate) const ROWS_MAX: usize = 8192;
/// Counts are by whole values of the severity or status column.
pub(crate) type ValueCounts = [u32; COUNTED_VALUES];

/// Why a block can not be read.
#[derive(Debug, Error)]
pub(crate) enum BlockError {
    #[error("the disk cannot read a block")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Damaged(#[from] Damaged),
    #[error("checksum of {0} differs")]
    Checksum(&'static str),
    #[error(transparent)]
    Dictionary(#[from] DictionaryError),
}

/// What is known of a block without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) rows: u32,
    /// Both inclusive.
    pub(crate) min_time: UnixNanos,
    pub(crate) max_time: UnixNanos,
    /// Rows per severity number or status code.
    pub(crate) counts: ValueCounts,
}

#[derive(Clone)]
enum Source {
    /// With the distinct values of the attributes that are columns, in the order of their entries.
    Memory {
        bytes: Arc<[u8]>,
        distinct: Arc<[Sketch]>,
    },
    File {
        file: Arc<dyn ReadAt>,
        offset: u64,
        dictionaries: Arc<Dictionaries>,
    },
}

/// A block, wherever it lies.
pub(crate) struct Block {
    pub(crate) meta: Meta,
    /// All of it, header included.
    pub(crate) len: u64,
    source: Source,
    header: OnceLock<Arc<Header>>,
    resources: OnceLock<Arc<[Arc<ResourceInfo>]>>,
    scopes: OnceLock<Arc<[Arc<ScopeInfo>]>>,
    /// In memory only, made when first asked for: see [`Block::may_have_trace`].
    traces: OnceLock<Option<Box<[u32]>>>,
    /// Set once it turned out to be damaged, so that this is reported once.
    damaged: AtomicBool,
}

/// A column of a block in memory.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) presence: Presence,
    pub(crate) values: Values,
}

/// Decoded values; value `i` belongs to row `presence.row(i)`.
#[derive(Debug)]
pub(crate) enum Values {
    Empty,
    Binary(Binary),
    Ints(Vec<i64>),
    Doubles(Vec<f64>),
    Trace(Ids<16>),
    Span(Ids<8>),
}

/// A column by the dictionary of its segment.
pub(crate) struct SharedCodes {
    pub(crate) presence: Presence,
    /// Of each value its place in `places`.
    pub(crate) codes: Vec<u32>,
    /// Of each entry that the block has its place in the dictionary, the same in all blocks of the segment.
    pub(crate) places: Vec<u32>,
    /// One and the same for all blocks of a segment while it is held.
    pub(crate) dictionary: Arc<Dictionary>,
}

impl Loaded {
    pub(crate) fn heap_bytes(&self) -> usize {
        self.presence.heap_bytes()
            + match &self.values {
                Values::Empty => 0,
                Values::Binary(v) => v.heap_bytes(),
                Values::Ints(v) => v.len() * 8,
                Values::Doubles(v) => v.len() * 8,
                Values::Trace(v) => v.heap_bytes(),
                Values::Span(v) => v.heap_bytes(),
            }
    }
}

impl Block {
    /// A block in memory.
    pub(crate) fn in_memory(bytes: Arc<[u8]>, meta: Meta, distinct: Vec<Sketch>) -> Self {
        let len = bytes.len() as u64;
        Self::new(Source::Memory { bytes, distinct: distinct.into() }, len, meta)
    }

    /// A block in a file.
    pub(crate) fn in_file(
        file: Arc<dyn ReadAt>,
        offset: u64,
        len: u64,
        meta: Meta,
        dictionaries: Arc<Dictionaries>,
    ) -> Self {
        Self::new(Source::File { file, offset, dictionaries }, len, meta)
    }

    fn new(source: Source, len: u64, meta: Meta) -> Self {
        Self {
            meta,
            len,
            source,
            header: OnceLock::new(),
            resources: OnceLock::new(),
            scopes: OnceLock::new(),
            traces: OnceLock::new(),
            damaged: AtomicBool::new(false),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.meta.rows as usize
    }

    fn is_in_memory(&self) -> bool {
        matches!(self.source, Source::Memory { .. })
    }

    /// Of the attributes that are columns, in the order of their entries; only what was encoded in memory knows them.
    pub(crate) fn distinct(&self) -> &[Sketch] {
        match &self.source {
            Source::Memory { distinct, .. } => distinct,
            Source::File { .. } => &[],
        }
    }

    /// Whether rows of a trace can be in it. A block in memory answers by its fingerprints, which are
    /// kept; one in a file always says yes, as the index of its segment knows better.
    pub(crate) fn may_have_trace(&self, trace: &[u8; 16]) -> bool {
        if !self.is_in_memory() {
            return true;
        }
        let known = self.traces.get_or_init(|| trace_fingerprints(self).ok().map(Vec::into_boxed_slice));
        // Whoever looks into a block that cannot be read reports it.
        known.as_ref().is_none_or(|f| f.binary_search(&trace_fingerprint(trace)).is_ok())
    }

    /// Marks the block as damaged; whether it was not marked before.
    pub(crate) fn mark_damaged(&self) -> bool {
        !self.damaged.swap(true, Ordering::Relaxed)
    }

    /// The bytes from `offset` (within the block), `len` long.
    pub(crate) fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, BlockError> {
        if offset.checked_add(len as u64).is_none_or(|end| end > self.len) {
            return Err(Damaged("block length").into());
        }
        match &self.source {
            Source::Memory { bytes, .. } => {
                Ok(bytes.get(offset as usize..offset as usize + len).ok_or(Damaged("block length"))?.to_vec())
            }
            Source::File { file, offset: base, .. } => {
                let mut buf = vec![0; len];
                file.read_exact_at(&mut buf, base + offset)?;
                Ok(buf)
            }
        }
    }

    /// The header, read and checked once.
    pub(crate) fn header(&self) -> Result<&Arc<Header>, BlockError> {
        if let Some(header) = self.header.get() {
            return Ok(header);
        }
        let header = self.read_header()?;
        Ok(self.header.get_or_init(|| Arc::new(header)))
    }

    /// The header, read and checked, and not kept: for whoever goes through all blocks once.
    pub(crate) fn read_header(&self) -> Result<Header, BlockError> {
        let len = header::body_bytes(&self.read(0, PREFIX_BYTES)?)?;
        let header = Header::decode(&self.read(0, PREFIX_BYTES + len)?)?;
        if header.meta == self.meta { Ok(header) } else { Err(Damaged("block header").into()) }
    }

    fn payload(&self, header: &Header, entry: &Entry) -> Result<Vec<u8>, BlockError> {
        let bytes = self.read(header.payload_at + u64::from(entry.offset), entry.len as usize)?;
        if crc32c::crc32c(&bytes) != entry.crc {
            return Err(BlockError::Checksum("a column"));
        }
        Ok(bytes)
    }

    /// Reads, checks and decodes one column.
    pub(crate) fn load(&self, header: &Header, entry: &Entry) -> Result<Loaded, BlockError> {
        let bytes = self.payload(header, entry)?;
        let mut r = Reader(&bytes);
        let presence = self.presence(header, &mut r, entry.present as usize)?;
        let values = self.values(entry, &bytes, &mut r)?;
        Ok(Loaded { presence, values })
    }

    /// Decodes all values of a column from what follows its presence.
    fn values(&self, entry: &Entry, payload: &[u8], r: &mut Reader<'_>) -> Result<Values, BlockError> {
        let n = entry.present as usize;
        Ok(match (entry.id, entry.value_type) {
            (TRACE_ID, _) => Values::Trace(ids::decode(r, n)?),
            (SPAN_ID | PARENT_ID, _) => Values::Span(ids::decode(r, n)?),
            (_, ValueType::Empty) => Values::Empty,
            (_, ValueType::Bool | ValueType::Int) => Values::Ints(ints::decode(r, n)?),
            (_, ValueType::Double) => Values::Doubles(doubles::decode(r, n)?),
            (_, ValueType::Str | ValueType::Bytes | ValueType::Array | ValueType::Map) => {
                let shared = self.shared_dictionary(entry, payload)?;
                Values::Binary(binary::decode(r, n, shared.as_deref())?)
            }
        })
    }

    /// The same, of which only the values of `rows` count: others may be empty or absent.
    pub(crate) fn load_rows(&self, header: &Header, entry: &Entry, rows: &[usize]) -> Result<Loaded, BlockError> {
        let bytes = self.payload(header, entry)?;
        let mut r = Reader(&bytes);
        let n = entry.present as usize;
        let presence = self.presence(header, &mut r, n)?;
        let mut wanted = vec![false; n];
        for i in rows.iter().filter_map(|row| presence.value(*row)) {
            if let Some(w) = wanted.get_mut(i) {
                *w = true;
            }
        }
        // Most attributes are those of other rows.
        if !wanted.contains(&true) {
            return Ok(Loaded { presence: Presence::Rows(Vec::new()), values: Values::Empty });
        }
        if !entry.value_type.is_binary() || matches!(entry.id, TRACE_ID | SPAN_ID | PARENT_ID) {
            let values = self.values(entry, &bytes, &mut r)?;
            return Ok(Loaded { presence, values });
        }
        let shared = self.shared_dictionary(entry, &bytes)?;
        let is_wanted = |i: usize| wanted.get(i) == Some(&true);
        let values = Values::Binary(binary::decode_where(&mut r, n, shared.as_deref(), is_wanted)?);
        Ok(Loaded { presence, values })
    }

    fn presence(&self, header: &Header, r: &mut Reader<'_>, n: usize) -> Result<Presence, BlockError> {
        match presence::table_place(r)? {
            None => Ok(presence::decode(r, n, self.rows())?),
            Some(place) => {
                let table = header.entries.iter().find(|e| e.id == schema::PRESENCES).ok_or(Damaged("presences"))?;
                Ok(presence::from_table(&self.payload(header, table)?, place, n, self.rows())?)
            }
        }
    }

    /// The templates of a text column and the template of each value, without decoding the values; `None` when
    /// the column is stored in another way.
    ///
    /// A template has a zero byte in the place of each variable. A variable is a token with a digit, or of at
    /// least four hexadecimal letters (`template::is_variable`): a text has any other token if and only if its
    /// template has it, and a phrase without such tokens too.
    pub(crate) fn templates(
        &self,
        header: &Header,
        entry: &Entry,
    ) -> Result<Option<(Presence, Templates)>, BlockError> {
        self.decode_texts_by(header, entry, binary::decode_templates)
    }

    /// The numbers of a text column whose texts differ in one number only, and what is around them; `None` when the
    /// column is stored in another way.
    pub(crate) fn numbered(
        &self,
        header: &Header,
        entry: &Entry,
    ) -> Result<Option<(Presence, NumberedTexts)>, BlockError> {
        self.decode_texts_by(header, entry, binary::decode_numbered)
    }

    /// A text column as `decode` understands it, which says `None` when it is stored in another way.
    fn decode_texts_by<T>(
        &self,
        header: &Header,
        entry: &Entry,
        decode: impl FnOnce(&mut Reader<'_>, usize, Option<&Dictionary>) -> Result<Option<T>, Damaged>,
    ) -> Result<Option<(Presence, T)>, BlockError> {
        if entry.value_type != ValueType::Str {
            return Ok(None);
        }
        let bytes = self.payload(header, entry)?;
        let mut r = Reader(&bytes);
        let n = entry.present as usize;
        let presence = self.presence(header, &mut r, n)?;
        let shared = self.shared_dictionary(entry, &bytes)?;
        Ok(decode(&mut r, n, shared.as_deref())?.map(|values| (presence, values)))
    }

    /// The codes of a column whose entries are in the dictionary of the segment, without copying entries;
    /// `None` when the block has its own (in memory always) or the column is stored in another way.
    pub(crate) fn shared_codes(&self, header: &Header, entry: &Entry) -> Result<Option<SharedCodes>, BlockError> {
        if !entry.value_type.is_binary() {
            return Ok(None);
        }
        let bytes = self.payload(header, entry)?;
        let Some(dictionary) = self.shared_dictionary(entry, &bytes)? else { return Ok(None) };
        let mut r = Reader(&bytes);
        let n = entry.present as usize;
        let presence = self.presence(header, &mut r, n)?;
        let Some((codes, places)) = binary::decode_shared(&mut r, n)? else { return Ok(None) };
        if places.iter().any(|p| *p as usize >= dictionary.entries.len()) {
            return Err(Damaged("dictionary place").into());
        }
        Ok(Some(SharedCodes { presence, codes, places, dictionary }))
    }

    /// The segment's dictionary of a column, if the column uses it.
    fn shared_dictionary(&self, entry: &Entry, payload: &[u8]) -> Result<Option<Arc<Dictionary>>, BlockError> {
        match (entry.split_entries(payload), &self.source) {
            (Some((_, entries)), Source::File { dictionaries, .. }) if binary::are_shared(entries) => {
                Ok(Some(dictionaries.get(entry.column())?))
            }
            _ => Ok(None),
        }
    }

    /// The words that plain text columns of the block have; `None` when it has no such column, or none
    /// that full text search looks at. A column that the filter covers and that lacks a word
    /// ([`TokenFilter::may_have`]) need not be read in search of it.
    pub(crate) fn token_filter(&self, header: &Header) -> Result<Option<TokenFilter>, BlockError> {
        match header.entries.iter().find(|e| e.id == schema::TOKENS) {
            Some(entry) => Ok(Some(TokenFilter::decode(&self.payload(header, entry)?)?)),
            None => Ok(None),
        }
    }

    fn origins(&self, id: u8) -> Result<(usize, Binary), BlockError> {
        let header = self.header()?;
        let Some(entry) = header.entries.iter().find(|e| e.id == id) else {
            return Err(Damaged("origin table").into());
        };
        let bytes = self.payload(header, entry)?;
        let n = entry.present as usize;
        let shared = self.shared_dictionary(entry, &bytes)?;
        Ok((n, binary::decode(&mut Reader(&bytes), n, shared.as_deref())?))
    }

    /// The distinct resources of the block; values of the resource column point into it.
    pub(crate) fn resources(&self, cache: &OriginCache) -> Result<&Arc<[Arc<ResourceInfo>]>, BlockError> {
        if let Some(list) = self.resources.get() {
            return Ok(list);
        }
        let (n, values) = self.origins(RESOURCES)?;
        let list = (0..n).map(|i| cache.resource(values.get(i))).collect::<Result<Arc<[_]>, _>>()?;
        Ok(self.resources.get_or_init(|| list))
    }

    /// The distinct scopes of the block; values of the scope column point into it.
    pub(crate) fn scopes(&self, cache: &OriginCache) -> Result<&Arc<[Arc<ScopeInfo>]>, BlockError> {
        if let Some(list) = self.scopes.get() {
            return Ok(list);
        }
        let (n, values) = self.origins(SCOPES)?;
        let list = (0..n).map(|i| cache.scope(values.get(i))).collect::<Result<Arc<[_]>, _>>()?;
        Ok(self.scopes.get_or_init(|| list))
    }
}

/// What the trace index keeps of a trace id: CRC32C of its 16 bytes.
///
/// Traces may share it; whoever finds a block by it still compares the ids.
pub(crate) fn trace_fingerprint(id: &[u8; 16]) -> u32 {
    crc32c::crc32c(id)
}

/// The trace fingerprints of a block's rows, sorted, without repeats and without zero ids.
pub(crate) fn trace_fingerprints(block: &Block) -> Result<Vec<u32>, BlockError> {
    let header = block.header()?;
    let Some(entry) = header.entries.iter().find(|e| e.id == schema::TRACE_ID) else { return Ok(Vec::new()) };
    let Values::Trace(ids) = block.load(header, entry)?.values else { return Err(Damaged("trace ids").into()) };
    let mut out = Vec::new();
    ids.rows(
        |id| {
            if *id != [0; 16] {
                out.push(trace_fingerprint(id));
            }
            false
        },
        |_| (),
    );
    out.sort_unstable();
    out.dedup();
    Ok(out)
}
