//! Columns of texts and bytes: one value, dictionary with codes, templates, or plain.
//!
//! Lengths are an integer column; the bytes lie one after another and are
//! compressed with zstd when that helps.

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxHasher;
use std::hash::Hasher as _;

use super::bytes::{Reader, put_bytes, put_varint};
use super::template::{self, NumberedTexts, Split, Templates};
use super::{Damaged, codes, ints};

const CONST: u8 = 0;
/// Written by version 1.
const DICT: u8 = 1;
const PLAIN: u8 = 2;
const CODED: u8 = 3;
const TEMPLATES: u8 = 4;
/// Entries, each a value.
const TABLE: u8 = 5;

/// The entries of a dictionary are here.
const INLINE: u8 = 0;
/// The entries are in the dictionary of the segment; their places are here.
const SHARED: u8 = 1;

const RAW: u8 = 0;
const ZSTD: u8 = 1;

/// Level 1: level 3 was measured to buy nothing on bodies, at half the speed.
const ZSTD_LEVEL: i32 = 1;
/// Shorter than this, the zstd frame costs more than it saves.
const ZSTD_BYTES_MIN: usize = 128;
/// No block holds more bytes of one column; guards what is allocated.
pub(crate) const BLOB_BYTES_MAX: usize = 1 << 30;

thread_local! {
    // A context is several hundred KiB and costs more to make than a small column to compress.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Texts one after another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Blob {
    /// Where each text begins, and where the last ends.
    offsets: Vec<u32>,
    bytes: Vec<u8>,
}

impl Blob {
    /// `offsets` rise from 0 to the length of `bytes`.
    pub(crate) fn new(offsets: Vec<u32>, bytes: Vec<u8>) -> Self {
        Self { offsets, bytes }
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The text at `i`; empty when there is none.
    pub(crate) fn get(&self, i: usize) -> &[u8] {
        match (self.offsets.get(i), self.offsets.get(i + 1)) {
            (Some(a), Some(b)) => self.bytes.get(*a as usize..*b as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    /// All texts one after another, for scans over the whole column.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where each text begins in [`Blob::bytes`], and where the last ends.
    pub(crate) fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.offsets.len() * 4 + self.bytes.len()
    }
}

/// A decoded column of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Binary {
    /// All the same.
    Const(Vec<u8>),
    /// `entries[codes[i]]`; codes are checked against the entries.
    Dict {
        /// One per value.
        codes: Vec<u32>,
        /// The distinct values.
        entries: Blob,
    },
    /// One after another.
    Plain(Blob),
}

impl Binary {
    /// The value at `i`.
    pub(crate) fn get(&self, i: usize) -> &[u8] {
        match self {
            Self::Const(v) => v,
            Self::Dict { codes, entries } => codes.get(i).map_or(&[], |c| entries.get(*c as usize)),
            Self::Plain(blob) => blob.get(i),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Const(v) => v.len(),
            Self::Dict { codes, entries } => codes.len() * 4 + entries.heap_bytes(),
            Self::Plain(blob) => blob.heap_bytes(),
        }
    }
}

pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut h = FxHasher::default();
    h.write(bytes);
    h.finish()
}

/// When nearly all of so many first values differ, no dictionary is tried.
const SAMPLE: usize = 512;

/// Codes of distinct values in order of first appearance, or `None` when more than `max` are distinct.
fn dictionary<'a>(values: &[&'a [u8]], max: usize) -> Option<(Vec<u32>, Vec<&'a [u8]>)> {
    let mut table: HashTable<u32> = HashTable::new();
    let mut entries: Vec<&[u8]> = Vec::new();
    let mut codes = Vec::with_capacity(values.len());
    let mut last: Option<(&[u8], u32)> = None;
    for &v in values {
        // Repeats of the record before share its bytes in the batch: no need to look at them.
        if let Some((text, code)) = last
            && text.len() == v.len()
            && (std::ptr::eq(text.as_ptr(), v.as_ptr()) || text == v)
        {
            codes.push(code);
            continue;
        }
        let h = hash(v);
        let code = match table.find(h, |c| entries[*c as usize] == v) {
            Some(c) => *c,
            None => {
                let early = codes.len() < SAMPLE && entries.len() >= SAMPLE * 7 / 8;
                if entries.len() >= max || early {
                    return None;
                }
                let c = entries.len() as u32;
                entries.push(v);
                table.insert_unique(h, c, |c| hash(entries[*c as usize]));
                c
            }
        };
        last = Some((v, code));
        codes.push(code);
    }
    Some((codes, entries))
}

/// How values were written.
pub(crate) enum Form<'a> {
    /// Each distinct value once: these.
    Distinct(Vec<&'a [u8]>),
    /// One after another.
    Plain,
    /// As templates and variables.
    Templates(Split<'a>),
}

/// Templates that are so much smaller than the texts are taken without trying zstd, which brings logs to about a fifth.
const TEMPLATES_GAIN: usize = 5;

/// Appends `values` as they are, one after another.
pub(crate) fn encode_as_they_are<'a>(values: &[&'a [u8]], out: &mut Vec<u8>) -> Form<'a> {
    out.push(PLAIN);
    put_lens(values, out);
    out.push(RAW);
    put_varint(out, values.iter().map(|v| v.len() as u64).sum());
    values.iter().for_each(|v| out.extend_from_slice(v));
    Form::Plain
}

/// Appends `values` in the encoding that fits. The number of values is not stored.
pub(crate) fn encode<'a>(values: &[&'a [u8]], out: &mut Vec<u8>) -> Form<'a> {
    if values.is_empty() {
        return Form::Distinct(Vec::new());
    }
    // A dictionary that holds more than a third of the values saves little and slows every scan.
    match dictionary(values, (values.len() / 3).max(8)) {
        Some((_, entries)) if entries.len() == 1 => {
            out.push(CONST);
            put_bytes(out, entries[0]);
            Form::Distinct(entries)
        }
        Some((codes, entries)) => {
            out.push(CODED);
            put_entries(&entries, out);
            codes::encode(&codes, entries.len(), out);
            Form::Distinct(entries)
        }
        None => encode_distinct(values, out),
    }
}

/// Values that mostly differ: templates or plain, whichever is smaller.
fn encode_distinct<'a>(values: &[&'a [u8]], out: &mut Vec<u8>) -> Form<'a> {
    let at = out.len();
    let bytes: usize = values.iter().map(|v| v.len()).sum();
    let split = template::split(values);
    if let Some(split) = &split {
        out.push(TEMPLATES);
        split.encode(bytes, out);
    }
    let with_templates = out.len() - at;
    match split {
        Some(split) if with_templates < bytes / TEMPLATES_GAIN => return Form::Templates(split),
        Some(split) => {
            let mut plain = vec![PLAIN];
            put_blob(values, &mut plain);
            if with_templates <= plain.len() {
                return Form::Templates(split);
            }
            out.truncate(at);
            out.extend_from_slice(&plain);
        }
        None => {
            out.push(PLAIN);
            put_blob(values, out);
        }
    }
    Form::Plain
}

/// Appends the values of a table, all different.
pub(crate) fn encode_table(values: &[&[u8]], out: &mut Vec<u8>) {
    out.push(TABLE);
    put_entries(values, out);
}

/// Where the entries of a column's dictionary begin, if it has one: what stands before them, from the first byte
/// after the presence, and the rest.
pub(crate) fn split_entries(values: &[u8]) -> Option<(&[u8], &[u8])> {
    matches!(values.first(), Some(&(CODED | TEMPLATES | TABLE))).then(|| values.split_at(1))
}

/// Whether the entries of a dictionary are in that of the segment; `entries` is the rest of [`split_entries`].
pub(crate) fn are_shared(entries: &[u8]) -> bool {
    entries.first() == Some(&SHARED)
}

/// Reads `n` values; `shared` is the segment's dictionary of the column, if the column uses it.
pub(crate) fn decode(r: &mut Reader<'_>, n: usize, shared: Option<&Arc<Dictionary>>) -> Result<Binary, Damaged> {
    if n == 0 {
        return Ok(Binary::Const(Vec::new()));
    }
    match r.u8()? {
        CONST => Ok(Binary::Const(r.bytes()?.to_vec())),
        DICT => {
            let count = r.count(n)?;
            let entries = read_blob(r, count)?;
            let codes = codes::unpack(r, n, count)?;
            Ok(Binary::Dict { codes, entries })
        }
        CODED => {
            let entries = read_entries(r, n, shared)?.into_texts()?;
            let codes = codes::decode(r, n, entries.len())?;
            Ok(Binary::Dict { codes, entries })
        }
        TEMPLATES => Ok(Binary::Plain(template::decode(r, n, shared)?)),
        TABLE => {
            let entries = read_entries(r, n, shared)?.into_texts()?;
            if entries.len() == n { Ok(Binary::Plain(entries)) } else { Err(Damaged("table")) }
        }
        PLAIN => Ok(Binary::Plain(read_blob(r, n)?)),
        _ => Err(Damaged("text encoding")),
    }
}

/// The values at `at` (rising, below `n`) of `n`: texts are not made of templates, nor looked up, for nothing.
pub(crate) fn decode_at(
    r: &mut Reader<'_>,
    n: usize,
    shared: Option<&Arc<Dictionary>>,
    at: &[usize],
) -> Result<Binary, Damaged> {
    match r.0.first() {
        Some(&TEMPLATES) => {
            r.u8()?;
            return Ok(Binary::Plain(template::decode_at(r, n, shared, at)?));
        }
        Some(&CODED) => {
            r.u8()?;
            let entries = read_entries(r, n, shared)?;
            let mut codes = codes::decode_at(r, n, entries.len(), at)?;
            let mut known = codes.clone();
            known.sort_unstable();
            known.dedup();
            let mut texts = Texts::default();
            known.iter().for_each(|c| texts.push(entries.get(*c as usize)));
            codes.iter_mut().for_each(|c| *c = known.partition_point(|k| k < c) as u32);
            return Ok(Binary::Dict { codes, entries: texts.0 });
        }
        _ => {}
    }
    Ok(match decode(r, n, shared)? {
        Binary::Const(text) => Binary::Const(text),
        Binary::Dict { codes, entries } => {
            let picked: Option<Vec<u32>> = at.iter().map(|i| codes.get(*i).copied()).collect();
            Binary::Dict { codes: picked.ok_or(Damaged("place of a text"))?, entries }
        }
        Binary::Plain(all) => {
            let mut texts = Texts::default();
            at.iter().for_each(|i| texts.push(all.get(*i)));
            Binary::Plain(texts.0)
        }
    })
}

/// Texts that are put one after another; each is another text of a column, or entry of a dictionary.
struct Texts(Blob);

impl Default for Texts {
    fn default() -> Self {
        Self(Blob::new(vec![0], Vec::new()))
    }
}

impl Texts {
    fn push(&mut self, text: &[u8]) {
        self.0.bytes.extend_from_slice(text);
        self.0.offsets.push(self.0.bytes.len() as u32);
    }
}

/// The templates of `n` values; `None` when they are stored in another way.
pub(crate) fn decode_templates(
    r: &mut Reader<'_>,
    n: usize,
    shared: Option<&Arc<Dictionary>>,
) -> Result<Option<Templates>, Damaged> {
    if n == 0 || r.u8()? != TEMPLATES {
        return Ok(None);
    }
    template::decode_templates(r, n, shared).map(Some)
}

/// `n` values that differ in one number only; see [`template::decode_numbered`].
pub(crate) fn decode_numbered(
    r: &mut Reader<'_>,
    n: usize,
    shared: Option<&Arc<Dictionary>>,
) -> Result<Option<NumberedTexts>, Damaged> {
    if n == 0 || r.u8()? != TEMPLATES {
        return Ok(None);
    }
    template::decode_numbered(r, n, shared)
}

/// The codes of `n` values with a dictionary; `None` when they are stored in another way. There are no codes when the
/// entries are none that are `wanted`.
pub(crate) fn decode_codes(
    r: &mut Reader<'_>,
    n: usize,
    shared: Option<&Arc<Dictionary>>,
    wanted: impl FnOnce(&Entries) -> bool,
) -> Result<Option<(Vec<u32>, Entries)>, Damaged> {
    if n == 0 || r.u8()? != CODED {
        return Ok(None);
    }
    let entries = read_entries(r, n, shared)?;
    let codes = if wanted(&entries) { codes::decode(r, n, entries.len())? } else { Vec::new() };
    Ok(Some((codes, entries)))
}

/// The same of the values at `at` (rising, below `n`).
pub(crate) fn decode_codes_at(
    r: &mut Reader<'_>,
    n: usize,
    shared: Option<&Arc<Dictionary>>,
    at: &[usize],
) -> Result<Option<(Vec<u32>, Entries)>, Damaged> {
    if n == 0 || r.u8()? != CODED {
        return Ok(None);
    }
    let entries = read_entries(r, n, shared)?;
    Ok(Some((codes::decode_at(r, n, entries.len(), at)?, entries)))
}

/// Appends the entries of a dictionary.
pub(crate) fn put_entries(entries: &[&[u8]], out: &mut Vec<u8>) {
    out.push(INLINE);
    put_varint(out, entries.len() as u64);
    put_blob(entries, out);
}

/// Appends the places of the entries in the dictionary of the segment.
pub(crate) fn put_places(places: &[i64], out: &mut Vec<u8>) {
    out.push(SHARED);
    put_varint(out, places.len() as u64);
    ints::encode(places, out);
}

fn read_places(r: &mut Reader<'_>, max: usize) -> Result<Vec<u32>, Damaged> {
    let count = r.count(max)?;
    let places = ints::decode(r, count)?.into_iter().map(u32::try_from).collect::<Result<_, _>>();
    places.map_err(|_| Damaged("dictionary place"))
}

/// The entries of a dictionary.
#[derive(Debug, Clone)]
pub(crate) enum Entries {
    /// The block's own.
    Own(Blob),
    /// In the dictionary of the segment.
    Shared {
        /// The place of each, the same for a text in all blocks of the segment; they are there.
        places: Vec<u32>,
        /// One and the same for all blocks of the segment while it is held.
        dictionary: Arc<Dictionary>,
    },
}

impl Entries {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Own(texts) => texts.len(),
            Self::Shared { places, .. } => places.len(),
        }
    }

    /// The entry at `i`; empty outside.
    pub(crate) fn get(&self, i: usize) -> &[u8] {
        match self {
            Self::Own(texts) => texts.get(i),
            Self::Shared { places, dictionary } => {
                places.get(i).map_or(&[], |place| dictionary.entries.get(*place as usize))
            }
        }
    }

    /// The entries one after another.
    pub(crate) fn into_texts(self) -> Result<Blob, Damaged> {
        let (places, dictionary) = match self {
            Self::Own(texts) => return Ok(texts),
            Self::Shared { places, dictionary } => (places, dictionary),
        };
        let mut out = Texts::default();
        for place in places {
            // Places that repeat could make more of an entry than any block holds.
            if out.0.bytes.len() > BLOB_BYTES_MAX {
                return Err(Damaged("dictionary place"));
            }
            out.push(dictionary.entries.get(place as usize));
        }
        Ok(out.0)
    }
}

/// Reads the entries of a dictionary, at most `max`.
pub(crate) fn read_entries(
    r: &mut Reader<'_>,
    max: usize,
    shared: Option<&Arc<Dictionary>>,
) -> Result<Entries, Damaged> {
    match r.u8()? {
        INLINE => {
            let count = r.count(max)?;
            Ok(Entries::Own(read_blob(r, count)?))
        }
        SHARED => {
            let dictionary = shared.ok_or(Damaged("dictionary"))?.clone();
            let places = read_places(r, max)?;
            if places.iter().any(|place| *place as usize >= dictionary.entries.len()) {
                return Err(Damaged("dictionary place"));
            }
            Ok(Entries::Shared { places, dictionary })
        }
        _ => Err(Damaged("dictionary")),
    }
}

/// The segment's dictionary of a column.
#[derive(Debug)]
pub(crate) struct Dictionary {
    pub(crate) entries: Blob,
}

fn put_lens(values: &[&[u8]], out: &mut Vec<u8>) {
    let lens: Vec<i64> = values.iter().map(|v| v.len() as i64).collect();
    ints::encode(&lens, out);
}

pub(crate) fn put_blob(values: &[&[u8]], out: &mut Vec<u8>) {
    put_lens(values, out);
    let mut raw = Vec::with_capacity(values.iter().map(|v| v.len()).sum());
    values.iter().for_each(|v| raw.extend_from_slice(v));
    put_compressed(&raw, out);
}

pub(crate) fn read_blob(r: &mut Reader<'_>, n: usize) -> Result<Blob, Damaged> {
    let lens = ints::decode(r, n)?;
    let mut offsets = Vec::with_capacity(n + 1);
    let mut at = 0u32;
    offsets.push(0);
    for len in lens {
        at = u32::try_from(len).ok().and_then(|l| at.checked_add(l)).ok_or(Damaged("text length"))?;
        offsets.push(at);
    }
    let bytes = read_compressed(r)?;
    if bytes.len() != at as usize {
        return Err(Damaged("text length"));
    }
    Ok(Blob { offsets, bytes })
}

/// Appends bytes, compressed when that helps.
pub(crate) fn put_compressed(raw: &[u8], out: &mut Vec<u8>) {
    let packed = if raw.len() < ZSTD_BYTES_MIN { None } else { compress(raw) };
    match packed {
        Some(packed) if packed.len() < raw.len() - raw.len() / 16 => {
            out.push(ZSTD);
            put_varint(out, raw.len() as u64);
            put_bytes(out, &packed);
        }
        _ => {
            out.push(RAW);
            put_bytes(out, raw);
        }
    }
}

fn compress(raw: &[u8]) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = zstd::bulk::Compressor::new(ZSTD_LEVEL).ok();
        }
        slot.as_mut()?.compress(raw).ok()
    })
}

/// Reads what [`put_compressed`] wrote.
pub(crate) fn read_compressed(r: &mut Reader<'_>) -> Result<Vec<u8>, Damaged> {
    let Compressed { bytes, packed_from, .. } = Compressed::read(r)?;
    packed_from.map_or_else(|| Ok(bytes.to_vec()), |len| decompress(bytes, len))
}

/// What [`put_compressed`] wrote, decompressed when it is first asked for.
pub(crate) struct Compressed<'a> {
    bytes: &'a [u8],
    /// How many bytes it was, where it is compressed.
    packed_from: Option<usize>,
    plain: OnceCell<Vec<u8>>,
}

impl<'a> Compressed<'a> {
    pub(crate) fn read(r: &mut Reader<'a>) -> Result<Self, Damaged> {
        let packed_from = match r.u8()? {
            RAW => None,
            ZSTD => Some(r.count(BLOB_BYTES_MAX)?),
            _ => return Err(Damaged("compression")),
        };
        Ok(Self { bytes: r.bytes()?, packed_from, plain: OnceCell::new() })
    }

    pub(crate) fn len(&self) -> usize {
        self.packed_from.unwrap_or(self.bytes.len())
    }

    pub(crate) fn get(&self) -> Result<&[u8], Damaged> {
        match (self.packed_from, self.plain.get()) {
            (None, _) => Ok(self.bytes),
            (_, Some(plain)) => Ok(plain),
            (Some(len), None) => {
                let plain = decompress(self.bytes, len)?;
                Ok(self.plain.get_or_init(|| plain))
            }
        }
    }
}

/// Decompresses a frame of `len` bytes.
fn decompress(packed: &[u8], len: usize) -> Result<Vec<u8>, Damaged> {
    // What is allocated is what the frame has, whatever the number before it claims.
    if !matches!(zstd::zstd_safe::get_frame_content_size(packed), Ok(Some(n)) if n == len as u64) {
        return Err(Damaged("zstd length"));
    }
    let raw = DECOMPRESSOR
        .with_borrow_mut(|slot| {
            if slot.is_none() {
                *slot = zstd::bulk::Decompressor::new().ok();
            }
            slot.as_mut()?.decompress(packed, len).ok()
        })
        .ok_or(Damaged("zstd frame"))?;
    if raw.len() == len { Ok(raw) } else { Err(Damaged("zstd length")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(values: &[&[u8]]) -> (usize, Binary) {
        let mut out = Vec::new();
        encode(values, &mut out);
        let mut r = Reader(&out);
        let column = decode(&mut r, values.len(), None).unwrap();
        assert!(r.0.is_empty());
        for (i, v) in values.iter().enumerate() {
            assert_eq!(column.get(i), *v);
        }
        let at: Vec<usize> = (0..values.len()).skip(1).step_by(3).collect();
        if !at.is_empty() {
            let some = decode_at(&mut Reader(&out), values.len(), None, &at).unwrap();
            assert!(at.iter().enumerate().all(|(i, at)| some.get(i) == values[*at]));
        }
        (out.len(), column)
    }

    #[test]
    fn the_encoding_fits_the_values() {
        let (bytes, column) = round_trip(&[&b"GET"[..]; 1000]);
        assert!(bytes < 8 && matches!(column, Binary::Const(_)));
        let few: Vec<&[u8]> = (0..1000).map(|i| if i % 3 == 0 { &b"GET"[..] } else { b"POST" }).collect();
        let (bytes, column) = round_trip(&few);
        assert!(bytes < 200 && matches!(column, Binary::Dict { .. }), "{bytes}");
        let many: Vec<String> = (0..1000).map(|i| format!("user {i} logged in")).collect();
        let many: Vec<&[u8]> = many.iter().map(|s| s.as_bytes()).collect();
        let (bytes, column) = round_trip(&many);
        assert!(bytes < 1500 && matches!(column, Binary::Plain(_)), "{bytes}");
    }

    proptest! {
        #[test]
        fn any_texts_round_trip(values in prop::collection::vec(prop::collection::vec(0u8..4, 0..4), 0..300)) {
            round_trip(&values.iter().map(|v| v.as_slice()).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200), n in 0usize..300) {
            if let Ok(column) = decode(&mut Reader(&bytes), n, None) {
                (0..n).for_each(|i| drop(column.get(i).to_vec()));
            }
            if n > 0 && let Ok(column) = decode_at(&mut Reader(&bytes), n, None, &[n - 1]) {
                drop(column.get(0).to_vec());
            }
        }
    }
}
