// A trace as Jaeger's API and UI write it: microseconds, tags with types, processes beside the spans.
import { isObject } from "../../../api/decode.ts";
import { type AnyValue, EMPTY_SCOPE, type KeyValue } from "../../../api/otlp.ts";
import type { Span } from "../../../api/traces.ts";

const KINDS: Record<string, string> = {
  server: "SERVER",
  client: "CLIENT",
  producer: "PRODUCER",
  consumer: "CONSUMER",
  internal: "INTERNAL",
};

export function readJaeger(trace: unknown): Span[] {
  if (!isObject(trace) || !Array.isArray(trace.spans)) return [];
  const processes = isObject(trace.processes) ? trace.processes : {};
  return trace.spans.filter(isObject).map((span) => readSpan(span, processes));
}

function readSpan(span: Record<string, unknown>, processes: Record<string, unknown>): Span {
  const known = processes[String(span.processID)];
  const process = isObject(span.process) ? span.process : isObject(known) ? known : {};
  const tags = readTags(span.tags);
  const references = (Array.isArray(span.references) ? span.references : []).filter(isObject);
  const parent = references.find((reference) => reference.refType === "CHILD_OF") ?? references[0];
  const startMicros = Math.round(Number(span.startTime) || 0);
  const durationMicros = Math.max(0, Math.round(Number(span.duration) || 0));
  const failed = isTrue(tags, "error") || textOf(tags, "otel.status_code") === "ERROR";
  const service = String(process.serviceName ?? "unknown_service");
  return {
    trace_id: String(span.traceID ?? "").padStart(32, "0"),
    span_id: String(span.spanID ?? ""),
    parent_span_id: parent ? String(parent.spanID ?? "") : String(span.parentSpanID ?? ""),
    trace_state: "",
    adjusted_count: 1,
    flags: Number(span.flags) || 0,
    name: String(span.operationName ?? ""),
    kind: KINDS[textOf(tags, "span.kind") ?? ""] ?? "INTERNAL",
    service,
    start_unix_nano: String(BigInt(startMicros) * 1000n),
    end_unix_nano: String(BigInt(startMicros + durationMicros) * 1000n),
    duration_nanos: durationMicros * 1000,
    attributes: tags,
    dropped_attributes_count: 0,
    events: (Array.isArray(span.logs) ? span.logs : []).filter(isObject).map((log) => {
      const attributes = readTags(log.fields);
      return {
        time_unix_nano: String(BigInt(Math.round(Number(log.timestamp) || 0)) * 1000n),
        name: textOf(attributes, "event") ?? textOf(attributes, "message") ?? "log",
        attributes,
        dropped_attributes_count: 0,
      };
    }),
    dropped_events_count: 0,
    links: references
      .filter((reference) => reference !== parent)
      .map((reference) => ({
        trace_id: String(reference.traceID ?? "").padStart(32, "0"),
        span_id: String(reference.spanID ?? ""),
        trace_state: "",
        attributes: [],
        dropped_attributes_count: 0,
        flags: 0,
      })),
    dropped_links_count: 0,
    status: { code: failed ? "ERROR" : "UNSET", message: textOf(tags, "otel.status_description") ?? "" },
    resource: {
      attributes: [{ key: "service.name", value: { stringValue: service } }, ...readTags(process.tags)],
      dropped_attributes_count: 0,
      schema_url: "",
    },
    scope: EMPTY_SCOPE,
  };
}

function readTags(tags: unknown): KeyValue[] {
  return (Array.isArray(tags) ? tags : [])
    .filter(isObject)
    .map((tag) => ({ key: String(tag.key ?? ""), value: readValue(tag.value) }));
}

function readValue(value: unknown): AnyValue {
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { stringValue: typeof value === "string" ? value : JSON.stringify(value ?? null) };
}

function textOf(tags: readonly KeyValue[], key: string): string | undefined {
  const value = tags.find((tag) => tag.key === key)?.value;
  return value && "stringValue" in value ? value.stringValue : undefined;
}

function isTrue(tags: readonly KeyValue[], key: string): boolean {
  const value = tags.find((tag) => tag.key === key)?.value;
  if (!value) return false;
  return "boolValue" in value ? value.boolValue : "stringValue" in value && value.stringValue === "true";
}
