//! `bellrock serve`: start in order, run, stop in order.
//!
//! Start: lock the data directory, bind every port, answer health checks, open
//! the engines (which replays their logs), then take telemetry.
//! Stop: stop taking telemetry and answer what is in flight, stop the API and
//! UI, flush the engines, health and self-metrics last. Each phase has a deadline; what was
//! acknowledged is in the logs whatever happens.

pub(crate) mod alerting;
mod background;
mod demo;
mod derived;
mod faces;
pub(crate) mod listen;
pub(crate) mod live;
pub(crate) mod rejected;
mod rules;
pub(crate) mod signals;
mod slos;

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::alerting::Timeline;
use ::derived::Derived;
use anyhow::Context as _;
use api::health::Readiness;
use api::reload::Reload;
use api::sources::Alertmanagers;
use api::{Alerting, App, Endpoints, QueryLimits, ServerInfo, Settings, Sources};
use eventstore::EventStore;
use foundation::Clock;
use foundation::clock::SystemClock;
use foundation::disk::{RealDisk, SharedDisk};
use foundation::shutdown::Shutdown;
use foundation::units::format_duration;
use metastore::Metastore;
use pipeline::budget::Budget;
use pipeline::component::{Host, Shared, Sockets, StatusBoard};
use pipeline::ingest::Acceptance;
use pipeline::{Engines, Import, Ingest, Journal, RemoteWrite, RequestLimit, scrape};
use storage::{Retention, Running};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tsdb::Tsdb;

use crate::cli::ServeArgs;
use crate::config::{self, Config, ConfigError, Loaded};
use crate::{data_dir, start_pages};
use live::Live;
use signals::{Asked, Signals};

/// How long the engines get to write what is in memory to segments. It is safe in the logs either
/// way; a flushed store only starts faster.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the server until SIGINT or SIGTERM.
pub(crate) fn run(loaded: Loaded, args: ServeArgs) -> anyhow::Result<()> {
    start_logging(&loaded.config)?;
    pipeline::connections::raise_open_files();
    live::warn(&loaded.warnings);
    let (runtime, faces) = (threads("bellrock")?, threads("faces")?);
    let result = runtime.block_on(serve(loaded, args, faces.handle()));
    // Connections that outlived their deadline are cut off here.
    faces.shutdown_timeout(Duration::from_millis(500));
    runtime.shutdown_timeout(Duration::from_millis(500));
    result
}

/// Threads that serve sockets, as many as there are cores.
pub(crate) fn threads(name: &str) -> anyhow::Result<Runtime> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name(name).build();
    threads.context("cannot start the threads that serve sockets")
}

pub(crate) fn start_logging(config: &Config) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log).with_context(|| {
        format!("--log: `{}` is not a log filter; write `info` or `warn,pipeline=debug`", config.log)
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
    Ok(())
}

async fn serve(loaded: Loaded, args: ServeArgs, threads: &Handle) -> anyhow::Result<()> {
    let Loaded { config, plan, yaml, fixed, warnings: _ } = loaded;
    let begin = Instant::now();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let started = clock.now();
    let alert_reader = alerting::Reader::new(&config, clock.clone());
    let alert_config = tokio::task::block_in_place(|| alert_reader.read())?;
    // Locked until the process is gone: threads may outlive a stop that ran out of time.
    let data_dir = ManuallyDrop::new(data_dir::open(&config.data_dir)?);
    let sockets = Sockets::default();
    let ports = listen::bind_all(&config, &plan, &sockets).await?;
    listen::warn_if_exposed(&ports);
    let endpoints = ports.endpoints();

    // The admin ports outlive the others: they can say that the server is starting or stopping.
    let (stop_admin, admin_stopped) = watch::channel(false);
    let mut admin = JoinSet::new();
    let readiness = Readiness::default();
    let board = StatusBoard::new(clock.clone());
    let health = api::health::router(readiness.clone(), board.clone());
    faces::spawn(&mut admin, threads, ports.health.socket, health, admin_stopped.clone())?;

    let metastore = tokio::task::spawn_blocking({
        let (dir, clock) = (data_dir.path.clone(), clock.clone());
        move || Metastore::open(&dir, clock)
    })
    .await
    .context("opening the metadata failed")??;
    let (engines, derived) = tokio::task::spawn_blocking({
        let (config, dir, clock) = (config.clone(), data_dir.path.clone(), clock.clone());
        let store = metastore.clone();
        move || open_engines(&config, &dir, &store, clock)
    })
    .await
    .context("opening the data failed")??;

    let timeline = Timeline::start(metastore.clone()).context("cannot start the timeline of alerts")?;
    let alerting = tokio::task::block_in_place(|| {
        alerting::open(alert_reader, alert_config, metastore.clone(), timeline.clone(), clock.clone())
    })?;

    let journal = Journal::new(clock.clone());
    let acceptance = Acceptance { past_max: accepted_past(&config), future_max: config.future_max };
    let ingest = Ingest::new(engines.clone(), clock.clone(), acceptance, journal.clone());
    let budget = Budget::new(config.requests_bytes_max.as_usize());
    let write_limit = RequestLimit {
        bytes: config.remote_write_request_bytes_max.as_usize(),
        setting: "remote_write_receiver.max_request_body_size",
    };
    let remote_write = RemoteWrite::new(ingest.clone(), write_limit, budget.clone());
    let targets = scrape::Targets::default();
    let rules = tokio::task::block_in_place(|| {
        rules::open(rules::Parts {
            config: &config,
            engines: &engines,
            clock: clock.clone(),
            store: metastore.clone(),
            timeline: timeline.clone(),
            sinks: vec![Arc::new(alerting::Sink(alerting.manager.clone()))],
            url: format!("http://{}", endpoints.ui),
        })
    })?;
    let objectives = tokio::task::block_in_place(|| {
        api::workspace::provision(&metastore, &config.dashboards).context("dashboards of files")?;
        slos::open(slos::Parts {
            config: &config,
            dir: &data_dir.path,
            engines: &engines,
            derived: derived.clone(),
            clock: clock.clone(),
            store: metastore.clone(),
            rules: rules.book.clone(),
        })
    })?;
    let data = Running {
        events: engines.events.clone(),
        metrics: engines.metrics.clone(),
        disk: Arc::new(RealDisk),
        dir: data_dir.path.clone(),
    };
    let retention = Arc::new(Retention::new(data, config.limits));
    let (reload, mut reloads) = Reload::new();
    let query_slots = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    let player = demo::Player::new(endpoints.clone(), clock.clone());
    let app = App {
        engines: engines.clone(),
        derived: derived.clone(),
        metastore: metastore.clone(),
        alerting: alerting.clone(),
        retention: retention.clone(),
        journal: journal.clone(),
        remote_write: remote_write.clone(),
        import: Import::new(ingest.clone(), write_limit, budget.clone()),
        clock: clock.clone(),
        info: Arc::new(ServerInfo {
            version: env!("CARGO_PKG_VERSION"),
            started,
            endpoints: endpoints.clone(),
            settings: settings(&config, yaml, &data_dir.path),
        }),
        sources: sources(&rules),
        rules: rules.book.clone(),
        slos: objectives.clone(),
        targets: targets.clone(),
        demo: player.switch(),
        readiness: readiness.clone(),
        reload,
        promql: Arc::default(),
        origins: Arc::new(config.origins.clone()),
        limits: QueryLimits {
            timeout: config.query_timeout,
            memory_bytes: config.query_memory_max.as_usize(),
            slots: query_slots,
            tails_max: config.tails_max,
        },
        queries: api::Queries::new(clock.clone()),
        tails: Arc::new(Semaphore::new(config.tails_max)),
        slots: Arc::new(Semaphore::new(query_slots)),
    };
    let free = app.slots.clone();
    budget.beside(move || query_slots.saturating_sub(free.available_permits()));
    faces::spawn(&mut admin, threads, ports.metrics.socket, api::self_metrics::router(app.clone()), admin_stopped)?;

    let mut signals = Signals::listen()?;
    let shutdown = Shutdown::new();
    let background = background::start(engines.metrics.clone(), retention, clock.clone(), shutdown.clone())?;
    let stop_writer = Shutdown::new();
    let writer = derived::start(derived.clone(), engines.metrics.clone(), clock.clone(), stop_writer.clone())?;

    let stop_rules = Shutdown::new();
    let evaluating = rules.start(config.rules.threads, &stop_rules)?;
    let counting = slos::start(objectives.clone(), stop_rules.clone())?;
    let (stop_senders, senders_stopped) = watch::channel(false);
    let mut senders = JoinSet::new();
    senders.spawn(rules.alertmanagers.clone().run(senders_stopped));

    let (stop_faces, faces_stopped) = watch::channel(false);
    let mut faces = JoinSet::new();
    faces::spawn(&mut faces, threads, ports.api.socket, api::api_router(app.clone()), faces_stopped.clone())?;
    if let Some(port) = ports.alertmanager {
        faces::spawn(&mut faces, threads, port.socket, api::alertmanager_router(app.clone()), faces_stopped.clone())?;
    }
    faces::spawn(&mut faces, threads, ports.ui.socket, api::ui_router(app), faces_stopped)?;

    let (stop_alerts, alerts_stopped) = watch::channel(false);
    let mut alerts = JoinSet::new();
    alerts.spawn({
        let manager = alerting.manager.clone();
        async move { manager.run(alerts_stopped, alerting::DRAIN).await }
    });

    let host = Host {
        clock: clock.clone(),
        disk: Arc::new(RealDisk),
        journal,
        budget,
        sockets,
        board,
        engines: Some(ingest),
        data_dir: data_dir.path.clone(),
        extensions: BTreeMap::new(),
        remote_write: Some(remote_write),
        shared: Shared::default(),
        targets: targets.clone(),
    };
    let mut live = Live::start(plan, host, fixed, config.drain_timeout).await?;
    live.scrape(config.scraping.clone(), targets);
    drop(ports.receivers);
    readiness.set(true);
    announce(&endpoints, begin, &data_dir.path);
    start_pages::give_back();
    if config.demo {
        player.start().map_err(anyhow::Error::msg)?;
    }

    let book = rules.book.clone();
    let store = metastore.clone();
    let load = move || {
        let loaded = config::load(&args)?;
        let failed = |e: &dyn std::fmt::Display| ConfigError(vec![e.to_string()]);
        book.reload(&loaded.config.rules.files).map_err(|e| failed(&e))?;
        let written = &loaded.config.objectives;
        objectives.reload(&written.files, &written.configured).map_err(|e| failed(&e))?;
        api::workspace::provision(&store, &loaded.config.dashboards).map_err(|e| failed(&e))?;
        Ok(loaded)
    };
    loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::Stop => break,
                Asked::Reload => drop(reload_all(&alerting, &mut live, &load).await),
            },
            Some(reply) = reloads.recv() => drop(reply.send(reload_all(&alerting, &mut live, &load).await)),
        }
    }
    drop(reloads);
    tracing::info!("stopping: answering what is in flight");
    readiness.set(false);
    shutdown.set();
    let stop = async {
        player.end().await;
        live.stop().await;
        stop_rules.set();
        join_rules(evaluating, counting).await;
        stop_senders.send_replace(true);
        drain("alerts to Alertmanagers", &mut senders, Duration::from_secs(5)).await;
        stop_faces.send_replace(true);
        drain("API and UI", &mut faces, Duration::from_secs(5)).await;
        stop_alerts.send_replace(true);
        drain("notifications", &mut alerts, alerting::DRAIN + Duration::from_secs(1)).await;
        stop_writer.set();
        tokio::task::block_in_place(|| timeline.stop());
        close_engines(engines, background, writer, metastore).await;
        stop_admin.send_replace(true);
        drain("health and metrics", &mut admin, Duration::from_secs(1)).await;
    };
    tokio::select! {
        () = stop => tracing::info!("stopped"),
        () = signals.stop() => tracing::warn!("told twice to stop: leaving at once; what was acknowledged is in the logs"),
    }
    Ok(())
}

/// Each part takes what is new for it, or goes on with what it had.
async fn reload_all(
    alerting: &Alerting,
    live: &mut Live,
    load: impl Fn() -> Result<Loaded, config::ConfigError> + Send + Sync,
) -> Result<String, String> {
    let alerts = tokio::task::block_in_place(|| (alerting.reload)());
    let pipelines = live.reload(load).await;
    match alerts {
        Ok(()) => pipelines,
        Err(errors) => Err(errors.into_iter().chain(pipelines.err()).collect::<Vec<_>>().join("\n")),
    }
}

/// What the Prometheus face tells of the configuration.
fn settings(config: &Config, yaml: String, dir: &std::path::Path) -> Settings {
    let flags = [
        ("query.timeout", format_duration(config.query_timeout)),
        ("storage.tsdb.path", dir.join("metrics").display().to_string()),
        ("storage.tsdb.retention.time", format_duration(config.retention)),
        ("web.cors.origin", config.cors_origin.clone()),
        ("web.enable-admin-api", config.admin_api.to_string()),
        ("web.listen-address", config.api.address.to_string()),
    ];
    Settings { yaml, flags: BTreeMap::from(flags), retention: Some(config.retention), admin_api: config.admin_api }
}

/// Records are taken as long as logs or traces are kept; those past the shorter of the two go with the next round.
fn accepted_past(config: &Config) -> Duration {
    let of = |limit: storage::Limit| limit.retention.unwrap_or(config.retention);
    of(config.limits.logs).max(of(config.limits.traces))
}

fn open_engines(
    config: &Config,
    dir: &std::path::Path,
    metastore: &Metastore,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<(Engines, Arc<Derived>)> {
    let disk: SharedDisk = Arc::new(RealDisk);
    let memory = config.events_memory_max.as_usize();
    let usual = eventstore::Config::new(dir.join("events"));
    let events_config = eventstore::Config {
        memory_bytes_max: memory,
        // Early enough that senders are not refused while segments are written.
        flush_bytes: usual.flush_bytes.min(memory / 4),
        wal_compress: config.wal_compress,
        merge_bytes_per_second: config.merge_rate.0,
        min_free_bytes: config.limits.min_free,
        ..usual
    };
    let settings = rejected::settings(config, metastore)?;
    let derived = Derived::open(disk.clone(), &dir.join("derived"), settings)?;
    let derived = Arc::new(derived);
    let events = EventStore::open_observed(disk.clone(), events_config, Some(derived.clone()))
        .context("cannot open the events engine")?;
    let metrics_options = tsdb::Options {
        retention: config.limits.metrics.retention,
        min_free_bytes: config.limits.min_free,
        ..tsdb::Options::new(dir.join("metrics"))
    };
    let metrics_options = config.metrics_engine.apply(metrics_options);
    let metrics = Tsdb::open(disk, clock, metrics_options).context("cannot open the metrics engine")?;
    Ok((Engines { events: Arc::new(events), metrics: Arc::new(metrics) }, derived))
}

/// What the faces ask of rules.
fn sources(rules: &rules::Rules) -> Sources {
    let engine = rules.book.engine().clone();
    let (alertmanagers, sent) = (rules.alertmanagers.clone(), rules.alertmanagers.clone());
    Sources {
        rule_groups: Arc::new(move || rules::rule_groups(&engine)),
        alertmanagers: Arc::new(move || Alertmanagers { active: alertmanagers.urls(), dropped: Vec::new() }),
        alerts_sent: Arc::new(move || sent.sent()),
        check_config: Arc::new(crate::config::check_text),
    }
}

async fn join_rules(threads: rules::Threads, counting: slos::Counting) {
    let joined = tokio::task::spawn_blocking(move || {
        threads.join();
        counting.join();
    });
    if tokio::time::timeout(Duration::from_secs(5), joined).await.is_err() {
        tracing::warn!("rules and objectives that were being evaluated did not end in time");
    }
}

async fn drain(what: &str, tasks: &mut JoinSet<()>, deadline: Duration) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(deadline, all).await.is_err() {
        tracing::warn!("{what}: requests in flight did not end in {deadline:?}; cut off");
        tasks.abort_all();
    }
}

async fn close_engines(
    engines: Engines,
    background: background::Background,
    writer: derived::Writer,
    metastore: Metastore,
) {
    let closing = tokio::task::spawn_blocking(move || {
        background.join();
        writer.join();
        metastore.close();
        engines.events.logs().flush();
        engines.events.spans().flush();
        if let Err(e) = engines.metrics.flush() {
            tracing::error!(error = %e, "the metrics engine could not be flushed; its log is replayed at the next start");
        }
    });
    match tokio::time::timeout(FLUSH_TIMEOUT, closing).await {
        Ok(Ok(())) => {}
        Ok(Err(e)) => tracing::error!(error = %e, "flushing failed; the logs are replayed at the next start"),
        Err(_) => {
            tracing::warn!("flushing took longer than {FLUSH_TIMEOUT:?}; the logs are replayed at the next start")
        }
    }
}

fn announce(endpoints: &Endpoints, begin: Instant, data_dir: &std::path::Path) {
    tracing::info!(
        ui = %format_args!("http://{}", endpoints.ui),
        api = %format_args!("http://{}", endpoints.api),
        otlp_grpc = %endpoints.otlp_grpc,
        otlp_http = %format_args!("http://{}", endpoints.otlp_http),
        alertmanager = %format_args!("http://{}", endpoints.alertmanager.as_deref().unwrap_or(&endpoints.api)),
        data = %data_dir.display(),
        "ready in {} ms",
        begin.elapsed().as_millis()
    );
}
