//! Remote read: what is asked for, and both ways to answer.
//!
//! Sources: prometheus.io, "Remote read API"; `prompb/remote.proto` of Prometheus for the field numbers;
//! `storage/remote/chunked.go` for the frames of a streamed answer: length as a varint, CRC-32C in big-endian, message.
//! Knows no compression.

use foundation::ErrorKind;
use model::Histogram;
use thiserror::Error;

use super::encode::{self, V1Series};
use super::{histogram_chunk, xor};
use crate::protobuf::{Key, Malformed, Reader, Writer};

/// The content type of a sampled answer, which is compressed as a snappy block.
pub const SAMPLES_CONTENT_TYPE: &str = "application/x-protobuf";
/// The content type of a streamed answer, which is not compressed.
pub const STREAMED_CONTENT_TYPE: &str = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

/// Samples of one chunk: as many as Prometheus's own chunks have.
const SAMPLES_PER_CHUNK: usize = 120;
/// Bytes of the chunks of one frame, about: Prometheus makes frames of at most 1 MiB.
pub const FRAME_BYTES: usize = 960 << 10;

/// Queries of one request, and matchers of one query.
const PARTS_MAX: usize = 1024;

/// A request that cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// Broken bytes.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A text that is not UTF-8.
    #[error("a matcher is not UTF-8")]
    Text,
    /// A kind of matcher that does not exist.
    #[error("unknown matcher type {0}")]
    MatcherType(u64),
    /// More than there may be.
    #[error("the request has more than {limit} {what}")]
    Limit {
        /// `queries` or `matchers`.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
}

impl RequestError {
    /// What a caller can do: a wrong request stays wrong.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// A `prometheus.ReadRequest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// What is asked for; each has its own result.
    pub queries: Vec<Query<'a>>,
    /// How the client wants the answer: the first of those it accepts that is known here.
    pub response: ResponseType,
}

/// A `prometheus.Query`, without its hints.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query<'a> {
    /// Unix milliseconds, inclusive.
    pub start_ms: i64,
    /// Unix milliseconds, inclusive.
    pub end_ms: i64,
    /// All must be satisfied.
    pub matchers: Vec<Matcher<'a>>,
}

/// A `prometheus.LabelMatcher`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matcher<'a> {
    /// How values are compared.
    pub op: MatchOp,
    /// Of the label.
    pub name: &'a str,
    /// What the label's value is compared with.
    pub value: &'a str,
}

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

/// How an answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseType {
    /// One message with all samples.
    Samples,
    /// A frame per series with its chunks.
    StreamedXorChunks,
}

/// Reads a request.
///
/// # Errors
/// Broken bytes, and more queries or matchers than there may be.
pub fn decode(request: &[u8]) -> Result<Request<'_>, RequestError> {
    const QUERIES: Key = Key::delimited(1);
    const ACCEPTED: Key = Key::varint(2);
    const ACCEPTED_PACKED: Key = Key::delimited(2);
    let mut queries = Vec::new();
    let mut response = None;
    let mut r = Reader::new(request);
    while let Some(key) = r.key()? {
        match key {
            QUERIES => bounded(&mut queries, query(r.message()?)?, "queries")?,
            ACCEPTED => accept(&mut response, r.uint()?),
            ACCEPTED_PACKED => {
                let mut packed = r.message()?;
                while !packed.is_empty() {
                    accept(&mut response, packed.uint()?);
                }
            }
            _ => r.skip_unknown(key, 0b110)?,
        }
    }
    Ok(Request { queries, response: response.unwrap_or(ResponseType::Samples) })
}

/// Types that are not known here are passed over, as the protocol wants it.
fn accept(response: &mut Option<ResponseType>, number: u64) {
    let known = match number {
        0 => ResponseType::Samples,
        1 => ResponseType::StreamedXorChunks,
        _ => return,
    };
    response.get_or_insert(known);
}

fn query(mut r: Reader<'_>) -> Result<Query<'_>, RequestError> {
    const START: Key = Key::varint(1);
    const END: Key = Key::varint(2);
    const MATCHERS: Key = Key::delimited(3);
    let mut out = Query::default();
    while let Some(key) = r.key()? {
        match key {
            START => out.start_ms = r.uint()? as i64,
            END => out.end_ms = r.uint()? as i64,
            MATCHERS => bounded(&mut out.matchers, matcher(r.message()?)?, "matchers")?,
            _ => r.skip_unknown(key, 0b1110)?,
        }
    }
    Ok(out)
}

fn matcher(mut r: Reader<'_>) -> Result<Matcher<'_>, RequestError> {
    const TYPE: Key = Key::varint(1);
    const NAME: Key = Key::delimited(2);
    const VALUE: Key = Key::delimited(3);
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| RequestError::Text);
    let mut out = Matcher { op: MatchOp::Equal, name: "", value: "" };
    while let Some(key) = r.key()? {
        match key {
            TYPE => {
                out.op = match r.uint()? {
                    0 => MatchOp::Equal,
                    1 => MatchOp::NotEqual,
                    2 => MatchOp::Regex,
                    3 => MatchOp::NotRegex,
                    other => return Err(RequestError::MatcherType(other)),
                }
            }
            NAME => out.name = text(r.delimited()?)?,
            VALUE => out.value = text(r.delimited()?)?,
            _ => r.skip_unknown(key, 0b1110)?,
        }
    }
    Ok(out)
}

fn bounded<T>(list: &mut Vec<T>, item: T, what: &'static str) -> Result<(), RequestError> {
    if list.len() >= PARTS_MAX {
        return Err(RequestError::Limit { what, limit: PARTS_MAX });
    }
    list.push(item);
    Ok(())
}

/// A `prometheus.ReadResponse`: one result per query, in the order of the queries.
#[derive(Debug, Default)]
pub struct Response(Writer);

impl Response {
    /// An answer without results.
    pub fn new() -> Self {
        Self::default()
    }

    /// The result of the next query.
    ///
    /// # Errors
    /// What `body` answers; the answer must then be forgotten.
    pub fn result<E>(&mut self, body: impl FnOnce(&mut QueryResult<'_>) -> Result<(), E>) -> Result<(), E> {
        let open = self.0.open(1);
        body(&mut QueryResult(&mut self.0))?;
        self.0.close(open);
        Ok(())
    }

    /// The message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// The series of one query.
#[derive(Debug)]
pub struct QueryResult<'a>(&'a mut Writer);

impl QueryResult<'_> {
    /// Adds a series; `body` writes its samples.
    pub fn series<'a>(
        &mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: impl FnOnce(&mut V1Series<'_>),
    ) {
        self.0.message(1, |w| encode::series(w, labels, body));
    }
}

/// A chunk of a streamed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    first_ms: i64,
    last_ms: i64,
    encoding: u64,
    data: Vec<u8>,
}

impl Chunk {
    /// The chunks of floats (milliseconds and value) that rise in time.
    pub fn of_floats(samples: &[(i64, f64)]) -> impl Iterator<Item = Self> {
        samples.chunks(SAMPLES_PER_CHUNK).filter_map(|samples| {
            let (first, last) = (samples.first()?, samples.last()?);
            Some(Self { first_ms: first.0, last_ms: last.0, encoding: xor::ENCODING, data: xor::encode(samples) })
        })
    }

    /// The chunk of a histogram with whole counts.
    pub fn of_histogram(t_ms: i64, h: &Histogram<u64>) -> Self {
        let data = histogram_chunk::encode_int(t_ms, h);
        Self { first_ms: t_ms, last_ms: t_ms, encoding: histogram_chunk::INT_ENCODING, data }
    }

    /// The chunk of a histogram with float counts.
    pub fn of_float_histogram(t_ms: i64, h: &Histogram<f64>) -> Self {
        let data = histogram_chunk::encode_float(t_ms, h);
        Self { first_ms: t_ms, last_ms: t_ms, encoding: histogram_chunk::FLOAT_ENCODING, data }
    }

    /// About how many bytes it takes in a frame.
    pub fn bytes(&self) -> usize {
        self.data.len() + 24
    }
}

/// A frame of a streamed answer: a `prometheus.ChunkedReadResponse` with one series.
///
/// `chunks` rise in time and take about [`FRAME_BYTES`] at most; a longer series takes several
/// frames in a row with the same labels.
pub fn frame<'a>(query: usize, labels: impl IntoIterator<Item = (&'a str, &'a str)>, chunks: &[Chunk]) -> Vec<u8> {
    let mut w = Writer::new();
    w.message(1, |w| {
        labels.into_iter().for_each(|(name, value)| encode::label(w, name, value));
        for chunk in chunks {
            w.message(2, |w| {
                w.uint(1, chunk.first_ms as u64);
                w.uint(2, chunk.last_ms as u64);
                w.uint(3, chunk.encoding);
                w.bytes(4, &chunk.data);
            });
        }
    });
    if query > 0 {
        w.uint(2, query as u64);
    }
    let message = w.into_bytes();
    let mut out = Vec::with_capacity(message.len() + 14);
    let mut length = message.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(crc32c::crc32c(&message).to_be_bytes());
    out.extend(message);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Vec<u8> {
        let mut w = Writer::new();
        w.message(1, |w| {
            w.uint(1, -5i64 as u64);
            w.uint(2, 1_000);
            w.message(3, |w| {
                w.uint(1, 3);
                w.string(2, "job");
                w.string(3, "a.*");
            });
            // Hints.
            w.message(4, |w| w.uint(1, 15_000));
        });
        w.message(1, |_| {});
        w.bytes(2, &[9, 1, 0]);
        w.into_bytes()
    }

    #[test]
    fn a_request_is_read() {
        let matcher = Matcher { op: MatchOp::NotRegex, name: "job", value: "a.*" };
        let first = Query { start_ms: -5, end_ms: 1_000, matchers: vec![matcher] };
        let expected = Request { queries: vec![first, Query::default()], response: ResponseType::StreamedXorChunks };
        assert_eq!(decode(&request()), Ok(expected));
        assert_eq!(decode(&[]).unwrap().response, ResponseType::Samples);
        // Not packed.
        assert_eq!(decode(&[0x10, 1, 0x10, 0]).unwrap().response, ResponseType::StreamedXorChunks);
    }

    #[test]
    fn broken_requests_are_refused() {
        let whole = request();
        for end in 1..whole.len() {
            let _ = decode(&whole[..end]);
        }
        assert!(matches!(decode(&[0x0a, 5]), Err(RequestError::Malformed(_))));
        let mut w = Writer::new();
        w.message(1, |w| w.message(3, |w| w.uint(1, 4)));
        assert_eq!(decode(w.as_bytes()), Err(RequestError::MatcherType(4)));
        let mut w = Writer::new();
        w.message(1, |w| w.message(3, |w| w.bytes(2, &[0xff])));
        assert_eq!(decode(w.as_bytes()), Err(RequestError::Text));
        let many: Vec<u8> = [0x0a, 0].repeat(PARTS_MAX + 1);
        assert_eq!(decode(&many), Err(RequestError::Limit { what: "queries", limit: PARTS_MAX }));
    }

    #[test]
    fn a_frame_of_prometheus() {
        // The answer of Prometheus 2.42 for these samples of a series without other labels.
        let theirs = "4f27dc858b0a4d0a100a085f5f6e616d655f5f1204786f7278123908c08ac6e3a03410d5adc6e3a0341801\
                      2227000580958cc7c1683ff0000000000000e807d80e07d301bfffbe0c4000e0fffee6666666666668";
        let t = 1_795_505_096_000;
        let samples = [(t, 1.0), (t + 1_000, 1.5), (t + 2_500, -2.0), (t + 3_500, -2.0), (t + 4_501, 0.1)];
        let chunks: Vec<Chunk> = Chunk::of_floats(&samples).collect();
        let ours: String = frame(0, [("__name__", "xorx")], &chunks).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn a_frame_carries_its_length_and_checksum() {
        let samples: Vec<_> = (0..250).map(|i| (i * 1_000, i as f64)).collect();
        let frame = frame(3, [("a", "b")], &Chunk::of_floats(&samples).collect::<Vec<_>>());
        let mut r = Reader::new(&frame);
        let length = r.uint().unwrap() as usize;
        let (checksum, message) = r.rest().split_at(4);
        assert_eq!(message.len(), length);
        assert_eq!(checksum, crc32c::crc32c(message).to_be_bytes());
        let mut chunks = Vec::new();
        let mut r = Reader::new(message);
        r.key().unwrap();
        let mut series = r.message().unwrap();
        while let Some(key) = series.key().unwrap() {
            if key == Key::delimited(2) {
                chunks.push(series.delimited().unwrap().len());
            } else {
                series.skip(key).unwrap();
            }
        }
        assert_eq!(chunks.len(), 3);
        r.key().unwrap();
        assert_eq!(r.uint().unwrap(), 3);
    }
}
