// Sources that are not programs of your own: the Collector, databases, and plain curl.
import type { Source, Target } from "./source.ts";

const curl: Source = {
  id: "curl",
  title: "curl (OTLP JSON)",
  group: "Infrastructure",
  about: "One span, one log record and one metric point by hand, to see the way through.",
  steps: (target) => [
    {
      title: "A span",
      where: "shell",
      text: `now=$(date +%s%N)
curl -sS ${target.httpUrl}/v1/traces -H 'content-type: application/json' -d '{"resourceSpans":[{
  "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"${target.service}"}}]},
  "scopeSpans":[{"spans":[{"traceId":"'$(openssl rand -hex 16)'","spanId":"'$(openssl rand -hex 8)'",
    "name":"hello","kind":2,"startTimeUnixNano":"'$((now - 25000000))'","endTimeUnixNano":"'$now'"}]}]}]}'`,
    },
    {
      title: "A log record",
      where: "shell",
      text: `curl -sS ${target.httpUrl}/v1/logs -H 'content-type: application/json' -d '{"resourceLogs":[{
  "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"${target.service}"}}]},
  "scopeLogs":[{"logRecords":[{"timeUnixNano":"'$(date +%s%N)'","severityNumber":9,
    "severityText":"INFO","body":{"stringValue":"hello from curl"}}]}]}]}'`,
    },
    {
      title: "A metric",
      where: "shell",
      text: `curl -sS ${target.httpUrl}/v1/metrics -H 'content-type: application/json' -d '{"resourceMetrics":[{
  "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"${target.service}"}}]},
  "scopeMetrics":[{"metrics":[{"name":"hello.temperature","unit":"Cel","gauge":{"dataPoints":[
    {"timeUnixNano":"'$(date +%s%N)'","asDouble":21.5}]}}]}]}]}'`,
    },
  ],
};

const collector: Source = {
  id: "collector",
  title: "OTel Collector",
  group: "Infrastructure",
  about: "A Collector you already run sends everything it receives here as well.",
  steps: (target) => [
    {
      title: "Add the exporter",
      where: "collector.yaml",
      text: `exporters:
  otlp/bellrock:
    endpoint: ${target.grpcAddress}
    tls:
      insecure: true

service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [otlp/bellrock]
    metrics:
      receivers: [otlp]
      processors: [batch]
      exporters: [otlp/bellrock]
    logs:
      receivers: [otlp]
      processors: [batch]
      exporters: [otlp/bellrock]`,
    },
    { title: "Run", where: "shell", text: "otelcol-contrib --config collector.yaml" },
  ],
};

function composeService(name: string, target: Target): string {
  return `  ${name}:
    environment:
      OTEL_SERVICE_NAME: ${name}
      OTEL_EXPORTER_OTLP_ENDPOINT: ${target.httpUrl}
      OTEL_EXPORTER_OTLP_PROTOCOL: http/protobuf
      OTEL_RESOURCE_ATTRIBUTES: deployment.environment.name=production`;
}

const compose: Source = {
  id: "compose",
  title: "Docker Compose stack",
  group: "Infrastructure",
  about: "A Go bot, a TypeScript API and a React front end with PostgreSQL, Redis and Nginx, in one order.",
  steps: (target) => [
    {
      title: "Point the services here",
      where: "docker-compose.override.yml",
      text: `services:\n${composeService("bot", target)}\n${composeService("api", target)}
      NODE_OPTIONS: --require @opentelemetry/auto-instrumentations-node/register
      OTEL_METRICS_EXPORTER: otlp
      OTEL_LOGS_EXPORTER: otlp`,
      note: "Inside a container localhost is the container itself: use a name or address of this host that it can reach.",
    },
    { title: "Start", where: "shell", text: "docker compose up -d" },
    {
      title: "Then",
      where: "next",
      text: "Go: setup code for the bot\nBrowser / React: the front end\nPostgreSQL, Redis, Nginx: a Collector with their receivers",
    },
  ],
};

export const INFRASTRUCTURE: readonly Source[] = [curl, collector, compose];
