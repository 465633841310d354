//! A block while one query looks at it: columns are decoded once, when first asked for.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use hashbrown::HashMap;
use model::{TimeRange, UnixNanos};

use super::request::Partial;
use super::run::Halt;
use crate::block::{Block, BlockError, Coded, Entry, Header, Loaded, Presences, TokenFilter, Values};
use crate::column::Damaged;
use crate::column::binary::Entries;
use crate::column::bitmap::Bitmap;
use crate::column::ints;
use crate::column::presence::Presence;
use crate::column::template::{NumberedTexts, Templates};
use crate::engine::Shared;
use crate::resources::{ResourceInfo, ScopeInfo};
use crate::schema::{ATTRIBUTE, RESOURCE, SCOPE, SEQ, Schema, TIME};

/// Rows of a block, rising.
pub(crate) enum Rows {
    /// All of so many.
    All(usize),
    /// These.
    These(Vec<usize>),
}

/// Of one row in so many and fewer, columns are read for these rows alone.
const FEW: usize = 8;

impl Rows {
    /// The rows of a set.
    pub(crate) fn of(set: &Bitmap, rows: usize) -> Self {
        let count = set.count();
        if count == rows { Self::All(rows) } else { Self::These(set.iter().collect()) }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::All(rows) => *rows,
            Self::These(rows) => rows.len(),
        }
    }

    /// The row at a place.
    pub(crate) fn at(&self, i: usize) -> usize {
        match self {
            Self::All(_) => i,
            Self::These(rows) => rows.get(i).copied().unwrap_or(usize::MAX),
        }
    }

    /// What belongs to these rows of what there is one of per row of the block.
    pub(crate) fn pick<T: Copy>(&self, all: Vec<T>) -> Vec<T> {
        match self {
            Self::All(_) => all,
            Self::These(rows) => rows.iter().filter_map(|row| all.get(*row).copied()).collect(),
        }
    }
}

pub(crate) struct View<'a> {
    shared: &'a Shared,
    block: &'a Block,
    header: Arc<Header>,
    /// By the column's place in the header.
    loaded: RefCell<HashMap<usize, Arc<Loaded>>>,
    presences: Presences,
    /// Bytes that may still be decoded.
    left: Cell<usize>,
}

impl<'a> View<'a> {
    pub(crate) fn new(shared: &'a Shared, block: &'a Block, left: usize) -> Result<Self, BlockError> {
        let header = block.header()?.clone();
        if header.schema != shared.schema {
            return Err(Damaged("block schema").into());
        }
        let (loaded, presences) = (RefCell::default(), Presences::default());
        Ok(Self { shared, block, header, loaded, presences, left: Cell::new(left) })
    }

    pub(crate) fn schema(&self) -> Schema {
        self.shared.schema
    }

    pub(crate) fn rows(&self) -> usize {
        self.block.rows()
    }

    /// The columns that are there, with their places.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.header.entries.iter().enumerate()
    }

    /// The columns of an attribute, one per type.
    pub(crate) fn attribute<'s>(&'s self, key: &'s str) -> impl Iterator<Item = (usize, &'s Entry)> {
        self.entries().filter(move |(_, e)| e.id == ATTRIBUTE && *e.key == *key)
    }

    /// The columns with this number.
    pub(crate) fn with_id(&self, id: u8) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries().filter(move |(_, e)| e.id == id)
    }

    fn entry(&self, place: usize) -> Result<&Entry, Damaged> {
        self.header.entries.get(place).ok_or(Damaged("column"))
    }

    fn is_loaded(&self, place: usize) -> bool {
        self.loaded.borrow().contains_key(&place)
    }

    /// Counts bytes that were decoded.
    fn decoded(&self, bytes: usize) -> Result<(), Halt> {
        self.left.set(self.left.get().checked_sub(bytes).ok_or(Halt::Stop(Partial::Memory))?);
        Ok(())
    }

    /// Decodes the column at `place`.
    pub(crate) fn load(&self, place: usize) -> Result<Arc<Loaded>, Halt> {
        if let Some(found) = self.loaded.borrow().get(&place) {
            return Ok(found.clone());
        }
        self.keep(place, self.block.load(&self.header, self.entry(place)?, &self.presences)?)
    }

    fn keep(&self, place: usize, column: Loaded) -> Result<Arc<Loaded>, Halt> {
        let column = Arc::new(column);
        self.decoded(column.heap_bytes())?;
        self.loaded.borrow_mut().insert(place, column.clone());
        Ok(column)
    }

    /// Whether columns are read for these rows alone.
    pub(crate) fn are_few(&self, rows: &[usize]) -> bool {
        rows.len().saturating_mul(FEW) <= self.rows()
    }

    /// Decodes the column at `place` for `rows`, which rise; other rows may seem to have no value.
    pub(crate) fn load_rows(&self, place: usize, rows: &[usize]) -> Result<Arc<Loaded>, Halt> {
        if self.is_loaded(place) || !self.are_few(rows) {
            return self.load(place);
        }
        let column = self.block.load_rows(&self.header, self.entry(place)?, &self.presences, rows)?;
        self.decoded(column.heap_bytes())?;
        Ok(Arc::new(column))
    }

    /// The same of the column with this number, if the block has it.
    pub(crate) fn column_of_rows(&self, id: u8, rows: &[usize]) -> Result<Option<Arc<Loaded>>, Halt> {
        match self.with_id(id).next() {
            Some((place, _)) => self.load_rows(place, rows).map(Some),
            None => Ok(None),
        }
    }

    /// Decodes the column with this number, if the block has it.
    pub(crate) fn column(&self, id: u8) -> Result<Option<Arc<Loaded>>, Halt> {
        match self.with_id(id).next() {
            Some((place, _)) => self.load(place).map(Some),
            None => Ok(None),
        }
    }

    /// The templates of the text column at `place`, if it is stored as templates; see [`Block::templates`].
    pub(crate) fn templates(&self, place: usize) -> Result<Option<(Presence, Templates)>, Halt> {
        // Who has the texts already needs no templates.
        if self.is_loaded(place) {
            return Ok(None);
        }
        Ok(self.block.templates(&self.header, self.entry(place)?, &self.presences)?)
    }

    /// The numbers of the text column at `place`, if its texts differ in nothing else; see [`Block::numbered`].
    pub(crate) fn numbered(&self, place: usize) -> Result<Option<(Presence, NumberedTexts)>, Halt> {
        // Who has the texts already needs no numbers.
        if self.is_loaded(place) {
            return Ok(None);
        }
        Ok(self.block.numbered(&self.header, self.entry(place)?, &self.presences)?)
    }

    /// The codes of the text column at `place`, if it has a dictionary; see [`Block::codes`].
    pub(crate) fn codes(&self, place: usize, wanted: impl FnOnce(&Entries) -> bool) -> Result<Option<Coded>, Halt> {
        // Who has the texts already needs no codes.
        if self.is_loaded(place) {
            return Ok(None);
        }
        Ok(self.block.codes(&self.header, self.entry(place)?, &self.presences, wanted)?)
    }

    /// The rows that have a value in the column at `place`.
    pub(crate) fn present(&self, place: usize) -> Result<Bitmap, Halt> {
        let presence = self.block.present(&self.header, self.entry(place)?, &self.presences)?;
        Ok(match presence {
            Presence::All => Bitmap::all(self.rows()),
            Presence::Rows(rows) => {
                let mut set = Bitmap::none(self.rows());
                rows.iter().for_each(|row| set.set(*row as usize));
                set
            }
        })
    }

    /// The same for some rows, which rise.
    pub(crate) fn codes_of_rows(&self, place: usize, rows: &[usize]) -> Result<Option<Coded>, Halt> {
        if self.is_loaded(place) {
            return Ok(None);
        }
        Ok(self.block.codes_of_rows(&self.header, self.entry(place)?, &self.presences, rows)?)
    }

    /// The codes of a column of integers that every row has, if it has a dictionary; else its values are at hand.
    pub(crate) fn int_codes(&self, id: u8) -> Result<Option<ints::Dictionary>, Halt> {
        let Some((place, entry)) = self.with_id(id).next().filter(|(place, _)| !self.is_loaded(*place)) else {
            return Ok(None);
        };
        match self.block.stored_ints(&self.header, entry)? {
            Some(ints::Stored::Coded(codes)) => Ok(Some(codes)),
            Some(ints::Stored::Plain(values)) => {
                self.keep(place, Loaded { presence: Presence::All, values: Values::Ints(values) })?;
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// How many rows lie before each of `bounds`, which rise.
    pub(crate) fn rows_before(&self, bounds: &[i64]) -> Result<Vec<usize>, Halt> {
        Ok(self.block.rows_before(&self.header, bounds)?)
    }

    /// The times between which its rows lie, both inclusive.
    pub(crate) fn times_between(&self) -> (UnixNanos, UnixNanos) {
        (self.block.meta.min_time, self.block.meta.max_time)
    }

    /// The words of the block's plain texts; see [`Block::token_filter`].
    pub(crate) fn token_filter(&self) -> Result<Option<TokenFilter<'_>>, Halt> {
        Ok(self.block.token_filter(&self.header)?)
    }

    /// A column of integers that every row has; `None` when all are zero.
    pub(crate) fn ints(&self, id: u8) -> Result<Option<IntColumn>, Halt> {
        match self.column(id)? {
            None => Ok(None),
            Some(c) if matches!(&c.values, Values::Ints(v) if v.len() == self.rows()) => Ok(Some(IntColumn(c))),
            Some(_) => Err(Damaged("integer column").into()),
        }
    }

    /// The same for `rows`, which rise; other rows may seem to have 0.
    pub(crate) fn ints_of_rows(&self, id: u8, rows: &[usize]) -> Result<Option<IntColumn>, Halt> {
        if !self.are_few(rows) {
            return self.ints(id);
        }
        match self.with_id(id).next() {
            None => Ok(None),
            Some((place, e)) if e.present as usize == self.rows() && !e.value_type.is_binary() => {
                Ok(Some(IntColumn(self.load_rows(place, rows)?)))
            }
            Some(_) => Err(Damaged("integer column").into()),
        }
    }

    /// The integers of `rows`, which rise, one for each; zeros when the block lacks the column.
    pub(crate) fn ints_at(&self, id: u8, rows: &[usize]) -> Result<Vec<i64>, Halt> {
        Ok(self.ints_of_rows(id, rows)?.map_or_else(|| vec![0; rows.len()], |column| column.of(rows)))
    }

    /// The same of a column that no block lacks.
    pub(crate) fn required_at(&self, id: u8, rows: &[usize]) -> Result<Vec<i64>, Halt> {
        Ok(self.required_of_rows(id, rows)?.of(rows))
    }

    /// What [`View::ints_of_rows`] says of a column that no block lacks.
    pub(crate) fn required_of_rows(&self, id: u8, rows: &[usize]) -> Result<IntColumn, Halt> {
        Ok(self.ints_of_rows(id, rows)?.ok_or(Damaged("missing column"))?)
    }

    /// The same of a column that no block lacks.
    pub(crate) fn required(&self, id: u8) -> Result<IntColumn, Halt> {
        Ok(self.ints(id)?.ok_or(Damaged("missing column"))?)
    }

    /// The time of each row, rising.
    pub(crate) fn times(&self) -> Result<IntColumn, Halt> {
        self.required(TIME)
    }

    /// The number of each row.
    pub(crate) fn seqs(&self) -> Result<IntColumn, Halt> {
        self.required(SEQ)
    }

    /// For each row its place in [`View::resources`].
    pub(crate) fn resource_codes(&self) -> Result<IntColumn, Halt> {
        self.required(RESOURCE)
    }

    /// For each row its place in [`View::scopes`].
    pub(crate) fn scope_codes(&self) -> Result<IntColumn, Halt> {
        self.required(SCOPE)
    }

    pub(crate) fn resources(&self) -> Result<&Arc<[Arc<ResourceInfo>]>, Halt> {
        Ok(self.block.resources(&self.shared.origins)?)
    }

    pub(crate) fn scopes(&self) -> Result<&Arc<[Arc<ScopeInfo>]>, Halt> {
        Ok(self.block.scopes(&self.shared.origins)?)
    }

    /// The rows whose time lies in `range`.
    pub(crate) fn in_range(&self, range: TimeRange) -> Result<Bitmap, Halt> {
        let meta = &self.block.meta;
        if range.contains(meta.min_time) && range.contains(meta.max_time) {
            return Ok(Bitmap::all(self.rows()));
        }
        let ends = self.rows_before(&[range.start.0.min(range.end.0), range.end.0])?;
        let [from, to] = *ends.as_slice() else { return Ok(Bitmap::none(self.rows())) };
        Ok(Bitmap::range(self.rows(), from..to))
    }
}

/// A column of one integer per row.
pub(crate) struct IntColumn(Arc<Loaded>);

impl IntColumn {
    /// One value per row, unless it was read for some rows alone.
    pub(crate) fn get(&self) -> &[i64] {
        match &self.0.values {
            Values::Ints(v) => v,
            _ => &[],
        }
    }

    /// The values of rows, which rise; 0 outside.
    fn of(&self, rows: &[usize]) -> Vec<i64> {
        match &self.0.presence {
            // Read for these rows alone.
            Presence::Rows(read) if read.len() == rows.len() && self.get().len() == rows.len() => self.get().to_vec(),
            _ => rows.iter().map(|row| self.at(*row)).collect(),
        }
    }

    /// The value of a row; 0 outside.
    pub(crate) fn at(&self, row: usize) -> i64 {
        let place = self.0.presence.value(row);
        place.and_then(|i| self.get().get(i)).copied().unwrap_or_default()
    }
}
