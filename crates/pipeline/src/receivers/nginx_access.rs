//! `nginx_access`: nginx's access log in JSON as log records, spans and metrics, from files or by syslog.
//!
//! nginx needs no module for it: it hands out ids (`$request_id`) and writes them in its log, and this receiver makes the spans. The
//! `log_format` is in docs/nginx.md. `receivers.nginx_access: {include: [...]}` reads files as `filelog` does;
//! `syslog: {listen_address: ...}` takes `access_log syslog:server=...`. Each request is counted once per line that is read.

mod counts;
mod line;
mod spans;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use foundation::UnixNanos;
use model::trace::{Resource, Scope};
use model::{Signal, Value};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use wire::otlp::{Assembly, Group, encode};

use self::counts::Counts;
use self::line::Access;
use super::datagrams::Port;
use super::filelog::{self, Lines, Multiline, Source, Tail};
use crate::component::{Host, Outputs, Receiver, ReceiverFactory, Refused, Run, SIGNALS, Setup, StartError, Starting};
use crate::config::Interval;
use crate::journal::Journal;
use crate::telemetry::Telemetry;

/// How it is known.
pub(super) const FACTORY: ReceiverFactory = ReceiverFactory { names: &["nginx_access"], signals: SIGNALS, build };

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    include: Vec<String>,
    exclude: Vec<String>,
    start_at: String,
    storage: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    syslog: Option<Syslog>,
    service: String,
    metrics_interval: Interval,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Syslog {
    listen_address: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            start_at: "end".to_owned(),
            storage: String::new(),
            syslog: None,
            service: "nginx".to_owned(),
            metrics_interval: Interval::secs(10),
        }
    }
}

struct NginxAccess {
    component: String,
    id: String,
    files: Option<(filelog::Finder, filelog::Tuning)>,
    syslog: Option<SocketAddr>,
    settings: Settings,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let mut settings: Settings = setup.read()?;
    if settings.include.is_empty() && setup.node().key("syslog").is_none() {
        return Err(setup.error(
            "",
            "reads nothing; write `include: [/var/log/nginx/access.log]` or `syslog: {listen_address: 127.0.0.1:5140}`",
        ));
    }
    let files = match settings.include.is_empty() {
        true => None,
        false => {
            let files = filelog::Settings {
                include: settings.include.clone(),
                exclude: settings.exclude.clone(),
                start_at: settings.start_at.clone(),
                // A format may spread over several lines; its object begins with a brace.
                multiline: Multiline { line_start_pattern: r"^\{".to_owned(), ..Multiline::default() },
                ..filelog::Settings::default()
            };
            Some(filelog::files(setup, &files)?)
        }
    };
    let syslog = match setup.node().key("syslog") {
        None => None,
        Some(_) => {
            let syslog = settings.syslog.get_or_insert_default();
            let at = setup.address("syslog.listen_address", Some(&syslog.listen_address), 5140)?;
            syslog.listen_address = at.to_string();
            Some(at)
        }
    };
    if settings.metrics_interval.0 < Duration::from_millis(100) {
        return Err(setup.error("metrics_interval", "must be at least 100ms"));
    }
    setup.show(&settings);
    Ok(Box::new(NginxAccess { component: setup.path(""), id: setup.id().to_string(), files, syslog, settings }))
}

impl Receiver for NginxAccess {
    fn overlaps(&self) -> bool {
        false
    }

    fn start<'a>(self: Box<Self>, outputs: Outputs, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            let failed = |message: String| StartError { component: self.component.clone(), message };
            let converting = Arc::new(Converting {
                service: self.settings.service.clone(),
                counts: Mutex::new(Counts::new(host.clock.now())),
                every: self.settings.metrics_interval.0,
                journal: host.journal.clone(),
            });
            if let Some(address) = self.syslog {
                let owner = format!("{}.syslog.listen_address", self.component);
                let socket = host.sockets.udp(&owner, address).await.map_err(failed)?;
                let port = Port::of_lines(socket, host.journal.clone(), outputs.clone());
                let (shared, clock) = (converting.clone(), host.clock.clone());
                port.serve(run, "syslog", move |bytes, _| {
                    let text = String::from_utf8_lossy(bytes);
                    // The tag and what is before it say nothing that the line does not.
                    let json = text.find('{').map_or("", |at| &text[at..]);
                    let mut batch = Batch::default();
                    batch.line(json.trim(), &shared, clock.now())?;
                    Ok(batch.take())
                });
                if self.files.is_none() {
                    run.spawn("metrics", metrics(converting.clone(), outputs.clone(), host.clone(), run.stopped()));
                }
            }
            if let Some((finder, tuning)) = self.files {
                let checkpoint = filelog::checkpoint(host, &self.component, &self.id, &self.settings.storage)?;
                let consumers = SIGNALS.iter().filter_map(|s| Some((*s, outputs.of(*s)?))).collect();
                let tail = Tail::new(finder, tuning, Arc::new(converting), consumers, host, checkpoint, run.reporter());
                tail.map_err(|message| StartError { component: self.component.clone(), message })?.spawn(run);
            }
            Ok(())
        })
    }
}

/// Sends the counts at their interval, where no reader of files does.
async fn metrics(
    converting: Arc<Converting>,
    outputs: Outputs,
    host: Host,
    mut stop: tokio::sync::watch::Receiver<bool>,
) {
    let Some(consumer) = outputs.of(Signal::Metrics) else { return };
    loop {
        tokio::select! {
            () = tokio::time::sleep(converting.every) => {}
            _ = stop.wait_for(|stopped| *stopped) => return,
        }
        for telemetry in converting.periodic(host.clock.now()) {
            // What is not taken now is counted on, and sent with the next.
            if let Err(refusal) = consumer.consume(telemetry).await {
                host.journal.request_refused(Some(Signal::Metrics), "nginx_access", &refusal.message);
            }
        }
    }
}

/// What all lines have in common.
struct Converting {
    service: String,
    counts: Mutex<Counts>,
    every: Duration,
    journal: Journal,
}

impl Converting {
    fn resource(&self) -> Resource {
        let attributes = vec![("service.name".to_owned(), Value::Str(self.service.clone()))];
        Resource { attributes, ..Resource::default() }
    }
}

impl Source for Arc<Converting> {
    fn lines_of(&self, _: &Path) -> Box<dyn Lines> {
        Box::new(Reading { converting: self.clone(), batch: Batch::default() })
    }

    fn periodic(&self, now: UnixNanos) -> Vec<Telemetry> {
        Converting::periodic(self, now)
    }
}

impl Converting {
    fn periodic(&self, now: UnixNanos) -> Vec<Telemetry> {
        self.counts.lock().due(now, self.every, &self.service).into_iter().collect()
    }
}

/// Records and spans of lines so far.
#[derive(Default)]
struct Batch {
    logs: Assembly,
    spans: Assembly,
    group: Option<(Group, Group)>,
    bytes: usize,
}

impl Batch {
    fn line(&mut self, text: &str, converting: &Converting, now: UnixNanos) -> Result<(), String> {
        let access = Access::read(text, now)?;
        let (logs, spans) = *self.group.get_or_insert_with(|| {
            let resource = converting.resource();
            let scope = Scope { name: "bellrock/nginx_access".to_owned(), ..Scope::default() };
            (self.logs.group(&resource, &scope), self.spans.group(&resource, &scope))
        });
        self.bytes += 2 * text.len();
        self.logs.record(logs, |w| encode::log_record(w, &access.log_record(now)));
        for span in spans::of(&access) {
            self.spans.record(spans, |w| encode::span(w, &span));
        }
        converting.counts.lock().count(&access);
        Ok(())
    }

    fn take(&mut self) -> Vec<(Signal, Vec<u8>, u64)> {
        let batch = std::mem::take(self);
        let all = [(Signal::Logs, batch.logs), (Signal::Traces, batch.spans)];
        let made = all.into_iter().map(|(signal, a)| (signal, a.records(), a.into_request()));
        made.filter(|(_, records, _)| *records > 0)
            .map(|(signal, records, request)| (signal, request, records))
            .collect()
    }
}

/// The lines of one file.
struct Reading {
    converting: Arc<Converting>,
    batch: Batch,
}

impl Lines for Reading {
    fn line(&mut self, text: &str, _: u64, _: u64, now: UnixNanos) {
        if let Err(message) = self.batch.line(text, &self.converting, now) {
            self.converting.journal.request_refused(Some(Signal::Logs), "nginx_access", &message);
        }
    }

    fn bytes(&self) -> usize {
        self.batch.bytes
    }

    fn take(&mut self, _: bool, _: UnixNanos) -> Vec<Telemetry> {
        self.batch.take().into_iter().map(|(signal, request, _)| Telemetry::new(signal, request.into())).collect()
    }
}

#[cfg(test)]
mod tests;
