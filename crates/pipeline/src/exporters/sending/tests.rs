//! The queue and the tries: nothing that was acknowledged is lost, and the order stays.

use foundation::disk::sim::SimDisk;
use foundation::disk::{RealDisk, SharedDisk};
use parking_lot::Mutex;

use super::queue::{Limits, Queue};
use super::*;
use crate::config::Interval;
use crate::exporters::testing::host;
use crate::processors::testing::{log, of_service};

fn record(n: usize, len: usize) -> Bytes {
    let mut bytes = vec![1u8; len.max(9)];
    bytes[1..9].copy_from_slice(&(n as u64).to_be_bytes());
    bytes.into()
}

fn number(record: &Bytes) -> usize {
    u64::from_be_bytes(record[1..9].try_into().unwrap()) as usize
}

fn open(disk: &SharedDisk, dir: &std::path::Path) -> Arc<Queue> {
    let queue = Queue::open(disk.clone(), dir).unwrap();
    queue.set_limits(Limits::NONE);
    Arc::new(queue)
}

fn never() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    // Without its sender a receiver is told at once.
    std::mem::forget(sender);
    receiver
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_out_in_order_although_they_do_not_fit_into_memory() {
    let dir = tempfile::tempdir().unwrap();
    let disk: SharedDisk = Arc::new(RealDisk);
    let queue = open(&disk, dir.path());
    // 60 MB: nearly twice the memory, several generations.
    for n in 0..60 {
        queue.append(record(n, 1_000_000), 1).await.unwrap();
    }
    for n in 0..60 {
        let lease = queue.take(never()).await.unwrap();
        assert_eq!(number(lease.record()), n);
        lease.done().await;
    }
    assert_eq!(queue.waiting().requests, 0);
    let files = std::fs::read_dir(dir.path().join("log")).unwrap().count();
    assert!(files <= 2, "what was sent is deleted, {files} files are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sent_soon_is_on_the_disk_only_and_comes_out_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let disk: SharedDisk = Arc::new(RealDisk);
    let queue = open(&disk, dir.path());
    for n in 0..10 {
        queue.set_near(n < 3);
        queue.append(record(n, 100_000), 1).await.unwrap();
        assert_eq!(queue.memory_bytes(), if n < 3 { (n + 1) * 100_000 } else { 0 });
    }
    queue.set_near(true);
    for n in 0..10 {
        let lease = queue.take(never()).await.unwrap();
        assert_eq!(number(lease.record()), n);
        lease.done().await;
    }
    queue.append(record(10, 100_000), 1).await.unwrap();
    assert_eq!(queue.memory_bytes(), 100_000, "what follows waits in memory again");
    assert_eq!(number(queue.take(never()).await.unwrap().record()), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_done_is_there_after_a_restart_and_what_was_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let disk: SharedDisk = Arc::new(RealDisk);
    let queue = open(&disk, dir.path());
    for n in 0..20 {
        queue.append(record(n, 100), 1).await.unwrap();
    }
    for _ in 0..5 {
        queue.take(never()).await.unwrap().done().await;
    }
    let handed_out = queue.take(never()).await.unwrap();
    queue.save_cursor().await;
    drop(handed_out);
    drop(queue);
    let queue = open(&disk, dir.path());
    assert_eq!(queue.waiting().requests, 15);
    for n in 5..20 {
        let lease = queue.take(never()).await.unwrap();
        assert_eq!(number(lease.record()), n);
        lease.done().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loses_nothing_that_was_acknowledged() {
    let disk = SimDisk::new(7);
    let shared: SharedDisk = Arc::new(disk.clone());
    let dir = std::path::Path::new("/queue");
    let queue = open(&shared, dir);
    for n in 0..50 {
        queue.append(record(n, 1000), 1).await.unwrap();
    }
    let left: SharedDisk = Arc::new(disk.crash());
    drop(queue);
    let queue = open(&left, dir);
    for n in 0..50 {
        let lease = queue.take(never()).await.unwrap();
        assert_eq!(number(lease.record()), n);
        lease.done().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_and_one_that_waits_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let disk: SharedDisk = Arc::new(RealDisk);
    let queue = open(&disk, dir.path());
    queue.set_limits(Limits { requests: 2, ..Limits::NONE });
    queue.append(record(0, 9), 1).await.unwrap();
    queue.append(record(1, 9), 1).await.unwrap();
    let refusal = queue.append(record(2, 9), 1).await.unwrap_err();
    assert!(refusal.retry_after().is_some() && refusal.message.contains("2 requests"), "{refusal}");
    queue.set_limits(Limits { requests: 2, wait: true, ..Limits::NONE });
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.append(record(2, 9), 1).await }
    });
    queue.take(never()).await.unwrap().done().await;
    waiting.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_counted_also_of_what_an_earlier_run_left() {
    let dir = tempfile::tempdir().unwrap();
    let disk: SharedDisk = Arc::new(RealDisk);
    let queue = open(&disk, dir.path());
    queue.set_limits(Limits { items: 5, ..Limits::NONE });
    let logs = |n: usize| {
        let request = Telemetry::of(of_service("s", vec![log("x"); n])).into_bytes();
        tagged(Signal::Logs, request)
    };
    queue.append(logs(3), 3).await.unwrap();
    queue.append(logs(2), 2).await.unwrap();
    let refusal = queue.append(logs(1), 1).await.unwrap_err();
    assert!(refusal.message.contains("5 items"), "{refusal}");
    queue.take(never()).await.unwrap().done().await;
    assert_eq!(queue.waiting().items, 2);
    queue.append(logs(3), 3).await.unwrap();
    queue.save_cursor().await;
    drop(queue);
    let queue = open(&disk, dir.path());
    let waiting = queue.waiting();
    assert_eq!((waiting.requests, waiting.items), (2, 5));
    for left in [3, 0] {
        queue.take(never()).await.unwrap().done().await;
        assert_eq!(queue.waiting().items, left);
    }
}

/// A back end that takes what it is told to.
#[derive(Default)]
struct Backend {
    seen: Mutex<Vec<Bytes>>,
    failures: Mutex<Vec<Failure>>,
}

impl Sender for Backend {
    fn send(&self, _: Signal, request: Bytes) -> Sent<'_> {
        Box::pin(async move {
            if let Some(failure) = self.failures.lock().pop() {
                return Err(failure);
            }
            self.seen.lock().push(request);
            Ok(())
        })
    }
}

/// A request with nothing but a number, in a field that no schema has.
fn request(n: usize) -> Bytes {
    [&b"\x7a\x08"[..], &(n as u64).to_be_bytes()].concat().into()
}

fn fast() -> Retry {
    Retry { initial_interval: Interval::millis(1), max_interval: Interval::millis(2), ..Retry::default() }
}

fn failure(retry: bool) -> Failure {
    Failure { retry, ..Failure::passing("down".to_owned()) }
}

#[test]
fn a_record_says_its_signal_in_both_versions_of_the_format() {
    let mut body = BytesMut::with_capacity(32);
    body.put(request(7));
    let (body, at) = (body.freeze(), request(7));
    let place = body.as_ptr();
    let record = tagged(Signal::Metrics, body);
    assert_eq!(record.as_ptr(), place, "a request with room behind it is not copied");
    assert_eq!(untag(&record), Some((Signal::Metrics, at.clone())));
    assert_eq!(untag(&tagged(Signal::Logs, at.clone())), Some((Signal::Logs, at.clone())), "one that others hold is");
    assert_eq!(untag(&[&b"\x01"[..], &at].concat().into()), Some((Signal::Traces, at)), "version 1");
    assert_eq!((untag(&Bytes::from_static(b"\x09")), untag(&Bytes::new())), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_end_that_comes_back_gets_everything() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let backend = Arc::new(Backend { failures: Mutex::new(vec![failure(true); 5]), ..Backend::default() });
    let mut run = Run::new("exporters.test", host.board.clone());
    let queueing = Queueing { num_consumers: 1, ..Queueing::default() };
    let plan = Plan { component: "exporters.test".into(), queueing, retry: fast() };
    let consumer = start(plan, backend.clone(), &host, &mut run).unwrap();
    let requests: Vec<Bytes> = (0..10).map(request).collect();
    for request in &requests {
        consumer.consume(Telemetry::new(Signal::Logs, request.clone())).await.unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    while backend.seen.lock().len() < 10 {
        assert!(Instant::now() < deadline, "only {} arrived", backend.seen.lock().len());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(*backend.seen.lock(), requests);
    run.stop(Duration::from_secs(5)).await;
}

/// A back end that nobody can connect to, until it is there.
#[derive(Default)]
struct Absent {
    there: AtomicBool,
    tried: Mutex<Vec<Bytes>>,
    seen: Mutex<Vec<Bytes>>,
}

impl Sender for Absent {
    fn send(&self, _: Signal, request: Bytes) -> Sent<'_> {
        Box::pin(async move {
            if !self.there.load(Ordering::Relaxed) {
                self.tried.lock().push(request);
                return Err(Failure::away("down".to_owned()));
            }
            self.seen.lock().push(request);
            Ok(())
        })
    }
}

async fn until(mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !reached() {
        assert!(Instant::now() < deadline, "not in time");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_can_connect_one_request_is_tried_and_the_others_stay_in_the_queue() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let backend = Arc::new(Absent::default());
    let mut run = Run::new("exporters.test", host.board.clone());
    let plan = Plan { component: "exporters.test".into(), queueing: Queueing::default(), retry: fast() };
    let consumer = start(plan, backend.clone(), &host, &mut run).unwrap();
    let requests: Vec<Bytes> = (0..30).map(request).collect();
    let send = |request: &Bytes| consumer.consume(Telemetry::new(Signal::Logs, request.clone()));
    send(&requests[0]).await.unwrap();
    until(|| backend.tried.lock().len() > 2).await;
    for request in &requests[1..] {
        send(request).await.unwrap();
    }
    let tries = backend.tried.lock().len();
    until(|| backend.tried.lock().len() > tries + 20).await;
    assert!(backend.tried.lock().iter().all(|tried| *tried == requests[0]));
    backend.there.store(true, Ordering::Relaxed);
    until(|| backend.seen.lock().len() == requests.len()).await;
    run.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_gives_up_leaves_the_trying_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let backend = Arc::new(Absent::default());
    let mut run = Run::new("exporters.test", host.board.clone());
    let retry = Retry { max_elapsed_time: Interval::millis(10), ..fast() };
    let plan = Plan { component: "exporters.test".into(), queueing: Queueing::default(), retry };
    let consumer = start(plan, backend.clone(), &host, &mut run).unwrap();
    for n in 0..15 {
        consumer.consume(Telemetry::new(Signal::Logs, request(n))).await.unwrap();
    }
    until(|| host.journal.losses().iter().map(|loss| loss.requests).sum::<u64>() == 15).await;
    run.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_queue_the_sender_hears_what_the_back_end_says() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let backend = Arc::new(Backend::default());
    let mut run = Run::new("exporters.test", host.board.clone());
    let queueing = Queueing { enabled: false, ..Queueing::default() };
    let retry = Retry { max_elapsed_time: Interval::millis(20), ..fast() };
    let plan = Plan { component: "exporters.test".into(), queueing, retry };
    let consumer = start(plan, backend.clone(), &host, &mut run).unwrap();
    let send = || consumer.consume(Telemetry::new(Signal::Logs, request(0)));
    send().await.unwrap();
    *backend.failures.lock() = vec![failure(false)];
    assert_eq!(send().await.unwrap_err().kind, ErrorKind::Internal);
    *backend.failures.lock() = vec![failure(true); 1000];
    assert!(send().await.unwrap_err().retry_after().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_back_end_will_never_take_is_dropped_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let backend = Arc::new(Backend { failures: Mutex::new(vec![failure(false)]), ..Backend::default() });
    let mut run = Run::new("exporters.test", host.board.clone());
    let plan = Plan {
        component: "exporters.test".into(),
        queueing: Queueing { num_consumers: 1, ..Queueing::default() },
        retry: fast(),
    };
    let consumer = start(plan, backend.clone(), &host, &mut run).unwrap();
    for n in 0..2 {
        consumer.consume(Telemetry::new(Signal::Logs, request(n))).await.unwrap();
    }
    run.stop(Duration::from_secs(5)).await;
    assert_eq!(*backend.seen.lock(), [request(1)], "the queue is sent before the end");
    assert!(host.journal.refusals().iter().any(|r| r.code == "dropped"), "{:?}", host.journal.refusals());
    let losses = host.journal.losses();
    assert_eq!(
        (losses.len(), losses[0].requests, losses[0].bytes, &*losses[0].message),
        (1, 1, request(0).len() as u64, "down")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn small_requests_are_sent_as_one_and_large_ones_in_pieces() {
    use crate::processors::testing::{log, of_service};
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let backend = Arc::new(Backend::default());
    let sizes = |backend: &Backend| -> Vec<usize> {
        let seen = backend.seen.lock();
        seen.iter().map(|request| wire::otlp::raw::count(Signal::Logs, request).unwrap()).collect()
    };
    let mut run = Run::new("exporters.test", host.board.clone());
    let batch = Some(super::batch::of_items(10, 12, Duration::from_millis(50)));
    let queueing = Queueing { num_consumers: 2, batch, ..Queueing::default() };
    let plan = Plan { component: "exporters.test".into(), queueing, retry: fast() };
    let consumer = start(plan, backend.clone(), &host, &mut run).unwrap();
    let send = async |records: usize| {
        let records = (0..records).map(|n| log(&n.to_string())).collect();
        consumer.consume(Telemetry::of(of_service("s", records))).await.unwrap();
    };
    for _ in 0..7 {
        send(3).await;
    }
    send(30).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while sizes(&backend).iter().sum::<usize>() < 51 {
        assert!(Instant::now() < deadline, "only {:?} arrived", sizes(&backend));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let sizes = sizes(&backend);
    assert!(sizes.iter().all(|size| *size <= 12) && sizes.len() < 8, "{sizes:?}");
    run.stop(Duration::from_secs(5)).await;
    let queueing = Queueing::default();
    let directory = queueing.directory("exporters.test", &host).unwrap();
    assert_eq!(Queue::open(host.disk.clone(), &directory).unwrap().waiting().requests, 0, "all of it is done");
}

#[test]
fn settings_of_batches() {
    use crate::exporters::testing::said;
    let cases = [
        ("batch: {min_size: 0}", "test.yaml:3:11: error: exporters.otlp.sending_queue.batch.min_size: must be"),
        (
            "batch: {min_size: 10, max_size: 5}",
            "test.yaml:3:25: error: exporters.otlp.sending_queue.batch.max_size: 5 is less",
        ),
        ("batch: {flush_timeout: 0s}", "exporters.otlp.sending_queue.batch.flush_timeout: must be"),
        (
            "batch: {sizer: requests}",
            "exporters.otlp.sending_queue.batch.sizer: `requests` is not known; there is items, bytes",
        ),
        ("enabled: false\n  batch:", "test.yaml:4:3: warning: exporters.otlp.sending_queue.batch: needs the queue"),
        ("batch:", ""),
    ];
    for (yaml, expected) in cases {
        let said = said(&crate::exporters::otlp::FACTORY, &format!("endpoint: http://x:1\nsending_queue:\n  {yaml}"));
        assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{yaml}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_not_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let mut run = Run::new("exporters.test", host.board.clone());
    let plan = Plan { component: "exporters.test".into(), queueing: Queueing::default(), retry: fast() };
    let consumer = start(plan, Arc::new(Backend::default()), &host, &mut run).unwrap();
    let broken = Telemetry::new(Signal::Logs, Bytes::from_static(b"\x0a\x05\x0a"));
    assert_eq!(consumer.consume(broken).await.unwrap_err().kind, ErrorKind::InvalidInput);
    run.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_send_may_write_the_cursor_at_the_same_time() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(&(Arc::new(RealDisk) as SharedDisk), dir.path());
    queue.append(record(0, 100), 1).await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let queue = queue.clone();
            std::thread::spawn(move || (0..20).try_for_each(|_| queue.write_cursor()))
        })
        .collect();
    for writer in writers {
        writer.join().unwrap().unwrap();
    }
    assert_eq!(std::fs::read_to_string(dir.path().join("cursor")).unwrap(), "1 1 0\n");
}
