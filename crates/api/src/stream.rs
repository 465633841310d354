//! Bodies that are written while they are sent.
//!
//! An answer may have tens of megabytes: its text is never held as a whole. The connection asks for the next chunk when
//! the one before it is on its way, so a slow reader holds one chunk and nothing else waits for it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body::Frame;

/// A chunk is sent when it has at least this many bytes: writing it takes about 100 us, so that it may be done on a
/// thread that serves sockets.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;

/// Writes an answer piece by piece; each piece is small against [`CHUNK_BYTES`].
pub(crate) trait Pieces: Send + Unpin + 'static {
    /// Appends the next piece; false when there is no other after it.
    fn write(&mut self, out: &mut Vec<u8>) -> bool;
}

/// An answer in JSON: as a whole when it is short, else in chunks.
pub(crate) fn json(pieces: impl Pieces) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (content_type, body(pieces)).into_response()
}

/// The body that the pieces make.
pub(crate) fn body(mut pieces: impl Pieces) -> Body {
    let mut first = Vec::new();
    if fill(&mut pieces, &mut first) {
        Body::new(Streamed { pieces, first: Some(first.into()), ended: false })
    } else {
        Body::from(first)
    }
}

/// Whether there is more than was written.
fn fill(pieces: &mut impl Pieces, out: &mut Vec<u8>) -> bool {
    while out.len() < CHUNK_BYTES {
        if !pieces.write(out) {
            return false;
        }
    }
    true
}

struct Streamed<P> {
    pieces: P,
    first: Option<Bytes>,
    ended: bool,
}

impl<P: Pieces> HttpBody for Streamed<P> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let mut chunk = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
        self.ended = !fill(&mut self.pieces, &mut chunk);
        Poll::Ready(Some(Ok(Frame::data(chunk.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.first.is_none()
    }
}

/// A JSON array with what stands before and behind it, one element per piece.
pub(crate) struct List<I, F> {
    head: Vec<u8>,
    tail: Vec<u8>,
    items: I,
    write: F,
    begun: bool,
}

impl<I: Iterator, F: FnMut(&mut Vec<u8>, I::Item)> List<I, F> {
    /// `write` appends one element; `head` and `tail` are the text outside of the brackets.
    pub(crate) fn new(head: impl Into<Vec<u8>>, items: I, tail: impl Into<Vec<u8>>, write: F) -> Self {
        Self { head: head.into(), tail: tail.into(), items, write, begun: false }
    }
}

impl<I, F> Pieces for List<I, F>
where
    I: Iterator + Send + Unpin + 'static,
    F: FnMut(&mut Vec<u8>, I::Item) + Send + Unpin + 'static,
{
    fn write(&mut self, out: &mut Vec<u8>) -> bool {
        let item = self.items.next();
        if std::mem::replace(&mut self.begun, true) {
            out.extend(item.is_some().then_some(b','));
        } else {
            out.append(&mut self.head);
            out.push(b'[');
        }
        match item {
            Some(item) => (self.write)(out, item),
            None => {
                out.push(b']');
                out.append(&mut self.tail);
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn chunks(mut body: Body) -> Vec<Bytes> {
        let mut out = Vec::new();
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            out.extend(frame.unwrap().into_data());
        }
        out
    }

    fn list(count: u64) -> Body {
        let write = |out: &mut Vec<u8>, n: u64| out.extend(n.to_string().bytes());
        body(List::new("{\"data\":", 0..count, ",\"warnings\":[\"w\"]}", write))
    }

    #[tokio::test]
    async fn a_short_answer_says_how_long_it_is() {
        let answer = list(3);
        assert!(answer.size_hint().exact().is_some());
        assert_eq!(chunks(answer).await, [r#"{"data":[0,1,2],"warnings":["w"]}"#]);
        assert_eq!(chunks(list(0)).await, [r#"{"data":[],"warnings":["w"]}"#]);
    }

    #[tokio::test]
    async fn a_long_answer_comes_in_chunks() {
        let all = chunks(list(1_000_000)).await;
        let sizes: Vec<_> = all.iter().map(Bytes::len).collect();
        assert!(sizes.iter().all(|n| *n < CHUNK_BYTES + 100), "{:?}", sizes.iter().max());
        assert!(sizes.len() > 100, "{}", sizes.len());
        let text = all.concat();
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(json["data"].as_array().unwrap().len(), 1_000_000);
    }
}
