//! What one request becomes: columns that grow while the decoder walks the bytes.
//!
//! A batch is only written to. It is read once, when the sealer encodes it
//! together with its neighbours into a block. There are no row structs; texts
//! lie in one arena, and a text that repeats the one of the record before in
//! its column is not copied again. The column of an attribute is predicted
//! from the one before it (senders repeat their keys in order), so that the
//! usual record hashes nothing.

mod logs;
mod read;
mod spans;

use hashbrown::HashTable;
use model::{TimeRange, UnixNanos};
use wire::otlp::Limits;
use wire::sink::{ScopeRef, ValueRef};

pub use logs::LogBatch;
pub use read::{SpanColumns, SpanValues, event_messages};
pub use spans::SpanBatch;

use crate::column::binary::hash;
use crate::schema::{ATTRIBUTE, Schema};
use crate::value_type::ValueType;

/// A piece of the arena: where it begins, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Slice {
    at: u32,
    len: u32,
}

impl Slice {
    pub(crate) fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// One value of one record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) row: u32,
    pub(crate) value: CellValue,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum CellValue {
    Empty,
    Bool(bool),
    Int(i64),
    Double(f64),
    /// Texts, bytes, and messages of arrays and maps.
    Binary(ValueType, Slice),
}

/// A column that not every record has: an attribute, or the body, events or links.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The column's number; `ATTRIBUTE` for attributes.
    pub(crate) id: u8,
    /// The attribute's key, else empty.
    pub(crate) key: Box<str>,
    /// In row order, at most one per row.
    pub(crate) cells: Vec<Cell>,
    /// The slot that came after it last time.
    next: u32,
}

impl Slot {
    /// Makes room for a further cell of `row` of `rows`: for all that may come when nearly every row has had one.
    fn grow(&mut self, row: usize, rows: usize) {
        let dense = self.cells.len() >= DENSE_MIN && self.cells.len() * 2 > row;
        let more = if dense { rows.saturating_sub(row) } else { 0 };
        self.cells.reserve(more.max(1));
    }
}

/// Cells that tell whether a slot has one in nearly every row.
const DENSE_MIN: usize = 16;
/// No room is made for more rows than this before they come: a request may name records that are refused.
const ROWS_EXPECTED_MAX: usize = 1 << 16;

/// A resource or scope as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) schema_url: Box<str>,
    pub(crate) raw: Box<[u8]>,
}

/// The distinct resources (or scopes) of a batch.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    pub(crate) list: Vec<Origin>,
    table: HashTable<u32>,
}

impl Origins {
    fn intern(&mut self, raw: &[u8], schema_url: &str) -> u32 {
        let h = hash(raw) ^ hash(schema_url.as_bytes());
        let list = &mut self.list;
        if let Some(i) =
            self.table.find(h, |i| *list[*i as usize].raw == *raw && *list[*i as usize].schema_url == *schema_url)
        {
            return *i;
        }
        let i = list.len() as u32;
        list.push(Origin { schema_url: schema_url.into(), raw: raw.into() });
        self.table
            .insert_unique(h, i, |i| hash(&list[*i as usize].raw) ^ hash(list[*i as usize].schema_url.as_bytes()));
        i
    }

    /// For records that came without.
    fn unnamed(&mut self) -> u32 {
        self.intern(&[], "")
    }
}

/// The columns of one request.
#[derive(Debug)]
pub(crate) struct Batch {
    /// With what the request was decoded; replay decodes with the same.
    pub(crate) limits: Limits,
    pub(crate) time: Vec<i64>,
    pub(crate) trace: Vec<[u8; 16]>,
    pub(crate) span: Vec<[u8; 8]>,
    /// Spans only.
    pub(crate) parent: Vec<[u8; 8]>,
    /// By `Schema::ints`.
    pub(crate) ints: Vec<Vec<i64>>,
    /// By `Schema::texts`.
    pub(crate) texts: Vec<Vec<Slice>>,
    pub(crate) resource: Vec<u32>,
    pub(crate) scope: Vec<u32>,
    pub(crate) resources: Origins,
    pub(crate) scopes: Origins,
    pub(crate) slots: Vec<Slot>,
    /// Rows that a sampler rejected, rising: an observer sees them, blocks do not have them.
    rejected: Vec<u32>,
    arena: Vec<u8>,
    table: HashTable<u32>,
    current_resource: Option<u32>,
    current_scope: Option<u32>,
    /// The slots of the record that is being read, in the order of their keys.
    now: Vec<u32>,
    /// The slot that the last record began with.
    first: u32,
    /// Rows that there will be, as far as is known.
    rows_expected: usize,
    /// The arena's end when the record began.
    mark: usize,
}

/// What every record has.
pub(crate) struct RowFields<'a> {
    pub(crate) time: i64,
    pub(crate) trace: [u8; 16],
    pub(crate) span: [u8; 8],
    pub(crate) parent: Option<[u8; 8]>,
    pub(crate) ints: &'a [i64],
    pub(crate) texts: &'a [&'a str],
}

/// Whether two texts are equal, eight bytes at a time.
///
/// The text before lies where it was written a moment ago, in pieces. A load that spans several of them, as `memcmp` makes it,
/// waits until they have left the store buffer; one that lies within a piece does not.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let ((a_words, a_rest), (b_words, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let words = a_words.iter().zip(b_words).all(|(a, b)| u64::from_ne_bytes(*a) == u64::from_ne_bytes(*b));
    words && a_rest.iter().zip(b_rest).all(|(a, b)| a == b)
}

impl Batch {
    pub(crate) fn new(schema: Schema, limits: Limits) -> Self {
        Self {
            limits,
            time: Vec::new(),
            trace: Vec::new(),
            span: Vec::new(),
            parent: Vec::new(),
            ints: vec![Vec::new(); schema.ints().len()],
            texts: vec![Vec::new(); schema.texts().len()],
            resource: Vec::new(),
            scope: Vec::new(),
            resources: Origins::default(),
            scopes: Origins::default(),
            slots: Vec::new(),
            rejected: Vec::new(),
            arena: Vec::new(),
            table: HashTable::new(),
            current_resource: None,
            current_scope: None,
            now: Vec::new(),
            first: 0,
            rows_expected: 0,
            mark: 0,
        }
    }

    /// All rows, those that a sampler rejected included.
    pub(crate) fn rows(&self) -> usize {
        self.time.len()
    }

    /// How many rows a sampler rejected.
    pub(crate) fn rejected(&self) -> usize {
        self.rejected.len()
    }

    /// How many rows become rows of blocks.
    pub(crate) fn kept(&self) -> usize {
        self.rows() - self.rejected()
    }

    /// The rows that become rows of blocks.
    pub(crate) fn kept_rows(&self) -> impl Iterator<Item = u32> + '_ {
        let mut rejected = self.rejected.iter().peekable();
        (0..self.rows() as u32).filter(move |row| rejected.next_if_eq(&row).is_none())
    }

    /// Whether one of its rows can lie in a range.
    pub(crate) fn overlaps(&self, range: TimeRange) -> bool {
        let (first, last) = (self.time.iter().min(), self.time.iter().max());
        first.zip(last).is_some_and(|(first, last)| range.overlaps(UnixNanos(*first), UnixNanos(*last)))
    }

    /// Says of the row that is being read that a sampler rejected it.
    fn reject(&mut self) {
        self.rejected.push(self.rows() as u32);
    }

    /// About how many bytes of memory it holds.
    pub(crate) fn heap_bytes(&self) -> usize {
        let origins = self.resources.list.iter().chain(&self.scopes.list);
        let fixed = 8 + 16 + 8 + 8 + self.ints.len() * 8 + self.texts.len() * 8 + 8;
        self.arena.capacity()
            + self.rows() * fixed
            + self.slots.iter().map(|s| s.cells.capacity() * size_of::<Cell>() + s.key.len() + 64).sum::<usize>()
            + origins.map(|o| o.raw.len() + o.schema_url.len() + 64).sum::<usize>()
    }

    pub(crate) fn bytes(&self, s: Slice) -> &[u8] {
        self.arena.get(s.at as usize..s.at as usize + s.len as usize).unwrap_or_default()
    }

    fn store(&mut self, bytes: &[u8]) -> Slice {
        // The log takes no request of 1 GiB or more, and the arena holds parts of one request.
        let Ok(at) = u32::try_from(self.arena.len()) else { return Slice::default() };
        self.arena.extend_from_slice(bytes);
        Slice { at, len: bytes.len() as u32 }
    }

    fn resource(&mut self, raw: &[u8], schema_url: &str) {
        self.current_resource = Some(self.resources.intern(raw, schema_url));
        self.current_scope = None;
    }

    fn scope(&mut self, scope: ScopeRef<'_>) {
        self.current_scope = Some(self.scopes.intern(scope.raw, scope.schema_url));
    }

    /// Makes room for so many rows in the columns that every row has.
    fn expect(&mut self, rows: usize) {
        let rows = rows.min(ROWS_EXPECTED_MAX);
        self.rows_expected = rows;
        self.time.reserve_exact(rows);
        self.trace.reserve_exact(rows);
        self.span.reserve_exact(rows);
        self.resource.reserve_exact(rows);
        self.scope.reserve_exact(rows);
        self.ints.iter_mut().for_each(|column| column.reserve_exact(rows));
        self.texts.iter_mut().for_each(|column| column.reserve_exact(rows));
    }

    fn attribute(&mut self, key: &str, value: ValueRef<'_>) {
        let slot = self.slot(ATTRIBUTE, key);
        self.put(slot, value);
    }

    fn fixed(&mut self, id: u8, value: ValueRef<'_>) {
        let slot = self.slot(id, "");
        self.put(slot, value);
    }

    fn slot(&mut self, id: u8, key: &str) -> u32 {
        let before = self.now.last().and_then(|i| self.slots.get(*i as usize));
        let guess = before.map_or(self.first, |slot| slot.next);
        if let Some(slot) = self.slots.get(guess as usize)
            && slot.id == id
            && same(slot.key.as_bytes(), key.as_bytes())
        {
            self.now.push(guess);
            return guess;
        }
        let slots = &mut self.slots;
        let h = hash(key.as_bytes()) ^ u64::from(id);
        let found = self.table.find(h, |i| slots[*i as usize].id == id && *slots[*i as usize].key == *key);
        let i = match found {
            Some(i) => *i,
            None => {
                let i = slots.len() as u32;
                slots.push(Slot { id, key: key.into(), cells: Vec::new(), next: i + 1 });
                self.table.insert_unique(h, i, |i| {
                    let s = &slots[*i as usize];
                    hash(s.key.as_bytes()) ^ u64::from(s.id)
                });
                i
            }
        };
        match self.now.last().and_then(|before| self.slots.get_mut(*before as usize)) {
            Some(before) => before.next = i,
            None => self.first = i,
        }
        self.now.push(i);
        i
    }

    fn put(&mut self, slot: u32, value: ValueRef<'_>) {
        let value = match value {
            ValueRef::Empty => CellValue::Empty,
            ValueRef::Bool(v) => CellValue::Bool(v),
            ValueRef::Int(v) => CellValue::Int(v),
            ValueRef::Double(v) => CellValue::Double(v),
            ValueRef::Str(v) => self.binary(slot, ValueType::Str, v.as_bytes()),
            ValueRef::Bytes(v) => self.binary(slot, ValueType::Bytes, v),
            ValueRef::Array(v) => self.binary(slot, ValueType::Array, v),
            ValueRef::Map(v) => self.binary(slot, ValueType::Map, v),
        };
        let row = self.rows();
        let Some(slot) = self.slots.get_mut(slot as usize) else { return };
        match slot.cells.last_mut() {
            // A repeated key keeps its last value.
            Some(cell) if cell.row == row as u32 => cell.value = value,
            _ => {
                if slot.cells.len() == slot.cells.capacity() {
                    slot.grow(row, self.rows_expected);
                }
                slot.cells.push(Cell { row: row as u32, value });
            }
        }
    }

    fn binary(&mut self, slot: u32, value_type: ValueType, bytes: &[u8]) -> CellValue {
        if let Some(Cell { value: CellValue::Binary(t, s), .. }) =
            self.slots.get(slot as usize).and_then(|s| s.cells.last())
            && *t == value_type
            && same(self.bytes(*s), bytes)
        {
            return CellValue::Binary(value_type, *s);
        }
        CellValue::Binary(value_type, self.store(bytes))
    }

    fn end_row(&mut self, row: &RowFields<'_>) {
        for i in 0..self.texts.len() {
            let text = row.texts.get(i).copied().unwrap_or_default().as_bytes();
            let slice = match self.texts[i].last() {
                Some(s) if same(self.bytes(*s), text) => *s,
                _ => self.store(text),
            };
            self.texts[i].push(slice);
        }
        for (column, v) in self.ints.iter_mut().zip(row.ints) {
            column.push(*v);
        }
        self.trace.push(row.trace);
        self.span.push(row.span);
        if let Some(parent) = row.parent {
            self.parent.push(parent);
        }
        let (resource, scope) = (self.current_resource, self.current_scope);
        self.resource.push(resource.unwrap_or_else(|| self.resources.unnamed()));
        self.scope.push(scope.unwrap_or_else(|| self.scopes.unnamed()));
        self.time.push(row.time);
        self.now.clear();
        self.mark = self.arena.len();
    }

    fn abandon(&mut self) {
        let row = self.rows() as u32;
        for slot in self.now.drain(..) {
            if let Some(slot) = self.slots.get_mut(slot as usize)
                && slot.cells.last().is_some_and(|c| c.row == row)
            {
                slot.cells.pop();
            }
        }
        self.arena.truncate(self.mark);
    }
}
