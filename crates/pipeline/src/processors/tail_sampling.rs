//! `tail_sampling`: decides about whole traces, some time after their first span.
//!
//! Senders cannot wait so long for their acknowledgement. Spans are therefore acknowledged when they are synced in the stage's own log
//! (`log.rs`), and removed from it when what was decided about them has been done: nothing acknowledged is lost by a crash. In front of the engines
//! rejected traces are passed on as well, marked: they are counted there and not stored. Between the two a
//! trace is held as bytes, and what the policies ask of spans is answered span by span as they come (`pool.rs`, `policy.rs`).
//! Limits: `num_traces` and `memory_limit_mib`; beyond, the oldest trace is decided early and counted. When what was
//! kept cannot be passed on, it is tried again, and new spans are refused as soon as it takes half of the memory.

mod config;
mod counts;
mod log;
mod policy;
mod pool;
mod record;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foundation::{Clock, ErrorKind};
use model::Signal;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use wire::otlp::Decoded;

use self::config::Config;
use self::log::{Held, Log, Replayed};
use self::pool::{Decided, Pool};
use self::record::Passed;
use crate::component::{Host, ProcessorFactory, Refused, Reporter, Run, Setup, Stage, Step};
use crate::consumer::{Answer, Consumer};
use crate::meters::Meters;
use crate::refusal::Refusal;
use crate::telemetry::{Telemetry, Tree};

pub(super) const FACTORY: ProcessorFactory =
    ProcessorFactory { names: &["tail_sampling"], signals: &[Signal::Traces], build };

/// How often it is looked for traces whose time has come.
const TICK: Duration = Duration::from_millis(100);
/// Requests of kept traces on their way at the same time.
const IN_FLIGHT_MAX: usize = 8;
/// Spans of kept traces that go into one request.
const SPANS_PER_REQUEST: usize = 1000;
/// How long it is waited before a request that was refused is sent again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

fn build(setup: &mut Setup<'_>, _: Signal) -> Result<Step, Refused> {
    let config: Config = setup.read()?;
    let pool = config::pool(setup, &config)?;
    Ok(Step::Stage(Box::new(TailSampling { pool, config })))
}

struct TailSampling {
    pool: Pool,
    config: Config,
}

impl Stage for TailSampling {
    fn start(self: Box<Self>, next: Arc<dyn Consumer>, host: &Host, run: &mut Run) -> Arc<dyn Consumer> {
        let name: String = run.component().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let dir = host.data_dir.join("tail_sampling").join(name);
        let log = Log::open(host.disk.clone(), &dir);
        begin(
            self.pool,
            &self.config,
            log,
            Around { clock: host.clock.clone(), meters: host.journal.meters().clone() },
            next,
            run,
        )
    }
}

/// What a stage needs of its surroundings.
struct Around {
    clock: Arc<dyn Clock>,
    meters: Meters,
}

fn begin(
    pool: Pool,
    config: &Config,
    log: Result<(Log, Replayed), String>,
    around: Around,
    next: Arc<dyn Consumer>,
    run: &mut Run,
) -> Arc<dyn Consumer> {
    let (log, replayed) = match log {
        Ok(opened) => opened,
        Err(message) => {
            run.reporter().failed(&message);
            return Arc::new(Broken(message));
        }
    };
    let shared = Arc::new(Shared {
        pool: Mutex::new(pool),
        log,
        clock: around.clock,
        kept: Mutex::default(),
        kept_bytes: AtomicUsize::new(0),
        kept_bytes_max: config.memory_bytes() / 2,
        wake: Notify::new(),
    });
    counts::watch(&shared, run.component(), &around.meters);
    for (id, decision) in replayed.decisions {
        shared.pool.lock().remember(id, decision);
    }
    for (held, request) in replayed.requests {
        // What was taken before the crash was a request then.
        if let Ok(Tree::Traces(traces)) = Tree::decode(Signal::Traces, &request) {
            shared.add(traces, held);
        }
    }
    run.spawn("tail_sampling", sampling(shared.clone(), next, run.stopped(), run.reporter(), config.rotate_every()));
    Arc::new(Front(shared))
}

/// Refuses everything: the log could not be opened.
struct Broken(String);

impl Consumer for Broken {
    fn consume(&self, _: Telemetry) -> Answer<'_> {
        Box::pin(async { Err(Refusal::new(ErrorKind::UNAVAILABLE, self.0.clone())) })
    }
}

struct Shared {
    pool: Mutex<Pool>,
    log: Log,
    clock: Arc<dyn Clock>,
    /// Traces that were decided and wait to be passed on.
    kept: Mutex<VecDeque<Decided>>,
    kept_bytes: AtomicUsize,
    kept_bytes_max: usize,
    /// There is something to pass on.
    wake: Notify,
}

impl Shared {
    fn add(&self, traces: wire::otlp::tree::Traces, held: Held) {
        let mut pool = self.pool.lock();
        let decided = pool.add(self.clock.now().0, traces, &held);
        drop(pool);
        // From here on the traces hold the log, not the request.
        drop(held);
        self.keep(decided);
    }

    /// Puts what is kept into the queue; what is not is forgotten, and with it its hold on the log.
    fn keep(&self, decided: Vec<Decided>) {
        if decided.is_empty() {
            return;
        }
        self.kept_bytes.fetch_add(decided.iter().map(|d| d.bytes).sum(), Ordering::Relaxed);
        self.kept.lock().extend(decided);
        self.wake.notify_one();
    }

    /// Traces for one request.
    fn next_request(&self) -> Vec<Decided> {
        let mut kept = self.kept.lock();
        let (mut out, mut spans) = (Vec::new(), 0);
        while let Some(first) = kept.front() {
            if !out.is_empty() && spans + first.spans > SPANS_PER_REQUEST {
                break;
            }
            spans += first.spans;
            out.extend(kept.pop_front());
        }
        out
    }
}

struct Front(Arc<Shared>);

impl Consumer for Front {
    fn consume(&self, mut telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let waiting = self.0.kept_bytes.load(Ordering::Relaxed);
            if waiting > self.0.kept_bytes_max {
                let message = format!(
                    "{waiting} bytes of kept traces wait to be passed on, which is more than half of `memory_limit_mib`; send again later"
                );
                return Err(Refusal::new(ErrorKind::UNAVAILABLE, message));
            }
            // Before it is logged it is known to be a request.
            telemetry.tree()?;
            let held = self.0.log.append(&telemetry.clone().into_bytes()).await?;
            let Tree::Traces(traces) = telemetry.into_tree()? else { return Ok(Decoded::default()) };
            let accepted = traces.items() as u64;
            if traces.items() > INLINE_SPANS_MAX {
                tokio::task::block_in_place(|| self.0.add(traces, held));
            } else {
                self.0.add(traces, held);
            }
            Ok(Decoded { accepted, ..Decoded::default() })
        })
    }
}

/// Requests of more spans are worked on away from the threads that serve sockets.
const INLINE_SPANS_MAX: usize = 500;

/// Decides when it is time, and passes on what is kept, until the end.
async fn sampling(
    shared: Arc<Shared>,
    next: Arc<dyn Consumer>,
    mut stopped: watch::Receiver<bool>,
    reporter: Reporter,
    rotate_every: Duration,
) {
    let mut ticks = tokio::time::interval(TICK);
    let mut rotate = tokio::time::interval(rotate_every);
    let mut flights: JoinSet<()> = JoinSet::new();
    let mut stopping = false;
    loop {
        while flights.len() < IN_FLIGHT_MAX {
            let traces = shared.next_request();
            if traces.is_empty() {
                break;
            }
            flights.spawn(pass_on(shared.clone(), next.clone(), traces, reporter.clone()));
        }
        if stopping && flights.is_empty() {
            break;
        }
        tokio::select! {
            Some(_) = flights.join_next() => {}
            // Who went away without a word has crashed: then what is held is for the next start.
            Ok(_) = stopped.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                let decided = shared.pool.lock().decide_all(shared.clock.now().0);
                shared.keep(decided);
            }
            () = shared.wake.notified() => {}
            _ = ticks.tick() => {
                let decided = shared.pool.lock().tick(shared.clock.now().0);
                shared.keep(decided);
            }
            _ = rotate.tick() => shared.log.rotate(),
        }
    }
    shared.log.finish();
}

/// Sends traces until they are taken, or refused for good.
async fn pass_on(shared: Arc<Shared>, next: Arc<dyn Consumer>, traces: Vec<Decided>, reporter: Reporter) {
    let bytes: usize = traces.iter().map(|d| d.bytes).sum();
    let mut tree = wire::otlp::tree::Traces::default();
    traces.iter().for_each(|d| tree.append(d.traces()));
    let telemetry = Telemetry::of(tree);
    let of = |d: &Decided| Passed { trace: d.id, decision: d.decision, requests: d.requests() };
    let passed: Vec<Passed> = traces.iter().map(of).collect();
    loop {
        match next.consume(telemetry.clone()).await {
            Ok(_) => {
                shared.log.passed(&passed);
                reporter.ok();
                break;
            }
            Err(e) if e.retry_after().is_some() => {
                reporter.recoverable(&format!("what was decided cannot be passed on and is tried again: {e}"));
                tokio::time::sleep(e.retry_after().unwrap_or(RETRY_AFTER).max(RETRY_AFTER)).await;
            }
            Err(e) => {
                tracing::warn!(error = %e, traces = traces.len(), "decided traces were refused for good and are lost");
                break;
            }
        }
    }
    shared.kept_bytes.fetch_sub(bytes, Ordering::Relaxed);
    // With the traces goes their hold on the log.
    drop(traces);
}

#[cfg(test)]
mod tests;
