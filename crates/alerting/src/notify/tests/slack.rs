//! Slack: webhooks, bots, blocks, threads.

use net::testing::{Received, Reply, Server};
use serde_json::json;

use super::*;
use crate::notification::Outcome;

#[tokio::test]
async fn a_webhook_gets_an_attachment_or_blocks() {
    let server = Server::start(|_| Reply::status(200, "ok")).await;
    let entry = format!(
        "{{api_url: '{}', channel: '#alerts', short_fields: true, fields: [{{title: S, value: '{{{{ .CommonLabels.severity }}}}'}}], \
         actions: [{{type: button, text: Runbook, url: '{{{{ .ExternalURL }}}}/r'}}]}}",
        server.url("/services/T/B/SECRET")
    );
    let channel_ = channel("slack", &entry);
    assert!(!channel_.send_resolved && channel_.target == "#alerts");
    let delivery = send(&channel_, &notification(Status::Firing)).await;
    assert_eq!(delivery.outcome, Outcome::Delivered, "{delivery:?}");
    let body = server.last().json();
    let attachment = &body["attachments"][0];
    assert_eq!(
        (&body["channel"], &body["username"], &attachment["color"]),
        (&json!("#alerts"), &json!("Bellrock"), &json!("danger"))
    );
    assert_eq!(attachment["title"], "[FIRING 1] Down: it's <down> & out");
    assert_eq!(attachment["fields"], json!([{ "title": "S", "value": "critical", "short": true }]));
    assert_eq!(attachment["actions"][0]["url"], "http://bellrock:9093/r");
    assert!(!format!("{delivery:?} {:?}", channel_.shown).contains("SECRET"));

    let blocks = format!(
        "api_url: '{}'\nblocks:\n  - type: section\n    text: {{type: mrkdwn, text: '*{{{{ .CommonLabels.alertname }}}}*'}}",
        server.url("/")
    );
    send(&channel("slack", &blocks), &notification(Status::Firing)).await;
    let body = server.last().json();
    assert_eq!(body["blocks"], json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "*Down*" } }]));
    assert!(body.get("attachments").is_none() && body["text"].as_str().unwrap().contains("Down"));
}

#[tokio::test]
async fn a_bot_posts_then_updates_and_tells_the_thread() {
    let server = Server::start(|_| Reply::status(200, r#"{"ok":true,"channel":"C1","ts":"171.5"}"#)).await;
    let entry = format!(
        "{{app_token: xoxb-SECRET, app_url: '{}', channel: '#alerts', update_message: true, thread_updates: true}}",
        server.url("/api/chat.postMessage")
    );
    let bot = channel("slack", &entry);
    for status in [Status::Firing, Status::Resolved, Status::Firing] {
        let delivery = send(&bot, &notification(status)).await;
        assert_eq!(delivery.outcome, Outcome::Delivered, "{delivery:?}");
        assert!(!format!("{delivery:?}").contains("SECRET"));
    }
    let calls: Vec<_> = server.received().iter().map(|r| (r.path.clone(), r.json())).collect();
    let paths: Vec<&str> = calls.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/api/chat.postMessage", "/api/chat.update", "/api/chat.postMessage", "/api/chat.postMessage"]);
    assert_eq!((&calls[0].1["channel"], calls[0].1.get("ts")), (&json!("#alerts"), None));
    assert_eq!((&calls[1].1["channel"], &calls[1].1["ts"]), (&json!("C1"), &json!("171.5")));
    assert_eq!(calls[2].1["thread_ts"], "171.5");
    assert_eq!(
        (&calls[3].1["channel"], calls[3].1.get("thread_ts")),
        (&json!("#alerts"), None),
        "after the end, a new message"
    );
    assert_eq!(server.last().header("authorization"), "Bearer xoxb-SECRET");
}

#[tokio::test]
async fn what_the_web_api_thinks_is_read_from_its_body() {
    for (error, expected) in [("channel_not_found", Outcome::Failed), ("ratelimited", Outcome::Retry { after: None })] {
        let server = Server::start(move |_| Reply::status(200, &format!(r#"{{"ok":false,"error":"{error}"}}"#))).await;
        let entry = format!("{{app_token: t, app_url: '{}', channel: c}}", server.url("/api/chat.postMessage"));
        let delivery = send(&channel("slack", &entry), &notification(Status::Firing)).await;
        assert_eq!(delivery.outcome, expected);
        assert!(delivery.reason.contains(error), "{delivery:?}");
    }
    // A message that somebody deleted is posted anew.
    let server = Server::start(|r: &Received| match r.path.as_str() {
        "/api/chat.update" => Reply::status(200, r#"{"ok":false,"error":"message_not_found"}"#),
        _ => Reply::status(200, r#"{"ok":true,"channel":"C1","ts":"1.1"}"#),
    })
    .await;
    let entry = format!(
        "{{app_token: t, app_url: '{}', channel: c, update_message: true}}",
        server.url("/api/chat.postMessage")
    );
    let bot = channel("slack", &entry);
    send(&bot, &notification(Status::Firing)).await;
    assert_eq!(send(&bot, &notification(Status::Firing)).await.outcome, Outcome::Delivered);
    let paths: Vec<String> = server.received().iter().map(|r| r.path.clone()).collect();
    assert_eq!(paths, ["/api/chat.postMessage", "/api/chat.update", "/api/chat.postMessage"]);
    assert!(server.last().json().get("ts").is_none());
}

/// Which message a group has is known to the next process: it changes it and posts no second one.
#[tokio::test]
async fn messages_are_known_after_a_restart() {
    let server = Server::start(|_| Reply::status(200, r#"{"ok":true,"channel":"C1","ts":"171.5"}"#)).await;
    let entry = |channel: &str| {
        let text = format!(
            "{{app_token: t, app_url: '{}', channel: '{channel}', update_message: true}}",
            server.url("/api/chat.postMessage")
        );
        yaml::parse("", &text).unwrap()
    };
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(NOON));
    let process = |entry: Node| {
        let store = metastore::Metastore::open(dir.path(), clock.clone()).unwrap();
        let receivers = Receivers::new(clock.clone());
        let shared =
            Shared { global: None, templates: &[], base: Path::new("/"), external_url: "http://bellrock:9093" };
        let mut findings = Findings::default();
        let built = receivers.open(&shared, &mut findings).build("slack", &entry, "x", &mut findings).unwrap();
        receivers.remember_in(store.clone());
        (store, built)
    };
    for (n, (channel, status)) in [
        ("#a", Status::Firing),
        ("#a", Status::Firing),
        ("#b", Status::Firing),
        ("#a", Status::Resolved),
        ("#a", Status::Firing),
    ]
    .into_iter()
    .enumerate()
    {
        let (store, bot) = process(entry(channel));
        assert_eq!(send(&bot, &notification(status)).await.outcome, Outcome::Delivered);
        let expected = [1, 1, 2, 1, 2][n];
        let kept = || store.documents().list("channel_message").unwrap().len();
        let deadline = Instant::now() + DEADLINE;
        while kept() != expected && Instant::now() < deadline {
            tokio::task::yield_now().await;
        }
        assert_eq!(kept(), expected, "after message {n}");
        store.close();
    }
    let paths: Vec<String> =
        server.received().iter().map(|r| r.path.trim_start_matches("/api/chat.").to_owned()).collect();
    assert_eq!(paths, ["postMessage", "update", "postMessage", "update", "postMessage"]);
}
