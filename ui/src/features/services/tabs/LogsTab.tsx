// What the service says: log volume by level, and the most frequent patterns of its messages.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { fetchPatterns } from "../../../api/analyse.ts";
import { StackedBars } from "../../../charts/StackedBars.tsx";
import { LevelTag } from "../../../components/LevelTag.tsx";
import { QueryState } from "../../../components/QueryState.tsx";
import { Sparkline } from "../../../components/Sparkline.tsx";
import { Empty } from "../../../components/States.tsx";
import { ALL_ROWS } from "../../../lib/buckets.ts";
import { LEVELS } from "../../../lib/colour.ts";
import { term } from "../../../lib/filter.ts";
import { formatPercent, formatShort } from "../../../lib/number.ts";
import type { Range } from "../../../lib/time/range.ts";
import { useTime, useTimeSearch } from "../../../lib/view.ts";
import { gridOf, useAnalysis } from "../queries.ts";
import styles from "../Service.module.css";
import type { TabProps } from "./OverviewTab.tsx";

const PATTERNS = 50;

export function LogsTab({ service, range }: TabProps) {
  const timeSearch = useTimeSearch();
  const q = term("service", service);
  const queryKey = ["patterns", q, range];
  const patterns = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchPatterns(range, q, PATTERNS, signal),
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <Volume service={service} range={range} />
      <QueryState
        result={patterns}
        queryKey={queryKey}
        partial={(data) => data.value.partial?.reason ?? null}
        isEmpty={(data) => data.value.patterns.length === 0}
        empty={<Empty reason="out-of-range" title={`No log records of ${service} in this range`} />}
      >
        {({ value }) => (
          <section className={styles.section}>
            <header>
              <h2>Patterns</h2>
              <span className="faint">
                {value.distinct > PATTERNS && `the ${PATTERNS} most frequent of `}
                {value.distinct} in {formatShort(value.records)} records
              </span>
              <span className="grow" />
              <Link to="/logs" search={{ ...timeSearch, q }}>
                All records
              </Link>
            </header>
            <table className="table">
              <thead>
                <tr>
                  <th>Level</th>
                  <th>Pattern</th>
                  <th>Over time</th>
                  <th className="number">Records</th>
                  <th className="number">Share</th>
                </tr>
              </thead>
              <tbody>
                {value.patterns.map((pattern) => (
                  <tr key={`${pattern.level} ${pattern.template}`}>
                    <td>
                      <LevelTag level={pattern.level.toUpperCase()} />
                    </td>
                    <td className={styles.statement}>
                      <code title={pattern.template}>{pattern.template}</code>
                    </td>
                    <td>
                      <Sparkline values={pattern.counts} label="records over time" />
                    </td>
                    <td className="number">{formatShort(pattern.count)}</td>
                    <td className="number">{formatPercent(pattern.count / Math.max(1, value.records))}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        )}
      </QueryState>
    </>
  );
}

function Volume({ service, range }: { service: string; range: Range }) {
  const { zone, setRange } = useTime();
  const volume = useAnalysis("logs", `${term("service", service)} | timeseries count() by level ${ALL_ROWS}`, range);
  const grid = gridOf(volume.data?.value, range, "count", "level");
  if (!grid || grid.values.size === 0) return null;
  const stacks = [...LEVELS]
    .reverse()
    .filter((level) => grid.values.has(level.toLowerCase()) || grid.values.has(level))
    .map((level) => ({
      name: level.toLowerCase(),
      colour: `--level-${level.toLowerCase()}`,
      counts: (grid.values.get(level.toLowerCase()) ?? grid.values.get(level) ?? []).map((count) => count ?? 0),
    }));
  return (
    <div className={styles.volume}>
      <StackedBars
        label="Log records by level"
        stacks={stacks}
        startMilli={grid.times[0] ?? range.fromMilli}
        stepMilli={grid.stepMilli}
        range={range}
        zone={zone}
        onSelect={setRange}
      />
    </div>
  );
}
