//! A block while one query looks at it: columns are decoded once, when first asked for.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use hashbrown::HashMap;
use model::{TimeRange, UnixNanos};

use super::request::Partial;
use super::run::Halt;
use crate::block::{Block, BlockError, Entry, Header, Loaded, SharedCodes, TokenFilter, Values};
use crate::column::Damaged;
use crate::column::bitmap::Bitmap;
use crate::column::presence::Presence;
use crate::column::template::{NumberedTexts, Templates};
use crate::engine::Shared;
use crate::resources::{ResourceInfo, ScopeInfo};
use crate::schema::{ATTRIBUTE, RESOURCE, SCOPE, SEQ, Schema, TIME};

pub(crate) struct View<'a> {
    shared: &'a Shared,
    block: &'a Block,
    header: Arc<Header>,
    /// By the column's place in the header.
    loaded: RefCell<HashMap<usize, Arc<Loaded>>>,
    /// Bytes that may still be decoded.
    left: Cell<usize>,
}

impl<'a> View<'a> {
    pub(crate) fn new(shared: &'a Shared, block: &'a Block, left: usize) -> Result<Self, BlockError> {
        let header = block.header()?.clone();
        if header.schema != shared.schema {
            return Err(Damaged("block schema").into());
        }
        Ok(Self { shared, block, header, loaded: RefCell::default(), left: Cell::new(left) })
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

    /// Decodes the column at `place`.
    pub(crate) fn load(&self, place: usize) -> Result<Arc<Loaded>, Halt> {
        if let Some(found) = self.loaded.borrow().get(&place) {
            return Ok(found.clone());
        }
        let entry = self.header.entries.get(place).ok_or(Damaged("column"))?;
        let column = Arc::new(self.block.load(&self.header, entry)?);
        let left = self.left.get().checked_sub(column.heap_bytes()).ok_or(Halt::Stop(Partial::Memory))?;
        self.left.set(left);
        self.loaded.borrow_mut().insert(place, column.clone());
        Ok(column)
    }

    /// Decodes the column at `place` for these rows; values of other rows may be empty.
    pub(crate) fn load_rows(&self, place: usize, rows: &[usize]) -> Result<Arc<Loaded>, Halt> {
        if let Some(found) = self.loaded.borrow().get(&place) {
            return Ok(found.clone());
        }
        let entry = self.header.entries.get(place).ok_or(Damaged("column"))?;
        let column = Arc::new(self.block.load_rows(&self.header, entry, rows)?);
        let left = self.left.get().checked_sub(column.heap_bytes()).ok_or(Halt::Stop(Partial::Memory))?;
        self.left.set(left);
        Ok(column)
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
        if self.loaded.borrow().contains_key(&place) {
            return Ok(None);
        }
        let entry = self.header.entries.get(place).ok_or(Damaged("column"))?;
        Ok(self.block.templates(&self.header, entry)?)
    }

    /// The numbers of the text column at `place`, if its texts differ in nothing else; see [`Block::numbered`].
    pub(crate) fn numbered(&self, place: usize) -> Result<Option<(Presence, NumberedTexts)>, Halt> {
        // Who has the texts already needs no numbers.
        if self.loaded.borrow().contains_key(&place) {
            return Ok(None);
        }
        let entry = self.header.entries.get(place).ok_or(Damaged("column"))?;
        Ok(self.block.numbered(&self.header, entry)?)
    }

    /// The codes of the text column at `place` by the dictionary of the segment, if it is stored so; see
    /// [`Block::shared_codes`].
    pub(crate) fn shared_codes(&self, place: usize) -> Result<Option<SharedCodes>, Halt> {
        // Who has the texts already needs no codes.
        if self.loaded.borrow().contains_key(&place) {
            return Ok(None);
        }
        let entry = self.header.entries.get(place).ok_or(Damaged("column"))?;
        Ok(self.block.shared_codes(&self.header, entry)?)
    }

    /// The words of the block's plain texts; see [`Block::token_filter`].
    pub(crate) fn token_filter(&self) -> Result<Option<TokenFilter>, Halt> {
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

    fn required(&self, id: u8) -> Result<IntColumn, Halt> {
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
        let times = self.times()?;
        let from = times.get().partition_point(|t| UnixNanos(*t) < range.start);
        let to = times.get().partition_point(|t| UnixNanos(*t) < range.end);
        Ok(Bitmap::range(self.rows(), from..to))
    }
}

/// A column of one integer per row.
pub(crate) struct IntColumn(Arc<Loaded>);

impl IntColumn {
    pub(crate) fn get(&self) -> &[i64] {
        match &self.0.values {
            Values::Ints(v) => v,
            _ => &[],
        }
    }

    /// The value of a row; 0 outside.
    pub(crate) fn at(&self, row: usize) -> i64 {
        self.get().get(row).copied().unwrap_or_default()
    }
}
