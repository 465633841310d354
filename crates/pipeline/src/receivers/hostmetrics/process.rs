//! `process`: what each process uses. Source: proc_pid_stat(5), proc_pid_io(5), proc_pid_status(5).

use foundation::UnixNanos;
use wire::otlp::tree::Attributes;

use super::{Filters, Machine, Measures, ticks_per_second};

/// Processes that are looked at.
const PROCESSES_MAX: usize = 10_000;

/// What `/proc/<pid>/stat` says.
pub(super) struct Stat {
    pub name: String,
    pub state: u8,
    parent: i64,
    user: f64,
    system: f64,
    wait: f64,
    minor_faults: u64,
    major_faults: u64,
    threads: u64,
    /// Seconds after the start of the machine.
    started: f64,
    virtual_bytes: u64,
    resident_pages: u64,
}

pub(super) fn pids(machine: &Machine) -> Result<Vec<u32>, String> {
    let path = machine.root.join("proc");
    let entries = std::fs::read_dir(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let pid = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    let mut pids: Vec<u32> = entries.filter_map(Result::ok).filter_map(pid).take(PROCESSES_MAX).collect();
    pids.sort_unstable();
    Ok(pids)
}

impl Stat {
    /// `None` for a process that has ended.
    pub(super) fn read(machine: &Machine, pid: u32) -> Option<Self> {
        let text = machine.text(&format!("proc/{pid}/stat")).ok()?;
        // The name may have spaces and parentheses in it.
        let (begin, rest) = text.rsplit_once(") ")?;
        let name = begin.split_once('(')?.1.to_owned();
        let words: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |at: usize| words.get(at).and_then(|w| w.parse::<u64>().ok()).unwrap_or(0);
        let seconds = |at| number(at) as f64 / ticks_per_second();
        Some(Self {
            name,
            state: *words.first()?.as_bytes().first()?,
            parent: words.get(1)?.parse().ok()?,
            minor_faults: number(7),
            major_faults: number(9),
            user: seconds(11),
            system: seconds(12),
            threads: number(17),
            started: seconds(19),
            virtual_bytes: number(20),
            resident_pages: number(21),
            wait: seconds(39),
        })
    }
}

pub(super) fn read(machine: &Machine, filters: &Filters, m: &mut Measures<'_>) -> Result<(), String> {
    let page = rustix::param::page_size() as u64;
    let users = machine.text("etc/passwd").unwrap_or_default();
    for pid in pids(machine)? {
        let Some(stat) = Stat::read(machine, pid).filter(|s| filters.names.takes(&s.name)) else { continue };
        let started = machine.boot.plus(std::time::Duration::from_secs_f64(stat.started));
        m.resource_of(resource(machine, pid, &stat, &users));
        m.since(started);
        for (state, seconds) in [("user", stat.user), ("system", stat.system), ("wait", stat.wait)] {
            m.counter("process.cpu.time", "s", seconds, &[("state", state)]);
        }
        m.level("process.memory.usage", "By", stat.resident_pages * page, &[]);
        m.level("process.memory.virtual", "By", stat.virtual_bytes, &[]);
        if m.wants("process.disk.io", true) {
            let io = machine.text(&format!("proc/{pid}/io")).unwrap_or_default();
            let of =
                |name: &str| io.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": ")?.parse::<u64>().ok());
            for (direction, bytes) in [("read", of("read_bytes")), ("write", of("write_bytes"))] {
                // Of processes of others one may not know.
                if let Some(bytes) = bytes {
                    m.counter("process.disk.io", "By", bytes, &[("direction", direction)]);
                }
            }
        }
        optional(machine, pid, &stat, started, m);
    }
    Ok(())
}

/// What is off unless it is asked for.
fn optional(machine: &Machine, pid: u32, stat: &Stat, started: UnixNanos, m: &mut Measures<'_>) {
    if m.wants("process.threads", false) {
        m.level("process.threads", "{threads}", stat.threads, &[]);
    }
    if m.wants("process.paging.faults", false) {
        for (kind, n) in [("major", stat.major_faults), ("minor", stat.minor_faults)] {
            m.counter("process.paging.faults", "{faults}", n, &[("type", kind)]);
        }
    }
    if m.wants("process.open_file_descriptors", false) {
        let path = machine.root.join(format!("proc/{pid}/fd"));
        if let Ok(entries) = std::fs::read_dir(path) {
            m.level("process.open_file_descriptors", "{count}", entries.count() as u64, &[]);
        }
    }
    if m.wants("process.uptime", false) {
        m.gauge("process.uptime", "s", (machine.now.0 - started.0) as f64 / 1e9, &[]);
    }
}

fn resource(machine: &Machine, pid: u32, stat: &Stat, users: &str) -> Attributes {
    let mut resource = Attributes::new();
    resource.push("process.pid", i64::from(pid));
    resource.push("process.parent_pid", stat.parent);
    resource.push("process.executable.name", stat.name.as_str());
    if let Ok(path) = std::fs::read_link(machine.root.join(format!("proc/{pid}/exe"))) {
        resource.push("process.executable.path", path.to_string_lossy().into_owned());
    }
    let line = machine.text(&format!("proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<&str> = line.split('\0').filter(|w| !w.is_empty()).collect();
    if let Some(command) = words.first() {
        resource.push("process.command", *command);
        resource.push("process.command_line", words.join(" "));
    }
    let status = machine.text(&format!("proc/{pid}/status")).unwrap_or_default();
    let uid = status.lines().find_map(|l| l.strip_prefix("Uid:")?.split_ascii_whitespace().next());
    if let Some(uid) = uid {
        let of = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == uid).then(|| name.to_owned())
        };
        resource.push("process.owner", users.lines().find_map(of).unwrap_or_else(|| uid.to_owned()));
    }
    resource
}
