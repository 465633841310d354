//! A mail server on loopback that says what it was told and answers as the test wants.

use std::sync::Mutex;

use net::testing::Authority;
use net::tls::ServerTls;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::notification::{Outcome, Step};

/// What the server does.
#[derive(Clone, Default)]
struct Script {
    greeting: Option<&'static str>,
    capabilities: Vec<&'static str>,
    starttls: Option<ServerTls>,
    implicit: Option<ServerTls>,
    /// Answers in place of the usual ones, by the beginning of the command.
    answers: Vec<(&'static str, &'static str)>,
    hang_at: Option<&'static str>,
}

struct MailServer {
    port: u16,
    /// Every line that came, `*` before those inside of TLS.
    lines: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let all = lines.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, all) = (script.clone(), all.clone());
                tokio::spawn(async move { converse(stream, script, all).await });
            }
        });
        Self { port, lines }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    fn message(&self) -> String {
        self.lines().join("\n")
    }

    /// A channel to it.
    fn channel(&self, more: &str) -> Channel {
        channel(
            "email",
            &format!(
                "{{to: 'ops@example.org, \"B\" <b@example.org>', from: 'Bell <bell@example.org>', smarthost: 'localhost:{}'{more}}}",
                self.port
            ),
        )
    }
}

async fn converse(stream: TcpStream, script: Script, lines: Arc<Mutex<Vec<String>>>) {
    if let Some(tls) = script.implicit.clone() {
        let Ok(stream) = tls.accept(stream).await else { return };
        drop(speak(BufReader::new(stream), &script, &lines, true, true).await);
        return;
    }
    let Some(plain) = speak(BufReader::new(stream), &script, &lines, false, true).await else { return };
    if let Some(tls) = &script.starttls
        && let Ok(stream) = tls.accept(plain.into_inner()).await
    {
        drop(speak(BufReader::new(stream), &script, &lines, true, false).await);
    }
}

/// Until the end, or until STARTTLS, when the stream is given back.
async fn speak<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: BufReader<S>,
    script: &Script,
    lines: &Mutex<Vec<String>>,
    secure: bool,
    greet: bool,
) -> Option<BufReader<S>> {
    if greet {
        let greeting = script.greeting.unwrap_or("220 mail.test ESMTP");
        stream.write_all(format!("{greeting}\r\n").as_bytes()).await.ok()?;
    }
    let mut data = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        lines.lock().unwrap().push(format!("{}{line}", if secure { "*" } else { "" }));
        if data && line != "." {
            continue;
        }
        let command = line.split([' ', ':']).next().unwrap_or("").to_uppercase();
        if script.hang_at == Some(command.as_str()) {
            std::future::pending::<()>().await;
        }
        let fixed =
            script.answers.iter().find(|(start, _)| line.starts_with(start)).map(|(_, answer)| (*answer).to_owned());
        let answer = fixed.unwrap_or_else(|| match command.as_str() {
            "EHLO" => {
                let mut offered: Vec<&str> = script.capabilities.clone();
                if script.starttls.is_some() && !secure {
                    offered.push("STARTTLS");
                }
                offered.insert(0, "mail.test");
                let last = offered.len() - 1;
                let lines: Vec<String> = offered
                    .iter()
                    .enumerate()
                    .map(|(i, text)| format!("250{}{text}", if i == last { ' ' } else { '-' }))
                    .collect();
                lines.join("\r\n")
            }
            "STARTTLS" => "220 go".into(),
            "AUTH" => "235 ok".into(),
            "DATA" => "354 go".into(),
            "QUIT" => "221 bye".into(),
            _ => "250 ok".into(),
        });
        data = command == "DATA" && answer.starts_with("354");
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        if command == "STARTTLS" {
            return Some(stream);
        }
    }
}

fn steps(delivery: &Delivery) -> Vec<(&'static str, bool)> {
    delivery.steps.iter().map(|s: &Step| (s.name, s.ok)).collect()
}

fn pem(authority: &Authority) -> String {
    format!("\"{}\"", authority.pem().replace('\n', "\\n"))
}

#[tokio::test]
async fn starttls_then_log_in_then_both_parts() {
    let authority = Authority::new();
    let script = Script {
        starttls: Some(authority.server(&["localhost"])),
        capabilities: vec!["AUTH PLAIN LOGIN"],
        ..Script::default()
    };
    let server = MailServer::start(script).await;
    let more = format!(
        ", auth_username: u, auth_password: SECRET, headers: {{X-Team: '{{{{ .Receiver }}}}', subject: 'S {{{{ .Status }}}} \u{e4}'}}, \
         threading: {{enabled: true}}, tls_config: {{ca: {}}}",
        pem(&authority)
    );
    let channel = server.channel(&more);
    assert!(!channel.send_resolved);
    let delivery = send(&channel, &notification(Status::Firing)).await;
    assert_eq!(delivery.outcome, Outcome::Delivered, "{delivery:?}");
    let expected =
        [("render", true), ("resolve", true), ("connect", true), ("tls", true), ("auth", true), ("answer", true)];
    assert_eq!(steps(&delivery), expected);
    assert_eq!(delivery.steps[5].code, Some(250));
    let text = server.message();
    // Nothing of the message and no password before TLS.
    let clear: Vec<String> = server.lines().into_iter().filter(|l| !l.starts_with('*')).collect();
    assert_eq!(clear, ["EHLO localhost", "STARTTLS"]);
    for part in [
        "*AUTH PLAIN AHUAU0VDUkVU",
        "*MAIL FROM:<bell@example.org>",
        "*RCPT TO:<ops@example.org>",
        "*RCPT TO:<b@example.org>",
        "*From: Bell <bell@example.org>",
        "*X-Team: team x",
        "*Subject: S firing =?utf-8?b?w6Q=?=",
        "*Message-ID: <",
        "*Content-Type: multipart/alternative",
        "*Content-Type: text/plain",
        "*Content-Type: text/html",
        "*Date: Sun, 01 Mar 2026 12:00:00 +0000",
        "*In-Reply-To: <group-",
        "-2026-03-01@example.org>",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(text.contains("it's <down> & out") && text.contains("it&#39;s &lt;down&gt; &amp; out"), "{text}");
    assert!(!format!("{delivery:?} {:?}", channel.shown).contains("SECRET"));
    // Sent again, it is the same message.
    let id = |text: &str| text.lines().rev().find(|l| l.starts_with("*Message-ID")).unwrap().to_owned();
    send(&channel, &notification(Status::Firing)).await;
    assert_eq!(id(&text), id(&server.message()));
}

#[tokio::test]
async fn implicit_tls_and_its_certificate() {
    let authority = Authority::new();
    let server =
        MailServer::start(Script { implicit: Some(authority.server(&["localhost"])), ..Script::default() }).await;
    let trusting = server.channel(&format!(", force_implicit_tls: true, tls_config: {{ca: {}}}", pem(&authority)));
    assert_eq!(send(&trusting, &notification(Status::Firing)).await.outcome, Outcome::Delivered);
    assert!(server.lines().iter().all(|l| l.starts_with('*')));
    let stranger = server.channel(", force_implicit_tls: true");
    let delivery = send(&stranger, &notification(Status::Firing)).await;
    assert_eq!(
        (delivery.outcome, steps(&delivery).last().copied()),
        (Outcome::Retry { after: None }, Some(("tls", false)))
    );
    assert!(delivery.reason.contains("name it in ca_file"), "{delivery:?}");
}

#[tokio::test]
async fn without_starttls_nothing_is_sent_in_the_clear_unless_allowed() {
    let server = MailServer::start(Script { capabilities: vec!["AUTH PLAIN"], ..Script::default() }).await;
    let delivery = send(&server.channel(""), &notification(Status::Firing)).await;
    assert_eq!(delivery.outcome, Outcome::Failed);
    assert!(
        delivery.reason.contains("offers no STARTTLS") && delivery.reason.contains("require_tls: false"),
        "{delivery:?}"
    );
    assert!(!server.message().contains("MAIL FROM"));
    let allowed = server.channel(", require_tls: false");
    assert_eq!(send(&allowed, &notification(Status::Firing)).await.outcome, Outcome::Delivered);
}

#[tokio::test]
async fn a_mail_server_refuses_in_many_ways() {
    let clear = ", require_tls: false, auth_username: u, auth_password: SECRET";
    let auth = vec!["AUTH PLAIN LOGIN"];
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let refused =
        channel("email", &format!("{{to: a@b.c, from: a@b.c, smarthost: '127.0.0.1:{port}', require_tls: false}}"));
    let delivery = send(&refused, &notification(Status::Firing)).await;
    assert_eq!(
        (delivery.outcome, steps(&delivery).last().copied()),
        (Outcome::Retry { after: None }, Some(("connect", false)))
    );
    let unknown = channel("email", "{to: a@b.c, from: a@b.c, smarthost: 'nowhere.invalid:25', require_tls: false}");
    assert_eq!(send(&unknown, &notification(Status::Firing)).await.steps.last().unwrap().name, "resolve");

    for (answers, greeting, outcome, step, code) in [
        (vec![("RCPT", "450 4.7.1 greylisted, come again")], None, Outcome::Retry { after: None }, "answer", Some(450)),
        (vec![("RCPT", "550 5.1.1 no such user")], None, Outcome::Failed, "answer", Some(550)),
        (vec![("AUTH", "535 5.7.8 wrong")], None, Outcome::Failed, "auth", Some(535)),
        (vec![("AUTH", "454 4.7.0 later")], None, Outcome::Retry { after: None }, "auth", Some(454)),
        (vec![(".", "552 5.3.4 too large")], None, Outcome::Failed, "answer", Some(552)),
        (vec![], Some("421 4.3.2 closing"), Outcome::Retry { after: None }, "connect", Some(421)),
    ] {
        let server =
            MailServer::start(Script { answers, greeting, capabilities: auth.clone(), ..Script::default() }).await;
        let delivery = send(&server.channel(clear), &notification(Status::Firing)).await;
        let last = delivery.steps.last().unwrap();
        assert_eq!((delivery.outcome, last.name, last.code), (outcome, step, code), "{delivery:?}");
        assert!(!format!("{delivery:?}").contains("SECRET"));
    }

    let server = MailServer::start(Script { hang_at: Some("MAIL"), ..Script::default() }).await;
    let channel = server.channel(", require_tls: false");
    let delivery =
        channel.notifier.notify(&notification(Status::Firing), Instant::now() + Duration::from_millis(300)).await;
    assert_eq!(
        (delivery.outcome, steps(&delivery).last().copied()),
        (Outcome::Retry { after: None }, Some(("answer", false)))
    );
}

#[tokio::test]
async fn cram_md5_identity_and_the_clear() {
    // The example of RFC 2195: the digest of its challenge is known.
    let challenge = "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+";
    let script = Script {
        capabilities: vec!["AUTH CRAM-MD5"],
        answers: vec![("AUTH CRAM-MD5", challenge)],
        ..Script::default()
    };
    let server = MailServer::start(script).await;
    let channel_ = server.channel(", require_tls: false, auth_username: tim, auth_secret: tanstaaftanstaaf");
    assert_eq!(send(&channel_, &notification(Status::Firing)).await.outcome, Outcome::Delivered);
    assert!(server.message().contains("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"), "{}", server.message());

    let server = MailServer::start(Script { capabilities: vec!["AUTH PLAIN"], ..Script::default() }).await;
    let channel_ = server.channel(", require_tls: false, auth_username: u, auth_password: p, auth_identity: i");
    send(&channel_, &notification(Status::Firing)).await;
    assert!(server.message().contains("AUTH PLAIN aQB1AHA="), "{}", server.message());
}

/// A file as people write it: fields that Alertmanager does not have, a word in place of an address, a password to be written.
#[tokio::test]
async fn a_whole_file_loads_and_its_mail_is_sent() {
    let server = MailServer::start(Script::default()).await;
    let text = format!(
        r#"
global:
  smtp_smarthost: 'localhost:{}'
  smtp_from: 'alerts@example.app'
  smtp_auth_username: 'alerts@example.app'
  smtp_auth_password: 'your-email-password'
  smtp_require_tls: false
route:
  group_by: ['alertname', 'service']
  receiver: 'web.hook'
  routes:
    - match:
        severity: critical
      receiver: 'critical-alerts'
receivers:
  - name: 'web.hook'
    webhook_configs:
      - url: 'http://localhost:5001/'
  - name: 'critical-alerts'
    email_configs:
      - to: 'admin@example.app'
        subject: '[CRITICAL] {{{{ .GroupLabels.alertname }}}}'
        body: |
          {{{{ range .Alerts }}}}
          Alert: {{{{ .Annotations.summary }}}}
          {{{{ end }}}}
    slack_configs:
      - api_url: 'YOUR_SLACK_WEBHOOK_URL'
        channel: '#alerts'
"#,
        server.port
    );
    let source = crate::manager::config::Source { base: Path::new("/"), external_url: "http://b", section: false };
    let receivers = Receivers::new(Arc::new(ManualClock::new(NOON)));
    let loaded = crate::manager::config::load(&text, source, &receivers);
    let said: Vec<String> = loaded.findings.iter().map(ToString::to_string).collect();
    let said = said.join("\n");
    for part in ["`subject` is not a field", "api_url is not filled in yet", "auth_password: looks like a word"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let config = loaded.config.unwrap_or_else(|| panic!("{said}"));
    let critical = config.receiver("critical-alerts").unwrap();
    let state: Vec<_> = critical.slots.iter().map(|s| (s.name(), s.channel.is_ok())).collect();
    assert_eq!(state, [("email[0]".to_owned(), true), ("slack[0]".to_owned(), false)]);
    let mail = critical.slots[0].channel.as_ref().unwrap();
    let delivery = send(mail, &notification(Status::Firing)).await;
    assert_eq!(delivery.outcome, Outcome::Delivered, "{delivery:?}");
    let text = server.message();
    assert!(text.contains("Subject: [CRITICAL] Down") && text.contains("Alert: it's <down> & out"), "{text}");
    assert!(!text.contains("text/html"), "{text}");
}

#[tokio::test]
async fn a_template_of_mail_that_fails_loses_nothing() {
    let server = MailServer::start(Script::default()).await;
    let channel =
        server.channel(", require_tls: false, html: '{{ .Nope }}', text: '', headers: {Subject: '{{ .Nope }}'}");
    let delivery = send(&channel, &notification(Status::Firing)).await;
    assert_eq!(delivery.outcome, Outcome::Delivered);
    assert!(!delivery.steps[0].ok);
    let text = server.message();
    assert!(text.contains("Subject: [FIRING:1] Down") && text.contains("it's &lt;down&gt; &amp; out"), "{text}");
    let (channel, _) = build(
        "email",
        "{}",
        &format!(
            "{{to: '{{{{ .CommonLabels.none }}}}', from: a@b.c, smarthost: 'localhost:{}', require_tls: false}}",
            server.port
        ),
    );
    let delivery = send(&channel.unwrap(), &notification(Status::Firing)).await;
    assert_eq!(delivery.outcome, Outcome::Failed);
    assert!(delivery.reason.starts_with("to: "), "{delivery:?}");
}
