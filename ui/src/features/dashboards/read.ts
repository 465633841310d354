// Reads the document of a dashboard: the plain form `{"dashboard": {"title", "panels"}}`, Grafana's JSON, and mixtures.
// What is not understood is reported and stays in the document.
import { isObject } from "../../api/decode.ts";
import { meaningOf } from "./colours.ts";
import { flow } from "./grid.ts";
import type { Dashboard, Finding, Grid, Panel, PanelKind, ReadResult, Target, Threshold } from "./model.ts";
import { readOverrides } from "./overrides.ts";
import { readVariables } from "./read-variables.ts";
import { readTransformations } from "./transformations.ts";

export class DocumentError extends Error {}

const KINDS: Readonly<Record<string, PanelKind>> = {
  graph: "timeseries",
  timeseries: "timeseries",
  "time-series": "timeseries",
  barchart: "timeseries",
  stat: "stat",
  singlestat: "stat",
  gauge: "gauge",
  bargauge: "bargauge",
  table: "table",
  "table-old": "table",
  heatmap: "heatmap",
  text: "text",
  row: "row",
};

type Json = Record<string, unknown>;

export function readDocument(text: string): ReadResult {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DocumentError(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isObject(json)) throw new DocumentError("it is not a JSON object");
  const root: (string | number)[] = isObject(json.dashboard) ? ["dashboard"] : [];
  const body = isObject(json.dashboard) ? json.dashboard : json;
  if (!Array.isArray(body.panels)) {
    throw new DocumentError("it has no list `panels`, neither at the top nor in `dashboard`");
  }
  const findings: Finding[] = [];
  const panels = readPanels(body.panels, [...root, "panels"], findings);
  const time = isObject(body.time) ? body.time : {};
  if (isObject(body.annotations) && Array.isArray(body.annotations.list)) {
    const own = body.annotations.list.filter((each) => isObject(each) && each.builtIn !== 1);
    if (own.length > 0) findings.push({ panel: null, what: `${own.length} annotations are not shown` });
  }
  const { variables, findings: more } = readVariables(body.templating);
  const dashboard: Dashboard = {
    title: textOf(body.title) || "Untitled",
    description: textOf(body.description),
    tags: Array.isArray(body.tags) ? body.tags.filter((tag) => typeof tag === "string") : [],
    dialect: "schemaVersion" in body || "templating" in body ? "grafana" : "design",
    from: textOf(time.from) || null,
    to: textOf(time.to) || null,
    variables,
    panels: flow(panels),
  };
  return { dashboard, findings: [...findings, ...more] };
}

function readPanels(
  list: readonly unknown[],
  path: (string | number)[],
  findings: Finding[],
): (Panel & { placed: boolean })[] {
  return list.flatMap((raw, index) => {
    const at = [...path, index];
    if (!isObject(raw)) {
      findings.push({ panel: null, what: `panel ${index + 1} is not an object and is left out` });
      return [];
    }
    const panel = readPanel(raw, at, findings);
    // A collapsed row of Grafana keeps its panels inside; they are shown below it.
    const inner =
      panel.kind === "row" && Array.isArray(raw.panels) ? readPanels(raw.panels, [...at, "panels"], findings) : [];
    return [panel, ...inner];
  });
}

function readPanel(raw: Json, path: (string | number)[], findings: Finding[]): Panel & { placed: boolean } {
  const type = textOf(raw.type) || "graph";
  const kind = KINDS[type] ?? "unsupported";
  const title = textOf(raw.title) || (kind === "row" ? "Row" : "");
  const note = (what: string) => findings.push({ panel: title || `panel at ${path.join(".")}`, what });
  if (kind === "unsupported") note(`panels of type \`${type}\` are not shown`);
  const defaults = objectAt(raw, "fieldConfig", "defaults");
  const grid = readGrid(raw.gridPos);
  const yaxis = Array.isArray(raw.yaxes) && isObject(raw.yaxes[0]) ? raw.yaxes[0] : {};
  const options = objectAt(raw, "options");
  const calcs = objectAt(raw, "options", "reduceOptions").calcs;
  return {
    id: stableId(title, path),
    title,
    description: textOf(raw.description),
    kind,
    grid: grid ?? sizeOf(kind),
    placed: grid !== null,
    targets: readTargets(raw.targets, note),
    unit: textOf(defaults.unit) || textOf(raw.unit) || textOf(yaxis.format) || textOf(raw.format),
    decimals: numberOf(defaults.decimals ?? raw.decimals),
    min: numberOf(defaults.min ?? raw.min ?? yaxis.min),
    max: numberOf(defaults.max ?? raw.max ?? yaxis.max),
    thresholds: readThresholds(defaults.thresholds ?? raw.thresholds),
    stacked: raw.stack === true || raw.stacked === true || objectAt(defaults, "custom", "stacking").mode === "normal",
    reduce: REDUCERS[Array.isArray(calcs) ? textOf(calcs[0]) : textOf(raw.valueName)] ?? "last",
    overrides: readOverrides(objectAt(raw, "fieldConfig").overrides, readThresholds, note),
    transformations: readTransformations(raw.transformations, note),
    repeat: textOf(raw.repeat) || null,
    repeatDown: raw.repeatDirection === "v",
    repeatPerRow: numberOf(raw.maxPerRow),
    scope: {},
    text: textOf(options.content) || textOf(raw.content),
    collapsed: raw.collapsed === true,
    path,
    type,
  };
}

const REDUCERS: Readonly<Record<string, string>> = {
  mean: "mean",
  avg: "mean",
  min: "min",
  max: "max",
  sum: "sum",
  total: "sum",
  last: "last",
  lastNotNull: "last",
  current: "last",
};

function readTargets(raw: unknown, note: (what: string) => void): Target[] {
  if (!Array.isArray(raw)) return [];
  return raw.flatMap((each, index): Target[] => {
    if (!isObject(each)) return [];
    const refId = textOf(each.refId) || String.fromCharCode(65 + (index % 26));
    const expr = textOf(each.expr);
    if (expr === "") {
      note(`query ${refId} is no PromQL and is left out`);
      return [];
    }
    return [
      {
        refId,
        expr,
        legend: textOf(each.legendFormat) === "__auto" ? "" : textOf(each.legendFormat),
        instant: each.instant === true && each.range !== true,
        hidden: each.hide === true,
      },
    ];
  });
}

function readGrid(raw: unknown): Grid | null {
  if (!isObject(raw)) return null;
  const [x, y, w, h] = [raw.x, raw.y, raw.w, raw.h].map(numberOf);
  if (x === null || y === null || !w || !h) return null;
  const width = Math.min(24, Math.max(1, Math.round(w ?? 1)));
  return {
    x: Math.min(24 - width, Math.max(0, Math.round(x ?? 0))),
    y: Math.max(0, Math.round(y ?? 0)),
    w: width,
    h: Math.min(60, Math.max(1, Math.round(h ?? 1))),
  };
}

/** The size of a panel that says none. */
function sizeOf(kind: PanelKind): Grid {
  if (kind === "row") return { x: 0, y: 0, w: 24, h: 1 };
  return kind === "stat" || kind === "gauge" ? { x: 0, y: 0, w: 6, h: 4 } : { x: 0, y: 0, w: 12, h: 8 };
}

/** Grafana's steps, or the plain list `[{"value": 0.05, "color": "red"}]`. */
function readThresholds(raw: unknown): Threshold[] {
  const steps = isObject(raw) ? raw.steps : raw;
  if (!Array.isArray(steps)) return [];
  return steps
    .filter(isObject)
    .map((step) => ({ value: numberOf(step.value), colour: meaningOf(textOf(step.color), "warn") }));
}

/** Eight hex digits of the title and the place, so that links to a panel survive a save. */
export function stableId(title: string, path: readonly (string | number)[]): string {
  let hash = 0x811c9dc5;
  for (const char of `${title}\n${path.filter((step) => typeof step === "number").join(".")}`) {
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

function objectAt(from: Json, ...keys: string[]): Json {
  let at: unknown = from;
  for (const key of keys) at = isObject(at) ? at[key] : undefined;
  return isObject(at) ? at : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string" || value.trim() === "") return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}
