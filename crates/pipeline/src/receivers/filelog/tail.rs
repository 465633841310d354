//! Reads files to their ends, again and again, and remembers what was acknowledged.
//!
//! One thread does it, away from those that serve sockets. What a batch of lines becomes is handed on and waited for; then the
//! place behind it is acknowledged, and written to the checkpoint when the round over all files has ended. A batch that may be
//! tried again is tried until it is taken, so nothing is lost while a pipeline refuses; reading waits meanwhile.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use foundation::Clock;
use foundation::disk::SharedDisk;
use model::Signal;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::encoding::Encoding;
use super::finder::Finder;
use super::known::{self, GONE_MAX, Known};
use super::records::{Lines, Source};
use super::split::Split;
use crate::component::{Host, Reporter, Run};
use crate::consumer::Consumer;
use crate::journal::Journal;
use crate::telemetry::Telemetry;

/// Bytes that are read at once.
const READ_BYTES: usize = 256 << 10;
/// Bytes of requests that are handed on together.
const BATCH_BYTES: usize = 1 << 20;
/// Bytes that are read of one file before it is the turn of the next.
const TURN_BYTES: u64 = 16 << 20;
/// A checkpoint is written this often while a round takes longer.
const CHECKPOINT_PERIOD: Duration = Duration::from_secs(1);

/// How files are read.
#[derive(Clone)]
pub(crate) struct Tuning {
    /// Files that are there at the first start are read from their end.
    pub(crate) from_end: bool,
    pub(crate) poll: Duration,
    /// Bytes of a file's beginning that tell it from others.
    pub(crate) fingerprint: usize,
    pub(crate) open_max: usize,
    /// A last line without its end is a record after this time.
    pub(crate) flush: Duration,
    pub(crate) encoding: Encoding,
    pub(crate) split: Split,
    /// Whether spaces are taken away before and behind a record.
    pub(crate) trim: [bool; 2],
}

/// A file that is being read.
struct Reading {
    known: Known,
    file: Option<File>,
    lines: Box<dyn Lines>,
    /// Bytes from `at` on that were read and are no whole record yet.
    buffer: Vec<u8>,
    /// Where `buffer` begins.
    at: u64,
    /// Records before `at`.
    records: u64,
    /// What follows belongs to a record that was cut.
    cut: bool,
    grown: Instant,
    /// The pattern found it in this round.
    present: bool,
}

/// Reads the files of one receiver.
pub(crate) struct Tail {
    finder: Finder,
    tuning: Tuning,
    source: Arc<dyn Source>,
    consumers: Vec<(Signal, Arc<dyn Consumer>)>,
    journal: Journal,
    clock: Arc<dyn Clock>,
    disk: SharedDisk,
    checkpoint: PathBuf,
    reporter: Reporter,
    reading: Vec<Reading>,
    /// Of files that are not there, newest last.
    gone: Vec<Known>,
    first: bool,
    changed: bool,
    saved: Instant,
}

/// The receiver has to stop.
struct Stopped;

impl Tail {
    /// Fails when the checkpoint cannot be read.
    pub(crate) fn new(
        finder: Finder,
        tuning: Tuning,
        source: Arc<dyn Source>,
        consumers: Vec<(Signal, Arc<dyn Consumer>)>,
        host: &Host,
        checkpoint: PathBuf,
        reporter: Reporter,
    ) -> Result<Self, String> {
        let gone = known::read(&*host.disk, &checkpoint)?;
        Ok(Self {
            finder,
            tuning,
            source,
            consumers,
            journal: host.journal.clone(),
            clock: host.clock.clone(),
            disk: host.disk.clone(),
            checkpoint,
            reporter,
            reading: Vec::new(),
            first: gone.is_empty(),
            gone,
            changed: false,
            saved: Instant::now(),
        })
    }

    pub(crate) fn spawn(self, run: &mut Run) {
        let stop = run.stopped();
        let handle = Handle::current();
        run.spawn("tail", async move {
            if let Err(e) = tokio::task::spawn_blocking(move || self.run(&handle, stop)).await {
                tracing::error!(error = %e, "reading of files has ended");
            }
        });
    }

    fn run(mut self, handle: &Handle, mut stop: watch::Receiver<bool>) {
        self.reporter.ok();
        loop {
            if self.round(handle, &mut stop).is_err() {
                break;
            }
            self.save();
            let wait = tokio::time::timeout(self.tuning.poll, stop.wait_for(|stopped| *stopped));
            if handle.block_on(async { wait.await.is_ok() }) {
                break;
            }
        }
        self.save();
    }

    /// Looks for files, and reads what is new in each.
    fn round(&mut self, handle: &Handle, stop: &mut watch::Receiver<bool>) -> Result<(), Stopped> {
        self.look();
        let mut more = true;
        while more {
            more = false;
            for n in 0..self.reading.len() {
                more |= self.read(n, handle, stop)?;
                if self.saved.elapsed() > CHECKPOINT_PERIOD {
                    self.save();
                }
            }
        }
        let periodic = self.source.periodic(self.clock.now());
        self.hand_on(periodic, handle, stop)?;
        self.forget();
        Ok(())
    }

    /// Finds the files, and knows those again that were read before.
    fn look(&mut self) {
        let matching = self.finder.find(self.clock.now());
        if matching.too_many {
            self.journal.note(Some(Signal::Logs), "files", "more than 10000 files match; the others are not read", 1);
        }
        self.reading.iter_mut().for_each(|r| r.present = false);
        let mut new = Vec::new();
        for path in matching.paths {
            if let Some((file, known)) = self.open(&path) {
                new.push((file, known));
            }
        }
        for (file, mut found) in new {
            let same = |k: &Known| k.is_beginning_of(&found.fingerprint);
            let position =
                self.gone.iter().rposition(|k| same(k) && (k.device, k.inode) == (found.device, found.inode));
            let position = position.or_else(|| self.gone.iter().rposition(same));
            match position {
                Some(at) => {
                    let old = self.gone.remove(at);
                    (found.offset, found.records) = (old.offset, old.records);
                }
                None if self.first && self.tuning.from_end => {
                    found.offset = file.metadata().map_or(0, |m| m.len());
                }
                None => {
                    // A copy of a file that is read under its own name brings nothing new but its end.
                    let twin = self.reading.iter().find(|r| is_copy(r, &file, &found.fingerprint));
                    (found.offset, found.records) = twin.map_or((0, 0), |t| (t.known.offset, t.known.records));
                }
            }
            if found.offset == 0 {
                found.offset = self.tuning.encoding.mark(&found.fingerprint) as u64;
            }
            self.changed = true;
            let lines = self.source.lines_of(&found.path);
            let (at, records) = (found.offset, found.records);
            self.reading.push(Reading {
                known: found,
                file: Some(file),
                lines,
                buffer: Vec::new(),
                at,
                records,
                cut: false,
                grown: Instant::now(),
                present: true,
            });
        }
        self.first = false;
    }

    /// Opens a file that is not being read yet; one that is, is marked, or begun anew if it was truncated.
    fn open(&mut self, path: &Path) -> Option<(File, Known)> {
        let meta = std::fs::metadata(path).ok()?;
        let (device, inode) = (meta.dev(), meta.ino());
        let position = self.reading.iter().position(|r| (r.known.device, r.known.inode) == (device, inode));
        let file = match position.and_then(|at| self.reading.get_mut(at)) {
            Some(reading) if meta.len() == reading.at + reading.buffer.len() as u64 => {
                // Nothing new: renamed perhaps.
                reading.present = true;
                reading.known.path = path.to_owned();
                return None;
            }
            _ => File::open(path).map_err(|e| self.cannot(path, &e)).ok()?,
        };
        let mut begin = vec![0; self.tuning.fingerprint.min(usize::try_from(meta.len()).unwrap_or(usize::MAX))];
        file.read_exact_at(&mut begin, 0).map_err(|e| self.cannot(path, &e)).ok()?;
        if let Some(at) = position {
            let reading = &mut self.reading[at];
            let grown = meta.len() >= reading.known.offset;
            if grown && (reading.known.fingerprint.is_empty() || reading.known.is_beginning_of(&begin)) {
                reading.present = true;
                reading.known.path = path.to_owned();
                reading.known.fingerprint = begin;
                reading.file.get_or_insert(file);
                return None;
            }
            // Truncated: what it was may live on in a copy.
            let old = self.reading.remove(at);
            self.gone.push(old.known);
        }
        // What it begins with is not known yet.
        if begin.is_empty() {
            return None;
        }
        Some((file, Known { path: path.to_owned(), device, inode, fingerprint: begin, offset: 0, records: 0 }))
    }

    fn cannot(&self, path: &Path, e: &std::io::Error) {
        self.journal.note(Some(Signal::Logs), "files", &format!("cannot read {}: {e}", path.display()), 1);
    }

    /// Reads one file for a turn; whether there is more.
    fn read(&mut self, n: usize, handle: &Handle, stop: &mut watch::Receiver<bool>) -> Result<bool, Stopped> {
        let begin = self.reading[n].at;
        loop {
            let more = self.read_once(n);
            let reading = &mut self.reading[n];
            let waited = !more && reading.grown.elapsed() >= self.tuning.flush;
            self.split(n, waited);
            let reading = &mut self.reading[n];
            if !more || reading.lines.bytes() >= BATCH_BYTES {
                let made = reading.lines.take(false, self.clock.now());
                self.hand_on(made, handle, stop)?;
                let reading = &mut self.reading[n];
                let acknowledged = reading.lines.held_from().unwrap_or(reading.at);
                if acknowledged != reading.known.offset {
                    (reading.known.offset, reading.known.records) = (acknowledged, reading.records);
                    self.changed = true;
                }
            }
            if !more {
                return Ok(false);
            }
            if self.reading[n].at - begin > TURN_BYTES {
                return Ok(true);
            }
        }
    }

    /// Reads once; whether there was something.
    fn read_once(&mut self, n: usize) -> bool {
        let reading = &mut self.reading[n];
        let Some(file) = &reading.file else { return false };
        let have = reading.buffer.len();
        reading.buffer.resize(have + READ_BYTES, 0);
        let got = file.read_at(&mut reading.buffer[have..], reading.at + have as u64);
        let got = match got {
            Ok(got) => got,
            Err(e) => {
                reading.buffer.truncate(have);
                let path = reading.known.path.clone();
                self.cannot(&path, &e);
                return false;
            }
        };
        reading.buffer.truncate(have + got);
        if got > 0 {
            reading.grown = Instant::now();
        }
        got > 0
    }

    /// Takes whole records out of the buffer.
    fn split(&mut self, n: usize, all: bool) {
        let now = self.clock.now();
        let reading = &mut self.reading[n];
        let mut done = 0;
        loop {
            let rest = &reading.buffer[done..];
            if reading.cut {
                let (skip, ended) = self.tuning.split.rest_of_cut(rest);
                done += skip;
                reading.cut = !ended;
                if !ended {
                    break;
                }
                continue;
            }
            let Some(found) = self.tuning.split.next(rest, all) else { break };
            let begins_at = reading.at + done as u64;
            let text = self.tuning.encoding.decode(&rest[found.record]);
            let text = trimmed(&text, self.tuning.trim, self.tuning.split.is_by_line());
            if !text.is_empty() {
                reading.records += 1;
                reading.lines.line(text, begins_at, reading.records, now);
            }
            done += found.done;
            reading.cut = found.cut;
        }
        reading.buffer.drain(..done);
        reading.at += done as u64;
    }

    /// Hands on what was made of lines, and waits until it is taken.
    fn hand_on(&self, made: Vec<Telemetry>, handle: &Handle, stop: &mut watch::Receiver<bool>) -> Result<(), Stopped> {
        for telemetry in made {
            let signal = telemetry.signal();
            for (_, consumer) in self.consumers.iter().filter(|(s, _)| *s == signal) {
                while let Err(refusal) = handle.block_on(consumer.consume(telemetry.clone())) {
                    let Some(after) = refusal.retry_after() else {
                        let message = format!("{} (a batch of lines is dropped)", refusal.message);
                        self.journal.request_refused(Some(signal), "filelog", &message);
                        break;
                    };
                    self.reporter.recoverable(&refusal.message);
                    let after = after.min(Duration::from_secs(5));
                    let wait = async { tokio::time::timeout(after, stop.wait_for(|stopped| *stopped)).await.is_ok() };
                    if handle.block_on(wait) {
                        return Err(Stopped);
                    }
                }
                self.reporter.ok();
            }
        }
        Ok(())
    }

    /// Lets go of files that are gone and read to their end, and of handles beyond the limit.
    fn forget(&mut self) {
        let (mut n, flush) = (0, self.tuning.flush);
        while n < self.reading.len() {
            let reading = &self.reading[n];
            let waits =
                !reading.buffer.is_empty() && reading.grown.elapsed() < flush || reading.lines.held_from().is_some();
            if reading.present || waits {
                n += 1;
                continue;
            }
            let old = self.reading.remove(n);
            self.gone.push(old.known);
            self.changed = true;
        }
        let extra = self.gone.len().saturating_sub(GONE_MAX);
        self.gone.drain(..extra);
        let open = self.reading.iter().filter(|r| r.file.is_some()).count();
        let close = open.saturating_sub(self.tuning.open_max);
        for reading in self.reading.iter_mut().filter(|r| r.file.is_some()).take(close) {
            reading.file = None;
        }
    }

    fn save(&mut self) {
        self.saved = Instant::now();
        if !self.changed {
            return;
        }
        let files = self.gone.iter().cloned().chain(self.reading.iter().map(|r| r.known.clone())).collect();
        match known::write(&*self.disk, &self.checkpoint, files) {
            Ok(()) => self.changed = false,
            Err(e) => {
                let message =
                    format!("cannot write the checkpoint {}: {e}; lines may come twice", self.checkpoint.display());
                self.journal.note(Some(Signal::Logs), "checkpoint", &message, 1);
            }
        }
    }
}

/// Whether a file that begins with `begin` is a copy of one that is being read, as far as that was read.
fn is_copy(reading: &Reading, file: &File, begin: &[u8]) -> bool {
    let Some(original) = reading.file.as_ref().filter(|_| reading.known.is_beginning_of(begin)) else { return false };
    let end = reading.known.offset;
    let mut tails = [[0u8; 256]; 2];
    let length = end.min(256) as usize;
    let [a, b] = &mut tails;
    let read = |file: &File, tail: &mut [u8; 256]| {
        tail.get_mut(..length).is_some_and(|t| file.read_exact_at(t, end - length as u64).is_ok())
    };
    read(original, a) && read(file, b) && tails[0] == tails[1]
}

fn trimmed(text: &str, trim: [bool; 2], line: bool) -> &str {
    // The carriage return before a line feed is part of the line's end.
    let text = if line { text.strip_suffix('\r').unwrap_or(text) } else { text };
    let text = if trim[0] { text.trim_start() } else { text };
    if trim[1] { text.trim_end() } else { text }
}
