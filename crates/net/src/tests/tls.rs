//! TLS on both sides: who is trusted, as whom, and what is said when not.

use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::testing::{Authority, Reply, Server};
use crate::tls::{ClientSettings, ServerSettings, TlsConfig};
use crate::{Probe, Secret, Step};

fn trusting(authority: &Authority, tls: TlsConfig) -> HttpConfig {
    HttpConfig { tls_config: TlsConfig { ca: Some(authority.pem().to_owned()), ..tls }, ..HttpConfig::default() }
}

fn over(config: &HttpConfig) -> Client {
    Client::new(config, ClientOptions::default()).unwrap()
}

fn put(path: &Path, text: &str) {
    std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
}

#[tokio::test]
async fn a_certificate_is_taken_when_its_authority_and_name_are_right() {
    let authority = Authority::new();
    let good = Server::start_tls(authority.server(&["localhost"]), |_| Reply::status(200, "")).await;
    let named = Server::start_tls(authority.server(&["inside.example"]), |_| Reply::status(200, "")).await;
    let trusts = over(&trusting(&authority, TlsConfig::default()));
    assert_eq!(post(&trusts, good.url("/")).await.unwrap().status, 200);

    let stranger = post(&client("{}"), good.url("/SECRET")).await.unwrap_err();
    assert_eq!(stranger.step(), Step::Tls);
    assert!(
        stranger.to_string().contains("name it in ca_file") && !stranger.to_string().contains("SECRET"),
        "{stranger}"
    );

    let other_name = post(&trusts, named.url("/")).await.unwrap_err();
    assert!(
        other_name.to_string().contains("inside.example") && other_name.to_string().contains("set server_name"),
        "{other_name}"
    );

    let fixed =
        over(&trusting(&authority, TlsConfig { server_name: Some("inside.example".into()), ..TlsConfig::default() }));
    assert_eq!(post(&fixed, named.url("/p")).await.unwrap().status, 200);
    assert_eq!(named.last().header("host"), format!("localhost:{}", named.address().port()));
    assert_eq!(post(&client("tls_config: {insecure_skip_verify: true}"), named.url("/")).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_server_without_tls_is_recognised() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    });
    let error = post(&client("{}"), Url::parse(&format!("https://127.0.0.1:{port}/")).unwrap()).await.unwrap_err();
    assert_eq!(error.step(), Step::Tls, "{error}");
    assert!(error.to_string().contains("speak without TLS"), "{error}");
}

#[tokio::test]
async fn a_server_may_want_certificates_of_clients() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let (server, client) = (authority.sign(&["localhost"]), authority.sign(&["client"]));
    for (name, text) in [("ca", authority.pem()), ("cert", &server.cert), ("key", &server.key)] {
        put(&file(name), text);
    }
    let mut settings: ServerSettings = serde_saphyr::from_str(
        "{cert_file: cert, key_file: key, client_ca_file: ca, min_version: '1.3', curve_preferences: [X25519], \
         cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}",
    )
    .unwrap();
    settings.set_directory(folder.path());
    let server = Server::start_tls(settings.build(&["http/1.1"]).unwrap(), |_| Reply::status(200, "")).await;
    let without = post(&over(&trusting(&authority, TlsConfig::default())), server.url("/")).await.unwrap_err();
    assert!(without.to_string().contains("wants a client certificate"), "{without}");
    let with = TlsConfig { cert: Some(client.cert), key: Some(Secret::new(client.key)), ..TlsConfig::default() };
    assert_eq!(post(&over(&trusting(&authority, with)), server.url("/")).await.unwrap().status, 200);
}

#[tokio::test]
async fn changed_files_are_used_on_both_sides_and_bad_ones_are_not() {
    let (old, new) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let first = old.sign(&["localhost"]);
    put(&file("cert"), &first.cert);
    put(&file("key"), &first.key);
    put(&file("ca"), old.pem());
    let mut settings: ServerSettings =
        serde_saphyr::from_str("{cert_file: cert, key_file: key, reload_interval: 0s}").unwrap();
    settings.set_directory(folder.path());
    let tls = settings.build(&["http/1.1"]).unwrap();
    let server = Server::start_tls(tls.clone(), |_| Reply::status(200, "").with("connection", "close")).await;
    let mut client_side = config("tls_config: {ca_file: ca}");
    client_side.set_directory(folder.path());
    let client = over(&client_side);
    assert_eq!(post(&client, server.url("/")).await.unwrap().status, 200);

    // Between the two writes certificate and key do not belong together: the old pair stays.
    let second = new.sign(&["localhost"]);
    put(&file("cert"), &second.cert);
    assert_eq!(post(&client, server.url("/")).await.unwrap().status, 200);
    assert!(tls.stale().unwrap().contains("key_file"), "{:?}", tls.stale());
    put(&file("key"), &second.key);
    assert_eq!(post(&client, server.url("/")).await.unwrap_err().step(), Step::Tls);
    assert_eq!(tls.stale(), None);
    put(&file("ca"), new.pem());
    assert_eq!(post(&client, server.url("/")).await.unwrap().status, 200);
    put(&file("ca"), "nothing");
    let error = post(&client, server.url("/")).await.unwrap_err();
    assert_eq!(error.step(), Step::Prepare);
    assert!(error.to_string().contains("holds no certificate"), "{error}");
}

#[tokio::test]
async fn the_collectors_settings_make_connections() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server(&["inside.example"]), |_| Reply::status(200, "")).await;
    let mut settings: ClientSettings = serde_saphyr::from_str("{server_name_override: inside.example}").unwrap();
    settings.ca_pem = Some(Secret::new(authority.pem()));
    let tls = Arc::new(settings.build(&["http/1.1"]).unwrap().unwrap());
    let stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let mut stream = tls.connect(stream, "localhost", DEADLINE).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    let plain: ClientSettings = serde_saphyr::from_str("{insecure: true}").unwrap();
    assert!(plain.build(&[]).unwrap().is_none());
}

#[test]
fn wrong_settings_are_said() {
    let bad: ServerSettings =
        serde_saphyr::from_str("{key_file: k, max_version: '1.1', reload_interval: often}").unwrap();
    let said = bad.build(&[]).unwrap_err().to_string();
    for part in ["cert_file: is missing", "max_version: leaves no version", "reload_interval: "] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let authority = Authority::new();
    let pair = authority.sign(&["x"]);
    let mut suites = ServerSettings {
        cert_pem: Some(Secret::new(pair.cert)),
        key_pem: Some(Secret::new(pair.key)),
        ..Default::default()
    };
    suites.cipher_suites = vec!["RC4".into()];
    let said = suites.build(&[]).unwrap_err().to_string();
    assert!(said.contains("unknown \"RC4\", known are TLS_AES_256_GCM_SHA384"), "{said}");
    let shown = format!("{suites:?}");
    assert!(!shown.contains("BEGIN"), "{shown}");
}

#[tokio::test]
async fn a_probe_says_its_steps() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server(&["localhost"]), |_| Reply::status(200, "")).await;
    let mut steps: Vec<Probe> = Vec::new();
    over(&trusting(&authority, TlsConfig::default())).probe(&server.url("/"), |s| steps.push(s)).await.unwrap();
    let names: Vec<&str> = steps.iter().map(|s| s.step.as_str()).collect();
    assert_eq!(names, ["dns", "connect", "tls"]);
    assert!(steps[0].found.contains("127.0.0.1"), "{steps:?}");
    assert_eq!(steps[2].found, "TLS 1.3, certificate is good");
    let mut steps: Vec<Probe> = Vec::new();
    let error = client("{}").probe(&server.url("/"), |s| steps.push(s)).await.unwrap_err();
    assert_eq!((error.step(), steps.len()), (Step::Tls, 2));
    assert_eq!(server.received().len(), 0);
}
