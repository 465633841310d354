//! `cpu`: what each processor spent its time on. Source: proc_stat(5).

use super::{Filters, Machine, Measures, numbers, ticks_per_second};

/// In the order of the file. What guests use is part of `user` there already.
const STATES: [&str; 8] = ["user", "nice", "system", "idle", "wait", "interrupt", "softirq", "steal"];

pub(super) fn read(machine: &Machine, _: &Filters, m: &mut Measures<'_>) -> Result<(), String> {
    let text = machine.text("proc/stat")?;
    let ticks = ticks_per_second();
    let mut processors = 0u64;
    for line in text.lines() {
        let Some((cpu, _)) = line.split_once(' ').filter(|(w, _)| w.starts_with("cpu") && w.len() > 3) else {
            continue;
        };
        processors += 1;
        for (state, spent) in STATES.iter().zip(numbers(line, 1)) {
            m.counter("system.cpu.time", "s", spent as f64 / ticks, &[("cpu", cpu), ("state", state)]);
        }
    }
    if m.wants("system.cpu.logical.count", false) {
        m.level("system.cpu.logical.count", "{cpu}", processors, &[]);
    }
    Ok(())
}
