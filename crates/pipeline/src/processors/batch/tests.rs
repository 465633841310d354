//! Batches in front of a consumer that answers when it is told to.

use std::time::Duration;

use foundation::clock::SystemClock;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use wire::otlp::Decoded;

use super::super::testing::{built, log, of_service};
use super::*;
use crate::component::StatusBoard;

/// Keeps what it was given until it is answered.
#[derive(Default)]
struct Slow(Mutex<Vec<(usize, oneshot::Sender<Outcome>)>>);

impl Consumer for Slow {
    fn consume(&self, mut telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let (tx, rx) = oneshot::channel();
            self.0.lock().push((telemetry.items().unwrap(), tx));
            rx.await.unwrap()
        })
    }
}

impl Slow {
    async fn arrived(&self, n: usize) -> Vec<usize> {
        for _ in 0..10_000 {
            if self.0.lock().len() >= n {
                break;
            }
            tokio::task::yield_now().await;
        }
        self.0.lock().iter().map(|(items, _)| *items).collect()
    }

    fn answer(&self, outcome: Outcome) {
        let (_, tx) = self.0.lock().remove(0);
        tx.send(outcome).unwrap();
    }
}

fn taken(n: u64) -> Outcome {
    Ok(Decoded { accepted: n, rejected: 0, first_error: None })
}

fn started(config: Config) -> (Arc<Slow>, Arc<dyn Consumer>, Run) {
    let slow = Arc::new(Slow::default());
    let mut run = Run::new("processors.batch", StatusBoard::new(Arc::new(SystemClock)));
    let front = begin(config, slow.clone(), &Meters::default(), &mut run);
    (slow, front, run)
}

fn sent(front: &Arc<dyn Consumer>, n: usize) -> tokio::task::JoinHandle<Outcome> {
    let front = front.clone();
    tokio::spawn(async move { front.consume(Telemetry::of(of_service("s", vec![log("x"); n]))).await })
}

#[tokio::test(start_paused = true)]
async fn a_free_way_is_taken_at_once_and_what_follows_is_put_together() {
    let (slow, front, run) =
        started(Config { send_batch_size: 100, timeout: Interval::secs(3600), ..Config::default() });
    let first = sent(&front, 2);
    assert_eq!(slow.arrived(1).await, [2]);
    let (second, third) = (sent(&front, 3), sent(&front, 4));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(slow.arrived(1).await, [2], "they wait while one is on its way");
    assert!(!first.is_finished() && !second.is_finished());
    slow.answer(taken(2));
    assert_eq!(first.await.unwrap().unwrap().accepted, 2);
    assert_eq!(slow.arrived(1).await, [7]);
    slow.answer(Ok(Decoded { accepted: 3, rejected: 4, first_error: Some("bad".into()) }));
    let (a, b) = (second.await.unwrap().unwrap(), third.await.unwrap().unwrap());
    assert_eq!((a.accepted + b.accepted, a.rejected + b.rejected), (3, 4));
    run.stop(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn size_and_time_let_a_batch_go_beside_another() {
    let (slow, front, run) = started(Config { send_batch_size: 10, timeout: Interval::secs(5), ..Config::default() });
    sent(&front, 1);
    slow.arrived(1).await;
    sent(&front, 4);
    sent(&front, 6);
    assert_eq!(slow.arrived(2).await, [1, 10]);
    let late = sent(&front, 3);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(slow.arrived(3).await, [1, 10, 3]);
    slow.answer(taken(1));
    slow.answer(taken(10));
    slow.answer(Err(shutting_down()));
    assert_eq!(late.await.unwrap().unwrap_err().kind, ErrorKind::UNAVAILABLE, "a refusal reaches the sender");
    run.stop(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_sends_what_waits_and_refuses_what_comes_later() {
    let (slow, front, run) = started(Config { timeout: Interval::secs(3600), ..Config::default() });
    let first = sent(&front, 1);
    slow.arrived(1).await;
    let second = sent(&front, 2);
    tokio::time::sleep(Duration::from_millis(1)).await;
    let stop = tokio::spawn(run.stop(Duration::from_secs(60)));
    assert_eq!(slow.arrived(2).await, [1, 2]);
    slow.answer(taken(1));
    slow.answer(taken(2));
    stop.await.unwrap();
    assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
    assert_eq!(sent(&front, 1).await.unwrap().unwrap_err().kind, ErrorKind::UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn senders_are_kept_apart_by_metadata() {
    let config = Config { metadata_keys: vec!["X-Tenant".into()], metadata_cardinality_limit: 2, ..Config::default() };
    let (slow, front, run) = started(config);
    let send = |tenant: &str| {
        let origin = Origin { metadata: vec![("x-tenant".into(), tenant.into())], ..Origin::default() };
        let t = Telemetry::of(of_service("s", vec![log("x")])).from(Some(Arc::new(origin)));
        let front = front.clone();
        tokio::spawn(async move { front.consume(t).await })
    };
    send("a");
    send("b");
    assert_eq!(slow.arrived(2).await, [1, 1]);
    assert!(send("c").await.unwrap().unwrap_err().message.contains("metadata_cardinality_limit"));
    slow.answer(taken(1));
    slow.answer(taken(1));
    run.stop(Duration::from_secs(1)).await;
}

#[test]
fn sizes_are_checked() {
    let Err(said) = built(&FACTORY, Signal::Logs, "send_batch_max_size: 100") else { panic!() };
    assert!(said.contains("less than `send_batch_size` (8192)"), "{said}");
}

/// Keeps the bytes.
#[derive(Default)]
struct Keeping(Mutex<Vec<bytes::Bytes>>);

impl Consumer for Keeping {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            self.0.lock().push(telemetry.into_bytes());
            taken(0)
        })
    }
}

#[tokio::test]
async fn what_nobody_decoded_is_put_together_as_it_is() {
    let keeping = Keeping::default();
    let encoded = |n: usize| crate::telemetry::Tree::from(of_service("s", vec![log("x"); n])).encode();
    // A field that no schema knows shows that nothing was written anew.
    let unknown = [&encoded(1)[..], b"\x3a\x01x"].concat();
    let mut requests = Vec::new();
    let mut answers = Vec::new();
    for bytes in [unknown.clone().into(), encoded(2)] {
        let mut telemetry = Telemetry::new(Signal::Logs, bytes);
        let items = telemetry.items().unwrap();
        let (waiter, answered) = Waiter::new(items);
        requests.push(Request { key: vec![], origin: None, telemetry, items, waiter });
        answers.push(answered);
    }
    send(&keeping, requests, 3, &Sizes::new("processors.batch", &Meters::default())).await;
    assert_eq!(*keeping.0.lock(), [[&unknown[..], &encoded(2)].concat()]);
    for (answer, n) in answers.into_iter().zip([1, 2]) {
        assert_eq!(answer.await.unwrap().unwrap().accepted, n);
    }
}

#[tokio::test]
async fn a_broken_request_is_refused_before_it_is_put_together_with_others() {
    let (slow, front, run) = started(Config::default());
    let broken = Telemetry::new(Signal::Logs, bytes::Bytes::from_static(b"\x0a\x05\x0a"));
    assert_eq!(front.consume(broken).await.unwrap_err().kind, ErrorKind::InvalidInput);
    assert!(slow.0.lock().is_empty());
    run.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn sizes_are_counted_and_what_made_batches_go() {
    let meters = Meters::default();
    let slow = Arc::new(Slow::default());
    let mut run = Run::new("processors.batch/x", StatusBoard::new(Arc::new(SystemClock)));
    let config = Config { send_batch_size: 20, ..Config::default() };
    let front = begin(config, slow.clone(), &meters, &mut run);
    // The first finds the way free; the next two make a batch of 24.
    let first = sent(&front, 5);
    assert_eq!(slow.arrived(1).await, [5]);
    let others = [sent(&front, 12), sent(&front, 12)];
    assert_eq!(slow.arrived(2).await, [5, 24]);
    slow.answer(taken(5));
    slow.answer(taken(24));
    first.await.unwrap().unwrap();
    for other in others {
        other.await.unwrap().unwrap();
    }
    let told: Vec<String> = meters
        .readings()
        .into_iter()
        .filter(|r| !r.name.contains("bytes") && r.value > 0.0)
        .map(|r| {
            let le = r.labels.iter().find(|(k, _)| *k == "le").map(|(_, v)| format!(" {v}")).unwrap_or_default();
            format!("{}{le} {}", r.name.trim_start_matches("otelcol_processor_batch_"), r.value)
        })
        .collect();
    assert_eq!(told[told.len() - 2..], ["batch_send_size_sum 29", "batch_size_trigger_send 1"]);
    assert!(told.contains(&"batch_send_size_bucket 10 1".to_owned()), "{told:?}");
    assert!(
        told.contains(&"batch_send_size_bucket 25 2".to_owned())
            && told.contains(&"batch_send_size_count 2".to_owned())
    );
}
