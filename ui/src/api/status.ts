// GET /api/v1/status: what arrived, what was refused, and where to send data.
import { assignServiceColours } from "../lib/colour.ts";
import { request } from "./client.ts";
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

export const SIGNALS = ["traces", "logs", "metrics"] as const;
export type Signal = (typeof SIGNALS)[number];

export interface SignalStatus {
  accepted: number;
  refused: number;
  last_received_unix_milli: number | null;
  services: string[];
}

export interface Refusal {
  time_unix_milli: number;
  signal: string;
  code: string;
  message: string;
  count: number;
}

export interface Status {
  version: string;
  now_unix_milli: number;
  started_unix_milli: number;
  demo: boolean;
  /** Host and port, without a scheme. */
  endpoints: { otlp_grpc: string; otlp_http: string; api: string; ui: string };
  signals: Record<Signal, SignalStatus>;
  refusals: Refusal[];
}

const EMPTY: SignalStatus = { accepted: 0, refused: 0, last_received_unix_milli: null, services: [] };

const signalStatus: Decoder<SignalStatus> = (value) =>
  isObject(value)
    ? object<SignalStatus>({
        accepted: zero,
        refused: zero,
        last_received_unix_milli: nullable(number),
        services: withDefault(list(text), []),
      })(value)
    : EMPTY;

const status = object<Status>({
  version: blank,
  now_unix_milli: zero,
  started_unix_milli: zero,
  demo: withDefault(bool, false),
  endpoints: object<Status["endpoints"]>({ otlp_grpc: blank, otlp_http: blank, api: blank, ui: blank }),
  signals: object<Record<Signal, SignalStatus>>({ traces: signalStatus, logs: signalStatus, metrics: signalStatus }),
  refusals: withDefault(
    list(
      object<Refusal>({
        time_unix_milli: zero,
        signal: blank,
        code: blank,
        message: blank,
        count: withDefault(number, 1),
      }),
    ),
    [],
  ),
});

export async function fetchStatus(signal?: AbortSignal): Promise<Status> {
  const { value } = await request({ path: "api/v1/status", decode: status, ...(signal ? { signal } : {}) });
  assignServiceColours(SIGNALS.flatMap((name) => value.signals[name].services));
  return value;
}
