//! Lines as nginx writes them, and a real nginx where there is one.

use std::process::{Child, Command, Stdio};

use foundation::UnixNanos;
use model::{Signal, Value};

use super::super::testing::{free_tcp, free_udp, mistakes, points, start, until};
use super::line::Access;
use super::{FACTORY, spans};

const LINE: &str = r#"{"msec":"1700000000.500","remote_addr":"10.0.0.9","request_method":"GET","request_uri":"/api/users/4711?full=1","status":502,
    "body_bytes_sent":153,"request_time":"0.250","upstream_addr":"10.0.0.1:8080, 10.0.0.2:8080 : unix:/run/a.sock","upstream_status":"502, - : 404",
    "upstream_response_time":"0.100, - : 0.050","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7",
    "parent_span_id":"","flags":"01","http_user_agent":"curl/8","server_protocol":"HTTP/1.1"}"#;

#[test]
fn a_line_becomes_a_server_span_and_one_for_each_attempt() {
    let access = Access::read(LINE, UnixNanos(1)).unwrap();
    let spans = spans::of(&access);
    let got: Vec<_> = spans
        .iter()
        .map(|s| (s.kind, s.name.as_str(), s.start.as_millis() % 10_000, s.end.as_millis() % 10_000, s.status.code))
        .collect();
    assert_eq!(
        got,
        [
            (2, "GET /api/users/{id}", 250, 500, 2),
            (3, "GET", 250, 350, 2),
            (3, "GET", 350, 350, 2),
            (3, "GET", 350, 400, 2)
        ]
    );
    assert_eq!(spans[0].span_id.to_string(), "00f067aa0ba902b7");
    assert!(spans[1..].iter().all(|s| s.parent_span_id == spans[0].span_id && !s.span_id.is_zero()));
    assert_eq!(spans::of(&access), spans, "ids are the same at every reading");
    let find = |n: usize, key: &str| model::attributes::get(&spans[n].attributes, key).cloned();
    assert_eq!(find(0, "url.query"), Some(Value::Str("full=1".into())));
    assert_eq!(
        (find(1, "server.port"), find(2, "error.type")),
        (Some(Value::Int(8080)), Some(Value::Str("no_response".into())))
    );
    assert_eq!(
        (find(3, "server.address"), find(3, "http.request.resend_count")),
        (Some(Value::Str("unix:/run/a.sock".into())), Some(Value::Int(2)))
    );
    let log = access.log_record(UnixNanos(1));
    assert_eq!((log.body.as_str(), log.severity_number), (Some("GET /api/users/4711?full=1 502 250 ms"), 17));
}

#[test]
fn lines_that_say_less() {
    let least = Access::read(
        r#"{"request":"POST /x HTTP/1.1","status":"201","timestamp":"2023-11-14T22:13:20+00:00"}"#,
        UnixNanos(1),
    )
    .unwrap();
    assert_eq!(
        (least.method.as_str(), least.uri.as_str(), least.end),
        ("POST", "/x", UnixNanos::from_secs(1_700_000_000))
    );
    assert!(spans::of(&least).is_empty());
    for (line, want) in
        [("plain", "is no JSON"), ("{\"status\":200}", "has no status and method"), ("[]", "no JSON object")]
    {
        assert!(Access::read(line, UnixNanos(1)).unwrap_err().contains(want), "{line}");
    }
}

#[test]
fn any_line_is_survived() {
    let any = |bytes: &[u8]| {
        if let Ok(access) = Access::read(&String::from_utf8_lossy(bytes), UnixNanos(1)) {
            assert!(spans::of(&access).iter().all(|s| s.start <= s.end));
            let log = access.log_record(UnixNanos(1));
            assert!((1..=24).contains(&log.severity_number));
        }
    };
    wire::mutation::run(any, &[LINE.into()], 8000);
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_nginx_by_syslog_and_file() {
    use super::super::nginx;
    let (dir, at, udp) = (tempfile::tempdir().unwrap(), free_tcp(), free_udp());
    let root = dir.path().display().to_string();
    let documented = include_str!("../../../../../docs/nginx.md");
    let part = |name: &str| {
        let begin = format!("<!-- {name} -->\n```nginx\n");
        documented.split_once(&begin).unwrap().1.split_once("```").unwrap().0
    };
    let conf = format!(
        "daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;\nevents {{}}\nhttp {{\n\
         client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;\n\
         {}\naccess_log {root}/access.log bellrock;\naccess_log syslog:server={udp},tag=nginx bellrock;\n\
         server {{ listen {at}; location /status {{ stub_status; access_log off; }} location / {{ return 200 \"$bellrock_trace_id\"; }} }}\n}}\n",
        part("format")
    );
    std::io::Write::write_all(&mut std::fs::File::create(dir.path().join("nginx.conf")).unwrap(), conf.as_bytes())
        .unwrap();
    let nginx_process = Command::new("nginx").args(["-p", &root, "-c", "nginx.conf"]).stderr(Stdio::null()).spawn();
    let Ok(process) = nginx_process else {
        println!("left out: there is no nginx");
        return;
    };
    let process = Process(process);
    until("nginx", || std::net::TcpStream::connect(at).is_ok()).await;
    let status = start(
        &nginx::FACTORY,
        &format!("endpoint: 'http://{at}/status'\ncollection_interval: 100ms\ninitial_delay: 1ms"),
        dir.path(),
    )
    .await;
    let yaml = format!("syslog: {{listen_address: '{udp}'}}\nmetrics_interval: 100ms");
    let syslog = start(&FACTORY, &yaml, dir.path()).await;
    let yaml = format!("include: ['{root}/access.log']\nstart_at: beginning\nmetrics_interval: 100ms");
    let file = start(&FACTORY, &yaml, dir.path()).await;
    let get = |header: &str| {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(at).unwrap();
        stream
            .write_all(
                format!("GET /shop/12345 HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{header}\r\n").as_bytes(),
            )
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.rsplit("\r\n\r\n").next().unwrap().to_owned()
    };
    let own = get("");
    let handed = get("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n");
    assert_eq!((own.len(), handed.as_str()), (32, "4bf92f3577b34da6a3ce929d0e0e4736"));
    get("traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01\r\n");
    for running in [&syslog, &file] {
        until("spans and records", || running.kept.spans().len() >= 3 && running.kept.logs().len() >= 3).await;
        let spans = running.kept.spans();
        let of = |trace: &str| spans.iter().find(|s| s.trace_id.to_string() == trace).unwrap();
        assert_eq!(of(&handed).parent_span_id.to_string(), "00f067aa0ba902b7");
        assert!(of(&own).parent_span_id.is_zero());
        assert_eq!(
            (of(&own).name.as_str(), of(&own).kind, of(&own).resource.service()),
            ("GET /shop/{id}", 2, "nginx")
        );
        let counted = || {
            points(&running.kept).iter().any(|(n, a, v)| {
                n == "http_requests_total" && a.contains("route=/shop/{id}") && a.contains("status=200") && *v == 3.0
            })
        };
        until("the count", counted).await;
        assert!(!running.kept.all(Signal::Metrics).is_empty());
    }
    let latest = |name: &str| points(&status.kept).iter().rev().find(|(n, _, _)| n == name).map(|(_, _, v)| *v);
    until("stub_status", || latest("nginx.requests").is_some_and(|n| n >= 3.0)).await;
    assert_eq!(latest("nginx_up"), Some(1.0));
    drop(process);
    until("nginx_up 0", || latest("nginx_up") == Some(0.0)).await;
    for running in [status, syslog, file] {
        running.stop().await;
    }
}

#[test]
fn mistakes_are_told() {
    let said = mistakes(&FACTORY, "{}\n");
    assert!(said.contains("reads nothing; write `include:"), "{said}");
}
