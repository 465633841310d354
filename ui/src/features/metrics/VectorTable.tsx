// An instant result as a table. The labels of a series lead to that series alone.

import type { QueryResult } from "../../api/prometheus.ts";
import { CopyButton } from "../../components/CopyButton.tsx";
import { Pre } from "../../components/Pre.tsx";
import { formatValue, guessUnit } from "../../lib/units.ts";
import { seriesName } from "./labels.ts";
import styles from "./VectorTable.module.css";

const MAX_ROWS = 500;

export function VectorTable({
  result,
  query,
  title,
  onQuery,
}: {
  result: QueryResult;
  query: string;
  /** The name of the query, when there are several. */
  title: string | null;
  onQuery: (query: string) => void;
}) {
  const unit = guessUnit(query);
  if (result.text !== null) return <Pre className={styles.text}>{result.text}</Pre>;
  const rows = [...result.series].sort((a, b) => (b.values.at(-1) ?? 0) - (a.values.at(-1) ?? 0));
  return (
    <div className={styles.box}>
      <table className="table">
        <thead>
          <tr>
            <th>{title ? `${title}: series` : "Series"}</th>
            <th className="number">Value</th>
            <th className="number">Exact</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MAX_ROWS).map((series) => {
            const name = seriesName(series.labels);
            const value = series.values.at(-1) ?? Number.NaN;
            return (
              <tr key={name}>
                <td>
                  {series.labels.__name__ ? (
                    <button
                      type="button"
                      className={styles.series}
                      onClick={() => onQuery(name)}
                      title="Only this series"
                    >
                      {name}
                    </button>
                  ) : (
                    <code>{name}</code>
                  )}
                </td>
                <td className="number">{formatValue(value, unit)}</td>
                <td className={`number ${styles.exact}`}>
                  <code>{String(value)}</code>
                  <CopyButton text={String(value)} label="Copy the value" />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {rows.length > MAX_ROWS && (
        <p className={styles.more}>
          the {MAX_ROWS} largest of {rows.length} series
        </p>
      )}
    </div>
  );
}
