//! Files: what is acknowledged is there and whole, whatever crashes, fills up or is rotated.

use std::path::Path;

use foundation::UnixNanos;
use foundation::clock::ManualClock;
use foundation::disk::sim::SimDisk;
use foundation::disk::{Disk as _, SharedDisk};
use model::Signal;

use super::*;
use crate::component::{Health, Run};
use crate::exporters::testing::{built, host, said};
use crate::processors::testing::{log, of_service};

fn lines(text: &[u8]) -> Vec<serde_json::Value> {
    assert!(text.is_empty() || text.ends_with(b"\n"), "no half line: {}", String::from_utf8_lossy(text));
    text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect()
}

fn request(service: &str, body: &str) -> Telemetry {
    Telemetry::of(of_service(service, vec![log(body)]))
}

fn files(disk: &SimDisk, rotation: Option<Rotation>) -> Files {
    let shared: SharedDisk = Arc::new(disk.clone());
    let files = Files::new(shared, Arc::new(ManualClock::new(UnixNanos::from_secs(1_663_131_734))));
    let frame = Frame { format: Format::Json, compression: None };
    files.set_plan(Plan { frame, truncate: false, rotation, create_directory: true, open_max: 2 });
    files
}

const PATH: &str = "/out/data.json";

fn append(files: &Files, texts: &[&str]) -> Vec<Result<(), String>> {
    let records: Vec<_> = texts.iter().map(|t| (PathBuf::from(PATH), Bytes::from(format!("{t}\n")))).collect();
    files.append(&records)
}

#[test]
fn a_crash_leaves_what_was_acknowledged_and_no_half_line_on_reopen() {
    for seed in 0..50 {
        let disk = SimDisk::new(seed);
        let mut acknowledged = 0;
        let writer = files(&disk, None);
        for n in 0..5 {
            assert!(append(&writer, &[&format!("{{\"n\":{n}}}"), "{\"again\":true}"]).iter().all(Result::is_ok));
            acknowledged += 2;
        }
        // One that is not synced: it may be there, be gone, or be there in part.
        let mut unsynced = disk.open_append(Path::new(PATH)).unwrap();
        unsynced.write_all(b"{\"half\":\"of a line that was never finished\"}\n").unwrap();
        let left = disk.crash();
        let again = files(&left, None);
        assert!(append(&again, &["{\"after\":1}"]).iter().all(Result::is_ok));
        let text = left.read(Path::new(PATH)).unwrap();
        let found =
            text.split(|b| *b == b'\n').filter(|l| l.starts_with(b"{\"n\"") || l.starts_with(b"{\"again")).count();
        assert_eq!(found, acknowledged, "seed {seed}");
        assert!(text.ends_with(b"{\"after\":1}\n"), "seed {seed}: {}", String::from_utf8_lossy(&text));
    }
}

#[test]
fn a_full_disk_refuses_and_leaves_no_half_line() {
    let disk = SimDisk::new(3);
    let files = files(&disk, None);
    append(&files, &["{\"a\":1}"])[0].as_ref().unwrap();
    disk.fail_writes_after(4);
    let refused = append(&files, &["{\"b\":\"long enough\"}"]);
    assert!(refused[0].as_ref().unwrap_err().contains("make room"), "{refused:?}");
    disk.heal();
    append(&files, &["{\"c\":3}"])[0].as_ref().unwrap();
    assert_eq!(disk.read(Path::new(PATH)).unwrap(), b"{\"a\":1}\n{\"c\":3}\n");
}

#[test]
fn what_could_not_be_synced_is_not_acknowledged_and_comes_once() {
    let disk = SimDisk::new(6);
    let files = files(&disk, None);
    append(&files, &["{\"a\":1}"])[0].as_ref().unwrap();
    disk.fail_sync_after(0);
    let refused = append(&files, &["{\"b\":2}", "{\"c\":3}"]);
    assert!(refused.iter().all(Result::is_err), "{refused:?}");
    disk.heal();
    append(&files, &["{\"b\":2}"])[0].as_ref().unwrap();
    let left = disk.crash().read(Path::new(PATH)).unwrap();
    let last = left.split(|b| *b == b'\n').rfind(|l| !l.is_empty()).unwrap().to_owned();
    assert!(left.starts_with(b"{\"a\":1}\n") && last == b"{\"b\":2}", "{}", String::from_utf8_lossy(&left));
}

#[test]
fn a_file_that_holds_something_else_is_left_alone() {
    let disk = SimDisk::new(4);
    disk.create_dir_all(Path::new("/out")).unwrap();
    disk.create(Path::new(PATH)).unwrap().write_all(b"my notes\n").unwrap();
    let e = files(&disk, None).open(Path::new(PATH)).unwrap_err();
    assert!(e.contains("move it away"), "{e}");
    assert_eq!(disk.read(Path::new(PATH)).unwrap(), b"my notes\n");
}

#[test]
fn large_files_are_put_aside_whole() {
    let disk = SimDisk::new(5);
    let rotation: Rotation = serde_json::from_str(r#"{"max_megabytes":1,"max_backups":2}"#).unwrap();
    let files = files(&disk, Some(rotation));
    let line = format!("{{\"x\":\"{}\"}}", "x".repeat(400_000));
    for _ in 0..10 {
        append(&files, &[&line])[0].as_ref().unwrap();
    }
    let there = disk.list(Path::new("/out")).unwrap();
    // Two fit into one: five files, of which the last is the current one and two were kept.
    assert_eq!(there.len(), 3, "{there:?}");
    for path in &there {
        assert_eq!(lines(&disk.read(path).unwrap()).len(), 2, "{}", path.display());
    }
    assert!(there[0].to_str().unwrap().starts_with("/out/data-2022-09-14T05-02-14."), "{there:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_become_lines_of_the_files_of_their_resource() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = format!(
        "path: {}/logs/*.json\ngroup_by: {{enabled: true, resource_attribute: service.name, max_open_files: 2}}",
        dir.path().display()
    );
    let host = host(dir.path());
    let mut run = Run::new("exporters.file", host.board.clone());
    let consumer = built(&FACTORY, &yaml).unwrap().start(&host, &mut run).await.unwrap();
    for n in 0..3 {
        for service in ["shop/cart", "../../etc/passwd", "", "pay"] {
            consumer.consume(request(service, &format!("{service} {n}"))).await.unwrap();
        }
    }
    // Acknowledged is written: nothing has to be waited for.
    for (file, service) in
        [("shop/cart", "shop/cart"), ("etc/passwd", "../../etc/passwd"), ("_missing", ""), ("pay", "pay")]
    {
        let path = dir.path().join(format!("logs/{file}.json"));
        let lines = lines(&std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())));
        let body = |n: usize| &lines[n]["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["body"]["stringValue"];
        assert_eq!((lines.len(), body(2).as_str()), (3, Some(&*format!("{service} 2"))));
    }
    run.stop(std::time::Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_with_their_length_read_back_and_a_restart_goes_on_behind_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.bin");
    let host = host(dir.path());
    let sent = request("a", "hello");
    for append in ["", "append: false\n", ""] {
        let yaml = format!("path: {}\nformat: proto\ncompression: zstd\n{append}", path.display());
        let mut run = Run::new("exporters.file", host.board.clone());
        let consumer = built(&FACTORY, &yaml).unwrap().start(&host, &mut run).await.unwrap();
        consumer.consume(sent.clone()).await.unwrap();
        drop(consumer);
        run.stop(std::time::Duration::from_secs(5)).await;
    }
    let mut rest = &std::fs::read(&path).unwrap()[..];
    let mut records = 0;
    while let Some((len, behind)) = rest.split_first_chunk::<4>() {
        let (content, behind) = behind.split_at(u32::from_be_bytes(*len) as usize);
        let plain = zstd::bulk::decompress(content, 1 << 20).unwrap();
        assert_eq!(plain, sent.clone().into_bytes());
        (rest, records) = (behind, records + 1);
    }
    assert_eq!(records, 2, "the second start emptied the file, the third went on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_told_at_the_start_and_one_that_goes_away_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let path = dir.path().join("none/data.json");
    let start = async |yaml: String| {
        let mut run = Run::new("exporters.file", host.board.clone());
        let consumer = built(&FACTORY, &yaml).unwrap().start(&host, &mut run).await;
        (consumer, run)
    };
    let (failed, _) = start(format!("path: {}", path.display())).await;
    assert!(failed.err().unwrap().message.contains("create_directory: true"));
    let (consumer, run) = start(format!("path: {}/*.json\ngroup_by: {{enabled: true}}", dir.path().display())).await;
    // A file stands where a folder is needed.
    std::fs::create_dir_all(dir.path().join("_missing.json")).unwrap();
    let refusal = consumer.unwrap().consume(request("a", "b")).await.unwrap_err();
    assert!(refusal.retry_after().is_some() && refusal.message.contains("_missing.json"), "{refusal}");
    assert_eq!(host.board.all()["exporters.file"].health, Health::Recoverable);
    run.stop(std::time::Duration::from_secs(5)).await;
    assert_eq!(request("a", "b").signal(), Signal::Logs);
}

#[test]
fn settings_that_cannot_be_meant() {
    let cases = [
        ("{}", "test.yaml:1:1: error: exporters.file.path: is missing"),
        (
            "path: a\nformat: xml",
            "test.yaml:2:9: error: exporters.file.format: `xml` is not known; there is json, proto",
        ),
        (
            "path: a\ncompression: gzip",
            "test.yaml:2:14: error: exporters.file.compression: `gzip` is not known; there is zstd",
        ),
        (
            "path: a\nrotation:\n  max_megabytes: 0",
            "test.yaml:3:3: error: exporters.file.rotation.max_megabytes: must be greater",
        ),
        (
            "path: a\nencoding: otlp_encoding",
            "test.yaml:2:1: error: exporters.file.encoding: the extension `otlp_encoding`",
        ),
        ("path: a.json\ngroup_by: {enabled: true}", "test.yaml:1:1: error: exporters.file.path: needs exactly one `*`"),
        (
            "path: '*.json'\ngroup_by: {enabled: true}",
            "test.yaml:1:1: error: exporters.file.path: needs exactly one `*`",
        ),
        (
            "path: 'a*'\ngroup_by: {enabled: true, max_open_files: 0}",
            "test.yaml:2:27: error: exporters.file.group_by.max_open_files",
        ),
    ];
    for (yaml, expected) in cases {
        let said = said(&FACTORY, yaml);
        assert!(said.contains(expected), "{yaml}: {said}");
    }
    let warned =
        said(&FACTORY, "path: a\nappend: true\nrotation:\ndirectory_permissions: '0700'\nflush_interval: 5s\npaht: x");
    assert!(!warned.contains("error"), "{warned}");
    for part in ["append: files are always", "directory_permissions: is not used", "paht: is not known"] {
        assert!(warned.contains(part), "{warned}");
    }
}
