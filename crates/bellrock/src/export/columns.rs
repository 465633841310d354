//! Records into Parquet columns: which columns there are, and a row group of them.
//!
//! Levels follow the Parquet format, "Nested Encoding": a map without entries
//! is one definition level of 0, the first entry of a row has repetition 0.

use std::fs::File;

use base64::Engine as _;
use model::{Attributes, LogRecord, Span, Value};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};

/// The column that holds each record whole.
pub(super) const OTLP: &str = "otlp";

enum Data {
    /// Nanoseconds since the epoch.
    Time(Vec<i64>),
    Long(Vec<i64>),
    Int(Vec<i32>),
    Text(Vec<ByteArray>),
    Bytes(Vec<ByteArray>),
    Map(Map),
}

#[derive(Default)]
struct Map {
    keys: Vec<ByteArray>,
    values: Vec<ByteArray>,
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

impl Map {
    fn push(&mut self, attributes: &Attributes) {
        if attributes.is_empty() {
            self.definition.push(0);
            self.repetition.push(0);
        }
        for (i, (key, value)) in attributes.iter().enumerate() {
            self.keys.push(key.as_str().into());
            self.values.push(text(value).as_str().into());
            self.definition.push(1);
            self.repetition.push(i16::from(i > 0));
        }
    }
}

/// The columns of one signal and the rows of the group that is being filled.
pub(super) struct Columns {
    signal: &'static str,
    list: Vec<(&'static str, Data)>,
    rows: usize,
    /// Of texts and attributes, about.
    bytes: usize,
}

const TIME: fn() -> Data = || Data::Time(Vec::new());
const LONG: fn() -> Data = || Data::Long(Vec::new());
const INT: fn() -> Data = || Data::Int(Vec::new());
const TEXT: fn() -> Data = || Data::Text(Vec::new());
const MAP: fn() -> Data = || Data::Map(Map::default());
const BYTES: fn() -> Data = || Data::Bytes(Vec::new());

/// One value of a row, in the order of the columns.
enum Cell<'a> {
    Long(i64),
    Int(i32),
    Text(&'a str),
    Map(&'a Attributes),
    Bytes(Vec<u8>),
}

impl Columns {
    fn new(signal: &'static str, columns: &[(&'static str, fn() -> Data)]) -> Self {
        Self { signal, list: columns.iter().map(|(name, data)| (*name, data())).collect(), rows: 0, bytes: 0 }
    }

    pub(super) fn logs() -> Self {
        Self::new(
            "logs",
            &[
                ("time", TIME),
                ("observed_time", TIME),
                ("severity_number", INT),
                ("severity_text", TEXT),
                ("body", TEXT),
                ("event_name", TEXT),
                ("service_name", TEXT),
                ("trace_id", TEXT),
                ("span_id", TEXT),
                ("attributes", MAP),
                ("resource_attributes", MAP),
                (OTLP, BYTES),
            ],
        )
    }

    pub(super) fn spans() -> Self {
        Self::new(
            "spans",
            &[
                ("start_time", TIME),
                ("end_time", TIME),
                ("duration_nanos", LONG),
                ("trace_id", TEXT),
                ("span_id", TEXT),
                ("parent_span_id", TEXT),
                ("name", TEXT),
                ("kind", INT),
                ("status_code", INT),
                ("status_message", TEXT),
                ("service_name", TEXT),
                ("attributes", MAP),
                ("resource_attributes", MAP),
                (OTLP, BYTES),
            ],
        )
    }

    /// The message type of the file.
    pub(super) fn schema(&self) -> String {
        let column = |(name, data): &(&str, Data)| match data {
            Data::Time(_) => format!("required int64 {name} (TIMESTAMP(NANOS,true));"),
            Data::Long(_) => format!("required int64 {name};"),
            Data::Int(_) => format!("required int32 {name};"),
            Data::Text(_) => format!("required binary {name} (STRING);"),
            Data::Bytes(_) => format!("required binary {name};"),
            Data::Map(_) => format!(
                "required group {name} (MAP) {{ repeated group key_value {{ required binary key (STRING); required binary value (STRING); }} }}"
            ),
        };
        format!("message {} {{ {} }}", self.signal, self.list.iter().map(column).collect::<Vec<_>>().join(" "))
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push_log(&mut self, r: &LogRecord) {
        let (trace, span) = (id(&r.trace_id.0), id(&r.span_id.0));
        let body = text(&r.body);
        self.push(vec![
            Cell::Long(r.time.0),
            Cell::Long(r.observed_time.0),
            Cell::Int(i32::from(r.severity_number)),
            Cell::Text(&r.severity_text),
            Cell::Text(&body),
            Cell::Text(&r.event_name),
            Cell::Text(r.resource.service()),
            Cell::Text(&trace),
            Cell::Text(&span),
            Cell::Map(&r.attributes),
            Cell::Map(&r.resource.attributes),
            Cell::Bytes(wire::otlp::encode::logs_request(std::slice::from_ref(r))),
        ]);
    }

    pub(super) fn push_span(&mut self, s: &Span) {
        let (trace, span, parent) = (id(&s.trace_id.0), id(&s.span_id.0), id(&s.parent_span_id.0));
        self.push(vec![
            Cell::Long(s.start.0),
            Cell::Long(s.end.0),
            Cell::Long(s.end.0.saturating_sub(s.start.0)),
            Cell::Text(&trace),
            Cell::Text(&span),
            Cell::Text(&parent),
            Cell::Text(&s.name),
            Cell::Int(i32::from(s.kind)),
            Cell::Int(i32::from(s.status.code)),
            Cell::Text(&s.status.message),
            Cell::Text(s.resource.service()),
            Cell::Map(&s.attributes),
            Cell::Map(&s.resource.attributes),
            Cell::Bytes(wire::otlp::encode::traces_request(std::slice::from_ref(s))),
        ]);
    }

    fn push(&mut self, row: Vec<Cell<'_>>) {
        debug_assert_eq!(row.len(), self.list.len());
        for ((_, data), cell) in self.list.iter_mut().zip(row) {
            // A map is as large as the attributes in the whole record, which is a column too.
            self.bytes += match &cell {
                Cell::Text(text) => text.len(),
                Cell::Bytes(bytes) => 2 * bytes.len(),
                Cell::Long(_) | Cell::Int(_) | Cell::Map(_) => 8,
            };
            match (data, cell) {
                (Data::Time(v) | Data::Long(v), Cell::Long(x)) => v.push(x),
                (Data::Int(v), Cell::Int(x)) => v.push(x),
                (Data::Text(v), Cell::Text(x)) => v.push(x.into()),
                (Data::Map(map), Cell::Map(x)) => map.push(x),
                (Data::Bytes(v), Cell::Bytes(x)) => v.push(x.into()),
                _ => debug_assert!(false, "a value of another type than its column"),
            }
        }
        self.rows += 1;
    }

    /// Writes the rows as a row group and begins the next.
    pub(super) fn write_group(&mut self, writer: &mut SerializedFileWriter<File>) -> Result<(), ParquetError> {
        let mut group = writer.next_row_group()?;
        for (_, data) in &mut self.list {
            match data {
                Data::Time(v) | Data::Long(v) => longs(next(&mut group)?, &std::mem::take(v))?,
                Data::Int(v) => ints(next(&mut group)?, &std::mem::take(v))?,
                Data::Text(v) | Data::Bytes(v) => bytes(next(&mut group)?, &std::mem::take(v), None)?,
                Data::Map(map) => {
                    let map = std::mem::take(map);
                    let levels = Some((map.definition.as_slice(), map.repetition.as_slice()));
                    bytes(next(&mut group)?, &map.keys, levels)?;
                    bytes(next(&mut group)?, &map.values, levels)?;
                }
            }
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

fn next<'g>(group: &'g mut SerializedRowGroupWriter<'_, File>) -> Result<SerializedColumnWriter<'g>, ParquetError> {
    group.next_column()?.ok_or_else(|| ParquetError::General("a column too many".to_owned()))
}

fn longs(mut column: SerializedColumnWriter<'_>, values: &[i64]) -> Result<(), ParquetError> {
    column.typed::<Int64Type>().write_batch(values, None, None)?;
    column.close()
}

fn ints(mut column: SerializedColumnWriter<'_>, values: &[i32]) -> Result<(), ParquetError> {
    column.typed::<Int32Type>().write_batch(values, None, None)?;
    column.close()
}

fn bytes(
    mut column: SerializedColumnWriter<'_>,
    values: &[ByteArray],
    levels: Option<(&[i16], &[i16])>,
) -> Result<(), ParquetError> {
    let (definition, repetition) = levels.unzip();
    column.typed::<ByteArrayType>().write_batch(values, definition, repetition)?;
    column.close()
}

/// Hexadecimal; empty for none.
fn id(bytes: &[u8]) -> String {
    if bytes.iter().all(|b| *b == 0) { String::new() } else { bytes.iter().map(|b| format!("{b:02x}")).collect() }
}

/// A value as people read it: texts as they are, arrays and maps as JSON, bytes as base64.
fn text(v: &Value) -> String {
    match v {
        Value::Str(s) => s.clone(),
        Value::Array(_) | Value::Map(_) => json(v).to_string(),
        Value::Empty => String::new(),
        Value::Bytes(b) => base64::engine::general_purpose::STANDARD.encode(b),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Double(d) => d.to_string(),
    }
}

fn json(v: &Value) -> serde_json::Value {
    match v {
        Value::Empty => serde_json::Value::Null,
        Value::Bool(b) => (*b).into(),
        Value::Int(i) => (*i).into(),
        Value::Double(d) => (*d).into(),
        Value::Str(_) | Value::Bytes(_) => text(v).into(),
        Value::Array(list) => list.iter().map(json).collect(),
        Value::Map(entries) => {
            entries.iter().map(|(k, v)| (k.clone(), json(v))).collect::<serde_json::Map<_, _>>().into()
        }
    }
}
