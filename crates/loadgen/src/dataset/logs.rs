//! Log records: templates with ids, amounts and names, half of them inside a trace.

use foundation::UnixNanos;
use model::Signal;
use wire::protobuf::Writer;

use super::spans::decimal;
use super::{BATCH, Batch, NOUNS, RARE_TOKEN, SERVICES, SPANS_PER_TRACE, World, is_rare, trace_id};
use crate::Request;
use crate::otlp::{RECORD, Severity, int_attribute, string_attribute};
use crate::random::{Rng, Zipf};

/// `ExportLogsServiceRequest`s with exactly `n` records before `end`.
pub fn logs(seed: u64, n: u64, end: UnixNanos) -> Logs {
    Logs {
        seed,
        n,
        done: 0,
        rng: Rng::new(seed).fork(0x1065),
        templates: [
            Zipf::new(DEBUG.len(), 1.0),
            Zipf::new(INFO.len(), 0.9),
            Zipf::new(WARN.len(), 0.8),
            Zipf::new(ERROR.len(), 0.8),
        ],
        world: World::new(seed, end),
        batch: Batch::new(Signal::Logs),
        batch_records: BATCH,
        body: String::new(),
    }
}

/// The stream of [`logs`].
pub struct Logs {
    seed: u64,
    n: u64,
    done: u64,
    rng: Rng,
    templates: [Zipf; 4],
    world: World,
    batch: Batch,
    batch_records: usize,
    body: String,
}

// `{n}` a small number, `{id}` a large one, `{hex}` 12 hex digits, `{noun}` the service's thing, `{svc}` another service,
// `{ip}` an address.
const DEBUG: [&str; 8] = [
    "cache lookup key={noun}:{id} hit=true ttl={n}s",
    "acquired connection {n} from pool after {n} us",
    "feature flag {noun}.fast_path evaluated to true for account {id}",
    "serialized {n} {noun} into {id} bytes",
    "token {hex} validated, {n} scopes",
    "entering retry loop for {svc}, attempt {n}",
    "poll returned {n} records from partition {n} at offset {id}",
    "circuit breaker for {svc} is closed, {n} calls in window",
];
const INFO: [&str; 20] = [
    "request completed path=/api/v2/{noun}/{id} status=200 duration={n}ms bytes={id}",
    "GET /api/v2/{noun}/{id} 200 {n}ms",
    "processed {n} {noun} for account {id} in {n} ms",
    "published event {noun}.updated id={hex} partition={n}",
    "loaded {n} {noun} from database in {n} ms",
    "user {id} updated {noun} {hex}",
    "health check ok, {n} dependencies reachable",
    "consumed message {hex} from topic {noun} offset {id}",
    "scheduled job reconcile-{noun} finished: {n} checked, {n} changed",
    "connection from {ip}:{n} accepted",
    "payment {hex} authorized for order {id}, amount {n}.99 EUR",
    "session {hex} created for user {id} from {ip}",
    "rebalanced consumer group {noun}-workers, now {n} partitions assigned to this member",
    "stored object {noun}/{hex}.json ({id} bytes) in bucket shop-{noun}",
    "sent e-mail template {noun}-confirmation to user {id}, provider message id {hex}",
    "cache warmed with {n} {noun}, {id} bytes, {n} ms",
    "configuration reloaded: {n} keys changed",
    "order {id} moved from state reserved to state confirmed by {svc}",
    "upstream {svc} answered 200 in {n} ms",
    "started {noun} worker {n} of {n}",
];
const WARN: [&str; 7] = [
    "slow query: SELECT id, state FROM {noun} WHERE owner_id = {id} took {n} ms",
    "retrying call to {svc} after connection reset by peer, attempt {n}",
    "queue {noun} is {n} % full, {id} messages waiting",
    "response from {svc} took {n} ms, budget is 250 ms",
    "rate limit reached for client {ip}, {n} requests in window",
    "deprecated field legacy_{noun} used by account {id}",
    "gc pause of {n} ms, heap {id} bytes",
];
const ERROR: [&str; 6] = [
    "call to {svc} failed: connection reset by peer (attempt {n} of 5, request {hex})",
    "failed to update {noun} {id}: deadlock detected, transaction {hex} rolled back",
    "unhandled exception in {noun}Controller: NullPointerException at line {n}, request {hex}",
    "timeout after {n} ms waiting for {svc}, request {hex} abandoned",
    "payment {hex} declined by provider: insufficient funds, order {id}",
    "could not parse message {hex} from topic {noun}: unexpected end of input at byte {n}",
];

impl Logs {
    /// With about so many records in a request, instead of [`BATCH`].
    #[must_use]
    pub fn in_requests_of(self, records: usize) -> Self {
        Self { batch_records: records.max(1), ..self }
    }
}

impl Iterator for Logs {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if self.done >= self.n {
            return None;
        }
        while self.batch.records < self.batch_records && self.done < self.n {
            self.record();
        }
        Some(self.batch.take(&self.world))
    }
}

impl Logs {
    fn record(&mut self) {
        let service = self.world.busy_services.sample(&mut self.rng);
        let pod = self.world.pod_of(service, &mut self.rng);
        let (severity, templates, zipf): (_, &[&str], _) = match self.rng.below(100) {
            0..=15 => (Severity::Debug, &DEBUG, 0),
            16..=89 => (Severity::Info, &INFO, 1),
            90..=97 => (Severity::Warn, &WARN, 2),
            _ => (Severity::Error, &ERROR, 3),
        };
        let template = self.templates[zipf].sample(&mut self.rng);
        self.body.clear();
        fill(&mut self.body, templates[template], service, &mut self.rng);
        if is_rare(self.done) {
            self.body.push_str(", seen by ");
            self.body.push_str(RARE_TOKEN);
        }
        let jitter = self.rng.below(500_000) as i64;
        let time = self.world.time(self.done, self.n).0 + jitter;
        let context = self.rng.chance(0.51).then(|| {
            let id = trace_id(self.seed, self.done / SPANS_PER_TRACE);
            (id, self.rng.span_id())
        });
        let (thread, line) = (self.rng.below(16), self.rng.below(400) as i64);
        let user = (self.rng.unit().powi(3) * 50_000.0) as u64;
        let (body, rng) = (&mut self.body, &mut self.rng);
        let w = self.batch.record(pod);
        w.message(RECORD, |w| {
            w.fixed64(1, time as u64);
            w.uint(2, severity as u64);
            w.string(3, severity.text());
            w.message(5, |w| w.string(1, body));
            attributes(w, service, template, thread, line, user, body, rng);
            if let Some((trace, span)) = context {
                w.fixed32(8, 1);
                w.bytes(9, &trace);
                w.bytes(10, &span);
            }
            w.fixed64(11, time as u64 + 2_000_000);
        });
        self.done += 1;
    }
}

fn attributes(
    w: &mut Writer,
    service: usize,
    template: usize,
    thread: u64,
    line: i64,
    user: u64,
    text: &mut String,
    rng: &mut Rng,
) {
    text.clear();
    text.push_str("com.shop.");
    text.push_str(SERVICES[service]);
    text.push_str([".Handler", ".Repository", ".Client", ".Worker"][template % 4]);
    string_attribute(w, 6, "log.logger", text);
    text.clear();
    text.push_str("worker-");
    decimal(text, thread);
    string_attribute(w, 6, "thread.name", text);
    int_attribute(w, 6, "code.line.number", 20 + template as i64 * 13 + line % 3);
    text.clear();
    text.push_str("user-");
    decimal(text, user);
    string_attribute(w, 6, "user.id", text);
    if rng.chance(0.5) {
        int_attribute(w, 6, "duration_ms", rng.lognormal(18.0, 1.0) as i64);
    }
    if rng.chance(0.3) {
        text.clear();
        push_hex(text, rng, 16);
        string_attribute(w, 6, "request.id", text);
    }
}

fn push_hex(out: &mut String, rng: &mut Rng, digits: usize) {
    let mut bits = rng.next_u64();
    for _ in 0..digits {
        out.push(char::from(b"0123456789abcdef"[(bits & 15) as usize]));
        bits >>= 4;
    }
}

/// Appends `template` with its variables filled in.
fn fill(out: &mut String, template: &str, service: usize, rng: &mut Rng) {
    let mut rest = template;
    while let Some((text, tail)) = rest.split_once('{') {
        out.push_str(text);
        let Some((variable, tail)) = tail.split_once('}') else { break };
        match variable {
            "n" => decimal(out, rng.lognormal(14.0, 1.2) as u64),
            "id" => decimal(out, 10_000 + (rng.unit().powi(2) * 2_000_000.0) as u64),
            "hex" => push_hex(out, rng, 12),
            "noun" => out.push_str(NOUNS[service]),
            "svc" => out.push_str(SERVICES[(service + 1 + rng.below(4) as usize) % SERVICES.len()]),
            _ => {
                out.push_str("10.0.");
                decimal(out, rng.below(4));
                out.push('.');
                decimal(out, rng.below(255));
            }
        }
        rest = tail;
    }
    out.push_str(rest);
}
