//! `pprof`: where this process spends its time, in the format of `go tool pprof`.
//!
//! `/debug/pprof/profile?seconds=30` samples all threads 100 times a second. There is no heap profile: the allocator does not
//! say who holds what. Source: google/pprof, `profile.proto`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use wire::protobuf::Writer;

use crate::component::{Extension, ExtensionFactory, Host, Refused, Run, Setup, StartError, Starting};
use crate::config::Collector;
use crate::page::{Ask, Page, Pages, serve};

/// How it is known.
pub(super) const FACTORY: ExtensionFactory = ExtensionFactory { names: &["pprof"], build };

const PORT: u16 = 1777;
const HERTZ: i32 = 100;
/// Samples of the longest profile fill some megabytes.
const SECONDS_MAX: u64 = 300;

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    endpoint: String,
    /// Taken and not used: there are no locks and no goroutines to sample.
    #[serde(skip_serializing)]
    block_profile_fraction: Option<u64>,
    #[serde(skip_serializing)]
    mutex_profile_fraction: Option<u64>,
    /// Taken and not used: profiles are fetched.
    #[serde(skip_serializing)]
    save_to_file: Option<String>,
}

struct Pprof {
    component: String,
    address: SocketAddr,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Extension>, Refused> {
    let mut settings: Settings = setup.read()?;
    if settings.save_to_file.is_some() {
        let fix = "fetch /debug/pprof/profile";
        setup.warning("save_to_file", "profiles are not written to files", fix, Some(Collector::Accepts));
    }
    let endpoint = Some(settings.endpoint.clone()).filter(|e| !e.is_empty());
    let address = setup.address("endpoint", endpoint.as_deref(), PORT)?;
    settings.endpoint = address.to_string();
    setup.show(&settings);
    Ok(Box::new(Pprof { component: setup.path(""), address }))
}

impl Extension for Pprof {
    fn start<'a>(self: Box<Self>, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            let owner = format!("{}.endpoint", self.component);
            let listener = host.sockets.tcp(&owner, self.address).await;
            let listener = listener.map_err(|message| StartError { component: self.component.clone(), message })?;
            // The timer of the operating system is one for the process.
            let busy = Arc::new(AtomicBool::new(false));
            let pages: Pages = Arc::new(move |ask| {
                let busy = busy.clone();
                Box::pin(async move { page(&ask, &busy).await })
            });
            run.spawn("pages", serve(listener, pages, run.stopped()));
            Ok(())
        })
    }
}

fn text(status: StatusCode, body: &str) -> Option<Page> {
    Some(Page { status, content_type: "text/plain; charset=utf-8", body: Bytes::copy_from_slice(body.as_bytes()) })
}

async fn page(ask: &Ask, busy: &AtomicBool) -> Option<Page> {
    match ask.path.as_str() {
        "/debug/pprof" | "/debug/pprof/" => {
            text(StatusCode::OK, "/debug/pprof/profile?seconds=30: CPU profile, for `go tool pprof`\n")
        }
        "/debug/pprof/profile" => {
            let seconds = ask.query.split('&').find_map(|pair| pair.strip_prefix("seconds="));
            let seconds = seconds.map_or(Ok(30), str::parse::<u64>);
            let Ok(seconds @ 1..=SECONDS_MAX) = seconds else {
                return text(StatusCode::BAD_REQUEST, "seconds must lie between 1 and 300\n");
            };
            if busy.swap(true, Ordering::AcqRel) {
                return text(StatusCode::CONFLICT, "a profile is being made; ask again when it is done\n");
            }
            let made = profile(Duration::from_secs(seconds)).await;
            busy.store(false, Ordering::Release);
            match made {
                Ok(body) => Some(Page { status: StatusCode::OK, content_type: "application/octet-stream", body }),
                Err(e) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("no profile could be made: {e}\n")),
            }
        }
        "/debug/pprof/heap" | "/debug/pprof/allocs" => text(
            StatusCode::NOT_IMPLEMENTED,
            "the allocator does not say who holds what; there is /debug/pprof/profile\n",
        ),
        _ => None,
    }
}

async fn profile(length: Duration) -> Result<Bytes, String> {
    let guard = pprof::ProfilerGuardBuilder::default().frequency(HERTZ).build().map_err(|e| e.to_string())?;
    tokio::time::sleep(length).await;
    tokio::task::block_in_place(|| {
        let report = guard.report().build().map_err(|e| e.to_string())?;
        drop(guard);
        let mut profile = Profile::default();
        for (frames, count) in &report.data {
            let stack = frames.frames.iter().flatten().map(|symbol| {
                let file = symbol.filename.as_ref().map_or_else(String::new, |path| path.display().to_string());
                (symbol.name(), file, symbol.lineno.unwrap_or(0))
            });
            profile.sample(stack, u64::try_from(*count).unwrap_or(0), &frames.thread_name);
        }
        let plain = profile.encode(length);
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::fastest());
        let mut out = vec![0; compressor.gzip_compress_bound(plain.len())];
        let len = compressor.gzip_compress(&plain, &mut out).map_err(|e| e.to_string())?;
        out.truncate(len);
        Ok(out.into())
    })
}

/// A `perftools.profiles.Profile` in the making.
#[derive(Default)]
struct Profile {
    texts: Vec<String>,
    text_ids: HashMap<String, u64>,
    /// Function and line; a location is its number from 1.
    locations: HashMap<(u64, u32), u64>,
    /// Name and file; a function is its number from 1.
    functions: HashMap<(u64, u64), u64>,
    samples: Vec<(Vec<u64>, u64, u64)>,
}

impl Profile {
    fn text(&mut self, text: &str) -> u64 {
        if self.texts.is_empty() {
            // The first is always the empty one.
            self.texts.push(String::new());
            self.text_ids.insert(String::new(), 0);
        }
        if let Some(id) = self.text_ids.get(text) {
            return *id;
        }
        let id = self.texts.len() as u64;
        self.texts.push(text.to_owned());
        self.text_ids.insert(text.to_owned(), id);
        id
    }

    /// A stack from the leaf to the root, and how often it was seen.
    fn sample(&mut self, stack: impl Iterator<Item = (String, String, u32)>, count: u64, thread: &str) {
        let mut ids = Vec::new();
        for (name, file, line) in stack {
            let key = (self.text(&name), self.text(&file));
            let next = self.functions.len() as u64 + 1;
            let function = *self.functions.entry(key).or_insert(next);
            let next = self.locations.len() as u64 + 1;
            ids.push(*self.locations.entry((function, line)).or_insert(next));
        }
        let thread = self.text(thread);
        self.samples.push((ids, count, thread));
    }

    fn encode(mut self, length: Duration) -> Vec<u8> {
        let period = 1_000_000_000 / HERTZ as u64;
        let words = ["samples", "count", "cpu", "nanoseconds", "thread"].map(|word| self.text(word));
        let [samples, count, cpu, nanoseconds, thread] = words;
        let mut w = Writer::new();
        let value_type = |w: &mut Writer, field: u32, kind: u64, unit: u64| {
            w.message(field, |w| {
                w.uint(1, kind);
                w.uint(2, unit);
            });
        };
        value_type(&mut w, 1, samples, count);
        value_type(&mut w, 1, cpu, nanoseconds);
        for (ids, seen, name) in &self.samples {
            w.message(2, |w| {
                ids.iter().for_each(|id| w.uint(1, *id));
                w.uint(2, *seen);
                w.uint(2, seen * period);
                w.message(3, |w| {
                    w.uint(1, thread);
                    w.uint(2, *name);
                });
            });
        }
        for ((function, line), id) in &self.locations {
            w.message(4, |w| {
                w.uint(1, *id);
                w.message(4, |w| {
                    w.uint(1, *function);
                    w.uint(2, u64::from(*line));
                });
            });
        }
        for ((name, file), id) in &self.functions {
            w.message(5, |w| {
                w.uint(1, *id);
                w.uint(2, *name);
                w.uint(3, *name);
                w.uint(4, *file);
            });
        }
        for text in &self.texts {
            w.string(6, text);
        }
        w.uint(10, length.as_nanos() as u64);
        value_type(&mut w, 11, cpu, nanoseconds);
        w.uint(12, period);
        w.into_bytes()
    }
}
