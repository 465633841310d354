//! The memory of this process and of its machine, as Linux tells it.

const PAGE_BYTES: u64 = 4096;

/// Resident memory, from `/proc/self/statm` (proc(5)): the second number, in pages.
pub(crate) fn resident() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?.split_whitespace().nth(1)?.parse::<u64>().ok()?;
    Some(pages * PAGE_BYTES)
}

/// The memory of the container (cgroup v2, v1), or of the machine.
pub(crate) fn total() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok()?;
    let machine = machine.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let machine = machine.split_whitespace().next()?.parse::<u64>().ok()? * 1024;
    let files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let container = files.iter().find_map(|f| std::fs::read_to_string(f).ok()?.trim().parse::<u64>().ok());
    Some(container.unwrap_or(u64::MAX).min(machine))
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_has_memory_and_a_machine() {
        let (resident, total) = (super::resident().unwrap(), super::total().unwrap());
        assert!(resident > 1 << 20 && total > resident, "{resident} {total}");
    }
}
