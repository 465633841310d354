//! How a request lies in a file: a line of JSON, or four bytes of length (big-endian) and so many of content
//! (`docs/formats/telemetry-files.md`).
//!
//! JSON without compression is lines; everything else has the length in front, and with compression each content is a frame of zstd.
//! What a crash left unfinished at the end can be told from what is whole by this alone.

use bytes::{BufMut as _, Bytes, BytesMut};
use foundation::ErrorKind;
use foundation::disk::ReadAt;
use model::Signal;
use serde::{Deserialize, Serialize};
use wire::otlp::json;

use crate::refusal::Refusal;

/// A record is never longer: a length beyond it is not one.
const RECORD_BYTES_MAX: u32 = 1 << 30;
/// How much is read at a time when the end of the last line is looked for.
const LOOK_BYTES: u64 = 64 << 10;

/// `format`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// OTLP JSON.
    #[default]
    Json,
    /// OTLP protobuf.
    Proto,
}

/// `compression`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Compression {
    /// RFC 8878.
    Zstd,
}

/// How requests become records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) format: Format,
    pub(super) compression: Option<Compression>,
}

impl Frame {
    const fn lines(self) -> bool {
        matches!((self.format, self.compression), (Format::Json, None))
    }

    /// The record of a request.
    pub(super) fn record(self, signal: Signal, request: Bytes) -> Result<Bytes, Refusal> {
        let mut content = match self.format {
            Format::Proto => request,
            Format::Json => {
                let written = json::from_protobuf(signal, &request);
                let mut text = written.map_err(|e| Refusal::new(e.kind(), e.to_string()))?;
                if self.lines() {
                    text.push(b'\n');
                    return Ok(text.into());
                }
                text.into()
            }
        };
        if self.compression == Some(Compression::Zstd) {
            let compressed = zstd::bulk::compress(&content, 0);
            content = compressed.map_err(|e| Refusal::new(ErrorKind::Internal, e.to_string()))?.into();
        }
        let Some(len) = u32::try_from(content.len()).ok().filter(|len| *len <= RECORD_BYTES_MAX) else {
            return Err(Refusal::new(ErrorKind::TooLarge, "a request is too large for a record of a file"));
        };
        let mut record = BytesMut::with_capacity(content.len() + 4);
        record.put_u32(len);
        record.put(content);
        Ok(record.freeze())
    }

    /// Where the last whole record of a file ends. What follows it was not finished when its writer died.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub(super) fn end(self, file: &dyn ReadAt) -> Result<u64, String> {
        let read = |buf: &mut [u8], at: u64| file.read_exact_at(buf, at).map_err(|e| e.to_string());
        let len = file.len();
        if len == 0 {
            return Ok(0);
        }
        if self.lines() {
            let mut first = [0];
            read(&mut first, 0)?;
            if first != *b"{" {
                return Err("it does not begin as lines of JSON do".to_owned());
            }
            let mut end = len;
            while end > 0 {
                let from = end.saturating_sub(LOOK_BYTES);
                let mut buf = vec![0; (end - from) as usize];
                read(&mut buf, from)?;
                if let Some(at) = buf.iter().rposition(|b| *b == b'\n') {
                    return Ok(from + at as u64 + 1);
                }
                end = from;
            }
            return Ok(0);
        }
        let mut at = 0;
        while len - at >= 4 {
            let mut prefix = [0; 4];
            read(&mut prefix, at)?;
            let next = u32::from_be_bytes(prefix);
            if next > RECORD_BYTES_MAX {
                return Err("it does not hold records with their length in front".to_owned());
            }
            if len - at - 4 < u64::from(next) {
                break;
            }
            at += 4 + u64::from(next);
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use foundation::disk::Disk as _;
    use foundation::disk::sim::SimDisk;

    use super::*;

    fn end(frame: Frame, content: &[u8]) -> Result<u64, String> {
        let disk = SimDisk::new(1);
        let mut file = disk.create(Path::new("/f")).unwrap();
        file.write_all(content).unwrap();
        frame.end(&*disk.open_read(Path::new("/f")).unwrap())
    }

    #[test]
    fn the_end_of_what_is_whole_is_found() {
        let lines = Frame { format: Format::Json, compression: None };
        assert_eq!(end(lines, b""), Ok(0));
        assert_eq!(end(lines, b"{}\n{\"a\""), Ok(3));
        assert_eq!(end(lines, b"{\"resource"), Ok(0));
        let long = [b"{}\n{".as_slice(), &vec![b'x'; 200_000]].concat();
        assert_eq!(end(lines, &long), Ok(3));
        assert!(end(lines, b"notes\n").unwrap_err().contains("does not begin"));
        let records = Frame { format: Format::Proto, compression: None };
        assert_eq!(end(records, b"\0\0\0\x02ab\0\0\0\x02a"), Ok(6));
        assert_eq!(end(records, b"\0\0\0\x02ab\0\0"), Ok(6));
        assert!(end(records, b"{\"resourceSpans\":[]}\n").unwrap_err().contains("length in front"));
    }

    #[test]
    fn records_say_what_the_request_says() {
        let request = Bytes::from_static(b"\x0a\x00");
        let text = Frame { format: Format::Json, compression: None }.record(Signal::Logs, request.clone()).unwrap();
        assert_eq!(&text[..], b"{\"resourceLogs\":[{}]}\n");
        let frame = Frame { format: Format::Proto, compression: Some(Compression::Zstd) };
        let record = frame.record(Signal::Logs, request.clone()).unwrap();
        let (len, content) = record.split_first_chunk::<4>().unwrap();
        assert_eq!(u32::from_be_bytes(*len) as usize, content.len());
        assert_eq!(zstd::bulk::decompress(content, 100).unwrap(), request);
    }
}
