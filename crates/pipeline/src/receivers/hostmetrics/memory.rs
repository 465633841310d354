//! `memory`: who has it. Source: proc_meminfo(5).

use super::{Filters, Machine, Measures};

pub(super) fn read(machine: &Machine, _: &Filters, m: &mut Measures<'_>) -> Result<(), String> {
    let text = machine.text("proc/meminfo")?;
    let of = |name: &str| -> u64 {
        let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|l| l.split_ascii_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    let (total, free, buffered) = (of("MemTotal"), of("MemFree"), of("Buffers"));
    let (reclaimable, unreclaimable) = (of("SReclaimable"), of("SUnreclaim"));
    // What can be reclaimed of slabs is cached, as `free` counts.
    let cached = of("Cached") + reclaimable;
    let used = total.saturating_sub(free + buffered + cached);
    let states = [
        ("used", used),
        ("free", free),
        ("buffered", buffered),
        ("cached", cached),
        ("slab_reclaimable", reclaimable),
        ("slab_unreclaimable", unreclaimable),
    ];
    for (state, bytes) in states {
        m.level("system.memory.usage", "By", bytes, &[("state", state)]);
        if m.wants("system.memory.utilization", false) && total > 0 {
            m.gauge("system.memory.utilization", "1", bytes as f64 / total as f64, &[("state", state)]);
        }
    }
    if m.wants("system.linux.memory.available", false) {
        m.level("system.linux.memory.available", "By", of("MemAvailable"), &[]);
    }
    if m.wants("system.memory.limit", false) {
        m.level("system.memory.limit", "By", total, &[]);
    }
    Ok(())
}
