//! Texts as templates and variables: `user 42 logged in` is `user <*> logged in` and 42.
//!
//! A *variable* is a token ([`tokens`]) with a digit, or of at least four
//! letters that are all hexadecimal digits; everything between is the
//! template. So a word that is no variable is either in the template of a text
//! or not in the text at all: what templates there are answers searches for
//! such words without looking at texts. The values of a variable are stored by
//! template and place, as numbers, hexadecimal digits or texts. The round trip
//! is exact. Format: `docs/formats/segment.md`.

use std::sync::Arc;

use hashbrown::HashTable;

use super::binary::{self, Blob, Compressed, Dictionary, Entries, hash, put_compressed};
use super::bytes::{Reader, put_bytes, put_varint};
use super::tokens::{self, Token};
use super::{Damaged, codes, ints};

/// Stands for a variable in a template. Texts that have it are not stored as templates.
pub(crate) const VARIABLE: u8 = 0;

/// More texts per template, or templates save nothing.
const TEXTS_PER_TEMPLATE_MIN: usize = 4;
/// So many templates are fine whatever the number of texts.
const TEMPLATES_FREE: usize = 8;
/// So many templates do not end the attempt early: at the beginning most are new.
const TEMPLATES_EARLY: usize = 512;
/// Letters of a token of hexadecimal letters only that make it a variable: groups of UUIDs.
const HEX_LETTERS_MIN: usize = 4;

/// Numbers from here on are not given out as [`NumberedTexts`]: arrays by number stay below 4 MiB.
pub(crate) const NUMBERS_END: u32 = 1 << 20;

/// How the values of a variable are stored: the lower two bits of its first byte.
const KIND: u8 = 3;
const NUMBERS: u8 = 0;
/// All of one length.
const HEX: u8 = 1;
const HEX_VARIOUS: u8 = 2;
const TEXTS: u8 = 3;
/// Numbers between a prefix and a suffix that all values share.
const AFFIXES: u8 = 4;
/// The bytes of the largest number, less one.
const WIDTH_SHIFT: u8 = 3;

/// Whether a token is a variable.
pub(crate) fn is_variable(token: &[u8], digit: bool) -> bool {
    digit || token.len() >= HEX_LETTERS_MIN && token.iter().all(u8::is_ascii_hexdigit)
}

/// Texts taken apart.
pub(crate) struct Split<'a> {
    pub(crate) templates: Vec<Vec<u8>>,
    /// The template of each text.
    codes: Vec<u32>,
    /// By template and place, the values in the order of the texts.
    variables: Vec<Vec<Vec<&'a [u8]>>>,
}

/// Takes texts apart; `None` when they have too many templates, or one has a zero byte.
pub(crate) fn split<'a>(texts: &[&'a [u8]]) -> Option<Split<'a>> {
    let mut out = Split { templates: Vec::new(), codes: Vec::with_capacity(texts.len()), variables: Vec::new() };
    let mut table: HashTable<u32> = HashTable::new();
    let (mut template, mut values): (Vec<u8>, Vec<&[u8]>) = (Vec::new(), Vec::new());
    for (i, text) in texts.iter().enumerate() {
        template.clear();
        values.clear();
        let mut at = 0;
        tokens::tokens(text, |Token { from, to, digit }| {
            if is_variable(&text[from..to], digit) {
                template.extend_from_slice(&text[at..from]);
                template.push(VARIABLE);
                values.push(&text[from..to]);
                at = to;
            }
        });
        template.extend_from_slice(&text[at..]);
        let h = hash(&template);
        let code = match table.find(h, |c| out.templates[*c as usize] == template) {
            Some(c) => *c,
            None => {
                let zeros = memchr::memchr_iter(VARIABLE, &template).count();
                let many = out.templates.len() >= i / 2 + TEMPLATES_EARLY;
                if zeros != values.len() || many {
                    return None;
                }
                let c = out.templates.len() as u32;
                out.templates.push(template.clone());
                out.variables.push(vec![Vec::new(); values.len()]);
                table.insert_unique(h, c, |c| hash(&out.templates[*c as usize]));
                c
            }
        };
        out.codes.push(code);
        for (place, v) in out.variables[code as usize].iter_mut().zip(&values) {
            place.push(v);
        }
    }
    let few = out.templates.len() <= TEMPLATES_FREE.max(texts.len() / TEXTS_PER_TEMPLATE_MIN);
    few.then_some(out)
}

impl Split<'_> {
    /// Every distinct token once, variables as often as they come.
    pub(crate) fn tokens(&self, each: &mut impl FnMut(&[u8])) {
        for t in &self.templates {
            tokens::tokens(t, |Token { from, to, .. }| each(&t[from..to]));
        }
        self.variables.iter().flatten().flatten().for_each(|v| each(v));
    }

    /// Appends dictionary of templates, codes and variables; `bytes` are all texts together.
    ///
    /// The most frequent template comes first, so that the higher bytes of codes compress.
    pub(crate) fn encode(&self, bytes: usize, out: &mut Vec<u8>) {
        let mut rows = vec![0u32; self.templates.len()];
        self.codes.iter().for_each(|c| rows[*c as usize] += 1);
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|t| std::cmp::Reverse(rows[*t]));
        let mut place = vec![0u32; order.len()];
        order.iter().enumerate().for_each(|(i, t)| place[*t] = i as u32);
        let templates: Vec<&[u8]> = order.iter().map(|t| self.templates[*t].as_slice()).collect();
        let codes: Vec<u32> = self.codes.iter().map(|c| place[*c as usize]).collect();
        binary::put_entries(&templates, out);
        codes::encode(&codes, templates.len(), out);
        put_varint(out, bytes as u64);
        let mut pools = Pools::default();
        for values in order.iter().flat_map(|t| &self.variables[*t]) {
            pools.put(values, out);
        }
        pools.encode(out);
    }
}

/// The values of all variables: those of one kind lie together, as most variables have few values in a block.
#[derive(Default)]
struct Pools {
    /// By the bytes of the largest number of their variable, less one.
    numbers: [Vec<u64>; 8],
    nibbles: Nibbles,
    text: Vec<u8>,
}

impl Pools {
    /// Appends the first bytes of a variable to `out`, and its values to the pools.
    fn put(&mut self, values: &[&[u8]], out: &mut Vec<u8>) {
        if let Some((prefix, suffix, numbers)) = numbers(values) {
            let max = numbers.iter().copied().max().unwrap_or_default();
            let width = (63 - (max | 1).leading_zeros()) / 8;
            let affixes = if prefix.is_empty() && suffix.is_empty() { 0 } else { AFFIXES };
            out.push(NUMBERS | affixes | (width as u8) << WIDTH_SHIFT);
            if affixes != 0 {
                put_bytes(out, prefix);
                put_bytes(out, suffix);
            }
            self.numbers[width as usize].extend(numbers);
            return;
        }
        let is_hex = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let hex = values.iter().all(|v| v.iter().all(is_hex));
        let len = values.first().map_or(0, |v| v.len());
        if hex && values.iter().all(|v| v.len() == len) {
            out.push(HEX);
            put_varint(out, len as u64);
        } else {
            out.push(if hex { HEX_VARIOUS } else { TEXTS });
            ints::encode(&values.iter().map(|v| v.len() as i64).collect::<Vec<_>>(), out);
        }
        for v in values {
            if hex { self.nibbles.push(v) } else { self.text.extend_from_slice(v) }
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        for (width, numbers) in self.numbers.iter().enumerate().filter(|(_, n)| !n.is_empty()) {
            for byte in 0..=width {
                let plane: Vec<u8> = numbers.iter().map(|n| (n >> (8 * byte)) as u8).collect();
                put_compressed(&plane, out);
            }
        }
        put_bytes(out, &self.nibbles.bytes);
        put_compressed(&self.text, out);
    }
}

/// A number as it is usually written: no leading zero, at most 18 digits.
fn number(digits: &[u8]) -> Option<u64> {
    let plain = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.len() <= 18;
    if !plain {
        return None;
    }
    let mut number = 0;
    for d in digits {
        let d = d.wrapping_sub(b'0');
        if d > 9 {
            return None;
        }
        number = number * 10 + u64::from(d);
    }
    Some(number)
}

/// What stands before the first digits, and after them.
fn affixes(value: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let from = value.iter().position(u8::is_ascii_digit).unwrap_or(value.len());
    let len = value[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    (&value[..from], &value[from..from + len], &value[from + len..])
}

fn numbers<'a>(values: &[&'a [u8]]) -> Option<(&'a [u8], &'a [u8], Vec<u64>)> {
    let (prefix, _, suffix) = affixes(values.first()?);
    let mut numbers = Vec::with_capacity(values.len());
    for v in values {
        numbers.push(number(v.strip_prefix(prefix)?.strip_suffix(suffix)?)?);
    }
    Some((prefix, suffix, numbers))
}

/// Hexadecimal digits, two in a byte, the first in the lower bits.
#[derive(Default)]
struct Nibbles {
    bytes: Vec<u8>,
    half: bool,
}

impl Nibbles {
    fn push(&mut self, digits: &[u8]) {
        for d in digits {
            let n = if *d <= b'9' { d - b'0' } else { d - b'a' + 10 };
            match self.bytes.last_mut() {
                Some(last) if self.half => *last |= n << 4,
                _ => self.bytes.push(n),
            }
            self.half = !self.half;
        }
    }
}

/// Templates and the template of each value, without the values.
#[derive(Debug, Clone)]
pub(crate) struct Templates {
    /// Each with [`VARIABLE`] in the place of its variables.
    pub(crate) texts: Entries,
    /// One per value, below the number of texts.
    pub(crate) codes: Vec<u32>,
}

/// Reads templates and codes of `n` values.
pub(crate) fn decode_templates(
    r: &mut Reader<'_>,
    n: usize,
    shared: Option<&Arc<Dictionary>>,
) -> Result<Templates, Damaged> {
    let texts = binary::read_entries(r, n, shared)?;
    let codes = codes::decode(r, n, texts.len())?;
    Ok(Templates { texts, codes })
}

/// Reads `n` texts.
pub(crate) fn decode(r: &mut Reader<'_>, n: usize, shared: Option<&Arc<Dictionary>>) -> Result<Blob, Damaged> {
    let (Templates { texts, codes }, mut values) = read(r, n, shared)?;
    values.pools.join()?;
    let mut out = Vec::with_capacity(values.bytes.min(1 << 24));
    let mut offsets = Vec::with_capacity(n + 1);
    offsets.push(0);
    for code in codes {
        values.append(texts.get(code as usize), code as usize, &mut out)?;
        offsets.push(out.len() as u32);
    }
    if out.len() == values.bytes { Ok(Blob::new(offsets, out)) } else { Err(Damaged("template length")) }
}

/// Reads those at `at` (rising, below `n`) of `n` texts.
pub(crate) fn decode_at(
    r: &mut Reader<'_>,
    n: usize,
    shared: Option<&Arc<Dictionary>>,
    at: &[usize],
) -> Result<Blob, Damaged> {
    let (Templates { texts, codes }, mut values) = read(r, n, shared)?;
    let mut out = Vec::new();
    let mut offsets = Vec::with_capacity(at.len() + 1);
    offsets.push(0);
    // Of each template, the texts that were made or passed over.
    let mut passed = vec![0; texts.len()];
    for (i, rank) in at.iter().zip(ranks(&codes, texts.len(), at)) {
        let code = *codes.get(*i).ok_or(Damaged("place of a text"))? as usize;
        values.skip(code, rank.saturating_sub(passed[code]));
        passed[code] = rank + 1;
        values.append(texts.get(code), code, &mut out)?;
        offsets.push(out.len() as u32);
    }
    if offsets.len() > at.len() { Ok(Blob::new(offsets, out)) } else { Err(Damaged("place of a text")) }
}

/// Reads `n` texts as far as none of them is made.
fn read<'a>(
    r: &mut Reader<'a>,
    n: usize,
    shared: Option<&Arc<Dictionary>>,
) -> Result<(Templates, TextValues<'a>), Damaged> {
    let templates = decode_templates(r, n, shared)?;
    let texts = &templates.texts;
    let bytes = r.count(binary::BLOB_BYTES_MAX)?;
    let (mut used, mut values_left) = (Used::default(), bytes);
    let (mut variables, mut first) = (Vec::new(), Vec::with_capacity(texts.len() + 1));
    for (t, n) in count(&templates.codes, texts.len()).into_iter().enumerate() {
        first.push(variables.len());
        for _ in memchr::memchr_iter(VARIABLE, texts.get(t)) {
            // Every value is at least a byte of the texts: bounds what is allocated.
            values_left = values_left.checked_sub(n).ok_or(Damaged("variables"))?;
            variables.push(Variable::read(r, n, &mut used)?);
        }
    }
    first.push(variables.len());
    let pools = ReadPools::read(r, &used)?;
    Ok((templates, TextValues { variables, first, pools, bytes }))
}

/// The values of texts, which are made in their order.
struct TextValues<'a> {
    /// Those of the first template, then those of the next.
    variables: Vec<Variable<'a>>,
    /// The place of the first variable of each template, and where those of the last one end.
    first: Vec<usize>,
    pools: ReadPools<'a>,
    /// Of all texts together.
    bytes: usize,
}

impl<'a> TextValues<'a> {
    fn of(&mut self, template: usize) -> (&mut [Variable<'a>], &ReadPools<'a>) {
        let variables = match self.first.get(template..template + 2) {
            Some(&[from, to]) => self.variables.get_mut(from..to).unwrap_or_default(),
            _ => &mut [],
        };
        (variables, &self.pools)
    }

    /// Passes over the next `n` texts of a template.
    fn skip(&mut self, template: usize, n: usize) {
        if n > 0 {
            self.of(template).0.iter_mut().for_each(|v| v.skip(n));
        }
    }

    /// Appends the next text of a template, which is `text`.
    fn append(&mut self, mut text: &[u8], template: usize, out: &mut Vec<u8>) -> Result<(), Damaged> {
        let (variables, pools) = self.of(template);
        for variable in variables {
            let at = memchr::memchr(VARIABLE, text).ok_or(Damaged("variables"))?;
            out.extend_from_slice(&text[..at]);
            variable.append(pools, out)?;
            text = &text[at + 1..];
        }
        out.extend_from_slice(text);
        if out.len() > self.bytes { Err(Damaged("template length")) } else { Ok(()) }
    }
}

/// So many tables are counted in turn: a counter is not waited for by the next of the same code.
const COUNTED_IN_TURN: usize = 4;

/// How often each code below `end` comes.
fn count(codes: &[u32], end: usize) -> Vec<usize> {
    if end == 1 {
        return vec![codes.len()];
    }
    let mut tables = vec![0u32; end * COUNTED_IN_TURN];
    let mut tables: Vec<&mut [u32]> = tables.chunks_exact_mut(end.max(1)).collect();
    for codes in codes.chunks(COUNTED_IN_TURN) {
        codes.iter().zip(&mut tables).for_each(|(c, table)| table[*c as usize] += 1);
    }
    (0..end).map(|c| tables.iter().map(|table| table[c] as usize).sum()).collect()
}

/// Up to so many codes are each looked for among all: that takes less than to count them one after the other.
const LOOKED_FOR_MAX: usize = 16;

/// Of the codes at `at` (rising), which are below `end`, how many of the same come before each.
fn ranks(codes: &[u32], end: usize, at: &[usize]) -> Vec<usize> {
    if end == 1 {
        return at.to_vec();
    }
    let mut seen = vec![0; end];
    if at.len().min(end) > LOOKED_FOR_MAX {
        let mut out = Vec::with_capacity(at.len());
        for (i, code) in codes.iter().enumerate() {
            let seen = &mut seen[*code as usize];
            if at.get(out.len()) == Some(&i) {
                out.push(*seen);
            }
            *seen += 1;
        }
        return out;
    }
    // Up to where each was looked for.
    let mut looked = vec![0; end];
    let rank = |i: &usize| {
        let code = *codes.get(*i)?;
        let (seen, looked) = (&mut seen[code as usize], &mut looked[code as usize]);
        *seen += codes.get(*looked..*i)?.iter().filter(|c| **c == code).count();
        *looked = *i;
        Some(*seen)
    };
    at.iter().map_while(rank).collect()
}

/// Texts that differ in one number only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NumberedTexts {
    /// What stands before the number in all of them.
    pub(crate) prefix: Vec<u8>,
    /// What stands after it.
    pub(crate) suffix: Vec<u8>,
    /// One per text, below [`NUMBERS_END`]. The text of a number is spelled in one way only.
    pub(crate) numbers: Vec<u32>,
}

impl NumberedTexts {
    /// The text at `i`; without a number when there is none.
    pub(crate) fn text(&self, i: usize) -> Vec<u8> {
        match self.numbers.get(i) {
            Some(n) => numbered(&self.prefix, *n, &self.suffix),
            None => [self.prefix.as_slice(), &self.suffix].concat(),
        }
    }
}

/// A number with what stands before and after it.
pub(crate) fn numbered(prefix: &[u8], number: u32, suffix: &[u8]) -> Vec<u8> {
    let mut out = prefix.to_vec();
    put_decimal(u64::from(number), &mut out);
    out.extend_from_slice(suffix);
    out
}

/// Reads `n` texts that differ in one number only; `None` for others, and when a number is too large to be a place.
pub(crate) fn decode_numbered(
    r: &mut Reader<'_>,
    n: usize,
    shared: Option<&Arc<Dictionary>>,
) -> Result<Option<NumberedTexts>, Damaged> {
    let templates = decode_templates(r, n, shared)?.texts;
    let template = templates.get(0);
    let (1, Some(at)) = (templates.len(), memchr::memchr(VARIABLE, template)) else { return Ok(None) };
    let (before, after) = (&template[..at], &template[at + 1..]);
    if memchr::memchr(VARIABLE, after).is_some() {
        return Ok(None);
    }
    r.count(binary::BLOB_BYTES_MAX)?;
    let mut used = Used::default();
    let Variable::Numbers { prefix, suffix, width, .. } = Variable::read(r, n, &mut used)? else { return Ok(None) };
    if width >= size_of::<u32>() {
        return Ok(None);
    }
    let mut pools = ReadPools::read(r, &used)?;
    pools.join()?;
    let numbers: Vec<u32> = pools.numbers[width].iter().map(|n| *n as u32).collect();
    let small = numbers.iter().all(|n| *n < NUMBERS_END);
    Ok(small.then(|| NumberedTexts { prefix: [before, prefix].concat(), suffix: [suffix, after].concat(), numbers }))
}

/// How much of each pool the variables have.
#[derive(Default)]
struct Used {
    numbers: [usize; 8],
    nibbles: usize,
    text: usize,
}

/// Gives away `n` of what is left from `at` on; where they begin.
fn take(at: &mut usize, n: usize) -> Result<usize, Damaged> {
    let begin = *at;
    *at = begin.checked_add(n).filter(|end| *end <= binary::BLOB_BYTES_MAX).ok_or(Damaged("variable length"))?;
    Ok(begin)
}

/// A variable: where its next value lies.
enum Variable<'a> {
    Numbers { prefix: &'a [u8], suffix: &'a [u8], width: usize, at: usize },
    Hex { len: usize, at: usize },
    HexVarious { lens: std::vec::IntoIter<i64>, at: usize },
    Texts { lens: std::vec::IntoIter<i64>, at: usize },
}

impl<'a> Variable<'a> {
    /// Reads the first bytes of a variable with `n` values.
    fn read(r: &mut Reader<'a>, n: usize, used: &mut Used) -> Result<Self, Damaged> {
        let first = r.u8()?;
        match first & KIND {
            NUMBERS => {
                let affixes = first & AFFIXES != 0;
                let (prefix, suffix) = if affixes { (r.bytes()?, r.bytes()?) } else { (&[][..], &[][..]) };
                let width = usize::from(first >> WIDTH_SHIFT);
                let at = take(used.numbers.get_mut(width).ok_or(Damaged("variable width"))?, n)?;
                Ok(Self::Numbers { prefix, suffix, width, at })
            }
            HEX => {
                let len = r.count(binary::BLOB_BYTES_MAX)?;
                let all = len.checked_mul(n).ok_or(Damaged("variable length"))?;
                Ok(Self::Hex { len, at: take(&mut used.nibbles, all)? })
            }
            kind => {
                let lens = ints::decode(r, n)?;
                let pool = if kind == TEXTS { &mut used.text } else { &mut used.nibbles };
                let at = *pool;
                for len in &lens {
                    take(pool, usize::try_from(*len).map_err(|_| Damaged("variable length"))?)?;
                }
                let lens = lens.into_iter();
                Ok(if kind == TEXTS { Self::Texts { lens, at } } else { Self::HexVarious { lens, at } })
            }
        }
    }

    /// Passes over the next `n` values.
    fn skip(&mut self, n: usize) {
        match self {
            Self::Numbers { at, .. } => *at += n,
            Self::Hex { len, at } => *at += *len * n,
            Self::HexVarious { lens, at } | Self::Texts { lens, at } => {
                *at += lens.take(n).map(|len| len as usize).sum::<usize>();
            }
        }
    }

    /// Appends the next value.
    fn append(&mut self, pools: &ReadPools<'_>, out: &mut Vec<u8>) -> Result<(), Damaged> {
        let ended = || Damaged("variable");
        match self {
            Self::Numbers { prefix, suffix, width, at } => {
                out.extend_from_slice(prefix);
                put_decimal(pools.number(*width, *at)?, out);
                out.extend_from_slice(suffix);
                *at += 1;
            }
            Self::Hex { len, at } => {
                pools.hex(*at, *len, out)?;
                *at += *len;
            }
            Self::HexVarious { lens, at } => {
                let len = lens.next().ok_or(ended())? as usize;
                pools.hex(*at, len, out)?;
                *at += len;
            }
            Self::Texts { lens, at } => {
                let len = lens.next().ok_or(ended())? as usize;
                out.extend_from_slice(pools.text.get()?.get(*at..*at + len).ok_or(ended())?);
                *at += len;
            }
        }
        Ok(())
    }
}

/// What [`Pools`] wrote.
struct ReadPools<'a> {
    /// By the width of the numbers, their bytes, the lowest first: those of a width that no wanted text has stay compressed.
    planes: [Vec<Compressed<'a>>; 8],
    /// Empty until they are joined from their bytes.
    numbers: [Vec<u64>; 8],
    nibbles: &'a [u8],
    text: Compressed<'a>,
}

impl<'a> ReadPools<'a> {
    fn read(r: &mut Reader<'a>, used: &Used) -> Result<Self, Damaged> {
        let mut planes: [Vec<Compressed<'a>>; 8] = Default::default();
        for (width, n) in used.numbers.iter().enumerate().filter(|(_, n)| **n > 0) {
            for _ in 0..=width {
                let plane = Compressed::read(r)?;
                if plane.len() != *n {
                    return Err(Damaged("numbers"));
                }
                planes[width].push(plane);
            }
        }
        let (nibbles, text) = (r.bytes()?, Compressed::read(r)?);
        if nibbles.len() != used.nibbles.div_ceil(2) || text.len() != used.text {
            return Err(Damaged("variables"));
        }
        Ok(Self { planes, numbers: Default::default(), nibbles, text })
    }

    /// Makes all numbers.
    fn join(&mut self) -> Result<(), Damaged> {
        for (planes, numbers) in self.planes.iter().zip(&mut self.numbers) {
            for (byte, plane) in planes.iter().enumerate() {
                numbers.resize(plane.len(), 0);
                numbers.iter_mut().zip(plane.get()?).for_each(|(n, b)| *n |= u64::from(*b) << (8 * byte));
            }
        }
        Ok(())
    }

    /// The number at `at` of those of this width.
    fn number(&self, width: usize, at: usize) -> Result<u64, Damaged> {
        let ended = Damaged("variable");
        if let Some(number) = self.numbers.get(width).and_then(|numbers| numbers.get(at)) {
            return Ok(*number);
        }
        let mut number = 0;
        for plane in self.planes.get(width).ok_or(ended)?.iter().rev() {
            number = number << 8 | u64::from(*plane.get()?.get(at).ok_or(ended)?);
        }
        Ok(number)
    }

    /// Appends `len` digits from `at` on.
    fn hex(&self, at: usize, len: usize, out: &mut Vec<u8>) -> Result<(), Damaged> {
        for i in at..at + len {
            let byte = self.nibbles.get(i / 2).ok_or(Damaged("variable"))?;
            let n = if i % 2 == 0 { byte & 15 } else { byte >> 4 };
            out.push(if n < 10 { b'0' + n } else { b'a' + n - 10 });
        }
        Ok(())
    }
}

fn put_decimal(n: u64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let (mut at, mut rest) = (digits.len(), n);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_that_differ_in_one_number() {
        let numbered = |texts: &[&str]| {
            let texts: Vec<&[u8]> = texts.iter().map(|t| t.as_bytes()).collect();
            let mut out = Vec::new();
            split(&texts)?.encode(texts.iter().map(|t| t.len()).sum(), &mut out);
            let found = decode_numbered(&mut Reader(&out), texts.len(), None).unwrap_or_else(|e| panic!("{e}"))?;
            (0..texts.len()).for_each(|i| assert_eq!(found.text(i), texts[i]));
            Some(found.numbers)
        };
        assert_eq!(numbered(&["user-7!", "user-0!", "user-1048575!"]), Some(vec![7, 0, NUMBERS_END - 1]));
        assert_eq!(numbered(&["job x12y of ü", "job x4y of ü"]), Some(vec![12, 4]));
        for other in
            [&["user-7", "user-1048576"][..], &["a-7", "b-7"], &["a-7-7"], &["a-07"], &["a-7", "a-c0ffee"], &["a"]]
        {
            assert_eq!(numbered(other), None, "{other:?}");
        }
    }

    fn round_trip(texts: &[&[u8]]) -> Option<(usize, Vec<String>)> {
        let split = split(texts)?;
        let mut out = Vec::new();
        split.encode(texts.iter().map(|t| t.len()).sum(), &mut out);
        let mut r = Reader(&out);
        let blob = decode(&mut r, texts.len(), None).unwrap_or_else(|e| panic!("{e}"));
        assert!(r.0.is_empty());
        assert_eq!((0..blob.len()).map(|i| blob.get(i)).collect::<Vec<_>>(), texts);
        let thirds: Vec<usize> = (0..texts.len()).skip(1).step_by(3).collect();
        let some = decode_at(&mut Reader(&out), texts.len(), None, &thirds).unwrap_or_else(|e| panic!("{e}"));
        let thirds = thirds.iter().map(|i| texts[*i]);
        assert_eq!((0..some.len()).map(|i| some.get(i)).collect::<Vec<_>>(), thirds.collect::<Vec<_>>());
        let templates = decode_templates(&mut Reader(&out), texts.len(), None).unwrap_or_else(|e| panic!("{e}"));
        let named =
            (0..templates.texts.len()).map(|i| String::from_utf8_lossy(templates.texts.get(i)).replace('\0', "<*>"));
        Some((out.len(), named.collect()))
    }

    #[test]
    fn variables_are_what_the_rule_says() {
        let texts = ["GET /users/00042 200 17ms", "GET /users/7 404 3ms", "id 7c1a-dead-53b1 done", "id 0-beef-1 done"];
        let texts: Vec<&[u8]> = texts.iter().map(|t| t.as_bytes()).collect();
        let (_, templates) = round_trip(&texts).unwrap_or_default();
        assert_eq!(templates, ["GET /users/<*> <*> <*>", "id <*>-<*>-<*> done"]);
    }

    #[test]
    fn numbers_and_hex_are_small() {
        let texts: Vec<String> = (0..1000u64)
            .map(|i| {
                format!(
                    "user-{} paid {:012x} in {}ms",
                    i * 7919 % 50_000,
                    i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16,
                    i % 100
                )
            })
            .collect();
        let texts: Vec<&[u8]> = texts.iter().map(|t| t.as_bytes()).collect();
        let (bytes, templates) = round_trip(&texts).unwrap_or_default();
        assert_eq!(templates.len(), 1);
        assert!(bytes < 1000 * (2 + 6 + 1) + 200, "{bytes}");
    }

    #[test]
    fn texts_that_are_no_templates_are_refused() {
        let many: Vec<String> =
            (0..1000u32).map(|i| format!("{}", char::from_u32(0x4e00 + i).unwrap_or('x'))).collect();
        assert!(round_trip(&many.iter().map(|t| t.as_bytes()).collect::<Vec<_>>()).is_none());
        assert!(round_trip(&[b"a\0b 1"]).is_none());
    }

    proptest! {
        #[test]
        fn codes_are_counted_as_one_would(codes in prop::collection::vec(0u32..40, 0..200), step in 1usize..30, end in 40usize..50) {
            let before = |i: usize, code: u32| codes[..i].iter().filter(|c| **c == code).count();
            let all: Vec<usize> = (0..end as u32).map(|code| before(codes.len(), code)).collect();
            prop_assert_eq!(count(&codes, end), all);
            let at: Vec<usize> = (0..codes.len()).step_by(step).collect();
            let expected: Vec<usize> = at.iter().map(|i| before(*i, codes[*i])).collect();
            prop_assert_eq!(ranks(&codes, end, &at), expected);
        }

        #[test]
        fn any_texts_round_trip(texts in prop::collection::vec("[ab9f0 -]{0,12}", 0..60)) {
            round_trip(&texts.iter().map(|t| t.as_bytes()).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200), n in 0usize..300) {
            let _ = decode(&mut Reader(&bytes), n, None);
        }

        #[test]
        fn damaged_templates_are_refused_or_read(at in 0usize..400, bit in 0u8..8) {
            let texts: Vec<String> = (0..40).map(|i| format!("user {i} took {i:x}f ms, {} done", ["x1", "y22"][i % 2])).collect();
            let texts: Vec<&[u8]> = texts.iter().map(|t| t.as_bytes()).collect();
            let mut out = Vec::new();
            if let Some(split) = split(&texts) {
                split.encode(texts.iter().map(|t| t.len()).sum(), &mut out);
            }
            let at = at % out.len();
            out[at] ^= 1 << bit;
            let _ = decode(&mut Reader(&out), texts.len(), None);
            let _ = decode_at(&mut Reader(&out), texts.len(), None, &[0, 1, 7, 39]);
        }

        #[test]
        fn some_of_many_texts_are_those(picked in prop::collection::vec(any::<bool>(), 400), templates in 1usize..60) {
            let texts: Vec<String> = (0..400).map(|i| format!("{} took {i}ms", "ox".repeat(1 + i * 7 % templates))).collect();
            let texts: Vec<&[u8]> = texts.iter().map(|t| t.as_bytes()).collect();
            let mut out = Vec::new();
            let split = split(&texts).ok_or(TestCaseError::fail("no templates"))?;
            split.encode(texts.iter().map(|t| t.len()).sum(), &mut out);
            let at: Vec<usize> = (0..400).filter(|i| picked[*i]).collect();
            let some = decode_at(&mut Reader(&out), 400, None, &at).map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert_eq!(some.len(), at.len());
            at.iter().enumerate().for_each(|(place, i)| assert_eq!(some.get(place), texts[*i]));
            // Places beyond the end, and such that do not rise.
            prop_assert!(decode_at(&mut Reader(&out), 400, None, &[3, 400]).is_err());
            let _ = decode_at(&mut Reader(&out), 400, None, &[7, 3, 3]);
        }
    }
}
