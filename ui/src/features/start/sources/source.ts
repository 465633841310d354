// What a source is: a thing that sends telemetry, and the steps to make it send to this server.

/** Where to send; full base URLs as the sender must write them. */
export interface Target {
  /** Such as `http://bellrock.example:4318`. */
  httpUrl: string;
  /** Such as `http://bellrock.example:4317`. */
  grpcUrl: string;
  /** Such as `bellrock.example:4317`. */
  grpcAddress: string;
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
  group: "Languages" | "Infrastructure";
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
