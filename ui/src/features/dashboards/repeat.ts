// Panels and rows that are repeated for each value of a variable: copies with that value, and room for them.
import { COLUMNS, type Grid, type Panel } from "./model.ts";

const PER_ROW = 4;
const REPEATS_MAX = 50;

/** `values`: what a repeated variable stands for, by its name. A copy carries its value in `scope`. */
export function repeatPanels(panels: readonly Panel[], values: ReadonlyMap<string, readonly string[]>): Panel[] {
  const found = (name: string | null) => (name === null ? undefined : values.get(name)?.slice(0, REPEATS_MAX));
  if (!panels.some((panel) => (found(panel.repeat)?.length ?? 0) > 0)) return [...panels];
  const ordered = [...panels].sort((a, b) => a.grid.y - b.grid.y || a.grid.x - b.grid.x);
  const out: Panel[] = [];
  let down = 0;
  for (let at = 0; at < ordered.length; ) {
    const panel = ordered[at] as Panel;
    const own = found(panel.repeat);
    if (panel.kind === "row" && own && own.length > 0) {
      const after = ordered.findIndex((each, index) => index > at && each.kind === "row");
      const block = ordered.slice(at, after < 0 ? undefined : after);
      const height = Math.max(...block.map(({ grid }) => grid.y + grid.h)) - panel.grid.y;
      own.forEach((value, copy) => {
        for (const each of block)
          out.push(copied(each, panel.repeat ?? "", value, copy, lower(each.grid, down + copy * height)));
      });
      down += (own.length - 1) * height;
      at += block.length;
      continue;
    }
    if (own && own.length > 0) {
      const copies = own.map((value, copy) =>
        copied(panel, panel.repeat ?? "", value, copy, placeOf(panel, own.length, copy)),
      );
      out.push(...copies.map((each) => ({ ...each, grid: lower(each.grid, down) })));
      const bottom = Math.max(...copies.map(({ grid }) => grid.y + grid.h));
      down += bottom - (panel.grid.y + panel.grid.h);
    } else {
      out.push({ ...panel, grid: lower(panel.grid, down) });
    }
    at++;
  }
  return out;
}

const lower = (grid: Grid, by: number): Grid => ({ ...grid, y: grid.y + by });

function copied(panel: Panel, variable: string, value: string, copy: number, grid: Grid): Panel {
  // The first copy keeps the id, so links to the panel still find it.
  return {
    ...panel,
    id: copy === 0 ? panel.id : `${panel.id}-${copy}`,
    grid,
    scope: { ...panel.scope, [variable]: value },
  };
}

function placeOf({ grid, repeatDown, repeatPerRow }: Panel, count: number, copy: number): Grid {
  if (repeatDown) return { ...grid, y: grid.y + copy * grid.h };
  const perRow = Math.min(count, repeatPerRow ?? PER_ROW);
  const w = Math.max(1, Math.floor(COLUMNS / perRow));
  return { x: (copy % perRow) * w, y: grid.y + Math.floor(copy / perRow) * grid.h, w, h: grid.h };
}
