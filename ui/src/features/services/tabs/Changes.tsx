// The table "What changed": operations by their part in the change against the window before.

import { Link } from "@tanstack/react-router";
import type { OperationFigures } from "../../../api/services.ts";
import { ErrorShare } from "../../../components/ErrorShare.tsx";
import { term } from "../../../lib/filter.ts";
import { formatShort } from "../../../lib/number.ts";
import { formatDuration } from "../../../lib/time/format.ts";
import { useTimeSearch } from "../../../lib/view.ts";
import { changes, describeDelta } from "../changes.ts";
import styles from "../Service.module.css";

const SHOWN = 10;

export interface ChangesProps {
  service: string;
  now: readonly OperationFigures[];
  /** Null while it loads. */
  before: readonly OperationFigures[] | null;
}

export function Changes({ service, now, before }: ChangesProps) {
  const timeSearch = useTimeSearch();
  const rows = changes(now, before ?? [], SHOWN);
  const nothingBefore = before !== null && before.length === 0;
  return (
    <section className={styles.section}>
      <header>
        <h2>{nothingBefore ? "Operations by their work" : "What changed"}</h2>
        <span className="faint">
          {nothingBefore
            ? "calls times median; there is no data of the window before to compare with"
            : "against the window before, by the work that came or went (calls times median)"}
        </span>
      </header>
      <table className="table">
        <thead>
          <tr>
            <th>Operation</th>
            <th className="number">Work</th>
            <th className="number">Calls</th>
            <th />
            <th className="number">p95</th>
            <th />
            <th className="number">Errors</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.kind} ${row.name}`}>
              <td className={styles.statement}>
                <Link
                  to="/traces"
                  search={{ ...timeSearch, q: `${term("service", service)} ${term("name", row.name)}` }}
                  title={row.name}
                >
                  <code>{row.name}</code>
                </Link>
              </td>
              <td className="number">
                {row.workNanos > 0 && !nothingBefore ? "+" : ""}
                {formatDuration(row.workNanos)}
              </td>
              <td className="number">{formatShort(row.calls)}</td>
              <td className="faint">{nothingBefore ? "" : describeDelta(row.calls, row.callsBefore)}</td>
              <td className="number">{row.calls > 0 ? formatDuration(row.p95Nanos) : "–"}</td>
              <td>
                {!nothingBefore && (
                  <span
                    className={styles.delta}
                    data-way={
                      row.p95Nanos > row.p95BeforeNanos * 1.1
                        ? "up"
                        : row.p95Nanos < row.p95BeforeNanos * 0.9
                          ? "down"
                          : "same"
                    }
                  >
                    {row.calls > 0 && row.callsBefore > 0 ? describeDelta(row.p95Nanos, row.p95BeforeNanos) : ""}
                  </span>
                )}
              </td>
              <td className="number">
                <ErrorShare ratio={row.errorRatio} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
