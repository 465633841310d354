//! `container`: lines as Docker, CRI-O and containerd write them to files.
//!
//! Docker writes JSON; the others write `time stream tag text`, where the tag `P` says that the line goes on in the next.
//! Kubernetes' names of namespace, pod and container are read of the file's path.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use wire::civil;
use wire::otlp::tree::Value;

use crate::config::Size;
use crate::stanza::Entry;
use crate::stanza::chain::{Holding, Step};

/// A line that is never finished goes on after this time.
const PARTIAL_MAX: Duration = Duration::from_secs(5);
/// Bytes of one line that is put together.
const BYTES_MAX: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    #[serde(default)]
    format: Option<String>,
    #[serde(default = "yes")]
    add_metadata_from_filepath: bool,
    #[serde(default)]
    max_log_size: Size,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Auto,
    Docker,
    Cri,
}

pub(super) fn build(settings: Settings) -> Result<Step, String> {
    let format = match settings.format.as_deref() {
        None | Some("") => Format::Auto,
        Some("docker") => Format::Docker,
        Some("crio" | "containerd") => Format::Cri,
        Some(other) => return Err(format!("format: `{other}` is not known; write docker, crio or containerd")),
    };
    let bytes_max = match settings.max_log_size.0.0 {
        0 => BYTES_MAX,
        n => n as usize,
    };
    let metadata = settings.add_metadata_from_filepath;
    Ok(Step::Holding(Arc::new(move || Box::new(Container { format, metadata, bytes_max, partial: [None, None] }))))
}

struct Container {
    format: Format,
    metadata: bool,
    bytes_max: usize,
    /// Of each stream, the line that is not finished.
    partial: [Option<(Entry, String, Instant)>; 2],
}

/// One line, taken apart.
struct Line {
    time: Option<foundation::UnixNanos>,
    stream: String,
    tag: Option<String>,
    text: String,
    partial: bool,
}

#[derive(Deserialize)]
struct Docker {
    log: String,
    #[serde(default)]
    stream: String,
    #[serde(default)]
    time: String,
}

fn docker(line: &str) -> Result<Line, String> {
    let d: Docker = serde_json::from_str(line).map_err(|e| format!("not a line of Docker: {e}"))?;
    let partial = !d.log.ends_with('\n');
    let text = d.log.trim_end_matches(['\n', '\r']).to_owned();
    Ok(Line { time: civil::rfc3339(&d.time), stream: d.stream, tag: None, text, partial })
}

fn cri(line: &str) -> Result<Line, String> {
    let bad = || "not a line of CRI-O or containerd: `time stream tag text` is expected".to_owned();
    let mut words = line.splitn(4, ' ');
    let (time, stream, tag) =
        (words.next().ok_or_else(bad)?, words.next().ok_or_else(bad)?, words.next().ok_or_else(bad)?);
    let time = civil::rfc3339(time).ok_or_else(bad)?;
    if !matches!(stream, "stdout" | "stderr") {
        return Err(bad());
    }
    let text = words.next().unwrap_or_default().to_owned();
    Ok(Line {
        time: Some(time),
        stream: stream.to_owned(),
        tag: Some(tag.to_owned()),
        text,
        partial: tag.starts_with('P'),
    })
}

impl Holding for Container {
    fn take(&mut self, mut entry: Entry, out: &mut Vec<Entry>) -> Result<(), Box<(Entry, String)>> {
        let read = match &entry.record.body {
            Value::Str(text) => match self.format {
                Format::Docker => docker(text),
                Format::Cri => cri(text),
                Format::Auto if text.starts_with('{') => docker(text),
                Format::Auto => cri(text),
            },
            _ => Err("the body is no text".to_owned()),
        };
        let line = match read {
            Ok(line) => line,
            Err(message) => return Err(Box::new((entry, message))),
        };
        if let Some(time) = line.time {
            entry.record.time_unix_nano = u64::try_from(time.0).unwrap_or(0);
        }
        let slot = &mut self.partial[usize::from(line.stream == "stderr")];
        entry.record.attributes.set("log.iostream", line.stream);
        if let Some(tag) = line.tag {
            entry.record.attributes.set("logtag", tag);
        }
        if self.metadata {
            kubernetes(&mut entry);
        }
        let (mut entry, text, since) = match slot.take() {
            Some((first, mut text, since)) => {
                text.push_str(&line.text);
                (first, text, since)
            }
            None => (entry, line.text, Instant::now()),
        };
        if line.partial && text.len() < self.bytes_max {
            *slot = Some((entry, text, since));
        } else {
            entry.record.body = Value::from(text);
            out.push(entry);
        }
        Ok(())
    }

    fn flush(&mut self, now: Instant, everything: bool, out: &mut Vec<Entry>) {
        for slot in &mut self.partial {
            let ripe = slot
                .as_ref()
                .is_some_and(|(_, _, since)| everything || now.saturating_duration_since(*since) > PARTIAL_MAX);
            if let Some((mut entry, text, _)) = slot.take_if(|_| ripe) {
                entry.record.body = Value::from(text);
                out.push(entry);
            }
        }
    }

    fn held_from(&self) -> Option<u64> {
        self.partial.iter().flatten().map(|(entry, _, _)| entry.begins_at).min()
    }
}

/// `/var/log/pods/<namespace>_<pod>_<uid>/<container>/<restarts>.log`
fn kubernetes(entry: &mut Entry) {
    let Some(path) = entry.record.attributes.text("log.file.path") else { return };
    let mut parts = path.rsplit('/');
    let (Some(file), Some(container), Some(pod)) = (parts.next(), parts.next(), parts.next()) else { return };
    let restarts = file.strip_suffix(".log").filter(|n| n.bytes().all(|b| b.is_ascii_digit()) && !n.is_empty());
    let names: Vec<&str> = pod.split('_').collect();
    let (Some(restarts), [namespace, name, uid]) = (restarts, names.as_slice()) else { return };
    for (key, value) in [
        ("k8s.namespace.name", *namespace),
        ("k8s.pod.name", *name),
        ("k8s.pod.uid", *uid),
        ("k8s.container.name", container),
        ("k8s.container.restart_count", restarts),
    ] {
        entry.resource.set(key, value);
    }
}
