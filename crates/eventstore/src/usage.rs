//! Where the bytes of the segments are: per column, and what lies beside columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::block::BlockError;
use crate::catalogue::Catalogue;
use crate::schema::{self, ATTRIBUTE};
use crate::segment::Segment;
use crate::sketch::Sketch;
use crate::value_type::ValueType;

/// The values of an attribute, as many as there are; see [`crate::query::AttributeUsage`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DistinctValues(Sketch);

impl DistinctValues {
    /// Takes in those of another partition.
    pub fn join(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    /// How many there are, and whether that is exact.
    pub fn count(&self) -> (u64, bool) {
        self.0.count()
    }
}

/// What one column takes in the segments that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnBytes {
    /// `body`, `trace id`, ...; `attribute` for attributes; its dictionaries included. What is no column has a name
    /// in brackets: `[headers]` of blocks, `[footers]` of segments with their indexes, `[summaries]` of their rows.
    pub column: &'static str,
    /// The attribute's key, else empty.
    pub key: String,
    /// The type of its values.
    pub value_type: ValueType,
    /// Rows that have a value.
    pub values: u64,
    /// Encoded bytes.
    pub bytes: u64,
    /// Its values, if it is an attribute of records and every segment has a catalogue.
    pub distinct: Option<DistinctValues>,
}

/// The columns of segments, largest first. Reads the header of every block.
///
/// # Errors
/// When a header cannot be read.
pub(crate) fn column_bytes(segments: &[Arc<Segment>]) -> Result<Vec<ColumnBytes>, BlockError> {
    let mut sums: BTreeMap<(&'static str, Box<str>, ValueType), (u64, u64)> = BTreeMap::new();
    let mut add = |column, key: &str, value_type, values: u64, bytes: u64| {
        let sum = sums.entry((column, key.into(), value_type)).or_default();
        sum.0 += values;
        sum.1 += bytes;
    };
    for segment in segments {
        let blocks: u64 = segment.blocks.iter().map(|b| b.len).sum();
        let mut shared = 0;
        for ((id, value_type, key), _, bytes) in segment.dictionaries.columns() {
            add(schema::name(id), key, value_type, 0, bytes as u64);
            shared += bytes as u64;
        }
        let summaries = segment.summaries.bytes() as u64;
        add("[summaries]", "", ValueType::Empty, 0, summaries);
        add("[footers]", "", ValueType::Empty, 0, segment.info.bytes.saturating_sub(blocks + shared + summaries));
        for block in &segment.blocks {
            let header = block.read_header()?;
            add("[headers]", "", ValueType::Empty, 0, header.payload_at);
            for e in &header.entries {
                add(schema::name(e.id), &e.key, e.value_type, u64::from(e.present), u64::from(e.len));
            }
        }
    }
    let catalogue = Catalogue::joined(segments.iter().map(|s| s.catalogue.as_ref()));
    let distinct = |column: &str, key: &str, value_type: ValueType| {
        let of = catalogue.as_ref().filter(|_| column == schema::name(ATTRIBUTE))?;
        of.attributes.get(&(false, value_type, key.into())).map(|a| DistinctValues(a.distinct.clone()))
    };
    let mut out: Vec<ColumnBytes> = sums
        .into_iter()
        .map(|((column, key, value_type), (values, bytes))| ColumnBytes {
            distinct: distinct(column, &key, value_type),
            column,
            key: key.into(),
            value_type,
            values,
            bytes,
        })
        .collect();
    out.sort_by_key(|c| std::cmp::Reverse(c.bytes));
    Ok(out)
}
