// GET /api/v1/traces/{trace_id}?format=columns: a whole trace as parallel arrays, without attributes. Read in a worker.
import { request, requestBytes, type Timed } from "./client.ts";
import { DecodeError, isObject, list, object } from "./decode.ts";
import { type Envelope, envelope } from "./otlp.ts";
import { type Span, span } from "./traces.ts";

/** The spans of a trace; place `i` of every column belongs to span `i`. Times are nanoseconds after `startNanos`. */
export interface SpanColumns {
  traceId: string;
  /** Unix nanoseconds. */
  startNanos: bigint;
  names: readonly string[];
  services: readonly string[];
  kinds: readonly string[];
  badges: readonly string[];
  eventNames: readonly string[];
  spanIds: readonly string[];
  /** The place of the parent; -1 for a root, -2 when the parent is not stored. */
  parent: Int32Array;
  name: Uint32Array;
  service: Uint32Array;
  kind: Uint8Array;
  /** 0 unset, 1 ok, 2 error. */
  status: Uint8Array;
  start: Float64Array;
  end: Float64Array;
  /** Place in `badges`, -1 for none. */
  badge: Int32Array;
  /** The place of the span of each event; events of one span stand together. */
  eventSpan: Uint32Array;
  eventTime: Float64Array;
  eventName: Uint32Array;
}

export interface ColumnsAnswer extends Envelope {
  columns: SpanColumns;
}

function texts(from: Record<string, unknown>, key: string): readonly string[] {
  const value = from[key] ?? [];
  if (!Array.isArray(value)) throw new DecodeError(`an object with a list \`${key}\``);
  return value as string[];
}

function numbers(from: Record<string, unknown>, key: string, length: number): ArrayLike<number> {
  const value = from[key];
  if (!Array.isArray(value) || value.length !== length) throw new DecodeError(`${length} numbers in \`${key}\``);
  return value as number[];
}

/** Checks shapes and lengths, not each of what may be millions of numbers: typed arrays make any other value 0. */
export function readColumns(json: unknown): ColumnsAnswer {
  if (!isObject(json) || !isObject(json.columns)) throw new DecodeError("a trace in columns");
  const { columns } = json;
  const spanIds = texts(columns, "span_id");
  const n = spanIds.length;
  const start = Float64Array.from(numbers(columns, "start", n));
  const duration = numbers(columns, "duration", n);
  const eventSpan = Uint32Array.from(texts(columns, "event_span") as unknown as number[]);
  const events = eventSpan.length;
  return {
    columns: {
      traceId: String(json.trace_id ?? ""),
      startNanos: BigInt(String(columns.start_unix_nano ?? "0")),
      names: texts(columns, "names"),
      services: texts(columns, "services"),
      kinds: texts(columns, "kinds"),
      badges: texts(columns, "badges"),
      eventNames: texts(columns, "event_names"),
      spanIds,
      parent: Int32Array.from(numbers(columns, "parent", n)),
      name: Uint32Array.from(numbers(columns, "name", n)),
      service: Uint32Array.from(numbers(columns, "service", n)),
      kind: Uint8Array.from(numbers(columns, "kind", n)),
      status: Uint8Array.from(numbers(columns, "status", n)),
      start,
      end: start.map((at, index) => at + Math.max(0, duration[index] ?? 0)),
      badge: columns.badge === undefined ? new Int32Array(n).fill(-1) : Int32Array.from(numbers(columns, "badge", n)),
      eventSpan,
      eventTime: events === 0 ? new Float64Array(0) : Float64Array.from(numbers(columns, "event_time", events)),
      eventName: events === 0 ? new Uint32Array(0) : Uint32Array.from(numbers(columns, "event_name", events)),
    },
    partial: envelope.partial(json.partial),
    stats: envelope.stats(json.stats),
  };
}

/** The answer as it came, for a worker to read. `around`, in Unix milliseconds, is when the trace is thought to have been. */
export function fetchColumns(
  traceId: string,
  around: number | undefined,
  signal: AbortSignal,
): Promise<Timed<ArrayBuffer>> {
  const params = { format: "columns", around };
  return requestBytes({ path: `api/v1/traces/${encodeURIComponent(traceId)}`, params, signal });
}

const spanAnswer = object<{ spans: Span[] } & Envelope>({ spans: list(span), ...envelope });

/** One span with all it has; two when client and server share one id. */
export async function fetchSpans(
  traceId: string,
  spanId: string,
  around: number | undefined,
  signal: AbortSignal,
): Promise<Span[]> {
  const path = `api/v1/traces/${encodeURIComponent(traceId)}/spans/${encodeURIComponent(spanId)}`;
  return (await request({ path, params: { around }, decode: spanAnswer, signal })).value.spans;
}
