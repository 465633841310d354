//! A real PostgreSQL server, where there is one.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::testing::{free_tcp, mistakes, points, start, until};
use super::FACTORY;

/// The newest installed server.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<_> = glob::glob("/usr/lib/postgresql/*/bin/initdb").ok()?.filter_map(Result::ok).collect();
    found.sort();
    Some(found.pop()?.parent()?.to_owned())
}

/// Runs as the user that owns servers here: PostgreSQL refuses to be root.
fn run(program: &Path, arguments: &[&str]) -> bool {
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    let mut command = match root {
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        }
        false => Command::new(program),
    };
    let ran = command.args(arguments).current_dir("/").stdout(std::process::Stdio::null()).status();
    ran.is_ok_and(|s| s.success())
}

struct Server {
    bin: PathBuf,
    data: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        run(&self.bin.join("pg_ctl"), &["-D", &self.data.to_string_lossy(), "-m", "immediate", "stop"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_asked() {
    let (dir, at) = (tempfile::tempdir().unwrap(), free_tcp());
    let Some(bin) = programs() else {
        println!("left out: there is no PostgreSQL server");
        return;
    };
    // Its own folder, which the user of servers may write.
    let open = |path: &Path| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    };
    open(dir.path());
    let data = dir.path().join("pg");
    let path = data.to_string_lossy().into_owned();
    if !run(&bin.join("initdb"), &["-D", &path, "-U", "bell", "-A", "trust", "--no-sync"]) {
        println!("left out: this user cannot make a PostgreSQL server");
        return;
    }
    let options = format!(
        "-p {} -h 127.0.0.1 -k {} -c shared_preload_libraries=pg_stat_statements -c compute_query_id=on -c fsync=off",
        at.port(),
        dir.path().display()
    );
    // Its key is the server's own, which it insists on.
    let authority = net::testing::Authority::new();
    let pair = authority.sign(&["127.0.0.1"]);
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes()).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        if let Ok(owner) = std::fs::metadata(&data).map(|m| std::os::unix::fs::MetadataExt::uid(&m)) {
            std::os::unix::fs::chown(&path, Some(owner), None).unwrap();
        }
        path.display().to_string()
    };
    let (cert, key) = (file("cert.pem", &pair.cert), file("key.pem", &pair.key));
    let options = format!("{options} -c ssl=on -c ssl_cert_file={cert} -c ssl_key_file={key}");
    let log = dir.path().join("log").to_string_lossy().into_owned();
    assert!(run(&bin.join("pg_ctl"), &["-D", &path, "-w", "-l", &log, "-o", &options, "start"]));
    let server = Server { bin, data: data.clone() };
    let text = format!(
        "host=127.0.0.1 port={} user=bell dbname=postgres application_name=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        at.port()
    );
    let (client, connection) = tokio_postgres::connect(&text, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("CREATE EXTENSION pg_stat_statements; CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)").await.unwrap();
    let yaml = format!(
        "endpoint: '{at}'\nusername: bell\ncollection_interval: 100ms\ninitial_delay: 1ms\ntop_query_collection: {{collection_interval: 100ms}}\n\
         metrics: {{postgresql.tup_returned: {{enabled: false}}}}"
    );
    let running = start(&FACTORY, &yaml, dir.path()).await;
    let latest = |name: &str, label: &str| {
        let all = points(&running.kept);
        all.iter().rev().find(|(n, a, _)| n == name && a.contains(label)).map(|(_, _, v)| *v)
    };
    until("postgresql_up 1", || latest("postgresql_up", "") == Some(1.0)).await;
    let stuck = client.query("SELECT pg_sleep(1.5)", &[]);
    let watched = async {
        until("the sample", || running.kept.logs().iter().any(|r| r.event_name == "db.server.query_sample")).await;
    };
    let (slept, ()) = tokio::join!(stuck, watched);
    slept.unwrap();
    let sample = running.kept.logs().into_iter().find(|r| r.event_name == "db.server.query_sample").unwrap();
    assert_eq!(sample.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    until("the statement", || {
        let sleeps = |r: &model::LogRecord| format!("{:?}", r.attributes).contains("pg_sleep");
        running.kept.logs().iter().any(|r| r.event_name == "db.server.top_query" && sleeps(r))
    })
    .await;
    assert_eq!(latest("postgresql.connection.max", ""), Some(100.0));
    until("the rows", || latest("postgresql.operations", "operation=ins") == Some(100.0)).await;
    assert!(latest("postgresql.db_size", "").unwrap() > 1e6);
    assert!(latest("postgresql.commits", "").unwrap() > 0.0);
    assert!(latest("postgresql.index.size", "").unwrap() > 0.0);
    for name in [
        "postgresql.backends",
        "postgresql.bgwriter.checkpoint.count",
        "postgresql.connections",
        "db_connections_active",
        "postgresql.database.locks",
        "postgresql.blocks_read",
    ] {
        assert!(latest(name, "").is_some(), "{name}");
    }
    assert_eq!(latest("postgresql.tup_returned", ""), None);
    assert_eq!(running.host.journal.refusals(), []);
    // Where nothing is written, what can be encrypted is; with `tls` it has to be, and the certificate has to be right.
    let encrypted = async || -> i64 {
        let sql = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'bellrock'";
        client.query_one(sql, &[]).await.unwrap().get(0)
    };
    assert!(encrypted().await > 0);
    let with = async |tls: String| {
        let yaml =
            format!("endpoint: '{at}'\nusername: bell\ncollection_interval: 100ms\ninitial_delay: 1ms\ntls: {tls}");
        let running = start(&FACTORY, &yaml, dir.path()).await;
        until("an answer", || points(&running.kept).iter().any(|(n, _, _)| n == "postgresql_up")).await;
        let up = points(&running.kept).into_iter().find(|(n, _, _)| n == "postgresql_up").map(|(_, _, v)| v);
        let why = running.host.journal.refusals().first().map(|r| r.message.clone()).unwrap_or_default();
        running.stop().await;
        (up, why)
    };
    let ca = file("ca.pem", authority.pem());
    assert_eq!(with(format!("{{ca_file: {ca}}}")).await.0, Some(1.0));
    assert_eq!(with("{insecure: true}".to_owned()).await.0, Some(1.0));
    let (up, why) = with("{}".to_owned()).await;
    assert!(up == Some(0.0) && why.contains("ca_file"), "{why}");
    drop(server);
    until("postgresql_up 0", || latest("postgresql_up", "") == Some(0.0)).await;
    running.stop().await;
}

#[test]
fn mistakes_are_told() {
    for (yaml, want) in [
        ("{}\n", "username: is missing"),
        ("username: a\nendpoint: here\n", "write `localhost:5432`"),
        ("username: a\ntls: {cert_file: c.pem}\n", "receivers.postgresql.tls.key_file: is missing"),
    ] {
        let said = mistakes(&FACTORY, yaml);
        assert!(said.contains(want), "{yaml}: {said}");
    }
}
