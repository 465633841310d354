//! `bellrock collect`: receives, processes and forwards; no engines, no UI. An agent beside applications, or a gateway.

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::Instant;

use foundation::Clock;
use foundation::clock::SystemClock;
use foundation::disk::RealDisk;
use pipeline::Journal;
use pipeline::budget::Budget;
use pipeline::component::{Host, Shared, Sockets, StatusBoard};

use crate::cli::CollectArgs;
use crate::config::{self, Loaded};
use crate::data_dir;
use crate::serve::listen::bind_receivers;
use crate::serve::live::{self, Live};
use crate::serve::signals::{Asked, Signals};
use crate::serve::{start_logging, threads};
use crate::start_pages;

/// Forwards until SIGINT or SIGTERM.
pub(crate) fn run(loaded: Loaded, args: &CollectArgs) -> anyhow::Result<()> {
    start_logging(&loaded.config)?;
    pipeline::connections::raise_open_files();
    live::warn(&loaded.warnings);
    let runtime = threads("bellrock")?;
    let result = runtime.block_on(collect(loaded, args));
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    result
}

async fn collect(loaded: Loaded, args: &CollectArgs) -> anyhow::Result<()> {
    let begin = Instant::now();
    let Loaded { config, plan, fixed, .. } = loaded;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // Queues have one writer: the folder is locked until the process is gone.
    let data_dir = ManuallyDrop::new(data_dir::open(&config.data_dir)?);
    let sockets = Sockets::default();
    let ports = bind_receivers(&plan, &sockets).await?;
    let host = Host {
        clock: clock.clone(),
        disk: Arc::new(RealDisk),
        journal: Journal::new(clock.clone()),
        budget: Budget::new(config.requests_bytes_max.as_usize()),
        sockets,
        board: StatusBoard::new(clock),
        engines: None,
        data_dir: data_dir.path.clone(),
        extensions: BTreeMap::new(),
        remote_write: None,
        shared: Shared::default(),
        targets: Default::default(),
    };
    let mut signals = Signals::listen()?;
    let mut live = Live::start(plan, host, fixed, config.drain_timeout).await?;
    let addresses: Vec<String> =
        ports.iter().filter_map(|(setting, socket)| Some(format!("{setting} {}", socket.local_addr().ok()?))).collect();
    drop(ports);
    tracing::info!(ports = addresses.join(", "), "ready in {} ms", begin.elapsed().as_millis());
    start_pages::give_back();
    let load = || config::load_collect(args);
    while let Asked::Reload = signals.next().await {
        drop(live.reload(&load).await);
    }
    tracing::info!("stopping: answering what is in flight");
    tokio::select! {
        () = live.stop() => tracing::info!("stopped"),
        () = signals.stop() => tracing::warn!("told twice to stop: leaving at once; queues on disk are sent at the next start"),
    }
    Ok(())
}
