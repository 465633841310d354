// Lines of a chart as numbers: stacked, with the last bucket apart, as statistics, in words, and as CSV.

export interface Line {
  id: string;
  label: string;
  /** CSS colour or variable. */
  colour: string;
  /** Same length as `times`; null is a gap. */
  values: readonly (number | null)[];
  /** Of all values, where the server sent only those that a picture needs. */
  all?: { count: number; mean: number } | null;
  /** Where it stands when not on the main axis of the chart. */
  axis?: LineAxis | null;
}

/** An axis beside the main one; lines with the same key share it. */
export interface LineAxis {
  key: string;
  format: (value: number) => string;
}

/** How the values of a line are written, in a chart whose main axis has `format`. */
export function writerOf(line: Line, format: (value: number) => string): (value: number) => string {
  return line.axis?.format ?? format;
}

/** The name of a line's scale in the plot. */
export function scaleOf(line: Line): string {
  return line.axis ? `axis ${line.axis.key}` : "y";
}

export type Mode = "line" | "area" | "stack" | "bars" | "points";

/** Each line on top of those before it; a gap in one line does not break the others. */
export function stackUp(lines: readonly Line[]): (number | null)[][] {
  const sums: number[] = [];
  return lines.map((line) =>
    line.values.map((value, at) => {
      if (value === null) return null;
      const sum = (sums[at] ?? 0) + value;
      sums[at] = sum;
      return sum;
    }),
  );
}

export interface Incomplete {
  /** Place of the bucket that is still filling. */
  index: number;
  /** Seconds of it that are over, and its length. */
  seconds: number;
  of: number;
}

/** The last bucket, when its end lies in the future. `times` are the beginnings of buckets, in seconds. */
export function incompleteBucket(
  times: readonly number[],
  stepSeconds: number | undefined,
  nowMilli: number,
): Incomplete | null {
  const last = times.at(-1);
  if (last === undefined || !stepSeconds || times.length < 2) return null;
  const over = nowMilli / 1000 - last;
  return over >= 0 && over < stepSeconds ? { index: times.length - 1, seconds: over, of: stepSeconds } : null;
}

export const STATS = ["last", "min", "max", "mean", "sum"] as const;
export type Stat = (typeof STATS)[number];
export type Stats = Record<Stat, number>;

/** Over the values that are numbers; all NaN when there is none. */
export function measure(values: readonly (number | null)[]): Stats {
  let [count, sum, last] = [0, 0, Number.NaN];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    count++;
    sum += value;
    last = value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (count === 0) return { last, min: Number.NaN, max: Number.NaN, mean: Number.NaN, sum: Number.NaN };
  return { last, min, max, mean: sum / count, sum };
}

/** Sum and mean of a line are those of all its values, not only of those that are drawn. */
export function measureLine(line: Line): Stats {
  const stats = measure(line.values);
  return line.all ? { ...stats, mean: line.all.mean, sum: line.all.mean * line.all.count } : stats;
}

/** "3 series; the largest, p95 of api, goes from 120 ms to 840 ms, at most 1.2 s". */
export function inWords(label: string, lines: readonly Line[], format: (value: number) => string): string {
  if (lines.length === 0) return `${label}: no series`;
  let largest: { line: Line; stats: Stats } | null = null;
  for (const line of lines) {
    const stats = measure(line.values);
    if (!largest || !(stats.max <= largest.stats.max)) largest = { line, stats };
  }
  const first = largest?.line.values.find((value) => value !== null);
  const count = `${lines.length} ${lines.length === 1 ? "line" : "lines"}`;
  if (!largest || first === undefined || first === null) return `${label}: ${count} without values`;
  const { stats, line } = largest;
  const write = writerOf(line, format);
  return `${label}: ${count}; the largest, ${line.label}, goes from ${write(first)} to ${write(stats.last)}, at most ${write(stats.max)}`;
}

/** RFC 4180: the time in ISO 8601, then one column per line. */
export function toCsv(times: readonly number[], lines: readonly Line[]): string {
  const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const head = ["time", ...lines.map((line) => line.label)].map(cell).join(",");
  const rows = times.map((time, at) =>
    [new Date(time * 1000).toISOString(), ...lines.map((line) => line.values[at] ?? "")].join(","),
  );
  return [head, ...rows].join("\r\n");
}

/** The next place with a value, `step` places on; stays when there is none. */
export function moveTo(values: readonly (number | null)[], from: number, step: number): number {
  const direction = Math.sign(step);
  let at = Math.min(values.length - 1, Math.max(0, from + step));
  while (values[at] === null && at + direction >= 0 && at + direction < values.length) at += direction;
  return values[at] === null ? from : at;
}
