//! The templates that are there without any file, and those of files.

use gotemplate::Mode;

use super::*;
use crate::notify::{data, default_templates};

/// The names that Alertmanager 0.34 has, which files of users refer to.
const NAMES: &[&str] = &[
    "__alertmanager",
    "__alertmanagerURL",
    "__description",
    "__subject",
    "discord.default.content",
    "discord.default.message",
    "discord.default.title",
    "email.default.html",
    "email.default.subject",
    "jira.default.description",
    "jira.default.priority",
    "jira.default.summary",
    "mattermost.default.color",
    "mattermost.default.fallback",
    "mattermost.default.text",
    "mattermost.default.title",
    "mattermost.default.titlelink",
    "mattermost.default.username",
    "msteams.default.summary",
    "msteams.default.text",
    "msteams.default.title",
    "msteamsv2.default.text",
    "msteamsv2.default.title",
    "opsgenie.default.description",
    "opsgenie.default.message",
    "opsgenie.default.source",
    "pagerduty.default.client",
    "pagerduty.default.clientURL",
    "pagerduty.default.description",
    "pushover.default.message",
    "pushover.default.title",
    "pushover.default.url",
    "rocketchat.default.alias",
    "rocketchat.default.emoji",
    "rocketchat.default.iconurl",
    "rocketchat.default.text",
    "rocketchat.default.title",
    "rocketchat.default.titlelink",
    "slack.default.callbackid",
    "slack.default.color",
    "slack.default.fallback",
    "slack.default.footer",
    "slack.default.iconemoji",
    "slack.default.iconurl",
    "slack.default.pretext",
    "slack.default.text",
    "slack.default.title",
    "slack.default.titlelink",
    "slack.default.username",
    "sns.default.message",
    "sns.default.subject",
    "telegram.default.message",
    "victorops.default.entity_display_name",
    "victorops.default.monitoring_tool",
    "victorops.default.state_message",
    "webex.default.message",
    "wechat.default.agent_id",
    "wechat.default.message",
    "wechat.default.to_party",
    "wechat.default.to_tag",
    "wechat.default.to_user",
];

#[test]
fn every_default_name_is_there_and_can_be_filled() {
    let library = default_templates(Arc::new(ManualClock::new(NOON)));
    let mut bare = notification(Status::Resolved);
    bare.group_labels = Labels::default();
    bare.common_labels = Labels::default();
    bare.common_annotations = Labels::default();
    for alert in &mut bare.alerts {
        alert.annotations = Labels::default();
        alert.generator_url = String::new();
    }
    for name in NAMES {
        assert!(library.has(name), "{name}");
        for n in [notification(Status::Firing), notification(Status::Resolved), bare.clone()] {
            for mode in [Mode::Text, Mode::Html] {
                let template = library.compile(name, &format!("{{{{ template \"{name}\" . }}}}"), mode).unwrap();
                let text = template.fill(&data::of(&n, Vec::new()).value()).unwrap_or_else(|e| panic!("{name}: {e}"));
                assert!(!text.contains("<no value>") && !text.contains("ZgotmplZ"), "{name}: {text}");
            }
        }
    }
}

#[test]
fn texts_read_well() {
    let library = default_templates(Arc::new(ManualClock::new(NOON)));
    let fill = |name: &str, status| {
        let template = library.compile(name, &format!("{{{{ template \"{name}\" . }}}}"), Mode::Text).unwrap();
        template.fill(&data::of(&notification(status), Vec::new()).value()).unwrap()
    };
    expect_test::expect![[r#"
        Firing:
        it's <down> & out
        no answer
        Since 2026-03-01 12:00:00 UTC
        alertname: Down
        instance: a:1
        severity: critical
        Graph: http://bellrock/graph?g0.expr=up

        Resolved:
        it's <down> & out
        no answer
        Since 2026-03-01 12:00:00 UTC, ended 2026-03-01 12:01:00 UTC
        alertname: Down
        instance: b:1
        severity: critical
        Graph: http://bellrock/graph?g0.expr=up
    "#]]
    .assert_eq(&fill("bellrock.text", Status::Firing));
    assert_eq!(fill("__subject", Status::Resolved), "[RESOLVED] Down: it's <down> & out");
    assert_eq!(fill("jira.default.priority", Status::Firing), "High");
    assert_eq!(fill("__alertmanagerURL", Status::Firing), "http://bellrock:9093/#/alerts?receiver=team+x");
}

#[tokio::test]
async fn files_of_the_user_replace_what_they_define() {
    let server = net::testing::Server::start(|_| net::testing::Reply::status(200, "ok")).await;
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        std::io::Write::write_all(&mut std::fs::File::create(folder.path().join(name)).unwrap(), text.as_bytes())
            .unwrap();
    };
    put("a.tmpl", "{{ define \"__subject\" }}ours {{ .Status }}{{ end }}");
    put("b.txt", "{{ not read");
    let entry = format!("webhook_url: '{}'", server.url("/"));
    let (channel, findings) = build_in(folder.path(), &["*.tmpl".to_owned()], "discord", "{}", &entry);
    assert!(findings.is_empty(), "{findings:?}");
    send(&channel.unwrap(), &notification(Status::Firing)).await;
    assert_eq!(server.last().json()["embeds"][0]["title"], "ours firing");
    put("c.tmpl", "{{ broken");
    let (_, findings) =
        build_in(folder.path(), &["*.tmpl".to_owned(), "none/*.tmpl".to_owned()], "discord", "{}", &entry);
    let text: String = findings.iter().map(|f| format!("{f}\n")).collect();
    assert!(text.contains("c.tmpl") && text.contains("no file matches"), "{text}");
}
