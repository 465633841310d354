//! `filesystem`: room and inodes of what is mounted. Source: proc_pid_mountinfo(5), statvfs(3).

use std::collections::BTreeSet;

use super::{Filters, Machine, Measures};

pub(super) fn read(machine: &Machine, filters: &Filters, m: &mut Measures<'_>) -> Result<(), String> {
    // In a container with the host's root mounted, the mounts of the host are those of its first process.
    let mounts = machine.text("proc/1/mounts").or_else(|_| machine.text("proc/self/mounts"))?;
    let known = machine.text("proc/filesystems").unwrap_or_default();
    let virtual_types: BTreeSet<&str> = known.lines().filter_map(|l| Some(l.strip_prefix("nodev")?.trim())).collect();
    let (mut seen, mut problem) = (BTreeSet::new(), None);
    for line in mounts.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(device), Some(point), Some(kind), Some(options)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let point = unescaped(point);
        let is_virtual = virtual_types.contains(kind) && kind != "zfs" && point != "/";
        let wanted = (filters.virtual_filesystems || !is_virtual)
            && filters.devices.takes(device)
            && filters.fs_types.takes(kind)
            && filters.mount_points.takes(&point);
        if !wanted || !seen.insert((device.to_owned(), point.clone())) {
            continue;
        }
        let path = machine.root.join(point.trim_start_matches('/'));
        let stat = match rustix::fs::statvfs(&path) {
            Ok(stat) => stat,
            Err(e) => {
                problem = Some(format!("cannot ask for the room on {point}: {e}"));
                continue;
            }
        };
        if stat.f_blocks == 0 {
            continue;
        }
        let mode = if options.split(',').any(|o| o == "ro") { "ro" } else { "rw" };
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        let (used, free, all_free) = (stat.f_blocks - stat.f_bfree, bytes(stat.f_bavail), bytes(stat.f_bfree));
        let states = [("used", bytes(used)), ("free", free), ("reserved", all_free.saturating_sub(free))];
        let attributes = |state| {
            [("device", device), ("mode", mode), ("mountpoint", point.as_str()), ("type", kind), ("state", state)]
        };
        for (state, bytes) in states {
            m.level("system.filesystem.usage", "By", bytes, &attributes(state));
        }
        let inodes = [("used", stat.f_files.saturating_sub(stat.f_ffree)), ("free", stat.f_ffree)];
        for (state, n) in inodes {
            m.level("system.filesystem.inodes.usage", "{inodes}", n, &attributes(state));
        }
        if m.wants("system.filesystem.utilization", false) {
            let share = bytes(used) as f64 / (bytes(used) + free).max(1) as f64;
            let attributes = &attributes("")[..4];
            m.gauge("system.filesystem.utilization", "1", share, attributes);
        }
    }
    problem.map_or(Ok(()), Err)
}

/// Spaces and the like are written as `\040`.
fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((first, rest)) = bytes.split_first() {
        let code = rest
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 8).ok());
        match code {
            Some(byte) => {
                out.push(byte);
                bytes = &rest[3..];
            }
            None => {
                out.push(*first);
                bytes = rest;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
