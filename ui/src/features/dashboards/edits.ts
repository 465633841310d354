// What the editor does to the text of a document. Everything else in it stays byte for byte.

import { place } from "./grid.ts";
import { appendTo, type Path, removeAt, setAt, textAt } from "./json-text.ts";
import { COLUMNS, type Grid, type Panel } from "./model.ts";

/** Where title and panels stand: in `dashboard`, or at the top. */
export function rootOf(text: string): string[] {
  return textAt(text, ["dashboard"]) === null ? [] : ["dashboard"];
}

/** Writes the places that differ from what the document says; all of them when it says none. */
export function movePanel(text: string, panels: readonly Panel[], id: string, wanted: Grid): string {
  const places = new Map(place(panels, id, wanted).map((panel) => [panel.id, panel.grid]));
  return panels.reduce((out, panel) => {
    const grid = places.get(panel.id);
    const path = [...panel.path, "gridPos"];
    const written = grid && textAt(out, path);
    const same = written ? sameGrid(JSON.parse(written), grid) : false;
    return !grid || same ? out : setAt(out, path, grid);
  }, text);
}

function sameGrid(a: Partial<Grid>, b: Grid): boolean {
  return a.x === b.x && a.y === b.y && a.w === b.w && a.h === b.h;
}

export function setPanel(text: string, panel: Panel, path: Path, value: unknown): string {
  const whole = [...panel.path, ...path];
  if (value === undefined || value === "") {
    return textAt(text, whole) === null ? text : removeAt(text, whole);
  }
  return setAt(ensureParents(text, panel.path, path), whole, value);
}

/** Makes the objects between a panel and a value that do not exist yet. */
function ensureParents(text: string, base: Path, path: Path): string {
  let out = text;
  for (let depth = 1; depth < path.length; depth++) {
    const at = [...base, ...path.slice(0, depth)];
    if (textAt(out, at) === null) out = setAt(out, at, typeof path[depth] === "number" ? [] : {});
  }
  return out;
}

export function replacePanel(text: string, panel: Panel, json: unknown): string {
  return setAt(text, panel.path, json);
}

export function removePanel(text: string, panel: Panel): string {
  return removeAt(text, panel.path);
}

export interface NewPanel {
  title: string;
  expr: string;
}

export function addPanel(
  text: string,
  panels: readonly Panel[],
  { title, expr }: NewPanel = { title: "New panel", expr: "up" },
): string {
  const fixed = withPlaces(text, panels);
  const y = Math.max(0, ...panels.map((panel) => panel.grid.y + panel.grid.h));
  return appendTo(fixed, [...rootOf(text), "panels"], {
    title,
    type: "graph",
    gridPos: { x: 0, y, w: COLUMNS / 2, h: 8 },
    targets: [{ expr, legendFormat: "" }],
  });
}

export function duplicatePanel(text: string, panels: readonly Panel[], panel: Panel): string {
  const fixed = withPlaces(text, panels);
  const json: unknown = JSON.parse(textAt(fixed, panel.path) ?? "{}");
  const y = Math.max(0, ...panels.map((each) => each.grid.y + each.grid.h));
  const copy = { ...(json as object), title: `${panel.title} (copy)`, gridPos: { ...panel.grid, x: 0, y } };
  // Grafana's ids must be unique; ours come from title and place.
  if ("id" in copy) delete (copy as { id?: unknown }).id;
  return appendTo(fixed, [...rootOf(text), "panels"], copy);
}

/** Before a panel with a place joins others, the others say theirs; otherwise they would flow below it. */
function withPlaces(text: string, panels: readonly Panel[]): string {
  return panels.reduce(
    (out, panel) =>
      textAt(out, [...panel.path, "gridPos"]) === null ? setAt(out, [...panel.path, "gridPos"], panel.grid) : out,
    text,
  );
}

export function setTitle(text: string, title: string): string {
  return setAt(text, [...rootOf(text), "title"], title);
}

export function newDocument(title: string): string {
  return `${JSON.stringify({ dashboard: { title, panels: [] } }, null, 2)}\n`;
}
