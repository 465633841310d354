//! The demo of a running server: on when the configuration says so, switched by the API, off before the server stops.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use api::Endpoints;
use api::demo::Demo;
use foundation::shutdown::Shutdown;
use foundation::{Clock, UnixNanos};
use loadgen::demo::{self, BACKFILL, Totals};
use loadgen::meetsmatch::Stack;
use parking_lot::Mutex;

/// The demo plays the same every time.
const SEED: u64 = 1811;

/// Plays on a thread of its own, as any other sender would.
pub(super) struct Player {
    endpoints: Endpoints,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    playing: Option<(Shutdown, JoinHandle<Totals>)>,
    /// Until when there is history already.
    played_until: Option<UnixNanos>,
    /// The server is going down.
    over: bool,
}

impl Player {
    pub(super) fn new(endpoints: Endpoints, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { endpoints, clock, state: Mutex::default() })
    }

    /// What the API gets.
    pub(super) fn switch(self: &Arc<Self>) -> Demo {
        let (asked, switched) = (self.clone(), self.clone());
        Demo {
            running: Arc::new(move || asked.state.lock().playing.is_some()),
            switch: Arc::new(move |on| if on { switched.start() } else { switched.stop() }),
        }
    }

    /// Starts with [`BACKFILL`] of history, or where it was stopped; does nothing when it plays.
    pub(super) fn start(&self) -> Result<(), String> {
        let mut state = self.state.lock();
        if state.playing.is_some() {
            return Ok(());
        }
        if state.over {
            return Err("the server is stopping".to_owned());
        }
        if self.endpoints.otlp_http.is_empty() {
            return Err("the demo sends OTLP over HTTP, and no receiver of this server takes it: add \
                        `receivers.otlp.protocols.http`"
                .to_owned());
        }
        let url = |authority: &str| format!("http://{authority}");
        let grpc = Some(&self.endpoints.otlp_grpc).filter(|e| !e.is_empty()).map(|e| url(e));
        let targets = demo::Endpoints { http: url(&self.endpoints.otlp_http), grpc };
        let now = self.clock.now();
        let stack = match state.played_until {
            Some(until) if until > now.minus(BACKFILL) => Stack::new(SEED, until.min(now)),
            _ => demo::stack(SEED, now),
        };
        let stop = Shutdown::new();
        let playing = demo::spawn(stack, targets, self.clock.clone(), stop.clone())
            .map_err(|e| format!("cannot start the demo: {e}"))?;
        state.playing = Some((stop, playing));
        Ok(())
    }

    /// Waits for its end.
    pub(super) fn stop(&self) -> Result<(), String> {
        let taken = {
            let mut state = self.state.lock();
            state.played_until = state.playing.as_ref().map(|_| self.clock.now()).or(state.played_until);
            state.playing.take()
        };
        let Some((stop, playing)) = taken else { return Ok(()) };
        stop.set();
        match playing.join() {
            Ok(totals) => tracing::info!(?totals, "demo stopped"),
            Err(_) => return Err("the demo had panicked; the log has details".to_owned()),
        }
        Ok(())
    }

    /// Stops it for good.
    pub(super) async fn end(self: Arc<Self>) {
        let ended = tokio::task::spawn_blocking(move || {
            self.state.lock().over = true;
            self.stop()
        });
        match tokio::time::timeout(Duration::from_secs(2), ended).await {
            Ok(Ok(Ok(()))) => {}
            Ok(_) => tracing::error!("the demo had panicked"),
            Err(_) => tracing::warn!("the demo did not stop in time"),
        }
    }
}
