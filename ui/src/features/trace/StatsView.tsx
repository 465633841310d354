// Who owns the time: the critical path as one bar, and the spans of the trace by service and operation.
import { useMemo, useState } from "react";
import { ServiceName } from "../../components/ServiceName.tsx";
import { SortHead } from "../../components/SortHead.tsx";
import { formatCount, formatPercent } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { type CriticalPath, owners } from "./critical.ts";
import styles from "./StatsView.module.css";
import { type StatsRow, statsRows } from "./stats.ts";
import type { TraceTree } from "./tree.ts";

type Column = "count" | "errors" | "total" | "avg" | "p95" | "max" | "self" | "critical";

const COLUMNS: readonly [Column, string][] = [
  ["count", "Spans"],
  ["errors", "Errors"],
  ["total", "Total"],
  ["avg", "Mean"],
  ["p95", "p95"],
  ["max", "Max"],
  ["self", "Self"],
  ["critical", "Critical path"],
];

const OWNERS_MAX = 8;

export interface StatsViewProps {
  tree: TraceTree;
  path: CriticalPath;
  colours: ReadonlyMap<string, string>;
  onSelect: (index: number) => void;
}

export function StatsView({ tree, path, colours, onSelect }: StatsViewProps) {
  const [sort, setSort] = useState<Column>("critical");
  const rows = useMemo(() => statsRows(tree, path), [tree, path]);
  const sorted = [...rows].sort((a, b) => b[sort] - a[sort] || b.total - a.total);
  return (
    <div className={styles.box}>
      <Owners tree={tree} path={path} colours={colours} onSelect={onSelect} />
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
            <Row key={`${row.service} ${row.name}`} row={row} tree={tree} colours={colours} onSelect={onSelect} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row, tree, colours, onSelect }: { row: StatsRow } & Omit<StatsViewProps, "path">) {
  return (
    <tr>
      <td>
        <ServiceName name={row.service} colour={colours.get(row.service)} />
      </td>
      <td className={styles.name}>
        <button
          type="button"
          className={styles.pick}
          title={`${row.name}: show the longest`}
          onClick={() => onSelect(row.index)}
        >
          {row.name}
        </button>
      </td>
      <td className="number">{formatCount(row.count)}</td>
      <td className={`number ${row.errors > 0 ? styles.error : "faint"}`}>{formatCount(row.errors)}</td>
      <td className="number">{formatDuration(row.total)}</td>
      <td className="number">{formatDuration(row.avg)}</td>
      <td className="number">{formatDuration(row.p95)}</td>
      <td className="number">{formatDuration(row.max)}</td>
      <td className="number">{formatDuration(row.self)}</td>
      <td className="number">{formatDuration(row.critical)}</td>
      <td>
        <span className={styles.share}>
          <i style={{ width: `${(row.critical / tree.duration) * 100}%`, background: colours.get(row.service) }} />
        </span>
        {formatPercent(row.critical / tree.duration)}
      </td>
    </tr>
  );
}

/** The whole duration as one bar: its parts add up to it. */
function Owners({ tree, path, colours, onSelect }: StatsViewProps) {
  const all = useMemo(() => owners(tree, path), [tree, path]);
  const shown = all.slice(0, OWNERS_MAX);
  const rest = all.slice(OWNERS_MAX).reduce((sum, owner) => sum + owner.own, 0);
  const idle = tree.duration - all.reduce((sum, owner) => sum + owner.own, 0);
  return (
    <section className={styles.owners} aria-label={`Who owns the ${formatDuration(tree.duration)}`}>
      <h2>Who owns the {formatDuration(tree.duration)}</h2>
      <div className={styles.bar} aria-hidden>
        {shown.map((owner) => (
          <i
            key={`${owner.service} ${owner.name}`}
            style={{ width: `${(owner.own / tree.duration) * 100}%`, background: colours.get(owner.service) }}
            title={`${owner.service} ${owner.name}: ${formatDuration(owner.own)}`}
          />
        ))}
      </div>
      <ol className={styles.list}>
        {shown.map((owner) => (
          <li key={`${owner.service} ${owner.name}`}>
            <button type="button" className={styles.owner} onClick={() => onSelect(owner.largest)}>
              <i style={{ background: colours.get(owner.service) }} />
              <b>{formatPercent(owner.own / tree.duration)}</b>
              <span className="ellipsis">
                {owner.service} <span className="muted">{owner.name}</span>
              </span>
              <span className="faint">{formatDuration(owner.own)}</span>
            </button>
          </li>
        ))}
        {rest > 0 && (
          <li className={styles.other}>
            {formatPercent(rest / tree.duration)} {formatCount(all.length - OWNERS_MAX)} other operations
          </li>
        )}
        {idle > tree.duration * 0.001 && (
          <li className={styles.other}>{formatPercent(idle / tree.duration)} in which no span ran</li>
        )}
      </ol>
    </section>
  );
}
