//! `hostmetrics`: what the machine does: processors, memory, disks, file systems, network, load, paging, processes.
//!
//! One scraper is one file, and one line here. Everything is read from `/proc` below `root_path`. Names and attributes are the
//! Collector's. Source: hostmetricsreceiver (metadata.yaml of each scraper); proc(5).

mod cpu;
mod disk;
mod filesystem;
mod filter;
mod load;
mod memory;
mod network;
mod paging;
mod process;
mod processes;
mod system;

use std::path::{Path, PathBuf};

use foundation::UnixNanos;
use model::Signal;
use serde::{Deserialize, Serialize};
use yaml::nearest;

use super::measures::{Choice, Measures};
use super::scraper::{Asking, Schedule, Scraped, Scraper};
use crate::component::{Receiver, ReceiverFactory, Refused, Setup};
use crate::config::Interval;

/// How it is known.
pub(super) const FACTORY: ReceiverFactory =
    ReceiverFactory { names: &["host_metrics", "hostmetrics"], signals: &[Signal::Metrics], build };

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    collection_interval: Interval,
    initial_delay: Interval,
    root_path: String,
    scrapers: std::collections::BTreeMap<String, ScraperSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            collection_interval: Interval::secs(60),
            initial_delay: Interval::secs(1),
            root_path: String::new(),
            scrapers: std::collections::BTreeMap::new(),
        }
    }
}

/// What scrapers may have; which of it has a meaning is each scraper's.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ScraperSettings {
    metrics: Choice,
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<filter::Patterns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude: Option<filter::Patterns>,
    include_devices: Option<filter::Patterns>,
    exclude_devices: Option<filter::Patterns>,
    include_fs_types: Option<filter::Patterns>,
    exclude_fs_types: Option<filter::Patterns>,
    include_mount_points: Option<filter::Patterns>,
    exclude_mount_points: Option<filter::Patterns>,
    include_virtual_filesystems: bool,
    cpu_average: bool,
    /// Taken and not needed: a process that ends while it is read is no error.
    #[serde(skip_serializing)]
    mute_process_name_error: Option<bool>,
    #[serde(skip_serializing)]
    mute_process_exe_error: Option<bool>,
    #[serde(skip_serializing)]
    mute_process_io_error: Option<bool>,
    #[serde(skip_serializing)]
    mute_process_user_error: Option<bool>,
    #[serde(skip_serializing)]
    mute_process_cgroup_error: Option<bool>,
    #[serde(skip_serializing)]
    mute_process_all_errors: Option<bool>,
    #[serde(skip_serializing)]
    scrape_process_delay: Option<Interval>,
}

/// Reads one part of the machine.
type Read = fn(&Machine, &Filters, &mut Measures<'_>) -> Result<(), String>;

const ALL: &[(&str, Read)] = &[
    ("cpu", cpu::read),
    ("disk", disk::read),
    ("filesystem", filesystem::read),
    ("load", load::read),
    ("memory", memory::read),
    ("network", network::read),
    ("paging", paging::read),
    ("process", process::read),
    ("processes", processes::read),
    ("system", system::read),
];

/// Which devices and the like are wanted, and how.
#[derive(Debug, Clone, Default)]
struct Filters {
    names: filter::Filter,
    devices: filter::Filter,
    fs_types: filter::Filter,
    mount_points: filter::Filter,
    virtual_filesystems: bool,
    cpu_average: bool,
}

/// The machine as its files show it.
struct Machine {
    root: PathBuf,
    now: UnixNanos,
    boot: UnixNanos,
}

impl Machine {
    fn new(root: &Path, now: UnixNanos) -> Self {
        let mut machine = Self { root: root.to_owned(), now, boot: UnixNanos(0) };
        let stat = machine.text("proc/stat").unwrap_or_default();
        let seconds = stat.lines().find_map(|l| l.strip_prefix("btime ")?.trim().parse().ok());
        machine.boot = UnixNanos::from_secs(seconds.unwrap_or(0));
        machine
    }

    /// A file below the root.
    fn text(&self, path: &str) -> Result<String, String> {
        let path = self.root.join(path);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(e) => Err(format!("cannot read {}: {e}", path.display())),
        }
    }
}

/// How many of the kernel's ticks are a second.
fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

/// The numbers of a line, from the word `skip` on.
fn numbers(line: &str, skip: usize) -> Vec<u64> {
    line.split_ascii_whitespace().skip(skip).map(|w| w.parse().unwrap_or(0)).collect()
}

struct HostMetrics {
    root: PathBuf,
    scrapers: Vec<(&'static str, Read, Choice, Filters)>,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let mut settings: Settings = setup.read()?;
    let schedule = Schedule::new(setup, settings.collection_interval, settings.initial_delay)?;
    if settings.scrapers.is_empty() {
        let names: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
        let message = format!("names no scraper; there is {}", names.join(", "));
        return Err(setup.error("scrapers", message));
    }
    let mut scrapers = Vec::new();
    for (name, own) in &settings.scrapers {
        let setting = format!("scrapers.{name}");
        let Some((known, read)) = ALL.iter().find(|(known, _)| known == name) else {
            let names: Vec<_> = ALL.iter().map(|(known, _)| *known).collect();
            let near =
                nearest(name, names.iter().copied()).map(|n| format!(", did you mean `{n}`?")).unwrap_or_default();
            return Err(
                setup.error(&setting, format!("there is no scraper `{name}`{near}; there is {}", names.join(", ")))
            );
        };
        let filter = |include: &Option<filter::Patterns>, exclude: &Option<filter::Patterns>| {
            filter::Filter::new(include.as_ref(), exclude.as_ref())
        };
        let filters = (|| {
            Ok(Filters {
                names: filter(&own.include, &own.exclude)?,
                devices: filter(&own.include_devices, &own.exclude_devices)?,
                fs_types: filter(&own.include_fs_types, &own.exclude_fs_types)?,
                mount_points: filter(&own.include_mount_points, &own.exclude_mount_points)?,
                virtual_filesystems: own.include_virtual_filesystems,
                cpu_average: own.cpu_average,
            })
        })();
        let filters = filters.map_err(|e: String| setup.error(&setting, e))?;
        scrapers.push((*known, *read, own.metrics.clone(), filters));
    }
    if settings.root_path.is_empty() {
        settings.root_path = "/".to_owned();
    }
    let root = PathBuf::from(&settings.root_path);
    setup.show(&settings);
    Ok(Box::new(Asking { schedule, scraper: HostMetrics { root, scrapers } }))
}

impl Scraper for HostMetrics {
    async fn scrape(&mut self, now: UnixNanos) -> Scraped {
        tokio::task::block_in_place(|| {
            let machine = Machine::new(&self.root, now);
            let mut scraped = Scraped::default();
            for (name, read, choice, filters) in &self.scrapers {
                let mut measures = Measures::new("bellrock/hostmetrics", choice, now, machine.boot);
                if let Err(e) = read(&machine, filters, &mut measures) {
                    scraped.problem = format!("{name}: {e}");
                }
                scraped.telemetry.extend(measures.into_telemetry());
            }
            scraped
        })
    }
}

#[cfg(test)]
mod tests;
