// Places on the grid of 24 columns: flowing panels that say no place, moving and resizing without overlaps.
import { COLUMNS, type Grid, type Panel } from "./model.ts";

/** Panels without a place follow the others from left to right, in rows as high as their highest. */
export function flow(panels: readonly (Panel & { placed: boolean })[]): Panel[] {
  let top = Math.max(0, ...panels.filter((panel) => panel.placed).map((panel) => panel.grid.y + panel.grid.h));
  let x = 0;
  let height = 0;
  return panels.map(({ placed, ...panel }) => {
    if (placed) return panel;
    const { w, h } = panel.grid;
    if (x + w > COLUMNS) {
      top += height;
      x = 0;
      height = 0;
    }
    const grid = { x, y: top, w, h };
    x += w;
    height = Math.max(height, h);
    return { ...panel, grid };
  });
}

export interface Placed {
  id: string;
  grid: Grid;
}

export function overlaps(a: Grid, b: Grid): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

export const MIN_WIDTH = 3;
export const MIN_HEIGHT = 2;

export function clamp(grid: Grid): Grid {
  const w = Math.min(COLUMNS, Math.max(MIN_WIDTH, grid.w));
  return {
    w,
    h: Math.max(MIN_HEIGHT, grid.h),
    x: Math.min(COLUMNS - w, Math.max(0, grid.x)),
    y: Math.max(0, grid.y),
  };
}

/** Puts one panel at a place; those in its way move down, then everything moves up as far as it can. */
export function place(panels: readonly Placed[], id: string, wanted: Grid): Placed[] {
  const grid = clamp(wanted);
  const others = panels.filter((panel) => panel.id !== id);
  return compact([{ id, grid }, ...inReadingOrder(others)], id);
}

/** `first` keeps its row as long as it can; the others fill up from the top. */
function compact(panels: readonly Placed[], first: string): Placed[] {
  const done: Placed[] = [];
  const sorted = [...panels].sort(
    (a, b) => a.grid.y - b.grid.y || Number(b.id === first) - Number(a.id === first) || a.grid.x - b.grid.x,
  );
  for (const panel of sorted) {
    const { grid } = panel;
    let y = grid.y;
    const free = (at: number) => !done.some((other) => overlaps({ ...grid, y: at }, other.grid));
    while (!free(y)) y++;
    while (y > 0 && free(y - 1)) y--;
    done.push({ ...panel, grid: { ...grid, y } });
  }
  return done;
}

export function inReadingOrder<T extends { grid: Grid }>(panels: readonly T[]): T[] {
  return [...panels].sort((a, b) => a.grid.y - b.grid.y || a.grid.x - b.grid.x);
}

/** The panel an arrow key leads to: the nearest one in that direction. */
export function nextPanel(panels: readonly Placed[], from: string | null, key: string): string | null {
  const order = inReadingOrder(panels);
  const here = panels.find((panel) => panel.id === from);
  if (!here) return order[0]?.id ?? null;
  const centre = (grid: Grid) => ({ x: grid.x + grid.w / 2, y: grid.y + grid.h / 2 });
  const c = centre(here.grid);
  let best: { id: string; cost: number } | null = null;
  for (const panel of panels) {
    if (panel.id === from) continue;
    const d = centre(panel.grid);
    const [dx, dy] = [d.x - c.x, d.y - c.y];
    const ahead = key === "ArrowRight" ? dx : key === "ArrowLeft" ? -dx : key === "ArrowDown" ? dy : -dy;
    const aside = key === "ArrowRight" || key === "ArrowLeft" ? Math.abs(dy) : Math.abs(dx);
    const sameBand =
      key === "ArrowRight" || key === "ArrowLeft"
        ? panel.grid.y < here.grid.y + here.grid.h && here.grid.y < panel.grid.y + panel.grid.h
        : true;
    if (ahead <= 0 || !sameBand) continue;
    const cost = ahead + aside * 2;
    if (!best || cost < best.cost) best = { id: panel.id, cost };
  }
  if (best) return best.id;
  // At the end of a line, reading goes on in the next one.
  const index = order.findIndex((panel) => panel.id === from);
  if (key === "ArrowRight") return order[index + 1]?.id ?? from;
  return key === "ArrowLeft" ? (order[index - 1]?.id ?? from) : from;
}
