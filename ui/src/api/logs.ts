// GET /api/v1/logs and /api/v1/logs/volume.
import type { Range } from "../lib/time/range.ts";
import { request, type Timed } from "./client.ts";
import { blank, list, nullable, number, object, text, withDefault, zero } from "./decode.ts";
import {
  type AnyValue,
  anyValue,
  EMPTY_RESOURCE,
  EMPTY_SCOPE,
  type Envelope,
  envelope,
  type KeyValue,
  keyValues,
  type Resource,
  resource,
  type Scope,
  scope,
} from "./otlp.ts";

export interface LogRecord {
  /** Opaque and stable while the record is stored. */
  id: string;
  time_unix_nano: string;
  observed_time_unix_nano: string;
  severity_number: number;
  severity_text: string;
  /** Name of the severity range: TRACE, DEBUG, INFO, WARN, ERROR, FATAL or UNSPECIFIED. */
  level: string;
  service: string;
  body: AnyValue;
  event_name: string;
  /** Lowercase hex; empty when the record has none. */
  trace_id: string;
  span_id: string;
  flags: number;
  attributes: KeyValue[];
  dropped_attributes_count: number;
  resource: Resource;
  scope: Scope;
}

export interface LogPage extends Envelope {
  logs: LogRecord[];
  next_cursor: string | null;
  /** With the other `order`: the records on the other side of the first one. */
  prev_cursor: string | null;
}

export interface LogContext extends Envelope {
  before: LogRecord[];
  record: LogRecord;
  after: LogRecord[];
  /** What the records have in common. */
  stream: { name: string; value: string }[];
}

export interface LogVolume extends Envelope {
  step_nanos: number;
  start_unix_nano: string;
  levels: string[];
  /** Per bucket, one count per level, in the order of `levels`. */
  counts: number[][];
}

const logRecord = object<LogRecord>({
  id: blank,
  time_unix_nano: blank,
  observed_time_unix_nano: blank,
  severity_number: zero,
  severity_text: blank,
  level: withDefault(text, "UNSPECIFIED"),
  service: blank,
  body: anyValue,
  event_name: blank,
  trace_id: blank,
  span_id: blank,
  flags: zero,
  attributes: keyValues,
  dropped_attributes_count: zero,
  resource: withDefault(resource, EMPTY_RESOURCE),
  scope: withDefault(scope, EMPTY_SCOPE),
});

const logPage = object<LogPage>({
  logs: list(logRecord),
  next_cursor: nullable(text),
  prev_cursor: nullable(text),
  ...envelope,
});

const logContext = object<LogContext>({
  before: withDefault(list(logRecord), []),
  record: logRecord,
  after: withDefault(list(logRecord), []),
  stream: withDefault(list(object<{ name: string; value: string }>({ name: text, value: text })), []),
  ...envelope,
});

export interface Tailed {
  logs: LogRecord[];
  matched: number;
  /** Matching records that were left out because too many arrived. */
  dropped: number;
}

/** One event of the live tail. */
export const tailed = object<Tailed>({ logs: list(logRecord), matched: zero, dropped: zero });

const logVolume = object<LogVolume>({
  step_nanos: number,
  start_unix_nano: text,
  levels: list(text),
  counts: list(list(number)),
  ...envelope,
});

export interface LogQuery {
  range: Range;
  q: string;
  order?: "desc" | "asc";
  limit?: number;
  cursor?: string;
}

export function fetchLogs(query: LogQuery, signal: AbortSignal): Promise<Timed<LogPage>> {
  return request({
    path: "api/v1/logs",
    params: {
      from: Math.floor(query.range.fromMilli),
      to: Math.ceil(query.range.toMilli),
      q: query.q,
      order: query.order,
      limit: query.limit ?? 200,
      cursor: query.cursor,
    },
    decode: logPage,
    signal,
  });
}

export function fetchLogVolume(
  range: Range,
  q: string,
  buckets: number,
  signal: AbortSignal,
): Promise<Timed<LogVolume>> {
  return request({
    path: "api/v1/logs/volume",
    params: { from: Math.floor(range.fromMilli), to: Math.ceil(range.toMilli), q, buckets },
    decode: logVolume,
    signal,
  });
}

/** The records around one, in its stream. */
export function fetchLogContext(
  id: string,
  sides: { before: number; after: number },
  signal: AbortSignal,
): Promise<Timed<LogContext>> {
  return request({
    path: `api/v1/logs/${encodeURIComponent(id)}/context`,
    params: { before: sides.before, after: sides.after },
    decode: logContext,
    signal,
  });
}
