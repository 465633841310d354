// Answers of several queries as lines of one chart: on one grid of times, named, and the same of an earlier period.
import type { Labels, QueryResult } from "../../api/prometheus.ts";
import { finest, place } from "../../charts/grid.ts";
import type { Line } from "../../charts/series.ts";
import { seriesColour } from "../../lib/colour.ts";
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
  times: readonly number[];
  lines: ChartLine[];
  previous: Line[];
  common: Labels;
  /** How many series there are, drawn or not. */
  total: number;
}

export const LINES_MAX = 50;
/** More are never drawn. */
export const LINES_LIMIT = 500;

/** Values before and after the server cut them, of all queries; null when all are here. */
export function cutOf(answers: readonly Answer[]): { from: number; to: number } | null {
  const cut = answers.flatMap(({ result }) => result.decimated ?? []);
  if (cut.length === 0) return null;
  const sum = (of: "from" | "to") => cut.reduce((all, each) => all + each[of], 0);
  return { from: sum("from"), to: sum("to") };
}

/** The largest series by their maximum are drawn, at most `max`; the others stay reachable in the table of the query. */
export function toChart(answers: readonly Answer[], shiftSeconds: number, max = LINES_MAX): Chart {
  const times = finest(answers.flatMap((answer) => answer.result.series.map((series) => series.times)));
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
      values: place(series.times, series.values, times),
      all: series.all ?? null,
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
      return [{ id, label: id, colour, values: place(series.times, series.values, times, shiftSeconds) }];
    }),
  );
  const total = answers.reduce((sum, { result }) => sum + (result.total ?? result.series.length), 0);
  return { times, lines, previous, common, total };
}

function idOf(name: string, labels: Labels): string {
  return `${name} ${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

function greatest(values: readonly (number | null)[]): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value !== null && value > most && value < Number.POSITIVE_INFINITY) most = value;
  }
  return most;
}
