//! `disk`: what is read and written, and how long that takes. Source: the kernel's `Documentation/admin-guide/iostats.rst`.

use super::{Filters, Machine, Measures, numbers};

/// A sector of the file, whatever the device's are.
const SECTOR_BYTES: u64 = 512;

pub(super) fn read(machine: &Machine, filters: &Filters, m: &mut Measures<'_>) -> Result<(), String> {
    let text = machine.text("proc/diskstats")?;
    for line in text.lines() {
        let Some(device) = line.split_ascii_whitespace().nth(2).filter(|d| filters.names.takes(d)) else { continue };
        let n = numbers(line, 3);
        let [
            reads,
            reads_merged,
            sectors_read,
            read_ms,
            writes,
            writes_merged,
            sectors_written,
            write_ms,
            pending,
            io_ms,
            weighted_ms,
            ..,
        ] = n.as_slice()
        else {
            continue;
        };
        let both = [
            ("read", reads, reads_merged, sectors_read, read_ms),
            ("write", writes, writes_merged, sectors_written, write_ms),
        ];
        for (direction, operations, merged, sectors, ms) in both {
            let attributes = [("device", device), ("direction", direction)];
            m.counter("system.disk.io", "By", sectors.saturating_mul(SECTOR_BYTES), &attributes);
            m.counter("system.disk.operations", "{operations}", *operations, &attributes);
            m.counter("system.disk.merged", "{operations}", *merged, &attributes);
            m.counter("system.disk.operation_time", "s", *ms as f64 / 1000.0, &attributes);
        }
        m.counter("system.disk.io_time", "s", *io_ms as f64 / 1000.0, &[("device", device)]);
        m.counter("system.disk.weighted_io_time", "s", *weighted_ms as f64 / 1000.0, &[("device", device)]);
        m.level("system.disk.pending_operations", "{operations}", *pending, &[("device", device)]);
    }
    Ok(())
}
