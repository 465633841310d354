//! Receivers over TLS, and who may send to them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use net::testing::{Authority, Pair};
use net::tls::{ClientSettings, ClientTls};
use net::{Client, ClientOptions, HttpConfig, Request, Secret};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::testing::{Running, free_tcp, host, mistakes, points, start, start_on, until};
use super::{jaeger, json_lines, loki, redis, syslog, zipkin};
use crate::component::{Authenticator, Provided, ReceiverFactory};
use crate::refusal::Refusal;

/// Lets in who has the token.
struct Token;

impl Authenticator for Token {
    fn authenticate(&self, headers: &HeaderMap) -> Result<Vec<(String, String)>, Refusal> {
        match headers.get("authorization").is_some_and(|v| v == "Bearer s3cret") {
            true => Ok(vec![("subject".to_owned(), "tester".to_owned())]),
            false => Err(Refusal::with_status(401, "the token is not known")),
        }
    }
}

fn put(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes()).unwrap();
    path.display().to_string()
}

/// Certificate, key and authority of clients as files; the settings of a server with them.
fn server_tls(authority: &Authority, folder: &Path) -> String {
    let Pair { cert, key } = authority.sign(&["127.0.0.1"]);
    let (cert, key, ca) =
        (put(folder, "cert.pem", &cert), put(folder, "key.pem", &key), put(folder, "ca.pem", authority.pem()));
    format!("{{cert_file: {cert}, key_file: {key}, client_ca_file: {ca}}}")
}

fn client_settings(authority: &Authority, identity: bool) -> ClientSettings {
    let pair = authority.sign(&["client"]);
    ClientSettings {
        ca_pem: Some(Secret::new(authority.pem().to_owned())),
        cert_pem: identity.then(|| Secret::new(pair.cert)),
        key_pem: identity.then(|| Secret::new(pair.key)),
        ..ClientSettings::default()
    }
}

/// A client that trusts the authority, with or without a certificate of its own.
fn client(authority: &Authority, identity: bool) -> Client {
    let tls = client_settings(authority, identity);
    let tls_config = net::tls::TlsConfig {
        ca: tls.ca_pem.map(|pem| pem.expose().to_owned()),
        cert: tls.cert_pem.map(|pem| pem.expose().to_owned()),
        key: tls.key_pem,
        ..Default::default()
    };
    Client::new(&HttpConfig { tls_config, ..HttpConfig::default() }, ClientOptions::default()).unwrap()
}

async fn started(factory: &ReceiverFactory, yaml: &str, folder: &Path) -> Running {
    let mut host = host(folder);
    let token: Arc<dyn Authenticator> = Arc::new(Token);
    host.extensions.insert("token".into(), Provided { authenticator: Some(token), ..Provided::default() });
    start_on(factory, yaml, host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_over_http_are_encrypted_and_ask_who_sends() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let authority = Authority::new();
    let tls = server_tls(&authority, folder);
    let (known, unknown) = (client(&authority, true), client(&authority, false));
    let json = "application/json";
    let span = r#"[{"traceId":"0102030405060708","id":"0102030405060708","name":"x","timestamp":1}]"#;
    let push = r#"{"streams":[{"stream":{"a":"b"},"values":[["1700000000000000000","line"]]}]}"#;
    let cases: [(&ReceiverFactory, &str, &str, &str, u16); 3] = [
        (&zipkin::FACTORY, "", "/api/v2/spans", span, 202),
        (&loki::FACTORY, "protocols: {http: ", "/loki/api/v1/push", push, 204),
        (&json_lines::FACTORY, "", "/insert/jsonline", "{\"msg\":\"line\"}\n", 200),
    ];
    for (factory, around, path, body, taken) in cases {
        let at = free_tcp();
        let (open, close) = if around.is_empty() { ("{", "}") } else { ("{", "}}") };
        let yaml = format!("{around}{open}endpoint: '{at}', tls: {tls}, auth: {{authenticator: token}}{close}");
        let running = started(factory, &yaml, folder).await;
        let send = async |client: &Client, token: &str| {
            let url = format!("https://{at}{path}").parse().unwrap();
            let mut request = Request::post(url, json, body.to_owned());
            request.headers.insert("authorization", token.parse().unwrap());
            client.send(request, Duration::from_secs(10)).await.map(|answer| answer.status.as_u16())
        };
        assert_eq!(send(&known, "Bearer s3cret").await.unwrap(), taken, "{path}");
        assert_eq!(send(&known, "Bearer other").await.unwrap(), 401, "{path}");
        assert!(send(&unknown, "Bearer s3cret").await.is_err(), "{path}: a client without a certificate");
        assert_eq!(super::testing::plain_words(at).await, "", "{path}: plain text gets no answer");
        until("it is told", || running.refused("tls") >= 2 && running.refused("401") == 1).await;
        let kept = running.stop().await;
        let origins: Vec<_> = kept.everything().iter().map(|t| t.origin().unwrap().auth.clone()).collect();
        assert_eq!(origins, [vec![("subject".to_owned(), "tester".to_owned())]], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jaeger_is_encrypted_on_both_ports() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let tls = server_tls(&authority, dir.path());
    let (grpc, http) = (free_tcp(), free_tcp());
    let yaml = format!(
        "protocols:\n  grpc: {{endpoint: '{grpc}', tls: {tls}, auth: {{authenticator: token}}}}\n  thrift_http: {{endpoint: '{http}', tls: {tls}}}"
    );
    let running = started(&jaeger::FACTORY, &yaml, dir.path()).await;
    let known = client(&authority, true);
    let send = async |url: String, content_type: &'static str, body: &'static [u8], token: &str| {
        let mut request = Request::post(url.parse().unwrap(), content_type, body);
        request.headers.insert("authorization", token.parse().unwrap());
        known.send(request, Duration::from_secs(10)).await.unwrap()
    };
    // An empty batch: a struct that ends at once.
    let answer = send(format!("https://{http}/api/traces"), "application/x-thrift", b"\0", "").await;
    assert!(matches!(answer.status.as_u16(), 202 | 400), "{}", answer.status);
    let method = format!("https://{grpc}/jaeger.api_v2.CollectorService/PostSpans");
    let status = |answer: &net::Response| answer.headers.get("grpc-status").map(|v| v.to_str().unwrap().to_owned());
    let refused = send(method.clone(), "application/grpc", b"\0\0\0\0\0", "Bearer other").await;
    assert_eq!(status(&refused).as_deref(), Some("16"));
    let taken = send(method, "application/grpc", b"\0\0\0\0\0", "Bearer s3cret").await;
    assert_ne!(status(&taken).as_deref(), Some("16"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_over_tls() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let tls = server_tls(&authority, dir.path());
    let at = free_tcp();
    let yaml = format!("protocol: rfc5424\ntcp: {{listen_address: '{at}', tls: {tls}}}");
    let running = start(&syslog::FACTORY, &yaml, dir.path()).await;
    let connect = async |identity: bool| {
        let tls: Arc<ClientTls> = Arc::new(client_settings(&authority, identity).build(&[]).unwrap().unwrap());
        let stream = TcpStream::connect(at).await.unwrap();
        tls.connect(stream, "127.0.0.1", Duration::from_secs(10)).await
    };
    let mut stream = connect(true).await.unwrap();
    stream.write_all(b"<34>1 2026-01-02T03:04:05Z host app - - - over tls\n").await.unwrap();
    until("the message", || running.kept.logs().len() == 1).await;
    // TLS 1.3 tells a client that is refused only when it reads.
    drop(connect(false).await);
    until("it is told", || running.refused("tls") == 1).await;
    drop(stream);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_over_tls() {
    let (dir, at) = (tempfile::tempdir().unwrap(), free_tcp());
    let folder = dir.path();
    let authority = Authority::new();
    let Pair { cert, key } = authority.sign(&["127.0.0.1"]);
    let (cert, key, ca) =
        (put(folder, "cert.pem", &cert), put(folder, "key.pem", &key), put(folder, "ca.pem", authority.pem()));
    let server = Command::new("redis-server")
        .args(["--port", "0", "--tls-port", &at.port().to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &ca, "--tls-auth-clients", "no"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn();
    let Ok(mut server) = server else {
        println!("left out: there is no redis-server");
        return;
    };
    let asked = async |tls: String| {
        let yaml = format!("endpoint: '{at}'\ncollection_interval: 100ms\ninitial_delay: 1ms\n{tls}");
        let running = start(&redis::FACTORY, &yaml, folder).await;
        let up = |want: f64| points(&running.kept).iter().any(|(n, _, v)| n == "redis_up" && *v == want);
        until("an answer", || up(1.0) || (up(0.0) && tls.is_empty())).await;
        let up = up(1.0);
        running.stop().await;
        up
    };
    assert!(asked(format!("tls: {{ca_file: {ca}}}")).await);
    assert!(asked("tls: {insecure_skip_verify: true}".to_owned()).await);
    assert!(!asked(String::new()).await, "plain text is not understood there");
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn mistakes_are_told() {
    for (factory, yaml, want) in [
        (
            &zipkin::FACTORY,
            "tls: {cert_file: none.pem}\n",
            "test.yaml:1:1: error: receivers.zipkin.tls.key_file: is missing",
        ),
        (
            &loki::FACTORY,
            "protocols:\n  http:\n    tls: {}\n",
            "test.yaml:3:5: error: receivers.loki.protocols.http.tls.cert_file",
        ),
        (&json_lines::FACTORY, "tls: {cert_file: none, key_file: none}\n", "receivers.jsonlines.tls.cert_file"),
        (
            &jaeger::FACTORY,
            "protocols: {grpc: {tls: {}}}\n",
            "receivers.jaeger.protocols.grpc.tls.cert_file: is missing",
        ),
        (&syslog::FACTORY, "tcp: {tls: {}}\nprotocol: rfc5424\n", "receivers.syslog.tcp.tls.cert_file: is missing"),
    ] {
        let said = mistakes(factory, yaml);
        assert!(said.contains(want), "{yaml}: {said}");
    }
}
