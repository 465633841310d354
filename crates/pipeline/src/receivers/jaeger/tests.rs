//! The ports of Jaeger and Zipkin, and those for pushed logs, over real sockets.

use super::super::testing::{free_tcp, free_udp, mistakes, post, start, until};
use super::super::{json_lines, loki, syslog, zipkin};
use super::*;

/// A batch of one span in the compact protocol: process `shop`, trace 1, span 2, `GET /`.
fn batch() -> Vec<u8> {
    let mut batch = b"\x1c\x18\x04shop\x00\x19\x1c".to_vec();
    batch.extend_from_slice(
        b"\x16\x02\x16\x00\x16\x04\x16\x00\x18\x05GET /\x25\x02\x16\x80\x80\xa0\x98\xf7\xfe\x85\x06\x16\x02\x00\x00",
    );
    batch
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_and_posts_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let (http, udp) = (free_tcp(), free_udp());
    let yaml = format!(
        "protocols: {{thrift_http: {{endpoint: '{http}'}}, thrift_compact: {{endpoint: '{udp}', max_packet_size: 1000}}}}"
    );
    let jaeger = start(&FACTORY, &yaml, dir.path()).await;
    let (status, _) =
        post(http, "/api/traces?format=jaeger.thrift", "application/vnd.apache.thrift.compact", &batch()).await;
    assert_eq!(status, 202);
    let (status, text) = post(http, "/api/traces", "application/x-thrift", b"nonsense").await;
    assert_eq!((status, text.contains("not valid Thrift")), (400, true), "{text}");
    assert_eq!(post(http, "/api/traces", "text/plain", b"").await.0, 415);
    assert_eq!(post(http, "/other", "application/x-thrift", b"").await.0, 404);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let call = [b"\x82\x81\x01\x09emitBatch\x1c".as_slice(), &batch(), b"\x00"].concat();
    socket.send_to(&call, udp).unwrap();
    socket.send_to(b"nonsense", udp).unwrap();
    socket.send_to(&[0; 1001], udp).unwrap();
    until("the datagram", || jaeger.kept.spans().len() == 2).await;
    until("the refusals", || jaeger.refused("udp") == 2).await;
    for span in jaeger.kept.spans() {
        assert_eq!((span.name.as_str(), span.resource.service()), ("GET /", "shop"));
    }
    // What the pipelines do not take now is tried again.
    jaeger.kept.refuse(true);
    socket.send_to(&call, udp).unwrap();
    let (status, _) = post(http, "/api/traces", "application/vnd.apache.thrift.compact", &batch()).await;
    assert_eq!(status, 503);
    jaeger.kept.refuse(false);
    until("the third", || jaeger.kept.spans().len() == 3).await;
    jaeger.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zipkin_answers_as_zipkin_does() {
    let dir = tempfile::tempdir().unwrap();
    let at = free_tcp();
    let zipkin = start(&zipkin::FACTORY, &format!("endpoint: '{at}'"), dir.path()).await;
    let span =
        br#"[{"traceId":"1","id":"2","name":"x","timestamp":1700000000000000,"localEndpoint":{"serviceName":"a"}}]"#;
    assert_eq!(post(at, "/api/v2/spans", "application/json; charset=utf-8", span).await.0, 202);
    assert_eq!(post(at, "/api/v1/spans", "application/json", span).await.0, 202);
    assert_eq!(post(at, "/api/v2/spans", "application/json", b"[]").await.0, 202);
    let (status, text) = post(at, "/api/v2/spans", "application/json", br#"[{"traceId":"x","id":"2"}]"#).await;
    assert_eq!(
        (status, text.as_str()),
        (400, "span 0: traceId `x` is not an id; write up to 32 hex digits, not all zero")
    );
    assert_eq!(zipkin.kept.spans().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_pushed() {
    let dir = tempfile::tempdir().unwrap();
    let (at, lines) = (free_tcp(), free_tcp());
    let loki = start(&loki::FACTORY, &format!("protocols: {{http: {{endpoint: '{at}'}}}}"), dir.path()).await;
    let push = br#"{"streams":[{"stream":{"app":"shop"},"values":[["1700000000000000000","hello"]]}]}"#;
    assert_eq!(post(at, "/loki/api/v1/push", "application/json", push).await.0, 204);
    let (status, text) = post(at, "/loki/api/v1/push", "application/x-protobuf", b"\xff\xff\xff\xff\x7fx").await;
    assert!(status == 400 || status == 413, "{text}");
    assert_eq!(loki.kept.bodies(), ["hello"]);
    let json = start(&json_lines::FACTORY, &format!("endpoint: '{lines}'"), dir.path()).await;
    let body = b"{\"what\":\"hi\",\"level\":\"warn\"}\nplain\n";
    assert_eq!(
        post(lines, "/insert/jsonline?_msg_field=what&service=shop", "application/stream+json", body).await.0,
        200
    );
    let got: Vec<_> = json.kept.logs().iter().map(|r| (r.resource.service().to_owned(), r.severity_number)).collect();
    assert_eq!(
        (json.kept.bodies(), got),
        (vec!["hi".to_owned(), "plain".to_owned()], vec![("shop".into(), 13), ("shop".into(), 0)])
    );
    assert_eq!(json.refused("partial"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_by_both_transports() {
    use tokio::io::AsyncWriteExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (tcp, udp) = (free_tcp(), free_udp());
    let yaml = format!(
        "tcp: {{listen_address: '{tcp}'}}\nudp: {{listen_address: '{udp}'}}\noperators: [{{type: move, from: attributes.message, to: body}}]"
    );
    let syslog = start(&syslog::FACTORY, &yaml, dir.path()).await;
    let mut stream = tokio::net::TcpStream::connect(tcp).await.unwrap();
    stream
        .write_all(b"<34>1 2023-11-14T22:13:20Z web app - - - one\n28 <34>Nov 14 22:13:20 web a: 2<34>")
        .await
        .unwrap();
    drop(stream);
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"<34>Nov 14 22:13:20 web a: three", udp).unwrap();
    until("all messages", || syslog.kept.logs().len() == 4).await;
    let mut bodies = syslog.kept.bodies();
    bodies.sort();
    assert_eq!(bodies, ["2", "<34>", "one", "three"]);
    // Without a message there is nothing to move: the operator says so, and the record stays.
    assert_eq!(syslog.refused("operator"), 1);
}

#[test]
fn wrong_settings_are_told_with_their_line() {
    let said = mistakes(&FACTORY, "protocols:\n  grpc:\n    endpoint: nowhere\n");
    assert!(said.contains("test.yaml:3") && said.contains("`nowhere` is not an address"), "{said}");
    let said = mistakes(&FACTORY, "protocols:\n  thrift_compact:\n    max_packet_size: 0\n");
    assert!(said.contains("must lie between 1 and 65507"), "{said}");
    let said = mistakes(&FACTORY, "protocols:\n  thrift_htp: {}\n");
    assert!(said.contains("did you mean `thrift_http`"), "{said}");
    let said = mistakes(&syslog::FACTORY, "protocol: rfc9\n");
    assert!(said.contains("`rfc9` is not known"), "{said}");
}
