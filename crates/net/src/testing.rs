//! Servers and certificates on loopback, for tests: what was asked is kept, what is answered is decided by a function.

#![expect(clippy::unwrap_used, reason = "a test that cannot start its server fails where it stands")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, HeaderValue};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use reqwest::Url;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::tls::ServerTls;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query, or the whole address when a proxy was asked.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Received {
    /// The value of a header, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A status with headers and a body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Nothing, ever.
    Hang,
    /// The connection is closed.
    Close,
}

impl Reply {
    /// A status and a body.
    pub fn status(status: u16, body: &str) -> Self {
        Self::Answer(status, Vec::new(), body.to_owned())
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        match self {
            Self::Answer(status, mut headers, body) => {
                headers.push((name, value.into()));
                Self::Answer(status, headers, body)
            }
            other => other,
        }
    }
}

type Decide = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

/// An HTTP/1.1 server on a free port of loopback; it ends with the runtime of the test.
#[derive(Clone)]
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    /// Without TLS.
    pub async fn start(decide: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::run(None, Arc::new(decide)).await
    }

    /// With TLS.
    pub async fn start_tls(tls: ServerTls, decide: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::run(Some(tls), Arc::new(decide)).await
    }

    async fn run(tls: Option<ServerTls>, decide: Decide) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let all = received.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, decide, all) = (tls.clone(), decide.clone(), all.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &decide, &all).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &decide, &all).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, scheme, received }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// An address on it, by the name `localhost`.
    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}://localhost:{}{path}", self.scheme, self.address.port())).unwrap()
    }

    /// What came so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The last request.
    pub fn last(&self) -> Received {
        self.received().pop().expect("no request came")
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, decide: &Decide, all: &Mutex<Vec<Received>>) {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        let reply = decide(&request);
        all.lock().unwrap().push(request);
        match reply {
            Reply::Close => return,
            Reply::Hang => std::future::pending().await,
            Reply::Answer(status, headers, body) => {
                let mut text = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    text.push_str(&format!("{name}: {value}\r\n"));
                }
                text.push_str("\r\n");
                text.push_str(&body);
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn read_request<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> Option<Received> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head: Vec<u8> = buffer.drain(..head_end).collect();
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|l| l.split_once(':')) {
        headers.append(HeaderName::try_from(name).ok()?, HeaderValue::from_str(value.trim()).ok()?);
    }
    let length: usize = headers.get("content-length").and_then(|v| v.to_str().ok()?.parse().ok()).unwrap_or(0);
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received { method, path, headers, body: buffer.drain(..length).collect() })
}

/// An authority that signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, PEM.
pub struct Pair {
    /// The certificate.
    pub cert: String,
    /// The key.
    pub key: String,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new authority that nobody trusts yet.
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test authority");
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for names, good for servers and clients.
    pub fn sign(&self, names: &[&str]) -> Pair {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "test");
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        Pair { cert: cert.pem(), key: key.serialize_pem() }
    }

    /// The server's side of TLS with a certificate for `names`, and nothing else.
    pub fn server(&self, names: &[&str]) -> ServerTls {
        let pair = self.sign(names);
        let settings = crate::tls::ServerSettings {
            cert_pem: Some(crate::Secret::new(pair.cert)),
            key_pem: Some(crate::Secret::new(pair.key)),
            ..Default::default()
        };
        settings.build(&["http/1.1"]).unwrap()
    }
}
