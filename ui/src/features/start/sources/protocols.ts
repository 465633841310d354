// What already speaks another protocol: Prometheus, Jaeger and Zipkin.
import { environment, type Source } from "./source.ts";

const scrape: Source = {
  id: "prometheus-scrape",
  title: "Prometheus scrape",
  group: "Protocols",
  about: "The server asks your /metrics pages itself, with the scrape_configs of Prometheus.",
  steps: () => [
    {
      title: "Configure",
      where: "bellrock.yaml",
      text: `receivers:
  prometheus:
    config:
      scrape_configs:
        - job_name: node
          scrape_interval: 15s
          static_configs:
            - targets: [localhost:9100]`,
    },
    { title: "Run", where: "shell", text: "bellrock serve --config bellrock.yaml" },
  ],
};

const remoteWrite: Source = {
  id: "prometheus-remote-write",
  title: "Prometheus remote write",
  group: "Protocols",
  about: "A Prometheus, Grafana Agent or vmagent that you already run sends its samples here as well.",
  steps: (target) => [
    {
      title: "Configure",
      where: "prometheus.yml",
      text: `remote_write:
  - url: ${target.apiUrl}/api/v1/write
    send_exemplars: true
    send_native_histograms: true`,
    },
    { title: "Reload", where: "shell", text: "curl -X POST http://localhost:9090/-/reload" },
  ],
};

const jaeger: Source = {
  id: "jaeger",
  title: "Jaeger SDKs",
  group: "Protocols",
  about: "Jaeger's own SDKs are no longer made; their spans are taken, and OpenTelemetry's SDKs replace them.",
  steps: (target) => [
    {
      title: "Point the SDK here",
      where: "environment",
      text: `export JAEGER_SERVICE_NAME=${target.service}
export JAEGER_ENDPOINT=http://${target.host}:14268/api/traces
export JAEGER_SAMPLER_TYPE=const
export JAEGER_SAMPLER_PARAM=1`,
      note: "SDKs that know only the agent (UDP 6831) need JAEGER_ENDPOINT or a Collector in between.",
    },
    { title: "Or change to OpenTelemetry", where: "environment", text: environment(target) },
  ],
};

const zipkin: Source = {
  id: "zipkin",
  title: "Zipkin SDKs",
  group: "Protocols",
  about: "Brave, Spring Sleuth and others send spans as Zipkin JSON.",
  steps: (target) => [
    {
      title: "Point the SDK here",
      where: "application.properties",
      text: `management.zipkin.tracing.endpoint=http://${target.host}:9411/api/v2/spans
management.tracing.sampling.probability=1.0`,
    },
    {
      title: "Or try it by hand",
      where: "shell",
      text: `now=$(date +%s%6N)
curl -sS http://${target.host}:9411/api/v2/spans -H 'content-type: application/json' -d '[{
  "traceId":"'$(openssl rand -hex 16)'","id":"'$(openssl rand -hex 8)'","name":"hello","kind":"SERVER",
  "timestamp":'$now',"duration":25000,"localEndpoint":{"serviceName":"${target.service}"}}]'`,
    },
  ],
};

export const PROTOCOLS: readonly Source[] = [scrape, remoteWrite, jaeger, zipkin];
