// Which axis the lines of a panel stand on: lines of another unit than the panel's, and those that an override puts to the
// right, have one of their own.
import type { LineAxis } from "../../charts/series.ts";
import type { Panel } from "./model.ts";
import type { PanelSeries } from "./series.ts";
import { formatterFor } from "./units.ts";

/** Besides the main one; more would leave no room for the lines. */
const AXES_MAX = 3;

/** In the order of the series; null is the main axis. A stack has one axis only: its lines are added up. */
export function axesOf(panel: Panel, series: readonly PanelSeries[]): (LineAxis | null)[] {
  if (panel.stacked) return series.map(() => null);
  const unitOf = ({ look }: PanelSeries) => look?.unit ?? panel.unit;
  // When no line has the panel's own unit, the first one's takes its place.
  const main = series.some((each) => !each.look?.right && unitOf(each) === panel.unit)
    ? panel.unit
    : unitOf(series.find((each) => !each.look?.right) ?? series[0] ?? ({ look: {} } as PanelSeries));
  const known = new Map<string, LineAxis>();
  return series.map((each) => {
    const unit = unitOf(each);
    if (unit === main && !each.look?.right) return null;
    const key = `${each.look?.right ? "right " : ""}${unit}`;
    const found = known.get(key);
    if (found) return found;
    if (known.size >= AXES_MAX) return [...known.values()].at(-1) ?? null;
    const axis = { key, format: formatterFor(unit, each.look?.decimals ?? panel.decimals, each.expr) };
    known.set(key, axis);
    return axis;
  });
}

/** The unit of the main axis. */
export function mainUnit(panel: Panel, series: readonly PanelSeries[], axes: readonly (LineAxis | null)[]): string {
  const first = series.find((_, at) => !axes[at]);
  return first?.look?.unit ?? panel.unit;
}
