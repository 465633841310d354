// What a source is: a thing that sends telemetry, and the steps to make it send to this server.

/** Where to send; full base URLs as the sender must write them. */
export interface Target {
  /** Such as `http://bellrock.example:4318`. */
  httpUrl: string;
  /** Such as `http://bellrock.example:4317`. */
  grpcUrl: string;
  /** Such as `bellrock.example:4317`. */
  grpcAddress: string;
  /** Such as `http://bellrock.example:8080`. */
  apiUrl: string;
  /** Such as `bellrock.example`, for protocols with ports of their own. */
  host: string;
  service: string;
}

export interface Step {
  title: string;
  /** Name of the file or shell the text goes to. */
  where: string;
  text: string;
  note?: string;
}

export interface Source {
  id: string;
  title: string;
  group: "Languages" | "Infrastructure" | "Protocols";
  about: string;
  /** At most three. */
  steps: (target: Target) => Step[];
}

/** The variables every OpenTelemetry SDK reads, as shell lines. */
export function environment(target: Target, extra: readonly string[] = []): string {
  return [
    `export OTEL_SERVICE_NAME=${target.service}`,
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${target.httpUrl}`,
    "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    ...extra,
  ].join("\n");
}

/** The exporter to this server and one pipeline per signal, as the end of a Collector's configuration. */
export function collectorTail(
  target: Target,
  receivers: { metrics?: readonly string[]; logs?: readonly string[] },
): string {
  const pipelines = (["metrics", "logs"] as const).flatMap((signal) => {
    const from = receivers[signal];
    return from ? [`    ${signal}:`, `      receivers: [${from.join(", ")}]`, "      exporters: [otlp/bellrock]"] : [];
  });
  return `exporters:
  otlp/bellrock:
    endpoint: ${target.grpcAddress}
    tls:
      insecure: true

service:
  pipelines:
${pipelines.join("\n")}`;
}
