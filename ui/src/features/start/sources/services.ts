// Servers and files whose statistics and logs a Collector reads.
import { collectorTail, type Source } from "./source.ts";

const postgresql: Source = {
  id: "postgresql",
  title: "PostgreSQL",
  group: "Infrastructure",
  about: "Connections, transactions, sizes, scans and locks, read by a Collector.",
  steps: (target) => [
    {
      title: "Allow reading",
      where: "psql",
      text: "CREATE ROLE otel LOGIN PASSWORD '...';\nGRANT pg_monitor TO otel;",
    },
    {
      title: "Configure",
      where: "collector.yaml",
      text: `receivers:
  postgresql:
    endpoint: localhost:5432
    username: otel
    password: \${env:POSTGRES_OTEL_PASSWORD}
    databases: [app]
    collection_interval: 15s
    tls:
      insecure: true

${collectorTail(target, { metrics: ["postgresql"] })}`,
    },
    { title: "Run", where: "shell", text: "POSTGRES_OTEL_PASSWORD=... otelcol-contrib --config collector.yaml" },
  ],
};

const redis: Source = {
  id: "redis",
  title: "Redis",
  group: "Infrastructure",
  about: "Memory, clients, commands, hits and misses, read by a Collector.",
  steps: (target) => [
    {
      title: "Configure",
      where: "collector.yaml",
      text: `receivers:
  redis:
    endpoint: localhost:6379
    collection_interval: 15s

${collectorTail(target, { metrics: ["redis"] })}`,
    },
    { title: "Run", where: "shell", text: "otelcol-contrib --config collector.yaml" },
  ],
};

const nginx: Source = {
  id: "nginx",
  title: "Nginx",
  group: "Infrastructure",
  about: "Connections and requests from stub_status, and the access log.",
  steps: (target) => [
    {
      title: "Open the status page",
      where: "nginx.conf",
      text: "server {\n  listen 127.0.0.1:8081;\n  location = /status { stub_status; }\n}",
    },
    {
      title: "Configure",
      where: "collector.yaml",
      text: `receivers:
  nginx:
    endpoint: http://127.0.0.1:8081/status
  filelog:
    include: [/var/log/nginx/access.log, /var/log/nginx/error.log]
    resource:
      service.name: nginx

${collectorTail(target, { metrics: ["nginx"], logs: ["filelog"] })}`,
    },
    { title: "Run", where: "shell", text: "otelcol-contrib --config collector.yaml" },
  ],
};

const files: Source = {
  id: "files",
  title: "Log files",
  group: "Infrastructure",
  about: "Lines of files, from where they end now, with JSON read into attributes.",
  steps: (target) => [
    {
      title: "Configure",
      where: "collector.yaml",
      text: `receivers:
  filelog:
    include: [/var/log/app/*.log]
    start_at: end
    operators:
      - type: json_parser
        if: 'body matches "^{"'
        timestamp:
          parse_from: attributes.time
          layout_type: gotime
          layout: "2006-01-02T15:04:05.999999999Z07:00"
        severity:
          parse_from: attributes.level
    resource:
      service.name: ${target.service}

${collectorTail(target, { logs: ["filelog"] })}`,
    },
    { title: "Run", where: "shell", text: "otelcol-contrib --config collector.yaml" },
  ],
};

const docker: Source = {
  id: "docker",
  title: "Docker logs",
  group: "Infrastructure",
  about: "What containers write to their output, and their CPU and memory.",
  steps: (target) => [
    {
      title: "Configure",
      where: "collector.yaml",
      text: `receivers:
  filelog:
    include: [/var/lib/docker/containers/*/*-json.log]
    operators:
      - type: container
        format: docker
  docker_stats:
    endpoint: unix:///var/run/docker.sock

${collectorTail(target, { metrics: ["docker_stats"], logs: ["filelog"] })}`,
    },
    {
      title: "Run",
      where: "shell",
      text: `docker run -d --name collector --user 0 --network host \\
  -v $PWD/collector.yaml:/etc/otelcol-contrib/config.yaml:ro \\
  -v /var/lib/docker/containers:/var/lib/docker/containers:ro \\
  -v /var/run/docker.sock:/var/run/docker.sock:ro \\
  otel/opentelemetry-collector-contrib`,
    },
  ],
};

const kubernetes: Source = {
  id: "kubernetes",
  title: "Kubernetes",
  group: "Infrastructure",
  about: "Logs of pods, figures of the kubelet, and the attributes of pods on everything.",
  steps: (target) => [
    {
      title: "Values",
      where: "values.yaml",
      text: `mode: daemonset
presets:
  logsCollection: { enabled: true }
  kubernetesAttributes: { enabled: true }
  kubeletMetrics: { enabled: true }
  hostMetrics: { enabled: true }
config:
  exporters:
    otlp:
      endpoint: ${target.grpcAddress}
      tls: { insecure: true }
  service:
    pipelines:
      traces: { exporters: [otlp] }
      metrics: { exporters: [otlp] }
      logs: { exporters: [otlp] }`,
    },
    {
      title: "Install",
      where: "shell",
      text: `helm repo add open-telemetry https://open-telemetry.github.io/opentelemetry-helm-charts
helm install collector open-telemetry/opentelemetry-collector -f values.yaml \\
  --set image.repository=otel/opentelemetry-collector-k8s`,
    },
  ],
};

export const SERVICES: readonly Source[] = [postgresql, redis, nginx, files, docker, kubernetes];
