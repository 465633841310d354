// The operations of a service by call: figures, share of the time, trend; each leads to its traces.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { fetchOperations, type OperationFigures } from "../../../api/services.ts";
import { QueryState } from "../../../components/QueryState.tsx";
import { SortHead } from "../../../components/SortHead.tsx";
import { Sparkline } from "../../../components/Sparkline.tsx";
import { Empty } from "../../../components/States.tsx";
import { ALL_ROWS, fillZero } from "../../../lib/buckets.ts";
import { term } from "../../../lib/filter.ts";
import { useKeys } from "../../../lib/keys.ts";
import { formatPercent } from "../../../lib/number.ts";
import { useTimeSearch, useView } from "../../../lib/view.ts";
import { FIGURES, FigureCells, sortFigures } from "../figures.tsx";
import { callsOf, columnOf, gridOf, useAnalysis } from "../queries.ts";
import own from "../Service.module.css";
import styles from "../Services.module.css";
import type { TabProps } from "./OverviewTab.tsx";

export function OperationsTab({ service, range }: TabProps) {
  const { search, patch } = useView();
  const timeSearch = useTimeSearch();
  const navigate = useNavigate();
  const [cursor, setCursor] = useState(-1);
  const queryKey = ["operations", service, range];
  const operations = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchOperations(service, range, signal),
    placeholderData: keepPreviousData,
  });
  const sums = useAnalysis("traces", `${term("service", service)} | stats sum(duration) by name`, range);
  const inCalls = useAnalysis("traces", `${callsOf(service)} | stats sum(duration)`, range);
  const trend = useAnalysis("traces", `${term("service", service)} | timeseries count() by name ${ALL_ROWS}`, range);
  const sort = FIGURES.find((figure) => figure.id === search.sort)?.id ?? "calls";
  const shown = sortFigures(operations.data?.value.operations ?? [], sort);
  const times = totals(sums.data?.value.table?.rows ?? [], sums.data?.value.table ?? null);
  const all = Number(inCalls.data?.value.table?.rows[0]?.[0] ?? 0);
  const counts = gridOf(trend.data?.value, range, "count", "name");
  const trends = counts ? fillZero(counts).values : new Map<string, (number | null)[]>();
  const tracesOf = (operation: OperationFigures, extra = "") => ({
    ...timeSearch,
    q: `${term("service", service)} ${term("name", operation.name)}${extra}`,
  });
  const move = (step: number) => setCursor((old) => Math.min(shown.length - 1, Math.max(0, old + step)));
  useKeys("page", "List", [
    { keys: "j", label: "Next row", run: () => move(1) },
    { keys: "k", label: "Previous row", run: () => move(-1) },
    {
      keys: "Enter",
      label: "Traces of the operation",
      run: () => shown[cursor] && void navigate({ to: "/traces", search: tracesOf(shown[cursor]) }),
    },
  ]);
  return (
    <QueryState
      result={operations}
      queryKey={queryKey}
      isEmpty={(data) => data.value.operations.length === 0}
      partial={(data) => data.value.partial?.reason ?? null}
      empty={<Empty reason="out-of-range" title={`No calls of ${service} in this range`} />}
    >
      {() => (
        <div className={styles.scroll}>
          <table className="table">
            <thead>
              <tr>
                <th>Operation</th>
                <th className={styles.narrow}>Kind</th>
                <th>Trend</th>
                {FIGURES.map((figure) => (
                  <SortHead
                    key={figure.id}
                    active={sort === figure.id}
                    onSort={() => patch({ sort: figure.id === "calls" ? undefined : figure.id })}
                  >
                    {figure.title}
                  </SortHead>
                ))}
                <th
                  className="number"
                  title="Of the time the service spent in calls; spans side by side can make more than all of it"
                >
                  Share of time
                </th>
                <th>
                  <span className="sr-only">Links</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((operation, index) => (
                <tr key={`${operation.kind} ${operation.name}`} aria-selected={index === cursor}>
                  <td className={styles.wide}>
                    <Link
                      to="/traces"
                      search={tracesOf(operation)}
                      className={styles.operation ?? ""}
                      title={operation.name}
                    >
                      {operation.name}
                    </Link>
                  </td>
                  <td className={`muted ${styles.narrow}`}>{operation.kind.toLowerCase()}</td>
                  <td>
                    <Sparkline values={trends.get(operation.name) ?? []} label="calls over time" />
                  </td>
                  <FigureCells figures={operation} max={Math.max(...shown.map((each) => each.p95_nanos))} />
                  <td className="number">
                    <span className={own.share}>
                      <i
                        style={{
                          width: `${all > 0 ? Math.min(100, ((times.get(operation.name) ?? 0) / all) * 100) : 0}%`,
                        }}
                      />
                    </span>
                    <span className={styles.value}>
                      {all > 0 ? formatPercent((times.get(operation.name) ?? 0) / all) : "–"}
                    </span>
                  </td>
                  <td className={styles.links}>
                    {operation.errors > 0 && (
                      <Link to="/traces" search={tracesOf(operation, " status:error")}>
                        Errors
                      </Link>
                    )}
                    <Link
                      to="/traces"
                      search={tracesOf(operation, ` duration>=${Math.floor(operation.p95_nanos / 1000)}us`)}
                    >
                      Slow
                    </Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </QueryState>
  );
}

function totals(
  rows: readonly (readonly unknown[])[],
  table: Parameters<typeof columnOf>[0] | null,
): Map<string, number> {
  if (!table) return new Map();
  const name = columnOf(table, "name");
  const sum = columnOf(table, "sum(duration)");
  return new Map(rows.map((row) => [String(row[name] ?? ""), Number(row[sum] ?? 0)]));
}
