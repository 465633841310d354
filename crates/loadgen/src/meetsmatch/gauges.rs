//! Values that are looked at when metrics are exported: pools, runtimes, and what receivers read from servers.

use std::f64::consts::TAU;

use foundation::UnixNanos;

use super::cast::{Actor, scopes};
use super::conditions::Conditions;
use super::instruments as m;
use super::registry::{Labels, Registry, labels};
use crate::otlp::Scope;
use crate::random::Rng;

/// Connections that the pools of the API and the bot may have together.
const POOL_MAX: f64 = 90.0;

/// What one look at the clock gives: the conditions and repeatable noise.
struct Look<'r> {
    registry: &'r mut Registry,
    scope: Scope,
    conditions: Conditions,
    rng: Rng,
    /// Seconds since the epoch.
    now_s: f64,
    /// Seconds since the stack started.
    up_s: f64,
}

impl Look<'_> {
    fn set(&mut self, metric: &'static super::registry::Instrument, labels: Labels, to: f64) {
        self.registry.set(self.scope, metric, labels, to);
    }

    /// `around` with +-`percent` of noise.
    fn noisy(&mut self, around: f64, percent: f64) -> f64 {
        around * (1.0 + (self.rng.unit() - 0.5) * percent / 50.0)
    }

    /// A saw tooth from 0 to 1 that falls every `period_s`, as garbage-collected heaps look.
    fn saw(&self, period_s: f64) -> f64 {
        (self.now_s / period_s).fract()
    }
}

/// Observes everything that `actor` reports at `now`.
///
/// `active_users` is the number of Telegram users seen lately; `rate` the configured traces per second.
pub(super) fn observe(
    registry: &mut Registry,
    actor: Actor,
    seed: u64,
    start: UnixNanos,
    now: UnixNanos,
    active_users: usize,
    rate: f64,
) {
    let rng = Rng::new(seed).fork(now.0 as u64).fork(actor as u64);
    let mut look = Look {
        registry,
        scope: scopes::WEB_APP,
        conditions: Conditions::at(now),
        rng,
        now_s: now.0 as f64 / 1e9,
        up_s: (now.0 - start.0) as f64 / 1e9,
    };
    match actor {
        Actor::BrowserChrome | Actor::BrowserSafari | Actor::BrowserFirefox => {}
        Actor::Nginx => nginx(&mut look, rate),
        Actor::ApiOne | Actor::ApiTwo => node(&mut look),
        Actor::Bot => go(&mut look, active_users),
        Actor::Postgres => postgres(&mut look),
        Actor::Redis => redis(&mut look),
    }
}

fn pool(look: &mut Look<'_>, share: f64) {
    let active = (look.conditions.between(16.0 * look.conditions.load, 84.0) * share).min(POOL_MAX * share);
    let active = look.noisy(active, 8.0).round().min(POOL_MAX * share);
    let open = (POOL_MAX * share * 0.4).max(active + 2.0).min(POOL_MAX * share).round();
    look.set(&m::DB_ACTIVE, labels![], active);
    look.set(&m::DB_IDLE, labels![], (open - active).max(0.0));
}

fn node(look: &mut Look<'_>) {
    look.scope = scopes::NODE_PG;
    pool(look, 0.4);
    look.scope = scopes::NODE_REDIS;
    look.set(&m::REDIS_ACTIVE, labels![], 8.0);
    look.scope = scopes::NODE_RUNTIME;
    let lag = look.noisy(look.conditions.between(0.004, 0.045), 40.0);
    look.set(&m::NODE_LAG, labels![], lag);
    let heap = 78e6 + 46e6 * look.saw(47.0);
    let heap = look.noisy(heap, 4.0);
    look.set(&m::NODE_HEAP, labels!["v8js.heap.space.name" => "old_space"], heap);
    look.set(&m::PROCESS_MEMORY, labels![], heap + 95e6);
    look.set(&m::PROCESS_CPU, labels![], look.up_s * 0.21);
}

fn go(look: &mut Look<'_>, active_users: usize) {
    look.scope = scopes::GO_SQL;
    pool(look, 0.2);
    look.scope = scopes::GO_REDIS;
    look.set(&m::REDIS_ACTIVE, labels![], 10.0);
    look.scope = scopes::GO_APP;
    look.set(&m::TELEGRAM_USERS, labels![], active_users as f64);
    let alloc = look.noisy(21e6 + 19e6 * look.saw(31.0), 5.0);
    look.set(&m::GO_ALLOC, labels![], alloc);
    let goroutines = look.noisy(look.conditions.between(48.0, 190.0) * look.conditions.load.sqrt(), 10.0);
    look.set(&m::GO_GOROUTINES, labels![], goroutines);
    look.set(&m::PROCESS_MEMORY, labels![], alloc + 28e6);
    look.set(&m::PROCESS_CPU, labels![], look.up_s * 0.06);
}

fn nginx(look: &mut Look<'_>, rate: f64) {
    look.scope = scopes::NGINX;
    look.set(&m::NGINX_UP, labels![], 1.0);
    let accepted = look.up_s * rate * 0.3;
    look.set(&m::NGINX_ACCEPTED, labels![], accepted);
    look.set(&m::NGINX_HANDLED, labels![], accepted);
    let active = look.noisy(look.conditions.between(24.0, 70.0) * look.conditions.load, 15.0).round();
    let (reading, writing) = (1.0, (active * 0.3).round());
    for (state, value) in
        [("active", active), ("reading", reading), ("writing", writing), ("waiting", active - reading - writing)]
    {
        look.set(&m::NGINX_CURRENT, labels!["state" => state], value.max(0.0));
    }
}

fn postgres(look: &mut Look<'_>) {
    look.scope = scopes::POSTGRES_RECEIVER;
    look.set(&m::PG_UP, labels![], 1.0);
    pool(look, 1.0);
    look.set(&m::PG_MAX, labels![], 100.0);
    let backends = look.noisy(look.conditions.between(38.0, 92.0), 4.0).round();
    look.set(&m::PG_BACKENDS, labels!["postgresql.database.name" => "meetsmatch"], backends);
    look.set(&m::PG_SIZE, labels!["postgresql.database.name" => "meetsmatch"], 1.9e9 + look.up_s * 2_400.0);
    look.set(&m::PG_DEADLOCKS, labels!["postgresql.database.name" => "meetsmatch"], (look.up_s / 700.0).floor());
}

fn redis(look: &mut Look<'_>) {
    look.scope = scopes::REDIS_RECEIVER;
    look.set(&m::REDIS_UP, labels![], 1.0);
    // An incident evicts: memory stands at its limit, keys fall.
    let wave = 1.0 + 0.08 * (TAU * look.now_s / 900.0).sin();
    let used = look.noisy(look.conditions.between(310e6 * wave, 512e6), 1.5);
    look.set(&m::REDIS_MEMORY, labels![], used);
    look.set(&m::REDIS_USED, labels![], used);
    look.set(&m::REDIS_CLIENTS, labels![], 26.0);
    let keys = look.noisy(look.conditions.between(182_000.0, 61_000.0), 2.0).round();
    look.set(&m::REDIS_KEYS, labels!["db" => "0"], keys);
    let incidents = (look.up_s / super::conditions::INCIDENT_PERIOD_S as f64).floor();
    look.set(&m::REDIS_EVICTED, labels![], incidents * 118_000.0);
}
