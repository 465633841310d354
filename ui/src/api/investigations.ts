// /api/ui/v1/investigations: trays of evidence that were saved for others.
import { request, sendJson } from "./client.ts";
import { list, number, object, text, withDefault, zero } from "./decode.ts";

export interface Investigation {
  id: string;
  title: string;
  pins: number;
  updated_unix_milli: number;
  updated_by: string;
  version: number;
}

const summary = {
  id: text,
  title: withDefault(text, ""),
  pins: zero,
  updated_unix_milli: zero,
  updated_by: withDefault(text, ""),
  version: zero,
};
const investigations = object<{ investigations: Investigation[] }>({
  investigations: list(object<Investigation>(summary)),
});
const whole = object<Investigation & { document: string }>({ ...summary, document: text });
const created = object<{ id: string; version: number }>({ id: text, version: number });

const BASE = "api/ui/v1/investigations";

export async function fetchInvestigations(signal: AbortSignal): Promise<Investigation[]> {
  return (await request({ path: BASE, decode: investigations, signal })).value.investigations;
}

export async function fetchInvestigation(id: string): Promise<Investigation & { document: string }> {
  return (await request({ path: `${BASE}/${encodeURIComponent(id)}`, decode: whole })).value;
}

export function saveInvestigation(title: string, document: string) {
  return sendJson({ method: "POST", path: BASE, body: { title, document }, decode: created });
}
