// Above the results: matching spans over time, errors at the bottom, and their durations as a heat map.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { fetchAnalysis } from "../../api/analyse.ts";
import { fetchHistogram } from "../../api/histogram.ts";
import { fetchHeatMap } from "../../api/traces.ts";
import { HeatMap } from "../../charts/HeatMap.tsx";
import { type HeatGrid, rowEnd } from "../../charts/heat.ts";
import { StackedBars } from "../../charts/StackedBars.tsx";
import { LimitBadge } from "../../components/States.tsx";
import { splitTerms } from "../../lib/filter.ts";
import { formatCount, formatShort, plural } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import { absoluteRange, type Range } from "../../lib/time/range.ts";
import type { Zone } from "../../lib/time/zone.ts";
import { useTime, useTimeSearch, useView } from "../../lib/view.ts";
import styles from "./TracesPage.module.css";

const BUCKETS = 70;
const HEAT_BUCKETS = 110;
/** Groups of the status as the query language names them, the first at the bottom. */
const STATUS: readonly [string, string, string][] = [
  ["error", "errors", "--error"],
  ["ok", "ok", "--series-2"],
  ["unset", "no status", "--series-0"],
];

/** Below this share of what was sent, the numbers of the page say that they are of a sample. */
const WHOLE = 0.999;

/** What is counted on this page is what is stored; behind a sampler it stands for more. */
function Sampled({ range, q }: { range: Range; q: string }) {
  const counted = useQuery({
    queryKey: ["span-adjusted", range, q],
    queryFn: ({ signal }) =>
      fetchAnalysis({ signal: "traces", range, q: `${q} | stats count_adjusted()`.trim() }, signal),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const adjusted = counted.data?.value.table?.adjusted;
  if (!adjusted || adjusted.rate >= WHOLE) return null;
  const { stored, stands_for: all, rate } = adjusted;
  return (
    <LimitBadge
      title={`A sampler kept ${formatCount(stored)} of about ${formatCount(Math.round(all))} spans. Counts here are of what is stored; count_adjusted() weighs by what each span stands for.`}
    >
      sampled 1:{formatShort(1 / rate)}, stand for about {formatShort(all)}
    </LimitBadge>
  );
}

export interface SearchChartsProps {
  range: Range;
  q: string;
  zone: Zone;
  onQuery: (query: string) => void;
}

export function SearchCharts({ range, q, zone, onQuery }: SearchChartsProps) {
  const { setRange } = useTime();
  const { patch } = useView();
  const timeSearch = useTimeSearch();
  const counts = useQuery({
    queryKey: ["span-histogram", range, q],
    queryFn: ({ signal }) => fetchHistogram({ signal: "traces", range, q, buckets: BUCKETS, by: "status" }, signal),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const heat = useQuery({
    queryKey: ["span-heat", range, q],
    queryFn: ({ signal }) => fetchHeatMap(range, q, HEAT_BUCKETS, signal),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const data = counts.data?.value;
  const stacks = useMemo(
    () =>
      STATUS.flatMap(([value, name, colour]) => {
        const group = data?.groups.find((each) => each.value.toLowerCase() === value);
        return group ? [{ name, colour, counts: group.counts }] : [];
      }),
    [data],
  );
  const grid = useMemo((): HeatGrid | null => {
    const value = heat.data?.value;
    if (!value) return null;
    return {
      startMilli: nanosToMilli(parseNanos(value.start_unix_nano)),
      stepMilli: value.step_nanos / 1e6,
      columns: value.columns,
      rows: value.rows,
      cells: value.cells,
    };
  }, [heat.data]);
  return (
    <div className={styles.charts}>
      <figure className={styles.chart}>
        <figcaption>
          Spans <Sampled range={range} q={q} />
        </figcaption>
        {data && stacks.length > 0 && (
          <StackedBars
            label="Matching spans"
            stacks={stacks}
            startMilli={nanosToMilli(parseNanos(data.start_unix_nano))}
            stepMilli={data.step_nanos / 1e6}
            range={range}
            zone={zone}
            onSelect={setRange}
          />
        )}
      </figure>
      <figure className={styles.chart}>
        <figcaption>Duration</figcaption>
        {grid && grid.cells.length > 0 && (
          <HeatMap
            label="Durations of the matching spans"
            grid={grid}
            range={range}
            zone={zone}
            format={formatDuration}
            menu={(rect, count, close) => {
              const from = grid.startMilli + rect.left * grid.stepMilli;
              const to = grid.startMilli + (rect.right + 1) * grid.stepMilli;
              const selected = { fromMilli: Math.max(range.fromMilli, from), toMilli: Math.min(range.toMilli, to) };
              const query = withDuration(q, grid.rows[rect.low] ?? 0, rowEnd(grid, rect.high));
              return (
                <>
                  <button
                    type="button"
                    className="button small"
                    disabled={count === 0}
                    onClick={() => {
                      close();
                      patch({ q: query, tab: "spans", ...absoluteRange(selected) });
                    }}
                  >
                    View {count === 1 ? "this span" : `these ${plural(count, "span")}`}
                  </button>
                  <Link
                    to="/explain"
                    className="button small"
                    search={{
                      ...timeSearch,
                      q: q || undefined,
                      select: withDuration("", grid.rows[rect.low] ?? 0, rowEnd(grid, rect.high)),
                      sfrom: String(Math.floor(selected.fromMilli)),
                      sto: String(Math.ceil(selected.toMilli)),
                    }}
                  >
                    Explain what they have in common
                  </Link>
                  <button
                    type="button"
                    className="button small"
                    onClick={() => {
                      close();
                      setRange(selected);
                    }}
                  >
                    Zoom to this time
                  </button>
                  <button
                    type="button"
                    className="button small"
                    onClick={() => {
                      close();
                      onQuery(query);
                    }}
                  >
                    Only these durations
                  </button>
                </>
              );
            }}
          />
        )}
      </figure>
    </div>
  );
}

/** The query with its conditions about the duration replaced. */
export function withDuration(q: string, low: number, high: number): string {
  const rest = splitTerms(q)
    .filter((term) => !/^duration[:<>=]/.test(term))
    .join(" ");
  const upper = Number.isFinite(high) ? `${Math.ceil(high)}ns` : "";
  return `${rest} duration:${Math.floor(low)}ns..${upper}`.trim();
}
