// Files of objectives and of collectors, looked at before they are taken.
import { exchangeText } from "./client.ts";
import { anything, bool, list, object, text, withDefault } from "./decode.ts";
import { type Finding, findings } from "./rules.ts";

export interface ObjectivePreview {
  slos: { id: string }[];
  findings: Finding[];
}

const preview = object<ObjectivePreview>({
  slos: withDefault(list(object<{ id: string }>({ id: text })), []),
  findings,
});

export function previewObjectives(file: string, signal: AbortSignal): Promise<ObjectivePreview> {
  return exchangeText("POST", "api/v1/slos/preview", {}, file, "application/yaml", preview, signal);
}

export function importObjectives(file: string): Promise<unknown> {
  return exchangeText("POST", "api/v1/slos", {}, file, "application/yaml", anything);
}

export interface CollectorCheck {
  usable: boolean;
  findings: Finding[];
}

const checked = object<CollectorCheck>({ usable: withDefault(bool, true), findings });

/** What the server would say of the file at its start. */
export const checkCollector = (file: string, signal: AbortSignal): Promise<CollectorCheck> =>
  exchangeText("POST", "api/v1/config/check", {}, file, "application/yaml", checked, signal);
