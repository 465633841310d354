// /api/ui/v1/start, /start/test and /demo: who sends what, a test that follows its own data, and the demo.
import { request, sendJson, streamLines } from "./client.ts";
import {
  blank,
  bool,
  type Decoder,
  isObject,
  list,
  nullable,
  number,
  object,
  text,
  withDefault,
  zero,
} from "./decode.ts";
import type { Signal } from "./status.ts";

export interface ArrivalWarning {
  code: string;
  message: string;
  fix: string;
}

/** What one service has sent of one signal. */
export interface Arrival {
  service: string;
  language: string | null;
  sdk: string | null;
  first_unix_milli: number;
  last_unix_milli: number;
  count: number;
  example: { trace_id: string | null; log_id: string | null; metric: string | null };
  warnings: ArrivalWarning[];
}

export interface Demo {
  running: boolean;
  switchable: boolean;
  removable: boolean;
}

/** Something that was turned away in the last minutes. */
export interface Turned {
  time_unix_milli: number;
  signal: string | null;
  code: string;
  message: string;
  count: number;
  /** What to change at the sender. */
  fix: string;
  peer: string | null;
  port: string | null;
  /** Of a page in a browser. */
  origin: string | null;
}

export interface Start {
  signals: Record<Signal, Arrival[]>;
  refusals: Turned[];
  demo: Demo;
}

const no = withDefault(bool, false);

const arrival = object<Arrival>({
  service: text,
  language: nullable(text),
  sdk: nullable(text),
  first_unix_milli: zero,
  last_unix_milli: zero,
  count: zero,
  example: withDefault(
    object<Arrival["example"]>({ trace_id: nullable(text), log_id: nullable(text), metric: nullable(text) }),
    { trace_id: null, log_id: null, metric: null },
  ),
  warnings: withDefault(list(object<ArrivalWarning>({ code: text, message: blank, fix: blank })), []),
});

const arrivals = withDefault(list(arrival), []);
const demo = object<Demo>({ running: no, switchable: no, removable: no });

const start = object<Start>({
  signals: object<Start["signals"]>({ traces: arrivals, logs: arrivals, metrics: arrivals }),
  refusals: withDefault(
    list(
      object<Turned>({
        time_unix_milli: zero,
        signal: nullable(text),
        code: blank,
        message: blank,
        count: withDefault(number, 1),
        fix: blank,
        peer: nullable(text),
        port: (value) => (value === null || value === undefined ? null : String(value)),
        origin: nullable(text),
      }),
    ),
    [],
  ),
  demo: withDefault(demo, { running: false, switchable: false, removable: false }),
});

export const START_KEY = ["start"];

export async function fetchStart(signal: AbortSignal): Promise<Start> {
  return (await request({ path: "api/ui/v1/start", decode: start, signal })).value;
}

export interface TestStep {
  /** "send", "receive", "store" or "query". */
  step: string;
  signal: string;
  ok: boolean;
  elapsed_ms: number;
  message: string;
}

export interface TestEnd {
  ok: boolean;
  trace_id: string | null;
  log_id: string | null;
  metric: string | null;
}

const testStep = object<TestStep>({ step: text, signal: blank, ok: no, elapsed_ms: zero, message: blank });
const testEnd = object<TestEnd>({ ok: no, trace_id: nullable(text), log_id: nullable(text), metric: nullable(text) });

export async function sendTest(onStep: (step: TestStep) => void, signal: AbortSignal): Promise<TestEnd | null> {
  let end: TestEnd | null = null;
  const onLine = (line: unknown) => {
    if (isObject(line) && line.done === true) end = testEnd(line);
    else onStep(testStep(line));
  };
  await streamLines("api/ui/v1/start/test", {}, onLine, signal);
  return end;
}

const running: Decoder<{ running: boolean }> = object<{ running: boolean }>({ running: no });

export function switchDemo(on: boolean): Promise<{ running: boolean }> {
  return sendJson({ method: "POST", path: "api/ui/v1/demo", body: { running: on }, decode: running });
}

export function removeDemo(): Promise<void> {
  return sendJson({ method: "DELETE", path: "api/ui/v1/demo", decode: () => undefined });
}
