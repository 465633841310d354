// The same data as a real table: a row per time, a column per line.
import { LineChart as ChartIcon } from "lucide-react";
import { formatInstant } from "../lib/time/format.ts";
import type { Zone } from "../lib/time/zone.ts";
import styles from "./LineChart.module.css";
import { type Line, writerOf } from "./series.ts";

export interface DataTableProps {
  label: string;
  /** Unix seconds. */
  times: readonly number[];
  lines: readonly Line[];
  zone: Zone;
  format: (value: number) => string;
  onClose: () => void;
}

const ROWS_MAX = 1000;
const COLUMNS_MAX = 20;

export function DataTable({ label, times, lines, zone, format, onClose }: DataTableProps) {
  const columns = lines.slice(0, COLUMNS_MAX);
  const rows = times.map((time, at) => ({ time, at })).slice(-ROWS_MAX);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <section className={styles.table} tabIndex={0} aria-label={`${label} as a table`}>
      <div className={styles.tableHead}>
        <button type="button" className="button small" onClick={onClose}>
          <ChartIcon size={13} aria-hidden /> Chart
        </button>
        {(lines.length > COLUMNS_MAX || times.length > ROWS_MAX) && (
          <span className="faint">
            the newest {Math.min(ROWS_MAX, times.length)} times, {columns.length} of {lines.length} lines
          </span>
        )}
      </div>
      <table className="table">
        <thead>
          <tr>
            <th>Time</th>
            {columns.map((line) => (
              <th key={line.id} className="number">
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.reverse().map(({ time, at }) => (
            <tr key={time}>
              <td>{formatInstant(time * 1000, zone, false)}</td>
              {columns.map((line) => {
                const value = line.values[at];
                return (
                  <td key={line.id} className="number">
                    {value === null || value === undefined ? "\u2013" : writerOf(line, format)(value)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
