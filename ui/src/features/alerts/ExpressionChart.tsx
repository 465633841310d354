// The value that a rule compares, over time, with its threshold and the stretches in which the alert was pending or fired.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import type { BatchAnswer, BatchQuery, BatchSeries } from "../../api/batch.ts";
import { type Line, LineChart } from "../../charts/LineChart.tsx";
import type { Band } from "../../charts/plot.ts";
import { Empty, ErrorBox, LimitBadge, Skeleton } from "../../components/States.tsx";
import { seriesColour } from "../../lib/colour.ts";
import type { Comparison } from "../../lib/comparison.ts";
import type { Range } from "../../lib/time/range.ts";
import { formatValue, type Unit } from "../../lib/units.ts";
import { useTime } from "../../lib/view.ts";
import { onOneGrid, type Stretch, stepFor } from "./lanes.ts";
import { MissingText } from "./ProblemText.tsx";
import { runAll } from "./useTriage.ts";

const POINTS = 360;
const LINES_MAX = 20;

export interface ExpressionChartProps {
  label: string;
  /** Without the comparison. */
  query: string;
  comparison: Comparison | null;
  unit: Unit;
  range: Range;
  /** Seconds; the chart is not finer. */
  interval: number;
  /** Which of the series is shown; all when left out. */
  pick?: (series: readonly BatchSeries[]) => readonly BatchSeries[];
  stretches?: readonly Stretch[];
  height?: number;
}

const NO_STRETCHES: readonly Stretch[] = [];

export function useExpression(query: string, range: Range, interval: number) {
  const stepMilli = stepFor(range.toMilli - range.fromMilli, POINTS, Math.max(1, interval));
  const start = Math.floor(range.fromMilli / stepMilli) * stepMilli;
  const end = Math.floor(range.toMilli / stepMilli) * stepMilli;
  const result = useQuery({
    queryKey: ["expression", query, start, end, stepMilli],
    queryFn: async ({ signal }): Promise<BatchAnswer | null> => {
      const asked: BatchQuery = {
        kind: "range",
        query,
        start_unix_milli: start,
        end_unix_milli: end,
        step_milli: stepMilli,
        max_series: 200,
        max_points: 4 * POINTS,
      };
      return (await runAll(new Map([["it", asked]]), signal, true)).get("it") ?? null;
    },
    enabled: query !== "",
    placeholderData: keepPreviousData,
    retry: false,
  });
  return { result, start, end, stepMilli };
}

export function ExpressionChart(props: ExpressionChartProps) {
  const { label, query, comparison, unit, range, interval, pick, stretches = NO_STRETCHES, height = 220 } = props;
  const { zone, setRange } = useTime();
  const [hidden] = useState<ReadonlySet<string>>(new Set());
  const { result, start, end, stepMilli } = useExpression(query, range, interval);
  const all = result.data?.series;
  const shown = useMemo(() => (all ? (pick?.(all) ?? all) : []), [all, pick]);
  const { times, lines } = useMemo(() => {
    const few = shown.slice(0, LINES_MAX);
    const grid = onOneGrid(few, start, end, stepMilli);
    const lines = few.map(
      (series, at): Line => ({
        id: String(at),
        label: labelOf(series.labels) || label,
        colour: seriesColour(at),
        values: grid.values[at] ?? [],
      }),
    );
    return { times: grid.times.map((milli) => milli / 1000), lines };
  }, [shown, start, end, stepMilli, label]);
  const thresholds = useMemo(
    () => (comparison ? [{ value: comparison.threshold, label: "threshold", colour: "--error" }] : []),
    [comparison],
  );
  const bands = useMemo(
    () =>
      stretches.map(
        ({ fromMilli, toMilli, state }): Band => ({
          fromMilli,
          toMilli,
          colour: state === "firing" ? "--error" : "--warn",
          label: state,
        }),
      ),
    [stretches],
  );
  const format = useCallback((value: number) => formatValue(value, unit), [unit]);
  if (result.error) return <ErrorBox error={result.error} query={query} onRetry={() => void result.refetch()} />;
  if (result.isPending) return <Skeleton shape="chart" />;
  if (shown.length === 0) {
    return (
      <Empty reason="mismatch" title="No values in this range">
        <MissingText query={query} />
      </Empty>
    );
  }
  return (
    <div style={{ height, position: "relative" }}>
      {shown.length > LINES_MAX && (
        <LimitBadge>
          {LINES_MAX} of {shown.length} series
        </LimitBadge>
      )}
      <LineChart
        label={label}
        times={times}
        lines={lines}
        range={range}
        zone={zone}
        format={format}
        hidden={hidden}
        onSelect={setRange}
        thresholds={thresholds}
        bands={bands}
      />
    </div>
  );
}

export function labelOf(labels: Record<string, string>): string {
  return Object.entries(labels)
    .filter(([name]) => name !== "__name__")
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
