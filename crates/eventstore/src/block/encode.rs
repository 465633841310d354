//! Batches into blocks.
//!
//! Rows are sorted by time and cut at day bounds (a block lies in one
//! partition) and into equal parts of at most 8,192 rows.

use std::sync::Arc;

use hashbrown::HashMap;
use model::UnixNanos;
use rustc_hash::FxBuildHasher;

use super::gather::{self, Gathered, Keyed, Place, Ranks};
use super::header::{self, Entry};
use super::{Block, Meta, ROWS_MAX};
use super::{overflow, token_filter};
use crate::batch::{Batch, CellValue, Origin, Origins};
use crate::column::binary::Form;
use crate::column::bytes::{put_bytes, zigzag};
use crate::column::{binary, doubles, ids, ints, presence};
use crate::partition::Day;
use crate::schema::*;
use crate::sketch::Sketch;
use crate::value_type::ValueType;

/// A batch and the number of its first row.
#[derive(Debug, Clone)]
pub(crate) struct Numbered {
    pub(crate) batch: Arc<Batch>,
    pub(crate) first_seq: u64,
}

/// What is done for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// It is made small, gets a token filter, and knows the distinct values of its attributes.
    Full,
    /// It is read by a few queries and thrown away: texts stay as they are.
    Least,
}

/// Encodes all rows of `batches` (in order of arrival) into blocks in memory, with at most `attributes_max` keys of
/// attributes as columns.
pub(crate) fn encode(schema: Schema, batches: &[Numbered], attributes_max: usize, effort: Effort) -> Vec<Arc<Block>> {
    let places = gather::order(batches);
    let mut blocks = Vec::new();
    for day in places.chunk_by(|a, b| Day::of(UnixNanos(a.time)) == Day::of(UnixNanos(b.time))) {
        let parts = day.len().div_ceil(ROWS_MAX);
        for part in day.chunks(day.len().div_ceil(parts)) {
            blocks.push(Arc::new(encode_block(schema, batches, part, attributes_max, effort)));
        }
    }
    blocks
}

/// The columns of a block while it is written.
pub(super) struct Columns {
    effort: Effort,
    entries: Vec<Entry>,
    payload: Vec<u8>,
    tokens: token_filter::Builder,
    presences: presence::Table,
    /// Of the attributes that are columns, in the order of their entries.
    distinct: Vec<Sketch>,
}

impl Columns {
    fn new(effort: Effort) -> Self {
        Self {
            effort,
            entries: Vec::new(),
            payload: Vec::new(),
            tokens: token_filter::Builder::default(),
            presences: presence::Table::default(),
            distinct: Vec::new(),
        }
    }

    fn put(&mut self, id: u8, value_type: ValueType, key: &str, present: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let offset = self.payload.len();
        write(&mut self.payload);
        let bytes = &self.payload[offset..];
        self.entries.push(Entry {
            id,
            value_type,
            key: key.into(),
            present: present as u32,
            offset: offset as u32,
            len: bytes.len() as u32,
            crc: crc32c::crc32c(bytes),
        });
    }

    /// A column that every row has.
    fn full(&mut self, id: u8, value_type: ValueType, rows: usize, write: impl FnOnce(&mut Vec<u8>)) {
        self.put(id, value_type, "", rows, |out| {
            // Every row: the presence is one byte.
            presence::encode(&[], 0, out);
            write(out);
        });
    }

    /// A column that the rows `at` have, rising.
    pub(super) fn sparse(
        &mut self,
        id: u8,
        value_type: ValueType,
        key: &str,
        at: Vec<u32>,
        rows: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let present = at.len();
        let mut presence = Vec::new();
        self.presences.encode(at, rows, &mut presence);
        self.put(id, value_type, key, present, |out| {
            out.extend_from_slice(&presence);
            write(out);
        });
    }

    /// Puts the words of the column that was written last into the token filter, if full text search looks at it.
    fn cover(&mut self, schema: Schema, texts: &[&[u8]], form: &Form<'_>) {
        if self.effort == Effort::Full
            && let Some(e) = self.entries.last()
            && e.value_type == ValueType::Str
            && schema.searches(e.id)
        {
            self.tokens.cover(self.entries.len() - 1, texts, form);
        }
    }

    fn ints(&mut self, id: u8, values: &[i64]) {
        self.full(id, ValueType::Int, values.len(), |out| ints::encode(values, out));
    }
}

fn encode_block(
    schema: Schema,
    batches: &[Numbered],
    places: &[Place],
    attributes_max: usize,
    effort: Effort,
) -> Block {
    let rows = places.len();
    let ranks = gather::ranks(batches, places);
    let mut columns = Columns::new(effort);
    let time: Vec<i64> = places.iter().map(|p| p.time).collect();
    columns.ints(TIME, &time);
    let seq: Vec<i64> = places.iter().map(|p| p.seq as i64).collect();
    columns.ints(SEQ, &seq);
    put_origins(&mut columns, batches, places, &ranks);
    put_ids(&mut columns, schema, batches, &ranks, rows);
    let counts = put_ints(&mut columns, schema, batches, &ranks, rows);
    put_texts(&mut columns, schema, batches, places, &ranks);
    let mut keyed = gather::keyed(batches, &ranks);
    let rest = overflow::beyond(batches, &ranks, &mut keyed, attributes_max);
    for column in keyed {
        let cells = gather::gather(batches, &ranks, &column, rows);
        put_keyed(&mut columns, schema, batches, &column, &cells, rows);
    }
    overflow::put(&mut columns, batches, &ranks, &rest, rows);
    if let Some(table) = std::mem::take(&mut columns.presences).into_bytes() {
        columns.put(PRESENCES, ValueType::Bytes, "", 0, |out| out.extend_from_slice(&table));
    }
    if let Some(filter) = std::mem::take(&mut columns.tokens).encode() {
        columns.put(TOKENS, ValueType::Bytes, "", 0, |out| out.extend_from_slice(&filter));
    }
    let meta = Meta {
        rows: rows as u32,
        min_time: UnixNanos(time.first().copied().unwrap_or_default()),
        max_time: UnixNanos(time.last().copied().unwrap_or_default()),
        counts,
    };
    let mut bytes = header::encode(schema, &meta, &columns.entries);
    bytes.extend_from_slice(&columns.payload);
    Block::in_memory(bytes.into(), meta, columns.distinct)
}

fn put_origins(columns: &mut Columns, batches: &[Numbered], places: &[Place], ranks: &[Ranks]) {
    let table = |origins: fn(&Batch) -> &Origins, rows: fn(&Batch) -> &[u32]| {
        let mut index: HashMap<&Origin, i64, FxBuildHasher> = HashMap::default();
        let mut list: Vec<&Origin> = Vec::new();
        // Per batch, the place in the block's table of each of its origins.
        let mut map: Vec<Vec<i64>> = vec![Vec::new(); batches.len()];
        for r in ranks {
            let batch = &batches[r.batch].batch;
            let all = &origins(batch).list;
            // A request can name origins that no row of this block has: they stay out of its table,
            // which would else be longer than a block has rows.
            let mut used = vec![false; all.len()];
            for (row, place) in r.rows.iter().enumerate() {
                if *place != gather::ELSEWHERE {
                    used[rows(batch)[row] as usize] = true;
                }
            }
            map[r.batch] = all
                .iter()
                .zip(used)
                .map(|(o, used)| {
                    if !used {
                        return -1;
                    }
                    *index.entry(o).or_insert_with(|| {
                        list.push(o);
                        list.len() as i64 - 1
                    })
                })
                .collect();
        }
        let codes: Vec<i64> = places
            .iter()
            .map(|p| map[p.batch as usize][rows(&batches[p.batch as usize].batch)[p.row as usize] as usize])
            .collect();
        let list: Vec<Vec<u8>> = list
            .into_iter()
            .map(|o| {
                let mut out = Vec::with_capacity(o.raw.len() + o.schema_url.len() + 2);
                put_bytes(&mut out, o.schema_url.as_bytes());
                out.extend_from_slice(&o.raw);
                out
            })
            .collect();
        (codes, list)
    };
    for (id, table_id, (codes, list)) in [
        (RESOURCE, RESOURCES, table(|b| &b.resources, |b| &b.resource)),
        (SCOPE, SCOPES, table(|b| &b.scopes, |b| &b.scope)),
    ] {
        columns.ints(id, &codes);
        let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
        columns.put(table_id, ValueType::Bytes, "", list.len(), |out| binary::encode_table(&list, out));
    }
}

fn put_ids(columns: &mut Columns, schema: Schema, batches: &[Numbered], ranks: &[Ranks], rows: usize) {
    let trace = gather::scatter(batches, ranks, rows, |b| &b.trace);
    let span = gather::scatter(batches, ranks, rows, |b| &b.span);
    if trace.iter().any(|t| *t != [0; 16]) {
        columns.full(TRACE_ID, ValueType::Bytes, rows, |out| ids::encode(&trace, out));
    }
    if span.iter().any(|s| *s != [0; 8]) {
        columns.full(SPAN_ID, ValueType::Bytes, rows, |out| ids::encode(&span, out));
    }
    if schema != Schema::Spans {
        return;
    }
    let by_id: HashMap<u64, u32, FxBuildHasher> =
        span.iter().enumerate().map(|(row, id)| (u64::from_le_bytes(*id), row as u32)).collect();
    let mut elsewhere: Vec<[u8; 8]> = Vec::new();
    let codes: Vec<i64> = gather::scatter(batches, ranks, rows, |b| &b.parent)
        .into_iter()
        .enumerate()
        .map(|(row, parent)| {
            if parent == [0; 8] {
                return 0;
            }
            match by_id.get(&u64::from_le_bytes(parent)) {
                Some(at) => 2 + zigzag(i64::from(*at) - row as i64) as i64,
                None => {
                    elsewhere.push(parent);
                    1
                }
            }
        })
        .collect();
    columns.ints(PARENT, &codes);
    let at: Vec<u32> = codes.iter().enumerate().filter(|(_, c)| **c == 1).map(|(row, _)| row as u32).collect();
    if !at.is_empty() {
        columns.put(PARENT_ID, ValueType::Bytes, "", at.len(), |out| {
            presence::encode(&at, rows, out);
            ids::encode(&elsewhere, out);
        });
    }
}

fn put_ints(
    columns: &mut Columns,
    schema: Schema,
    batches: &[Numbered],
    ranks: &[Ranks],
    rows: usize,
) -> super::ValueCounts {
    let mut counts = [0; COUNTED_VALUES];
    for (i, id) in schema.ints().iter().enumerate() {
        let values = gather::scatter(batches, ranks, rows, |b| &b.ints[i]);
        if *id == schema.counted() {
            for v in &values {
                if let Some(c) = counts.get_mut(*v as usize) {
                    *c += 1;
                }
            }
        }
        if values.iter().any(|v| *v != 0) {
            columns.ints(*id, &values);
        }
    }
    counts
}

fn put_texts(columns: &mut Columns, schema: Schema, batches: &[Numbered], places: &[Place], ranks: &[Ranks]) {
    for (i, id) in schema.texts().iter().enumerate() {
        let slices = gather::scatter(batches, ranks, places.len(), |b| &b.texts[i]);
        if slices.iter().all(|s| s.is_empty()) {
            continue;
        }
        let values: Vec<&[u8]> =
            places.iter().zip(slices).map(|(p, s)| batches[p.batch as usize].batch.bytes(s)).collect();
        let mut form = Form::Distinct(Vec::new());
        let effort = columns.effort;
        columns.full(*id, ValueType::Str, values.len(), |out| form = put_values(&values, effort, out));
        columns.cover(schema, &values, &form);
    }
}

fn put_values<'a>(values: &[&'a [u8]], effort: Effort, out: &mut Vec<u8>) -> Form<'a> {
    match effort {
        Effort::Full => binary::encode(values, out),
        Effort::Least => binary::encode_as_they_are(values, out),
    }
}

const TYPES: [ValueType; 8] = [
    ValueType::Empty,
    ValueType::Str,
    ValueType::Bool,
    ValueType::Int,
    ValueType::Double,
    ValueType::Bytes,
    ValueType::Array,
    ValueType::Map,
];

fn type_of(v: CellValue) -> ValueType {
    match v {
        CellValue::Empty => ValueType::Empty,
        CellValue::Bool(_) => ValueType::Bool,
        CellValue::Int(_) => ValueType::Int,
        CellValue::Double(_) => ValueType::Double,
        CellValue::Binary(t, _) => t,
    }
}

/// A column per type that the key occurs with.
fn put_keyed(
    columns: &mut Columns,
    schema: Schema,
    batches: &[Numbered],
    column: &Keyed<'_>,
    cells: &[Gathered],
    rows: usize,
) {
    let mut seen = [false; TYPES.len()];
    cells.iter().for_each(|c| seen[type_of(c.value) as usize] = true);
    for value_type in TYPES.into_iter().filter(|t| seen[*t as usize]) {
        let cells = || cells.iter().filter(|c| type_of(c.value) == value_type);
        let at: Vec<u32> = cells().map(|c| c.row).collect();
        let mut texts = Vec::new();
        let mut form = Form::Distinct(Vec::new());
        let mut distinct = Sketch::default();
        let effort = columns.effort;
        columns.sparse(column.id, value_type, column.key, at, rows, |out| match value_type {
            ValueType::Empty => distinct.add(&[]),
            ValueType::Bool | ValueType::Int => {
                let values: Vec<i64> = cells()
                    .map(|c| match c.value {
                        CellValue::Int(v) => v,
                        CellValue::Bool(v) => i64::from(v),
                        _ => 0,
                    })
                    .collect();
                ints::encode(&values, out);
                if effort == Effort::Full {
                    distinct.add_ints(&values);
                }
            }
            ValueType::Double => {
                let values: Vec<f64> =
                    cells().map(|c| if let CellValue::Double(v) = c.value { v } else { 0.0 }).collect();
                doubles::encode(&values, out);
                distinct.add_doubles(&values);
            }
            ValueType::Str | ValueType::Bytes | ValueType::Array | ValueType::Map => {
                texts = cells()
                    .map(|c| match c.value {
                        CellValue::Binary(_, s) => batches[c.batch as usize].batch.bytes(s),
                        _ => &[],
                    })
                    .collect();
                form = put_values(&texts, effort, out);
            }
        });
        columns.cover(schema, &texts, &form);
        if column.id == ATTRIBUTE && effort == Effort::Full {
            match &form {
                Form::Distinct(entries) => entries.iter().for_each(|v| distinct.add(v)),
                Form::Plain | Form::Templates(_) => texts.iter().for_each(|v| distinct.add(v)),
            }
            columns.distinct.push(distinct);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::trace::Resource;
    use model::{LogRecord, Value};

    use super::*;
    use crate::batch::LogBatch;
    use crate::resources::OriginCache;

    fn blocks(records: &[LogRecord]) -> Vec<Arc<Block>> {
        let request = wire::otlp::encode::logs_request(records);
        let limits = wire::otlp::Limits::new(UnixNanos::from_secs(1_000));
        let batch = LogBatch::decode(&request, &limits).map(|(b, _)| b.into_inner());
        encode(
            Schema::Logs,
            &[Numbered { batch: Arc::new(batch.unwrap_or_else(|e| panic!("{e}"))), first_seq: 0 }],
            1000,
            Effort::Full,
        )
    }

    #[test]
    fn a_block_names_the_origins_of_its_rows_only() {
        let record = |i: i64| LogRecord {
            time: UnixNanos(i + 1),
            observed_time: UnixNanos(i + 1),
            resource: Resource { attributes: vec![("n".to_owned(), Value::Int(i))], ..Resource::default() },
            ..LogRecord::default()
        };
        let records: Vec<LogRecord> = (0..9_000).map(record).collect();
        let blocks = blocks(&records);
        assert_eq!(blocks.len(), 2);
        for b in blocks {
            let named = b.resources(&OriginCache::default()).map(|list| list.len());
            assert_eq!(named.ok(), Some(b.rows()));
        }
    }

    #[test]
    fn a_header_of_more_than_64_mib_is_read_back() {
        let long = "k".repeat(1_000_000);
        let attributes = (0..70).map(|i| (format!("{i}{long}"), Value::Int(i))).collect();
        let record = LogRecord { time: UnixNanos(1), observed_time: UnixNanos(1), attributes, ..LogRecord::default() };
        let blocks = blocks(&[record]);
        assert!(blocks.iter().map(|b| b.len).sum::<u64>() > 64 << 20);
        assert!(blocks[0].header().is_ok());
    }
}
