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
      /** The whole answer, for what stands beside the error. */
      body?: unknown;
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
  const init: RequestInit = form ? { method: "POST", body: encodeParams(params) } : {};
  return exchange(form ? apiUrl(path) : apiUrl(path, params), init, signal, decode);
}

export interface JsonRequest<T> {
  method: "POST" | "PUT" | "DELETE";
  path: string;
  params?: Params;
  body?: unknown;
  signal?: AbortSignal;
  decode: Decoder<T>;
}

/** Sends a JSON body. An empty answer (204) is decoded as `undefined`. */
export async function sendJson<T>({ method, path, params = {}, body, signal, decode }: JsonRequest<T>): Promise<T> {
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "content-type": "application/json" };
  }
  return (await exchange(apiUrl(path, params), init, signal, decode)).value;
}

/** Sends a text as it is, such as a file. An empty answer is decoded as `undefined`. */
export async function exchangeText<T>(
  method: "POST" | "PUT" | "DELETE",
  path: string,
  params: Params,
  body: string | null,
  contentType: string,
  decode: Decoder<T>,
  signal?: AbortSignal,
): Promise<T> {
  const init: RequestInit = body === null ? { method } : { method, body, headers: { "content-type": contentType } };
  return (await exchange(apiUrl(path, params), init, signal, decode)).value;
}

async function exchange<T>(
  url: string,
  init: RequestInit,
  signal: AbortSignal | undefined,
  decode: Decoder<T>,
): Promise<Timed<T>> {
  const started = performance.now();
  const response = await reach(url, init, signal);
  const body = await readBody(response, signal);
  const json = parseJson(body);
  if (!response.ok) throw readError(response.status, json, response.headers.get("x-request-id") ?? undefined);
  try {
    return { value: decode(json), elapsedMs: performance.now() - started };
  } catch (error) {
    if (error instanceof DecodeError) throw new ApiError("unexpected", error.message, { status: response.status });
    throw error;
  }
}

async function reach(url: string, init: RequestInit, signal: AbortSignal | undefined): Promise<Response> {
  try {
    const response = await fetch(url, {
      ...init,
      ...(signal ? { signal } : {}),
      headers: { accept: "application/json", ...init.headers },
    });
    noteServerDate(response.headers.get("date"));
    return response;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("offline", "the server does not answer");
  }
}

async function readBody(response: Response, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("offline", "the connection broke while the answer came");
  }
}

/** Lines that came together are read for so long at a time; between the turns keys and wheels are heard. */
const TURN_MS = 8;

function nextTask(): Promise<void> {
  return new Promise((done) => setTimeout(done, 0));
}

/** Posts a JSON body and hands over each line of the answer (newline-delimited JSON) as it comes. */
export async function streamLines(
  path: string,
  body: unknown,
  onLine: (value: unknown) => void,
  signal?: AbortSignal,
): Promise<void> {
  const init: RequestInit = {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", accept: "application/x-ndjson" },
  };
  const response = await reach(apiUrl(path), init, signal);
  if (!response.ok || !response.body) {
    const json = parseJson(await readBody(response, signal));
    throw readError(response.status, json, response.headers.get("x-request-id") ?? undefined);
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let began = performance.now();
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      if (signal?.aborted) throw error;
      throw new ApiError("offline", "the connection broke while the answer came");
    });
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : (lines.pop() ?? "");
    for (const line of lines) {
      if (line.trim() === "") continue;
      onLine(JSON.parse(line));
      if (performance.now() - began < TURN_MS) continue;
      await nextTask();
      began = performance.now();
    }
    if (done) return;
  }
}

/** The bytes of an answer that is too large to be read on the main thread. */
export async function requestBytes(what: Omit<Request<unknown>, "decode">): Promise<Timed<ArrayBuffer>> {
  const started = performance.now();
  const { path, params = {}, form } = what;
  const init: RequestInit = form ? { method: "POST", body: encodeParams(params) } : {};
  const response = await reach(form ? apiUrl(path) : apiUrl(path, params), init, what.signal);
  if (!response.ok) {
    const json = parseJson(await readBody(response, what.signal));
    throw readError(response.status, json, response.headers.get("x-request-id") ?? undefined);
  }
  try {
    return { value: await response.arrayBuffer(), elapsedMs: performance.now() - started };
  } catch (error) {
    if (what.signal?.aborted) throw error;
    throw new ApiError("offline", "the connection broke while the answer came");
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
  const facts = { status, body: json, ...(requestId ? { requestId } : {}) };
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
