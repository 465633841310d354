//! `memory_limiter`: refuses requests, to be tried again, while the process takes too much memory.
//!
//! The limits bound the resident memory of the process, not a statistic of a heap. Above the soft limit (the limit less the spike)
//! requests are refused; the room between is for those in flight. Memory is read at most every `check_interval`; receivers look at it
//! before they read a body, and more often (`budget`): a request that has arrived takes its memory whether it is refused or not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use foundation::clock::SystemClock;
use foundation::{Clock, ErrorKind};
use model::Signal;
use serde::{Deserialize, Serialize};

use crate::component::{Processor, ProcessorFactory, Refused, SIGNALS, Setup, Step};
use crate::config::{Collector, Interval};
use crate::memory;
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

pub(super) const FACTORY: ProcessorFactory = ProcessorFactory { names: &["memory_limiter"], signals: SIGNALS, build };

const MIB: u64 = 1 << 20;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    check_interval: Interval,
    limit_mib: u64,
    spike_limit_mib: u64,
    limit_percentage: u64,
    spike_limit_percentage: u64,
    /// Taken and not used: there is no garbage collector.
    min_gc_interval_when_soft_limited: Interval,
    /// Taken and not used.
    min_gc_interval_when_hard_limited: Interval,
}

fn build(setup: &mut Setup<'_>, _: Signal) -> Result<Step, Refused> {
    let mut c: Config = setup.read()?;
    if c.check_interval.0.is_zero() {
        let fix = "write `check_interval: 1s`";
        setup.warning("check_interval", "it is not set, and 1s is taken", fix, Some(Collector::Refuses));
        c.check_interval = Interval::secs(1);
    }
    let total = memory::total().unwrap_or(0);
    let limit =
        match (c.limit_mib, c.limit_percentage) {
            (0, 0) => {
                return Err(setup
                    .error("", "no limit is set; write `limit_mib`, or `limit_percentage` of the machine's memory"));
            }
            (0, 1..=100) if total == 0 => {
                return Err(setup
                    .error("limit_percentage", "the machine does not say how much memory it has; write `limit_mib`"));
            }
            (0, percentage @ 1..=100) => total / 100 * percentage,
            (0, other) => return Err(setup.error("limit_percentage", format!("{other} is not from 1 to 100"))),
            (mib, _) => mib.saturating_mul(MIB),
        };
    let spike = match (c.spike_limit_mib, c.spike_limit_percentage) {
        (0, 0) => limit / 5,
        (0, percentage) => total / 100 * percentage.min(100),
        (mib, _) => mib.saturating_mul(MIB),
    };
    if spike >= limit {
        let setting = if c.spike_limit_mib > 0 { "spike_limit_mib" } else { "spike_limit_percentage" };
        let message =
            "the spike must be less than the limit, or every request is refused; a fifth of the limit is usual";
        return Err(setup.error(setting, message));
    }
    setup.show(&c);
    let limits = Limits { soft: limit - spike, hard: limit };
    Ok(Step::Each(Arc::new(MemoryLimiter::new(limits, c.check_interval.0, Arc::new(SystemClock), memory::resident))))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    /// Bytes above which requests are refused.
    soft: u64,
    /// Bytes that the process is meant to stay below.
    hard: u64,
}

struct MemoryLimiter {
    limits: Limits,
    interval: Duration,
    clock: Arc<dyn Clock>,
    /// The door to the process's memory.
    read: fn() -> Option<u64>,
    /// When memory is read again, in nanoseconds since 1970.
    next: AtomicI64,
    used: AtomicU64,
    refusing: AtomicBool,
}

impl MemoryLimiter {
    fn new(limits: Limits, interval: Duration, clock: Arc<dyn Clock>, read: fn() -> Option<u64>) -> Self {
        let (next, used, refusing) = (AtomicI64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Self { limits, interval, clock, read, next, used, refusing }
    }

    fn used(&self) -> u64 {
        let now = self.clock.now();
        let next = self.next.load(Ordering::Relaxed);
        // One of those who come after the time reads; the others take what was read before.
        if now.0 >= next
            && self.next.compare_exchange(next, now.plus(self.interval).0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            && let Some(used) = (self.read)()
        {
            self.used.store(used, Ordering::Relaxed);
            let refusing = used > self.limits.soft;
            if self.refusing.swap(refusing, Ordering::Relaxed) != refusing {
                let Limits { soft, hard } = self.limits;
                match refusing {
                    true => tracing::warn!(
                        used,
                        soft,
                        hard,
                        "memory is above the soft limit: requests are refused, to be tried again"
                    ),
                    false => tracing::info!(used, soft, "memory is below the soft limit again"),
                }
            }
        }
        self.used.load(Ordering::Relaxed)
    }
}

impl Processor for MemoryLimiter {
    fn process(&self, telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        let used = self.used();
        if used <= self.limits.soft {
            return Ok(Some(telemetry));
        }
        let which = if used > self.limits.hard { "limit" } else { "soft limit" };
        let bound = if used > self.limits.hard { self.limits.hard } else { self.limits.soft };
        let message = format!(
            "data refused due to high memory usage: {} MiB are above the {which} of {} MiB of `memory_limiter`; send again later",
            used / MIB,
            bound / MIB
        );
        Err(Refusal::new(ErrorKind::UNAVAILABLE, message))
    }

    fn keeps_bytes(&self) -> bool {
        true
    }

    fn resident_bytes_max(&self) -> Option<u64> {
        Some(self.limits.soft)
    }
}

#[cfg(test)]
mod tests {
    use foundation::UnixNanos;
    use foundation::clock::ManualClock;

    use super::super::testing::{built, log, of_service};
    use super::*;

    static USED: AtomicU64 = AtomicU64::new(0);

    #[test]
    fn refuses_above_the_soft_limit_and_recovers() {
        let clock = ManualClock::new(UnixNanos::from_secs(1));
        let limits = Limits { soft: 80 * MIB, hard: 100 * MIB };
        let read = || Some(USED.load(Ordering::Relaxed));
        let p = MemoryLimiter::new(limits, Duration::from_secs(1), Arc::new(clock.clone()), read);
        let send = || p.process(Telemetry::of(of_service("s", vec![log("x")]))).map(|_| ());
        USED.store(80 * MIB, Ordering::Relaxed);
        send().unwrap();
        USED.store(90 * MIB, Ordering::Relaxed);
        send().unwrap();
        clock.advance(Duration::from_secs(1));
        let refusal = send().unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::UNAVAILABLE);
        assert!(refusal.message.contains("90 MiB are above the soft limit of 80 MiB"), "{refusal}");
        USED.store(101 * MIB, Ordering::Relaxed);
        clock.advance(Duration::from_secs(1));
        assert!(send().unwrap_err().message.contains("above the limit of 100 MiB"));
        USED.store(10, Ordering::Relaxed);
        clock.advance(Duration::from_secs(1));
        send().unwrap();
    }

    #[test]
    fn limits_are_checked() {
        assert!(built(&FACTORY, Signal::Logs, "limit_mib: 512").is_ok());
        assert!(
            built(&FACTORY, Signal::Logs, "{check_interval: 5s, limit_percentage: 50, spike_limit_percentage: 20}")
                .is_ok()
        );
        for (yaml, message) in [
            ("check_interval: 1s", "no limit is set"),
            ("{limit_mib: 100, spike_limit_mib: 100}", "must be less than the limit"),
            ("limit_percentage: 120", "not from 1 to 100"),
        ] {
            let Err(said) = built(&FACTORY, Signal::Logs, yaml) else { panic!("{yaml}") };
            assert!(said.contains(message), "{said}");
        }
    }
}
