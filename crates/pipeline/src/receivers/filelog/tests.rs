//! Files that grow, are renamed, copied and truncated, and a receiver that is killed.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use foundation::disk::{Disk as _, RealDisk, write_atomic};

use super::super::testing::{Running, mistakes, start, until};
use super::FACTORY;

fn append(path: &Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

async fn tail(dir: &Path, more: &str) -> Running {
    let yaml = format!(
        "include: ['{}/*.log*']\nstart_at: beginning\npoll_interval: 10ms\nforce_flush_period: 50ms\n{more}",
        dir.display()
    );
    start(&FACTORY, &yaml, dir).await
}

async fn wait_for(running: &Running, want: &[&str]) {
    let mut got = Vec::new();
    until(&format!("{want:?}"), || {
        got = running.kept.bodies();
        got.len() >= want.len()
    })
    .await;
    assert_eq!(got, want);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_come_as_they_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.log");
    append(&log, "one\ntwo\r\nthr");
    let running = tail(dir.path(), "attributes: {env: prod}\nresource: {service.name: shop}").await;
    wait_for(&running, &["one", "two", "thr"]).await;
    append(&log, "ee\n\nfour\n");
    wait_for(&running, &["one", "two", "thr", "ee", "four"]).await;
    let records = running.kept.logs();
    assert_eq!(records[0].resource.service(), "shop");
    let attributes: Vec<_> = records[0].attributes.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
    assert_eq!(attributes, [("env", "prod"), ("log.file.name", "app.log")]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_by_renaming_loses_and_repeats_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.log");
    append(&log, "a1\na2\n");
    let running = tail(dir.path(), "").await;
    wait_for(&running, &["a1", "a2"]).await;
    append(&log, "a3\n");
    RealDisk.rename(&log, &dir.path().join("app.log.1")).unwrap();
    append(&log, "b1\n");
    until("the rest of the old and the new file", || running.kept.logs().len() >= 4).await;
    append(&dir.path().join("app.log.1"), "a4\n");
    until("what is written to the renamed file", || running.kept.logs().len() >= 5).await;
    let mut got = running.kept.bodies();
    got.sort();
    assert_eq!(got, ["a1", "a2", "a3", "a4", "b1"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_by_copying_and_truncating() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.log");
    append(&log, "a1\na2\n");
    let running = tail(dir.path(), "").await;
    wait_for(&running, &["a1", "a2"]).await;
    fs::copy(&log, dir.path().join("app.log.1")).unwrap();
    OpenOptions::new().write(true).truncate(true).open(&log).unwrap();
    append(&log, "b1\n");
    wait_for(&running, &["a1", "a2", "b1"]).await;
    // Shorter than before, and with another beginning.
    OpenOptions::new().write(true).truncate(true).open(&log).unwrap();
    append(&log, "c\n");
    wait_for(&running, &["a1", "a2", "b1", "c"]).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_acknowledged_comes_again_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.log");
    append(&log, "1\n2\n");
    let running = tail(dir.path(), "").await;
    wait_for(&running, &["1", "2"]).await;
    let checkpoint = dir.path().join("filelog/file_log.json");
    until("the checkpoint", || fs::read_to_string(&checkpoint).is_ok_and(|t| t.contains("\"offset\":4"))).await;
    // From here on nothing is taken; then the process is gone, with what it wrote.
    running.kept.refuse(true);
    append(&log, "3\n4\n");
    until("the refusal", || running.host.board.all().values().any(|s| s.message == "full")).await;
    let killed = fs::read(&checkpoint).unwrap();
    running.stop().await;
    fs::remove_file(&checkpoint).unwrap();
    write_atomic(&RealDisk, &checkpoint, &killed).unwrap();
    let again = tail(dir.path(), "").await;
    wait_for(&again, &["3", "4"]).await;
    again.stop().await;
    // And what was acknowledged does not come a third time.
    append(&log, "5\n");
    let third = tail(dir.path(), "").await;
    wait_for(&third, &["5"]).await;
    third.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_is_not_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.log");
    append(&log, "x: 1\n  at a\nx: 2\n  at b\n");
    let operators = "preserve_leading_whitespaces: true\noperators: [{type: recombine, combine_field: body, is_first_entry: \"body startsWith 'x'\", force_flush_period: 1h}]";
    let running = tail(dir.path(), operators).await;
    wait_for(&running, &["x: 1\n  at a"]).await;
    running.stop().await;
    let again = tail(dir.path(), operators).await;
    append(&log, "x: 3\n");
    wait_for(&again, &["x: 2\n  at b"]).await;
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn encodings_multiline_and_operators() {
    let dir = tempfile::tempdir().unwrap();
    let wide: Vec<u8> = "\u{feff}grün\nzwei\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::File::create(dir.path().join("wide.log")).unwrap().write_all(&wide).unwrap();
    let running = tail(dir.path(), "encoding: utf-16le").await;
    wait_for(&running, &["grün", "zwei"]).await;
    running.stop().await;
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("a.log"), "2023-11-14 boom\n  at x\n2023-11-15 next\n");
    let running = tail(dir.path(), "multiline: {line_start_pattern: '^\\d{4}-'}\nmax_log_size: 20").await;
    wait_for(&running, &["2023-11-14 boom\n  at", "x", "2023-11-15 next"]).await;
    running.stop().await;
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("a.log"), "{\"level\":\"error\",\"ts\":\"1700000000.5\"}\nplain\n");
    let operators = "operators: [{type: json_parser, severity: {parse_from: attributes.level}, timestamp: {parse_from: attributes.ts, layout_type: epoch, layout: s.ms}}]";
    for more in ["", "\ninclude_file_record_number: true"] {
        let running = tail(dir.path(), &format!("{operators}{more}\nstorage: ''")).await;
        until("the lines", || running.kept.logs().len() == 2).await;
        let records = running.kept.logs();
        assert_eq!((records[0].severity_number, records[0].time.0), (17, 1_700_000_000_500_000_000));
        assert_eq!(records[1].body.as_str(), Some("plain"));
        assert_eq!(running.refused("operator"), 1);
        running.stop().await;
        fs::remove_dir_all(dir.path().join("filelog")).unwrap();
    }
}

#[test]
fn mistakes_are_told_with_their_line() {
    for (yaml, want) in [
        ("include: []\n", "names no file"),
        ("include: [a.log]\nstart_at: middle\n", "`middle` is not known"),
        ("include: ['a[.log']\n", "include[0]"),
        ("include: [a.log]\nencoding: klingon\n", "`klingon` is not known"),
        ("include: [a.log]\nmultiline: {line_start_pattern: '('}\n", "regex parse error"),
        ("include: [a.log]\nmultiline: {line_start_pattern: a, line_end_pattern: b}\n", "write either"),
        ("include: [a.log]\noperators:\n  - type: jsn_parser\n", "did you mean `json_parser`"),
        ("include: [a.log]\noperators:\n  - type: noop\n  - type: move\n    from: x\n    to: body\n", "test.yaml:4"),
        ("include: [a.log]\npoll_interval: 5\n", "has no unit"),
    ] {
        let said = mistakes(&FACTORY, yaml);
        assert!(said.contains(want), "{yaml}: {said}");
    }
}

/// Not a test of correctness: prints how fast lines are read when somebody asks for it in a release build.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement; run it with --release"]
async fn speed() {
    for (name, line, operators) in [
        (
            "plain",
            "2026-11-28T18:00:00.123Z INFO request handled path=/api/users/17 status=200 duration_ms=12 user=4711 trace=4bf92f3577b34da6a3ce929d0e0e4736 and some more text to make it long",
            "",
        ),
        (
            "json",
            r#"{"time":"2026-11-28T18:00:00.123Z","level":"info","msg":"request handled","path":"/api/users/17","status":200,"duration_ms":12.5,"user":"4711","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#,
            "operators: [{type: json_parser, severity: {parse_from: attributes.level}, timestamp: {parse_from: attributes.time, layout_type: gotime, layout: '2006-01-02T15:04:05.999Z07:00'}}]",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let lines = (512 << 20) / (line.len() + 1);
        append(&dir.path().join("a.log"), &format!("{line}\n").repeat(lines));
        let begin = (std::time::Instant::now(), rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime));
        let running = start(
            &FACTORY,
            &format!("include: ['{}/*.log']\nstart_at: beginning\n{operators}", dir.path().display()),
            dir.path(),
        )
        .await;
        let checkpoint = dir.path().join("filelog/file_log.json");
        let size = format!("\"offset\":{}", lines * (line.len() + 1));
        until("the end", || fs::read_to_string(&checkpoint).is_ok_and(|t| t.contains(&size))).await;
        let wall = begin.0.elapsed().as_secs_f64();
        let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let cpu = (cpu.tv_sec - begin.1.tv_sec) as f64 + (cpu.tv_nsec - begin.1.tv_nsec) as f64 / 1e9;
        println!("{name}: {:.0} MB/s, {:.0} MB per CPU second", 536.9 / wall, 536.9 / cpu);
        running.stop().await;
    }
}
