//! Spans: traces of one to some two hundred spans through the services, the calls between them and their stores.

use foundation::UnixNanos;
use model::Signal;
use wire::protobuf::Writer;

use super::{BATCH, Batch, NOUNS, RARE_TOKEN, SERVICES, World, is_rare, trace_id};
use crate::Request;
use crate::otlp::{Kind, RECORD, int_attribute, string_attribute};
use crate::random::Rng;

/// `ExportTraceServiceRequest`s with at least `n` spans (the last trace is whole) before `end`.
pub fn spans(seed: u64, n: u64, end: UnixNanos) -> Spans {
    let world = World::new(seed, end);
    let operations = (0..SERVICES.len()).map(operations_of).collect();
    Spans { seed, n, done: 0, traces: 0, world, operations, batch: Batch::new(Signal::Traces), batch_records: BATCH }
}

/// The stream of [`spans`].
pub struct Spans {
    seed: u64,
    n: u64,
    done: u64,
    traces: u64,
    world: World,
    operations: Vec<Vec<Operation>>,
    batch: Batch,
    batch_records: usize,
}

impl Spans {
    /// With about so many records in a request, instead of [`BATCH`]; a trace is never cut.
    #[must_use]
    pub fn in_requests_of(self, records: usize) -> Self {
        Self { batch_records: records.max(1), ..self }
    }
}

impl Iterator for Spans {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if self.done >= self.n {
            return None;
        }
        while self.batch.records < self.batch_records && self.done < self.n {
            self.trace();
        }
        Some(self.batch.take(&self.world))
    }
}

/// One operation of a service, with the attributes that never change already encoded.
struct Operation {
    name: String,
    kind: Kind,
    fixed: Vec<u8>,
    median_ns: f64,
    path: String,
}

/// HTTP operations of a service come first, then its stores.
const HTTP_OPERATIONS: usize = 6;

fn operations_of(service: usize) -> Vec<Operation> {
    let noun = NOUNS[service];
    let http = [
        ("GET", "", 6.0),
        ("GET", "/{id}", 3.0),
        ("POST", "", 14.0),
        ("PUT", "/{id}", 11.0),
        ("DELETE", "/{id}", 8.0),
        ("POST", "/{id}/confirm", 30.0),
    ];
    let mut out = Vec::new();
    for (method, suffix, median_ms) in http {
        let route = format!("/api/v2/{noun}{suffix}");
        let mut w = Writer::new();
        string_attribute(&mut w, 9, "http.request.method", method);
        string_attribute(&mut w, 9, "http.route", &route);
        string_attribute(&mut w, 9, "url.scheme", "http");
        string_attribute(&mut w, 9, "server.address", SERVICES[service]);
        int_attribute(&mut w, 9, "server.port", 8080);
        string_attribute(&mut w, 9, "network.protocol.version", "1.1");
        let path = format!("/api/v2/{noun}/");
        out.push(Operation {
            name: format!("{method} {route}"),
            kind: Kind::Server,
            fixed: w.into_bytes(),
            median_ns: median_ms * 1e6,
            path,
        });
    }
    let sql = [
        ("SELECT", format!("SELECT id, state, owner_id, updated_at FROM {noun} WHERE id = $1"), 1.2),
        ("SELECT", format!("SELECT id, state FROM {noun} WHERE owner_id = $1 ORDER BY updated_at DESC LIMIT 50"), 4.0),
        ("INSERT", format!("INSERT INTO {noun} (id, owner_id, state, payload) VALUES ($1, $2, $3, $4)"), 2.5),
        ("UPDATE", format!("UPDATE {noun} SET state = $2, updated_at = now() WHERE id = $1"), 2.2),
    ];
    for (verb, text, median_ms) in sql {
        let mut w = Writer::new();
        string_attribute(&mut w, 9, "db.system.name", "postgresql");
        string_attribute(&mut w, 9, "db.namespace", SERVICES[service]);
        string_attribute(&mut w, 9, "db.operation.name", verb);
        string_attribute(&mut w, 9, "db.collection.name", noun);
        string_attribute(&mut w, 9, "db.query.text", &text);
        int_attribute(&mut w, 9, "server.port", 5432);
        out.push(Operation {
            name: format!("{verb} {noun}"),
            kind: Kind::Client,
            fixed: w.into_bytes(),
            median_ns: median_ms * 1e6,
            path: String::new(),
        });
    }
    let mut w = Writer::new();
    string_attribute(&mut w, 9, "db.system.name", "redis");
    string_attribute(&mut w, 9, "db.operation.name", "GET");
    int_attribute(&mut w, 9, "server.port", 6379);
    out.push(Operation {
        name: "GET".to_owned(),
        kind: Kind::Client,
        fixed: w.into_bytes(),
        median_ns: 0.4e6,
        path: String::new(),
    });
    out
}

/// What the spans of one trace share.
struct Trace {
    id: [u8; 16],
    user: u64,
    rng: Rng,
    /// Spans that may still be made.
    budget: u32,
}

/// A span about to be written.
struct Draft<'a> {
    operation: &'a Operation,
    kind: Kind,
    span_id: [u8; 8],
    parent: Option<[u8; 8]>,
    start: UnixNanos,
    end: UnixNanos,
    status: i64,
}

impl Spans {
    fn trace(&mut self) {
        let mut rng = Rng::new(self.seed).fork(0x5ba5).fork(self.traces);
        let id = trace_id(self.seed, self.traces);
        self.traces += 1;
        let budget = rng.lognormal(34.0, 0.8).clamp(1.0, 220.0) as u32;
        let service = if rng.chance(0.7) { 0 } else { self.world.busy_services.sample(&mut rng) };
        let start = self.world.time(self.done, self.n);
        let mut trace = Trace { id, user: (rng.unit().powi(3) * 50_000.0) as u64, rng, budget: budget.max(1) };
        self.serve(&mut trace, service, None, start, 0);
    }

    /// A server span with everything below it; returns its end and whether it failed.
    fn serve(
        &mut self,
        t: &mut Trace,
        service: usize,
        parent: Option<[u8; 8]>,
        start: UnixNanos,
        depth: u32,
    ) -> (UnixNanos, bool) {
        t.budget = t.budget.saturating_sub(1);
        let pod = self.world.pod_of(service, &mut t.rng);
        let span_id = t.rng.span_id();
        let which = (t.rng.unit().powi(2) * HTTP_OPERATIONS as f64) as usize;
        let mut at = start.0 + (t.rng.lognormal(0.3e6, 0.5)) as i64;
        let mut failed = t.rng.chance(0.004);
        let calls = 1 + t.rng.below(6);
        for _ in 0..calls {
            if t.budget == 0 {
                break;
            }
            let downstream = service + 1 + t.rng.below(5) as usize;
            if depth < 6 && t.budget > 1 && downstream < SERVICES.len() && t.rng.chance(0.45) {
                let (end, bad) = self.call(t, (service, pod), downstream, span_id, UnixNanos(at), depth);
                failed |= bad && t.rng.chance(0.6);
                at = end.0;
            } else {
                at = self.store(t, (service, pod), span_id, UnixNanos(at)).0;
            }
            at += t.rng.below(200_000) as i64;
        }
        let operation = &self.operations[service][which];
        let end = UnixNanos(at + t.rng.lognormal(operation.median_ns * 0.3, 0.7) as i64);
        let status = if failed {
            *t.rng.pick(&[500, 500, 502, 503, 504])
        } else {
            *t.rng.pick(&[200, 200, 200, 200, 201, 200, 204, 404])
        };
        let draft = Draft { operation, kind: Kind::Server, span_id, parent, start, end, status };
        write_span(self.batch.record(pod), t, &draft, self.done);
        self.done += 1;
        (end, failed)
    }

    fn call(
        &mut self,
        t: &mut Trace,
        from: (usize, usize),
        to: usize,
        parent: [u8; 8],
        start: UnixNanos,
        depth: u32,
    ) -> (UnixNanos, bool) {
        t.budget = t.budget.saturating_sub(1);
        let span_id = t.rng.span_id();
        let arrived = UnixNanos(start.0 + t.rng.lognormal(0.35e6, 0.4) as i64);
        let (answered, failed) = self.serve(t, to, Some(span_id), arrived, depth + 1);
        let end = UnixNanos(answered.0 + t.rng.lognormal(0.35e6, 0.4) as i64);
        let operation = &self.operations[to][(t.rng.unit().powi(2) * HTTP_OPERATIONS as f64) as usize];
        let status = if failed { 500 } else { 200 };
        let draft = Draft { operation, kind: Kind::Client, span_id, parent: Some(parent), start, end, status };
        write_span(self.batch.record(from.1), t, &draft, self.done);
        self.done += 1;
        (end, failed)
    }

    fn store(&mut self, t: &mut Trace, from: (usize, usize), parent: [u8; 8], start: UnixNanos) -> UnixNanos {
        t.budget = t.budget.saturating_sub(1);
        let operations = &self.operations[from.0];
        let which = HTTP_OPERATIONS + t.rng.below((operations.len() - HTTP_OPERATIONS) as u64) as usize;
        let operation = &operations[which];
        let end = UnixNanos(start.0 + t.rng.lognormal(operation.median_ns, 0.8) as i64);
        let status = if t.rng.chance(0.002) { -1 } else { 0 };
        let draft =
            Draft { operation, kind: Kind::Client, span_id: t.rng.span_id(), parent: Some(parent), start, end, status };
        write_span(self.batch.record(from.1), t, &draft, self.done);
        self.done += 1;
        end
    }
}

/// Status of a store's span: 0 fine, -1 failed; otherwise an HTTP status.
fn write_span(w: &mut Writer, t: &mut Trace, draft: &Draft<'_>, index: u64) {
    let failed = draft.status < 0 || draft.status >= 500;
    let number = t.rng.below(2_000_000);
    w.message(RECORD, |w| {
        w.bytes(1, &t.id);
        w.bytes(2, &draft.span_id);
        if let Some(parent) = &draft.parent {
            w.bytes(4, parent);
        }
        w.string(5, &draft.operation.name);
        w.uint(6, draft.kind as u64);
        w.fixed64(7, draft.start.0 as u64);
        w.fixed64(8, draft.end.0 as u64);
        w.raw(&draft.operation.fixed);
        if draft.operation.kind == Kind::Server {
            let mut path = String::with_capacity(40);
            path.push_str(&draft.operation.path);
            decimal(&mut path, number);
            string_attribute(w, 9, "url.path", &path);
            int_attribute(w, 9, "http.response.status_code", draft.status);
            if draft.kind == Kind::Server {
                path.clear();
                path.push_str("user-");
                decimal(&mut path, t.user);
                string_attribute(w, 9, "user.id", &path);
                int_attribute(w, 9, "http.response.body.size", (number & 0x3fff) as i64);
            }
        } else {
            int_attribute(w, 9, "db.response.returned_rows", (number % 50) as i64);
        }
        if is_rare(index) {
            string_attribute(w, 9, "app.note", RARE_TOKEN);
        }
        if failed {
            let (kind, message) = FAILURES[(number % 4) as usize];
            w.message(11, |w| {
                w.fixed64(1, draft.end.0 as u64);
                w.string(2, "exception");
                string_attribute(w, 3, "exception.type", kind);
                string_attribute(w, 3, "exception.message", message);
            });
            w.message(15, |w| {
                w.string(2, message);
                w.uint(3, 2);
            });
        }
        w.fixed32(16, 0x101);
    });
}

const FAILURES: [(&str, &str); 4] = [
    ("java.net.SocketTimeoutException", "Read timed out"),
    ("ConnectionError", super::PHRASE),
    ("*net.OpError", "dial tcp: i/o timeout"),
    ("psycopg.errors.DeadlockDetected", "deadlock detected"),
];

/// Appends `n` in decimal, without the machinery of `format!`.
pub(super) fn decimal(out: &mut String, n: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = n;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend(digits[at..].iter().map(|&d| d as char));
}
