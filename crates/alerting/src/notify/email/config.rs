//! `email_configs`, with the part of `global` that mail has.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use net::Secret;
use net::tls::TlsConfig;
use serde::{Deserialize, Serialize};

use super::{Email, Form, Server, Thread};
use crate::notify::building::{Building, Made, is_stand_in, shown};
use crate::notify::text::{Role, Text};

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    send_resolved: Option<bool>,
    to: String,
    from: Option<String>,
    smarthost: Option<String>,
    hello: Option<String>,
    auth_username: Option<String>,
    auth_password: Option<Secret>,
    auth_password_file: Option<PathBuf>,
    auth_secret: Option<Secret>,
    auth_secret_file: Option<PathBuf>,
    auth_identity: Option<String>,
    require_tls: Option<bool>,
    force_implicit_tls: Option<bool>,
    tls_config: Option<TlsConfig>,
    html: Option<String>,
    text: Option<String>,
    headers: BTreeMap<String, String>,
    threading: Threading,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Threading {
    enabled: bool,
    thread_by_date: String,
}

const SUBJECT: &str = "{{ template \"email.default.subject\" . }}";
const HTML: &str = "{{ template \"email.default.html\" . }}";
const TEXT: &str = "{{ template \"email.default.text\" . }}";

pub(in crate::notify) fn build(b: &mut Building<'_>) -> Option<Made> {
    let config: Config = b.read()?;
    let server = server(b, &config)?;
    let form = form(b, &config)?;
    let target = config.to.clone();
    let shown = shown(&config);
    let (templates, clock) = (b.templates.clone(), b.clock.clone());
    let notifier = Arc::new(Email { form: Arc::new(form), server, templates, clock });
    Some(Made { notifier, send_resolved: config.send_resolved, target, shown })
}

fn server(b: &mut Building<'_>, config: &Config) -> Option<Server> {
    let global = b.global;
    let or = |own: &Option<String>, global: &str| own.clone().unwrap_or_else(|| global.to_owned());
    let smarthost = or(&config.smarthost, &global.smtp_smarthost);
    if smarthost.is_empty() {
        b.error("smarthost", "is missing", "set smarthost, or smtp_smarthost in global, to host:port");
        return None;
    }
    let parts = smarthost.rsplit_once(':').map(|(host, port)| (host.trim_matches(['[', ']']), port.parse::<u16>()));
    let Some((host, Ok(port))) = parts else {
        b.error(
            "smarthost",
            format!("{smarthost:?} is not host:port"),
            "a port is needed: 587 for STARTTLS, 465 for TLS",
        );
        return None;
    };
    let mut tls = config.tls_config.clone().or_else(|| global.smtp_tls_config.clone()).unwrap_or_default();
    tls.set_directory(b.base);
    let wrong = tls.check();
    if !wrong.is_empty() {
        b.error("tls_config", net::ConfigErrors(wrong).to_string(), "");
        return None;
    }
    let password = b.secret(
        "auth_password",
        (config.auth_password.as_ref(), config.auth_password_file.as_ref()),
        (global.smtp_auth_password.as_ref(), global.smtp_auth_password_file.as_ref()),
    );
    if let Some(net::SecretSource::Inline(p)) = &password
        && is_stand_in(p.expose())
    {
        b.warn("auth_password", "looks like a word that stands for the real one", "write the password of the account");
    }
    let cram_secret = b.secret(
        "auth_secret",
        (config.auth_secret.as_ref(), config.auth_secret_file.as_ref()),
        (global.smtp_auth_secret.as_ref(), global.smtp_auth_secret_file.as_ref()),
    );
    let implicit = config.force_implicit_tls.or(global.smtp_force_implicit_tls);
    Some(Server {
        host: host.to_owned(),
        port,
        hello: or(&config.hello, &global.smtp_hello),
        tls,
        implicit_tls: implicit.unwrap_or(port == 465),
        require_tls: config.require_tls.unwrap_or(global.smtp_require_tls),
        user: or(&config.auth_username, &global.smtp_auth_username),
        identity: or(&config.auth_identity, &global.smtp_auth_identity),
        password,
        cram_secret,
    })
}

fn form(b: &mut Building<'_>, config: &Config) -> Option<Form> {
    if config.to.trim().is_empty() {
        b.error("to", "is missing", "set to to one or more addresses, with commas between them");
        return None;
    }
    let from = config.from.clone().unwrap_or_else(|| b.global.smtp_from.clone());
    if from.is_empty() {
        b.error("from", "is missing", "set from, or smtp_from in global");
        return None;
    }
    let html = config.html.as_deref().unwrap_or(HTML);
    let text = config.text.as_deref().unwrap_or(TEXT);
    let mut headers: Vec<(String, Text)> = Vec::new();
    for (name, source) in &config.headers {
        let role = if name.eq_ignore_ascii_case("subject") { Role::Title } else { Role::Detail };
        if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            b.error("headers", format!("{name} occurs twice"), "");
            return None;
        }
        headers.push((name.clone(), b.text("headers", source, role)));
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("subject")) {
        headers.push(("Subject".into(), b.text("headers", SUBJECT, Role::Title)));
    }
    let thread = match (config.threading.enabled, config.threading.thread_by_date.as_str()) {
        (false, _) => None,
        (true, "" | "daily") => Some(Thread::GroupAndDay),
        (true, "none") => Some(Thread::Group),
        (true, other) => {
            b.error("threading", format!("unknown thread_by_date {other:?}"), "daily or none");
            return None;
        }
    };
    Some(Form {
        from: b.text("from", &from, Role::Detail),
        to: b.text("to", &config.to, Role::Detail),
        html: (!html.is_empty()).then(|| b.html("html", html, Role::HtmlBody)),
        text: (!text.is_empty()).then(|| b.text("text", text, Role::Body)),
        headers,
        thread,
    })
}
