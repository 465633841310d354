//! E-mail: SMTP with STARTTLS or TLS, HTML and text side by side, one thread per group.
//!
//! A message that is sent again has the same `Message-ID`, so that mail programs show it once.

mod config;
mod message;
mod smtp;

use std::sync::Arc;
use std::time::Instant;

use foundation::Clock;
use net::tls::TlsConfig;
use net::{Secret, SecretSource};
use tokio::sync::mpsc::Sender;

use self::message::Mail;
use super::attempt::Attempt;
use super::rendering::Rendering;
use super::templates::Templates;
use super::text::Text;
use crate::notification::{BoxFuture, Delivery, Notification, Notifier, Outcome, Step};

pub(super) use config::build;

/// A channel of mail.
struct Email {
    /// What is filled.
    form: Arc<Form>,
    server: Server,
    templates: Arc<Templates>,
    clock: Arc<dyn Clock>,
}

/// The settings of the message.
struct Form {
    from: Text,
    to: Text,
    html: Option<Text>,
    text: Option<Text>,
    /// Names and values; `Subject` is always there.
    headers: Vec<(String, Text)>,
    thread: Option<Thread>,
}

/// How messages of a group hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thread {
    Group,
    GroupAndDay,
}

/// How the server is spoken to.
struct Server {
    host: String,
    port: u16,
    hello: String,
    tls: TlsConfig,
    /// TLS from the first byte on.
    implicit_tls: bool,
    /// Nothing is sent without TLS.
    require_tls: bool,
    user: String,
    identity: String,
    password: Option<SecretSource>,
    cram_secret: Option<SecretSource>,
}

/// Who logs in, with the secrets as they are now.
struct Login {
    user: String,
    identity: String,
    password: Option<Secret>,
    cram_secret: Option<Secret>,
}

impl Email {
    async fn run(&self, notification: &Notification, deadline: Instant, watcher: Option<Sender<Step>>) -> Delivery {
        let mut attempt = Attempt::new(deadline, watcher);
        let mail = match self.render(notification, &mut attempt).await {
            Ok(mail) => mail,
            Err(reason) => return attempt.end(Outcome::Failed, reason),
        };
        let mut read = Vec::new();
        for source in [&self.server.password, &self.server.cram_secret] {
            read.push(match source {
                None => None,
                Some(source) => match source.read().await {
                    Ok(secret) => Some(secret),
                    Err(e) => return attempt.failed(&e, std::time::Duration::ZERO),
                },
            });
        }
        let cram_secret = read.pop().flatten();
        let password = read.pop().flatten();
        let login =
            Login { user: self.server.user.clone(), identity: self.server.identity.clone(), password, cram_secret };
        match smtp::deliver(&self.server, &login, &mail, &mut attempt).await {
            Ok(()) => attempt.end(Outcome::Delivered, ""),
            Err((outcome, reason)) => attempt.end(outcome, reason),
        }
    }

    async fn render(&self, notification: &Notification, attempt: &mut Attempt) -> Result<Mail, String> {
        let started = Instant::now();
        let (form, templates, notification) = (self.form.clone(), self.templates.clone(), notification.clone());
        let now = self.clock.now();
        let filled = tokio::task::spawn_blocking(move || {
            let mut rendering = Rendering::new(&notification, &templates);
            let mail = message::make(&form, &mut rendering, now);
            (mail, rendering.failed.is_empty(), rendering.summary())
        });
        let (mail, ok, summary) = filled.await.map_err(|e| e.to_string())?;
        match mail {
            Ok(mail) => {
                attempt.done("render", ok, format!("{summary}; {} bytes", mail.bytes.len()), started.elapsed());
                Ok(mail)
            }
            Err(reason) => {
                attempt.done("render", false, reason.clone(), started.elapsed());
                Err(reason)
            }
        }
    }
}

impl Notifier for Email {
    fn notify<'a>(&'a self, notification: &'a Notification, deadline: Instant) -> BoxFuture<'a, Delivery> {
        Box::pin(self.run(notification, deadline, None))
    }

    fn test<'a>(
        &'a self,
        notification: &'a Notification,
        deadline: Instant,
        steps: Sender<Step>,
    ) -> BoxFuture<'a, Delivery> {
        Box::pin(self.run(notification, deadline, Some(steps)))
    }
}
