// GET /api/v1/service-map: who called whom, from the spans of a range.
import type { Range } from "../lib/time/range.ts";
import { request } from "./client.ts";
import { list, object, text, withDefault, zero } from "./decode.ts";
import { type Envelope, envelope } from "./otlp.ts";

export interface Edge {
  client: string;
  server: string;
  /** What the server is: "service", "database" or "messaging". */
  peer: string;
  calls: number;
  errors: number;
  p50_nanos: number;
  p95_nanos: number;
  p99_nanos: number;
}

export interface ServiceMap extends Envelope {
  edges: Edge[];
  /** Client spans whose other side is not known. */
  unresolved: number;
}

const serviceMap = object<ServiceMap>({
  edges: list(
    object<Edge>({
      client: text,
      server: text,
      peer: withDefault(text, "service"),
      calls: zero,
      errors: zero,
      p50_nanos: zero,
      p95_nanos: zero,
      p99_nanos: zero,
    }),
  ),
  unresolved: zero,
  ...envelope,
});

export function fetchServiceMap(range: Range, q: string, signal: AbortSignal) {
  const params = { from: Math.floor(range.fromMilli), to: Math.ceil(range.toMilli), q };
  return request({ path: "api/v1/service-map", params, decode: serviceMap, signal });
}
