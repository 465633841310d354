//! Hands a message to a server, step by step: find, connect, TLS, log in, send (RFC 5321, by lettre).

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, Identity, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;

use super::message::Mail;
use super::{Login, Server};
use crate::notification::{Outcome, Step};
use crate::notify::attempt::Attempt;

/// What ends an attempt.
type Ended = (Outcome, String);

/// Connecting alone may not take the whole time.
const CONNECT_MAX: Duration = Duration::from_secs(10);

pub(super) async fn deliver(server: &Server, login: &Login, mail: &Mail, attempt: &mut Attempt) -> Result<(), Ended> {
    let mut connection = open(server, attempt).await?;
    log_in(server, login, &mut connection, attempt).await?;
    let started = Instant::now();
    let asked = format!("MAIL, RCPT, DATA to {} recipients, {} bytes", mail.envelope.to().len(), mail.bytes.len());
    let sent = within(attempt, "answer", connection.send(&mail.envelope, &mail.bytes)).await?;
    let response = sent.map_err(|e| refused(attempt, "answer", &e, started))?;
    attempt.answer(true, asked, response.code().into(), text(&response).as_bytes(), started.elapsed());
    // It is delivered; whether the goodbye arrives does not matter.
    drop(tokio::time::timeout(Duration::from_secs(1), connection.quit()).await);
    Ok(())
}

/// Finds, connects and makes TLS.
async fn open(server: &Server, attempt: &mut Attempt) -> Result<AsyncSmtpConnection, Ended> {
    let started = Instant::now();
    let found = within(attempt, "resolve", tokio::net::lookup_host((server.host.clone(), server.port))).await?;
    let addresses: Vec<SocketAddr> = match found {
        Ok(found) => found.collect(),
        Err(e) => return Err(retry(attempt, "resolve", format!("host {} was not found: {e}", server.host), started)),
    };
    let ips = addresses.iter().map(|a| a.ip().to_string()).collect::<Vec<_>>().join(", ");
    attempt.done("resolve", true, ips, started.elapsed());

    let hello = ClientId::Domain(server.hello.clone());
    let parameters = if server.implicit_tls || server.require_tls { Some(tls(server, attempt).await?) } else { None };
    let started = Instant::now();
    let immediate = parameters.clone().filter(|_| server.implicit_tls);
    let limit = attempt.left().min(CONNECT_MAX);
    let name = if server.implicit_tls { "tls" } else { "connect" };
    let connecting = AsyncSmtpConnection::connect_tokio1(&addresses[..], Some(limit), &hello, immediate, None);
    let connected = within(attempt, name, connecting).await?;
    let mut connection = connected.map_err(|e| {
        let name = if find_tls(&e).is_some() { "tls" } else { "connect" };
        refused(attempt, name, &e, started)
    })?;
    let said = format!("{}:{} greets as {}", server.host, server.port, connection.server_info().name());
    attempt.done("connect", true, said, started.elapsed());
    if server.implicit_tls {
        attempt.done("tls", true, "TLS from the first byte on", started.elapsed());
        return Ok(connection);
    }
    let Some(parameters) = parameters else { return Ok(connection) };
    if !connection.can_starttls() {
        let reason = format!(
            "{} offers no STARTTLS, and require_tls is on: use its port for TLS (465), or set require_tls: false to send in the clear",
            server.host
        );
        attempt.done("tls", false, reason.clone(), Duration::ZERO);
        return Err((Outcome::Failed, reason));
    }
    let started = Instant::now();
    let upgraded = within(attempt, "tls", connection.starttls(parameters, &hello)).await?;
    upgraded.map_err(|e| refused(attempt, "tls", &e, started))?;
    attempt.done("tls", true, "STARTTLS", started.elapsed());
    Ok(connection)
}

/// The parameters of TLS with certificates as they are now; files are read on a thread that may wait.
async fn tls(server: &Server, attempt: &mut Attempt) -> Result<TlsParameters, Ended> {
    let (config, host) = (server.tls.clone(), server.host.clone());
    let made = tokio::task::spawn_blocking(move || -> Result<TlsParameters, String> {
        let pem = config.material().map_err(|e| e.to_string())?;
        let name = config.server_name.clone().unwrap_or(host);
        let mut builder = TlsParameters::builder(name)
            .certificate_store(CertificateStore::None)
            .dangerous_accept_invalid_certs(config.insecure_skip_verify);
        for authority in pem.authorities {
            // One of the machine's that is not understood is not missed.
            if let Ok(certificate) = Certificate::from_der(authority) {
                builder = builder.add_root_certificate(certificate);
            }
        }
        if let Some((cert, key)) = pem.identity {
            let identity =
                Identity::from_pem(&cert, &key).map_err(|e| format!("certificate and key: {}", message(&e)))?;
            builder = builder.identify_with(identity);
        }
        builder.build().map_err(|e| message(&e))
    });
    let started = Instant::now();
    match made.await {
        Ok(Ok(parameters)) => Ok(parameters),
        Ok(Err(reason)) => Err(retry(attempt, "tls", reason, started)),
        Err(e) => Err(retry(attempt, "tls", e.to_string(), started)),
    }
}

async fn log_in(
    server: &Server,
    login: &Login,
    connection: &mut AsyncSmtpConnection,
    attempt: &mut Attempt,
) -> Result<(), Ended> {
    if login.user.is_empty() {
        return Ok(());
    }
    let started = Instant::now();
    let info = connection.server_info().clone();
    if let Some(secret) = &login.cram_secret
        && offers_cram(server, connection, attempt).await?
    {
        let result = within(attempt, "auth", cram_md5(connection, &login.user, secret.expose())).await?;
        return logged_in(attempt, "CRAM-MD5", result, started);
    }
    let (plain, by_login) =
        (info.supports_auth_mechanism(Mechanism::Plain), info.supports_auth_mechanism(Mechanism::Login));
    if !plain && !by_login {
        attempt.done("auth", true, "the server offers no log-in: sent without", started.elapsed());
        return Ok(());
    }
    let Some(password) = &login.password else {
        let reason = "auth_username is set and auth_password is not".to_owned();
        attempt.done("auth", false, reason.clone(), Duration::ZERO);
        return Err((Outcome::Failed, reason));
    };
    let local = matches!(server.host.as_str(), "localhost" | "127.0.0.1" | "::1");
    if !connection.is_encrypted() && !local {
        let reason = "the password is not sent in the clear: set require_tls: true".to_owned();
        attempt.done("auth", false, reason.clone(), Duration::ZERO);
        return Err((Outcome::Failed, reason));
    }
    let (name, result) = if plain && !login.identity.is_empty() {
        let token = STANDARD.encode(format!("{}\0{}\0{}", login.identity, login.user, password.expose()));
        ("PLAIN", within(attempt, "auth", connection.command(format!("AUTH PLAIN {token}\r\n"))).await?)
    } else {
        let credentials = Credentials::new(login.user.clone(), password.expose().to_owned());
        let mechanism = if plain { Mechanism::Plain } else { Mechanism::Login };
        let name = if plain { "PLAIN" } else { "LOGIN" };
        (name, within(attempt, "auth", connection.auth(&[mechanism], &credentials)).await?)
    };
    logged_in(attempt, name, result, started)
}

fn logged_in(
    attempt: &mut Attempt,
    mechanism: &str,
    result: Result<Response, SmtpError>,
    started: Instant,
) -> Result<(), Ended> {
    match result {
        Ok(_) => {
            attempt.done("auth", true, mechanism, started.elapsed());
            Ok(())
        }
        Err(e) => Err(refused(attempt, "auth", &e, started)),
    }
}

/// Whether the server offers CRAM-MD5, which lettre does not look for.
async fn offers_cram(
    server: &Server,
    connection: &mut AsyncSmtpConnection,
    attempt: &mut Attempt,
) -> Result<bool, Ended> {
    let started = Instant::now();
    let again = within(attempt, "auth", connection.command(format!("EHLO {}\r\n", server.hello))).await?;
    let again = again.map_err(|e| refused(attempt, "auth", &e, started))?;
    Ok(again.message().any(|line| line.starts_with("AUTH") && line.split([' ', '=']).any(|word| word == "CRAM-MD5")))
}

/// RFC 2195.
async fn cram_md5(connection: &mut AsyncSmtpConnection, user: &str, secret: &str) -> Result<Response, SmtpError> {
    let challenge = connection.command("AUTH CRAM-MD5\r\n").await?;
    let challenge = STANDARD.decode(challenge.first_word().unwrap_or("")).unwrap_or_default();
    let digest = hmac_md5(secret.as_bytes(), &challenge);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    connection.command(format!("{}\r\n", STANDARD.encode(format!("{user} {digest}")))).await
}

/// RFC 2104 with MD5, whose blocks have 64 bytes.
fn hmac_md5(key: &[u8], text: &[u8]) -> [u8; 16] {
    use md5::{Digest, Md5};
    let key = if key.len() > 64 { Md5::digest(key).to_vec() } else { key.to_vec() };
    let pad = |byte: u8| -> Vec<u8> { (0..64).map(|i| key.get(i).copied().unwrap_or(0) ^ byte).collect() };
    let inner = Md5::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Md5::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

/// Waits for a step as long as there is time.
async fn within<T>(attempt: &mut Attempt, name: &'static str, step: impl Future<Output = T>) -> Result<T, Ended> {
    let (left, started) = (attempt.left(), Instant::now());
    match tokio::time::timeout(left, step).await {
        Ok(done) => Ok(done),
        Err(_) => {
            let after = foundation::units::format_duration(left);
            Err(retry(attempt, name, format!("no answer within {after}"), started))
        }
    }
}

fn retry(attempt: &mut Attempt, name: &'static str, reason: String, started: Instant) -> Ended {
    attempt.done(name, false, reason.clone(), started.elapsed());
    (Outcome::Retry { after: None }, format!("{name}: {reason}"))
}

/// What an error of lettre means: 4xx may pass (greylisting), 5xx stays, everything else is the network.
fn refused(attempt: &mut Attempt, name: &'static str, error: &SmtpError, started: Instant) -> Ended {
    let mut reason = match find_tls(error) {
        Some(tls) => net::tls::describe(tls),
        None => message(error),
    };
    if name == "auth" && error.is_permanent() {
        reason = format!("the server does not take user and password: {reason}");
    }
    let code = error.status().map(u16::from);
    let latency = started.elapsed();
    attempt.step(Step { name, ok: false, summary: reason.clone(), code, body: String::new(), latency });
    let outcome = if error.is_permanent() { Outcome::Failed } else { Outcome::Retry { after: None } };
    (outcome, format!("{name}: {reason}"))
}

fn find_tls(error: &SmtpError) -> Option<&rustls::Error> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>()
            && let Some(found) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

/// An error with its causes.
fn message(error: &SmtpError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

fn text(response: &Response) -> String {
    response.message().collect::<Vec<_>>().join(" ")
}
