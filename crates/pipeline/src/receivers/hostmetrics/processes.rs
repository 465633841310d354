//! `processes`: how many there are, by state, and how many were made. Source: proc_pid_stat(5), proc_stat(5).

use std::collections::BTreeMap;

use super::process::{Stat, pids};
use super::{Filters, Machine, Measures};

pub(super) fn read(machine: &Machine, _: &Filters, m: &mut Measures<'_>) -> Result<(), String> {
    let mut counts: BTreeMap<&str, u64> =
        ["blocked", "running", "sleeping", "zombies"].into_iter().map(|s| (s, 0)).collect();
    for pid in pids(machine)? {
        let Some(stat) = Stat::read(machine, pid) else { continue };
        let status = match stat.state {
            b'R' => "running",
            b'S' => "sleeping",
            b'D' => "blocked",
            b'I' => "idle",
            b'Z' => "zombies",
            b'T' | b't' => "stopped",
            _ => "unknown",
        };
        *counts.entry(status).or_default() += 1;
    }
    for (status, count) in counts {
        m.level("system.processes.count", "{processes}", count, &[("status", status)]);
    }
    let text = machine.text("proc/stat")?;
    let created = text.lines().find_map(|l| l.strip_prefix("processes ")?.trim().parse::<u64>().ok());
    if let Some(created) = created {
        m.counter("system.processes.created", "{processes}", created, &[]);
    }
    Ok(())
}
