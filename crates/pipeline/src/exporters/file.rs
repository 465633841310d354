//! `file`: requests into a file, a line of JSON or a record of bytes for each.
//!
//! A request is acknowledged when it is synced. `flush_interval` of the Collector has therefore nothing to do here, and unlike there
//! a restart goes on behind what is in the file unless `append: false` is written: what was acknowledged stays.
//! Source: fileexporter (fields, names of old files, framing), OTLP specification, "JSON Protobuf encoding". Format: `docs/formats/telemetry-files.md`.

mod frame;
mod rotation;
mod writer;

use std::path::{Component as Part, Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use foundation::ErrorKind;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use wire::otlp::Decoded;
use wire::otlp::tree::{OfResource, Tree as Of, Value};

use crate::component::{Exporter, ExporterFactory, Host, Refused, Reporter, Run, SIGNALS, Setup, StartError, Starting};
use crate::config::{Collector, Interval};
use crate::consumer::{Answer, Consumer};
use crate::refusal::Refusal;
use crate::telemetry::{Telemetry, Tree};
use frame::{Compression, Format, Frame};
use rotation::Rotation;
use writer::{Files, Plan};

/// How it is known.
pub(super) const FACTORY: ExporterFactory = ExporterFactory { names: &["file"], signals: SIGNALS, build };

/// Requests that wait to be written; when it is full, senders wait.
const WAITING_MAX: usize = 64;
/// Files that are open at the same time with `group_by`.
const OPEN_FILES: usize = 100;
/// Where requests go whose resource does not have the attribute of `group_by`.
const NO_SEGMENT: &str = "_missing";

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    path: String,
    format: Format,
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<Compression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    append: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<Rotation>,
    create_directory: bool,
    group_by: GroupBy,
    /// Not built in.
    #[serde(skip_serializing)]
    encoding: Option<String>,
    /// Taken and not needed: what is acknowledged is synced.
    #[serde(skip_serializing)]
    flush_interval: Option<Interval>,
    /// Taken and not used: folders are made as the umask of the process says.
    #[serde(skip_serializing)]
    directory_permissions: Option<String>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct GroupBy {
    enabled: bool,
    resource_attribute: String,
    max_open_files: usize,
}

impl Default for GroupBy {
    fn default() -> Self {
        Self { enabled: false, resource_attribute: "fileexporter.path_segment".to_owned(), max_open_files: OPEN_FILES }
    }
}

struct File {
    component: String,
    target: Target,
    frame: Frame,
    plan: Plan,
}

/// Which file a resource goes to.
#[derive(Debug, Clone)]
enum Target {
    One(PathBuf),
    /// What stands before and behind the segment, and the attribute that has it.
    Each {
        before: String,
        behind: String,
        attribute: String,
    },
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused> {
    let mut settings: Settings = setup.read()?;
    if settings.path.is_empty() {
        return Err(setup.error("path", "is missing; write `path: ./telemetry.json`"));
    }
    if let Some(encoding) = &settings.encoding {
        let message =
            format!("the extension `{encoding}` is not in this build; write `format: json` or `format: proto`");
        return Err(setup.error("encoding", message));
    }
    // `rotation:` with nothing behind it is rotation with what is usual.
    if setup.node().key("rotation").is_some() {
        settings.rotation.get_or_insert_default().check(setup)?;
    }
    if settings.append == Some(true) && (settings.rotation.is_some() || settings.compression.is_some()) {
        let message = "files are always written on at their end, also with `rotation` and `compression`";
        setup.warning("append", message, "leave it out", Some(Collector::Refuses));
    }
    if settings.directory_permissions.is_some() {
        let message = "is not used: folders are made as the umask of the process says";
        setup.warning("directory_permissions", message, "leave it out", Some(Collector::Accepts));
    }
    let path = setup.surroundings().directory.join(&settings.path);
    let target = target(setup, &settings.group_by, path)?;
    let frame = Frame { format: settings.format, compression: settings.compression };
    let plan = Plan {
        frame,
        truncate: settings.append == Some(false),
        rotation: settings.rotation.clone(),
        create_directory: settings.create_directory || settings.group_by.enabled,
        open_max: settings.group_by.max_open_files,
    };
    setup.show(&settings);
    Ok(Box::new(File { component: setup.path(""), target, frame, plan }))
}

fn target(setup: &mut Setup<'_>, group_by: &GroupBy, path: PathBuf) -> Result<Target, Refused> {
    if !group_by.enabled {
        return match path.file_name() {
            Some(_) => Ok(Target::One(path)),
            None => Err(setup.error("path", "is a folder; write the path of a file")),
        };
    }
    if group_by.resource_attribute.is_empty() {
        return Err(setup.error("group_by.resource_attribute", "is empty; name an attribute of the resource"));
    }
    if group_by.max_open_files == 0 {
        return Err(setup.error("group_by.max_open_files", "must be greater than zero"));
    }
    let text = path.to_string_lossy();
    match text.split_once('*') {
        Some((before, behind)) if !behind.contains('*') && !setup_starts_with_star(setup) => Ok(Target::Each {
            before: before.to_owned(),
            behind: behind.to_owned(),
            attribute: group_by.resource_attribute.clone(),
        }),
        _ => {
            let message = "needs exactly one `*`, not at its begin, where `group_by` puts the attribute's value; write \
                           `path: ./telemetry/*.json`";
            Err(setup.error("path", message))
        }
    }
}

fn setup_starts_with_star(setup: &Setup<'_>) -> bool {
    setup.node().get("path").and_then(|node| node.as_str()).is_some_and(|path| path.starts_with('*'))
}

impl Target {
    /// The file of a resource with this value of the attribute.
    fn path(&self, value: Option<&Value>) -> PathBuf {
        match self {
            Self::One(path) => path.clone(),
            Self::Each { before, behind, .. } => {
                let text = value.map(Value::to_text).unwrap_or_default().replace('\0', "");
                // Nothing leads out of the folder, whatever senders write.
                let parts = Path::new(&text).components().filter_map(|part| match part {
                    Part::Normal(part) => part.to_str(),
                    _ => None,
                });
                let segment = parts.collect::<Vec<_>>().join("/");
                let segment = if segment.is_empty() { NO_SEGMENT } else { &segment };
                PathBuf::from(format!("{before}{segment}{behind}"))
            }
        }
    }

    /// The request by files.
    fn share_out(&self, telemetry: Telemetry) -> Result<Vec<(PathBuf, Telemetry)>, Refusal> {
        let Self::Each { attribute, .. } = self else { return Ok(vec![(self.path(None), telemetry)]) };
        Ok(match telemetry.into_tree()? {
            Tree::Traces(tree) => self.by_path(attribute, tree),
            Tree::Metrics(tree) => self.by_path(attribute, tree),
            Tree::Logs(tree) => self.by_path(attribute, tree),
        })
    }

    fn by_path<R>(&self, attribute: &str, tree: Of<R>) -> Vec<(PathBuf, Telemetry)>
    where
        Tree: From<Of<R>>,
    {
        let mut files: Vec<(PathBuf, Of<R>)> = Vec::new();
        for resource in tree.resources {
            let OfResource { resource: owner, .. } = &resource;
            let path = self.path(owner.attributes.get(attribute));
            match files.iter_mut().find(|(other, _)| *other == path) {
                Some((_, tree)) => tree.resources.push(resource),
                None => files.push((path, Of { resources: vec![resource] })),
            }
        }
        files.into_iter().map(|(path, tree)| (path, Telemetry::of(tree))).collect()
    }
}

impl Exporter for File {
    fn start<'a>(self: Box<Self>, host: &'a Host, run: &'a mut Run) -> Starting<'a, Arc<dyn Consumer>> {
        Box::pin(async move {
            let Self { component, target, frame, plan } = *self;
            let key = target.path(None);
            // Two configurations that follow each other write into the same files: they share what is open.
            let opened = host.shared.get_or_open(&key, || Ok(Files::new(host.disk.clone(), host.clock.clone())));
            let files = opened.map_err(|e: StartError| e)?;
            files.set_plan(plan);
            if let Target::One(path) = &target {
                let (files, path) = (files.clone(), path.clone());
                let opened = tokio::task::block_in_place(move || files.open(&path));
                opened.map_err(|message| StartError { component, message })?;
            }
            let (sender, waiting) = mpsc::channel(WAITING_MAX);
            run.spawn("write", write(files, waiting, run.stopped(), run.reporter()));
            Ok(Arc::new(Written { target, frame, sender }) as Arc<dyn Consumer>)
        })
    }
}

/// A record, and who waits for it.
struct Record {
    path: PathBuf,
    bytes: Bytes,
    reply: oneshot::Sender<Result<(), String>>,
}

/// Writes what waits, as much at a time as there is.
async fn write(
    files: Arc<Files>,
    mut waiting: mpsc::Receiver<Record>,
    mut stopped: watch::Receiver<bool>,
    reporter: Reporter,
) {
    let mut failing = false;
    loop {
        let mut records = Vec::new();
        tokio::select! {
            _ = waiting.recv_many(&mut records, WAITING_MAX) => {}
            _ = stopped.wait_for(|stopped| *stopped), if !waiting.is_closed() => waiting.close(),
        }
        if records.is_empty() {
            match waiting.is_closed() {
                true => return,
                false => continue,
            }
        }
        let (batch, replies): (Vec<_>, Vec<_>) = records.into_iter().map(|r| ((r.path, r.bytes), r.reply)).unzip();
        let written = {
            let files = files.clone();
            tokio::task::spawn_blocking(move || files.append(&batch)).await
        };
        let results = written.unwrap_or_else(|e| replies.iter().map(|_| Err(e.to_string())).collect());
        match results.iter().find_map(|result| result.as_ref().err()) {
            Some(message) => reporter.recoverable(message),
            None if failing => reporter.ok(),
            None => {}
        }
        failing = results.iter().any(Result::is_err);
        for (reply, result) in replies.into_iter().zip(results) {
            // Who waited may have gone away: what is written is written.
            let _ = reply.send(result);
        }
    }
}

struct Written {
    target: Target,
    frame: Frame,
    sender: mpsc::Sender<Record>,
}

impl Written {
    fn records(&self, telemetry: Telemetry) -> Result<Vec<(PathBuf, Bytes)>, Refusal> {
        let mut records = Vec::new();
        for (path, telemetry) in self.target.share_out(telemetry)? {
            let signal = telemetry.signal();
            let request = telemetry.into_bytes();
            if !request.is_empty() {
                records.push((path, self.frame.record(signal, request)?));
            }
        }
        Ok(records)
    }
}

impl Consumer for Written {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let again = |message: String| {
                let retry_after = std::time::Duration::from_secs(5);
                Refusal::new(ErrorKind::Unavailable { retry_after }, message)
            };
            let records = tokio::task::block_in_place(|| self.records(telemetry))?;
            let mut replies = Vec::with_capacity(records.len());
            for (path, bytes) in records {
                let (reply, answer) = oneshot::channel();
                let sent = self.sender.send(Record { path, bytes, reply }).await;
                sent.map_err(|_| again("the file is closed".to_owned()))?;
                replies.push(answer);
            }
            for answer in replies {
                answer.await.map_err(|_| again("the file is closed".to_owned()))?.map_err(again)?;
            }
            Ok(Decoded::default())
        })
    }
}

#[cfg(test)]
mod tests;
