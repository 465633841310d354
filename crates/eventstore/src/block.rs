//! A block: up to 8,192 rows of one day, sorted by time, as encoded columns.
//!
//! A block is immutable and self-contained: it lies in memory or in a segment
//! file, and is read the same way. The header says what there is (row count,
//! time bounds, counts, columns with their keys); columns are read and checked
//! one by one, when a query asks for them. Format: `docs/formats/segment.md`.

mod ahead;
pub(crate) mod encode;
mod gather;
mod header;
mod overflow;
pub(crate) mod share;
mod token_filter;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use foundation::disk::ReadAt;
use model::UnixNanos;
use thiserror::Error;

pub(crate) use ahead::Columns;
use header::PREFIX_BYTES;
pub(crate) use header::{Entry, Header, put_meta, read_meta};
pub(crate) use token_filter::TokenFilter;

use crate::column::binary::{self, Binary, Dictionary, Entries};
use crate::column::bytes::Reader;
use crate::column::ids::{self, Ids};
use crate::column::presence::{self, Picked, Presence};
use crate::column::template::{NumberedTexts, Templates};
use crate::column::{Damaged, doubles, ints};
use crate::dictionary::{Dictionaries, DictionaryError};
use crate::kinds::Kinds;
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
    /// As the index of its segment knows them.
    kinds: Option<Kinds>,
    /// In memory only, made when first asked for: see [`Block::may_have_trace`].
    traces: OnceLock<Option<Box<[u32]>>>,
    /// Of a block in a file, what was read of it: see `ahead`.
    touched: AtomicU64,
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

/// A text column by its dictionary.
pub(crate) struct Coded {
    pub(crate) presence: Presence,
    /// Of each value its place among the entries.
    pub(crate) codes: Vec<u32>,
    pub(crate) entries: Entries,
}

/// The presences of a block that several columns share: read when the first of them is.
#[derive(Debug, Default)]
pub(crate) struct Presences(OnceCell<Vec<u8>>);

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

    /// The same with the kinds of its rows.
    pub(crate) fn with_kinds(self, kinds: Option<Kinds>) -> Self {
        Self { kinds, ..self }
    }

    /// The kinds of its rows, where they are known without reading it.
    pub(crate) fn kinds(&self) -> Option<&Kinds> {
        self.kinds.as_ref()
    }

    fn new(source: Source, len: u64, meta: Meta) -> Self {
        Self {
            meta,
            len,
            source,
            header: OnceLock::new(),
            resources: OnceLock::new(),
            scopes: OnceLock::new(),
            kinds: None,
            traces: OnceLock::new(),
            touched: AtomicU64::new(0),
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
    pub(crate) fn read(&self, offset: u64, len: usize) -> Result<Cow<'_, [u8]>, BlockError> {
        if offset.checked_add(len as u64).is_none_or(|end| end > self.len) {
            return Err(Damaged("block length").into());
        }
        match &self.source {
            Source::Memory { bytes, .. } => {
                let bytes = bytes.get(offset as usize..offset as usize + len).ok_or(Damaged("block length"))?;
                Ok(Cow::Borrowed(bytes))
            }
            Source::File { file, offset: base, .. } => Ok(Cow::Owned(file.read_vec_at(len, base + offset)?)),
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
        let beginning = self.read(0, ahead::HEADER_BYTES.min(self.len) as usize)?;
        let len = PREFIX_BYTES + header::body_bytes(beginning.get(..PREFIX_BYTES).unwrap_or_default())?;
        let header = match beginning.get(..len) {
            Some(bytes) => Header::decode(bytes)?,
            None => Header::decode(&self.read(0, len)?)?,
        };
        if header.meta == self.meta { Ok(header) } else { Err(Damaged("block header").into()) }
    }

    fn payload(&self, header: &Header, entry: &Entry) -> Result<Cow<'_, [u8]>, BlockError> {
        self.touch_column(entry);
        let bytes = self.read(header.payload_at + u64::from(entry.offset), entry.len as usize)?;
        if crc32c::crc32c(&bytes) != entry.crc {
            return Err(BlockError::Checksum("a column"));
        }
        Ok(bytes)
    }

    /// Reads, checks and decodes one column.
    pub(crate) fn load(&self, header: &Header, entry: &Entry, presences: &Presences) -> Result<Loaded, BlockError> {
        let bytes = self.payload(header, entry)?;
        let mut r = Reader(&bytes);
        let presence = self.presence(header, &mut r, entry.present as usize, presences)?;
        let n = entry.present as usize;
        let values = match (entry.id, entry.value_type) {
            (TRACE_ID, _) => Values::Trace(ids::decode(&mut r, n)?),
            (SPAN_ID | PARENT_ID, _) => Values::Span(ids::decode(&mut r, n)?),
            (_, ValueType::Empty) => Values::Empty,
            (_, ValueType::Bool | ValueType::Int) => Values::Ints(ints::decode(&mut r, n)?),
            (_, ValueType::Double) => Values::Doubles(doubles::decode(&mut r, n)?),
            (_, ValueType::Str | ValueType::Bytes | ValueType::Array | ValueType::Map) => {
                let shared = self.shared_dictionary(entry, &bytes)?;
                Values::Binary(binary::decode(&mut r, n, shared.as_ref())?)
            }
        };
        Ok(Loaded { presence, values })
    }

    /// The same of `rows`, which rise, alone: there are no other values, and as far as possible none are made.
    pub(crate) fn load_rows(
        &self,
        header: &Header,
        entry: &Entry,
        presences: &Presences,
        rows: &[usize],
    ) -> Result<Loaded, BlockError> {
        let bytes = self.payload(header, entry)?;
        let mut r = Reader(&bytes);
        let n = entry.present as usize;
        let Picked { rows, values: at } = self.pick(header, &mut r, n, presences, rows)?;
        let presence = Presence::Rows(rows);
        // Most attributes are those of other rows.
        if at.is_empty() {
            return Ok(Loaded { presence, values: Values::Empty });
        }
        let values = match (entry.id, entry.value_type) {
            (TRACE_ID, _) => Values::Trace(ids::decode_at(&mut r, n, &at)?),
            (SPAN_ID | PARENT_ID, _) => Values::Span(ids::decode_at(&mut r, n, &at)?),
            (_, ValueType::Empty) => Values::Empty,
            (_, ValueType::Bool | ValueType::Int) => Values::Ints(ints::decode_at(&mut r, n, &at)?),
            (_, ValueType::Double) => Values::Doubles(doubles::decode_at(&mut r, n, &at)?),
            (_, ValueType::Str | ValueType::Bytes | ValueType::Array | ValueType::Map) => {
                let shared = self.shared_dictionary(entry, &bytes)?;
                Values::Binary(binary::decode_at(&mut r, n, shared.as_ref(), &at)?)
            }
        };
        Ok(Loaded { presence, values })
    }

    fn presence(
        &self,
        header: &Header,
        r: &mut Reader<'_>,
        n: usize,
        presences: &Presences,
    ) -> Result<Presence, BlockError> {
        match presence::table_place(r)? {
            None => Ok(presence::decode(r, n, self.rows())?),
            Some(place) => {
                let table = self.presences(header, presences)?;
                Ok(presence::decode(&mut Reader(presence::in_table(table, place)?), n, self.rows())?)
            }
        }
    }

    /// Which of `rows` have a value.
    fn pick(
        &self,
        header: &Header,
        r: &mut Reader<'_>,
        n: usize,
        presences: &Presences,
        rows: &[usize],
    ) -> Result<Picked, BlockError> {
        match presence::table_place(r)? {
            None => Ok(presence::pick(r, n, self.rows(), rows)?),
            Some(place) => {
                let table = self.presences(header, presences)?;
                Ok(presence::pick(&mut Reader(presence::in_table(table, place)?), n, self.rows(), rows)?)
            }
        }
    }

    fn presences<'p>(&self, header: &Header, presences: &'p Presences) -> Result<&'p [u8], BlockError> {
        if let Some(table) = presences.0.get() {
            return Ok(table);
        }
        let entry = header.entries.iter().find(|e| e.id == schema::PRESENCES).ok_or(Damaged("presences"))?;
        let table = self.payload(header, entry)?.into_owned();
        Ok(presences.0.get_or_init(|| table))
    }

    /// How many rows lie before each of `bounds`, which rise.
    pub(crate) fn rows_before(&self, header: &Header, bounds: &[i64]) -> Result<Vec<usize>, BlockError> {
        let entry = header.entries.iter().find(|e| e.id == schema::TIME).ok_or(Damaged("missing column"))?;
        let bytes = self.payload(header, entry)?;
        let mut r = Reader(&bytes);
        if presence::table_place(&mut r)?.is_some()
            || presence::decode(&mut r, entry.present as usize, self.rows())? != Presence::All
        {
            return Err(Damaged("missing column").into());
        }
        Ok(ints::below(&mut r, self.rows(), bounds)?)
    }

    /// A column of integers as it is stored; `None` when it is none, or not every row has it.
    pub(crate) fn stored_ints(&self, header: &Header, entry: &Entry) -> Result<Option<ints::Stored>, BlockError> {
        if !matches!(entry.value_type, ValueType::Int | ValueType::Bool) || entry.present as usize != self.rows() {
            return Ok(None);
        }
        let bytes = self.payload(header, entry)?;
        let mut r = Reader(&bytes);
        if presence::table_place(&mut r)?.is_some() {
            return Ok(None);
        }
        presence::decode(&mut r, self.rows(), self.rows())?;
        Ok(Some(ints::decode_stored(&mut r, self.rows())?))
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
        presences: &Presences,
    ) -> Result<Option<(Presence, Templates)>, BlockError> {
        self.decode_texts_by(header, entry, presences, binary::decode_templates)
    }

    /// The numbers of a text column whose texts differ in one number only, and what is around them; `None` when the
    /// column is stored in another way.
    pub(crate) fn numbered(
        &self,
        header: &Header,
        entry: &Entry,
        presences: &Presences,
    ) -> Result<Option<(Presence, NumberedTexts)>, BlockError> {
        self.decode_texts_by(header, entry, presences, binary::decode_numbered)
    }

    /// A text column as `decode` understands it, which says `None` when it is stored in another way.
    fn decode_texts_by<T>(
        &self,
        header: &Header,
        entry: &Entry,
        presences: &Presences,
        decode: impl FnOnce(&mut Reader<'_>, usize, Option<&Arc<Dictionary>>) -> Result<Option<T>, Damaged>,
    ) -> Result<Option<(Presence, T)>, BlockError> {
        if entry.value_type != ValueType::Str {
            return Ok(None);
        }
        let bytes = self.payload(header, entry)?;
        let mut r = Reader(&bytes);
        let n = entry.present as usize;
        let presence = self.presence(header, &mut r, n, presences)?;
        let shared = self.shared_dictionary(entry, &bytes)?;
        Ok(decode(&mut r, n, shared.as_ref())?.map(|values| (presence, values)))
    }

    /// The codes of a column of texts, without copying entries; `None` when it is stored in another way. No value is
    /// there when the entries are none that are `wanted`.
    pub(crate) fn codes(
        &self,
        header: &Header,
        entry: &Entry,
        presences: &Presences,
        wanted: impl FnOnce(&Entries) -> bool,
    ) -> Result<Option<Coded>, BlockError> {
        if !entry.value_type.is_binary() {
            return Ok(None);
        }
        let bytes = self.payload(header, entry)?;
        let mut r = Reader(&bytes);
        let n = entry.present as usize;
        let presence = self.presence(header, &mut r, n, presences)?;
        let shared = self.shared_dictionary(entry, &bytes)?;
        let coded = binary::decode_codes(&mut r, n, shared.as_ref(), wanted)?;
        Ok(coded.map(|(codes, entries)| Coded { presence, codes, entries }))
    }

    /// The rows that have a value in a column.
    pub(crate) fn present(
        &self,
        header: &Header,
        entry: &Entry,
        presences: &Presences,
    ) -> Result<Presence, BlockError> {
        self.presence(header, &mut Reader(&self.payload(header, entry)?), entry.present as usize, presences)
    }

    /// The same of `rows`, which rise, alone.
    pub(crate) fn codes_of_rows(
        &self,
        header: &Header,
        entry: &Entry,
        presences: &Presences,
        rows: &[usize],
    ) -> Result<Option<Coded>, BlockError> {
        if !entry.value_type.is_binary() {
            return Ok(None);
        }
        let bytes = self.payload(header, entry)?;
        let mut r = Reader(&bytes);
        let n = entry.present as usize;
        let Picked { rows, values: at } = self.pick(header, &mut r, n, presences, rows)?;
        let shared = self.shared_dictionary(entry, &bytes)?;
        let coded = binary::decode_codes_at(&mut r, n, shared.as_ref(), &at)?;
        Ok(coded.map(|(codes, entries)| Coded { presence: Presence::Rows(rows), codes, entries }))
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
    pub(crate) fn token_filter(&self, header: &Header) -> Result<Option<TokenFilter<'_>>, BlockError> {
        match header.entries.iter().find(|e| e.id == schema::TOKENS) {
            Some(entry) => Ok(Some(TokenFilter::decode(self.payload(header, entry)?)?)),
            None => Ok(None),
        }
    }

    fn origins(&self, header: &Header, id: u8) -> Result<(usize, Binary), BlockError> {
        let Some(entry) = header.entries.iter().find(|e| e.id == id) else {
            return Err(Damaged("origin table").into());
        };
        let bytes = self.payload(header, entry)?;
        let n = entry.present as usize;
        let shared = self.shared_dictionary(entry, &bytes)?;
        Ok((n, binary::decode(&mut Reader(&bytes), n, shared.as_ref())?))
    }

    /// The distinct resources of the block; values of the resource column point into it.
    pub(crate) fn resources(&self, cache: &OriginCache) -> Result<&Arc<[Arc<ResourceInfo>]>, BlockError> {
        if let Some(list) = self.resources.get() {
            return Ok(list);
        }
        let (n, values) = self.origins(self.header()?, RESOURCES)?;
        let list = (0..n).map(|i| cache.resource(values.get(i))).collect::<Result<Arc<[_]>, _>>()?;
        Ok(self.resources.get_or_init(|| list))
    }

    /// The distinct resources, read and not kept: for whoever goes through all blocks once.
    pub(crate) fn read_resources(&self, cache: &OriginCache) -> Result<Vec<Arc<ResourceInfo>>, BlockError> {
        let (n, values) = self.origins(&self.read_header()?, RESOURCES)?;
        Ok((0..n).map(|i| cache.resource(values.get(i))).collect::<Result<_, _>>()?)
    }

    /// The distinct scopes of the block; values of the scope column point into it.
    pub(crate) fn scopes(&self, cache: &OriginCache) -> Result<&Arc<[Arc<ScopeInfo>]>, BlockError> {
        if let Some(list) = self.scopes.get() {
            return Ok(list);
        }
        let (n, values) = self.origins(self.header()?, SCOPES)?;
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
    let Values::Trace(ids) = block.load(header, entry, &Presences::default())?.values else {
        return Err(Damaged("trace ids").into());
    };
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
