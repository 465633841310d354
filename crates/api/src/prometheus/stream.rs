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

use super::respond::{ENVELOPE, Notes};

/// A chunk is sent when it has at least this many bytes: writing it takes about 100 us, so that it may be done on a
/// thread that serves sockets.
pub(super) const CHUNK_BYTES: usize = 64 << 10;

/// Writes an answer piece by piece; each piece is small against [`CHUNK_BYTES`].
pub(super) trait Pieces: Send + Unpin + 'static {
    /// Appends the next piece; false when there is no other after it.
    fn write(&mut self, out: &mut Vec<u8>) -> bool;
}

/// An answer in JSON: as a whole when it is short, else in chunks.
pub(super) fn json(pieces: impl Pieces) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (content_type, body(pieces)).into_response()
}

/// The body that the pieces make.
pub(super) fn body(mut pieces: impl Pieces) -> Body {
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

/// A JSON array in its envelope, one element per piece.
pub(super) struct List<I, F> {
    items: I,
    write: F,
    notes: Notes,
    begun: bool,
}

impl<I: Iterator, F: FnMut(&mut Vec<u8>, I::Item)> List<I, F> {
    /// `write` appends one element.
    pub(super) fn new(items: I, notes: Notes, write: F) -> Self {
        Self { items, write, notes, begun: false }
    }
}

impl<I, F> Pieces for List<I, F>
where
    I: Iterator + Send + Unpin + 'static,
    F: FnMut(&mut Vec<u8>, I::Item) + Send + Unpin + 'static,
{
    fn write(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(item) = self.items.next() else {
            if !self.begun {
                out.extend(ENVELOPE);
                out.push(b'[');
            }
            out.push(b']');
            self.notes.close(out);
            return false;
        };
        if self.begun {
            out.push(b',');
        } else {
            out.extend(ENVELOPE);
            out.push(b'[');
            self.begun = true;
        }
        (self.write)(out, item);
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

    fn list(count: u64, notes: Notes) -> Body {
        body(List::new(0..count, notes, |out, n: u64| out.extend(n.to_string().bytes())))
    }

    #[tokio::test]
    async fn a_short_answer_says_how_long_it_is() {
        let answer = list(3, Notes { warnings: vec!["w".into()], infos: Vec::new() });
        assert!(answer.size_hint().exact().is_some());
        assert_eq!(chunks(answer).await, [r#"{"status":"success","data":[0,1,2],"warnings":["w"]}"#]);
        assert_eq!(chunks(list(0, Notes::default())).await, [r#"{"status":"success","data":[]}"#]);
    }

    #[tokio::test]
    async fn a_long_answer_comes_in_chunks() {
        let all = chunks(list(1_000_000, Notes::default())).await;
        let sizes: Vec<_> = all.iter().map(Bytes::len).collect();
        assert!(sizes.iter().all(|n| *n < CHUNK_BYTES + 100), "{:?}", sizes.iter().max());
        assert!(sizes.len() > 100, "{}", sizes.len());
        let text = all.concat();
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(json["data"].as_array().unwrap().len(), 1_000_000);
    }
}
