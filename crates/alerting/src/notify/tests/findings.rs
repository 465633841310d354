//! What is said about files that cannot be used as they are, and what is used all the same.

use yaml::Severity;

use super::*;

fn said(kind: &str, global: &str, entry: &str) -> (bool, String) {
    let (channel, findings) = build(kind, global, entry);
    (channel.is_some(), findings.iter().map(|f| format!("{f}\n")).collect())
}

#[test]
fn placeholders_disable_the_channel_and_not_the_file() {
    let (channel, findings) = build("slack", "{}", "{api_url: YOUR_SLACK_WEBHOOK_URL, channel: '#alerts'}");
    assert!(channel.is_none());
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((finding.severity, finding.refused_elsewhere()), (Severity::Warning, true));
    assert!(finding.message.contains("stands for an address") && finding.path.ends_with(".api_url"), "{finding}");
}

#[test]
fn mistakes_are_named_with_their_remedy() {
    for (kind, entry, parts) in [
        ("webhook", "{}", &["url: is missing", "set url or url_file"][..]),
        ("webhook", "url: ftp://x", &["an address starts with http:// or https://"]),
        ("webhook", "{url: http://x, ulr_file: y}", &["ulr_file", "url_file"]),
        (
            "webhook",
            "{url: http://x, http_config: {bearer_token: t, basic_auth: {username: u}}}",
            &["http_config", "at most one of"],
        ),
        ("email", "{to: a@b.c, from: a@b.c}", &["smarthost: is missing"]),
        ("email", "{to: a@b.c, from: a@b.c, smarthost: mail}", &["is not host:port"]),
        ("pagerduty", "{}", &["routing_key: is missing"]),
        ("pagerduty", "{routing_key: a, service_key: b}", &["not both"]),
        ("telegram", "{bot_token: t}", &["chat_id: is missing"]),
        ("telegram", "{bot_token: t, chat_id: 1, parse_mode: RTF}", &["unknown \"RTF\""]),
        ("opsgenie", "{}", &["api_key: is missing"]),
        ("slack", "{app_token: t}", &["channel: is missing"]),
        ("wechat", "{}", &["warning", "there is no channel of the kind wechat yet"]),
        ("slak", "{}", &["error", "did you mean slack_configs?"]),
    ] {
        let (built, text) = said(kind, "{}", entry);
        for part in parts {
            assert!(text.contains(part), "{kind} {entry}: {part}: {text}");
        }
        // A field that is not known is an error of the file, the channel is there for those who tolerate it.
        assert_eq!(built, entry.contains("ulr_file"), "{kind} {entry}");
    }
}

#[test]
fn global_settings_are_used_and_own_ones_win() {
    let (channel, findings) = build("slack", "slack_api_url: https://hooks.example/GLOBAL", "{}");
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(channel.unwrap().target, "https://hooks.example/<secret>");
    let (channel, _) = build("slack", "slack_api_url: https://hooks.example/GLOBAL", "api_url: https://own.example/x");
    assert_eq!(channel.unwrap().target, "https://own.example/<secret>");
    let (_, text) = said("webhook", "smtp_smarthots: x", "url: http://x");
    assert!(text.contains("smtp_smarthots") && text.contains("smtp_smarthost"), "{text}");
}

#[test]
fn a_broken_template_is_a_warning_and_the_channel_works() {
    let (built, text) = said("discord", "{}", "{webhook_url: http://x, title: '{{ nofunc }}'}");
    assert!(built && text.contains("warning") && text.contains("function \"nofunc\" not defined"), "{text}");
}

#[test]
fn what_is_shown_of_a_channel_has_its_defaults_and_no_secrets() {
    let entry = "{api_key: SECRET, http_config: {basic_auth: {username: u, password: SECRET}}}";
    let shown = channel("opsgenie", entry).shown;
    assert_eq!((&shown["api_key"], &shown["send_resolved"]), (&"<secret>".into(), &true.into()));
    assert_eq!(shown["http_config"]["basic_auth"]["password"], "<secret>");
    assert!(shown["message"].as_str().unwrap().contains("opsgenie.default.message"));
}
