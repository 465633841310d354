//! Authorization, headers, redirects, limits, time.

use std::net::TcpListener;
use std::time::Duration;

use serde::Deserialize;

use super::*;
use crate::testing::{Reply, Server};
use crate::{Secret, Step};

async fn ok() -> Server {
    Server::start(|_| Reply::status(200, "yes")).await
}

#[tokio::test]
async fn each_scheme_makes_its_header() {
    let server = ok().await;
    let cases = [
        ("basic_auth: {username: u, password: 12345}", "Basic dToxMjM0NQ=="),
        ("authorization: {credentials: t}", "Bearer t"),
        ("authorization: {type: Token, credentials: t}", "Token t"),
        ("bearer_token: old", "Bearer old"),
        ("{}", ""),
    ];
    for (yaml, header) in cases {
        let response = post(&client(yaml), server.url("/x?y=1")).await.unwrap();
        assert_eq!((response.status.as_u16(), &response.body[..], response.truncated), (200, &b"yes"[..], false));
        let got = server.last();
        assert_eq!(got.header("authorization"), header, "{yaml}");
        assert_eq!((got.method.as_str(), got.path.as_str(), got.text()), ("POST", "/x?y=1", "{}"));
        assert!(got.header("user-agent").starts_with("bellrock/"));
    }
}

#[tokio::test]
async fn secrets_in_files_are_read_for_each_request() {
    let server = ok().await;
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let mut file = std::fs::File::create(folder.path().join(name)).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    };
    put("token", "  one\n");
    put("key", "k1");
    let mut config =
        config("authorization: {credentials_file: token}\nhttp_headers: {X-Key: {files: [key], values: [v]}}");
    config.set_directory(folder.path());
    let client = Client::new(&config, ClientOptions::default()).unwrap();
    post(&client, server.url("/")).await.unwrap();
    assert_eq!(server.last().header("authorization"), "Bearer one");
    let keys: Vec<_> = server.last().headers.get_all("x-key").iter().map(|v| v.to_str().unwrap().to_owned()).collect();
    assert_eq!(keys, ["v", "k1"]);
    put("token", "two");
    post(&client, server.url("/")).await.unwrap();
    assert_eq!(server.last().header("authorization"), "Bearer two");
    std::fs::remove_file(folder.path().join("token")).unwrap();
    let error = post(&client, server.url("/")).await.unwrap_err();
    assert_eq!(error.step(), Step::Prepare);
    assert!(error.to_string().contains("token") && error.is_retryable(), "{error}");
}

#[tokio::test]
async fn redirects_are_followed_unless_told_otherwise_and_secret_headers_stay_home() {
    let other = ok().await;
    let target = other.url("/end").to_string();
    let server = Server::start(move |_| Reply::status(307, "").with("location", target.clone())).await;
    assert_eq!(post(&client("{}"), server.url("/")).await.unwrap().status, 200);
    assert_eq!(other.last().text(), "{}", "307 keeps method and body");
    assert_eq!(post(&client("follow_redirects: false"), server.url("/")).await.unwrap().status, 307);
    let secret = client("http_headers: {X-Key: {secrets: [k]}}");
    assert_eq!(post(&secret, server.url("/")).await.unwrap().status, 307);
    assert_eq!(other.received().len(), 1);
    let bearer = client("authorization: {credentials: t}");
    assert_eq!(post(&bearer, server.url("/")).await.unwrap().status, 200);
    assert_eq!(other.last().header("authorization"), "", "not for another origin");
}

#[tokio::test]
async fn what_fails_is_named_by_its_step_and_holds_no_secret() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let client = client("basic_auth: {username: u, password: hunter2}");
    let refused = post(&client, Url::parse(&format!("http://127.0.0.1:{port}/T0P/SECRET?k=SECRET")).unwrap()).await;
    let unknown = post(&client, Url::parse("http://nowhere.invalid/SECRET").unwrap()).await;
    let garbage = Server::start(|_| Reply::Close).await;
    let closed = post(&client, garbage.url("/SECRET")).await;
    for (error, step) in [(refused, Step::Connect), (unknown, Step::Dns), (closed, Step::Answer)] {
        let error = error.unwrap_err();
        assert_eq!(error.step(), step, "{error}");
        assert!(error.is_retryable());
        let all = format!("{error} {error:?} {client:?}");
        assert!(!all.contains("SECRET") && !all.contains("hunter2"), "{all}");
    }
}

#[tokio::test]
async fn a_slow_server_meets_the_deadline() {
    let server = Server::start(|_| Reply::Hang).await;
    let request = Request::get(server.url("/"));
    let error = client("{}").send(request, Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(error.step(), Step::Answer);
    assert!(error.to_string().contains("no answer within 50ms"), "{error}");
}

#[tokio::test]
async fn a_long_answer_is_cut_or_refused() {
    let server = Server::start(|_| Reply::status(500, &"x".repeat(100_000))).await;
    let options = ClientOptions { body_bytes_max: 1000, ..ClientOptions::default() };
    let client = Client::new(&HttpConfig::default(), options).unwrap();
    let response = post(&client, server.url("/")).await.unwrap();
    assert_eq!((response.status.as_u16(), response.body.len(), response.truncated), (500, 1000, true));
    let mut answer = client.open(Request::get(server.url("/")), DEADLINE).await.unwrap();
    assert_eq!(answer.read_whole(1000).await.unwrap_err().kind(), foundation::ErrorKind::TooLarge);
    let mut answer = client.open(Request::get(server.url("/")), DEADLINE).await.unwrap();
    assert_eq!(answer.read_whole(100_000).await.unwrap().len(), 100_000);
}

#[tokio::test]
async fn retry_after_is_seconds_or_a_date() {
    let now = foundation::UnixNanos::from_secs(784_111_777);
    for (text, seconds) in [
        ("7", Some(7)),
        ("Sun, 06 Nov 1994 08:49:40 GMT", Some(3)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
        ("soon", None),
    ] {
        let server = Server::start(move |_| Reply::status(429, "").with("retry-after", text)).await;
        let response = post(&client("{}"), server.url("/")).await.unwrap();
        assert_eq!(response.retry_after(now), seconds.map(Duration::from_secs), "{text}");
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let bad = config(
        "basic_auth: {username: u, password: p, password_file: f}\nbearer_token: t\nproxy_url: ftp://x\nno_proxy: y\n\
         http_headers: {Authorization: {values: [x]}}\ntls_config: {cert_file: c, max_version: TLS11}\noauth2: {client_id: x}",
    );
    let errors: Vec<String> = bad.check().iter().map(ToString::to_string).collect();
    let expected = [
        "oauth2: at most one of basic_auth, oauth2, bearer_token may be set",
        "basic_auth.password: set password or password_file, not both",
        "oauth2.token_url: is missing",
        "oauth2.client_secret: is missing: set it or client_secret_file",
        "tls_config.key_file: is missing: the certificate needs its key",
        "tls_config.max_version: leaves no version: TLS12 and TLS13 are spoken",
        "http_headers.Authorization: this header is set by other settings (authorization, basic_auth)",
        "proxy_url: a proxy is http://host:port, https://host:port or socks5://host:port",
    ];
    assert_eq!(errors, expected);
    assert!(Client::new(&bad, ClientOptions::default()).is_err());
}

#[test]
fn a_configuration_can_be_part_of_another_and_is_exported_without_secrets() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Job {
        job_name: String,
        #[serde(flatten)]
        http: HttpConfig,
    }
    let job: Job =
        serde_saphyr::from_str("job_name: x\nbasic_auth: {username: u, password: p}\nenable_http2: false").unwrap();
    assert_eq!((job.job_name.as_str(), job.http.enable_http2, job.http.follow_redirects), ("x", false, true));
    assert!(serde_saphyr::from_str::<Job>("job_name: x\nbasic_aut: {}").is_err());
    let exported = serde_json::to_string(&job.http).unwrap();
    assert_eq!(
        exported,
        r#"{"basic_auth":{"username":"u","password":"<secret>"},"follow_redirects":true,"enable_http2":false}"#
    );
    let error = serde_saphyr::from_str::<HttpConfig>("bearer_token: <secret>").unwrap_err().to_string();
    assert!(error.contains("write the secret itself"), "{error}");
    assert_eq!(format!("{:?}", Secret::new("x")), "<secret>");
}
