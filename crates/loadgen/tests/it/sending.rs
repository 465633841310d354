//! The client halves against a small server of hyper's own: transports, encodings, refusals, and the demo's loop.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use foundation::UnixNanos;
use foundation::clock::ManualClock;
use foundation::shutdown::Shutdown;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use loadgen::client::{Encoding, Protocol};
use loadgen::ingest::{self, IngestError};
use loadgen::{demo, meetsmatch};
use model::Signal;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tokio::net::TcpListener;

#[derive(Debug, Clone)]
struct Received {
    path: String,
    encoding: String,
    body: Bytes,
}

/// What a server got, and how many requests it refuses first.
#[derive(Debug, Clone, Default)]
struct Log {
    received: Arc<Mutex<Vec<Received>>>,
    refusals: Arc<Mutex<u32>>,
    status: u16,
}

impl Log {
    fn refusing(times: u32, status: u16) -> Self {
        Self { refusals: Arc::new(Mutex::new(times)), status, ..Self::default() }
    }

    fn all(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    fn refuses(&self) -> bool {
        let mut left = self.refusals.lock().unwrap();
        let refuses = *left > 0;
        *left = left.saturating_sub(1);
        refuses
    }

    async fn take(&self, request: Request<Incoming>, header: &str) {
        let path = request.uri().path().to_owned();
        let encoding = request.headers().get(header).map_or("identity", |v| v.to_str().unwrap()).to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        self.received.lock().unwrap().push(Received { path, encoding, body });
    }

    async fn http(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        if self.refuses() {
            let refused = Response::builder().status(self.status).header("retry-after", "0");
            return Ok(refused.body(Full::default()).unwrap());
        }
        self.take(request, "content-encoding").await;
        Ok(Response::new(Full::default()))
    }

    async fn grpc(self, request: Request<Incoming>) -> Result<Response<WithTrailers>, Infallible> {
        assert_eq!(request.headers()["content-type"], "application/grpc");
        self.take(request, "grpc-encoding").await;
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
        let answer = Full::new(Bytes::from_static(&[0; 5])).with_trailers(std::future::ready(Some(Ok(trailers))));
        Ok(Response::new(answer))
    }
}

type WithTrailers =
    http_body_util::combinators::WithTrailers<Full<Bytes>, std::future::Ready<Option<Result<HeaderMap, Infallible>>>>;

async fn serve(log: Log, protocol: Protocol) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (io, log) = (TokioIo::new(stream), log.clone());
            tokio::spawn(async move {
                let served = match protocol {
                    Protocol::Http => {
                        let service = service_fn(move |r| log.clone().http(r));
                        hyper::server::conn::http1::Builder::new().serve_connection(io, service).await
                    }
                    Protocol::Grpc => {
                        let service = service_fn(move |r| log.clone().grpc(r));
                        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                            .serve_connection(io, service)
                            .await
                    }
                };
                drop(served);
            });
        }
    });
    url
}

fn config(endpoint: String, protocol: Protocol, encoding: Encoding) -> ingest::Config {
    ingest::Config {
        batch: loadgen::dataset::BATCH,
        endpoint,
        protocol,
        encoding,
        signal: Signal::Traces,
        records: 5_000,
        connections: 3,
        seed: 1,
        end: UnixNanos::from_secs(1_800_000_000),
        rate: None,
    }
}

fn spans(body: &[u8]) -> usize {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    request.resource_spans.iter().flat_map(|r| &r.scope_spans).map(|s| s.spans.len()).sum()
}

#[tokio::test]
async fn a_rate_is_not_exceeded() {
    let url = serve(Log::default(), Protocol::Http).await;
    let limited = ingest::Config { rate: Some(20_000), ..config(url, Protocol::Http, Encoding::Identity) };
    let report = ingest::run(limited).await.unwrap();
    // The last of five requests of a thousand is due after four thousand records.
    assert!(report.wall >= Duration::from_millis(190), "{:?}", report.wall);
}

#[tokio::test]
async fn ingest_over_http_sends_all_and_repeats_what_was_refused() {
    let log = Log::refusing(2, 503);
    let url = serve(log.clone(), Protocol::Http).await;
    let report = ingest::run(config(url, Protocol::Http, Encoding::Zstd)).await.unwrap();
    let received = log.all();
    let got: usize = received.iter().map(|r| spans(&zstd::bulk::decompress(&r.body, 10 << 20).unwrap())).sum();
    assert_eq!(got as u64, report.records);
    assert!(report.records >= 5_000);
    assert!(received.iter().all(|r| r.path == "/v1/traces" && r.encoding == "zstd"));
    assert_eq!((report.refused, report.retried, report.ack_us.len()), (2, 2, received.len()));
    assert!(report.bytes > report.bytes_sent * 2);
}

#[tokio::test]
async fn ingest_over_grpc_frames_each_request() {
    let log = Log::default();
    let url = serve(log.clone(), Protocol::Grpc).await;
    let report = ingest::run(config(url, Protocol::Grpc, Encoding::Identity)).await.unwrap();
    let received = log.all();
    assert_eq!(received.len() as u64, report.requests);
    let got: usize = received
        .iter()
        .map(|r| {
            let length = u32::from_be_bytes(r.body[1..5].try_into().unwrap()) as usize;
            assert_eq!((r.body[0], length), (0, r.body.len() - 5));
            spans(&r.body[5..])
        })
        .sum();
    assert_eq!(got as u64, report.records);
    assert!(received.iter().all(|r| r.path == "/opentelemetry.proto.collector.trace.v1.TraceService/Export"));
}

#[tokio::test]
async fn a_refusal_for_good_ends_the_run() {
    let log = Log::refusing(u32::MAX, 400);
    let url = serve(log.clone(), Protocol::Http).await;
    let error = ingest::run(config(url, Protocol::Http, Encoding::Identity)).await.unwrap_err();
    assert!(matches!(error, IngestError::Send { acknowledged: 0, .. }), "{error}");
    assert!(log.all().is_empty());
}

#[tokio::test]
async fn nobody_listening_is_worth_a_retry() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut connection = loadgen::client::Connection::new(&url, Protocol::Http).unwrap();
    let error = connection.send(Signal::Logs, Bytes::new(), Encoding::Identity).await.unwrap_err();
    assert!(error.retry_after().is_some(), "{error}");
}

#[tokio::test]
async fn the_demo_sends_its_history_then_stops_when_told() {
    // The first requests are refused: history waits and loses nothing.
    let (http, grpc) = (Log::refusing(3, 429), Log::default());
    let endpoints = demo::Endpoints {
        http: serve(http.clone(), Protocol::Http).await,
        grpc: Some(serve(grpc.clone(), Protocol::Grpc).await),
    };
    let now = UnixNanos::from_secs(1_800_000_000);
    let history = Duration::from_secs(60);
    let make = || meetsmatch::Stack::new(1, demo::start_before(now, history));
    let shutdown = Shutdown::new();
    let playing = tokio::spawn(demo::run(make(), endpoints, Arc::new(ManualClock::new(now)), shutdown.clone()));

    let mut expected = make();
    let mut requests = expected.tick(UnixNanos(now.0 - 30_000_000_000));
    requests.extend(expected.tick(now));
    let over_grpc = requests.iter().filter(|r| matches!(r.service, "nginx" | "meetsmatch-bot")).count();
    let deadline = Instant::now() + Duration::from_secs(30);
    while http.all().len() + grpc.all().len() < requests.len() {
        assert!(Instant::now() < deadline, "{} of {}", http.all().len() + grpc.all().len(), requests.len());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(grpc.all().len(), over_grpc);
    let metrics = http.all().iter().filter(|r| r.path == "/v1/metrics").count();
    assert!(metrics > 10 && http.all().iter().any(|r| r.path == "/v1/logs"));
    shutdown.set();
    let totals = playing.await.unwrap().unwrap();
    assert_eq!((totals.acknowledged, totals.refused, totals.dropped), (requests.len() as u64, 0, 0));
}
