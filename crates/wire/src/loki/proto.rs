//! `logproto.PushRequest`, after snappy.

use foundation::UnixNanos;

use super::{Converted, LokiError, PAIRS_MAX, Stream, converted, labels};
use crate::bounded::text;
use crate::otlp::Assembly;
use crate::protobuf::{Malformed, Reader};

/// A push in protobuf, decompressed.
///
/// # Errors
/// Bytes that are no such message, and labels that are none.
pub fn protobuf(body: &[u8], now: UnixNanos) -> Result<Converted, LokiError> {
    let (mut assembly, mut r, mut index) = (Assembly::new(), Reader::new(body), 0);
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => {
                read_stream(r.message()?, index, now)?.finish(&mut assembly);
                index += 1;
            }
            _ => r.skip_unknown(key, 0b10)?,
        }
    }
    Ok(converted(assembly))
}

fn read_stream(mut r: Reader<'_>, index: u64, now: UnixNanos) -> Result<Stream, LokiError> {
    let mut stream = Stream::default();
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => {
                let written = text(r.delimited()?);
                let bad = || LokiError::Labels { index, labels: written.chars().take(200).collect() };
                labels::parse(&written).ok_or_else(bad)?.into_iter().for_each(|(k, v)| stream.label(k, v));
            }
            (2, 2) => {
                let (time, line, metadata) = read_entry(r.message()?)?;
                stream.entry(time.unwrap_or(now), now, &line, &metadata);
            }
            (3, 0) => drop(r.uint()?),
            _ => r.skip_unknown(key, 0b1110)?,
        }
    }
    Ok(stream)
}

type Entry = (Option<UnixNanos>, String, Vec<(String, String)>);

fn read_entry(mut r: Reader<'_>) -> Result<Entry, Malformed> {
    let (mut time, mut line, mut metadata) = (None, String::new(), Vec::new());
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => time = Some(read_time(r.message()?)?),
            (2, 2) => line = text(r.delimited()?),
            (3, 2) => {
                let pair = read_pair(r.message()?)?;
                if metadata.len() < PAIRS_MAX {
                    metadata.push(pair);
                }
            }
            _ => r.skip_unknown(key, 0b1110)?,
        }
    }
    Ok((time, line, metadata))
}

fn read_time(mut r: Reader<'_>) -> Result<UnixNanos, Malformed> {
    let (mut seconds, mut nanos) = (0i64, 0i64);
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 0) => seconds = r.uint()? as i64,
            (2, 0) => nanos = r.uint()? as i64,
            _ => r.skip_unknown(key, 0b110)?,
        }
    }
    Ok(UnixNanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos)))
}

fn read_pair(mut r: Reader<'_>) -> Result<(String, String), Malformed> {
    let (mut name, mut value) = (String::new(), String::new());
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => name = text(r.delimited()?),
            (2, 2) => value = text(r.delimited()?),
            _ => r.skip_unknown(key, 0b110)?,
        }
    }
    Ok((name, value))
}
