// Overrides of Grafana's fields: which series or columns they are for, and what they change of their look.
import { isObject } from "../../api/decode.ts";
import { cssOf } from "./colours.ts";
import type { Look, Override, Threshold } from "./model.ts";
import type { PanelSeries } from "./series.ts";

type Note = (what: string) => void;

export function readOverrides(raw: unknown, thresholdsOf: (raw: unknown) => Threshold[], note: Note): Override[] {
  if (!Array.isArray(raw)) return [];
  return raw.filter(isObject).flatMap((each): Override[] => {
    const match = readMatcher(each.matcher);
    if (!match) {
      const id = isObject(each.matcher) ? String(each.matcher.id) : "none";
      note(`an override of fields chosen by \`${id}\` is not applied`);
      return [];
    }
    const look: Look = {};
    for (const property of Array.isArray(each.properties) ? each.properties : []) {
      if (isObject(property)) readProperty(look, String(property.id), property.value, thresholdsOf, note);
    }
    return [{ match, look }];
  });
}

function readMatcher(raw: unknown): Override["match"] | null {
  if (!isObject(raw)) return null;
  const { id, options } = raw;
  switch (id) {
    case "byName":
      return { by: "name", text: String(options ?? "") };
    case "byRegexp":
      return { by: "regex", text: /^\/(.*)\/[a-z]*$/.exec(String(options))?.[1] ?? String(options ?? "") };
    case "byFrameRefID":
      return { by: "query", text: String(options ?? "") };
    case "byType":
      return options === "number" ? { by: "all", text: "" } : null;
    default:
      return null;
  }
}

function readProperty(
  look: Look,
  id: string,
  value: unknown,
  thresholdsOf: (raw: unknown) => Threshold[],
  note: Note,
): void {
  switch (id) {
    case "unit":
      look.unit = String(value ?? "");
      return;
    case "displayName":
      look.name = String(value ?? "");
      return;
    case "decimals":
      if (typeof value === "number") look.decimals = value;
      return;
    case "thresholds":
      look.thresholds = thresholdsOf(value);
      return;
    case "color": {
      const colour = isObject(value) && value.mode === "fixed" ? cssOf(String(value.fixedColor ?? "")) : null;
      if (colour) look.colour = colour;
      else note("a colour of an override that is not fixed is not applied");
      return;
    }
    case "custom.hideFrom":
      if (isObject(value) && (value.viz === true || value.legend === true)) look.hidden = value.viz === true;
      return;
    case "custom.axisPlacement":
      if (value === "right") look.right = true;
      else if (value === "hidden") note("an axis that is hidden is shown");
      return;
    case "custom.width":
    case "custom.align":
      // Columns take the room that they need.
      return;
    default:
      note(`the property \`${id}\` of an override is not applied`);
  }
}

export function matches({ match }: Override, name: string, refId: string): boolean {
  switch (match.by) {
    case "all":
      return true;
    case "name":
      return match.text === name;
    case "query":
      return match.text === refId;
    case "regex":
      try {
        return new RegExp(match.text).test(name);
      } catch {
        return false;
      }
  }
}

/** What all overrides together say of a name; the later one wins. */
export function lookOf(overrides: readonly Override[], name: string, refId: string): Look {
  return Object.assign({}, ...overrides.filter((each) => matches(each, name, refId)).map((each) => each.look));
}

export function applyOverrides(series: readonly PanelSeries[], overrides: readonly Override[]): PanelSeries[] {
  if (overrides.length === 0) return [...series];
  return series.flatMap((each) => {
    const look = lookOf(overrides, each.name, each.refId);
    return look.hidden ? [] : [{ ...each, name: look.name || each.name, look }];
  });
}
