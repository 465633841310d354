//! Exporters of stores that Bellrock takes the place of: `clickhouse`, `jaeger`, those of SigNoz. They store in the engines.

use model::Signal;
use serde_json::{Value, json};
use yaml::{Manner, Node, meant, read};

use super::engines::engines;
use crate::component::{Exporter, ExporterFactory, Refused, SIGNALS, Setup};
use crate::config::{Collector, Interval};

/// ClickHouse, written by the Collector.
pub(super) const CLICKHOUSE: ExporterFactory =
    ExporterFactory { names: &["clickhouse"], signals: SIGNALS, build: clickhouse };

/// Jaeger, which the Collector had until 0.85.
pub(super) const JAEGER: ExporterFactory =
    ExporterFactory { names: &["jaeger", "jaeger_thrift"], signals: &[Signal::Traces], build: jaeger };

/// SigNoz' Collector has one for each signal.
pub(super) const SIGNOZ: ExporterFactory = ExporterFactory {
    names: &[
        "clickhousetraces",
        "clickhouselogsexporter",
        "clickhousemetricswrite",
        "signozclickhousemetrics",
        "signozclickhousemeter",
        "metadataexporter",
    ],
    signals: SIGNALS,
    build: signoz,
};

/// What the ClickHouse exporter of the Collector has.
const CLICKHOUSE_SETTINGS: &[&str] = &[
    "endpoint",
    "username",
    "password",
    "database",
    "ttl",
    "ttl_days",
    "connection_params",
    "logs_table_name",
    "traces_table_name",
    "metrics_table_name",
    "metrics_tables",
    "cluster_name",
    "table_engine",
    "create_schema",
    "compress",
    "async_insert",
    "timeout",
    "sending_queue",
    "retry_on_failure",
    "tls",
    "json",
];

fn clickhouse(setup: &mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused> {
    for (key, _) in setup.node().entries() {
        if !CLICKHOUSE_SETTINGS.contains(&key.text.as_str()) {
            let fix = meant(&key.text, CLICKHOUSE_SETTINGS.iter().copied());
            setup.warning(&key.text, "is not known and is ignored", fix, Some(Collector::Refuses));
        }
    }
    setup.warning(
        "",
        "stores in Bellrock's own engines; endpoint, database and tables are not used",
        "write `bellrock` among the exporters of the pipelines",
        Some(Collector::Accepts),
    );
    if setup.node().key("metrics_table_name").is_some() {
        setup.warning(
            "metrics_table_name",
            "is not used, and has been replaced by `metrics_tables`",
            "leave it out",
            Some(Collector::Differs("accepts it as deprecated")),
        );
    }
    let ttl = match (setup.node().get("ttl"), setup.node().get("ttl_days")) {
        (Some(node), _) => Some(("ttl", duration(setup, "ttl", node)?)),
        (None, Some(node)) => Some(("ttl_days", duration(setup, "ttl_days", node)?)),
        (None, None) => None,
    };
    if let Some((setting, ttl)) = ttl
        && !ttl.is_empty()
    {
        let collector = if setting == "ttl" { Collector::Accepts } else { Collector::Refuses };
        setup.warning(
            setting,
            "is not used: how long telemetry is kept is a setting of the store",
            format!("write `storage: {{retention: {ttl}}}`"),
            Some(collector),
        );
    }
    show(setup)
}

fn jaeger(setup: &mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused> {
    setup.warning(
        "",
        "stores in Bellrock's own engines, which answer Jaeger's queries",
        "write `bellrock`, or `otlp` to a Jaeger that is to have the traces too",
        Some(Collector::Refuses),
    );
    show(setup)
}

fn signoz(setup: &mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused> {
    setup.warning(
        "",
        "is an exporter of SigNoz; it stores in Bellrock's own engines",
        "write `bellrock` among the exporters of the pipelines",
        Some(Collector::Refuses),
    );
    show(setup)
}

fn show(setup: &mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused> {
    setup.show::<Value>(&json!({}));
    engines(setup)
}

/// A time to live as people write it: `72h`, `30d`, and days as a number where the setting says so.
fn duration(setup: &mut Setup<'_>, setting: &str, node: &Node) -> Result<String, Refused> {
    let text = node.as_str().unwrap_or_default();
    if setting == "ttl_days" {
        return match text.parse::<u32>() {
            Ok(0) => Ok(String::new()),
            Ok(days) => Ok(format!("{days}d")),
            Err(_) => Err(setup.error(setting, format!("`{text}` is not a number of days; write `ttl: 72h`"))),
        };
    }
    match read::<Interval>(node, Manner::Loose) {
        Ok((interval, _)) if interval.0.is_zero() => Ok(String::new()),
        Ok(_) => Ok(text.to_owned()),
        Err(e) => Err(setup.error(setting, e.message)),
    }
}
