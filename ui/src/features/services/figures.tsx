// The columns that services and operations have in common: calls, rate, errors and durations.

import type { RedFigures } from "../../api/services.ts";
import { ErrorShare } from "../../components/ErrorShare.tsx";
import { formatRate, formatShort } from "../../lib/number.ts";
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

export interface FigureProps {
  figures: RedFigures;
  /** The largest p95 of the table, for the bar behind it. */
  max: number;
}

export function FigureCells(props: FigureProps) {
  return FIGURES.map((figure) => <FigureCell key={figure.id} id={figure.id} {...props} />);
}

export function FigureCell({ id, figures, max }: FigureProps & { id: FigureColumn }) {
  // Without a call there is no duration and no share.
  if (figures.calls === 0 && id !== "calls" && id !== "rate_per_s") return <td className="number faint">–</td>;
  switch (id) {
    case "calls":
      return <td className="number">{formatShort(figures.calls)}</td>;
    case "rate_per_s":
      return <td className="number">{formatRate(figures.rate_per_s)}</td>;
    case "error_ratio":
      return (
        <td className="number">
          <ErrorShare ratio={figures.error_ratio} errors={figures.errors} />
        </td>
      );
    case "p95_nanos":
      return (
        <td className="number">
          <span className={styles.bar}>
            <i style={{ width: `${max > 0 ? (figures.p95_nanos / max) * 100 : 0}%` }} />
          </span>
          <span className={styles.value}>{formatDuration(figures.p95_nanos)}</span>
        </td>
      );
    default:
      return <td className="number">{formatDuration(figures[id])}</td>;
  }
}
