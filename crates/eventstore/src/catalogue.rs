//! The attribute catalogue of a segment: which attributes its rows have, how often, and how many distinct values.
//!
//! Made from the blocks when memory is flushed, and from the catalogues of the parts when
//! segments are merged, so that a merge decodes no values. It lies in the
//! footer. What could not be catalogued (a damaged column, too many keys) leaves the segment
//! without one: whoever asks looks into its blocks then. Format: `docs/formats/segment.md`.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Value;
use wire::protobuf::Writer;

use crate::block::{Block, BlockError, Loaded, Presences, Values};
use crate::column::binary::Binary;
use crate::column::bytes::{Reader, put_bytes, put_varint};
use crate::column::{Damaged, presence::Presence};
use crate::resources::OriginCache;
use crate::schema::{ATTRIBUTE, RESOURCE, REST};
use crate::sketch::Sketch;
use crate::value_type::ValueType;

/// Attributes that a catalogue may list; a segment that has more is without one.
const ATTRIBUTES_MAX: usize = 10_000;

/// Of the resource, the type of the values, the key.
pub(crate) type AttributeRef = (bool, ValueType, Box<str>);

/// What a segment has of one attribute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Attribute {
    pub(crate) rows: u64,
    /// Of its columns, each block with its own dictionary, as in memory; none of what is of resources.
    pub(crate) bytes: u64,
    pub(crate) distinct: Sketch,
}

/// What a segment has of all attributes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Catalogue {
    pub(crate) attributes: BTreeMap<AttributeRef, Attribute>,
    /// Rows with attributes beyond the cap on columns: these are not listed.
    pub(crate) rows_beyond: u64,
}

impl Catalogue {
    /// Of blocks; `None` when they have too many attributes or one of them does not read back.
    pub(crate) fn of_blocks(blocks: &[Arc<Block>], origins: &OriginCache) -> Option<Self> {
        let mut catalogue = Self::default();
        for block in blocks {
            catalogue.add_block(block, origins).ok()?;
            if catalogue.attributes.len() > ATTRIBUTES_MAX {
                return None;
            }
        }
        Some(catalogue)
    }

    /// Of segments that become one; `None` when one has none or they have too many attributes together.
    pub(crate) fn joined<'a>(parts: impl IntoIterator<Item = Option<&'a Self>>) -> Option<Self> {
        let mut catalogue = Self::default();
        for part in parts {
            catalogue.join(part?);
            if catalogue.attributes.len() > ATTRIBUTES_MAX {
                return None;
            }
        }
        Some(catalogue)
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.rows_beyond += other.rows_beyond;
        for (key, theirs) in &other.attributes {
            let mine = self.attributes.entry(key.clone()).or_default();
            mine.rows += theirs.rows;
            mine.bytes += theirs.bytes;
            mine.distinct.merge(&theirs.distinct);
        }
    }

    fn add_block(&mut self, block: &Block, origins: &OriginCache) -> Result<(), BlockError> {
        let header = block.read_header()?;
        let presences = Presences::default();
        let mut known = block.distinct().iter();
        for e in &header.entries {
            match e.id {
                ATTRIBUTE => {
                    let attribute = self.attributes.entry((false, e.value_type, e.key.clone())).or_default();
                    attribute.rows += u64::from(e.present);
                    attribute.bytes += u64::from(e.len);
                    match known.next() {
                        Some(distinct) => attribute.distinct.merge(distinct),
                        None => add_values(&mut attribute.distinct, &block.load(&header, e, &presences)?),
                    }
                }
                REST => self.rows_beyond += u64::from(e.present),
                RESOURCE => {
                    let codes = block.load(&header, e, &presences)?;
                    let (Values::Ints(codes), Presence::All) = (&codes.values, &codes.presence) else {
                        return Err(Damaged("resource column").into());
                    };
                    self.add_resources(block, codes, origins)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn add_resources(&mut self, block: &Block, codes: &[i64], origins: &OriginCache) -> Result<(), BlockError> {
        let resources = block.resources(origins)?;
        let mut rows = vec![0u64; resources.len()];
        for code in codes {
            *rows.get_mut(*code as usize).ok_or(Damaged("resource column"))? += 1;
        }
        for (info, rows) in resources.iter().zip(rows) {
            for (key, value) in &info.resource.attributes {
                let key = (true, type_of(value), key.as_str().into());
                let attribute = self.attributes.entry(key).or_default();
                attribute.rows += rows;
                let mut message = Writer::new();
                wire::otlp::encode::value(&mut message, value);
                attribute.distinct.add(&message.into_bytes());
            }
        }
        Ok(())
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.rows_beyond);
        put_varint(out, self.attributes.len() as u64);
        for ((of_resource, value_type, key), a) in &self.attributes {
            out.extend([u8::from(*of_resource), *value_type as u8]);
            put_bytes(out, key.as_bytes());
            put_varint(out, a.rows);
            put_varint(out, a.bytes);
            a.distinct.encode(out);
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut catalogue = Self { rows_beyond: r.varint()?, ..Self::default() };
        for _ in 0..r.count(ATTRIBUTES_MAX)? {
            let of_resource = match r.u8()? {
                0 => false,
                1 => true,
                _ => return Err(Damaged("catalogue")),
            };
            let value_type = ValueType::from_u8(r.u8()?).ok_or(Damaged("value type"))?;
            let key: Box<str> = r.text()?.into();
            let attribute = Attribute { rows: r.varint()?, bytes: r.varint()?, distinct: Sketch::decode(r)? };
            catalogue.attributes.insert((of_resource, value_type, key), attribute);
        }
        Ok(catalogue)
    }
}

/// Adds the values of a column, of a dictionary each once.
fn add_values(distinct: &mut Sketch, column: &Loaded) {
    match &column.values {
        Values::Binary(Binary::Const(v)) => distinct.add(v),
        Values::Binary(Binary::Dict { entries: texts, .. } | Binary::Plain(texts)) => {
            (0..texts.len()).for_each(|i| distinct.add(texts.get(i)));
        }
        Values::Ints(values) => distinct.add_ints(values),
        Values::Doubles(values) => distinct.add_doubles(values),
        Values::Empty => distinct.add(&[]),
        Values::Trace(_) | Values::Span(_) => {}
    }
}

/// The type that a value is stored with.
pub(crate) fn type_of(v: &Value) -> ValueType {
    match v {
        Value::Empty => ValueType::Empty,
        Value::Str(_) => ValueType::Str,
        Value::Bool(_) => ValueType::Bool,
        Value::Int(_) => ValueType::Int,
        Value::Double(_) => ValueType::Double,
        Value::Bytes(_) => ValueType::Bytes,
        Value::Array(_) => ValueType::Array,
        Value::Map(_) => ValueType::Map,
    }
}

#[cfg(test)]
mod tests {
    use model::{LogRecord, UnixNanos};
    use wire::otlp::Limits;

    use super::*;
    use crate::batch::LogBatch;
    use crate::block::encode::{Effort, Numbered, encode};
    use crate::schema::Schema;

    #[test]
    fn what_the_encoder_counts_is_what_the_columns_hold() {
        let attributes = |i: i64| {
            let mixed = if i % 3 == 0 { Value::Int(i % 7) } else { Value::Str(format!("m{}", i % 11)) };
            [
                ("few", Value::Str(format!("host-{}", i % 5))),
                ("same", Value::Bool(true)),
                ("many", Value::Str(format!("user {i} of {}", i * 7919))),
                ("number", Value::Int(i * i)),
                ("double", Value::Double(i as f64 / 8.0)),
                ("bytes", Value::Bytes(i.to_le_bytes().into())),
                ("list", Value::Array(vec![Value::Int(i % 2)])),
                ("nothing", Value::Empty),
                ("mixed", mixed),
            ]
            .map(|(key, value)| (key.to_owned(), value))
        };
        let record = |i: i64| LogRecord {
            time: UnixNanos(i + 1),
            observed_time: UnixNanos(i + 1),
            attributes: attributes(i).into_iter().filter(|(key, _)| key.len() as i64 != i % 5).collect(),
            ..LogRecord::default()
        };
        let records: Vec<LogRecord> = (0..3_000).map(record).collect();
        let request = wire::otlp::encode::logs_request(&records);
        let (batch, _) = LogBatch::decode(&request, &Limits::new(UnixNanos::from_secs(1_000))).unwrap();
        let batch = Arc::new(batch.into_inner());
        // Fewer columns than keys: what lies beyond the cap is counted by nobody.
        for attributes_max in [3, 100] {
            let blocks =
                encode(Schema::Logs, &[Numbered { batch: batch.clone(), first_seq: 0 }], attributes_max, Effort::Full);
            let reread = |b: &Arc<Block>| {
                let bytes = b.read(0, b.len as usize).unwrap();
                Arc::new(Block::in_memory(bytes.into_owned().into(), b.meta.clone(), Vec::new()))
            };
            let read: Vec<Arc<Block>> = blocks.iter().map(reread).collect();
            let origins = OriginCache::default();
            let catalogue = Catalogue::of_blocks(&blocks, &origins).unwrap();
            assert!(catalogue.attributes.len() >= attributes_max.min(9));
            assert_eq!(Some(catalogue), Catalogue::of_blocks(&read, &origins));
        }
    }
}
