//! Metrics of the disk: room, partitions, what retention removed.

use super::Text;
use crate::app::App;

pub(super) fn storage(app: &App, text: &mut Text) {
    let retention = &app.retention;
    if let Ok(free) = retention.free_bytes() {
        text.family(
            "bellrock_storage_free_bytes",
            "gauge",
            "Room on the disk of the data directory.",
            &[("", free as f64)],
        );
    }
    let min_free = retention.limits().min_free as f64;
    text.family("bellrock_storage_min_free_bytes", "gauge", "Room below which new data is refused.", &[("", min_free)]);
    // Without columns: that reads no file.
    if let Ok(report) = retention.report(app.clock.now(), false) {
        let labels: Vec<String> = report.signals.iter().map(|s| format!("{{signal=\"{}\"}}", s.signal)).collect();
        let of = |f: fn(&storage::report::SignalReport) -> f64| {
            labels.iter().map(String::as_str).zip(report.signals.iter().map(f)).collect::<Vec<_>>()
        };
        text.family("bellrock_storage_bytes", "gauge", "Bytes of segments and blocks.", &of(|s| s.bytes as f64));
        text.family("bellrock_storage_records", "gauge", "Records in them.", &of(|s| s.records as f64));
        text.family(
            "bellrock_storage_partitions",
            "gauge",
            "Days of logs and traces, blocks of metrics.",
            &of(|s| s.partitions.len() as f64),
        );
    }
    let counts = retention.counts();
    let mut one = |name: &str, help: &str, value: u64| text.family(name, "counter", help, &[("", value as f64)]);
    one("bellrock_retention_removed_partitions_total", "Partitions that retention removed.", counts.removed_partitions);
    one("bellrock_retention_removed_bytes_total", "Bytes that retention removed.", counts.removed_bytes);
    one("bellrock_retention_failed_total", "Rounds of retention that failed.", counts.failed);
}
