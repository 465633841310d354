// Why two sides of an operator do not meet: by which labels they are matched, and how many find a partner.
import type { Labels, Series } from "../../api/prometheus.ts";

export interface MatchReport {
  left: number;
  right: number;
  /** Series of the left side that have a partner, and the other way round. */
  matchedLeft: number;
  matchedRight: number;
  /** Labels of the match that one side never has. */
  missingLeft: string[];
  missingRight: string[];
}

function signature(labels: Labels, on: boolean, names: readonly string[]): string {
  const kept = on
    ? names.map((name) => [name, labels[name] ?? ""])
    : Object.entries(labels).filter(([name]) => name !== "__name__" && !names.includes(name));
  return JSON.stringify(kept.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)));
}

export function matchReport(
  left: readonly Series[],
  right: readonly Series[],
  { on, labels }: { on: boolean; labels: readonly string[] },
): MatchReport {
  const keys = (list: readonly Series[]) => list.map((series) => signature(series.labels, on, labels));
  const [a, b] = [keys(left), keys(right)];
  const [inA, inB] = [new Set(a), new Set(b)];
  const names = on ? labels : [...new Set([...left, ...right].flatMap((series) => Object.keys(series.labels)))];
  const never = (list: readonly Series[]) =>
    names.filter(
      (name) =>
        name !== "__name__" &&
        (on || !labels.includes(name)) &&
        list.length > 0 &&
        list.every((series) => series.labels[name] === undefined),
    );
  return {
    left: left.length,
    right: right.length,
    matchedLeft: a.filter((each) => inB.has(each)).length,
    matchedRight: b.filter((each) => inA.has(each)).length,
    missingLeft: never(left),
    missingRight: never(right),
  };
}

/** "12 left, 3 right, 0 matched on (service); the right side has no label service". */
export function matchText(report: MatchReport, { on, labels }: { on: boolean; labels: readonly string[] }): string {
  const by = on ? `on (${labels.join(", ")})` : labels.length > 0 ? `ignoring (${labels.join(", ")})` : "on all labels";
  const parts = [`${report.left} left, ${report.right} right, ${report.matchedLeft} of the left matched ${by}`];
  const say = (side: string, names: readonly string[]) => {
    if (names.length > 0) parts.push(`the ${side} side has no label ${names.join(", ")}`);
  };
  if (report.matchedLeft < report.left || report.matchedRight < report.right) {
    say("left", report.missingLeft);
    say("right", report.missingRight);
  }
  return parts.join("; ");
}

export interface LabelCount {
  name: string;
  values: number;
}

/** How many values each label has, the most first. */
export function labelCounts(series: readonly Series[]): LabelCount[] {
  const values = new Map<string, Set<string>>();
  for (const { labels } of series) {
    for (const [name, value] of Object.entries(labels)) {
      if (name === "__name__") continue;
      const known = values.get(name);
      if (known) known.add(value);
      else values.set(name, new Set([value]));
    }
  }
  return [...values]
    .map(([name, set]) => ({ name, values: set.size }))
    .sort((a, b) => b.values - a.values || (a.name < b.name ? -1 : 1));
}
