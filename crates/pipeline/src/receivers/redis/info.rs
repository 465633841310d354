//! `INFO` as metrics.

use std::collections::HashMap;

use crate::receivers::measures::Measures;

/// The fields of `INFO`.
pub(super) struct Info<'a> {
    fields: HashMap<&'a str, &'a str>,
    lines: Vec<(&'a str, &'a str)>,
}

impl<'a> Info<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let lines: Vec<_> =
            text.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.trim_end().split_once(':')).collect();
        Self { fields: lines.iter().copied().collect(), lines }
    }

    pub(super) fn text(&self, field: &str) -> &'a str {
        self.fields.get(field).copied().unwrap_or_default()
    }

    pub(super) fn number(&self, field: &str) -> Option<f64> {
        self.fields.get(field)?.parse().ok()
    }

    fn int(&self, field: &str) -> Option<i64> {
        let text = self.fields.get(field)?;
        text.parse().ok().or_else(|| text.parse::<f64>().ok().map(|n| n as i64))
    }
}

/// `calls=1,usec=20`
fn parts(text: &str) -> impl Iterator<Item = (&str, f64)> {
    text.split(',').filter_map(|p| p.split_once('=')).filter_map(|(k, v)| Some((k, v.parse().ok()?)))
}

fn part(text: &str, name: &str) -> Option<f64> {
    parts(text).find(|(k, _)| *k == name).map(|(_, v)| v)
}

/// Counters: our name, unit, field.
const COUNTERS: [(&str, &str, &str); 11] = [
    ("redis.uptime", "s", "uptime_in_seconds"),
    ("redis.keys.expired", "{key}", "expired_keys"),
    ("redis.keys.evicted", "{key}", "evicted_keys"),
    ("redis.connections.received", "{connection}", "total_connections_received"),
    ("redis.connections.rejected", "{connection}", "rejected_connections"),
    ("redis.commands.processed", "{command}", "total_commands_processed"),
    ("redis.net.input", "By", "total_net_input_bytes"),
    ("redis.net.output", "By", "total_net_output_bytes"),
    ("redis.keyspace.hits", "{hit}", "keyspace_hits"),
    ("redis.keyspace.misses", "{miss}", "keyspace_misses"),
    ("redis.sentinel.masters", "{master}", "sentinel_masters"),
];

/// Values that fall too.
const LEVELS: [(&str, &str, &str); 4] = [
    ("redis.clients.connected", "{client}", "connected_clients"),
    ("redis.clients.blocked", "{client}", "blocked_clients"),
    ("redis.rdb.changes_since_last_save", "{change}", "rdb_changes_since_last_save"),
    ("redis.slaves.connected", "{replica}", "connected_slaves"),
];

/// Values of a moment.
const GAUGES: [(&str, &str, &str); 11] = [
    ("redis.clients.max_input_buffer", "By", "client_recent_max_input_buffer"),
    ("redis.clients.max_output_buffer", "By", "client_recent_max_output_buffer"),
    ("redis.memory.used", "By", "used_memory"),
    ("redis.memory.peak", "By", "used_memory_peak"),
    ("redis.memory.rss", "By", "used_memory_rss"),
    ("redis.memory.lua", "By", "used_memory_lua"),
    ("redis.commands", "{ops}/s", "instantaneous_ops_per_sec"),
    ("redis.latest_fork", "us", "latest_fork_usec"),
    ("redis.replication.backlog_first_byte_offset", "By", "repl_backlog_first_byte_offset"),
    ("redis.replication.offset", "By", "master_repl_offset"),
    // The name that the user's alerts and dashboards have.
    ("redis_memory_usage_bytes", "By", "used_memory"),
];

/// What nobody gets who does not ask for it.
const ON_REQUEST: [(&str, &str, &str); 2] =
    [("redis.maxmemory", "By", "maxmemory"), ("redis.replication.replica_offset", "By", "slave_repl_offset")];

pub(super) fn measure(info: &Info<'_>, m: &mut Measures<'_>) {
    for (name, unit, field) in COUNTERS {
        if let Some(n) = info.int(field) {
            m.counter(name, unit, n, &[]);
        }
    }
    for (name, unit, field) in LEVELS {
        if let Some(n) = info.int(field) {
            m.level(name, unit, n, &[]);
        }
    }
    for (name, unit, field) in GAUGES {
        if let Some(n) = info.int(field) {
            m.gauge(name, unit, n, &[]);
        }
    }
    for (name, unit, field) in ON_REQUEST {
        if let Some(n) = info.int(field).filter(|_| m.wants(name, false)) {
            m.gauge(name, unit, n, &[]);
        }
    }
    if let Some(ratio) = info.number("mem_fragmentation_ratio") {
        m.gauge("redis.memory.fragmentation_ratio", "1", ratio, &[]);
    }
    let cpu = [
        ("sys", "used_cpu_sys"),
        ("user", "used_cpu_user"),
        ("sys_children", "used_cpu_sys_children"),
        ("user_children", "used_cpu_user_children"),
        ("sys_main_thread", "used_cpu_sys_main_thread"),
        ("user_main_thread", "used_cpu_user_main_thread"),
    ];
    for (state, field) in cpu {
        if let Some(seconds) = info.number(field) {
            m.counter("redis.cpu.time", "s", seconds, &[("state", state)]);
        }
    }
    if m.wants("redis.role", false) {
        let role = if info.text("role") == "master" { "primary" } else { "replica" };
        m.level("redis.role", "{role}", 1i64, &[("role", role)]);
    }
    by_name(info, m);
}

/// Databases, commands, latencies: `db0:keys=1,..`, `cmdstat_get:calls=1,..`, `latency_percentiles_usec_get:p50=1,..`.
fn by_name(info: &Info<'_>, m: &mut Measures<'_>) {
    for (field, text) in &info.lines {
        if let Some(db) = field.strip_prefix("db").filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
            let of = |name| part(text, name).unwrap_or(0.0) as i64;
            m.gauge("redis.db.keys", "{key}", of("keys"), &[("db", db)]);
            m.gauge("redis.db.expires", "{key}", of("expires"), &[("db", db)]);
            m.gauge("redis.db.avg_ttl", "ms", of("avg_ttl"), &[("db", db)]);
        } else if let Some(command) = field.strip_prefix("cmdstat_") {
            let of = |name| part(text, name).unwrap_or(0.0) as i64;
            m.counter("redis.cmd.calls", "{call}", of("calls"), &[("cmd", command)]);
            m.counter("redis.cmd.usec", "us", of("usec"), &[("cmd", command)]);
        } else if let Some(command) = field.strip_prefix("latency_percentiles_usec_") {
            for (percentile, us) in parts(text) {
                m.gauge("redis.cmd.latency", "s", us / 1e6, &[("cmd", command), ("percentile", percentile)]);
            }
        }
    }
}
