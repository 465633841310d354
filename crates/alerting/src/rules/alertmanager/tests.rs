//! What an Alertmanager is sent. `tests/clients` sends to a real one.

use std::time::Duration;

use foundation::UnixNanos;
use net::testing::{Reply, Server};
use net::{ClientOptions, HttpConfig};
use serde_json::json;

use super::*;

fn alert(name: &str) -> Alert {
    Alert {
        labels: Labels::from_pairs([("alertname", name), ("region", "own")]),
        annotations: Labels::from_pairs([("summary", "it is down")]),
        starts_at: UnixNanos::from_millis(1_795_824_000_123),
        ends_at: UnixNanos::from_secs(1_795_824_240),
        generator_url: "http://bellrock/graph".to_owned(),
    }
}

fn sender(server: &Server) -> Arc<Alertmanagers> {
    let client = Client::new(&HttpConfig::default(), ClientOptions::default()).unwrap();
    let target = Target { url: server.url("/api/v2/alerts"), client, timeout: Duration::from_secs(5) };
    let external = Labels::from_pairs([("cluster", "c1"), ("region", "external")]);
    Arc::new(Alertmanagers::new(vec![target], external))
}

#[tokio::test]
async fn alerts_are_posted_as_prometheus_posts_them() {
    let server = Server::start(|_| Reply::status(200, "")).await;
    let sender = sender(&server);
    sender.send(&[alert("Down")]);
    let (stop, stopped) = watch::channel(true);
    sender.clone().run(stopped).await;
    drop(stop);
    let received = server.received();
    assert_eq!((received[0].method.as_str(), received[0].path.as_str()), ("POST", "/api/v2/alerts"));
    assert_eq!(
        received[0].json(),
        json!([{
            "labels": {"alertname": "Down", "cluster": "c1", "region": "own"},
            "annotations": {"summary": "it is down"},
            "startsAt": "2026-11-28T00:00:00.123Z",
            "endsAt": "2026-11-28T00:04:00.000Z",
            "generatorURL": "http://bellrock/graph",
        }])
    );
    let sent = &sender.sent()[0];
    assert_eq!((sent.sent, sent.errors, sent.waiting, sent.last_error.as_deref()), (1, 0, 0, None));
}

#[tokio::test]
async fn many_go_in_batches_and_failures_are_counted() {
    let server = Server::start(|_| Reply::status(503, "busy")).await;
    let sender = sender(&server);
    sender.send(&(0..300).map(|n| alert(&n.to_string())).collect::<Vec<_>>());
    let (_stop, stopped) = watch::channel(true);
    sender.clone().run(stopped).await;
    let sizes: Vec<_> = server.received().iter().map(|r| r.json().as_array().unwrap().len()).collect();
    assert_eq!(sizes, [256, 44]);
    let sent = &sender.sent()[0];
    assert_eq!((sent.errors, sent.requests), (300, 2));
    assert!(sent.last_error.as_ref().unwrap().contains("503"), "{sent:?}");
}

#[test]
fn the_oldest_are_dropped_when_the_queue_is_full() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::start(|_| Reply::status(200, "")));
    let sender = sender(&server);
    sender.send(&(0..QUEUE_MAX + 5).map(|n| alert(&n.to_string())).collect::<Vec<_>>());
    let sent = &sender.sent()[0];
    assert_eq!((sent.waiting, sent.dropped), (QUEUE_MAX, 5));
    assert_eq!(sender.targets[0].waiting.lock()[0].name(), "5");
}
