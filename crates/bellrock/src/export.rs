//! `bellrock export` and `bellrock import`: logs and spans as Parquet files, so that data is never locked in (ADR 0024).
//!
//! Fixed fields are typed columns, attributes a map of texts. The column
//! `otlp` holds each record as the OTLP export request that would send it:
//! requests that follow one another are one request, so import is sending
//! them, and nothing is lost on the way.

mod columns;
mod import;
mod source;

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use foundation::Clock as _;
use foundation::clock::SystemClock;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use query::EventSignal;
use query::export::Records;

use crate::cli::{ExportArgs, ExportSignal};
use crate::config::Config;
use columns::Columns;
pub(crate) use import::import;
use source::{Source, Wanted};

/// Rows of a row group: what a reader of Parquet takes in at once, and what is held here.
const GROUP_ROWS: usize = 50_000;
/// The same in bytes, for large records.
const GROUP_BYTES: usize = 256 << 20;

/// Writes the file; what is to be printed.
pub(crate) fn export(args: &ExportArgs, config: &Config) -> anyhow::Result<String> {
    let now = SystemClock.now();
    let wanted = Wanted {
        signal: match args.signal {
            ExportSignal::Logs => EventSignal::Logs,
            ExportSignal::Traces => EventSignal::Traces,
        },
        range: query::time::parse_range(args.from.as_deref(), args.to.as_deref(), now, Duration::from_secs(3600))?,
        filter: args.filter.clone(),
        skip_damaged: args.skip_damaged,
    };
    let source = match &args.api {
        Some(api) => Source::running(api)?,
        None => Source::stopped(config)?,
    };
    let file = File::create_new(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    let result = write(&source, &wanted, file);
    if !matches!(result, Ok((1.., _))) {
        // Half a file looks like a whole one to nobody, but the name is free again.
        drop(std::fs::remove_file(&args.out));
    }
    let (rows, damaged) = result?;
    let records = args.signal.records();
    let mut said = match rows {
        0 => format!("no {records} match; no file was made\n"),
        _ => format!("{rows} {records} in {}\n", args.out.display()),
    };
    if damaged > 0 {
        said.push_str(&format!("not whole: at least {damaged} blocks could not be read and were left out\n"));
    }
    Ok(said)
}

/// How many records were written, and how many damaged blocks were left out.
fn write(source: &Source, wanted: &Wanted, file: File) -> anyhow::Result<(u64, u64)> {
    let mut columns = match wanted.signal {
        EventSignal::Logs => Columns::logs(),
        EventSignal::Traces => Columns::spans(),
    };
    let schema = Arc::new(parse_message_type(&columns.schema())?);
    let zstd = parquet::basic::Compression::ZSTD(parquet::basic::ZstdLevel::try_new(3)?);
    let properties = WriterProperties::builder().set_compression(zstd).set_created_by("bellrock".to_owned()).build();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    let mut rows = 0;
    let damaged = source.pages(wanted, |records| {
        rows += records.len() as u64;
        match records {
            Records::Logs(records) => records.iter().for_each(|record| columns.push_log(record)),
            Records::Spans(spans) => spans.iter().for_each(|span| columns.push_span(span)),
        }
        if columns.rows() >= GROUP_ROWS || columns.bytes() >= GROUP_BYTES {
            columns.write_group(&mut writer)?;
        }
        Ok(())
    })?;
    if columns.rows() > 0 {
        columns.write_group(&mut writer)?;
    }
    writer.close()?;
    Ok((rows, damaged))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use eventstore::{EventStore, LogBatch};
    use foundation::UnixNanos;
    use foundation::disk::SharedDisk;
    use model::trace::{Resource, Scope};
    use model::{LogRecord, TimeRange, Value};
    use wire::rows::RowLogSink;

    use super::*;

    const NOW: UnixNanos = UnixNanos::from_secs(1_000);
    /// More than one row group, and more than one request of an import.
    const COUNT: i64 = 60_000;

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
        let records: Vec<LogRecord> = (0..COUNT).map(record).collect();
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
        let (signal, range) = (EventSignal::Logs, TimeRange::ALL);
        let wanted = Wanted { signal, range, filter: String::new(), skip_damaged: false };
        assert_eq!(write(&Source::Stopped { store, _locked: None }, &wanted, file).unwrap(), (COUNT as u64, 0));
        let read = |skip: usize, mut refuse_after: usize| {
            let mut found = RowLogSink::default();
            let sent = import::requests(&out, skip, |path, request| {
                assert_eq!(path, "/v1/logs");
                anyhow::ensure!(refuse_after > 0, "refused");
                refuse_after -= 1;
                wire::otlp::decode_logs(request, &limits, &mut found)?;
                Ok(())
            });
            (sent, found.records)
        };
        let (sent, found) = read(0, usize::MAX);
        assert_eq!(sent.unwrap(), COUNT as usize);
        let sorted = |mut r: LogRecord| {
            r.attributes.sort_by(|a, b| a.0.cmp(&b.0));
            r
        };
        assert!(found.clone().into_iter().map(sorted).eq(records.into_iter().map(sorted)));
        // What failed says where to go on.
        let (failed, begun) = read(0, 1);
        let said = failed.unwrap_err().to_string();
        let next: usize = said.rsplit_once("go on with --skip ").and_then(|(_, n)| n.parse().ok()).unwrap();
        assert!(next == begun.len() && next > 0);
        let (sent, rest) = read(next, usize::MAX);
        assert!(sent.unwrap() == rest.len() && [begun, rest].concat() == found);
        assert_eq!(read(COUNT as usize, usize::MAX).0.unwrap(), 0);
        let (beyond, _) = read(COUNT as usize + 1, usize::MAX);
        assert!(beyond.unwrap_err().to_string().contains("the file has 60000 records"));
    }
}
