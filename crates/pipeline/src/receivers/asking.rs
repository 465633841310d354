//! How receivers reach a server that they ask in its own protocol: Redis, PostgreSQL.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use net::tls::{ClientSettings, ClientTls};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};

use crate::component::{Refused, Setup};

/// A handshake that takes longer is given up.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// A connection, encrypted or not.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

/// Checks `transport`; whether it is a socket of this machine.
pub(super) fn is_unix(setup: &mut Setup<'_>, transport: &str) -> Result<bool, Refused> {
    match transport {
        "tcp" => Ok(false),
        "unix" => Ok(true),
        other => Err(setup.error("transport", format!("`{other}` is not known; write tcp or unix"))),
    }
}

/// Checks `tls`; `None`: nothing is encrypted.
pub(super) fn tls(
    setup: &mut Setup<'_>,
    settings: &mut Option<ClientSettings>,
) -> Result<Option<Arc<ClientTls>>, Refused> {
    let Some(settings) = settings else { return Ok(None) };
    settings.set_directory(&setup.surroundings().directory);
    let tls = settings.build(&[]).map_err(|errors| setup.errors("tls", &errors))?;
    setup.unreadable(settings);
    Ok(tls.map(Arc::new))
}

/// Shakes hands with `host`, if that is wanted.
pub(super) async fn encrypted(
    tls: Option<&Arc<ClientTls>>,
    stream: impl Duplex + 'static,
    host: &str,
) -> Result<Box<dyn Duplex>, String> {
    match tls {
        None => Ok(Box::new(stream)),
        Some(tls) => match tls.connect(stream, host, HANDSHAKE).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(e) => Err(e.to_string()),
        },
    }
}

/// As PostgreSQL's client wants it.
#[derive(Clone)]
pub(super) struct ForPostgres(pub(super) Arc<ClientTls>);

impl<S: Duplex + 'static> MakeTlsConnect<S> for ForPostgres {
    type Stream = Encrypted;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Handshake> {
        Ok(Handshake { tls: self.0.clone(), host: host.to_owned() })
    }
}

/// One handshake to come.
pub(super) struct Handshake {
    tls: Arc<ClientTls>,
    host: String,
}

impl<S: Duplex + 'static> TlsConnect<S> for Handshake {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            encrypted(Some(&self.tls), stream, &self.host).await.map(Encrypted).map_err(io::Error::other)
        })
    }
}

/// What came of it.
pub(super) struct Encrypted(Box<dyn Duplex>);

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
