//! A test that follows its own data: one trace, one log record and one metric are sent to the OTLP port as any sender would, and
//! looked for until they are found.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use eventstore::query::Order;
use foundation::UnixNanos;
use http_body::Frame;
use model::TimeRange;
use net::{Client, ClientOptions, HttpConfig, Url};
use query::EventSignal;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::app::App;
use crate::native::error::ApiError;
use crate::run;

const SERVICE: &str = "bellrock-test";
const METRIC: &str = "bellrock_test_value";
/// A port of this machine answers at once, or not at all.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// What was acknowledged is there; queries wait for slots.
const FIND_TIMEOUT: Duration = Duration::from_secs(10);
const FIND_PAUSE: Duration = Duration::from_millis(50);
/// As many lines as wait for a slow reader; then the test waits.
const LINES_WAITING: usize = 16;

/// Sends one record of each signal to the server's own OTLP port and says at every step how it fared; one JSON object per line.
#[utoipa::path(post, path = "/api/ui/v1/start/test",
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn test(State(app): State<App>) -> Result<Response, ApiError> {
    let (lines, waiting) = mpsc::channel(LINES_WAITING);
    tokio::spawn(async move { Test::new(app, lines).run().await });
    let body = Body::new(Lines(waiting));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")], body).into_response())
}

struct Test {
    app: App,
    lines: mpsc::Sender<Bytes>,
    now: UnixNanos,
    /// Tells this test from others.
    trace_id: String,
    client: Result<Client, String>,
    all_ok: bool,
}

impl Test {
    fn new(app: App, lines: mpsc::Sender<Bytes>) -> Self {
        let now = app.clock.now();
        let client = Client::new(&HttpConfig::default(), ClientOptions::default()).map_err(|e| e.to_string());
        Self { trace_id: format!("b311{:028x}", now.0), app, lines, now, client, all_ok: true }
    }

    async fn run(mut self) {
        let (mut log_id, mut found) = (None, [false; 3]);
        for (at, signal) in ["traces", "logs", "metrics"].into_iter().enumerate() {
            if self.send(signal).await {
                let id = self.find(signal).await;
                if let (Some(found), true) = (found.get_mut(at), id.is_some()) {
                    *found = true;
                }
                log_id = log_id.or(id.filter(|_| signal == "logs"));
            }
        }
        let end = json!({
            "done": true,
            "ok": self.all_ok,
            "trace_id": found.first().filter(|f| **f).map(|_| self.trace_id.clone()),
            "log_id": log_id,
            "metric": found.last().filter(|f| **f).map(|_| METRIC),
        });
        self.say(end).await;
    }

    async fn say(&self, line: Value) {
        // Fails only when nobody reads any more.
        let _ = self.lines.send(Bytes::from(format!("{line}\n"))).await;
    }

    async fn step(&mut self, step: &str, signal: &str, begin: Instant, result: Result<&str, String>) {
        let ok = result.is_ok();
        self.all_ok &= ok;
        let message = result.map_or_else(|e| e, str::to_owned);
        let elapsed_ms = begin.elapsed().as_secs_f64() * 1e3;
        let line = json!({"step": step, "signal": signal, "ok": ok, "elapsed_ms": elapsed_ms, "message": message});
        self.say(line).await;
    }

    /// Whether the receiver took it.
    async fn send(&mut self, signal: &str) -> bool {
        let begin = Instant::now();
        let address = self.app.info.endpoints.otlp_http.clone();
        let sent = self.post(signal, &address).await;
        let answer = match sent {
            Err(why) => {
                let why = format!("{why}; is OTLP/HTTP at {address} open to this server, without TLS and tokens?");
                self.step("send", signal, begin, Err(why)).await;
                return false;
            }
            Ok(answer) => answer,
        };
        self.step("send", signal, begin, Ok("")).await;
        let taken = match answer.status.as_u16() {
            200 => match serde_json::from_slice::<Value>(&answer.body) {
                Ok(body) if body["partialSuccess"]["errorMessage"].as_str().is_some_and(|m| !m.is_empty()) => {
                    Err(body["partialSuccess"]["errorMessage"].as_str().unwrap_or_default().to_owned())
                }
                _ => Ok(""),
            },
            status => Err(format!("the receiver answered {status}: {}", String::from_utf8_lossy(&answer.body))),
        };
        let ok = taken.is_ok();
        self.step("receive", signal, begin, taken).await;
        ok
    }

    async fn post(&self, signal: &str, address: &str) -> Result<net::Response, String> {
        if address.is_empty() {
            return Err("no OTLP receiver takes HTTP".to_owned());
        }
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let url = Url::parse(&format!("http://{address}/v1/{signal}")).map_err(|e| e.to_string())?;
        client.post_json(&url, self.payload(signal).to_string(), SEND_TIMEOUT).await.map_err(|e| e.to_string())
    }

    fn payload(&self, signal: &str) -> Value {
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let resource = json!({"attributes": [text("service.name", SERVICE)]});
        let scope = json!({"name": "bellrock", "version": self.app.info.version});
        let now = self.now.0.to_string();
        let span_id = self.trace_id.get(16..).unwrap_or_default();
        match signal {
            "traces" => json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": [{
                "traceId": self.trace_id, "spanId": span_id, "name": "test of the way in", "kind": 2,
                "startTimeUnixNano": self.now.minus(Duration::from_millis(5)).0.to_string(), "endTimeUnixNano": now,
                "status": {"code": 1},
            }]}]}]}),
            "logs" => json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": [{
                "timeUnixNano": now, "observedTimeUnixNano": now, "severityNumber": 9, "severityText": "INFO",
                "body": {"stringValue": "a test of the way in"}, "traceId": self.trace_id, "spanId": span_id,
            }]}]}]}),
            _ => json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": scope, "metrics": [{
                "name": METRIC, "description": "a test of the way in",
                "gauge": {"dataPoints": [{"timeUnixNano": now, "asDouble": self.value()}]},
            }]}]}]}),
        }
    }

    /// Milliseconds of the day: tells this test's sample from that of another.
    fn value(&self) -> f64 {
        self.now.as_millis().rem_euclid(86_400_000) as f64
    }

    /// Looks until it is stored and a query finds it; its id.
    async fn find(&mut self, signal: &str) -> Option<String> {
        let begin = Instant::now();
        loop {
            let looked = self.look(signal).await;
            match looked {
                Ok(Some(id)) => {
                    self.step("store", signal, begin, Ok("")).await;
                    self.step("query", signal, begin, Ok("")).await;
                    return Some(id);
                }
                Ok(None) if begin.elapsed() < FIND_TIMEOUT => tokio::time::sleep(FIND_PAUSE).await,
                Ok(None) => {
                    let why = format!("it was acknowledged and is not found after {FIND_TIMEOUT:?}");
                    self.step("store", signal, begin, Err(why)).await;
                    return None;
                }
                Err(why) => {
                    self.step("query", signal, begin, Err(why)).await;
                    return None;
                }
            }
        }
    }

    async fn look(&self, signal: &str) -> Result<Option<String>, String> {
        let minute = Duration::from_secs(60);
        let range = TimeRange::new(self.now.minus(minute), self.now.plus(minute));
        let filter = format!("trace_id:{}", self.trace_id);
        let (signal, value, now_ms) = (signal.to_owned(), self.value(), self.now.as_millis());
        let looked = run::query(&self.app, move |app, grant| match signal.as_str() {
            "metrics" => {
                let text = format!("{METRIC}{{service=\"{SERVICE}\"}} == {value}");
                let found = query::metrics::instant(&app.promql, &app.engines.metrics, &grant.ask(), &text, now_ms);
                let found = found.map_err(|e| e.to_string())?;
                let some = matches!(&found.output.value, promql::eval::Value::Vector(v) if !v.is_empty());
                Ok(some.then(|| METRIC.to_owned()))
            }
            "logs" => {
                let request = grant.request(range, filter);
                let found = query::logs::search(&app.engines.events, &request, Order::Descending, 1, None);
                let found = found.map_err(|e| e.to_string())?;
                Ok(found.value.records.first().map(|row| row.id.to_string()))
            }
            _ => {
                let request = grant.request(range, filter);
                let found = query::fields::histogram(&app.engines.events, EventSignal::Traces, &request, None, 1);
                let found = found.map_err(|e| e.to_string())?;
                Ok(found.value.groups.iter().flat_map(|g| &g.counts).any(|n| *n > 0).then(String::new))
            }
        });
        looked.await.map_err(|e| e.to_string())?
    }
}

/// Lines as they come.
struct Lines(mpsc::Receiver<Bytes>);

impl http_body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}
