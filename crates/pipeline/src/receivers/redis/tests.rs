//! A real `redis-server`, where there is one.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};

use super::super::testing::{free_tcp, mistakes, points, start, until};
use super::FACTORY;

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_asked() {
    let (dir, at) = (tempfile::tempdir().unwrap(), free_tcp());
    let port = at.port().to_string();
    let server = Command::new("redis-server")
        .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--requirepass", "secret"])
        .args(["--slowlog-log-slower-than", "0"])
        .current_dir(dir.path())
        .stdout(Stdio::null())
        .spawn();
    let Ok(server) = server else {
        println!("left out: there is no redis-server");
        return;
    };
    let server = Process(server);
    let yaml = format!(
        "endpoint: '{at}'\npassword: secret\ncollection_interval: 100ms\ninitial_delay: 1ms\nmetrics: {{redis.commands: {{enabled: false}}}}"
    );
    let running = start(&FACTORY, &yaml, dir.path()).await;
    let up = |want: f64| {
        points(&running.kept).iter().rev().find(|(n, _, _)| n == "redis_up").is_some_and(|(_, _, v)| *v == want)
    };
    until("redis_up 1", || up(1.0)).await;
    let mut connection = super::resp::Connection::open(&at.to_string(), false, None).await.unwrap();
    connection.call(&["AUTH", "secret"]).await.unwrap().ok().unwrap();
    connection.call(&["SET", "key", "value"]).await.unwrap().ok().unwrap();
    connection.call(&["GET", "key"]).await.unwrap().ok().unwrap();
    connection.call(&["GET", "nothing"]).await.unwrap().ok().unwrap();
    let latest = |name: &str, label: &str| {
        let all = points(&running.kept);
        all.iter().rev().find(|(n, a, _)| n == name && a.contains(label)).map(|(_, _, v)| *v)
    };
    until("the hit", || latest("redis.keyspace.hits", "") == Some(1.0)).await;
    assert_eq!(latest("redis.keyspace.misses", ""), Some(1.0));
    assert_eq!(latest("redis.db.keys", "db=0"), Some(1.0));
    assert_eq!(latest("redis.cmd.calls", "cmd=set"), Some(1.0));
    let names: BTreeMap<String, f64> = points(&running.kept).into_iter().map(|(n, _, v)| (n, v)).collect();
    assert_eq!(names.get("redis.memory.used"), names.get("redis_memory_usage_bytes"));
    assert!(
        names["redis.memory.used"] > 100_000.0
            && names.contains_key("redis.cpu.time")
            && !names.contains_key("redis.commands")
    );
    until("the slow log", || running.kept.bodies().iter().any(|b| b.ends_with("SET key value"))).await;
    drop(server);
    until("redis_up 0", || up(0.0)).await;
    assert!(running.refused("scrape") > 0);
    running.stop().await;
}

#[test]
fn mistakes_are_told() {
    for (yaml, want) in [
        ("{}\n", "`endpoint: localhost:6379`"),
        ("endpoint: a:1\ntransport: udp\n", "`udp` is not known"),
        ("endpoint: a:1\ntls: {cert_file: c.pem}\n", "receivers.redis.tls.key_file: is missing"),
        ("endpoint: /run/a\ntransport: unix\ntls: {insecure: false}\n", "has no use on a unix socket"),
    ] {
        let said = mistakes(&FACTORY, yaml);
        assert!(said.contains(want), "{yaml}: {said}");
    }
}
