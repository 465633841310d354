// Stretches of time in which an alert was pending or fired, from the series that the rules write or from a back-test.
import type { BatchSeries } from "../../api/batch.ts";
import type { TriedAlert } from "../../api/rules.ts";

export type LaneState = "pending" | "firing";

export interface Stretch {
  fromMilli: number;
  toMilli: number;
  state: LaneState;
  /** It had not ended at the end of what was looked at. */
  open: boolean;
}

/** `ALERTS` has a sample per evaluation with the state as a label; steps without a sample end a stretch. */
export function stretchesOf(series: readonly BatchSeries[], stepMilli: number, endMilli: number): Stretch[] {
  const out: Stretch[] = [];
  for (const { labels, times, values } of series) {
    const state: LaneState = labels.alertstate === "pending" ? "pending" : "firing";
    let current: Stretch | null = null;
    times.forEach((time, at) => {
      if (values[at] === null || values[at] === undefined) return;
      if (current && time - current.toMilli <= stepMilli * 1.5) current.toMilli = time;
      else {
        current = { fromMilli: time, toMilli: time, state, open: false };
        out.push(current);
      }
    });
  }
  for (const stretch of out) {
    stretch.open = endMilli - stretch.toMilli <= stepMilli * 1.5;
    // A sample stands for the time until the next evaluation.
    stretch.toMilli = Math.min(endMilli, stretch.toMilli + stepMilli);
  }
  return out.sort((a, b) => a.fromMilli - b.fromMilli);
}

/** What a back-test says of one alert. */
export function stretchesOfTrial(alert: TriedAlert, endMilli: number): Stretch[] {
  const end = alert.endedAt ?? endMilli;
  const open = alert.endedAt === null;
  const fired = alert.firedAt;
  if (fired === null) return [{ fromMilli: alert.pendingAt, toMilli: end, state: "pending", open }];
  const firing: Stretch = { fromMilli: fired, toMilli: end, state: "firing", open };
  if (fired <= alert.pendingAt) return [firing];
  return [{ fromMilli: alert.pendingAt, toMilli: fired, state: "pending", open: false }, firing];
}

/** How long it fired, together. */
export function firingMilli(stretches: readonly Stretch[]): number {
  return stretches.reduce(
    (sum, { state, fromMilli, toMilli }) => sum + (state === "firing" ? toMilli - fromMilli : 0),
    0,
  );
}

export interface Grid {
  /** Unix milliseconds, evenly spaced. */
  times: number[];
  values: (number | null)[][];
}

/** Series on one grid of times, for a chart that shows several. */
export function onOneGrid(
  series: readonly BatchSeries[],
  startMilli: number,
  endMilli: number,
  stepMilli: number,
): Grid {
  const count = Math.max(1, Math.floor((endMilli - startMilli) / stepMilli) + 1);
  const times = Array.from({ length: count }, (_, at) => startMilli + at * stepMilli);
  const values = series.map((each) => {
    const list = new Array<number | null>(count).fill(null);
    each.times.forEach((time, at) => {
      const slot = Math.round((time - startMilli) / stepMilli);
      if (slot >= 0 && slot < count) list[slot] = each.values[at] ?? null;
    });
    return list;
  });
  return { times, values };
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400];

/** The finest round step that gives at most `points` points, and not finer than the rule is evaluated. */
export function stepFor(lengthMilli: number, points: number, leastSeconds = 1): number {
  const wanted = Math.max(leastSeconds, lengthMilli / 1000 / points);
  return (STEPS_S.find((step) => step >= wanted) ?? 86_400) * 1000;
}

/** A selector of exactly these labels. */
export function selectorOf(metric: string, labels: Readonly<Record<string, string>>): string {
  const matchers = Object.entries(labels).map(([name, value]) => `${quoteName(name)}=${JSON.stringify(value)}`);
  return `${metric}{${matchers.join(",")}}`;
}

function quoteName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name);
}
