// Answers of several queries as lines of one chart: on one grid of times, named, and the same of an earlier period.
import type { Labels, QueryResult, Series } from "../../api/prometheus.ts";
import type { Line } from "../../charts/series.ts";
import { seriesColour } from "../../lib/colour.ts";
import type { Range } from "../../lib/time/range.ts";
import { commonLabels, seriesName } from "./labels.ts";
import { legendText } from "./queries.ts";

export interface Answer {
  name: string;
  legend: string;
  result: QueryResult;
  /** The same query over the period before; null when it is not compared. */
  before: QueryResult | null;
}

export interface ChartLine extends Line {
  labels: Labels;
  /** The query it comes from. */
  query: string;
}

export interface Chart {
  times: number[];
  lines: ChartLine[];
  previous: Line[];
  common: Labels;
  /** How many series there are, drawn or not. */
  total: number;
}

export const LINES_MAX = 50;

export function gridTimes(range: Range, stepSeconds: number): number[] {
  const start = Math.floor(range.fromMilli / 1000 / stepSeconds) * stepSeconds;
  const count = Math.max(1, Math.floor(range.toMilli / 1000 / stepSeconds - start / stepSeconds) + 1);
  return Array.from({ length: count }, (_, at) => start + at * stepSeconds);
}

/** The largest series by their maximum are drawn, at most `max`; the others stay reachable in the table of the query. */
export function toChart(
  answers: readonly Answer[],
  range: Range,
  stepSeconds: number,
  shiftSeconds: number,
  max = LINES_MAX,
): Chart {
  const times = gridTimes(range, stepSeconds);
  const start = times[0] ?? 0;
  const all = answers.flatMap((answer) => answer.result.series.map((series) => ({ answer, series })));
  const common = commonLabels(all.map(({ series }) => series.labels));
  const ranked = all
    .map((each) => ({ ...each, max: greatest(each.series.values) }))
    .sort((a, b) => b.max - a.max)
    .slice(0, max);
  const many = answers.length > 1;
  const lines = ranked.map(({ answer, series }, at): ChartLine => {
    const own = answer.legend ? legendText(answer.legend, series.labels) : seriesName(series.labels, common);
    return {
      id: idOf(answer.name, series.labels),
      label: many ? `${answer.name}: ${own}` : own,
      colour: seriesColour(at),
      values: onGrid(series, start, stepSeconds, times.length, 0),
      labels: series.labels,
      query: answer.name,
    };
  });
  const colours = new Map(lines.map((line) => [line.id, line.colour]));
  const previous = answers.flatMap((answer) =>
    (answer.before?.series ?? []).flatMap((series): Line[] => {
      const id = idOf(answer.name, series.labels);
      const colour = colours.get(id);
      if (!colour) return [];
      return [{ id, label: id, colour, values: onGrid(series, start, stepSeconds, times.length, shiftSeconds) }];
    }),
  );
  return { times, lines, previous, common, total: all.length };
}

function idOf(name: string, labels: Labels): string {
  return `${name} ${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

function greatest(values: readonly number[]): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > most && value < Number.POSITIVE_INFINITY) most = value;
  return most;
}

/** A step without a sample is a gap. */
function onGrid(series: Series, start: number, step: number, count: number, shift: number): (number | null)[] {
  const out = new Array<number | null>(count).fill(null);
  for (let at = 0; at < series.times.length; at++) {
    const slot = Math.round(((series.times[at] ?? 0) + shift - start) / step);
    const value = series.values[at] ?? Number.NaN;
    if (slot >= 0 && slot < count) out[slot] = Number.isFinite(value) ? value : null;
  }
  return out;
}

/** Labels of a metric that spans have under another name. */
const AS_ATTRIBUTE: Readonly<Record<string, string>> = {
  service: "service",
  service_name: "service",
  route: "http.route",
  http_route: "http.route",
  method: "http.request.method",
  http_method: "http.request.method",
  http_request_method: "http.request.method",
  status_code: "http.response.status_code",
  http_status_code: "http.response.status_code",
  http_response_status_code: "http.response.status_code",
  db_system: "db.system",
  span_name: "name",
};

/** The labels of a series as fields of spans and logs: only those that mean the same there. */
export function asFields(labels: Labels): [string, string][] {
  const out = new Map<string, string>();
  for (const [label, value] of Object.entries(labels)) {
    const field = AS_ATTRIBUTE[label];
    if (field && value !== "" && !out.has(field)) out.set(field, value);
  }
  return [...out];
}
