//! What the tables look at of a block: one value per row.

use std::ops::Range;

use crate::block::{Block, BlockError, Header, Loaded, Presences, Values};
use crate::column::Damaged;
use crate::column::binary::Binary;
use crate::column::presence::Presence;
use crate::kinds;
use crate::resources::OriginCache;
use crate::schema::{DURATION, NAME, RESOURCE, Schema, TIME};
use crate::texts::Texts;

/// A block that is looked at, and what all tables want of each of its rows.
pub(super) struct Columns<'a> {
    block: &'a Block,
    header: Header,
    presences: Presences,
    /// Rising.
    pub(super) times: Vec<i64>,
    /// Severity numbers or status codes.
    pub(super) counted: Vec<i64>,
    /// Nanoseconds; none of logs.
    pub(super) durations: Vec<i64>,
    /// Places among the services of the segment.
    pub(super) services: Vec<u32>,
}

impl<'a> Columns<'a> {
    /// Services that are met for the first time are added to those of the segment.
    pub(super) fn of(
        schema: Schema,
        block: &'a Block,
        services: &mut Texts,
        origins: &OriginCache,
    ) -> Result<Self, BlockError> {
        let (header, presences) = (block.read_header()?, Presences::default());
        let mut columns =
            Self { block, header, presences, times: vec![], counted: vec![], durations: vec![], services: vec![] };
        columns.times = columns.ints(TIME)?;
        columns.counted = columns.ints(schema.counted())?;
        if schema == Schema::Spans {
            columns.durations = columns.ints(DURATION)?;
        }
        columns.services = columns.services(services, origins)?;
        Ok(columns)
    }

    /// What the index of kinds wants of them.
    pub(super) fn kinds(&self, schema: Schema) -> kinds::Rows<'_> {
        let durations = (schema == Schema::Spans).then_some(&*self.durations);
        kinds::Rows { services: &self.services, values: &self.counted, durations }
    }

    pub(super) fn rows(&self) -> usize {
        self.block.rows()
    }

    /// Rows that follow each other and have the same hour, minute or whatever is so many nanoseconds long, counted from the
    /// epoch.
    pub(super) fn runs(&self, nanos: i64) -> impl Iterator<Item = (i64, Range<usize>)> + '_ {
        let mut from = 0;
        std::iter::from_fn(move || {
            let of = self.times.get(from)?.div_euclid(nanos);
            let rest = self.times.get(from..).unwrap_or_default();
            let run = from..from + rest.partition_point(|t| t.div_euclid(nanos) <= of);
            from = run.end;
            Some((of, run))
        })
    }

    fn load(&self, id: u8) -> Result<Option<Loaded>, BlockError> {
        let entry = self.header.entries.iter().find(|e| e.id == id);
        entry.map(|e| self.block.load(&self.header, e, &self.presences)).transpose()
    }

    /// A column of integers that every row has; zeros when it is not stored.
    pub(super) fn ints(&self, id: u8) -> Result<Vec<i64>, BlockError> {
        match self.load(id)? {
            None => Ok(vec![0; self.block.rows()]),
            Some(Loaded { presence: Presence::All, values: Values::Ints(values) }) => Ok(values),
            Some(_) => Err(Damaged("summarised column").into()),
        }
    }

    fn services(&self, services: &mut Texts, origins: &OriginCache) -> Result<Vec<u32>, BlockError> {
        let places: Vec<u32> = self.block.read_resources(origins)?.iter().map(|r| services.place(&r.service)).collect();
        let of = |code: i64| places.get(code as usize).copied().ok_or(Damaged("resource column"));
        Ok(self.ints(RESOURCE)?.into_iter().map(of).collect::<Result<_, _>>()?)
    }

    /// The place of each row's name.
    pub(super) fn names(&self, names: &mut Texts) -> Result<Vec<u32>, BlockError> {
        let rows = self.block.rows();
        let bad = Damaged("name column");
        let mut place = |text: &[u8]| std::str::from_utf8(text).map(|text| names.place(text)).map_err(|_| bad);
        let Some(Loaded { presence, values }) = self.load(NAME)? else { return Ok(vec![place(b"")?; rows]) };
        match (presence, values) {
            (Presence::All, Values::Binary(Binary::Const(text))) => Ok(vec![place(&text)?; rows]),
            (Presence::All, Values::Binary(Binary::Dict { codes, entries })) => {
                let places = (0..entries.len()).map(|i| place(entries.get(i))).collect::<Result<Vec<u32>, _>>()?;
                let of = |code: &u32| places.get(*code as usize).copied().ok_or(bad);
                Ok(codes.iter().map(of).collect::<Result<_, _>>()?)
            }
            (Presence::All, Values::Binary(Binary::Plain(texts))) => {
                Ok((0..texts.len()).map(|i| place(texts.get(i))).collect::<Result<_, _>>()?)
            }
            _ => Err(bad.into()),
        }
    }
}
