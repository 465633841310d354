//! Scraping a target over loopback: what is stored, and what becomes of what goes away.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foundation::Clock;
use foundation::clock::SystemClock;
use foundation::disk::{RealDisk, SharedDisk};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::sync::watch;
use tsdb::{MatchOp, Matcher, ReadLimits, Tsdb};

use super::config::{Group, Protocol, Scheme, ScrapeConfig, ScrapeLimits, Scraping};
use super::relabel::{Action, Rule};
use super::{Destination, Health, Targets, serve};
use crate::ingest::{Acceptance, Engines, Ingest};
use crate::journal::Journal;

/// A target whose answer can be changed; it also keeps the last request's headers.
#[derive(Clone, Default)]
struct FakeTarget(Arc<Mutex<Fake>>);

#[derive(Default)]
struct Fake {
    status: u16,
    content_type: String,
    body: String,
    seen: Option<http::HeaderMap>,
    path: String,
}

impl FakeTarget {
    fn show(&self, body: &str) {
        let mut fake = self.0.lock();
        (fake.status, fake.content_type, fake.body) = (200, "text/plain; version=0.0.4".into(), body.into());
    }

    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let fake = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = fake.clone();
                let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let mut f = fake.0.lock();
                    f.seen = Some(request.headers().clone());
                    f.path = request.uri().to_string();
                    let response = http::Response::builder()
                        .status(f.status)
                        .header("content-type", &f.content_type)
                        .body(Full::new(Bytes::from(f.body.clone())))
                        .unwrap();
                    async move { Ok::<_, Infallible>(response) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        address
    }
}

struct Fixture {
    db: Arc<Tsdb>,
    targets: Targets,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
    _dir: tempfile::TempDir,
}

fn config(address: &str) -> ScrapeConfig {
    ScrapeConfig {
        job_name: "test".into(),
        scrape_interval: Duration::from_millis(100),
        scrape_timeout: Duration::from_millis(100),
        scrape_protocols: Protocol::DEFAULT.to_vec(),
        fallback_scrape_protocol: None,
        metrics_path: "/metrics".into(),
        params: Vec::new(),
        honor_labels: false,
        honor_timestamps: true,
        track_timestamps_staleness: false,
        enable_compression: true,
        scrape_native_histograms: false,
        always_scrape_classic_histograms: false,
        scheme: Scheme::Http,
        http: net::HttpConfig::default(),
        static_configs: vec![Group { targets: vec![address.to_owned()], labels: vec![("env".into(), "prod".into())] }],
        file_sd_configs: Vec::new(),
        relabel_configs: Vec::new(),
        metric_relabel_configs: Vec::new(),
        limits: ScrapeLimits::default(),
    }
}

fn basic(user: &str, password: &str) -> net::BasicAuth {
    net::BasicAuth { username: user.into(), password: Some(net::Secret::new(password)), ..Default::default() }
}

fn start(config: ScrapeConfig) -> Fixture {
    start_into(config, Destination::Engine)
}

/// Scrapes into what `destination` makes of the engine.
fn start_into(config: ScrapeConfig, destination: impl Fn(Ingest) -> Destination) -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let disk: SharedDisk = Arc::new(RealDisk);
    let events =
        eventstore::EventStore::open(disk.clone(), eventstore::Config::new(dir.path().join("events"))).unwrap();
    let db = Arc::new(Tsdb::open(disk, clock.clone(), tsdb::Options::new(dir.path().join("metrics"))).unwrap());
    let acceptance = Acceptance { past_max: Duration::from_secs(86_400), future_max: Duration::from_secs(60) };
    let engines = Engines { events: Arc::new(events), metrics: db.clone() };
    let ingest = Ingest::new(engines, clock.clone(), acceptance, Journal::new(clock.clone()));
    let targets = Targets::default();
    let (stop, stopped) = watch::channel(false);
    let scraping = Scraping { pools: vec![config], ..Scraping::default() };
    let task = tokio::spawn(serve(scraping, destination(ingest), clock, targets.clone(), stopped));
    Fixture { db, targets, stop, task, _dir: dir }
}

impl Fixture {
    /// The series of a metric with their samples; a stale marker is `None`.
    fn samples(&self, name: &str) -> Vec<(String, Vec<Option<f64>>)> {
        let matcher = Matcher::new("__name__", MatchOp::Eq, name);
        let range = (i64::MIN, i64::MAX);
        let set = self.db.select(&model::AccessScope::ALL, &[matcher], range, ReadLimits::default()).unwrap();
        let value = |s: &tsdb::Sample| (!tsdb::is_stale(s.v)).then_some(s.v);
        set.collect().unwrap().iter().map(|s| (s.labels.to_string(), s.samples.iter().map(value).collect())).collect()
    }

    /// The newest sample of the only series of a metric; `None` as long as there is none.
    fn last(&self, name: &str) -> Option<Option<f64>> {
        self.samples(name).first().and_then(|(_, samples)| samples.last().copied())
    }

    /// Waits until `check` gives something.
    async fn until<T>(&self, what: &str, mut check: impl FnMut(&Self) -> Option<T>) -> T {
        let end = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(found) = check(self) {
                return found;
            }
            assert!(std::time::Instant::now() < end, "not in time: {what}; targets: {:?}", self.targets.pools());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_target_shows_is_stored_with_its_labels() {
    let fake = FakeTarget::default();
    fake.show("# TYPE hits counter\n# HELP hits Hits.\nhits{env=\"dev\",code=\"200\"} 3\nsecret{} 1\n");
    let address = fake.start().await;
    let mut config = config(&address);
    let rule = |source: &str, regex: &str, target: &str, action| Rule {
        source_labels: vec![source.into()],
        separator: ";".into(),
        regex: re2::compile_anchored(regex).unwrap(),
        pattern: regex.into(),
        modulus: 0,
        target_label: target.into(),
        replacement: "$1".into(),
        action,
    };
    config.relabel_configs = vec![rule("__address__", "(127).*", "net", Action::Replace)];
    config.metric_relabel_configs =
        vec![rule("__name__", "secret", "", Action::Drop), rule("code", "(2)..", "class", Action::Replace)];
    config.params = vec![("format".into(), vec!["a b".into()])];
    config.http.basic_auth = Some(basic("me", "pw"));
    let tenant = net::HeaderValues { secrets: vec![net::Secret::new("t1")], ..Default::default() };
    config.http.http_headers = [("x-tenant".to_owned(), tenant)].into();
    let f = start(config);
    f.until("the sample", |f| (f.last("hits")? == Some(3.0)).then_some(())).await;
    let own = format!("env=\"prod\", instance=\"{address}\", job=\"test\", net=\"127\"");
    assert_eq!(
        f.samples("hits")[0].0,
        format!(
            "hits{{class=\"2\", code=\"200\", env=\"prod\", exported_env=\"dev\", instance=\"{address}\", job=\"test\", net=\"127\"}}"
        )
    );
    assert!(f.samples("secret").is_empty());
    assert_eq!(f.samples("up")[0].0, format!("up{{{own}}}"));
    for (name, value) in [("up", 1.0), ("scrape_samples_scraped", 2.0), ("scrape_samples_post_metric_relabeling", 1.0)]
    {
        assert_eq!(f.last(name), Some(Some(value)), "{name}");
    }
    let added = f.samples("scrape_series_added")[0].1.clone();
    assert_eq!(added[0], Some(1.0));
    let target = f.targets.pools()[0].active[0].clone();
    assert_eq!((target.health, target.last_error.as_str()), (Health::Up, ""));
    assert_eq!(target.scrape_url, format!("http://{address}/metrics?format=a+b"));
    assert_eq!((target.metadata[0].0.as_str(), target.metadata[0].1.help.as_str()), ("hits", "Hits."));
    let seen = fake.0.lock().seen.clone().unwrap();
    assert_eq!(
        (&seen["authorization"], &seen["x-tenant"], &seen["accept-encoding"]),
        (&"Basic bWU6cHc=".parse().unwrap(), &"t1".parse().unwrap(), &"gzip".parse().unwrap())
    );
    assert!(
        seen["accept"]
            .to_str()
            .unwrap()
            .starts_with("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,")
    );
    assert_eq!(fake.0.lock().path, "/metrics?format=a+b");
    f.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_away_becomes_stale() {
    let fake = FakeTarget::default();
    fake.show("a 1\nb 2\nc 3 1700000000000\n");
    let f = start(config(&fake.start().await));
    f.until("b", |f| f.last("b")?).await;
    fake.show("a 1\n");
    f.until("the marker of b", |f| f.last("b")?.is_none().then_some(())).await;
    assert_ne!(f.last("a"), Some(None));
    assert_eq!(f.samples("b")[0].1.iter().filter(|v| v.is_none()).count(), 1);
    // The target fails: everything is stale, `up` is 0.
    fake.0.lock().status = 500;
    f.until("the marker of a", |f| f.last("a")?.is_none().then_some(())).await;
    f.until("down", |f| (f.last("up")? == Some(0.0)).then_some(())).await;
    let target = f.targets.pools()[0].active[0].clone();
    assert_eq!(target.health, Health::Down);
    assert_eq!(target.last_error, "server returned HTTP status 500 Internal Server Error");
    // And it comes back.
    fake.show("a 5\n");
    f.until("a again", |f| (f.last("a")? == Some(5.0)).then_some(())).await;
    f.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_answers_and_limits_fail_the_scrape() {
    let cases: [(&str, &str, fn(&mut ScrapeLimits), &str); 6] = [
        ("text/html", "a 1", |_| {}, "unsupported Content-Type \"text/html\""),
        ("text/plain", "a 1\nb", |_| {}, "line 2: expected a number"),
        ("text/plain", "a 1\nb 1\n", |l| l.sample_limit = 1, "sample limit of 1 exceeded"),
        (
            "text/plain",
            "a{x=\"1\"} 1\n",
            |l| l.label_limit = 4,
            "label_limit exceeded (metric: a, labels: 5, limit: 4)",
        ),
        (
            "text/plain",
            "a{x=\"12345678901\"} 1\n",
            |l| l.label_value_length_limit = 10,
            "label_value_length_limit exceeded",
        ),
        ("text/plain", "a 1\nb 1\n", |l| l.body_size_limit = 5, "body size limit of 5 bytes exceeded"),
    ];
    for (content_type, body, limit, want) in cases {
        let fake = FakeTarget::default();
        fake.show(body);
        fake.0.lock().content_type = content_type.into();
        let mut config = config(&fake.start().await);
        // Shorter than the label values that every target has.
        config.static_configs[0].labels.clear();
        config.job_name = "t".into();
        limit(&mut config.limits);
        if config.limits.label_limit > 0 {
            config.static_configs[0].labels = vec![("env".into(), "x".into())];
        }
        let f = start(config);
        f.until("down", |f| (f.last("up")? == Some(0.0)).then_some(())).await;
        let error = f.targets.pools()[0].active[0].last_error.clone();
        assert!(error.contains(want), "{want}: {error}");
        assert!(f.samples("a").is_empty());
        f.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_in_files_come_and_go() {
    let fake = FakeTarget::default();
    fake.show("a 1\n");
    let address = fake.start().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("targets.json");
    let write =
        |text: String| std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes()).unwrap();
    write(format!(r#"[{{"targets": ["{address}"], "labels": {{"zone": "z1"}}}}]"#));
    let mut config = config(&address);
    config.static_configs.clear();
    let refresh_interval = Duration::from_millis(20);
    config.file_sd_configs = vec![super::config::FileSd { files: vec![dir.path().join("*.json")], refresh_interval }];
    let f = start(config);
    f.until("a", |f| f.last("a")?).await;
    assert!(f.samples("a")[0].0.contains("zone=\"z1\""));
    assert_eq!(f.targets.pools()[0].active[0].discovered_labels.get("__meta_filepath"), path.to_str().unwrap());
    // A file that is broken changes nothing; one without the target ends its series.
    write("not a list".into());
    write("[]  ".into());
    f.until("no target", |f| f.targets.pools()[0].active.is_empty().then_some(())).await;
    f.until("the marker", |f| f.last("a")?.is_none().then_some(())).await;
    f.until("the marker of up", |f| f.last("up")?.is_none().then_some(())).await;
    f.stop().await;
}

fn refusal(targets: &Targets) -> Option<String> {
    targets.pools().first()?.active.first().map(|t| t.last_error.clone()).filter(|error| !error.is_empty())
}

fn shown(_: &net::testing::Received) -> net::testing::Reply {
    net::testing::Reply::status(200, "hits 3\n").with("content-type", "text/plain; version=0.0.4")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_scraped_over_tls_when_its_authority_is_trusted() {
    let authority = net::testing::Authority::new();
    let server = net::testing::Server::start_tls(authority.server(&["localhost"]), shown).await;
    let mut config = config(&format!("localhost:{}", server.address().port()));
    config.scheme = Scheme::Https;
    (config.scrape_interval, config.scrape_timeout) = (Duration::from_millis(500), Duration::from_millis(500));
    config.http.basic_auth = Some(basic("me", "pw"));
    let stranger = start(config.clone());
    let error = stranger.until("a refusal", |f| refusal(&f.targets)).await;
    assert!(error.contains("https://localhost") && error.contains("certificate"), "{error}");
    assert!(server.received().is_empty());

    config.http.tls_config.ca = Some(authority.pem().to_owned());
    let f = start(config);
    f.until("the sample", |f| (f.last("hits")? == Some(3.0)).then_some(())).await;
    assert_eq!(server.last().header("authorization"), "Basic bWU6cHc=");
    assert!(f.targets.pools()[0].active[0].scrape_url.starts_with("https://localhost:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_scraped_through_a_proxy() {
    let proxy = net::testing::Server::start(shown).await;
    let mut config = config("node.invalid:9100");
    config.http.proxy_url = Some(net::Secret::new(format!("http://{}", proxy.address())));
    let f = start(config);
    f.until("the sample", |f| (f.last("hits")? == Some(3.0)).then_some(())).await;
    assert_eq!(proxy.last().path, "http://node.invalid:9100/metrics");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_in_between_changes_no_series() {
    let target = FakeTarget::default();
    let page = |up: u32| {
        format!(
            "# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total{{queue=\"a\"}} {up}\n# TYPE temp_celsius gauge\ntemp_celsius -3.5\n\
             # TYPE took_seconds histogram\ntook_seconds_bucket{{le=\"0.1\"}} 1\ntook_seconds_bucket{{le=\"+Inf\"}} 4\ntook_seconds_sum 7.5\n\
             took_seconds_count 4\n# TYPE size summary\nsize{{quantile=\"0.5\"}} 2\nsize_sum 9\nsize_count 3\nplain{{instance=\"own\"}} 1\n"
        )
    };
    target.show(&page(1));
    let address = target.start().await;
    let (direct, through) = (
        start(config(&address)),
        start_into(config(&address), |ingest| {
            let journal = ingest.journal().clone();
            Destination::Pipeline(Arc::new(ingest), journal)
        }),
    );
    let names = [
        "jobs_total",
        "temp_celsius",
        "took_seconds_bucket",
        "took_seconds_sum",
        "took_seconds_count",
        "size",
        "size_sum",
        "size_count",
        "plain",
        "up",
        "scrape_samples_scraped",
    ];
    // The newest sample of each series, without what the engine adds to everything that comes by OTLP.
    let own = |labels: String| labels.replace(", service=\"test\", service_name=\"test\"", "");
    let seen = |f: &Fixture| -> Vec<(String, Option<f64>)> {
        let of_name = |name: &&str| f.samples(name).into_iter().map(|(l, s)| (own(l), s.last().copied().flatten()));
        names.iter().flat_map(of_name).collect()
    };
    for fixture in [&direct, &through] {
        fixture
            .until("the series are there", |f| (f.last("plain")?? == 1.0 && f.last("up")?? == 1.0).then_some(()))
            .await;
    }
    assert_eq!(seen(&through), seen(&direct));
    assert!(seen(&direct).iter().any(|(labels, _)| labels.contains("job=\"test\"") && labels.contains("env=\"prod\"")));
    // What goes away ends, on both ways.
    target.show("jobs_total{queue=\"a\"} 2\n");
    for fixture in [&direct, &through] {
        for name in
            names.iter().filter(|name| !name.starts_with("jobs") && !name.starts_with("scrape") && **name != "up")
        {
            let ended = |f: &Fixture| f.samples(name).iter().all(|(_, samples)| samples.last() == Some(&None));
            fixture.until(name, |f| ended(f).then_some(())).await;
        }
        fixture.until("it counts on", |f| (f.last("jobs_total")?? == 2.0).then_some(())).await;
    }
    direct.stop().await;
    through.stop().await;
}
