// What to do about a refusal. The server's message says what happened; this says what to change on the sender.

const FIXES: readonly [RegExp, string][] = [
  [
    /tls/,
    "The sender speaks TLS to a plain port: use http:// in the endpoint, or insecure: true in a Collector exporter.",
  ],
  [/http.*grpc|grpc_port/, "Set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or use port 4318."],
  [/grpc.*http|http_port/, "Set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or use port 4317."],
  [
    /path|not_found/,
    "The paths are /v1/traces, /v1/logs and /v1/metrics; OTEL_EXPORTER_OTLP_ENDPOINT takes the base address without a path.",
  ],
  [
    /token|unauth/,
    'Send the ingest token in the Authorization header: OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer ...".',
  ],
  [/content_type|media/, "Send application/x-protobuf or application/json."],
  [/encoding|compress/, "Use gzip or no compression: OTEL_EXPORTER_OTLP_COMPRESSION=gzip."],
  [/large|size|limit/, "Send smaller batches: OTEL_BSP_MAX_EXPORT_BATCH_SIZE=512."],
  [/cors|origin/, "Allow the origin of the page in the server's CORS settings."],
  [/service_name/, "Set OTEL_SERVICE_NAME; without it data of different programs cannot be told apart."],
  [/time|clock|old|future/, "Check the clock of the sender."],
  [/delta|temporality/, "Set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative."],
  [
    /malformed|decode|invalid|syntax/,
    "The body is not valid OTLP: check the version of the SDK and proxies in between.",
  ],
  [/unavailable|busy|overload|disk/, "The server could not take it; SDKs and Collectors try again by themselves."],
];

export function fixFor(code: string): string | null {
  const text = code.toLowerCase();
  return FIXES.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}
