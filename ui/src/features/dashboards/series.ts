// The answers of a panel's queries as lines on one grid of times, and as single values.
import type { BatchAnswer } from "../../api/batch.ts";
import type { Labels } from "../../api/prometheus.ts";
import { finest, place } from "../../charts/grid.ts";
import { legendOf } from "./legend.ts";
import type { Look, Target, Threshold } from "./model.ts";

export interface PanelSeries {
  id: string;
  name: string;
  labels: Labels;
  refId: string;
  expr: string;
  times: readonly number[];
  values: (number | null)[];
  /** Of all values, where the server sent fewer. */
  all?: { count: number; mean: number } | null;
  /** What overrides say of it. */
  look?: Look;
}

/** All series of all queries, in their order; names that occur twice get the labels that tell them apart. */
export function panelSeries(targets: readonly Target[], answers: readonly (BatchAnswer | null)[]): PanelSeries[] {
  const out = targets.flatMap((target, index) =>
    (answers[index]?.series ?? []).map(
      (series): PanelSeries => ({
        id: `${target.refId} ${JSON.stringify(series.labels)}`,
        name: legendOf(target.legend, series.labels, target.expr),
        labels: series.labels,
        refId: target.refId,
        expr: target.expr,
        times: series.times,
        values: series.values,
        all: series.all ?? null,
      }),
    ),
  );
  const count = new Map<string, number>();
  for (const { name } of out) count.set(name, (count.get(name) ?? 0) + 1);
  const twins = out.filter(({ name }) => (count.get(name) ?? 0) > 1);
  const differing = differingLabels(twins.map(({ labels }) => labels));
  return out.map((series) => {
    if ((count.get(series.name) ?? 0) < 2) return series;
    const more = differing.filter((key) => series.labels[key] !== undefined);
    return more.length > 0
      ? { ...series, name: `${series.name} (${more.map((key) => series.labels[key]).join(", ")})` }
      : series;
  });
}

function differingLabels(all: readonly Labels[]): string[] {
  const keys = [...new Set(all.flatMap((labels) => Object.keys(labels)))].filter((key) => key !== "__name__");
  return keys.filter((key) => new Set(all.map((labels) => labels[key])).size > 1);
}

export interface Aligned {
  /** Unix milliseconds. */
  times: readonly number[];
  values: (number | null)[][];
}

/** One list of times for all series; a series without a sample at a time has a gap there. */
export function align(series: readonly PanelSeries[]): Aligned {
  const times = finest(series.map((each) => each.times));
  return { times, values: series.map((each) => place(each.times, each.values, times)) };
}

/** Series that end before the others have ended: an instance that is gone. Where none goes on, all are kept. */
export function living(series: readonly PanelSeries[]): PanelSeries[] {
  const endOf = (each: PanelSeries) => {
    const at = each.values.findLastIndex((value) => value !== null);
    return at < 0 ? Number.NEGATIVE_INFINITY : (each.times[at] ?? Number.NEGATIVE_INFINITY);
  };
  const newest = Math.max(...series.map(endOf));
  const first = series[0];
  const step = first && first.times.length > 1 ? (first.times[1] ?? 0) - (first.times[0] ?? 0) : 0;
  return series.filter((each) => endOf(each) >= newest - 2 * step);
}

/** One number for a series; mean and sum are those of all its values, not only of those that came. */
export function reduceSeries({ values, all }: PanelSeries, how: string): number | null {
  if (all && how === "mean") return all.mean;
  if (all && how === "sum") return all.mean * all.count;
  return reduce(values, how);
}

export function reduce(values: readonly (number | null)[], how: string): number | null {
  const known = values.filter((value): value is number => value !== null && !Number.isNaN(value));
  if (known.length === 0) return null;
  switch (how) {
    case "mean":
      return known.reduce((sum, value) => sum + value, 0) / known.length;
    case "min":
      return Math.min(...known);
    case "max":
      return Math.max(...known);
    case "sum":
      return known.reduce((sum, value) => sum + value, 0);
    default:
      return known.at(-1) ?? null;
  }
}

/** The colour of a value by the highest threshold that it reaches. */
export function colourOf(value: number | null, thresholds: readonly Threshold[]): string | null {
  if (value === null) return null;
  let found: string | null = null;
  for (const threshold of [...thresholds].sort((a, b) => (a.value ?? -Infinity) - (b.value ?? -Infinity))) {
    if (threshold.value === null || value >= threshold.value) found = threshold.colour;
  }
  return found === null ? null : cssColour(found);
}

export function cssColour(colour: string): string {
  return ["ok", "warn", "error"].includes(colour) ? `var(--${colour})` : colour;
}
