//! Webhooks: the JSON of version 4, and bodies of one's own.

use net::testing::{Reply, Server};
use serde_json::json;

use super::*;
use crate::notification::Outcome;

#[tokio::test]
async fn version_4_is_what_alertmanager_sends() {
    let server = Server::start(|_| Reply::status(200, "")).await;
    let channel = channel("webhook", &format!("{{url: '{}', max_alerts: 1}}", server.url("/hook/SECRET?k=SECRET")));
    assert!(channel.send_resolved);
    assert_eq!(channel.target, format!("http://localhost:{}/<secret>", server.address().port()));
    assert!(!channel.shown.to_string().contains("SECRET"), "{}", channel.shown);
    let delivery = send(&channel, &notification(Status::Firing)).await;
    assert_eq!(delivery.outcome, Outcome::Delivered, "{delivery:?}");
    let got = server.last();
    assert_eq!(
        (got.method.as_str(), got.path.as_str(), got.header("content-type")),
        ("POST", "/hook/SECRET?k=SECRET", "application/json")
    );
    let expected = json!({
        "receiver": "team x",
        "status": "firing",
        "alerts": [{
            "status": "firing",
            "labels": { "alertname": "Down", "instance": "a:1", "severity": "critical" },
            "annotations": { "description": "no answer", "summary": "it's <down> & out" },
            "startsAt": "2026-03-01T12:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://bellrock/graph?g0.expr=up",
            "fingerprint": alert(Status::Firing, "a:1").fingerprint.to_string(),
        }],
        "notification_reason": "first notification",
        "groupLabels": { "alertname": "Down" },
        "commonLabels": { "alertname": "Down", "severity": "critical" },
        "commonAnnotations": { "summary": "it's <down> & out" },
        "externalURL": "http://bellrock:9093",
        "version": "4",
        "groupKey": "{}:{alertname=\"Down\"}",
        "truncatedAlerts": 1,
    });
    assert_eq!(got.json(), expected);
    let steps: Vec<_> = delivery.steps.iter().map(|s| (s.name, s.ok, s.code)).collect();
    assert_eq!(steps, [("render", true, None), ("answer", true, Some(200))]);
    let record = format!("{delivery:?}");
    assert!(!record.contains("SECRET") && record.contains("POST http://localhost"), "{record}");
    // The same state has the same key, another state another.
    let key = got.header("idempotency-key").to_owned();
    send(&channel, &notification(Status::Firing)).await;
    assert_eq!(server.last().header("idempotency-key"), key);
    send(&channel, &notification(Status::Resolved)).await;
    assert_ne!(server.last().header("idempotency-key"), key);
    assert_eq!(server.last().json()["alerts"][0]["endsAt"], "2026-03-01T12:01:00Z");
}

#[tokio::test]
async fn a_body_of_ones_own_is_filled_and_keeps_its_types() {
    let server = Server::start(|_| Reply::status(200, "")).await;
    let entry = format!(
        "url: '{}'\npayload:\n  text: '{{{{ .Status }}}}: {{{{ .CommonLabels.alertname }}}}'\n  count: '{{{{ len .Alerts }}}}'\n  \
         labels: '{{{{ toJson .GroupLabels }}}}'\n  fixed: [1, true, x]\n",
        server.url("/")
    );
    send(&channel("webhook", &entry), &notification(Status::Firing)).await;
    let expected =
        json!({ "text": "firing: Down", "count": 2, "labels": { "alertname": "Down" }, "fixed": [1, true, "x"] });
    assert_eq!(server.last().json(), expected);
    let text = format!("url: '{}'\npayload: 'hello {{{{ .Receiver }}}}'", server.url("/"));
    send(&channel("webhook", &text), &notification(Status::Firing)).await;
    assert_eq!(
        (server.last().text(), server.last().header("content-type")),
        ("hello team x", "text/plain; charset=utf-8")
    );
}

#[tokio::test]
async fn addresses_come_from_files_and_templates() {
    let server = Server::start(|_| Reply::status(200, "")).await;
    let folder = tempfile::tempdir().unwrap();
    let put = |text: &str| {
        std::io::Write::write_all(&mut std::fs::File::create(folder.path().join("url")).unwrap(), text.as_bytes())
            .unwrap();
    };
    put(server.url("/one").as_str());
    let (from_file, findings) = build_in(folder.path(), &[], "webhook", "{}", "url_file: url");
    assert!(findings.is_empty(), "{findings:?}");
    let from_file = from_file.unwrap();
    send(&from_file, &notification(Status::Firing)).await;
    put(&format!("{}\n", server.url("/two")));
    send(&from_file, &notification(Status::Firing)).await;
    let paths: Vec<String> = server.received().iter().map(|r| r.path.clone()).collect();
    assert_eq!(paths, ["/one", "/two"]);
    put("not an address");
    let delivery = send(&from_file, &notification(Status::Firing)).await;
    assert_eq!(delivery.outcome, Outcome::Failed, "{delivery:?}");
    let templated = format!("url: '{}{{{{ .CommonLabels.severity }}}}'", server.url("/"));
    send(&channel("webhook", &templated), &notification(Status::Firing)).await;
    assert_eq!(server.last().path, "/critical");
}

#[tokio::test]
async fn labels_of_the_route_are_filled() {
    let server = Server::start(|_| Reply::status(200, "")).await;
    let entry =
        format!("url: '{}'\npayload: '{{{{ routeLabels \"team\" }}}} {{{{ .RouteLabels.team }}}}'", server.url("/"));
    let mut n = notification(Status::Firing);
    n.route_labels = Labels::from_pairs([("team", "of {{ .CommonLabels.severity }}")]);
    send(&channel("webhook", &entry), &n).await;
    assert_eq!(server.last().text(), "of critical of critical");
}
