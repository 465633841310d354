//! `bellrock export` and `bellrock import`: logs and spans as Parquet files, so that data is never locked in (ADR 0024).
//!
//! Fixed fields are typed columns, attributes a map of texts. The column
//! `otlp` holds each record as the OTLP export request that would send it:
//! requests that follow one another are one request, so import is sending
//! them, and nothing is lost on the way.

mod columns;
mod import;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use derived::Derived;
use eventstore::EventStore;
use eventstore::query::{Limits, Order, Page, RowId, Select};
use foundation::Clock as _;
use foundation::clock::SystemClock;
use foundation::disk::{RealDisk, SharedDisk};
use metastore::Metastore;
use model::{AccessScope, TimeRange};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use query::{EventSignal, lang};

use crate::cli::{ExportArgs, ExportSignal};
use crate::config::Config;
use crate::data_dir;
use crate::serve::rejected;
use columns::Columns;
pub(crate) use import::import;

/// Rows that are read at once; with wide rows some tens of megabytes.
const PAGE_ROWS: usize = 5_000;
/// Rows of a row group: what a reader of Parquet takes in at once, and what is held here.
const GROUP_ROWS: usize = 50_000;
/// Memory and time of one page.
const PAGE_BYTES_MAX: usize = 1 << 30;
const PAGE_TIMEOUT: Duration = Duration::from_secs(600);

/// Writes the file; what is to be printed.
pub(crate) fn export(args: &ExportArgs, config: &Config) -> anyhow::Result<String> {
    let now = SystemClock.now();
    let range = query::time::parse_range(args.from.as_deref(), args.to.as_deref(), now, Duration::from_secs(3600))?;
    let signal = match args.signal {
        ExportSignal::Logs => EventSignal::Logs,
        ExportSignal::Traces => EventSignal::Traces,
    };
    let filter = lang::lower(&lang::parse(&args.filter)?, signal)?;
    if !config.data_dir.is_dir() {
        bail!("there is no data directory {} (set --data-dir)", config.data_dir.display());
    }
    let locked = data_dir::open(&config.data_dir).context("export reads the data directory of a stopped server")?;
    let store = open(&locked.path, config)?;
    let file = File::create_new(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    let result = write(&store, signal, range, &filter, file);
    if result.is_err() {
        // Half a file looks like a whole one to nobody, but the name is free again.
        drop(std::fs::remove_file(&args.out));
    }
    Ok(format!("{} {} in {}\n", result?, args.signal.records(), args.out.display()))
}

/// Opens the events as the server does: what the log still holds is exported too, and derived state sees it.
fn open(dir: &Path, config: &Config) -> anyhow::Result<EventStore> {
    let disk: SharedDisk = Arc::new(RealDisk);
    let metastore = Metastore::open(dir, Arc::new(SystemClock))?;
    let settings = rejected::settings(config, &metastore)?;
    metastore.close();
    let derived = Derived::open(disk.clone(), &dir.join("derived"), settings)?;
    let events = eventstore::Config::new(dir.join("events"));
    EventStore::open_observed(disk, events, Some(Arc::new(derived))).context("cannot open the events engine")
}

fn write(
    store: &EventStore,
    signal: EventSignal,
    range: TimeRange,
    filter: &eventstore::query::Filter,
    file: File,
) -> anyhow::Result<u64> {
    let mut columns = match signal {
        EventSignal::Logs => Columns::logs(),
        EventSignal::Traces => Columns::spans(),
    };
    let schema = Arc::new(parse_message_type(&columns.schema())?);
    let zstd = parquet::basic::Compression::ZSTD(parquet::basic::ZstdLevel::try_new(3)?);
    let properties = WriterProperties::builder().set_compression(zstd).set_created_by("bellrock".to_owned()).build();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    let (mut rows, mut after) = (0, None);
    loop {
        let limits = Limits::new(PAGE_TIMEOUT, PAGE_BYTES_MAX);
        let select = Select { range, filter: filter.clone(), access: AccessScope::ALL, limits };
        after = page(store, signal, &select, after, &mut columns)?;
        if columns.rows() >= GROUP_ROWS || (after.is_none() && columns.rows() > 0) {
            rows += columns.rows() as u64;
            columns.write_group(&mut writer)?;
        }
        if after.is_none() {
            break;
        }
    }
    writer.close()?;
    Ok(rows)
}

/// The next page of rows, oldest first; where to go on.
fn page(
    store: &EventStore,
    signal: EventSignal,
    select: &Select,
    after: Option<RowId>,
    columns: &mut Columns,
) -> anyhow::Result<Option<RowId>> {
    let page = Page { order: Order::Ascending, limit: PAGE_ROWS, after };
    let (partial, next) = match signal {
        EventSignal::Logs => {
            let found = store.logs().latest(select, &page)?;
            found.value.rows.iter().for_each(|row| columns.push_log(&row.record));
            (found.partial, found.value.next)
        }
        EventSignal::Traces => {
            let found = store.spans().latest(select, &page)?;
            found.value.rows.iter().for_each(|row| columns.push_span(&row.record));
            (found.partial, found.value.next)
        }
    };
    match partial {
        // A file that lacks rows without saying so would be worse than none.
        Some(partial) => bail!("the export would not be whole: {partial}; nothing was written"),
        None => Ok(next),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use eventstore::LogBatch;
    use eventstore::query::Filter;
    use foundation::UnixNanos;
    use model::trace::{Resource, Scope};
    use model::{LogRecord, Value};
    use wire::rows::RowLogSink;

    use super::*;

    const NOW: UnixNanos = UnixNanos::from_secs(1_000);

    /// A record with a value of every type.
    fn record(i: i64) -> LogRecord {
        let value = |key: &str, v: Value| (key.to_owned(), v);
        let nested =
            vec![value("n", Value::Int(i)), value("d", Value::Double(0.5)), value("b", Value::Bytes(vec![0, 255]))];
        LogRecord {
            time: UnixNanos(i + 1),
            observed_time: NOW,
            severity_number: 9,
            body: Value::Map(nested.clone()),
            attributes: match i % 3 {
                0 => Vec::new(),
                1 => vec![value("double", Value::Double(-0.0)), value("array", Value::Array(vec![Value::Map(nested)]))],
                _ => vec![
                    value("text", "ü".into()),
                    value("int", Value::Int(i64::MIN)),
                    value("flag", Value::Bool(true)),
                ],
            },
            resource: Resource { attributes: vec![value("service.name", "api".into())], ..Resource::default() },
            scope: Scope { name: "lib".to_owned(), version: "1".to_owned(), ..Scope::default() },
            ..LogRecord::default()
        }
    }

    #[test]
    fn what_is_exported_comes_back_with_its_types() {
        let dir = tempfile::tempdir().unwrap();
        let disk: SharedDisk = Arc::new(foundation::disk::sim::SimDisk::new(1));
        let store = EventStore::open(disk, eventstore::Config::new("/store")).unwrap();
        let records: Vec<LogRecord> = (0..12_000).map(record).collect();
        let limits = wire::otlp::Limits::new(NOW);
        for part in records.chunks(2_000) {
            let request = wire::otlp::encode::logs_request(part);
            let (batch, _) = LogBatch::decode(&request, &limits).unwrap();
            let (tx, rx) = mpsc::channel();
            store.logs().ingest(request, batch, Box::new(move |r| tx.send(r.is_ok()).unwrap()));
            assert_eq!(rx.recv(), Ok(true));
        }
        let out = dir.path().join("logs.parquet");
        let file = File::create_new(&out).unwrap();
        assert_eq!(write(&store, EventSignal::Logs, TimeRange::ALL, &Filter::All, file).unwrap(), 12_000);
        let mut found = RowLogSink::default();
        let sent = import::requests(&out, |path, request| {
            assert_eq!(path, "/v1/logs");
            wire::otlp::decode_logs(request, &limits, &mut found)?;
            Ok(())
        });
        assert_eq!(sent.unwrap(), 12_000);
        let sorted = |mut r: LogRecord| {
            r.attributes.sort_by(|a, b| a.0.cmp(&b.0));
            r
        };
        assert!(found.records.into_iter().map(sorted).eq(records.into_iter().map(sorted)));
    }
}
