//! Where the bytes are: per signal, partition, column and attribute; and what retention would remove now.
//!
//! The same report answers `GET /api/v1/storage` and is printed by `bellrock storage`.

use std::collections::BTreeMap;

use eventstore::DistinctValues;
use foundation::UnixNanos;
use model::Signal;
use serde::{Deserialize, Serialize};

use crate::data::{Data, StorageError};
use crate::plan::{Limits, PartitionInfo, Removal, plan};

/// What lies on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Bytes that can still be written.
    pub free_bytes: u64,
    /// Below this much room new data is refused.
    pub min_free_bytes: u64,
    /// Logs, traces, metrics.
    pub signals: Vec<SignalReport>,
    /// What retention would remove now, and nothing else.
    pub removals: Vec<RemovalReport>,
}

/// One signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalReport {
    /// `logs`, `traces`, `metrics`.
    pub signal: String,
    /// Records on disk: log records, spans, samples. What only the log and memory hold is not counted.
    pub records: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Bytes per record.
    pub bytes_per_record: f64,
    /// Oldest first.
    pub partitions: Vec<PartitionReport>,
    /// Over all partitions, largest first; metrics have none.
    pub columns: Vec<ColumnReport>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartitionReport {
    /// The day's folder, or the block's number.
    pub name: String,
    /// Milliseconds since the epoch.
    pub min_time_unix_milli: i64,
    /// Milliseconds since the epoch.
    pub max_time_unix_milli: i64,
    /// Records in it.
    pub records: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Bytes per record.
    pub bytes_per_record: f64,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// `body`, `trace id`, ...; `attribute` for attributes, and in brackets what is no column.
    pub column: String,
    /// The attribute's key, else empty.
    pub key: String,
    /// The type of the values.
    pub value_type: String,
    /// Records that have one.
    pub values: u64,
    /// Encoded bytes.
    pub bytes: u64,
    /// Bytes per record of the signal, with or without a value.
    pub bytes_per_record: f64,
    /// How many values there are, of attributes whose segments all have a catalogue: up to 64 exactly, then within
    /// about 10 % (standard error 3.3 %).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<u64>,
    /// Whether that is exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct_exact: Option<bool>,
}

/// A partition that goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemovalReport {
    /// `logs`, `traces`, `metrics`.
    pub signal: String,
    /// The partition.
    pub partition: String,
    /// `retention`, `size`, `low disk`.
    pub reason: String,
    /// Records that go.
    pub records: u64,
    /// Bytes that go.
    pub bytes: u64,
}

fn per(bytes: u64, records: u64) -> f64 {
    if records == 0 { 0.0 } else { bytes as f64 / records as f64 }
}

/// Looks at everything. With `columns`, reads the header of every block of logs and spans.
///
/// # Errors
/// When something cannot be read.
pub fn report(data: &dyn Data, limits: &Limits, now: UnixNanos, columns: bool) -> Result<Report, StorageError> {
    let mut partitions = data.partitions()?;
    partitions.sort_by_key(|p| (p.end, p.parts.clone()));
    let free_bytes = data.free_bytes()?;
    let removals = plan(&partitions, limits, now, free_bytes);
    let signals = [Signal::Logs, Signal::Traces, Signal::Metrics]
        .into_iter()
        .map(|signal| {
            let of_signal: Vec<&PartitionInfo> = partitions.iter().filter(|p| p.signal == signal).collect();
            signal_report(data, signal, &of_signal, columns)
        })
        .collect::<Result<_, _>>()?;
    let removals = removals.iter().map(RemovalReport::of).collect();
    Ok(Report { free_bytes, min_free_bytes: limits.min_free, signals, removals })
}

fn signal_report(
    data: &dyn Data,
    signal: Signal,
    partitions: &[&PartitionInfo],
    columns: bool,
) -> Result<SignalReport, StorageError> {
    let records = partitions.iter().map(|p| p.records).sum();
    let bytes = partitions.iter().map(|p| p.bytes).sum();
    let partition = |p: &&PartitionInfo| PartitionReport {
        name: p.name.clone(),
        min_time_unix_milli: p.min_time.as_millis(),
        max_time_unix_milli: p.max_time.as_millis(),
        records: p.records,
        bytes: p.bytes,
        bytes_per_record: per(p.bytes, p.records),
    };
    Ok(SignalReport {
        signal: signal.name().to_owned(),
        records,
        bytes,
        bytes_per_record: per(bytes, records),
        partitions: partitions.iter().map(partition).collect(),
        columns: if columns { column_reports(data, partitions, records)? } else { Vec::new() },
    })
}

/// One column over partitions.
struct ColumnSum {
    values: u64,
    bytes: u64,
    /// Of all partitions, or none.
    distinct: Option<DistinctValues>,
}

fn column_reports(
    data: &dyn Data,
    partitions: &[&PartitionInfo],
    records: u64,
) -> Result<Vec<ColumnReport>, StorageError> {
    let mut sums: BTreeMap<(String, String, String), ColumnSum> = BTreeMap::new();
    for p in partitions {
        for c in data.columns(p)? {
            let value_type = format!("{:?}", c.value_type).to_lowercase();
            sums.entry((c.column.to_owned(), c.key, value_type))
                .and_modify(|sum| {
                    sum.values += c.values;
                    sum.bytes += c.bytes;
                    sum.distinct = match (sum.distinct.take(), &c.distinct) {
                        (Some(mut all), Some(more)) => {
                            all.join(more);
                            Some(all)
                        }
                        _ => None,
                    };
                })
                .or_insert(ColumnSum { values: c.values, bytes: c.bytes, distinct: c.distinct.clone() });
        }
    }
    let report = |((column, key, value_type), sum): (_, ColumnSum)| {
        // An estimate may lie above what there can be.
        let distinct = sum.distinct.map(|d| d.count()).map(|(n, exact)| (n.min(sum.values), exact));
        ColumnReport {
            column,
            key,
            value_type,
            values: sum.values,
            bytes: sum.bytes,
            bytes_per_record: per(sum.bytes, records),
            distinct: distinct.map(|(n, _)| n),
            distinct_exact: distinct.map(|(_, exact)| exact),
        }
    };
    let mut out: Vec<ColumnReport> = sums.into_iter().map(report).collect();
    out.sort_by_key(|c| std::cmp::Reverse(c.bytes));
    Ok(out)
}

impl RemovalReport {
    /// Of a planned removal.
    pub fn of(r: &Removal) -> Self {
        Self {
            signal: r.partition.signal.name().to_owned(),
            partition: r.partition.name.clone(),
            reason: r.reason.name().to_owned(),
            records: r.partition.records,
            bytes: r.partition.bytes,
        }
    }
}
