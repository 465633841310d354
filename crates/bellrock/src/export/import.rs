//! Sends what an export wrote to a server, over OTLP/HTTP: the column `otlp`, some thousand records per request.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use super::columns::OTLP;
use crate::cli::ImportArgs;

/// Values that are read at once.
const BATCH: usize = 1_000;
/// A request is sent when it is this long.
const REQUEST_BYTES: usize = 4 << 20;
const TIMEOUT: Duration = Duration::from_secs(60);

/// Sends the file; what is to be printed.
pub(crate) fn import(args: &ImportArgs) -> anyhow::Result<String> {
    let sent = requests(&args.file, |path, request| post(&args.url, path, request))?;
    Ok(format!("sent {sent} records of {} to {}\n", args.file.display(), args.url))
}

/// Hands the records of a file to `send`, request by request with the path of their signal; how many there were.
pub(super) fn requests(
    file: &Path,
    mut send: impl FnMut(&'static str, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    let named = || format!("cannot read {}", file.display());
    let reader = SerializedFileReader::new(File::open(file).with_context(named)?).with_context(named)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let path = match schema.name() {
        "logs" => "/v1/logs",
        "spans" => "/v1/traces",
        other => bail!("{}: `{other}` is no export of logs or spans", file.display()),
    };
    let Some(column) = (0..schema.num_columns()).find(|i| schema.column(*i).path().string() == OTLP) else {
        bail!("{}: there is no column `{OTLP}`; only files of `bellrock export` can be imported", file.display());
    };
    let mut sent = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        let ColumnReader::ByteArrayColumnReader(mut values) = group.get_column_reader(column)? else {
            bail!("{}: the column `{OTLP}` does not hold bytes", file.display());
        };
        let mut request = Vec::new();
        loop {
            let mut batch: Vec<ByteArray> = Vec::new();
            let (records, _, _) = values.read_records(BATCH, None, None, &mut batch)?;
            // Messages that follow one another are one message with the fields of all.
            batch.iter().for_each(|value| request.extend_from_slice(value.data()));
            if !request.is_empty() && (records == 0 || request.len() >= REQUEST_BYTES) {
                send(path, &request).with_context(|| format!("{sent} records are stored, then it failed"))?;
                request.clear();
            }
            sent += records;
            if records == 0 {
                break;
            }
        }
    }
    Ok(sent)
}

/// One request in HTTP/1.0, so that the answer ends with the connection.
fn post(url: &str, path: &str, body: &[u8]) -> anyhow::Result<()> {
    let Some(authority) = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/')) else {
        bail!("--url: `{url}` is not an address; write http://127.0.0.1:4318, the OTLP/HTTP port of the server");
    };
    let sending = || format!("cannot send to {url}");
    let mut stream = TcpStream::connect(authority).with_context(sending)?;
    stream.set_read_timeout(Some(TIMEOUT)).with_context(sending)?;
    let head = format!(
        "POST {path} HTTP/1.0\r\nHost: {authority}\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).with_context(sending)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).with_context(sending)?;
    let body_at = answer.windows(4).position(|w| w == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let (head, body) = answer.split_at(body_at);
    let status = String::from_utf8_lossy(head).lines().next().unwrap_or_default().to_owned();
    if !status.contains(" 200") {
        bail!("{url} answered {status}: {}", String::from_utf8_lossy(body));
    }
    // OTLP: the answer to a request that was taken whole is empty.
    if !body.is_empty() {
        bail!("{url} did not take every record: {}", String::from_utf8_lossy(body));
    }
    Ok(())
}
