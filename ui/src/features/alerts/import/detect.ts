// What a file is, from its text alone.
import { isObject } from "../../../api/decode.ts";

export const KINDS = ["rules", "alertmanager", "dashboard", "slos", "collector"] as const;
export type FileKind = (typeof KINDS)[number];

export const KIND_TITLES: Record<FileKind, string> = {
  rules: "rule file",
  alertmanager: "Alertmanager configuration",
  dashboard: "dashboard",
  slos: "objectives",
  collector: "collector configuration",
};

/** Null when it is none that can be taken. */
export function detectKind(text: string): FileKind | null {
  if (/^\s*\{/.test(text)) {
    const kind = ofJson(text);
    if (kind) return kind;
  }
  const top = new Set([...text.matchAll(/^(?:"?)([A-Za-z_]\w*)(?:"?)\s*:/gm)].map((match) => match[1]));
  if (top.has("service") && (top.has("exporters") || top.has("receivers")) && /^\s+pipelines\s*:/m.test(text))
    return "collector";
  if (top.has("error_budgets") || top.has("slos") || /^apiVersion\s*:\s*["']?openslo/m.test(text)) return "slos";
  if (top.has("groups") && /^\s*(?:-\s*)?(?:alert|record)\s*:/m.test(text)) return "rules";
  if (top.has("route") && top.has("receivers")) return "alertmanager";
  if (top.has("groups")) return "rules";
  return null;
}

function ofJson(text: string): FileKind | null {
  try {
    const json: unknown = JSON.parse(text);
    if (!isObject(json)) return null;
    const body = isObject(json.dashboard) ? json.dashboard : json;
    if (Array.isArray(body.panels)) return "dashboard";
    if (Array.isArray(json.groups)) return "rules";
    return isObject(json.route) ? "alertmanager" : null;
  } catch {
    return /"panels"\s*:/.test(text) ? "dashboard" : null;
  }
}
