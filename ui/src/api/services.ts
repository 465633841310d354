// GET /api/v1/services and /api/v1/services/{name}/operations.
import type { Range } from "../lib/time/range.ts";
import { request, type Timed } from "./client.ts";
import { list, object, text, withDefault, zero } from "./decode.ts";
import { type Envelope, envelope } from "./otlp.ts";

/** Rate, errors and duration of SERVER and CONSUMER spans and roots. */
export interface RedFigures {
  name: string;
  calls: number;
  errors: number;
  rate_per_s: number;
  /** 0 to 1. */
  error_ratio: number;
  p50_nanos: number;
  p95_nanos: number;
  p99_nanos: number;
}

export interface ServiceFigures extends RedFigures {
  spans: number;
}

export interface OperationFigures extends RedFigures {
  kind: string;
}

const red = {
  name: text,
  calls: zero,
  errors: zero,
  rate_per_s: zero,
  error_ratio: zero,
  p50_nanos: zero,
  p95_nanos: zero,
  p99_nanos: zero,
};

export interface ServiceList extends Envelope {
  services: ServiceFigures[];
}

export interface OperationList extends Envelope {
  operations: OperationFigures[];
}

const serviceList = object<ServiceList>({
  services: list(object<ServiceFigures>({ ...red, spans: zero })),
  ...envelope,
});

const operationList = object<OperationList>({
  operations: list(object<OperationFigures>({ ...red, kind: withDefault(text, "") })),
  ...envelope,
});

export function fetchServices(range: Range, signal: AbortSignal): Promise<Timed<ServiceList>> {
  return request({ path: "api/v1/services", params: bounds(range), decode: serviceList, signal });
}

export function fetchOperations(service: string, range: Range, signal: AbortSignal): Promise<Timed<OperationList>> {
  const path = `api/v1/services/${encodeURIComponent(service)}/operations`;
  return request({ path, params: bounds(range), decode: operationList, signal });
}

function bounds(range: Range) {
  return { from: Math.floor(range.fromMilli), to: Math.ceil(range.toMilli) };
}
