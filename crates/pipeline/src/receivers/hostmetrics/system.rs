//! `system`: for how long the machine runs. Source: proc_uptime(5).

use super::{Filters, Machine, Measures};

pub(super) fn read(machine: &Machine, _: &Filters, m: &mut Measures<'_>) -> Result<(), String> {
    let text = machine.text("proc/uptime")?;
    let seconds = text.split_ascii_whitespace().next().and_then(|w| w.parse::<f64>().ok());
    m.gauge("system.uptime", "s", seconds.ok_or("proc/uptime has no number")?, &[]);
    Ok(())
}
