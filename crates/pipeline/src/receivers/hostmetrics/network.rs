//! `network`: what goes through each interface, and connections by state. Source: proc_pid_net(5).

use super::{Filters, Machine, Measures, numbers};

/// By the number that the kernel gives them, from 1 on.
const STATES: [&str; 12] = [
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT_1",
    "FIN_WAIT_2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
    "DELETE",
];

pub(super) fn read(machine: &Machine, filters: &Filters, m: &mut Measures<'_>) -> Result<(), String> {
    // `net` of the first process: a container shows its own otherwise.
    let text = machine.text("proc/1/net/dev").or_else(|_| machine.text("proc/net/dev"))?;
    for line in text.lines().skip(2) {
        let Some((device, rest)) = line.split_once(':') else { continue };
        let (device, n) = (device.trim(), numbers(rest, 0));
        if n.len() < 16 || !filters.names.takes(device) {
            continue;
        }
        for (direction, at) in [("receive", 0), ("transmit", 8)] {
            let attributes = [("device", device), ("direction", direction)];
            m.counter("system.network.io", "By", n[at], &attributes);
            m.counter("system.network.packets", "{packets}", n[at + 1], &attributes);
            m.counter("system.network.errors", "{errors}", n[at + 2], &attributes);
            m.counter("system.network.dropped", "{packets}", n[at + 3], &attributes);
        }
    }
    if m.wants("system.network.connections", true) {
        connections(machine, m);
    }
    Ok(())
}

fn connections(machine: &Machine, m: &mut Measures<'_>) {
    let mut counts = [0u64; STATES.len()];
    for table in ["tcp", "tcp6"] {
        let text = machine.text(&format!("proc/1/net/{table}")).or_else(|_| machine.text(&format!("proc/net/{table}")));
        for line in text.unwrap_or_default().lines().skip(1) {
            let state = line.split_ascii_whitespace().nth(3).and_then(|s| usize::from_str_radix(s, 16).ok());
            if let Some(count) = state.and_then(|s| counts.get_mut(s.wrapping_sub(1))) {
                *count += 1;
            }
        }
    }
    for (state, count) in STATES.iter().zip(counts) {
        m.level("system.network.connections", "{connections}", count, &[("protocol", "tcp"), ("state", state)]);
    }
}
