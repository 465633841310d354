//! What each service gets, at firing and at the end.

use net::testing::{Received, Reply, Server};
use serde_json::{Value as Json, json};

use super::*;
use crate::notification::Outcome;

async fn ok() -> Server {
    Server::start(|_| Reply::status(200, "{\"ok\":true}")).await
}

async fn sent(server: &Server, kind: &str, entry: &str, status: Status) -> Json {
    let delivery = send(&channel(kind, entry), &notification(status)).await;
    assert_eq!(delivery.outcome, Outcome::Delivered, "{kind}: {delivery:?}");
    server.last().json()
}

#[tokio::test]
async fn telegram_gets_html_with_its_limit_and_plain_text_when_it_cannot_read_it() {
    let server = ok().await;
    let entry =
        format!("{{api_url: '{}', bot_token: '12:AB', chat_id: -100123, message_thread_id: 7}}", server.url("/"));
    let body = sent(&server, "telegram", &entry, Status::Firing).await;
    assert_eq!(server.last().path, "/bot12:AB/sendMessage");
    assert_eq!(
        (&body["chat_id"], &body["parse_mode"], &body["message_thread_id"]),
        (&json!(-100_123), &json!("HTML"), &json!(7))
    );
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("it&#39;s &lt;down&gt; &amp; out") && text.contains("<b>"), "{text}");

    let long = format!(
        "{{api_url: '{}', bot_token: t, chat_id: 1, parse_mode: '', message: '{{{{ range 9000 }}}}x{{{{ end }}}}'}}",
        server.url("/")
    );
    let delivery = send(&channel("telegram", &long), &notification(Status::Firing)).await;
    let text = server.last().json()["text"].as_str().unwrap().to_owned();
    assert!(text.chars().count() <= 4096 && text.ends_with("characters more)"), "{}", text.len());
    assert!(delivery.steps[0].summary.contains("cut from 9000 to 4096"), "{delivery:?}");
    assert!(server.last().json().get("parse_mode").is_none());

    let picky = Server::start(|r: &Received| {
        if r.json().get("parse_mode").is_some() {
            Reply::status(
                400,
                r#"{"ok":false,"description":"Bad Request: can't parse entities: unsupported start tag"}"#,
            )
        } else {
            Reply::status(200, "{}")
        }
    })
    .await;
    let entry = format!("{{api_url: '{}', bot_token: SECRET, chat_id: 1}}", picky.url("/"));
    let delivery = send(&channel("telegram", &entry), &notification(Status::Firing)).await;
    assert_eq!((delivery.outcome, picky.received().len()), (Outcome::Delivered, 2));
    assert!(!format!("{delivery:?}").contains("SECRET"));

    let busy = Server::start(|_| Reply::status(429, r#"{"parameters":{"retry_after":9}}"#)).await;
    let entry = format!("{{api_url: '{}', bot_token: t, chat_id: 1}}", busy.url("/"));
    let delivery = send(&channel("telegram", &entry), &notification(Status::Firing)).await;
    assert_eq!(delivery.outcome, Outcome::Retry { after: Some(Duration::from_secs(9)) });
}

#[tokio::test]
async fn pagerduty_gets_events_with_one_key_per_group() {
    let server = ok().await;
    let entry = format!(
        "{{url: '{}', routing_key: RK, severity: '{{{{ .CommonLabels.severity }}}}', class: deploy, details: {{team: x}}, \
         links: [{{href: 'http://r', text: runbook}}, {{href: '{{{{ .CommonAnnotations.none }}}}'}}]}}",
        server.url("/v2/enqueue")
    );
    let body = sent(&server, "pagerduty", &entry, Status::Firing).await;
    assert_eq!(
        (&body["routing_key"], &body["event_action"], &body["dedup_key"]),
        (&json!("RK"), &json!("trigger"), &json!(group_hash()))
    );
    let payload = &body["payload"];
    assert_eq!(
        (&payload["severity"], &payload["class"], &payload["source"]),
        (&json!("critical"), &json!("deploy"), &json!("Bellrock"))
    );
    assert_eq!(payload["summary"], "[FIRING 1] Down: it's <down> & out");
    let details = &payload["custom_details"];
    assert_eq!(
        (&details["team"], &details["num_firing"], &details["num_resolved"]),
        (&json!("x"), &json!(1), &json!(1))
    );
    assert!(details["firing"].as_str().unwrap().contains("instance: a:1"), "{details}");
    assert_eq!(body["links"], json!([{ "href": "http://r", "text": "runbook" }]));
    assert_eq!(sent(&server, "pagerduty", &entry, Status::Resolved).await["event_action"], "resolve");

    let v1 = format!("{{url: '{}', service_key: SK}}", server.url("/generic"));
    let body = sent(&server, "pagerduty", &v1, Status::Firing).await;
    assert_eq!(
        (&body["service_key"], &body["incident_key"], &body["event_type"]),
        (&json!("SK"), &json!(group_hash()), &json!("trigger"))
    );

    let large = format!(
        "{{url: '{}', routing_key: RK, details: {{big: '{{{{ range 600000 }}}}x{{{{ end }}}}'}}}}",
        server.url("/")
    );
    let body = sent(&server, "pagerduty", &large, Status::Firing).await;
    assert_eq!(
        body["payload"]["custom_details"],
        json!({ "error": "Details were left out because the event was larger than 512 KB." })
    );

    let throttled = Server::start(|_| Reply::status(403, "")).await;
    let v1 = format!("{{url: '{}', service_key: SK}}", throttled.url("/"));
    assert_eq!(
        send(&channel("pagerduty", &v1), &notification(Status::Firing)).await.outcome,
        Outcome::Retry { after: None }
    );
}

#[tokio::test]
async fn opsgenie_creates_updates_and_closes() {
    let server = Server::start(|_| Reply::status(202, "{}")).await;
    let entry = format!(
        "{{api_url: '{}', api_key: K, update_alerts: true, tags: 'a, {{{{ .CommonLabels.severity }}}},', priority: P1, \
         responders: [{{name: ops, type: Team}}], message: '{{{{ range 500 }}}}m{{{{ end }}}}'}}",
        server.url("/")
    );
    let delivery = send(&channel("opsgenie", &entry), &notification(Status::Firing)).await;
    assert_eq!(delivery.outcome, Outcome::Delivered, "{delivery:?}");
    let calls = server.received();
    let paths: Vec<_> = calls.iter().map(|r| format!("{} {}", r.method, r.path)).collect();
    let alias = group_hash();
    assert_eq!(
        paths,
        [
            "POST /v2/alerts".to_owned(),
            format!("PUT /v2/alerts/{alias}/message?identifierType=alias"),
            format!("PUT /v2/alerts/{alias}/description?identifierType=alias"),
        ]
    );
    assert_eq!(calls[0].header("authorization"), "GenieKey K");
    let body = calls[0].json();
    assert_eq!(body["message"].as_str().unwrap().chars().count(), 130);
    assert_eq!(
        (&body["tags"], &body["priority"], &body["alias"]),
        (&json!(["a", "critical"]), &json!("P1"), &json!(alias))
    );
    assert_eq!(body["responders"], json!([{ "name": "ops", "type": "team" }]));
    assert_eq!(body["details"], json!({ "alertname": "Down", "severity": "critical" }));
    send(&channel("opsgenie", &entry), &notification(Status::Resolved)).await;
    assert_eq!(server.last().path, format!("/v2/alerts/{alias}/close?identifierType=alias"));
}

#[tokio::test]
async fn teams_gets_cards_of_both_kinds() {
    let server = Server::start(|_| Reply::status(200, "1")).await;
    let entry = format!("webhook_url: '{}'", server.url("/"));
    let body = sent(&server, "msteams", &entry, Status::Firing).await;
    assert_eq!(
        (&body["@type"], &body["themeColor"], &body["title"]),
        (&json!("MessageCard"), &json!("8C1A1A"), &json!("[FIRING 1] Down: it's <down> & out"))
    );
    assert!(body["text"].as_str().unwrap().contains("### Firing"), "{body}");
    assert_eq!(sent(&server, "msteams", &entry, Status::Resolved).await["themeColor"], "2DC72D");
    let body = sent(&server, "msteamsv2", &entry, Status::Firing).await;
    let card = &body["attachments"][0];
    assert_eq!(
        (&body["type"], &card["contentType"]),
        (&json!("message"), &json!("application/vnd.microsoft.card.adaptive"))
    );
    assert_eq!(
        (&card["content"]["body"][0]["color"], &card["content"]["type"]),
        (&json!("attention"), &json!("AdaptiveCard"))
    );

    let throttled = Server::start(|_| {
        Reply::status(
            200,
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429",
        )
    })
    .await;
    let entry = format!("webhook_url: '{}'", throttled.url("/"));
    assert_eq!(
        send(&channel("msteams", &entry), &notification(Status::Firing)).await.outcome,
        Outcome::Retry { after: None }
    );
}

#[tokio::test]
async fn discord_mattermost_and_google_chat_get_theirs() {
    let server = ok().await;
    let entry = format!(
        "{{webhook_url: '{}', username: bell, message: '{{{{ range 9000 }}}}x{{{{ end }}}}'}}",
        server.url("/")
    );
    let body = sent(&server, "discord", &entry, Status::Firing).await;
    let embed = &body["embeds"][0];
    assert_eq!((&body["username"], &embed["color"]), (&json!("bell"), &json!(0x99_2D_22)));
    assert_eq!(embed["description"].as_str().unwrap().chars().count(), 4096);
    assert_eq!(body["allowed_mentions"]["parse"], json!([]));
    let busy = Server::start(|_| Reply::status(429, r#"{"retry_after":0.75}"#)).await;
    let delivery =
        send(&channel("discord", &format!("webhook_url: '{}'", busy.url("/"))), &notification(Status::Firing)).await;
    assert_eq!(delivery.outcome, Outcome::Retry { after: Some(Duration::from_millis(750)) });

    let entry = format!(
        "{{webhook_url: '{}', channel: ops, fields: [{{title: S, value: '{{{{ .CommonLabels.severity }}}}', short: true}}], priority: {{priority: urgent}}}}",
        server.url("/")
    );
    let body = sent(&server, "mattermost", &entry, Status::Firing).await;
    let attachment = &body["attachments"][0];
    assert_eq!(
        (&body["channel"], &body["username"], &body["priority"]["priority"]),
        (&json!("ops"), &json!("Bellrock"), &json!("urgent"))
    );
    assert_eq!(
        (&attachment["color"], &attachment["title"]),
        (&json!("#d63232"), &json!("[FIRING 1] Down: it's <down> & out"))
    );
    assert_eq!(attachment["fields"], json!([{ "title": "S", "value": "critical", "short": true }]));

    let entry = format!("url: '{}'", server.url("/v1/spaces/A/messages?key=K&token=SECRET"));
    let body = sent(&server, "googlechat", &entry, Status::Firing).await;
    assert_eq!(
        server.last().path,
        "/v1/spaces/A/messages?key=K&token=SECRET&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
    );
    assert_eq!(body["thread"]["threadKey"], group_hash().as_str());
    let card = &body["cardsV2"][0]["card"];
    assert_eq!(card["header"]["title"], "[FIRING 1] Down: it's <down> & out");
    let text = card["sections"][0]["widgets"][0]["textParagraph"]["text"].as_str().unwrap();
    assert!(text.contains("<b>Firing: it&#39;s &lt;down&gt; &amp; out</b>"), "{text}");
}
