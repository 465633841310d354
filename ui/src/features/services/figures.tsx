// The columns that services and operations have in common: calls, rate, errors and durations.
import type { RedFigures } from "../../api/services.ts";
import { formatPercent, formatShort } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import styles from "./Services.module.css";

export type FigureColumn = "calls" | "rate_per_s" | "error_ratio" | "p50_nanos" | "p95_nanos" | "p99_nanos";

export const FIGURES: readonly { id: FigureColumn; title: string }[] = [
  { id: "calls", title: "Calls" },
  { id: "rate_per_s", title: "Rate" },
  { id: "error_ratio", title: "Errors" },
  { id: "p50_nanos", title: "p50" },
  { id: "p95_nanos", title: "p95" },
  { id: "p99_nanos", title: "p99" },
];

/** Largest first; equal ones by name, so the order does not jump on refresh. */
export function sortFigures<T extends RedFigures>(rows: readonly T[], column: FigureColumn): T[] {
  return [...rows].sort((a, b) => b[column] - a[column] || a.name.localeCompare(b.name));
}

/** `max` is the largest p95 of the table, for the bar behind it. */
export function FigureCells({ figures, max }: { figures: RedFigures; max: number }) {
  const bad = figures.error_ratio > 0;
  return (
    <>
      <td className="number">{formatShort(figures.calls)}</td>
      <td className="number">{formatShort(figures.rate_per_s)}/s</td>
      <td className="number">
        {bad ? (
          <span className="badge error" title={`${figures.errors} errors`}>
            {formatPercent(figures.error_ratio)}
          </span>
        ) : (
          <span className="faint">0 %</span>
        )}
      </td>
      <td className="number">{formatDuration(figures.p50_nanos)}</td>
      <td className="number">
        <span className={styles.bar}>
          <i style={{ width: `${max > 0 ? (figures.p95_nanos / max) * 100 : 0}%` }} />
        </span>
        <span className={styles.value}>{formatDuration(figures.p95_nanos)}</span>
      </td>
      <td className="number">{formatDuration(figures.p99_nanos)}</td>
    </>
  );
}
