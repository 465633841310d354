// A range result as lines with a legend table: click isolates a series, Ctrl+click toggles it.
import { useCallback, useMemo, useState } from "react";
import type { Labels, QueryResult, Series } from "../../api/prometheus.ts";
import { type Line, LineChart } from "../../charts/LineChart.tsx";
import { SortHead } from "../../components/SortHead.tsx";
import { seriesColour } from "../../lib/colour.ts";
import type { Range } from "../../lib/time/range.ts";
import type { Zone } from "../../lib/time/zone.ts";
import { formatValue, guessUnit } from "../../lib/units.ts";
import { commonLabels, seriesName } from "./labels.ts";
import styles from "./RangeGraph.module.css";

export interface RangeGraphProps {
  result: QueryResult;
  query: string;
  range: Range;
  stepSeconds: number;
  zone: Zone;
  onSelect: (range: Range) => void;
}

const MAX_LINES = 50;
const STATS = ["last", "min", "max", "mean"] as const;
type Stat = (typeof STATS)[number];

interface LegendRow extends Record<Stat, number> {
  line: Line;
}

export function RangeGraph({ result, query, range, stepSeconds, zone, onSelect }: RangeGraphProps) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [sort, setSort] = useState<Stat>("last");
  const unit = guessUnit(query);
  const format = useCallback((value: number) => formatValue(value, unit), [unit]);
  const { times, rows, common } = useMemo(() => align(result.series, range, stepSeconds), [result, range, stepSeconds]);
  const lines = useMemo(() => rows.map((row) => row.line), [rows]);
  const sorted = [...rows].sort((a, b) => nanLast(b[sort]) - nanLast(a[sort]));
  const isolate = (id: string, toggle: boolean) => {
    if (toggle) {
      const next = new Set(hidden);
      if (!next.delete(id)) next.add(id);
      setHidden(next);
      return;
    }
    const others = lines.filter((line) => line.id !== id).map((line) => line.id);
    const alreadyAlone = !hidden.has(id) && hidden.size === others.length;
    setHidden(alreadyAlone ? new Set() : new Set(others));
  };
  return (
    <div className={styles.box}>
      <div className={styles.title}>
        {result.series.length > MAX_LINES && (
          <span className="badge warn">
            the {MAX_LINES} largest of {result.series.length} series
          </span>
        )}
        {Object.keys(common).length > 0 && (
          <span className="faint">
            all: <code>{seriesName(common)}</code>
          </span>
        )}
      </div>
      <div className={styles.chart}>
        <LineChart
          label={query}
          times={times}
          lines={lines}
          range={range}
          zone={zone}
          format={format}
          hidden={hidden}
          onSelect={onSelect}
        />
      </div>
      <div className={styles.legend}>
        <table className="table">
          <thead>
            <tr>
              <th>Series</th>
              {STATS.map((stat) => (
                <SortHead key={stat} active={sort === stat} onSort={() => setSort(stat)}>
                  {stat}
                </SortHead>
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted.map((row) => (
              <tr key={row.line.id} data-hidden={hidden.has(row.line.id)} className={styles.row}>
                <td>
                  <button
                    type="button"
                    className={styles.series}
                    aria-pressed={!hidden.has(row.line.id)}
                    title="Click: only this series. Ctrl+click: show or hide."
                    onClick={(event) => isolate(row.line.id, event.ctrlKey || event.metaKey)}
                  >
                    <i style={{ background: row.line.colour }} />
                    {row.line.label}
                  </button>
                </td>
                {STATS.map((stat) => (
                  <td key={stat} className="number">
                    {Number.isNaN(row[stat]) ? "\u2013" : format(row[stat])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function nanLast(value: number): number {
  return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
}

/** Puts all series on one grid of times; a step without a sample is a gap. */
function align(series: readonly Series[], range: Range, stepSeconds: number) {
  const start = Math.floor(range.fromMilli / 1000 / stepSeconds) * stepSeconds;
  const count = Math.floor((range.toMilli / 1000 - start) / stepSeconds) + 1;
  const times = Array.from({ length: count }, (_, index) => start + index * stepSeconds);
  const labels: Labels[] = series.map((each) => each.labels);
  const common = commonLabels(labels);
  const measured = series.map((each) => ({ each, ...measure(each.values) }));
  const largest = measured.sort((a, b) => nanLast(b.max) - nanLast(a.max)).slice(0, MAX_LINES);
  const rows: LegendRow[] = largest.map(({ each, ...stats }, index) => {
    const values: (number | null)[] = new Array(count).fill(null);
    each.times.forEach((time, at) => {
      const slot = Math.round((time - start) / stepSeconds);
      const value = each.values[at] ?? Number.NaN;
      if (slot >= 0 && slot < count) values[slot] = Number.isFinite(value) ? value : null;
    });
    const line = {
      id: JSON.stringify(each.labels),
      label: seriesName(each.labels, common),
      colour: seriesColour(index),
      values,
    };
    return { line, ...stats };
  });
  return { times, rows, common };
}

function measure(values: readonly number[]): Record<Stat, number> {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return { last: Number.NaN, min: Number.NaN, max: Number.NaN, mean: Number.NaN };
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (const value of finite) {
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
  }
  return { last: finite.at(-1) ?? Number.NaN, min, max, mean: sum / finite.length };
}
