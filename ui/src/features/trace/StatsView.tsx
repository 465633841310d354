// Who owns the time: spans of the trace by service and operation.
import { useMemo, useState } from "react";
import { ServiceName } from "../../components/ServiceName.tsx";
import { SortHead } from "../../components/SortHead.tsx";
import { formatCount, formatPercent } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import type { Segment, Tree } from "./model.ts";
import styles from "./StatsView.module.css";

interface Row {
  service: string;
  name: string;
  count: number;
  errors: number;
  total: number;
  self: number;
  max: number;
  critical: number;
}

type Column = Exclude<keyof Row, "service" | "name">;

const COLUMNS: readonly [Column, string][] = [
  ["count", "Spans"],
  ["errors", "Errors"],
  ["total", "Total"],
  ["max", "Max"],
  ["self", "Self"],
  ["critical", "Critical path"],
];

export interface StatsViewProps {
  tree: Tree;
  critical: ReadonlyMap<number, Segment[]>;
  colours: ReadonlyMap<string, string>;
}

export function StatsView({ tree, critical, colours }: StatsViewProps) {
  const [sort, setSort] = useState<Column>("critical");
  const rows = useMemo(() => collect(tree, critical), [tree, critical]);
  const sorted = [...rows].sort((a, b) => b[sort] - a[sort]);
  return (
    <div className={styles.box}>
      <table className="table">
        <thead>
          <tr>
            <th>Service</th>
            <th>Operation</th>
            {COLUMNS.map(([column, title]) => (
              <SortHead key={column} active={sort === column} onSort={() => setSort(column)}>
                {title}
              </SortHead>
            ))}
            <th>Share of the trace</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={`${row.service} ${row.name}`}>
              <td>
                <ServiceName name={row.service} colour={colours.get(row.service)} />
              </td>
              <td className={styles.name}>{row.name}</td>
              <td className="number">{formatCount(row.count)}</td>
              <td className={`number ${row.errors > 0 ? styles.error : "faint"}`}>{formatCount(row.errors)}</td>
              <td className="number">{formatDuration(row.total)}</td>
              <td className="number">{formatDuration(row.max)}</td>
              <td className="number">{formatDuration(row.self)}</td>
              <td className="number">{formatDuration(row.critical)}</td>
              <td>
                <span className={styles.share}>
                  <i
                    style={{ width: `${(row.critical / tree.duration) * 100}%`, background: colours.get(row.service) }}
                  />
                </span>
                {formatPercent(row.critical / tree.duration)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function collect(tree: Tree, critical: ReadonlyMap<number, Segment[]>): Row[] {
  const rows = new Map<string, Row>();
  for (const node of tree.nodes) {
    const { service, name, duration_nanos } = node.span;
    const key = `${service}\n${name}`;
    const row = rows.get(key) ?? { service, name, count: 0, errors: 0, total: 0, self: 0, max: 0, critical: 0 };
    row.count++;
    row.errors += Number(node.isError);
    row.total += duration_nanos;
    row.self += node.self;
    row.max = Math.max(row.max, duration_nanos);
    row.critical += (critical.get(node.index) ?? []).reduce((sum, [start, end]) => sum + end - start, 0);
    rows.set(key, row);
  }
  return [...rows.values()];
}
