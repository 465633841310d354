//! `debug` (once `logging`): says in the log what comes by.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foundation::UnixNanos;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use wire::otlp::Decoded;

use crate::component::{Exporter, ExporterFactory, Host, Refused, Run, SIGNALS, Setup, Starting};
use crate::config::Collector;
use crate::consumer::{Answer, Consumer};
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

/// How it is known.
pub(super) const FACTORY: ExporterFactory = ExporterFactory { names: &["debug", "logging"], signals: SIGNALS, build };

/// Characters of one request that `detailed` shows: a log line is not a dump.
const DETAIL_CHARS_MAX: usize = 64 << 10;

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    verbosity: Verbosity,
    /// Requests of every second that are said before they are sampled.
    sampling_initial: u64,
    /// After those, one in so many.
    sampling_thereafter: u64,
    /// Taken and not needed: there is one log.
    #[serde(skip_serializing)]
    use_internal_logger: Option<bool>,
    #[serde(skip_serializing)]
    output_paths: Option<Vec<String>>,
    #[serde(skip_serializing)]
    sending_queue: Option<serde_json::Value>,
    /// The old name of `verbosity`.
    #[serde(skip_serializing)]
    loglevel: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verbosity {
    #[default]
    Basic,
    Normal,
    Detailed,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            verbosity: Verbosity::Basic,
            sampling_initial: 2,
            sampling_thereafter: 1,
            use_internal_logger: None,
            output_paths: None,
            sending_queue: None,
            loglevel: None,
        }
    }
}

struct Debug {
    component: String,
    settings: Settings,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused> {
    if setup.id().type_name == "logging" {
        setup.warning("", "is called `debug` now", "rename it", Some(Collector::Refuses));
    }
    let mut settings: Settings = setup.read()?;
    if let Some(level) = &settings.loglevel {
        settings.verbosity = if level == "debug" { Verbosity::Detailed } else { Verbosity::Normal };
        let fix = "write `verbosity: basic`, `normal` or `detailed`";
        setup.warning("loglevel", "is called `verbosity` now", fix, Some(Collector::Refuses));
        setup.show(&settings);
    }
    Ok(Box::new(Debug { component: setup.path(""), settings }))
}

impl Exporter for Debug {
    fn start<'a>(self: Box<Self>, host: &'a Host, _: &'a mut Run) -> Starting<'a, Arc<dyn Consumer>> {
        let Self { component, settings } = *self;
        let clock = host.clock.clone();
        let teller =
            Teller { component, settings, clock, second: Mutex::new((UnixNanos::MIN, 0)), unsaid: AtomicU64::new(0) };
        Box::pin(async move { Ok(Arc::new(teller) as Arc<dyn Consumer>) })
    }
}

struct Teller {
    component: String,
    settings: Settings,
    clock: Arc<dyn foundation::Clock>,
    /// The begin of the current second, and requests in it.
    second: Mutex<(UnixNanos, u64)>,
    unsaid: AtomicU64,
}

impl Teller {
    fn is_said(&self) -> bool {
        let now = self.clock.now();
        let mut second = self.second.lock();
        if now.0.saturating_sub(second.0.0) >= 1_000_000_000 {
            *second = (now, 0);
        }
        second.1 += 1;
        let Settings { sampling_initial: initial, sampling_thereafter: then, .. } = self.settings;
        second.1 <= initial || (then > 0 && (second.1 - initial).is_multiple_of(then))
    }

    fn tell(&self, mut telemetry: Telemetry) -> Result<(), Refusal> {
        let (signal, items) = (telemetry.signal(), telemetry.items()?);
        let unsaid = self.unsaid.swap(0, Ordering::Relaxed);
        let component = &self.component;
        match self.settings.verbosity {
            Verbosity::Basic => {
                tracing::info!(
                    component,
                    items,
                    bytes = telemetry.size(),
                    unsaid,
                    "{} {}",
                    signal.name(),
                    signal.records()
                );
            }
            Verbosity::Normal | Verbosity::Detailed => {
                let tree = telemetry.tree()?;
                let text = match self.settings.verbosity {
                    Verbosity::Detailed => format!("{tree:#?}"),
                    _ => format!("{tree:?}"),
                };
                let end = text.char_indices().nth(DETAIL_CHARS_MAX).map_or(text.len(), |(at, _)| at);
                tracing::info!(component, items, unsaid, "{} {}: {}", signal.name(), signal.records(), &text[..end]);
            }
        }
        Ok(())
    }
}

impl Consumer for Teller {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            if self.is_said() {
                tokio::task::block_in_place(|| self.tell(telemetry))?;
            } else {
                self.unsaid.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Decoded::default())
        })
    }
}
