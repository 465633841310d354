// The lines of a chart as a table: colour, name and statistics; filter, sort, show one alone or hide it.
import { useMemo, useState } from "react";
import { type Line, measureLine, STATS, type Stat, type Stats } from "../charts/series.ts";
import styles from "./LegendTable.module.css";
import { SortHead } from "./SortHead.tsx";

export interface LegendTableProps {
  lines: readonly Line[];
  hidden: ReadonlySet<string>;
  onHidden: (hidden: ReadonlySet<string>) => void;
  format: (value: number) => string;
  /** Shown above: labels that all lines have in common, limits. */
  note?: React.ReactNode;
}

const FILTER_FROM = 8;

function last(value: number): number {
  return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
}

/** What is hidden after one line was clicked: all others, or nothing when it was alone already. */
export function isolate(lines: readonly Line[], hidden: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const others = lines.filter((line) => line.id !== id).map((line) => line.id);
  const alone = !hidden.has(id) && hidden.size === others.length;
  return new Set(alone ? [] : others);
}

export function toggled(hidden: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(hidden);
  if (!next.delete(id)) next.add(id);
  return next;
}

export function LegendTable({ lines, hidden, onHidden, format, note }: LegendTableProps) {
  const [sort, setSort] = useState<Stat>("last");
  const [text, setText] = useState("");
  const measured = useMemo(
    () => lines.map((line): { line: Line; stats: Stats } => ({ line, stats: measureLine(line) })),
    [lines],
  );
  const rows = measured
    .filter(({ line }) => line.label.toLowerCase().includes(text.toLowerCase()))
    .sort((a, b) => last(b.stats[sort]) - last(a.stats[sort]));
  return (
    <div className={styles.box}>
      {(lines.length >= FILTER_FROM || note) && (
        <div className={styles.head}>
          {lines.length >= FILTER_FROM && (
            <input
              className="input"
              value={text}
              placeholder="Filter series"
              aria-label="Filter series"
              onChange={(event) => setText(event.target.value)}
            />
          )}
          {note}
        </div>
      )}
      <table className="table">
        <thead>
          <tr>
            <th>Series</th>
            {STATS.map((stat) => (
              <SortHead key={stat} active={sort === stat} onSort={() => setSort(stat)}>
                {stat}
              </SortHead>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ line, stats }) => (
            <tr key={line.id} data-hidden={hidden.has(line.id)} className={styles.row}>
              <td>
                <button
                  type="button"
                  className={styles.series}
                  aria-pressed={!hidden.has(line.id)}
                  title={`${line.label}\nClick: only this series. Ctrl+click or Space: show or hide.`}
                  onClick={(event) =>
                    onHidden(
                      event.ctrlKey || event.metaKey ? toggled(hidden, line.id) : isolate(lines, hidden, line.id),
                    )
                  }
                  onKeyDown={(event) => {
                    if (event.key === " ") {
                      event.preventDefault();
                      onHidden(toggled(hidden, line.id));
                      return;
                    }
                    const row = event.currentTarget.closest("tr");
                    const next =
                      event.key === "ArrowDown"
                        ? row?.nextElementSibling
                        : event.key === "ArrowUp"
                          ? row?.previousElementSibling
                          : null;
                    if (!next) return;
                    event.preventDefault();
                    event.stopPropagation();
                    next.querySelector("button")?.focus();
                  }}
                >
                  <i style={{ background: line.colour }} />
                  {line.label}
                </button>
              </td>
              {STATS.map((stat) => (
                <td key={stat} className="number">
                  {Number.isNaN(stats[stat]) ? "\u2013" : format(stats[stat])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
