//! Sends what an export wrote to a server, over OTLP/HTTP: the column `otlp`, some thousand records per request.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use net::Request;
use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use wire::otlp::{Encoding, Status, read_export_response};

use super::columns::OTLP;
use crate::cli::ImportArgs;
use crate::remote::{self, Remote};

/// Values that are read at once.
const BATCH: usize = 1_000;
/// A request is sent when it is this long.
const REQUEST_BYTES: usize = 4 << 20;
const TIMEOUT: Duration = Duration::from_secs(60);

/// Sends the file; what is to be printed.
pub(crate) fn import(args: &ImportArgs) -> anyhow::Result<String> {
    let server = Remote::new(remote::OTLP, &args.url)?;
    let (mut refused, mut why) = (0, String::new());
    let sent = requests(&args.file, args.skip, |path, request| {
        let (rejected, message) = post(&server, path, request)?;
        refused += rejected;
        if why.is_empty() {
            why = message;
        }
        Ok(())
    })?;
    let mut said = format!("sent {sent} records of {} to {}\n", args.file.display(), args.url);
    if refused > 0 {
        let _ = writeln!(said, "{refused} of them were not taken: {why}");
    } else if !why.is_empty() {
        let _ = writeln!(said, "the server says: {why}");
    }
    Ok(said)
}

/// Hands the records of a file behind the first `skip` to `send`, request by request with the path of their signal; how many
/// there were.
pub(super) fn requests(
    file: &Path,
    skip: usize,
    mut send: impl FnMut(&'static str, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    let named = || format!("cannot read {}", file.display());
    let reader = SerializedFileReader::new(File::open(file).with_context(named)?).with_context(|| {
        format!("{} is no Parquet file; `bellrock export` writes what can be imported", file.display())
    })?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let path = match schema.name() {
        "logs" => "/v1/logs",
        "spans" => "/v1/traces",
        other => bail!("{}: `{other}` is no export of logs or spans", file.display()),
    };
    let Some(column) = (0..schema.num_columns()).find(|i| schema.column(*i).path().string() == OTLP) else {
        bail!("{}: there is no column `{OTLP}`; only files of `bellrock export` can be imported", file.display());
    };
    let (mut skipped, mut sent) = (0, 0);
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        let ColumnReader::ByteArrayColumnReader(mut values) = group.get_column_reader(column)? else {
            bail!("{}: the column `{OTLP}` does not hold bytes", file.display());
        };
        skipped += values.skip_records(skip - skipped)?;
        let (mut request, mut waiting) = (Vec::new(), 0);
        loop {
            let stored = skipped + sent;
            let go_on = || match stored {
                0 => "nothing was stored".to_owned(),
                stored => format!("the first {stored} records are stored, then it failed; go on with --skip {stored}"),
            };
            let mut batch: Vec<ByteArray> = Vec::new();
            let (records, _, _) = values.read_records(BATCH, None, None, &mut batch).with_context(go_on)?;
            // Messages that follow one another are one message with the fields of all.
            batch.iter().for_each(|value| request.extend_from_slice(value.data()));
            waiting += records;
            if !request.is_empty() && (records == 0 || request.len() >= REQUEST_BYTES) {
                send(path, &request).with_context(go_on)?;
                request.clear();
                sent += std::mem::take(&mut waiting);
            }
            if records == 0 {
                break;
            }
        }
    }
    if skipped < skip {
        bail!("--skip {skip}: the file has {skipped} records");
    }
    Ok(sent)
}

/// How many records of a request the server did not take, and what it says.
fn post(server: &Remote, path: &str, body: &[u8]) -> anyhow::Result<(u64, String)> {
    let request = Request::post(server.url(path), Encoding::Protobuf.content_type(), body.to_vec());
    let answer = server.send(request, TIMEOUT)?;
    if !answer.status.is_success() {
        // Who takes records answers in protobuf as it was asked; others do as they like.
        let text = String::from_utf8_lossy(&answer.body);
        let said = Status::read_message(&answer.body).unwrap_or_else(|_| text.into_owned());
        return Err(server.unexpected(&answer, &said));
    }
    read_export_response(&answer.body).map_err(|_| server.unexpected(&answer, "something that is not OTLP"))
}
