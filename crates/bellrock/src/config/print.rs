//! Prints a configuration as a file that can be used as it is.

use foundation::units::format_duration;

use super::{Config, derived, limits};

/// Our own sections, every setting with a word on what it does.
pub(super) fn print(c: &Config) -> String {
    format!(
        "\
# POST /api/v1/write on the API, UI and OTLP/HTTP ports: Prometheus' remote write 1.0 and 2.0.
remote_write_receiver:
  # Largest request, before and after decompression.
  max_request_body_size: {remote_write_max}
server:
  api: '{api}'
  ui: '{ui}'
  # GET / and /ready
  health: '{health}'
  # The server's own metrics, GET /metrics
  metrics: '{metrics}'
  # The API of Alertmanager, version 2; it is under the API port too. Unless it is set, it may be left out when another has the port.
  {alertmanager_asked}alertmanager: '{alertmanager}'
{external_url}  # Origins whose pages may read the Prometheus API: a regular expression for all of `https://host:port`; `.*` lets every page.
  cors_origin: '{cors_origin}'
  # POST /api/v1/admin/tsdb/snapshot copies the metrics to <data_dir>/metrics-snapshots. The copies stay until you remove them.
  admin_api: {admin_api}
  # How long a stop waits for requests in flight.
  drain_timeout: {drain}
storage:
  data_dir: '{data_dir}'
  # Logs, spans and samples older than this are dropped, by whole days.
  retention: {retention}
{limits}  # Logs and spans further in the future than this are refused; samples after 10 minutes.
  future_max: {future}
  # Compress the write-ahead log: less disk bandwidth, more CPU.
  wal_compress: {wal_compress}
  # Bytes a second that merges of logs write at most, and as much again those of spans.
  merge_rate: {merge_rate}
memory:
  # Requests in flight, together; beyond it senders are told to come back.
  requests: {requests}
  # Logs, and as much again for spans, that are not in segments yet.
  events: {events}
{alerting_file}query:
  timeout: {timeout}
  memory: {query_memory}
  # Live tails that may be open at a time; another one is refused.
  tails_max: {tails_max}
{metrics_engine}{derived}global:
  # How often rules are evaluated, and how far in the past they look.
  evaluation_interval: {evaluation_interval}
  rule_query_offset: {rule_query_offset}
{external_labels}{rules}{objectives}{dashboards}{scraping}",
        remote_write_max = c.remote_write_request_bytes_max,
        api = c.api.address,
        ui = c.ui.address,
        health = c.health.address,
        metrics = c.metrics.address,
        alertmanager_asked = if c.alertmanager_asked { "" } else { "# " },
        alertmanager = c.alertmanager.address,
        external_url = c.external_url.as_ref().map(|url| format!("  # Where links in messages lead.\n  external_url: {}\n", serde_json::Value::from(url.as_str()))).unwrap_or_default(),
        cors_origin = c.cors_origin.replace('\'', "''"),
        admin_api = c.admin_api,
        drain = format_duration(c.drain_timeout),
        data_dir = c.data_dir.display().to_string().replace('\'', "''"),
        retention = format_duration(c.retention),
        limits = limits::print(&c.limits),
        future = format_duration(c.future_max),
        wal_compress = c.wal_compress,
        merge_rate = c.merge_rate,
        requests = c.requests_bytes_max,
        events = c.events_memory_max,
        alerting_file = alerting_file(&c.alerting),
        timeout = format_duration(c.query_timeout),
        query_memory = c.query_memory_max,
        tails_max = c.tails_max,
        metrics_engine = c.metrics_engine.print(),
        scraping = super::scrape::render(&c.own_scraping()),
        derived = derived::print(&c.derived),
        rules = super::rules::print(&c.rules),
        objectives = super::objectives::print(&c.objectives),
        dashboards = dashboards(&c.dashboards),
        evaluation_interval = format_duration(c.rules.options.interval),
        rule_query_offset = format_duration(c.rules.options.query_offset),
        external_labels = super::scrape::external_labels(&c.scraping),
    )
}

/// The section itself is shown by the alert manager, without secrets.
fn alerting_file(source: &super::alerting::Source) -> String {
    use super::alerting::Source;
    match source {
        Source::Nowhere => String::new(),
        Source::File(path) => format!(
            "# Who is told of alerts: a file as Alertmanager has it. Read again on SIGHUP and POST /-/reload.\nalerting_file: {}\n",
            serde_json::Value::from(path.display().to_string())
        ),
        Source::Section(files) => {
            let files: Vec<_> = files.iter().map(|f| f.display().to_string()).collect();
            format!("# The section `alerting` stands in {}.\n", files.join(", "))
        }
    }
}

fn dashboards(folders: &[std::path::PathBuf]) -> String {
    if folders.is_empty() { String::new() } else { format!("dashboards: {}\n", serde_json::json!({"paths": folders})) }
}
