//! Which version of HTTP a client speaks, by its first bytes, which have to come in time.
//!
//! hyper waits without end for the rest of what may become the preface of HTTP/2 (RFC 9113, 3.4): a client that sends a `P` and nothing
//! more would keep its connection for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose first bytes were read; they are read again.
pub(crate) struct Begun<S> {
    first: [u8; PREFACE.len()],
    len: usize,
    given: usize,
    stream: S,
}

/// Reads until the version is clear. `None`: nothing clear came in `time`, or the client went away.
pub(crate) async fn version<S>(mut stream: S, time: Duration) -> Option<(auto::Builder<TokioExecutor>, Begun<S>)>
where
    S: AsyncRead + Unpin,
{
    let mut first = [0; PREFACE.len()];
    let mut len = 0;
    let read = async {
        while len < PREFACE.len() && first[..len] == PREFACE[..len] {
            match stream.read(&mut first[len..]).await {
                Ok(0) | Err(_) => return false,
                Ok(n) => len += n,
            }
        }
        true
    };
    if !tokio::time::timeout(time, read).await.unwrap_or(false) {
        return None;
    }
    let builder = auto::Builder::new(TokioExecutor::new());
    let builder = if first == *PREFACE { builder.http2_only() } else { builder.http1_only() };
    Some((builder, Begun { first, len, given: 0, stream }))
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.given < this.len {
            let to = this.len.min(this.given + into.remaining());
            into.put_slice(&this.first[this.given..to]);
            this.given = to;
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut this.stream).poll_read(context, into))?;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    /// What is read behind the decision, and whether HTTP/2 was decided for.
    async fn decided(parts: &[&[u8]]) -> Option<(bool, Vec<u8>)> {
        let (mut client, server) = tokio::io::duplex(1024);
        let writes = async {
            for part in parts {
                client.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
            client
        };
        let (client, found) = tokio::join!(writes, version(server, SOON));
        let (builder, mut begun) = found?;
        drop(client);
        let mut all = Vec::new();
        begun.read_to_end(&mut all).await.unwrap();
        Some((builder.is_http2_available(), all))
    }

    #[tokio::test]
    async fn the_first_bytes_decide_and_are_read_again() {
        let post = b"POST / HTTP/1.1\r\n\r\n";
        assert_eq!(decided(&[post]).await, Some((false, post.to_vec())));
        assert_eq!(decided(&[b"P", b"OST"]).await, Some((false, b"POST".to_vec())));
        let http2 = [&PREFACE[..], b"more"].concat();
        assert_eq!(decided(&[&http2[..5], &http2[5..]]).await, Some((true, http2)));
    }

    #[tokio::test]
    async fn half_a_preface_is_not_waited_for() {
        let (mut client, server) = tokio::io::duplex(64);
        client.write_all(b"PRI * HT").await.unwrap();
        assert!(version(server, SOON).await.is_none());
        let (client, server) = tokio::io::duplex(64);
        drop(client);
        assert!(version(server, SOON).await.is_none());
    }
}
