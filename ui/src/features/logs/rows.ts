// A log record as the table keeps it: a hundred thousand of them must fit in memory, so attributes are a flat list of
// texts and resources are shared. The whole record is asked for when one is opened.
import type { LogRecord } from "../../api/logs.ts";
import { type KeyValue, type Resource, valueText } from "../../api/otlp.ts";
import { bodyLine } from "../../lib/log-body.ts";
import { nanosToMilli, parseNanos, type UnixNanos } from "../../lib/time/nanos.ts";

export interface LogRow {
  id: string;
  nanos: UnixNanos;
  milli: number;
  level: string;
  service: string;
  /** The body as one line. */
  line: string;
  traceId: string;
  spanId: string;
  /** Key, value, key, value of the record itself. */
  attributes: readonly string[];
  /** The same of the resource; one list for all records of it. */
  resource: readonly string[];
}

const RESOURCES_MAX = 2000;
const resources = new Map<string, readonly string[]>();
const keys = new Map<string, string>();

/** One string for equal keys, however many records have them. */
function shared(key: string): string {
  const known = keys.get(key);
  if (known !== undefined) return known;
  if (keys.size < RESOURCES_MAX) keys.set(key, key);
  return key;
}

function flat(attributes: readonly KeyValue[]): string[] {
  return attributes.flatMap((entry) => [shared(entry.key), valueText(entry.value)]);
}

function flatResource(resource: Resource): readonly string[] {
  const list = flat(resource.attributes);
  const key = list.join("\u0000");
  const known = resources.get(key);
  if (known) return known;
  if (resources.size >= RESOURCES_MAX) resources.clear();
  resources.set(key, list);
  return list;
}

/** The time of the record, or when it was observed where it has none. */
export function timeOf(record: Pick<LogRecord, "time_unix_nano" | "observed_time_unix_nano">): UnixNanos {
  const own = record.time_unix_nano;
  return parseNanos(own === "0" || own === "" ? record.observed_time_unix_nano : own);
}

export function toRow(record: LogRecord): LogRow {
  const nanos = timeOf(record);
  return {
    id: record.id,
    nanos,
    milli: nanosToMilli(nanos),
    level: shared(record.level),
    service: shared(record.service),
    line: bodyLine(record.body),
    traceId: record.trace_id,
    spanId: record.span_id,
    attributes: flat(record.attributes),
    resource: flatResource(record.resource),
  };
}

/** The value of a field, the record's own before its resource's; empty when there is none. */
export function fieldOf(row: LogRow, key: string): string {
  for (const list of [row.attributes, row.resource]) {
    for (let at = 0; at < list.length; at += 2) if (list[at] === key) return list[at + 1] ?? "";
  }
  if (key === "trace_id") return row.traceId;
  return key === "span_id" ? row.spanId : "";
}
