//! `load`: how many want to run, on average. Source: proc_loadavg(5).

use super::{Filters, Machine, Measures};

pub(super) fn read(machine: &Machine, filters: &Filters, m: &mut Measures<'_>) -> Result<(), String> {
    let text = machine.text("proc/loadavg")?;
    let processors = match filters.cpu_average {
        true => machine.text("proc/stat")?.lines().filter(|l| l.starts_with("cpu")).count().saturating_sub(1).max(1),
        false => 1,
    };
    let names = ["system.cpu.load_average.1m", "system.cpu.load_average.5m", "system.cpu.load_average.15m"];
    for (name, word) in names.into_iter().zip(text.split_ascii_whitespace()) {
        let load: f64 = word.parse().map_err(|_| format!("`{word}` in proc/loadavg is not a number"))?;
        m.gauge(name, "{thread}", load / processors as f64, &[]);
    }
    Ok(())
}
