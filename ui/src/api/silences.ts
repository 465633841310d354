// Silences (Alertmanager's API, version 2) and maintenance windows: what keeps alerts from being told.
import { request, sendJson } from "./client.ts";
import { anything, blank, bool, list, nullable, object, record, text, withDefault } from "./decode.ts";

export interface SilenceMatcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

export interface Silence {
  id: string;
  matchers: SilenceMatcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
  status: { state: string };
}

const silence = object<Silence>({
  id: text,
  matchers: list(
    object<SilenceMatcher>({
      name: blank,
      value: blank,
      isRegex: withDefault(bool, false),
      isEqual: withDefault(bool, true),
    }),
  ),
  startsAt: blank,
  endsAt: blank,
  createdBy: blank,
  comment: blank,
  status: object<{ state: string }>({ state: blank }),
});

export async function fetchSilences(signal: AbortSignal): Promise<Silence[]> {
  return (await request({ path: "api/v2/silences", decode: list(silence), signal })).value;
}

export interface SilenceDraft {
  id?: string;
  matchers: SilenceMatcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
}

export async function saveSilence(draft: SilenceDraft): Promise<string> {
  const made = object<{ silenceID: string }>({ silenceID: text });
  return (await sendJson({ method: "POST", path: "api/v2/silences", body: draft, decode: made })).silenceID;
}

export function expireSilence(id: string): Promise<unknown> {
  return sendJson({ method: "DELETE", path: `api/v2/silence/${encodeURIComponent(id)}`, decode: anything });
}

export function matcherText({ name, value, isRegex, isEqual }: SilenceMatcher): string {
  const operator = isRegex ? (isEqual ? "=~" : "!~") : isEqual ? "=" : "!=";
  return `${/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name)}${operator}${JSON.stringify(value)}`;
}

export interface MaintenanceWindow {
  name: string;
  matchers: string[];
  comment: string;
  starts_at: string | null;
  ends_at: string | null;
  times: unknown;
  origin: string;
  open: boolean;
}

const window_ = object<MaintenanceWindow>({
  name: text,
  matchers: withDefault(
    list((value: unknown) => (typeof value === "string" ? value : matcherOf(value))),
    [],
  ),
  comment: blank,
  starts_at: nullable(text),
  ends_at: nullable(text),
  times: anything,
  origin: blank,
  open: withDefault(bool, false),
});

function matcherOf(value: unknown): string {
  const read = object<SilenceMatcher>({
    name: blank,
    value: blank,
    isRegex: withDefault(bool, false),
    isEqual: withDefault(bool, true),
  });
  return matcherText(read(value));
}

export async function fetchWindows(signal: AbortSignal): Promise<MaintenanceWindow[]> {
  const windows = object<{ windows: MaintenanceWindow[] }>({ windows: withDefault(list(window_), []) });
  return (await request({ path: "api/v1/maintenance", decode: windows, signal })).value.windows;
}

export function saveWindow(window: Record<string, unknown>): Promise<MaintenanceWindow> {
  return sendJson({ method: "POST", path: "api/v1/maintenance", body: window, decode: window_ });
}

export function removeWindow(name: string): Promise<unknown> {
  const path = `api/v1/maintenance/${encodeURIComponent(name)}`;
  return sendJson({ method: "DELETE", path, decode: record(anything) });
}
