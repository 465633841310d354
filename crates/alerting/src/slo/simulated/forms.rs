//! The other forms of an objective: slices of time, groups, the calendar, native histograms, filters over spans and logs.

use model::Signal;
use model::histogram::{BucketSpan, CounterReset, Histogram};
use promql::eval::HistogramSample;

use super::*;

fn started(world: &Arc<World>, text: &str) -> Engine {
    let disk: SharedDisk = Arc::new(SimDisk::new(11));
    let engine =
        Engine::new(world.clone(), world.clone(), Arc::new(world.clock.clone()), disk, Options { dir: "slo".into() });
    let parsed = parse(text, &Origin::Api);
    assert!(parsed.findings.iter().all(|f| f.severity != yaml::Severity::Error), "{:?}", parsed.findings);
    engine.apply(parsed.slos).unwrap();
    engine
}

/// Lets weeks pass in steps of all sizes; `check` gets the seconds since the beginning, on whole minutes.
fn weeks(world: &World, engine: &Engine, check: impl Fn(i64)) {
    let mut dice = Dice(9);
    let mut now = DAY + 17;
    while now < DAYS * DAY {
        world.clock.set(UnixNanos::from_secs(BEGIN + now));
        engine.tick();
        check(now / 60 * 60);
        now += [61, 290, 4_000, 7 * 3_600, 31 * 3_600, 80 * 3_600][dice.below(6) as usize];
    }
}

/// The status of a group is these bad and all units of the window and, for each burn rate, of its own.
fn compare(engine: &Engine, id: &str, group: &Labels, what: &str, count: impl Fn(Option<Duration>) -> (f64, f64)) {
    let entry = engine.entry(id).unwrap();
    assert_eq!(entry.error, None, "{id}");
    let s = &entry.groups.iter().find(|g| g.labels == *group).unwrap_or_else(|| panic!("{what}: no {group}")).status;
    let allowed = entry.slo.budget();
    let spent = |(bad, all): (f64, f64)| if all > 0.0 { bad / all / allowed } else { 0.0 };
    let (bad, all) = count(None);
    close(s.bad, bad, &format!("{id}, bad, {what}"));
    close(s.total, all, &format!("{id}, all, {what}"));
    close(s.budget.remaining, 1.0 - spent((bad, all)), &format!("{id}, what is left, {what}"));
    assert_eq!(s.sli.is_some(), all > 0.0, "{id}, {what}");
    assert!((0.0..=1.0).contains(&s.coverage), "{id}, {what}: {}", s.coverage);
    for burn in &s.burn {
        let of = count(Some(burn.window));
        close(burn.bad, of.0, &format!("{id}, burn of {:?}, {what}", burn.window));
        close(burn.rate, spent(of), &format!("{id}, burn of {:?}, {what}", burn.window));
    }
}

fn secs(d: Duration) -> i64 {
    d.as_secs() as i64
}

#[test]
fn slices_are_what_looking_at_each_gives() {
    let world = Arc::new(meetsmatch());
    let text = "
slos:
  quiet_is_good: {objective: 99%, window: 7d, indicator: {latency: {histogram: telegram_message_processing_duration_seconds, threshold: 2s}}, slices: {length: 5m, target: 95%, empty: good}}
  quiet_is_left_out: {objective: 98%, window: 3d, indicator: {latency: {histogram: telegram_message_processing_duration_seconds, threshold: 2s}}, slices: {length: 10m, target: 97%, empty: excluded}}
";
    let engine = started(&world, text);
    let known = (0..).map(|m| m * 60).find(|t| world.between("bot", *t, t + 60).1 > 0.0).unwrap();
    weeks(&world, &engine, |now| {
        for (id, window, length, target, good_when_empty) in
            [("quiet_is_good", 7 * DAY, 300, 0.95, true), ("quiet_is_left_out", 3 * DAY, 600, 0.97, false)]
        {
            let count = |within: Option<Duration>| {
                let from = now - within.map_or(window, secs);
                let (mut bad, mut all) = (0.0, 0.0);
                // A slice belongs to the minute that ends it.
                for begin in (0..=now - length).step_by(length as usize).filter(|b| b + length - 60 >= from) {
                    let (failed, total) = world.between("bot", begin, begin + length);
                    let is_good = match total > 0.0 {
                        true => Some((total - failed) / total >= target),
                        false if good_when_empty => (begin >= known).then_some(true),
                        false => None,
                    };
                    if let Some(is_good) = is_good {
                        (bad, all) = (bad + f64::from(u8::from(!is_good)), all + 1.0);
                    }
                }
                (bad, all)
            };
            compare(&engine, id, &Labels::default(), &format!("at {now}"), count);
        }
    });
}

/// Requests and errors by route, one of which has nothing for the first ten days.
fn routes() -> World {
    let mut world = World::default();
    for (name, quiet_until, one_in) in [("/a", 0, 300), ("/b", 0, 40), ("/late", 10 * DAY, 25)] {
        let of = move |t: i64, dice: &mut Dice| {
            if t < quiet_until {
                return (0, 0);
            }
            let all = dice.below(30);
            let bad = (0..all).filter(|_| dice.below(one_in) == 0).count() as u64;
            (all - bad, bad)
        };
        let (all, bad) = (format!("requests_total{{route=\"{name}\"}}"), format!("errors_total{{route=\"{name}\"}}"));
        world.counters(name, DAYS, of, (&all, &bad));
    }
    world
}

const ROUTES: [&str; 3] = ["/a", "/b", "/late"];

#[test]
fn each_group_has_a_budget_of_its_own() {
    let world = Arc::new(routes());
    let text = "
slos:
  by_route: {objective: 98%, window: 7d, group_by: [route], indicator: {ratio: {bad: errors_total, total: requests_total}}}
  all: {objective: 98%, window: 7d, indicator: {ratio: {bad: errors_total, total: requests_total}}}
";
    let engine = started(&world, text);
    weeks(&world, &engine, |now| {
        let of = |route: &str, within: Option<Duration>| world.between(route, now - within.map_or(7 * DAY, secs), now);
        for route in ROUTES {
            if world.between(route, 0, now).1 > 0.0 {
                let group = Labels::from_pairs([("route", route)]);
                compare(&engine, "by_route", &group, &format!("{route} at {now}"), |within| of(route, within));
            }
        }
        let sum = |within| ROUTES.iter().map(|r| of(r, within)).fold((0.0, 0.0), |s, c| (s.0 + c.0, s.1 + c.1));
        compare(&engine, "all", &Labels::default(), &format!("at {now}"), sum);
    });
    let spent = engine.spent_by("all", "route").unwrap();
    assert_eq!(spent.iter().map(|s| s.value.as_str()).collect::<Vec<_>>(), ["/late", "/b", "/a"]);
    close(spent.iter().map(|s| s.share).sum(), 1.0, "shares");
}

#[test]
fn periods_of_the_calendar_begin_with_a_whole_budget() {
    let world = Arc::new(routes());
    let text = "
slos:
  day: {objective: 98%, window: day, time_zone: Pacific/Auckland, indicator: {ratio: {bad: errors_total, total: requests_total}}}
  week: {objective: 98%, window: week, time_zone: UTC, indicator: {ratio: {bad: errors_total, total: requests_total}}}
  month: {objective: 98%, window: month, time_zone: Europe/Berlin, indicator: {ratio: {bad: errors_total, total: requests_total}}}
";
    let engine = started(&world, text);
    // Summer begins there on 2026-09-27 at two in the morning.
    let auckland = |t: i64| if t < 25 * DAY + 14 * 3_600 { 12 * 3_600 } else { 13 * 3_600 };
    let berlin = 2 * 3_600;
    weeks(&world, &engine, |now| {
        let day = (0..).map(|m| now - 60 - m * 60).find(|t| (BEGIN + t + auckland(*t)) % DAY == 0).unwrap();
        // The first day is a Tuesday.
        let week = (now - 60 + DAY).div_euclid(7 * DAY) * 7 * DAY - DAY;
        let month = if now > 30 * DAY - berlin { 30 * DAY - berlin } else { -berlin };
        for (id, begin) in [("day", day), ("week", week), ("month", month)] {
            let count = |within: Option<Duration>| {
                let from = within.map_or(begin, |w| now - secs(w));
                ROUTES.iter().map(|r| world.between(r, from, now)).fold((0.0, 0.0), |s, c| (s.0 + c.0, s.1 + c.1))
            };
            compare(&engine, id, &Labels::default(), &format!("at {now}"), count);
            let status = engine.entry(id).unwrap().groups[0].status.clone();
            assert_eq!(status.since, UnixNanos::from_secs(BEGIN + begin), "{id} at {now}");
        }
    });
}

/// The same as [`World::counters`], as a native histogram: good ones take 0.3 s, bad ones 1.5 s.
fn native(world: &mut World, name: &'static str, of: impl Fn(i64, &mut Dice) -> Interval, series: &str) {
    let mut dice = Dice(name.len() as u64);
    let truth: Vec<Interval> = (0..DAYS * DAY / SCRAPE).map(|i| of(i * SCRAPE, &mut dice)).collect();
    let histogram = |(good, bad): (u64, u64)| -> Histogram<f64> {
        Histogram {
            schema: 0,
            zero_threshold: 0.0,
            zero_count: 0.0,
            count: (good + bad) as f64,
            sum: good as f64 * 0.3 + bad as f64 * 1.5,
            // Bucket -1 is (0.25, 0.5], bucket 1 is (1, 2].
            positive_spans: vec![BucketSpan { offset: -1, length: 1 }, BucketSpan { offset: 1, length: 1 }],
            positive: vec![good as f64, bad as f64],
            negative_spans: Vec::new(),
            negative: Vec::new(),
            custom_bounds: Vec::new(),
            counter_reset: CounterReset::Unknown,
        }
    };
    let mut sum = (0, 0);
    let mut samples = Vec::new();
    let mut sample = |at: i64, sum| {
        let t_ms = (BEGIN + at) * 1000;
        samples.push(HistogramSample { t_ms, start_ms: 0, histogram: Arc::new(histogram(sum)) });
    };
    sample(0, sum);
    for (i, (good, bad)) in truth.iter().enumerate() {
        let at = (i as i64 + 1) * SCRAPE;
        sum = if at % (5 * 3_600) == SCRAPE { (0, 0) } else { sum };
        sum = (sum.0 + good, sum.1 + bad);
        sample(at, sum);
    }
    world.histograms.push((labels(series), samples));
    world.truth.insert(name, truth);
}

#[test]
fn native_histograms_are_counted_event_by_event() {
    let mut world = World::default();
    let of = |one_in: u64| {
        move |_: i64, dice: &mut Dice| {
            let all = dice.below(20);
            let bad = (0..all).filter(|_| dice.below(one_in) == 0).count() as u64;
            (all - bad, bad)
        }
    };
    native(&mut world, "/a", of(20), "duration_seconds{route=\"/a\"}");
    native(&mut world, "/bb", of(5), "duration_seconds{route=\"/bb\"}");
    let world = Arc::new(world);
    let text = "
slos:
  by_route: {objective: 95%, window: 7d, group_by: [route], indicator: {latency: {histogram: duration_seconds, threshold: 500ms}}}
  all: {objective: 95%, window: 24h, indicator: {latency: {histogram: duration_seconds, threshold: 700ms}}}
";
    let engine = started(&world, text);
    weeks(&world, &engine, |now| {
        let of = |route: &str, length: i64| world.between(route, now - length, now);
        for route in ["/a", "/bb"] {
            let group = Labels::from_pairs([("route", route)]);
            let count = |within: Option<Duration>| of(route, within.map_or(7 * DAY, secs));
            compare(&engine, "by_route", &group, &format!("{route} at {now}"), count);
        }
        let sum = |within: Option<Duration>| {
            let (a, b) = (of("/a", within.map_or(DAY, secs)), of("/bb", within.map_or(DAY, secs)));
            (a.0 + b.0, a.1 + b.1)
        };
        compare(&engine, "all", &Labels::default(), &format!("at {now}"), sum);
    });
}

#[test]
fn spans_and_logs_are_counted_by_filter() {
    let mut world = World::default();
    let mut dice = Dice(77);
    for signal in [Signal::Traces, Signal::Logs] {
        let mut at = 0;
        while at < DAYS * DAY {
            at += 1 + dice.below(400) as i64;
            let route = ["/a", "/b"][dice.below(2) as usize];
            world.records.push(Record { signal, at, route, bad: dice.below(15) == 0 });
        }
    }
    let world = Arc::new(world);
    let text = "
slos:
  spans: {objective: 97%, window: 7d, group_by: [route], indicator: {events: {signal: traces, total: 'service:api', bad: 'status:error'}}}
  logs: {objective: 90%, window: 24h, indicator: {events: {signal: logs, total: 'service:api', good: 'level<error'}}}
  log_slices: {objective: 90%, window: 24h, indicator: {events: {signal: logs, total: 'service:api', good: 'level<error'}}, slices: {length: 30m, target: 90%, empty: excluded}}
";
    let engine = started(&world, text);
    weeks(&world, &engine, |now| {
        let between = |signal, route: Option<&str>, from: i64, to: i64| {
            let here =
                |r: &&Record| r.signal == signal && route.is_none_or(|x| x == r.route) && (from..to).contains(&r.at);
            let found: Vec<&Record> = world.records.iter().filter(here).collect();
            (found.iter().filter(|r| r.bad).count() as f64, found.len() as f64)
        };
        let begin = |within: Option<Duration>, window: i64| now - within.map_or(window, secs);
        for route in ["/a", "/b"] {
            let group = Labels::from_pairs([("route", route)]);
            let count = |within| between(Signal::Traces, Some(route), begin(within, 7 * DAY), now);
            compare(&engine, "spans", &group, &format!("{route} at {now}"), count);
        }
        let all = Labels::default();
        let what = format!("at {now}");
        compare(&engine, "logs", &all, &what, |within| between(Signal::Logs, None, begin(within, DAY), now));
        compare(&engine, "log_slices", &all, &what, |within| {
            let slices = (0..=now - 1_800).step_by(1_800).filter(|b| b + 1_740 >= begin(within, DAY));
            let counts = slices.map(|b| between(Signal::Logs, None, b, b + 1_800)).filter(|c| c.1 > 0.0);
            let bad = |(bad, all): (f64, f64)| f64::from(u8::from((all - bad) / all < 0.9));
            counts.fold((0.0, 0.0), |sum, c| (sum.0 + bad(c), sum.1 + 1.0))
        });
    });
}
