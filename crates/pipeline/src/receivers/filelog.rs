//! `filelog`: lines of files as log records.
//!
//! Files are found by patterns, told apart by what they begin with, followed through renaming, copying and truncating, and read
//! again from the last acknowledged place after a crash: every line comes at least once. The fields are the Collector's.
//! Source: filelogreceiver, `pkg/stanza/fileconsumer`.

mod encoding;
mod finder;
mod known;
mod records;
mod split;
mod tail;

use std::path::PathBuf;
use std::sync::Arc;

use foundation::units::ByteSize;
use model::Signal;
use serde::{Deserialize, Serialize};

use self::encoding::Encoding;
use self::records::Recording;
use self::split::{Oversize, Split};
use super::syslog::operators;
use crate::component::{Host, Outputs, Receiver, ReceiverFactory, Refused, Run, Setup, StartError, Starting};
use crate::config::{Interval, Size};

pub(super) use self::finder::Finder;
pub(super) use self::records::{Lines, Source};
pub(super) use self::tail::{Tail, Tuning};

/// How it is known.
pub(super) const FACTORY: ReceiverFactory =
    ReceiverFactory { names: &["file_log", "filelog"], signals: &[Signal::Logs], build };

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Settings {
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    pub start_at: String,
    pub poll_interval: Interval,
    pub fingerprint_size: Size,
    pub max_log_size: Size,
    pub max_log_size_behavior: String,
    pub max_concurrent_files: usize,
    pub force_flush_period: Interval,
    pub encoding: String,
    pub multiline: Multiline,
    pub preserve_leading_whitespaces: bool,
    pub preserve_trailing_whitespaces: bool,
    pub include_file_name: bool,
    pub include_file_path: bool,
    pub include_file_record_number: bool,
    pub include_file_record_offset: bool,
    pub exclude_older_than: Interval,
    pub storage: String,
    pub attributes: serde_json::Map<String, serde_json::Value>,
    pub resource: serde_json::Map<String, serde_json::Value>,
    pub operators: Vec<serde_json::Value>,
    /// Taken and not needed: what may be tried again is tried until it is taken.
    #[serde(skip_serializing)]
    pub retry_on_failure: Option<serde_json::Value>,
    #[serde(skip_serializing)]
    pub initial_buffer_size: Option<Size>,
    #[serde(skip_serializing)]
    pub max_batches: Option<u64>,
    #[serde(skip_serializing)]
    pub polls_to_archive: Option<u64>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Multiline {
    pub line_start_pattern: String,
    pub line_end_pattern: String,
    pub omit_pattern: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            start_at: "end".to_owned(),
            poll_interval: Interval::millis(200),
            fingerprint_size: Size(ByteSize(1000)),
            max_log_size: Size(ByteSize::mib(1)),
            max_log_size_behavior: "split".to_owned(),
            max_concurrent_files: 1024,
            force_flush_period: Interval::millis(500),
            encoding: "utf-8".to_owned(),
            multiline: Multiline::default(),
            preserve_leading_whitespaces: false,
            preserve_trailing_whitespaces: false,
            include_file_name: true,
            include_file_path: false,
            include_file_record_number: false,
            include_file_record_offset: false,
            exclude_older_than: Interval::secs(0),
            storage: String::new(),
            attributes: serde_json::Map::new(),
            resource: serde_json::Map::new(),
            operators: Vec::new(),
            retry_on_failure: None,
            initial_buffer_size: None,
            max_batches: None,
            polls_to_archive: None,
        }
    }
}

struct FileLog {
    component: String,
    id: String,
    finder: Finder,
    tuning: Tuning,
    recording: Recording,
    storage: String,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let settings: Settings = setup.read()?;
    let (finder, tuning) = files(setup, &settings)?;
    let blueprint = operators(setup, &settings.operators)?;
    let recording = Recording::new(&settings, blueprint);
    let (component, id) = (setup.path(""), setup.id().to_string());
    Ok(Box::new(FileLog { component, id, finder, tuning, recording, storage: settings.storage }))
}

/// What says which files are read and how, for receivers of files.
pub(super) fn files(setup: &mut Setup<'_>, settings: &Settings) -> Result<(Finder, Tuning), Refused> {
    if settings.include.is_empty() {
        return Err(setup.error("include", "names no file; write `include: [/var/log/app/*.log]`"));
    }
    let older = settings.exclude_older_than.0;
    let finder = Finder::new(&settings.include, &settings.exclude, older)
        .map_err(|(setting, message)| setup.error(&setting, message))?;
    let from_end = match settings.start_at.as_str() {
        "end" => true,
        "beginning" => false,
        other => return Err(setup.error("start_at", format!("`{other}` is not known; write end or beginning"))),
    };
    let oversize = match settings.max_log_size_behavior.as_str() {
        "split" => Oversize::Split,
        "truncate" => Oversize::Truncate,
        other => {
            let message = format!("`{other}` is not known; write split or truncate");
            return Err(setup.error("max_log_size_behavior", message));
        }
    };
    let encoding = Encoding::parse(&settings.encoding).map_err(|e| setup.error("encoding", e))?;
    let fingerprint = settings.fingerprint_size.0.as_usize();
    if fingerprint < 16 {
        return Err(setup.error("fingerprint_size", "must be at least 16: shorter beginnings do not tell files apart"));
    }
    let max = settings.max_log_size.0.as_usize();
    if max == 0 || max > 64 << 20 {
        return Err(setup.error("max_log_size", "must lie between 1 and 64MiB"));
    }
    if settings.max_concurrent_files < 2 {
        return Err(setup.error("max_concurrent_files", "must be at least 2"));
    }
    if settings.poll_interval.0.is_zero() {
        return Err(setup.error("poll_interval", "must be greater than zero"));
    }
    let split = Split::new(&settings.multiline, encoding, max, oversize)
        .map_err(|(setting, message)| setup.error(&format!("multiline.{setting}"), message))?;
    let tuning = Tuning {
        from_end,
        poll: settings.poll_interval.0,
        fingerprint,
        open_max: settings.max_concurrent_files,
        flush: settings.force_flush_period.0,
        encoding,
        split,
        trim: [!settings.preserve_leading_whitespaces, !settings.preserve_trailing_whitespaces],
    };
    Ok((finder, tuning))
}

/// Where the checkpoints of a receiver lie.
pub(super) fn checkpoint(host: &Host, component: &str, id: &str, storage: &str) -> Result<PathBuf, StartError> {
    let failed = |message: String| StartError { component: component.to_owned(), message };
    let directory = match storage {
        "" => host.data_dir.join("filelog"),
        extension => match host.extensions.get(extension).map(|provided| provided.storage.clone()) {
            Some(Some(storage)) => storage.directory.join("filelog"),
            Some(None) => return Err(failed(format!("storage: the extension `{extension}` stores nothing"))),
            None => {
                return Err(failed(format!(
                    "storage: `{extension}` is not an extension that runs; name it in `service.extensions`"
                )));
            }
        },
    };
    let cannot = |e| failed(format!("cannot make the folder {}: {e}", directory.display()));
    host.disk.create_dir_all(&directory).map_err(cannot)?;
    let name: String =
        id.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '+' }).collect();
    Ok(directory.join(format!("{name}.json")))
}

impl Receiver for FileLog {
    fn overlaps(&self) -> bool {
        false
    }

    fn start<'a>(self: Box<Self>, outputs: Outputs, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            let Some(consumer) = outputs.of(Signal::Logs) else { return Ok(()) };
            let checkpoint = checkpoint(host, &self.component, &self.id, &self.storage)?;
            let recording = Arc::new(self.recording.with_journal(host.journal.clone()));
            let tail = Tail::new(
                self.finder,
                self.tuning,
                recording,
                vec![(Signal::Logs, consumer)],
                host,
                checkpoint,
                run.reporter(),
            )
            .map_err(|message| StartError { component: self.component.clone(), message })?;
            tail.spawn(run);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
