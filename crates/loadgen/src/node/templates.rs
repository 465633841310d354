//! The series of one host.

use crate::random::Rng;

/// How a value moves from scrape to scrape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Grows by about `rate`, in hundredths, as the kernel counts time.
    Seconds(f64),
    /// Grows by about `rate`, in whole numbers.
    Count(f64),
    /// Grows as [`Kind::Count`], and by at least as much as the bucket before.
    Bucket(f64),
    /// Grows by about `rate`, without pattern in its digits.
    Sum(f64),
    /// Wanders around `around` in steps of `unit`.
    Gauge {
        /// The middle.
        around: f64,
        /// The smallest difference.
        unit: f64,
    },
    /// Stands still.
    Constant(f64),
}

impl Kind {
    pub(super) fn first(self, rng: &mut Rng) -> f64 {
        match self {
            Self::Seconds(rate) => (rate * 1e4 * rng.unit() * 100.0).round() / 100.0,
            Self::Count(rate) => (rate * 1e4 * rng.unit()).round(),
            // All buckets of a histogram begin alike, so that they stay cumulative.
            Self::Bucket(_) => 0.0,
            Self::Sum(rate) => rate * 1e4 * rng.unit(),
            Self::Gauge { around, unit } => (around / unit * (0.5 + rng.unit())).round() * unit,
            Self::Constant(value) => value,
        }
    }

    /// The value after `v`; `below` is how much the bucket before grew.
    pub(super) fn next(self, v: f64, below: &mut f64, rng: &mut Rng) -> f64 {
        match self {
            Self::Seconds(rate) => ((v + rate * rng.unit() * 2.0) * 100.0).round() / 100.0,
            Self::Count(rate) => v + (rate * rng.unit() * 2.0).round(),
            Self::Bucket(rate) => {
                *below += (rate * rng.unit() * 2.0).round();
                v + *below
            }
            Self::Sum(rate) => v + rate * rng.unit(),
            // A third of the gauges of a real machine do not move between two scrapes.
            Self::Gauge { .. } if rng.chance(0.35) => v,
            Self::Gauge { around, unit } => {
                let pull = (around - v) * 0.05;
                ((v + pull + around * 0.04 * (rng.unit() - 0.5)) / unit).round() * unit
            }
            Self::Constant(value) => value,
        }
    }
}

/// A series that every host has.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) labels: &'static [(&'static str, &'static str)],
}

impl Template {
    pub(super) fn family(&self) -> (&'static str, &'static str) {
        match self.kind {
            _ if self.name.starts_with(LATENCY) => ("histogram", LATENCY),
            Kind::Gauge { .. } | Kind::Constant(_) => ("gauge", self.name),
            _ => ("counter", self.name),
        }
    }
}

const LATENCY: &str = "http_request_duration_seconds";

const fn template(name: &'static str, kind: Kind, labels: &'static [(&'static str, &'static str)]) -> Template {
    Template { name, kind, labels }
}

/// How many there are.
pub const COUNT: usize = 100;

#[rustfmt::skip]
pub(super) static TEMPLATES: [Template; COUNT] = [
    template("node_cpu_seconds_total", Kind::Seconds(12.0), &[("cpu", "0"), ("mode", "idle")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.1), &[("cpu", "0"), ("mode", "iowait")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.0), &[("cpu", "0"), ("mode", "irq")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.01), &[("cpu", "0"), ("mode", "nice")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.05), &[("cpu", "0"), ("mode", "softirq")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.02), &[("cpu", "0"), ("mode", "steal")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.8), &[("cpu", "0"), ("mode", "system")]),
    template("node_cpu_seconds_total", Kind::Seconds(1.9), &[("cpu", "0"), ("mode", "user")]),
    template("node_cpu_seconds_total", Kind::Seconds(12.0), &[("cpu", "1"), ("mode", "idle")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.1), &[("cpu", "1"), ("mode", "iowait")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.0), &[("cpu", "1"), ("mode", "irq")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.01), &[("cpu", "1"), ("mode", "nice")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.05), &[("cpu", "1"), ("mode", "softirq")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.02), &[("cpu", "1"), ("mode", "steal")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.8), &[("cpu", "1"), ("mode", "system")]),
    template("node_cpu_seconds_total", Kind::Seconds(1.9), &[("cpu", "1"), ("mode", "user")]),
    template("node_cpu_seconds_total", Kind::Seconds(12.0), &[("cpu", "2"), ("mode", "idle")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.1), &[("cpu", "2"), ("mode", "iowait")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.0), &[("cpu", "2"), ("mode", "irq")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.01), &[("cpu", "2"), ("mode", "nice")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.05), &[("cpu", "2"), ("mode", "softirq")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.02), &[("cpu", "2"), ("mode", "steal")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.8), &[("cpu", "2"), ("mode", "system")]),
    template("node_cpu_seconds_total", Kind::Seconds(1.9), &[("cpu", "2"), ("mode", "user")]),
    template("node_cpu_seconds_total", Kind::Seconds(12.0), &[("cpu", "3"), ("mode", "idle")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.1), &[("cpu", "3"), ("mode", "iowait")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.0), &[("cpu", "3"), ("mode", "irq")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.01), &[("cpu", "3"), ("mode", "nice")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.05), &[("cpu", "3"), ("mode", "softirq")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.02), &[("cpu", "3"), ("mode", "steal")]),
    template("node_cpu_seconds_total", Kind::Seconds(0.8), &[("cpu", "3"), ("mode", "system")]),
    template("node_cpu_seconds_total", Kind::Seconds(1.9), &[("cpu", "3"), ("mode", "user")]),
    template("http_request_duration_seconds_bucket", Kind::Bucket(3.0), &[("handler", "/metrics"), ("le", "0.005")]),
    template("http_request_duration_seconds_bucket", Kind::Bucket(8.0), &[("handler", "/metrics"), ("le", "0.01")]),
    template("http_request_duration_seconds_bucket", Kind::Bucket(20.0), &[("handler", "/metrics"), ("le", "0.025")]),
    template("http_request_duration_seconds_bucket", Kind::Bucket(14.0), &[("handler", "/metrics"), ("le", "0.05")]),
    template("http_request_duration_seconds_bucket", Kind::Bucket(9.0), &[("handler", "/metrics"), ("le", "0.1")]),
    template("http_request_duration_seconds_bucket", Kind::Bucket(5.0), &[("handler", "/metrics"), ("le", "0.25")]),
    template("http_request_duration_seconds_bucket", Kind::Bucket(2.0), &[("handler", "/metrics"), ("le", "0.5")]),
    template("http_request_duration_seconds_bucket", Kind::Bucket(1.0), &[("handler", "/metrics"), ("le", "1")]),
    template("http_request_duration_seconds_bucket", Kind::Bucket(0.3), &[("handler", "/metrics"), ("le", "2.5")]),
    template("http_request_duration_seconds_bucket", Kind::Bucket(0.1), &[("handler", "/metrics"), ("le", "5")]),
    template("http_request_duration_seconds_bucket", Kind::Bucket(0.02), &[("handler", "/metrics"), ("le", "+Inf")]),
    template("http_request_duration_seconds_sum", Kind::Sum(4.0), &[("handler", "/metrics")]),
    template("http_request_duration_seconds_count", Kind::Bucket(0.0), &[("handler", "/metrics")]),
    template("node_memory_MemTotal_bytes", Kind::Constant(16_777_216_000.0), &[]),
    template("node_memory_MemFree_bytes", Kind::Gauge { around: 9000000000.0, unit: 4096.0 }, &[]),
    template("node_memory_MemAvailable_bytes", Kind::Gauge { around: 400000000.0, unit: 4096.0 }, &[]),
    template("node_memory_Buffers_bytes", Kind::Gauge { around: 5000000000.0, unit: 4096.0 }, &[]),
    template("node_memory_Cached_bytes", Kind::Gauge { around: 0.0, unit: 4096.0 }, &[]),
    template("node_memory_SwapCached_bytes", Kind::Constant(0.0), &[]),
    template("node_memory_Active_bytes", Kind::Gauge { around: 4000000000.0, unit: 4096.0 }, &[]),
    template("node_memory_Inactive_bytes", Kind::Gauge { around: 3000000000.0, unit: 4096.0 }, &[]),
    template("node_memory_Active_anon_bytes", Kind::Gauge { around: 1000000000.0, unit: 4096.0 }, &[]),
    template("node_memory_Inactive_anon_bytes", Kind::Gauge { around: 3000000000.0, unit: 4096.0 }, &[]),
    template("node_memory_Active_file_bytes", Kind::Gauge { around: 3000000000.0, unit: 4096.0 }, &[]),
    template("node_memory_Inactive_file_bytes", Kind::Gauge { around: 0.0, unit: 4096.0 }, &[]),
    template("node_memory_SwapTotal_bytes", Kind::Constant(4_294_967_296.0), &[]),
    template("node_memory_SwapFree_bytes", Kind::Constant(4_294_967_296.0), &[]),
    template("node_memory_Dirty_bytes", Kind::Gauge { around: 3000000000.0, unit: 4096.0 }, &[]),
    template("node_memory_AnonPages_bytes", Kind::Gauge { around: 800000000.0, unit: 4096.0 }, &[]),
    template("node_memory_Mapped_bytes", Kind::Gauge { around: 200000000.0, unit: 4096.0 }, &[]),
    template("node_memory_Shmem_bytes", Kind::Gauge { around: 500000000.0, unit: 4096.0 }, &[]),
    template("node_memory_Slab_bytes", Kind::Gauge { around: 30000000.0, unit: 4096.0 }, &[]),
    template("node_memory_PageTables_bytes", Kind::Gauge { around: 30000000.0, unit: 4096.0 }, &[]),
    template("node_load1", Kind::Gauge { around: 1.5, unit: 0.01 }, &[]),
    template("node_load5", Kind::Gauge { around: 1.3, unit: 0.01 }, &[]),
    template("node_load15", Kind::Gauge { around: 1.1, unit: 0.01 }, &[]),
    template("node_network_receive_bytes_total", Kind::Count(1_500_000.0), &[("device", "eth0")]),
    template("node_network_receive_bytes_total", Kind::Count(1_500_000.0), &[("device", "eth1")]),
    template("node_network_transmit_bytes_total", Kind::Count(900_000.0), &[("device", "eth0")]),
    template("node_network_transmit_bytes_total", Kind::Count(900_000.0), &[("device", "eth1")]),
    template("node_network_receive_packets_total", Kind::Count(2100.0), &[("device", "eth0")]),
    template("node_network_receive_packets_total", Kind::Count(2100.0), &[("device", "eth1")]),
    template("node_network_transmit_packets_total", Kind::Count(1700.0), &[("device", "eth0")]),
    template("node_network_transmit_packets_total", Kind::Count(1700.0), &[("device", "eth1")]),
    template("node_disk_read_bytes_total", Kind::Count(40_960.0), &[("device", "sda")]),
    template("node_disk_read_bytes_total", Kind::Count(40_960.0), &[("device", "sdb")]),
    template("node_disk_written_bytes_total", Kind::Count(819_200.0), &[("device", "sda")]),
    template("node_disk_written_bytes_total", Kind::Count(819_200.0), &[("device", "sdb")]),
    template("node_disk_reads_completed_total", Kind::Count(10.0), &[("device", "sda")]),
    template("node_disk_reads_completed_total", Kind::Count(10.0), &[("device", "sdb")]),
    template("node_disk_writes_completed_total", Kind::Count(120.0), &[("device", "sda")]),
    template("node_disk_writes_completed_total", Kind::Count(120.0), &[("device", "sdb")]),
    template("node_disk_io_time_seconds_total", Kind::Seconds(0.4), &[("device", "sda")]),
    template("node_disk_io_time_seconds_total", Kind::Seconds(0.4), &[("device", "sdb")]),
    template("node_filesystem_avail_bytes", Kind::Gauge { around: 40_000_000_000.0, unit: 4096.0 }, &[("device", "/dev/sda"), ("fstype", "ext4"), ("mountpoint", "/")]),
    template("node_filesystem_avail_bytes", Kind::Gauge { around: 40_000_000_000.0, unit: 4096.0 }, &[("device", "/dev/sda"), ("fstype", "ext4"), ("mountpoint", "/boot")]),
    template("node_filesystem_avail_bytes", Kind::Gauge { around: 40_000_000_000.0, unit: 4096.0 }, &[("device", "/dev/sda"), ("fstype", "ext4"), ("mountpoint", "/var")]),
    template("node_filesystem_size_bytes", Kind::Constant(107_374_182_400.0), &[("device", "/dev/sda"), ("fstype", "ext4"), ("mountpoint", "/")]),
    template("node_filesystem_size_bytes", Kind::Constant(107_374_182_400.0), &[("device", "/dev/sda"), ("fstype", "ext4"), ("mountpoint", "/boot")]),
    template("node_filesystem_size_bytes", Kind::Constant(107_374_182_400.0), &[("device", "/dev/sda"), ("fstype", "ext4"), ("mountpoint", "/var")]),
    template("node_context_switches_total", Kind::Count(45_000.0), &[]),
    template("node_intr_total", Kind::Count(21_000.0), &[]),
    template("node_forks_total", Kind::Count(30.0), &[]),
    template("node_boot_time_seconds", Kind::Constant(1_690_000_000.0), &[]),
    template("node_uname_info", Kind::Constant(1.0), &[("machine", "x86_64"), ("release", "6.1.0-18-amd64"), ("sysname", "Linux")]),
    template("node_filefd_allocated", Kind::Gauge { around: 2300.0, unit: 32.0 }, &[]),
    template("go_goroutines", Kind::Gauge { around: 9.0, unit: 1.0 }, &[]),
    template("process_resident_memory_bytes", Kind::Gauge { around: 24_000_000.0, unit: 4096.0 }, &[]),
];
