//! Where records come from, page by page: the data directory of a stopped server, or a server that runs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use api::native::export::{DAMAGED_BLOCKS, NEXT_CURSOR};
use derived::Derived;
use eventstore::EventStore;
use eventstore::query::{Limits, Partial};
use foundation::clock::SystemClock;
use foundation::disk::{RealDisk, SharedDisk};
use foundation::{Clock as _, ErrorKind, UnixNanos};
use metastore::Metastore;
use model::{AccessScope, TimeRange};
use net::Response;
use pipeline::refusal::http_status;
use query::export::{RecordPage, Records, page};
use query::{EventSignal, logs, time};
use wire::otlp::{Decoded, Encoding, decode_logs, decode_traces};
use wire::rows::{RowLogSink, RowSpanSink};

use crate::config::Config;
use crate::data_dir::{self, DataDir};
use crate::remote::{self, Remote};
use crate::serve::rejected;

/// Memory and time of one page.
const PAGE_BYTES_MAX: usize = 1 << 30;
const PAGE_TIMEOUT: Duration = Duration::from_secs(600);
/// A server says with it that a query needs more memory than it may take.
const TOO_MUCH: u16 = http_status(ErrorKind::LimitExceeded);
/// That no slot became free, or that the deadline passed.
const TRY_AGAIN: u16 = http_status(ErrorKind::Timeout);
/// A page that fails is asked for so many times again, after twice the pause each time.
const TRIES_MAX: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);
/// After so many pages more records are asked for at once again.
const GOOD_PAGES: usize = 8;

/// What is to be exported.
pub(super) struct Wanted {
    pub(super) signal: EventSignal,
    pub(super) range: TimeRange,
    pub(super) filter: String,
    /// Whether the rest is wanted, too, when blocks are damaged.
    pub(super) skip_damaged: bool,
}

/// Where records come from.
pub(super) enum Source {
    /// A data directory, which nobody else may open meanwhile.
    Stopped {
        store: EventStore,
        _locked: Option<DataDir>,
    },
    Running(Remote),
}

/// What came of asking for a page.
enum Found {
    /// Records, and how many blocks could not be read.
    Page(RecordPage, u64),
    /// So many records are too much at once.
    TooMuch(anyhow::Error),
    /// It may go well the next time.
    Failed(anyhow::Error),
}

impl Source {
    /// Opens the events as the server does: what the log still holds is exported too, and derived state sees it.
    pub(super) fn stopped(config: &Config) -> anyhow::Result<Self> {
        let locked = data_dir::of_stopped(&config.data_dir)?;
        let (dir, disk) = (&locked.path, Arc::new(RealDisk) as SharedDisk);
        let metastore = Metastore::open(dir, Arc::new(SystemClock))?;
        let settings = rejected::settings(config, &metastore)?;
        metastore.close();
        let derived = Derived::open(disk.clone(), &dir.join("derived"), settings)?;
        let events = eventstore::Config::new(dir.join("events"));
        let store = EventStore::open_observed(disk, events, Some(Arc::new(derived)));
        Ok(Self::Stopped { store: store.context("cannot open the events engine")?, _locked: Some(locked) })
    }

    pub(super) fn running(api: &str) -> anyhow::Result<Self> {
        Remote::new(remote::API, api).map(Self::Running)
    }

    /// Hands out all pages, oldest records first; how many damaged blocks were met in one page, at most.
    pub(super) fn pages(
        &self,
        wanted: &Wanted,
        mut each: impl FnMut(Records) -> anyhow::Result<()>,
    ) -> anyhow::Result<u64> {
        let (mut limit, mut good, mut tries, mut damaged) = (logs::LIMIT_MAX, 0, 0, 0);
        let mut cursor: Option<String> = None;
        loop {
            let found = match self {
                Self::Stopped { store, .. } => local(store, wanted, limit, cursor.as_deref()),
                Self::Running(server) => ask(server, wanted, limit, cursor.as_deref()),
            };
            match found? {
                Found::Page(page, blocks) => {
                    if blocks > 0 && !wanted.skip_damaged {
                        bail!("{} (--skip-damaged writes the rest)", not_whole(Partial::Damaged { blocks }));
                    }
                    damaged = damaged.max(blocks);
                    each(page.records)?;
                    match page.next_cursor {
                        Some(next) => cursor = Some(next),
                        None => return Ok(damaged),
                    }
                    (tries, good) = (0, good + 1);
                    // What was large may lie behind.
                    if good % GOOD_PAGES == 0 {
                        limit = (limit * 2).min(logs::LIMIT_MAX);
                    }
                }
                Found::TooMuch(why) if limit == 1 => return Err(why),
                Found::TooMuch(_) => (limit, good) = (limit / 2, 0),
                Found::Failed(why) if tries == TRIES_MAX => return Err(why),
                Found::Failed(_) => {
                    std::thread::sleep(PAUSE * (1 << tries));
                    tries += 1;
                    (limit, good) = ((limit / 2).max(1), 0);
                }
            }
        }
    }
}

fn not_whole(why: Partial) -> String {
    format!("the export would not be whole: {why}; nothing was written")
}

fn local(store: &EventStore, wanted: &Wanted, limit: usize, cursor: Option<&str>) -> anyhow::Result<Found> {
    let limits = Limits::new(PAGE_TIMEOUT, PAGE_BYTES_MAX);
    let request =
        query::Request { access: AccessScope::ALL, range: wanted.range, filter: wanted.filter.clone(), limits };
    let found = page(store, &request, wanted.signal, limit, cursor).map_err(|e| remote::wrong(&wanted.filter, &e))?;
    match found.partial {
        None => Ok(Found::Page(found.value, 0)),
        Some(Partial::Damaged { blocks }) => Ok(Found::Page(found.value, blocks)),
        Some(why @ Partial::Memory) => Ok(Found::TooMuch(anyhow!(not_whole(why)))),
        Some(why) => bail!(not_whole(why)),
    }
}

fn ask(server: &Remote, wanted: &Wanted, limit: usize, cursor: Option<&str>) -> anyhow::Result<Found> {
    let mut url = server.url("/api/v1/export");
    url.query_pairs_mut()
        .append_pair("signal", wanted.signal.name())
        .append_pair("q", &wanted.filter)
        .append_pair("from", &time::rfc3339(wanted.range.start))
        .append_pair("to", &time::rfc3339(wanted.range.end))
        .append_pair("limit", &limit.to_string())
        .append_pair("cursor", cursor.unwrap_or_default());
    let answer = match server.send(net::Request::get(url), PAGE_TIMEOUT) {
        Ok(answer) => answer,
        // Whoever answered before may do so again.
        Err(e) if cursor.is_some() => return Ok(Found::Failed(e)),
        Err(e) => return Err(e),
    };
    if answer.truncated {
        return Ok(Found::TooMuch(anyhow!("a single record is longer than {} MiB", remote::ANSWER_BYTES_MAX >> 20)));
    }
    let refused = || server.refused(&wanted.filter, &answer);
    match answer.status.as_u16() {
        200 => {}
        TOO_MUCH => return Ok(Found::TooMuch(refused())),
        TRY_AGAIN => {
            return Ok(Found::Failed(refused().context("narrow --from and --to, or ask when less is going on")));
        }
        _ => return Err(refused()),
    }
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let is_otlp = header("content-type") == Some(Encoding::Protobuf.content_type());
    let Some(next) = header(NEXT_CURSOR).filter(|_| is_otlp) else {
        return Err(server.unexpected(&answer, "something that is no page of records"));
    };
    let damaged = header(DAMAGED_BLOCKS).and_then(|n| n.parse().ok()).unwrap_or_default();
    let next_cursor = Some(next.to_owned()).filter(|next| !next.is_empty());
    let records = read(wanted.signal, &answer).context("the server's answer is no page of records")?;
    Ok(Found::Page(RecordPage { records, next_cursor }, damaged))
}

/// The records of an answer, in the order of their times: requests are grouped by resource.
fn read(signal: EventSignal, answer: &Response) -> anyhow::Result<Records> {
    let limits = unlimited(SystemClock.now());
    let whole = |decoded: Decoded| match decoded.first_error {
        Some(error) if decoded.rejected > 0 => bail!("{} records cannot be read: {error}", decoded.rejected),
        _ => Ok(()),
    };
    Ok(match signal {
        EventSignal::Logs => {
            let mut sink = RowLogSink::default();
            whole(decode_logs(&answer.body, &limits, &mut sink)?)?;
            sink.records.sort_by_key(|record| record.time);
            Records::Logs(sink.records)
        }
        EventSignal::Traces => {
            let mut sink = RowSpanSink::default();
            whole(decode_traces(&answer.body, &limits, &mut sink)?)?;
            sink.spans.sort_by_key(|span| span.start);
            Records::Spans(sink.spans)
        }
    })
}

/// What the server took, it may have with larger limits than the usual ones.
const fn unlimited(now: UnixNanos) -> wire::otlp::Limits {
    wire::otlp::Limits {
        max_attributes: usize::MAX,
        max_value_bytes: usize::MAX,
        max_events: usize::MAX,
        max_links: usize::MAX,
        ..wire::otlp::Limits::new(now)
    }
}
