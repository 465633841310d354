//! The back ends that there are now, and what becomes of those that were.
//!
//! A request goes to those that the ring of its time names; one that leaves is told to stop when the last request that could go to it
//! has been answered, so that nothing is put into a queue that nobody empties. What is left in such a queue, also in one of
//! an earlier run, is shared out again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use foundation::ErrorKind;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use wire::otlp::Decoded;

use super::ring::{BACKENDS_MAX, Ring};
use super::routing::Routing;
use super::{Lookup, target};
use crate::component::{ClientAuth, Host, Reporter, Run, StartError};
use crate::consumer::{Answer, Consumer, all};
use crate::exporters::otlp::Dialer;
use crate::exporters::sending::{self, Plan};
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

/// What a back end that leaves may still be sent.
const LEAVE: Duration = Duration::from_secs(10);
/// Between two tries to share out what is left of a queue.
const AGAIN: Duration = Duration::from_secs(1);

/// Which back ends there are now.
struct Routes {
    ring: Ring,
    /// By their numbers on the ring.
    backends: Vec<Arc<dyn Consumer>>,
    /// Dropped with the last request that goes by it.
    _used: watch::Sender<()>,
}

/// Shares requests out.
struct Balancer {
    routing: Routing,
    routes: RwLock<Option<Arc<Routes>>>,
    /// Queues that back ends have, and how many: one that leaves may be there again before it is gone. Held while a
    /// queue is opened or removed.
    claimed: Mutex<BTreeMap<PathBuf, usize>>,
}

impl Balancer {
    fn disclaim(&self, queue: &Path) {
        let mut claimed = self.claimed.lock();
        if let Some(count) = claimed.get_mut(queue) {
            *count -= 1;
            if *count == 0 {
                claimed.remove(queue);
            }
        }
    }
}

impl Consumer for Balancer {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let Some(routes) = self.routes.read().clone() else {
                let message = "no back end is known yet: the resolver has found none; send again later";
                let retry_after = Duration::from_secs(5);
                return Err(Refusal::new(ErrorKind::Unavailable { retry_after }, message));
            };
            if let [only] = &routes.backends[..] {
                return only.consume(telemetry).await;
            }
            let parts = tokio::task::block_in_place(|| {
                let responsible = |key: &[u8]| routes.ring.responsible(key).unwrap_or_default();
                Ok::<_, Refusal>(self.routing.share_out(telemetry.into_tree()?, responsible))
            })?;
            let answers = parts.into_iter().filter_map(|(backend, tree)| {
                let backend = routes.backends.get(backend)?;
                Some(backend.consume(Telemetry::of(tree)))
            });
            let mut total = Decoded::default();
            all(answers.collect()).await?.into_iter().for_each(|part| total += part);
            Ok(total)
        })
    }
}

/// Makes back ends and lets them go.
pub(super) struct Backends {
    component: String,
    dialer: Dialer,
    auth: Option<Arc<dyn ClientAuth>>,
    host: Host,
    balancer: Arc<Balancer>,
    /// Those that there are now.
    open: BTreeMap<String, (Run, Arc<dyn Consumer>)>,
    /// Of each route that was ever gone by: closed when nobody goes by it any more.
    used: Vec<watch::Receiver<()>>,
}

impl Backends {
    pub(super) fn new(
        component: String,
        routing: Routing,
        dialer: Dialer,
        auth: Option<Arc<dyn ClientAuth>>,
        host: Host,
    ) -> Self {
        let balancer = Arc::new(Balancer { routing, routes: RwLock::new(None), claimed: Mutex::default() });
        Self { component, dialer, auth, host, balancer, open: BTreeMap::new(), used: Vec::new() }
    }

    /// Finds the back ends and goes on to look for them.
    pub(super) async fn start(mut self, lookup: Lookup, run: &mut Run) -> Result<Arc<dyn Consumer>, StartError> {
        let balancer = self.balancer.clone();
        // A name that cannot be resolved now may be later: that does not keep the rest from starting.
        match (lookup.ask)().await {
            Ok(names) => drop(self.change(names)?),
            Err(e) => {
                tracing::warn!(component = self.component, "no back end is known: {e}; tried again");
                run.reporter().recoverable(&e);
            }
        }
        let left = self.left_behind();
        let (stopped, reporter) = (run.stopped(), run.reporter());
        for queue in left {
            let (host, balancer) = (self.host.clone(), balancer.clone());
            run.spawn("share out again", share_out_again(host, queue, balancer, run.stopped()));
        }
        run.spawn("back ends", self.watch(lookup, stopped, reporter));
        Ok(balancer)
    }

    /// Follows the resolver until the end.
    async fn watch(mut self, lookup: Lookup, mut stopped: watch::Receiver<bool>, reporter: Reporter) {
        let mut failing = self.open.is_empty();
        let mut leaving = tokio::task::JoinSet::new();
        loop {
            let pause = async {
                match lookup.interval {
                    Some(interval) => tokio::time::sleep(interval).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => break,
                Some(_) = leaving.join_next(), if !leaving.is_empty() => continue,
                () = pause => {}
            }
            let changed = match (lookup.ask)().await {
                Ok(names) => self.change(names).map_err(|e| e.message),
                Err(e) => Err(e),
            };
            match changed {
                Ok(gone) => {
                    for (name, run) in gone {
                        leaving.spawn(self.leave(name, run, stopped.clone()));
                    }
                    if std::mem::take(&mut failing) {
                        reporter.ok();
                    }
                }
                // Those that were known stay.
                Err(e) if !std::mem::replace(&mut failing, true) => {
                    tracing::warn!(component = self.component, "back ends are not known: {e}; tried again");
                    reporter.recoverable(&e);
                }
                Err(_) => {}
            }
        }
        for (run, _) in self.open.values() {
            run.tell();
        }
        for (run, _) in std::mem::take(&mut self.open).into_values() {
            run.stop(LEAVE).await;
        }
        while leaving.join_next().await.is_some() {}
    }

    /// Lets a back end go that is no longer on the ring.
    fn leave(
        &self,
        name: String,
        run: Run,
        stopped: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send + 'static + use<> {
        let (host, balancer, queue) = (self.host.clone(), self.balancer.clone(), self.queue_of(&name));
        // The last is that of now.
        let before: Vec<_> = self.used.iter().rev().skip(1).cloned().collect();
        async move {
            for mut used in before {
                // Its sender says nothing; it goes.
                let _ = used.changed().await;
            }
            run.stop(LEAVE).await;
            host.board.forget_stopped();
            if let Some(queue) = queue {
                balancer.disclaim(&queue);
                share_out_again(host, queue, balancer, stopped).await;
            }
        }
    }

    /// Goes over to these back ends; says which are not among them any more.
    fn change(&mut self, mut names: Vec<String>) -> Result<Vec<(String, Run)>, StartError> {
        if names.len() > BACKENDS_MAX {
            let (component, found) = (&self.component, names.len());
            tracing::warn!(component, found, limit = BACKENDS_MAX, "back ends beyond the limit are not used");
            names.truncate(BACKENDS_MAX);
        }
        if !self.used.is_empty() && names.iter().eq(self.open.keys()) {
            return Ok(Vec::new());
        }
        for name in &names {
            if !self.open.contains_key(name) {
                let opened = self.open(name)?;
                self.open.insert(name.clone(), opened);
            }
        }
        let (sender, used) = watch::channel(());
        let backends = names.iter().filter_map(|name| Some(self.open.get(name)?.1.clone())).collect();
        let routes = Routes { ring: Ring::new(&names), backends, _used: sender };
        *self.balancer.routes.write() = Some(Arc::new(routes));
        tracing::info!(component = self.component, backends = names.len(), "back ends: {}", names.join(", "));
        self.used.retain(|used| used.has_changed().is_ok());
        self.used.push(used);
        let gone: Vec<String> = self.open.keys().filter(|name| !names.contains(name)).cloned().collect();
        Ok(gone.into_iter().filter_map(|name| self.open.remove(&name).map(|(run, _)| (name, run))).collect())
    }

    /// What a back end is called among components: its queue and its health have this name.
    fn called(&self, name: &str) -> String {
        format!("{}@{name}", self.component)
    }

    fn open(&self, name: &str) -> Result<(Run, Arc<dyn Consumer>), StartError> {
        let component = self.called(name);
        let target = target(name).map_err(|message| StartError { component: component.clone(), message })?;
        let mut run = Run::new(component.clone(), self.host.board.clone());
        let plan = Plan { component, queueing: self.dialer.queueing().clone(), retry: self.dialer.retry().clone() };
        let caller = Arc::new(self.dialer.caller(target, self.auth.clone()));
        let mut claimed = self.balancer.claimed.lock();
        let consumer = sending::start(plan, caller, &self.host, &mut run)?;
        if let Some(queue) = self.queue_of(name) {
            *claimed.entry(queue).or_default() += 1;
        }
        drop(claimed);
        run.reporter().ok();
        Ok((run, consumer))
    }

    /// The folder of the queue of a back end, if there are queues.
    fn queue_of(&self, name: &str) -> Option<PathBuf> {
        let queueing = self.dialer.queueing();
        queueing.enabled.then(|| queueing.directory(&self.called(name), &self.host).ok()).flatten()
    }

    /// Queues of back ends of an earlier run that are not on the ring now.
    fn left_behind(&self) -> Vec<PathBuf> {
        let Some(any) = self.queue_of("") else { return Vec::new() };
        let (Some(base), Some(prefix)) = (any.parent(), any.file_name().and_then(|name| name.to_str())) else {
            return Vec::new();
        };
        let ours: Vec<PathBuf> = self.open.keys().filter_map(|name| self.queue_of(name)).collect();
        let there = self.host.disk.list(base).unwrap_or_default();
        let of_us = |path: &PathBuf| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(prefix))
        };
        there.into_iter().filter(|path| of_us(path) && !ours.contains(path)).collect()
    }
}

/// Shares out what a queue holds among the back ends that there are, and removes it.
async fn share_out_again(host: Host, directory: PathBuf, to: Arc<Balancer>, mut stopped: watch::Receiver<bool>) {
    loop {
        match emptied(&host, &directory, &to, &stopped).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(e) => tracing::warn!(queue = %directory.display(), "what is left for a back end waits: {e}"),
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

/// Whether there is nothing more to do: the queue is empty and removed, or a back end has it again.
async fn emptied(
    host: &Host,
    directory: &Path,
    to: &Balancer,
    stopped: &watch::Receiver<bool>,
) -> Result<bool, String> {
    let queue = sending::open_queue(host, directory)?;
    // Takes what is there, and does not wait for more.
    let (_sender, now) = watch::channel(true);
    let is_claimed = || to.claimed.lock().contains_key(directory);
    while !is_claimed()
        && let Some(lease) = queue.take(now.clone()).await
    {
        if *stopped.borrow() {
            return Ok(false);
        }
        if let Some(telemetry) = sending::request(&lease) {
            to.consume(telemetry).await.map_err(|refusal| refusal.to_string())?;
        }
        lease.done().await;
    }
    queue.save_cursor().await;
    let claimed = to.claimed.lock();
    if claimed.contains_key(directory) {
        return Ok(true);
    }
    // The graph before this one may still send from it.
    if Arc::try_unwrap(queue).is_err() {
        return Ok(false);
    }
    host.disk.remove_dir_all(directory).map_err(|e| e.to_string())?;
    tracing::info!(queue = %directory.display(), "what was left for a back end has been shared out again");
    Ok(true)
}
