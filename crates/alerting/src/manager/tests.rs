//! The alert manager on a clock that the tests move, with channels that write down what they are told.

mod grouping;
mod quieting;
mod restarts;
mod sending;
mod size;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foundation::UnixNanos;
use foundation::clock::{Clock as _, ManualClock};
use metastore::Metastore;
use model::Labels;
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use yaml::{Findings, Node};

use super::config::{self, Config, Source};
use super::{Alertmanager, Options, PostedAlert, Silence};
use crate::notification::{
    BoxFuture, Channel, ChannelBuilder, Delivery, Integrations, Notification, Notifier, Outcome, Shared, Step,
};
use crate::timeline::Timeline;

/// The moment at which tests begin: a Saturday.
const BEGIN: i64 = 1_795_867_200;

#[derive(Default)]
pub(super) struct Desk {
    told: Mutex<Vec<(String, Notification)>>,
    /// How the next attempts of an URL go; delivered when nothing is planned.
    plans: Mutex<FxHashMap<String, VecDeque<Outcome>>>,
    /// Those that never answer.
    hangs: Mutex<FxHashSet<String>>,
}

pub(super) struct Recording(pub Arc<Desk>);

struct Recorder {
    url: String,
    desk: Arc<Desk>,
}

impl Notifier for Recorder {
    fn notify<'a>(&'a self, n: &'a Notification, _: Instant) -> BoxFuture<'a, Delivery> {
        Box::pin(async move {
            if self.desk.hangs.lock().contains(&self.url) {
                std::future::pending::<()>().await;
            }
            let planned = self.desk.plans.lock().get_mut(&self.url).and_then(VecDeque::pop_front);
            let outcome = planned.unwrap_or(Outcome::Delivered);
            if outcome == Outcome::Delivered {
                self.desk.told.lock().push((self.url.clone(), n.clone()));
            }
            let delivered = outcome == Outcome::Delivered;
            let code = Some(if delivered { 200 } else { 503 });
            let reason = if delivered { String::new() } else { "the other side is busy".to_owned() };
            Delivery { outcome, reason, steps: vec![Step { name: "send", ok: delivered, code, ..Step::default() }] }
        })
    }
}

impl Integrations for Recording {
    fn open<'a>(&self, _: &Shared<'a>, _: &mut Findings) -> Box<dyn ChannelBuilder + 'a> {
        Box::new(Recording(self.0.clone()))
    }
}

impl ChannelBuilder for Recording {
    fn build(&self, kind: &str, entry: &Node, path: &str, findings: &mut Findings) -> Option<Channel> {
        if kind == "wechat" {
            findings.warning(
                &entry.place,
                path,
                "there is no wechat in this build yet; this channel is disabled",
                "",
                None,
            );
            return None;
        }
        let text = |key: &str| entry.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
        let url = text("url") + &text("to") + &text("api_url");
        let notifier = Arc::new(Recorder { url: url.clone(), desk: self.0.clone() });
        let send_resolved = entry.get("send_resolved").and_then(Node::as_str) != Some("false");
        Some(Channel { notifier, send_resolved, target: url, shown: serde_json::Value::Null })
    }
}

/// An alert manager in a folder of its own.
struct Bench {
    dir: tempfile::TempDir,
    store: Metastore,
    clock: ManualClock,
    desk: Arc<Desk>,
    manager: Alertmanager,
}

fn config(text: &str, desk: &Arc<Desk>) -> Config {
    let source = Source { base: Path::new(""), external_url: "http://am", section: false };
    let loaded = config::load(text, source, &Recording(desk.clone()));
    assert_eq!(loaded.errors().next(), None);
    loaded.config.unwrap()
}

impl Bench {
    fn new(text: &str) -> Self {
        Self::open(text, tempfile::tempdir().unwrap(), ManualClock::new(UnixNanos::from_secs(BEGIN)), Arc::default())
    }

    fn open(text: &str, dir: tempfile::TempDir, clock: ManualClock, desk: Arc<Desk>) -> Self {
        let store = Metastore::open(dir.path(), Arc::new(clock.clone())).unwrap();
        let timeline = Timeline::start(store.clone()).unwrap();
        let options = Options { external_url: "http://am".to_owned() };
        let config = config(text, &desk);
        let manager = Alertmanager::open(config, store.clone(), timeline, Arc::new(clock.clone()), options).unwrap();
        Self { dir, store, clock, desk, manager }
    }

    /// As after SIGKILL: nothing is flushed, the folder is opened again.
    fn restart(self, text: &str) -> Self {
        let Self { dir, store, clock, desk, manager } = self;
        manager.timeline().stop();
        store.close();
        Self::open(text, dir, clock, desk)
    }

    fn fire(&self, labels: &[(&str, &str)]) {
        self.post(labels, None);
    }

    fn resolve(&self, labels: &[(&str, &str)]) {
        self.post(labels, Some(self.clock.now()));
    }

    fn post(&self, labels: &[(&str, &str)], ends_at: Option<UnixNanos>) {
        let alert = PostedAlert { labels: Labels::from_pairs(labels.iter().copied()), ends_at, ..Default::default() };
        let posted = self.manager.post(vec![alert]).unwrap();
        assert_eq!(posted.refused, Vec::<String>::new());
    }

    /// Lets time pass second by second, as the loop of the server would see it.
    async fn pass(&self, secs: u64) {
        for _ in 0..secs {
            self.clock.advance(Duration::from_secs(1));
            self.manager.step().await;
        }
    }

    /// Lets time pass for both clocks, while the alert manager runs by itself.
    async fn live(&self, secs: u64) {
        for _ in 0..secs {
            self.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_secs(1)).await;
            // Threads that prepare messages are no timers: the clock of the tests would run ahead of them.
            for _ in 0..20 {
                tokio::task::spawn_blocking(|| ()).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    }

    /// Who was told of what since the last look: `url status reason: alertname firing/resolved`.
    fn told(&self) -> Vec<String> {
        let told = std::mem::take(&mut *self.desk.told.lock());
        let line = |(url, n): (String, Notification)| {
            let names: Vec<_> =
                n.alerts.iter().map(|a| format!("{}={}", a.labels.get("alertname"), a.status.name())).collect();
            format!("{url} {}: {}", n.reason.name(), names.join(" "))
        };
        let mut lines: Vec<_> = told.into_iter().map(line).collect();
        lines.sort();
        lines
    }

    fn fails(&self, url: &str, with: Outcome, times: usize) {
        self.desk.plans.lock().insert(url.to_owned(), std::iter::repeat_n(with, times).collect());
    }

    fn silence(&self, matchers: &str, secs: u64) -> String {
        let now = self.clock.now();
        self.manager
            .set_silence(Silence {
                id: String::new(),
                matchers: super::matchers::parse(matchers).unwrap().matchers,
                starts_at: now,
                ends_at: now.plus(Duration::from_secs(secs)),
                updated_at: now,
                created_by: "me".to_owned(),
                comment: "why".to_owned(),
            })
            .unwrap()
    }

    fn why(&self, labels: &[(&str, &str)]) -> super::Why {
        let fingerprint = crate::Fingerprint::of(&Labels::from_pairs(labels.iter().copied()));
        self.manager.why(fingerprint).unwrap().unwrap()
    }
}

const PLAIN: &str = "
route: {receiver: team, group_by: [alertname], group_wait: 10s, group_interval: 1m, repeat_interval: 1h}
receivers: [{name: team, webhook_configs: [{url: 'http://team'}]}]
";
