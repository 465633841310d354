// GET /api/v1/errors and /api/v1/errors/{id}: exceptions grouped by type, message without its variables, and top frame.
import type { Range } from "../lib/time/range.ts";
import { request } from "./client.ts";
import { blank, bool, list, nullable, number, object, text, withDefault, zero } from "./decode.ts";

export interface ErrorBucket {
  from_unix_milli: number;
  count: number;
}

export interface ErrorGroup {
  id: string;
  service: string;
  exception_type: string;
  message: string;
  normalised_message: string;
  frame: string;
  span_name: string;
  first_seen_unix_milli: number;
  last_seen_unix_milli: number;
  /** Of all time that is kept. */
  count: number;
  /** Newest first. */
  trace_ids: string[];
  /** `service.version` of the first one. */
  first_version: string | null;
  /** When it last came back after a day without. */
  regressed_unix_milli: number | null;
  /** Different `user.id`; null when no span named one. */
  users: number | null;
  users_estimated: boolean;
  buckets: ErrorBucket[];
}

export interface ErrorList {
  errors: ErrorGroup[];
  total: number;
  /** Exceptions that were not grouped because the limit of groups was reached. */
  overflow: number;
}

const errorGroup = object<ErrorGroup>({
  id: text,
  service: blank,
  exception_type: blank,
  message: blank,
  normalised_message: blank,
  frame: blank,
  span_name: blank,
  first_seen_unix_milli: zero,
  last_seen_unix_milli: zero,
  count: zero,
  trace_ids: withDefault(list(text), []),
  first_version: nullable(text),
  regressed_unix_milli: nullable(number),
  users: nullable(number),
  users_estimated: withDefault(bool, false),
  buckets: withDefault(list(object<ErrorBucket>({ from_unix_milli: number, count: number })), []),
});

const errorList = object<ErrorList>({ errors: list(errorGroup), total: zero, overflow: zero });

export interface ErrorQuery {
  range: Range;
  service?: string | undefined;
  q?: string | undefined;
  /** "last_seen", "first_seen" or "count". */
  sort?: string | undefined;
  limit?: number | undefined;
}

export function fetchErrors({ range, ...rest }: ErrorQuery, signal: AbortSignal) {
  return request({ path: "api/v1/errors", params: { ...bounds(range), ...rest }, decode: errorList, signal });
}

export function fetchErrorGroup(id: string, range: Range, signal: AbortSignal) {
  return request({
    path: `api/v1/errors/${encodeURIComponent(id)}`,
    params: bounds(range),
    decode: errorGroup,
    signal,
  });
}

function bounds(range: Range) {
  return { from: Math.floor(range.fromMilli), to: Math.ceil(range.toMilli) };
}
