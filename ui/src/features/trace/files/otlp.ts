// Spans of OTLP/JSON (opentelemetry-proto, JSON mapping): `resourceSpans`, `scopeSpans`, `spans`; ids are hex.
import { isObject } from "../../../api/decode.ts";
import { anyValue, type KeyValue } from "../../../api/otlp.ts";
import type { Span } from "../../../api/traces.ts";

const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUS = ["UNSET", "OK", "ERROR"];

export function readOtlp(file: Record<string, unknown>): Span[] {
  return objects(file.resourceSpans).flatMap((group) => {
    const source = isObject(group.resource) ? group.resource : {};
    const resource = {
      attributes: pairs(source.attributes),
      dropped_attributes_count: Number(source.droppedAttributesCount) || 0,
      schema_url: String(group.schemaUrl ?? ""),
    };
    return objects(group.scopeSpans ?? group.instrumentationLibrarySpans).flatMap((scoped) => {
      const from = isObject(scoped.scope) ? scoped.scope : {};
      const scope = {
        name: String(from.name ?? ""),
        version: String(from.version ?? ""),
        attributes: pairs(from.attributes),
        dropped_attributes_count: 0,
        schema_url: String(scoped.schemaUrl ?? ""),
      };
      return objects(scoped.spans).map(
        (span): Span => ({ ...readSpan(span), service: serviceOf(resource), resource, scope }),
      );
    });
  });
}

function serviceOf({ attributes }: { attributes: KeyValue[] }): string {
  const value = attributes.find((entry) => entry.key === "service.name")?.value;
  return value && "stringValue" in value ? value.stringValue : "unknown_service";
}

function readSpan(span: Record<string, unknown>): Omit<Span, "service" | "resource" | "scope"> {
  const start = nanos(span.startTimeUnixNano);
  const end = nanos(span.endTimeUnixNano);
  const status = isObject(span.status) ? span.status : {};
  return {
    trace_id: String(span.traceId ?? "").toLowerCase(),
    span_id: String(span.spanId ?? "").toLowerCase(),
    parent_span_id: String(span.parentSpanId ?? "").toLowerCase(),
    trace_state: String(span.traceState ?? ""),
    adjusted_count: 1,
    flags: Number(span.flags) || 0,
    name: String(span.name ?? ""),
    kind: enumName(span.kind, KINDS, "SPAN_KIND_"),
    start_unix_nano: String(start),
    end_unix_nano: String(end),
    duration_nanos: Math.max(0, Number(end - start)),
    attributes: pairs(span.attributes),
    dropped_attributes_count: Number(span.droppedAttributesCount) || 0,
    events: objects(span.events).map((event) => ({
      time_unix_nano: String(nanos(event.timeUnixNano)),
      name: String(event.name ?? ""),
      attributes: pairs(event.attributes),
      dropped_attributes_count: Number(event.droppedAttributesCount) || 0,
    })),
    dropped_events_count: Number(span.droppedEventsCount) || 0,
    links: objects(span.links).map((link) => ({
      trace_id: String(link.traceId ?? "").toLowerCase(),
      span_id: String(link.spanId ?? "").toLowerCase(),
      trace_state: String(link.traceState ?? ""),
      attributes: pairs(link.attributes),
      dropped_attributes_count: Number(link.droppedAttributesCount) || 0,
      flags: Number(link.flags) || 0,
    })),
    dropped_links_count: Number(span.droppedLinksCount) || 0,
    status: { code: enumName(status.code, STATUS, "STATUS_CODE_"), message: String(status.message ?? "") },
  };
}

function objects(list: unknown): Record<string, unknown>[] {
  return (Array.isArray(list) ? list : []).filter(isObject);
}

function pairs(list: unknown): KeyValue[] {
  return objects(list).map((entry) => ({ key: String(entry.key ?? ""), value: anyValue(entry.value ?? null) }));
}

function nanos(value: unknown): bigint {
  return /^\d{1,20}$/.test(String(value)) ? BigInt(String(value)) : 0n;
}

/** Enumerations are numbers or their names. */
function enumName(value: unknown, names: readonly string[], prefix: string): string {
  if (typeof value === "number") return names[value] ?? names[0] ?? "";
  const name = String(value ?? "").replace(prefix, "");
  return names.includes(name) ? name : (names[0] ?? "");
}
