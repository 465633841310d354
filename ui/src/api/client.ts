// One typed way to call the server: parameters in, checked value out, every failure an `ApiError` with a kind.
import type { Decoder } from "./decode.ts";
import { DecodeError, isObject } from "./decode.ts";

/** "offline" and "unexpected" are made here; all others are the server's error kinds. */
export type ErrorKind = string;

export class ApiError extends Error {
  constructor(
    readonly kind: ErrorKind,
    message: string,
    readonly facts: {
      status?: number;
      /** Byte offset and length in the query text. */
      position?: { offset: number; length: number };
      suggestion?: string;
      requestId?: string;
    } = {},
  ) {
    super(message);
  }
}

export type Params = Record<string, string | number | readonly string[] | undefined>;

export interface Request<T> {
  path: string;
  params?: Params;
  signal?: AbortSignal;
  decode: Decoder<T>;
  /** Sends the parameters as a form body, for queries that may outgrow a URL. */
  form?: boolean;
}

export interface Timed<T> {
  value: T;
  /** From the request to the last byte, as the browser saw it. */
  elapsedMs: number;
}

let skewMs = 0;

/** Server clock minus browser clock in milliseconds, from the `Date` header (which has whole seconds). */
export function clockSkewMs(): number {
  return skewMs;
}

/** The server's idea of now; relative ranges use it, so a wrong browser clock cannot blank a page. */
export function serverNow(): number {
  return Date.now() + skewMs;
}

function noteServerDate(header: string | null): void {
  const date = header ? Date.parse(header) : Number.NaN;
  if (Number.isNaN(date)) return;
  const skew = date + 500 - Date.now();
  // The header has whole seconds; below two seconds the difference is only that.
  skewMs = Math.abs(skew) < 2000 ? 0 : skew;
}

export function apiUrl(path: string, params: Params = {}): string {
  const query = encodeParams(params).toString();
  return new URL(path + (query ? `?${query}` : ""), document.baseURI).toString();
}

function encodeParams(params: Params): URLSearchParams {
  const out = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value === undefined || value === "") continue;
    if (typeof value === "string" || typeof value === "number") out.set(key, String(value));
    else for (const entry of value) out.append(key, entry);
  }
  return out;
}

export async function request<T>({ path, params = {}, signal, decode, form }: Request<T>): Promise<Timed<T>> {
  const started = performance.now();
  let response: Response;
  let body: string;
  try {
    response = await fetch(form ? apiUrl(path) : apiUrl(path, params), {
      ...(form ? { method: "POST", body: encodeParams(params) } : {}),
      ...(signal ? { signal } : {}),
      headers: { accept: "application/json" },
    });
    body = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("offline", "the server does not answer");
  }
  noteServerDate(response.headers.get("date"));
  const json = parseJson(body);
  const requestId = response.headers.get("x-request-id") ?? undefined;
  if (!response.ok) throw readError(response.status, json, requestId);
  try {
    return { value: decode(json), elapsedMs: performance.now() - started };
  } catch (error) {
    if (error instanceof DecodeError) throw new ApiError("unexpected", error.message, { status: response.status });
    throw error;
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Reads both error shapes: ours (`{error: {kind, message, ..}}`) and Prometheus' (`{errorType, error}`). */
function readError(status: number, json: unknown, requestId: string | undefined): ApiError {
  const facts = { status, ...(requestId ? { requestId } : {}) };
  if (isObject(json) && isObject(json.error)) {
    const { kind, message, position, suggestion } = json.error;
    return new ApiError(String(kind ?? "server"), String(message ?? `status ${status}`), {
      ...facts,
      ...readPosition(position),
      ...(typeof suggestion === "string" ? { suggestion } : {}),
    });
  }
  if (isObject(json) && typeof json.error === "string") {
    return new ApiError(String(json.errorType ?? "server"), json.error, facts);
  }
  return new ApiError(status >= 500 ? "server" : "bad_request", `the server answered with status ${status}`, facts);
}

function readPosition(position: unknown): { position?: { offset: number; length: number } } {
  if (typeof position === "number") return { position: { offset: position, length: 1 } };
  if (!isObject(position) || typeof position.offset !== "number") return {};
  const length = typeof position.length === "number" ? Math.max(1, position.length) : 1;
  return { position: { offset: position.offset, length } };
}
