//! What can go wrong on the way, for every channel over HTTP: the step is named, and whether another try may help.

use std::net::TcpListener;

use net::testing::{Authority, Reply, Server};

use super::*;
use crate::notification::{Outcome, Step};

async fn deliver_to(url: &str) -> Delivery {
    let channel = channel("webhook", &format!("url: '{url}'"));
    send(&channel, &notification(Status::Firing)).await
}

#[tokio::test]
async fn codes_decide_about_another_try() {
    for (code, expected) in [
        (200, Outcome::Delivered),
        (204, Outcome::Delivered),
        (400, Outcome::Failed),
        (404, Outcome::Failed),
        (413, Outcome::Failed),
        (408, Outcome::Retry { after: None }),
        (429, Outcome::Retry { after: None }),
        (500, Outcome::Retry { after: None }),
        (503, Outcome::Retry { after: None }),
    ] {
        let server = Server::start(move |_| Reply::status(code, "why it is so")).await;
        let delivery = deliver_to(server.url("/").as_str()).await;
        assert_eq!(delivery.outcome, expected, "{code}");
        let last = delivery.steps.last().unwrap();
        assert_eq!((last.name, last.code), ("answer", Some(code)));
        if code != 204 {
            assert_eq!(last.body, "why it is so");
        }
    }
}

#[tokio::test]
async fn retry_after_is_heard() {
    let server = Server::start(|_| Reply::status(429, "").with("retry-after", "17")).await;
    let delivery = deliver_to(server.url("/").as_str()).await;
    assert_eq!(delivery.outcome, Outcome::Retry { after: Some(Duration::from_secs(17)) });
}

#[tokio::test]
async fn a_storm_of_5xx_ends_when_the_service_is_back() {
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = count.clone();
    let server = Server::start(move |_| {
        let n = seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Reply::status(if n < 5 { 502 } else { 200 }, "")
    })
    .await;
    let channel = channel("webhook", &format!("url: '{}'", server.url("/")));
    let mut tries = 0;
    while send(&channel, &notification(Status::Firing)).await.outcome != Outcome::Delivered {
        tries += 1;
        assert!(tries < 10);
    }
    assert_eq!(tries, 5);
    let keys: std::collections::BTreeSet<String> =
        server.received().iter().map(|r| r.header("idempotency-key").to_owned()).collect();
    assert_eq!(keys.len(), 1, "every try says that it is the same notification");
}

#[tokio::test]
async fn the_step_that_failed_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let stranger = Server::start_tls(Authority::new().server(&["localhost"]), |_| Reply::status(200, "")).await;
    let hangs = Server::start(|_| Reply::Close).await;
    for (url, step) in [
        (format!("http://127.0.0.1:{port}/SECRET"), "connect"),
        ("http://nowhere.invalid/SECRET".to_owned(), "resolve"),
        (stranger.url("/SECRET").to_string(), "tls"),
        (hangs.url("/SECRET").to_string(), "answer"),
    ] {
        let delivery = deliver_to(&url).await;
        assert_eq!(delivery.outcome, Outcome::Retry { after: None }, "{delivery:?}");
        assert_eq!(delivery.steps.last().unwrap().name, step, "{delivery:?}");
        assert!(!format!("{delivery:?}").contains("SECRET"), "{delivery:?}");
    }
}

#[tokio::test]
async fn a_slow_server_takes_no_longer_than_the_channel_allows() {
    let server = Server::start(|_| Reply::Hang).await;
    let slow = channel("webhook", &format!("{{url: '{}', timeout: 50ms}}", server.url("/")));
    let started = Instant::now();
    let delivery = send(&slow, &notification(Status::Firing)).await;
    assert_eq!(delivery.outcome, Outcome::Retry { after: None });
    assert!(started.elapsed() < DEADLINE / 2 && delivery.reason.contains("no answer within"), "{delivery:?}");
}

#[tokio::test]
async fn http_config_is_used_with_its_certificates() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server(&["localhost"]), |_| Reply::status(200, "")).await;
    let ca = authority.pem().replace('\n', "\n      ");
    let entry = format!(
        "url: '{}'\nhttp_config:\n  authorization: {{credentials: tok}}\n  tls_config:\n    ca: |\n      {ca}",
        server.url("/")
    );
    assert_eq!(send(&channel("webhook", &entry), &notification(Status::Firing)).await.outcome, Outcome::Delivered);
    assert_eq!(server.last().header("authorization"), "Bearer tok");
    // Of `global`, when the channel says nothing.
    let global = "http_config: {authorization: {credentials: all}, tls_config: {insecure_skip_verify: true}}";
    let (channel, _) = build("webhook", global, &format!("url: '{}'", server.url("/")));
    send(&channel.unwrap(), &notification(Status::Firing)).await;
    assert_eq!(server.last().header("authorization"), "Bearer all");
}

#[tokio::test]
async fn a_template_that_fails_loses_nothing() {
    let server = Server::start(|_| Reply::status(200, "ok")).await;
    let entry = format!(
        "{{webhook_url: '{}', title: '{{{{ .Nope }}}}', message: '{{{{ template \"gone\" . }}}}'}}",
        server.url("/")
    );
    let delivery = send(&channel("discord", &entry), &notification(Status::Firing)).await;
    assert_eq!(delivery.outcome, Outcome::Delivered);
    let embed = &server.last().json()["embeds"][0];
    assert_eq!(embed["title"], "[FIRING:1] Down");
    let text = embed["description"].as_str().unwrap();
    assert!(text.contains("firing: it's <down> & out (alertname=Down instance=a:1 severity=critical)"), "{text}");
    assert!(text.contains("the template of message failed: ") && text.contains("\"gone\" not defined"), "{text}");
    let render = &delivery.steps[0];
    assert!(!render.ok && render.summary.contains("can't evaluate field Nope"), "{render:?}");
}

#[tokio::test]
async fn a_test_of_a_channel_shows_its_steps_as_they_happen() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server(&["localhost"]), |_| Reply::status(200, "")).await;
    let entry = format!("url: '{}'\nhttp_config: {{tls_config: {{insecure_skip_verify: true}}}}", server.url("/"));
    let channel = channel("webhook", &entry);
    let (tx, mut rx) = tokio::sync::mpsc::channel::<Step>(16);
    let n = notification(Status::Firing);
    let delivery = channel.notifier.test(&n, Instant::now() + DEADLINE, tx).await;
    let mut seen = Vec::new();
    while let Some(step) = rx.recv().await {
        seen.push(step);
    }
    let names: Vec<&str> = seen.iter().map(|s| s.name).collect();
    assert_eq!(names, ["render", "resolve", "connect", "tls", "answer"]);
    assert_eq!(seen, delivery.steps);
    assert!(seen[3].summary.contains("TLS 1.3"), "{seen:?}");
}
