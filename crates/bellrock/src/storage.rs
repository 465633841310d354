//! `bellrock storage`: what lies on disk, and what retention would remove or removes.
//!
//! Looks into the data directory when no server has it open, else asks the
//! server (`--api`): both give the same report.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use foundation::Clock as _;
use foundation::clock::SystemClock;
use foundation::disk::RealDisk;
use net::Request;
use storage::report::{ColumnReport, Report, SignalReport};
use storage::{Limits, Stopped, plan, remove, report};

use crate::cli::{PruneArgs, StorageArgs, StorageCommand};
use crate::config::Config;
use crate::data_dir;
use crate::remote::{self, Remote};

/// Columns that are printed per signal without `--all`.
const COLUMNS: usize = 15;
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs the command; what it prints.
pub(crate) fn run(args: &StorageArgs, config: &Config) -> anyhow::Result<String> {
    match &args.command {
        None => {
            let report = match &args.api {
                Some(url) => fetch(url)?,
                None => look(&config.data_dir, &config.limits)?,
            };
            if args.json { Ok(serde_json::to_string_pretty(&report)? + "\n") } else { Ok(print(&report, args.all)) }
        }
        Some(StorageCommand::Prune(prune)) => run_prune(args, prune, config),
    }
}

/// Locks a directory that is there; looking must not make one.
fn open(dir: &Path) -> anyhow::Result<(data_dir::DataDir, Stopped)> {
    let locked = data_dir::of_stopped(dir)?;
    let stopped = Stopped::open(Arc::new(RealDisk), dir)?;
    Ok((locked, stopped))
}

fn look(dir: &Path, limits: &Limits) -> anyhow::Result<Report> {
    let (_locked, stopped) = open(dir)?;
    Ok(report(&stopped, limits, SystemClock.now(), true)?)
}

fn run_prune(args: &StorageArgs, prune: &PruneArgs, config: &Config) -> anyhow::Result<String> {
    if let Some(url) = &args.api {
        if !prune.dry_run {
            bail!("a running server prunes by itself, every minute; add --dry-run to see what goes next");
        }
        return Ok(removals(&fetch(url)?));
    }
    let (_locked, mut stopped) = open(&config.data_dir)?;
    let now = SystemClock.now();
    let announced = report(&stopped, &config.limits, now, false)?;
    let mut out = removals(&announced);
    if !prune.dry_run && !announced.removals.is_empty() {
        let planned = plan(&storage::Data::partitions(&stopped)?, &config.limits, now, announced.free_bytes);
        let bytes = remove(&mut stopped, &planned)?;
        let _ = writeln!(out, "removed {}", size(bytes));
    }
    Ok(out)
}

/// What a running server says.
fn fetch(api: &str) -> anyhow::Result<Report> {
    let server = Remote::new(remote::API, api)?;
    let answer = server.send(Request::get(server.url("/api/v1/storage")), TIMEOUT)?;
    if !answer.status.is_success() {
        return Err(server.refused("", &answer));
    }
    serde_json::from_slice(&answer.body).map_err(|_| server.unexpected(&answer, "something that is no storage report"))
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

fn print(r: &Report, all: bool) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} free; below {} new data is refused", size(r.free_bytes), size(r.min_free_bytes));
    out.push_str("in files; what is so new that only the write-ahead log has it is not counted\n");
    r.signals.iter().for_each(|s| print_signal(&mut out, s, all));
    out.push('\n');
    out.push_str(&removals(r));
    out
}

fn print_signal(out: &mut String, s: &SignalReport, all: bool) {
    let _ = writeln!(
        out,
        "\n{}: {} in {} records, {:.1} bytes per record",
        s.signal,
        size(s.bytes),
        s.records,
        s.bytes_per_record
    );
    for p in &s.partitions {
        let _ = writeln!(
            out,
            "  {:<28} {:>12} {:>14} records {:>8.1} B/record",
            p.name,
            size(p.bytes),
            p.records,
            p.bytes_per_record
        );
    }
    let shown = if all { s.columns.len() } else { COLUMNS.min(s.columns.len()) };
    for c in &s.columns[..shown] {
        let name = if c.key.is_empty() { c.column.clone() } else { c.key.clone() };
        // What lies beside columns has no values, and no type of them.
        let beside = c.column.starts_with('[');
        let _ = writeln!(
            out,
            "    {:<36} {:<7} {:>12} {:>14} values {:>10} distinct  {:>8.2} B/record",
            name,
            if beside { "-" } else { &c.value_type },
            size(c.bytes),
            if beside { "-".to_owned() } else { c.values.to_string() },
            distinct(c),
            c.bytes_per_record
        );
    }
    if shown < s.columns.len() {
        let rest: u64 = s.columns[shown..].iter().map(|c| c.bytes).sum();
        let _ = writeln!(out, "    {} more columns: {} (--all shows them)", s.columns.len() - shown, size(rest));
    }
}

/// An estimate says that it is one.
fn distinct(c: &ColumnReport) -> String {
    match (c.distinct, c.distinct_exact) {
        (None, _) => "-".to_owned(),
        (Some(n), Some(true)) => n.to_string(),
        (Some(n), _) => format!("~{n}"),
    }
}

fn removals(r: &Report) -> String {
    if r.removals.is_empty() {
        return "retention removes nothing now\n".to_owned();
    }
    let mut out = String::from("retention removes:\n");
    for x in &r.removals {
        let _ = writeln!(
            out,
            "  {:<8} {:<28} {:>12} {:>14} records  ({})",
            x.signal,
            x.partition,
            size(x.bytes),
            x.records,
            x.reason
        );
    }
    let bytes: u64 = r.removals.iter().map(|x| x.bytes).sum();
    let _ = writeln!(out, "  together {}", size(bytes));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_easily() {
        assert_eq!([0, 1023, 1536, 5 << 30].map(size), ["0 B", "1023 B", "1.5 KiB", "5.0 GiB"]);
    }

    #[test]
    fn looking_makes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("none");
        assert!(look(&missing, &Limits::default()).unwrap_err().to_string().contains("no data directory"));
        assert!(!missing.exists());
    }
}
