//! The machine that the tests run on, and one made of files.

use std::collections::BTreeMap;

use model::{Signal, UnixNanos};
use wire::otlp::{Limits, decode_metrics};
use wire::rows::{MetricPoint, PointRow, RowMetricSink};
use wire::sink::Number;

use super::super::testing::{mistakes, start, until};
use super::FACTORY;

fn points(running: &super::super::testing::Running) -> Vec<MetricPoint> {
    let mut sink = RowMetricSink::default();
    for request in running.kept.all(Signal::Metrics) {
        let decoded = decode_metrics(&request.into_bytes(), &Limits::new(UnixNanos(1)), &mut sink).unwrap();
        assert_eq!(decoded.first_error, None);
    }
    sink.points
}

fn number(point: &PointRow) -> f64 {
    match point {
        PointRow::Number(Number::Int(n)) => *n as f64,
        PointRow::Number(Number::Double(n)) => *n,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scraper_measures_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = "collection_interval: 1h\ninitial_delay: 1ms\nscrapers: {cpu: , disk: , filesystem: , load: , memory: , \
                network: , paging: , process: {include: {names: [cargo, pipeline.*], match_type: regexp}}, processes: , system: }";
    let running = start(&FACTORY, yaml, dir.path()).await;
    let mut names = BTreeMap::new();
    until("all scrapers", || {
        names.clear();
        points(&running).iter().for_each(|p| *names.entry(p.name.clone()).or_insert(0) += 1);
        names.contains_key("system.uptime")
    })
    .await;
    for name in [
        "system.cpu.time",
        "system.memory.usage",
        "system.cpu.load_average.15m",
        "system.network.io",
        "system.network.connections",
        "system.paging.faults",
        "system.processes.count",
        "system.processes.created",
        "process.cpu.time",
        "process.memory.usage",
    ] {
        assert!(names.contains_key(name), "{name} of {names:?}");
    }
    let all = points(&running);
    let memory: f64 = all
        .iter()
        .filter(|p| p.name == "system.memory.usage" && !p.attributes[0].1.as_str().unwrap().starts_with("slab"))
        .map(|p| number(&p.point))
        .sum();
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let total: f64 = text.lines().next().unwrap().split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
    assert_eq!(memory, total * 1024.0, "used, free, buffered and cached are all there is");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_made_of_files() {
    let dir = tempfile::tempdir().unwrap();
    let file = |path: &str, text: &str| {
        let path = dir.path().join("proc").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
    };
    file("stat", "cpu  1 2\ncpu0 100 200 300 400 500 600 700 800 0 0\nbtime 1700000000\nprocesses 42\n");
    file(
        "diskstats",
        "   8       0 sda 1 2 3 4000 5 6 7 8000 9 10000 11000 0 0 0 0\n   7 0 loop0 1 2 3 4 5 6 7 8 9 10 11\n",
    );
    file("loadavg", "0.50 1.00 1.50 1/200 999\n");
    let yaml = format!(
        "collection_interval: 1h\ninitial_delay: 1ms\nroot_path: '{}'\nscrapers:\n  cpu:\n    metrics: {{system.cpu.logical.count: {{enabled: true}}}}\n  \
         disk: {{exclude: {{devices: ['^loop'], match_type: regexp}}}}\n  load: {{metrics: {{system.cpu.load_average.15m: {{enabled: false}}}}}}\n",
        dir.path().display()
    );
    let running = start(&FACTORY, &yaml, dir.path()).await;
    until("all scrapers", || points(&running).iter().any(|p| p.name.starts_with("system.cpu.load"))).await;
    let mut got: Vec<_> = points(&running)
        .iter()
        .map(|p| {
            let attributes: Vec<_> = p.attributes.iter().map(|(_, v)| v.as_str().unwrap().to_owned()).collect();
            format!("{} {} {}", p.name, attributes.join(","), number(&p.point))
        })
        .collect();
    got.sort();
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    assert!(got.contains(&format!("system.cpu.time cpu0,softirq {}", 700.0 / per_second)), "{got:?}");
    for want in [
        "system.cpu.logical.count  1",
        "system.disk.io sda,read 1536",
        "system.disk.operation_time sda,write 8",
        "system.disk.pending_operations sda 9",
        "system.cpu.load_average.5m  1",
    ] {
        assert!(got.contains(&want.to_owned()), "{want} in {got:?}");
    }
    assert!(!got.iter().any(|g| g.contains("loop0") || g.contains("15m")), "{got:?}");
    let starts = points(&running).iter().find(|p| p.name == "system.cpu.time").unwrap().start;
    assert_eq!(starts, UnixNanos::from_secs(1_700_000_000));
    running.stop().await;
}

#[test]
fn mistakes_are_told() {
    for (yaml, want) in [
        ("scrapers: {}\n", "names no scraper"),
        ("scrapers:\n  cpus: {}\n", "did you mean `cpu`"),
        ("scrapers: {disk: {include: {devices: [a], match_type: glob}}}\n", "`glob` is not known"),
        ("collection_interval: 0s\nscrapers: {cpu: {}}\n", "at least 100ms"),
    ] {
        let said = mistakes(&FACTORY, yaml);
        assert!(said.contains(want), "{yaml}: {said}");
    }
}
