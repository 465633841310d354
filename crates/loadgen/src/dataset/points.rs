//! Data points: every pod exports the same instruments again and again, cumulative.

use std::time::Duration;

use foundation::UnixNanos;
use model::Signal;
use wire::protobuf::Writer;

use super::{Batch, NOUNS, PODS, WINDOW, World};
use crate::Request;
use crate::meetsmatch::instruments::SECONDS;
use crate::otlp::{RECORD, string_attribute};
use crate::random::Rng;

/// Routes per pod, for counters and histograms.
const ROUTES: usize = 12;
/// Status classes per route.
const STATUSES: [&str; 3] = ["200", "404", "500"];
/// Gauges per pod.
const GAUGES: usize = 40;
/// Points of one export of one pod.
const PER_POD: usize = ROUTES * (STATUSES.len() + 1) + GAUGES;
/// Series of the whole data set, a histogram counted as one: 116 pods of 88.
pub const SERIES: usize = PODS * PER_POD;

/// `ExportMetricsServiceRequest`s with at least `n` points (the last export of a pod is whole) before `end`.
///
/// Exports are 15 to 60 s apart: as far as [`WINDOW`] allows, and closer
/// together than `n` points need to fill it when they are few.
pub fn points(seed: u64, n: u64, end: UnixNanos) -> Points {
    let world = World::new(seed, end);
    let rounds = n.div_ceil(SERIES as u64).max(1);
    let interval = (WINDOW / rounds as u32).clamp(Duration::from_secs(15), Duration::from_secs(60));
    let length = Duration::from_nanos((interval.as_nanos() as u64).saturating_mul(rounds));
    let states = (0..PODS).map(|pod| State::new(Rng::new(seed).fork(0x9075).fork(pod as u64))).collect();
    Points {
        n,
        done: 0,
        next_pod: 0,
        interval,
        start: end.minus(length),
        now: end.minus(length),
        world,
        states,
        batch: Batch::new(Signal::Metrics),
    }
}

/// The stream of [`points`].
pub struct Points {
    n: u64,
    done: u64,
    next_pod: usize,
    interval: Duration,
    start: UnixNanos,
    now: UnixNanos,
    world: World,
    states: Vec<State>,
    batch: Batch,
}

/// The sums of one pod.
struct State {
    rng: Rng,
    counters: [[u64; STATUSES.len()]; ROUTES],
    buckets: [[u64; SECONDS.len() + 1]; ROUTES],
    sums: [f64; ROUTES],
    gauges: [f64; GAUGES],
}

impl Iterator for Points {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if self.done >= self.n {
            return None;
        }
        // Eleven pods of 88 points: just below a thousand.
        for _ in 0..super::BATCH / PER_POD {
            if self.done >= self.n {
                break;
            }
            self.export();
        }
        let mut request = self.batch.take(&self.world);
        request.records *= PER_POD;
        Some(request)
    }
}

impl Points {
    fn export(&mut self) {
        let pod = self.next_pod;
        let noun = NOUNS[self.world.pods[pod].service];
        let state = &mut self.states[pod];
        state.advance(self.interval);
        // Pods export at their own offsets within the interval.
        let offset = self.interval / PODS as u32 * pod as u32;
        let stamp = Stamp { start: self.start, now: self.now.plus(offset) };
        state.write(self.batch.record(pod), noun, stamp);
        self.done += PER_POD as u64;
        self.next_pod += 1;
        if self.next_pod == PODS {
            self.next_pod = 0;
            self.now = self.now.plus(self.interval);
        }
    }
}

#[derive(Clone, Copy)]
struct Stamp {
    start: UnixNanos,
    now: UnixNanos,
}

impl Stamp {
    fn write(self, w: &mut Writer) {
        w.fixed64(2, self.start.0 as u64);
        w.fixed64(3, self.now.0 as u64);
    }
}

impl State {
    fn new(mut rng: Rng) -> Self {
        let mut gauges = [0.0; GAUGES];
        for (index, gauge) in gauges.iter_mut().enumerate() {
            *gauge = (10f64.powi(2 + index as i32 % 7) * (0.5 + rng.unit())).round();
        }
        Self {
            rng,
            counters: [[0; STATUSES.len()]; ROUTES],
            buckets: [[0; SECONDS.len() + 1]; ROUTES],
            sums: [0.0; ROUTES],
            gauges,
        }
    }

    fn advance(&mut self, interval: Duration) {
        for route in 0..ROUTES {
            let calls = (self.rng.lognormal(40.0 / (route + 1) as f64, 0.3) * interval.as_secs_f64()) as u64;
            let failed = calls / 200;
            self.counters[route][0] += calls - failed - calls / 50;
            self.counters[route][1] += calls / 50;
            self.counters[route][2] += failed;
            // Most calls fall around one bucket, which differs by route.
            let middle = 2 + route % 6;
            for (share, bucket) in [(2, middle), (4, middle + 1), (6, middle - 1), (20, middle + 2)] {
                self.buckets[route][bucket] += calls / share;
            }
            self.sums[route] += calls as f64 * SECONDS[middle];
        }
        for (index, gauge) in self.gauges.iter_mut().enumerate() {
            // A third stands still, as limits and versions do.
            if index % 3 != 0 {
                *gauge = (*gauge * (0.97 + self.rng.unit() * 0.06)).max(1.0).round();
            }
        }
    }

    fn write(&self, w: &mut Writer, noun: &str, stamp: Stamp) {
        w.message(RECORD, |w| {
            metric_head(w, "http_requests_total", "{request}");
            w.message(7, |w| {
                for (route, counts) in self.counters.iter().enumerate() {
                    for (status, count) in STATUSES.iter().zip(counts) {
                        w.message(1, |w| {
                            stamp.write(w);
                            w.fixed64(6, *count);
                            route_labels(w, 7, noun, route);
                            string_attribute(w, 7, "status", status);
                        });
                    }
                }
                w.uint(2, 2);
                w.uint(3, 1);
            });
        });
        w.message(RECORD, |w| {
            metric_head(w, "http_request_duration_seconds", "s");
            w.message(9, |w| {
                for (route, buckets) in self.buckets.iter().enumerate() {
                    w.message(1, |w| {
                        stamp.write(w);
                        w.fixed64(4, buckets.iter().sum());
                        w.double(5, self.sums[route]);
                        let counts: Vec<u8> = buckets.iter().flat_map(|n| n.to_le_bytes()).collect();
                        w.bytes(6, &counts);
                        let bounds: Vec<u8> = SECONDS.iter().flat_map(|b| b.to_le_bytes()).collect();
                        w.bytes(7, &bounds);
                        route_labels(w, 9, noun, route);
                    });
                }
                w.uint(2, 2);
            });
        });
        for (index, gauge) in self.gauges.iter().enumerate() {
            w.message(RECORD, |w| {
                metric_head(w, &format!("runtime_pool_{index}_used"), "");
                w.message(5, |w| {
                    w.message(1, |w| {
                        w.fixed64(3, stamp.now.0 as u64);
                        w.double(4, *gauge);
                        string_attribute(w, 7, "pool", noun);
                    });
                });
            });
        }
    }
}

fn metric_head(w: &mut Writer, name: &str, unit: &str) {
    w.string(1, name);
    w.string(3, unit);
}

fn route_labels(w: &mut Writer, field: u32, noun: &str, route: usize) {
    string_attribute(w, field, "method", ["GET", "GET", "POST", "PUT"][route % 4]);
    string_attribute(w, field, "route", &format!("/api/v2/{noun}/{route}"));
}
