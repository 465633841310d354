//! Component types that the Collector has and this build has not: what to use in their place.

use crate::component::Kind;

/// What to use in the place of `type_name`, where there is something.
pub(super) fn instead(kind: Kind, type_name: &str) -> Option<&'static str> {
    let name = type_name.replace('_', "").to_ascii_lowercase();
    let hint = match (kind, name.as_str()) {
        (Kind::Receiver, "kafka" | "kafkametrics" | "awss3" | "awskinesis" | "azureeventhub" | "googlecloudpubsub") => {
            "queues and clouds come later; until then run a Collector there that exports `otlp` to this server"
        }
        (Kind::Receiver, "k8scluster" | "k8sevents" | "k8sobjects" | "kubeletstats") => {
            "Kubernetes comes later; until then run a Collector there that exports `otlp` to this server"
        }
        (Kind::Receiver, "dockerstats" | "podman") => "scrape cAdvisor with the `prometheus` receiver",
        (Kind::Receiver, "prometheussimple") => "use the `prometheus` receiver with a static target",
        (Kind::Receiver, "prometheusremotewrite") => {
            "remote write is taken at /api/v1/write of the API and OTLP/HTTP ports without a receiver"
        }
        (Kind::Receiver, "fluentforward" | "journald" | "tcplog" | "udplog" | "windowseventlog") => {
            "use `filelog` or `syslog`"
        }
        (Kind::Receiver, "opencensus" | "skywalking" | "datadog" | "statsd" | "carbon" | "collectd" | "splunkhec") => {
            "send `otlp`; a Collector in between can translate"
        }
        (Kind::Receiver, "mysql" | "mongodb" | "elasticsearch" | "rabbitmq" | "sqlquery" | "memcached") => {
            "scrape its Prometheus exporter with the `prometheus` receiver"
        }
        (Kind::Processor, "k8sattributes") => "Kubernetes comes later; set the attributes with `resource`",
        (Kind::Processor, "metricstransform" | "logstransform" | "schema" | "datadogsemantics") => "use `transform`",
        (Kind::Processor, "spanmetrics" | "servicegraph") => "they are connectors now; span metrics are also built in",
        (Kind::Processor, "routing") => "use the `routing` connector",
        (Kind::Exporter, "loki" | "elasticsearch" | "opensearch" | "splunkhec") => {
            "logs are stored and searched here: use `bellrock`; Loki itself takes `otlphttp` at /otlp"
        }
        (Kind::Exporter, "zipkin" | "tempo" | "signalfx" | "datadog" | "honeycomb" | "awsxray" | "googlecloud") => {
            "use `otlp` or `otlphttp`, which it takes too"
        }
        (Kind::Exporter, "kafka" | "pulsar" | "awss3" | "awskinesis" | "azuremonitor") => {
            "queues and clouds come later; use `otlphttp` to a Collector that has it"
        }
        (Kind::Connector, "exceptions" | "signaltometrics" | "sum" | "grafanacloud" | "datadog") => {
            "use `count` or `spanmetrics`; errors are grouped by the server itself"
        }
        (Kind::Connector, "roundrobin" | "failover") => "use the `loadbalancing` exporter, or `routing`",
        (Kind::Extension, "headerssetter" | "oauth2client" | "oidc" | "sigv4auth" | "asapclient") => {
            "use `basicauth` or `bearertokenauth`"
        }
        (Kind::Extension, "healthcheckv2") => "use `health_check`",
        (Kind::Extension, "dbstorage" | "redisstorage") => "use `file_storage`",
        (Kind::Extension, "memoryballast" | "memorylimiter") => {
            "leave it out; set `memory.requests`, or use the `memory_limiter` processor"
        }
        _ => return None,
    };
    Some(hint)
}
