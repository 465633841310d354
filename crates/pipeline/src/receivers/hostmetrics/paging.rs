//! `paging`: swap space, and pages that go in and out. Source: proc_swaps(5), proc_vmstat(5).

use super::{Filters, Machine, Measures};

pub(super) fn read(machine: &Machine, _: &Filters, m: &mut Measures<'_>) -> Result<(), String> {
    let swaps = machine.text("proc/swaps").unwrap_or_default();
    for line in swaps.lines().skip(1) {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        let [device, _, size, used, ..] = words.as_slice() else { continue };
        let kib = |text: &str| text.parse::<u64>().unwrap_or(0) * 1024;
        let (size, used) = (kib(size), kib(used));
        for (state, bytes) in [("used", used), ("free", size.saturating_sub(used))] {
            m.level("system.paging.usage", "By", bytes, &[("device", device), ("state", state)]);
            if m.wants("system.paging.utilization", false) && size > 0 {
                m.gauge(
                    "system.paging.utilization",
                    "1",
                    bytes as f64 / size as f64,
                    &[("device", device), ("state", state)],
                );
            }
        }
    }
    let vmstat = machine.text("proc/vmstat")?;
    let of = |name: &str| -> u64 {
        let line = vmstat.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|v| v.trim().parse().ok()).unwrap_or(0)
    };
    let operations = [
        ("page_in", "major", of("pswpin")),
        ("page_out", "major", of("pswpout")),
        ("page_in", "minor", of("pgpgin")),
        ("page_out", "minor", of("pgpgout")),
    ];
    for (direction, kind, n) in operations {
        m.counter("system.paging.operations", "{operations}", n, &[("direction", direction), ("type", kind)]);
    }
    let major = of("pgmajfault");
    for (kind, n) in [("major", major), ("minor", of("pgfault").saturating_sub(major))] {
        m.counter("system.paging.faults", "{faults}", n, &[("type", kind)]);
    }
    Ok(())
}
