// The matching spans by one to three attributes: how many, how often wrong, how slow.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { type AnalysisTable, fetchAnalysis } from "../../api/analyse.ts";
import { fetchFields } from "../../api/fields.ts";
import { ErrorShare } from "../../components/ErrorShare.tsx";
import { NothingFound } from "../../components/NothingFound.tsx";
import { SortHead } from "../../components/SortHead.tsx";
import { ErrorBox, PartialStrip, Skeleton } from "../../components/States.tsx";
import { addTerm } from "../../lib/filter.ts";
import { formatCount, formatPercent } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import type { Range } from "../../lib/time/range.ts";
import { groupKey, groupRows } from "./groups.ts";
import styles from "./Modes.module.css";

const LIMIT = 500;
const KEYS_MAX = 3;

export interface GroupsViewProps {
  range: Range;
  q: string;
  by: readonly string[];
  onBy: (by: readonly string[]) => void;
  onQuery: (query: string) => void;
}

type Column = "calls" | "errorShare" | "p50" | "p95" | "p99" | "total";
const COLUMNS: readonly [Column, string][] = [
  ["calls", "Spans"],
  ["errorShare", "Errors"],
  ["p50", "p50"],
  ["p95", "p95"],
  ["p99", "p99"],
  ["total", "Share of the time"],
];

export function GroupsView({ range, q, by, onBy, onQuery }: GroupsViewProps) {
  const [sort, setSort] = useState<Column>("calls");
  const keys = by.map((name) => (/^[\p{L}\p{N}_.-]+$/u.test(name) ? name : `"${name}"`)).join(", ");
  const ask = (stage: string) => ({
    queryKey: ["span-groups", range, stage],
    queryFn: async ({ signal }: { signal: AbortSignal }) =>
      (await fetchAnalysis({ signal: "traces", range, q: stage }, signal)).value,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const all = useQuery(
    ask(
      `${q} | stats count() as calls, sum(duration) as total, p50(duration) as p50, p95(duration) as p95, p99(duration) as p99 by ${keys} | sort -calls | limit ${LIMIT}`.trim(),
    ),
  );
  const wrong = useQuery(
    ask(`${q === "" ? "" : `(${q}) `}status:error | stats count() as calls by ${keys} | sort -calls | limit 10000`),
  );
  const fields = useQuery({
    queryKey: ["fields", "traces", range],
    queryFn: ({ signal }) => fetchFields("traces", range, signal),
    placeholderData: keepPreviousData,
  });
  const names = [...new Set(fields.data?.value.fields.map((field) => field.name) ?? [])];
  const rows = useMemo(
    () => groupRows(all.data?.table ?? EMPTY, wrong.data?.table ?? null, by.length),
    [all.data, wrong.data, by.length],
  );
  const sorted = [...rows].sort((a, b) => (b[sort] ?? -1) - (a[sort] ?? -1));
  const whole = rows.reduce((sum, row) => sum + row.total, 0);
  const set = (at: number, name: string) =>
    onBy([...by.slice(0, at), ...(name ? [name] : []), ...by.slice(at + 1)].slice(0, KEYS_MAX));
  return (
    <div className={styles.box}>
      <div className={styles.head}>
        group by
        {Array.from({ length: Math.min(KEYS_MAX, by.length + 1) }, (_, at) => (
          <select
            key={at}
            className="input"
            aria-label={`Group by, ${at + 1}`}
            value={by[at] ?? ""}
            onChange={(event) => set(at, event.target.value)}
          >
            <option value="">{at === 0 ? "choose a field" : "and …"}</option>
            {[...new Set([...(by[at] ? [by[at]] : []), ...names])].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        ))}
        {all.data?.table && all.data.table.groups > LIMIT && (
          <span className="badge warn">
            the {LIMIT} largest of {formatCount(all.data.table.groups)} groups
          </span>
        )}
      </div>
      {all.error && <ErrorBox error={all.error} query={q} onRetry={() => void all.refetch()} onApply={onQuery} />}
      {all.data?.partial && <PartialStrip reason={all.data.partial.reason} />}
      {!all.data && !all.error && <Skeleton rows={12} />}
      {all.data && rows.length === 0 && !all.error && <NothingFound signal="traces" query={q} onQuery={onQuery} />}
      {rows.length > 0 && (
        <table className="table">
          <thead>
            <tr>
              {by.map((name) => (
                <th key={name}>{name}</th>
              ))}
              {COLUMNS.map(([column, title]) => (
                <SortHead key={column} active={sort === column} onSort={() => setSort(column)}>
                  {title}
                </SortHead>
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted.map((row) => (
              <tr key={groupKey(row.keys)}>
                {by.map((name, at) => {
                  const value = row.keys[at];
                  return (
                    <td key={name} className={styles.key}>
                      {value === null || value === undefined || value === "" ? (
                        <span className="faint">none</span>
                      ) : (
                        <button
                          type="button"
                          className={styles.pick}
                          title={`Only ${name}:${value}`}
                          onClick={() =>
                            onQuery(
                              by.reduce(
                                (query, key, place) =>
                                  row.keys[place] ? addTerm(query, key, String(row.keys[place])) : query,
                                q,
                              ),
                            )
                          }
                        >
                          {value}
                        </button>
                      )}
                    </td>
                  );
                })}
                <td className="number">{formatCount(row.calls)}</td>
                <td className="number">
                  <ErrorShare ratio={row.errorShare} />
                </td>
                <td className="number">{formatDuration(row.p50)}</td>
                <td className="number">{formatDuration(row.p95)}</td>
                <td className="number">{formatDuration(row.p99)}</td>
                <td className="number">
                  <span className={styles.share}>
                    <i style={{ width: `${(row.total / Math.max(1, whole)) * 100}%` }} />
                  </span>
                  {formatPercent(row.total / Math.max(1, whole))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

const EMPTY: AnalysisTable = { columns: [], rows: [], groups: 0, step_nanos: null, sampled: null, adjusted: null };
